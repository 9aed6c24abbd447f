# Which tables: the rules over names and tags.

variable "tables" {
  description = <<-EOT
    Which tables are backed up. Rules in this order, the first that matches a table decides: `always`, `exclude`, `exclude_tags`, `include`, `include_tags`; a table that none matches is not backed up.
    - `always`: backed up even if excluded; a name here that matches no table is told to a person.
    - `exclude`: not backed up.
    - `exclude_tags`: not backed up. Tag keys, each with globs over its value; `["*"]`: whatever the value. One key that matches is enough.
    - `include`: backed up. Default: all. Narrow it, or set it to `[]`, for `include_tags` to have something to say.
    - `include_tags`: backed up; form as of `exclude_tags`.
    Names are matched by globs over the whole name (`*` any characters, `?` one), tags likewise; all case-sensitive. Tags are read at the window's start; a table whose tags cannot be read is backed up, and a person is told.
  EOT
  type = object({
    always       = optional(list(string), [])
    exclude      = optional(list(string), [])
    exclude_tags = optional(map(list(string)), {})
    include      = optional(list(string), ["*"])
    include_tags = optional(map(list(string)), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for glob in var.tables.always : can(regex("^[A-Za-z0-9_.*?-]{1,255}$", glob))])
    error_message = "tables.always: a glob is 1 to 255 letters, digits, _.- and the wildcards * and ?, got ${jsonencode(var.tables.always)}. Example: [\"orders\"]."
  }

  validation {
    condition     = alltrue([for glob in var.tables.exclude : can(regex("^[A-Za-z0-9_.*?-]{1,255}$", glob))])
    error_message = "tables.exclude: a glob is 1 to 255 letters, digits, _.- and the wildcards * and ?, got ${jsonencode(var.tables.exclude)}. Example: [\"scratch-*\"]."
  }

  validation {
    condition     = alltrue([for glob in var.tables.include : can(regex("^[A-Za-z0-9_.*?-]{1,255}$", glob))])
    error_message = "tables.include: a glob is 1 to 255 letters, digits, _.- and the wildcards * and ?, got ${jsonencode(var.tables.include)}. Example: [\"orders-*\"]."
  }

  validation {
    condition     = alltrue([for key, globs in var.tables.exclude_tags : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && try(length(globs), 0) > 0])
    error_message = "tables.exclude_tags: each key must be a tag's key (1 to 128 letters, digits, blanks and _.:/=+-@) with at least one glob over its value, got ${jsonencode(var.tables.exclude_tags)}. Example: { backup = [\"no\"] }; [\"*\"] for any value."
  }

  validation {
    condition     = alltrue([for glob in flatten(values(var.tables.exclude_tags)) : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@*?-]{0,256}$", glob))])
    error_message = "tables.exclude_tags: a glob over a tag's value is up to 256 letters, digits, blanks, _.:/=+-@ and the wildcards * and ?, got ${jsonencode(var.tables.exclude_tags)}. Example: { backup = [\"no\"] }."
  }

  validation {
    condition     = alltrue([for key, globs in var.tables.include_tags : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && try(length(globs), 0) > 0])
    error_message = "tables.include_tags: each key must be a tag's key (1 to 128 letters, digits, blanks and _.:/=+-@) with at least one glob over its value, got ${jsonencode(var.tables.include_tags)}. Example: { backup = [\"yes\", \"nightly\"] }; [\"*\"] for any value."
  }

  validation {
    condition     = alltrue([for glob in flatten(values(var.tables.include_tags)) : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@*?-]{0,256}$", glob))])
    error_message = "tables.include_tags: a glob over a tag's value is up to 256 letters, digits, blanks, _.:/=+-@ and the wildcards * and ?, got ${jsonencode(var.tables.include_tags)}. Example: { backup = [\"yes\", \"nightly\"] }."
  }

  validation {
    condition     = length(var.tables.include_tags) == 0 || !contains(var.tables.include, "*")
    error_message = "tables.include_tags (${jsonencode(var.tables.include_tags)}) has no effect while tables.include holds \"*\", its default: every table is included already. Set include = [] to back up tagged tables only, or name globs beside the tags."
  }

  validation {
    condition     = length(var.tables.always) > 0 || (length(var.tables.include) + length(var.tables.include_tags) > 0 && !contains(var.tables.exclude, "*"))
    error_message = "tables selects nothing: include is ${jsonencode(var.tables.include)}, include_tags {}, exclude ${jsonencode(var.tables.exclude)}, always []. Include something (default [\"*\"]) or set enabled = false."
  }
}
