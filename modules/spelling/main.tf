# Terraform drops in silence what an object's type does not name, and a misspelt attribute then has no effect. This refuses
# it. The nearest name is the one that shares most pairs of letters (Dice's coefficient), with a blank at either end.

locals {
  misspelt = flatten([
    for object, value in var.given : [
      for name in try(keys(value), []) : { object = object, name = name } if !contains(var.attributes[object], name)
    ]
  ])

  words = distinct(flatten([local.misspelt[*].name, values(var.attributes)]))
  pairs = { for word in local.words : word => [for at in range(length(word) + 1) : substr(" ${lower(word)} ", at, 2)] }

  # per cent of the pairs that are shared, and the name; the nearest comes last
  ranked = [
    for wrong in local.misspelt : sort([
      for name in var.attributes[wrong.object] : format(
        "%03d %s",
        floor(200 * length(setintersection(local.pairs[name], local.pairs[wrong.name])) / (length(local.pairs[name]) + length(local.pairs[wrong.name]))),
        name,
      )
    ])
  ]
  nearest = [for ranking in local.ranked : reverse(ranking)[0]]

  messages = [
    for number, wrong in local.misspelt : join("", [
      "${wrong.object} has no attribute \"${wrong.name}\"",
      tonumber(substr(local.nearest[number], 0, 3)) < 25 ? "." : ": did you mean \"${substr(local.nearest[number], 4, -1)}\"?",
      " It takes ${join(", ", sort(var.attributes[wrong.object]))}.",
    ])
  ]
}
