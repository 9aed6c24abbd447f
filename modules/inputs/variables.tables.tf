# Which tables, and how gently they are read.

variable "tables" {
  description = "The root's `tables`, with its type and rules."
  type = object({
    always       = optional(list(string), [])
    exclude      = optional(list(string), [])
    exclude_tags = optional(map(list(string)), {})
    include      = optional(list(string), ["*"])
    include_tags = optional(map(list(string)), {})
  })
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

variable "planning" {
  description = "The root's `planning`, with its type and rules."
  type = object({
    attempts                        = optional(number, 2)
    max_clusters                    = optional(number, 10)
    bytes_per_read_unit             = optional(number)
    cluster_bytes_per_second        = optional(number)
    cluster_bootstrap_seconds       = optional(number, 600)
    activity_bootstrap_seconds      = optional(number, 60)
    on_demand_read_rate             = optional(number, 1000)
    item_count_tolerance_percentage = optional(number, 20)
    discovery_concurrency           = optional(number, 24)
    estimates                       = optional(string, "measured")
  })
  nullable = false

  validation {
    condition     = contains(range(1, 6), var.planning.attempts)
    error_message = "planning.attempts must be a whole number from 1 to 5, got ${var.planning.attempts}. Example: 2."
  }

  validation {
    condition     = contains(range(1, 101), var.planning.max_clusters)
    error_message = "planning.max_clusters must be a whole number from 1 to 100, got ${var.planning.max_clusters}. Example: 10."
  }

  validation {
    condition     = var.planning.bytes_per_read_unit == null ? true : var.planning.bytes_per_read_unit >= 1024 && var.planning.bytes_per_read_unit <= 8192 && floor(var.planning.bytes_per_read_unit) == var.planning.bytes_per_read_unit
    error_message = "planning.bytes_per_read_unit must be a whole number of bytes from 1024 to 8192, got ${jsonencode(var.planning.bytes_per_read_unit)}. Example: 4096; null for the engine's own."
  }

  validation {
    condition     = var.planning.cluster_bytes_per_second == null ? true : var.planning.cluster_bytes_per_second >= 100000 && var.planning.cluster_bytes_per_second <= 10000000000 && floor(var.planning.cluster_bytes_per_second) == var.planning.cluster_bytes_per_second
    error_message = "planning.cluster_bytes_per_second must be a whole number of bytes from 100000 to 10000000000, got ${jsonencode(var.planning.cluster_bytes_per_second)}. Example: 6000000; null for 1 MiB a mapper."
  }

  validation {
    condition     = var.planning.cluster_bootstrap_seconds >= 0 && var.planning.cluster_bootstrap_seconds <= 7200 && floor(var.planning.cluster_bootstrap_seconds) == var.planning.cluster_bootstrap_seconds
    error_message = "planning.cluster_bootstrap_seconds must be a whole number of seconds from 0 to 7200, got ${var.planning.cluster_bootstrap_seconds}. Example: 600."
  }

  validation {
    condition     = var.planning.activity_bootstrap_seconds >= 0 && var.planning.activity_bootstrap_seconds <= 3600 && floor(var.planning.activity_bootstrap_seconds) == var.planning.activity_bootstrap_seconds
    error_message = "planning.activity_bootstrap_seconds must be a whole number of seconds from 0 to 3600, got ${var.planning.activity_bootstrap_seconds}. Example: 60."
  }

  validation {
    condition     = var.planning.on_demand_read_rate >= 1 && var.planning.on_demand_read_rate <= 40000 && floor(var.planning.on_demand_read_rate) == var.planning.on_demand_read_rate
    error_message = "planning.on_demand_read_rate must be a whole number of units per second from 1 to 40000, got ${var.planning.on_demand_read_rate}. Example: 1000."
  }

  validation {
    condition     = contains(range(0, 101), var.planning.item_count_tolerance_percentage)
    error_message = "planning.item_count_tolerance_percentage must be a whole number from 0 to 100 (percent), got ${var.planning.item_count_tolerance_percentage}. Example: 20."
  }

  validation {
    condition     = contains(range(1, 33), var.planning.discovery_concurrency)
    error_message = "planning.discovery_concurrency must be a whole number from 1 to 32, got ${var.planning.discovery_concurrency}. Example: 24."
  }
  validation {
    condition     = contains(["measured", "formula"], var.planning.estimates)
    error_message = "planning.estimates must be \"measured\" or \"formula\", got ${jsonencode(var.planning.estimates)}. Take \"formula\" to leave aside what nights have measured."
  }
}

variable "native_export" {
  description = "The root's `native_export`, with its type and rules."
  type = object({
    tables  = optional(list(string), [])
    exclude = optional(list(string), [])
  })
  nullable = false

  validation {
    condition     = alltrue([for glob in concat(var.native_export.tables, var.native_export.exclude) : can(regex("^[A-Za-z0-9_.*?-]{1,255}$", glob))])
    error_message = "native_export: a glob is 1 to 255 letters, digits, _.- and the wildcards * and ?, got ${jsonencode(var.native_export)}. Example: { tables = [\"orders*\"], exclude = [\"orders-scratch\"] }."
  }

  validation {
    condition     = length(var.native_export.tables) > 0 || length(var.native_export.exclude) == 0
    error_message = "native_export.exclude (${jsonencode(var.native_export.exclude)}) has no effect without native_export.tables. Name tables to export natively, or remove native_export."
  }
}

variable "prices" {
  description = "The root's `prices`, with its type and rules."
  type = object({
    region              = optional(string, "us-east-1")
    dated               = optional(string, "2026-11")
    read_unit_hour      = optional(number, 0.00013)
    on_demand_million   = optional(number, 0.125)
    node_hour           = optional(number, 0.24)
    function_gb_second  = optional(number, 0.0000133334)
    transition_thousand = optional(number, 0.025)
    put_thousand        = optional(number, 0.005)
    get_thousand        = optional(number, 0.0004)
    storage_gb_month    = optional(number, 0.023)
    import_gb           = optional(number, 0.15)
    export_gb           = optional(number, 0.10)
    activity_month      = optional(number, 0.6)
  })
  nullable = false

  validation {
    condition     = alltrue([for name, usd in var.prices : try(usd > 0, false) if !contains(["region", "dated"], name)])
    error_message = "prices: each must be a number of US dollars above 0, got ${jsonencode(var.prices)}. Example: { region = \"eu-west-1\", dated = \"2026-11\", read_unit_hour = 0.000147 }; leave out what you do not know."
  }
}

variable "restore_drill" {
  description = "The root's `restore_drill`, with its type and rules. `null`: no drills."
  type = object({
    canary    = optional(string)
    max_bytes = optional(number, 10000000000)
    max_usd   = optional(number, 2)
    exclude   = optional(list(string), [])
  })
  default = null

  validation {
    condition     = var.restore_drill == null ? true : var.restore_drill.max_bytes >= 1 && floor(var.restore_drill.max_bytes) == var.restore_drill.max_bytes && var.restore_drill.max_usd > 0
    error_message = "restore_drill: max_bytes must be a whole number of bytes from 1 and max_usd a number of US dollars above 0, got ${jsonencode(var.restore_drill)}. Example: { canary = \"orders\", max_bytes = 10000000000, max_usd = 2 }; null for no drills."
  }
}
