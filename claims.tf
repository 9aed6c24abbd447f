# What only one deployment of an account and region may do: raise capacity, and write to a place.

locals {
  claim = "/hippolyte/raise-capacity"
  # keys do not hold the deployment's name: two in one place would take each other's runs for their own
  place = "/hippolyte/places/${substr(sha256("${local.bucket}/${local.prefix}"), 0, 16)}"

  claims = zipmap(
    data.aws_ssm_parameters_by_path.claims.names,
    nonsensitive(data.aws_ssm_parameters_by_path.claims.values),
  )
  claimed_by = lookup(local.claims, local.claim, var.name)
  taken_by   = lookup(local.claims, local.place, try(local.opened_by[0], var.name))
  # another deployment that went on to another place, and has something open in this one yet
  opened_by = [
    for name, value in local.claims : jsondecode(value).name
    if startswith(name, "/hippolyte/open/") && name != aws_ssm_parameter.open.name &&
    try(contains([for place in jsondecode(value).places : "${place.bucket}/${try(place.prefix, "")}"], "${local.bucket}/${local.prefix}"), false)
  ]
  own_names = [var.name, local.former_name]
}

# Read only to give the remedy at plan; what decides is that creating an existing parameter fails
data "aws_ssm_parameters_by_path" "claims" {
  path      = "/hippolyte"
  recursive = true
}

resource "aws_ssm_parameter" "claim" {
  #checkov:skip=CKV2_AWS_34:the value is the deployment's name, no secret, and is shown to whoever is refused
  count = var.raise_capacity == "true" ? 1 : 0

  name        = local.claim
  description = "The Hippolyte deployment that may raise read capacity in this account and region"
  type        = "String"
  value       = var.name

  tags = local.tags

  lifecycle {
    precondition {
      condition     = contains(local.own_names, local.claimed_by)
      error_message = "raise_capacity: deployment \"${local.claimed_by}\" already raises read capacity in account ${local.account}, ${local.region}, so \"${var.name}\" must not: each would give back what the other had raised. Set raise_capacity = false here or there."
    }
  }
}

# the name of a bucket that is created tells deployments apart by itself
resource "aws_ssm_parameter" "place" {
  #checkov:skip=CKV2_AWS_34:the value is the deployment's name, no secret, and is shown to whoever is refused
  count = local.create_bucket ? 0 : 1

  name        = local.place
  description = "The Hippolyte deployment of this account and region that writes to s3://${local.bucket}/${local.prefix}"
  type        = "String"
  value       = var.name

  tags = local.tags

  lifecycle {
    precondition {
      condition     = contains(local.own_names, local.taken_by)
      error_message = "backup_bucket: deployment \"${local.taken_by}\" of account ${local.account}, ${local.region}, already writes to \"${local.bucket}\" with prefix \"${local.prefix}\", so \"${var.name}\" must not: they would take each other's nights for their own. Give one of them another backup_bucket.prefix."
    }
  }
}
