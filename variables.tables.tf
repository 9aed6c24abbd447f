# Which tables, and how gently they are read.

variable "tables" {
  description = <<-EOT
    Which tables are backed up. Rules in this order, the first that matches a table decides: `always`, `exclude`, `exclude_tags`, `include`, `include_tags`; a table that none matches is not backed up.
    - `always`: backed up even if excluded; a name here that matches no table is told to a person.
    - `exclude`: not backed up.
    - `exclude_tags`: not backed up. Tag keys, each with globs over its value; `["*"]`: whatever the value. One key that matches is enough.
    - `include`: backed up. Default: all. Narrow it, or set it to `[]`, for `include_tags` to have something to say.
    - `include_tags`: backed up; form as of `exclude_tags`.
    Names are matched by globs over the whole name (`*` any characters, `?` one), tags likewise; all case-sensitive. Tags are read at the window's start; a table whose tags cannot be read is backed up, and a person is told. The lists may be of any length, in any script, and unknown at plan, as long as all settings fit 40,000 characters packed: some thousand names.
  EOT
  type        = any
  default     = {}
  nullable    = false
}

variable "native_export" {
  description = <<-EOT
    Which tables DynamoDB itself exports, out of their point-in-time recovery: all as of the window's start, and without reading any capacity (`docs/native.md`). Default: none, for it is charged by the gigabyte; the plan says how much.
    - `tables`: globs over names, as in `tables`. A table whose point-in-time recovery is off is read as the others, and the report says so; it is never switched on by this module.
    - `exclude`: not these.
  EOT
  type        = any
  default     = {}
  nullable    = false
}

variable "consumed_percentage" {
  description = "Share of a table's read capacity the backup may take, in percent: a whole number, 1 to 100. The rest stays with the application, also when capacity is raised."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.consumed_percentage >= 1 && var.consumed_percentage <= 100 && floor(var.consumed_percentage) == var.consumed_percentage
    error_message = "consumed_percentage must be a whole number from 1 to 100 (percent), got ${var.consumed_percentage}. Example: 50."
  }
}

variable "consistent_reads" {
  description = "Whether the exporter's reads are strongly consistent: each item as it is at that moment, for twice the read units. With `engine = \"lambda\"` only; export tools read as they do."
  type        = bool
  default     = false
  nullable    = false
}

variable "raise_capacity" {
  description = "Whether read capacity may be raised for tables that would not fit the window. One deployment per account and region may; it claims this with an SSM parameter. `false`: tables are read at the share of what they have. `\"plan\"`: likewise, and the report says what would have been raised."
  type        = string
  default     = "true"
  nullable    = false

  validation {
    condition     = contains(["true", "false", "plan"], var.raise_capacity)
    error_message = "raise_capacity must be true, false or \"plan\", got ${jsonencode(var.raise_capacity)}. Take \"plan\" to see first what would be raised."
  }
}

variable "raise_above_warm_throughput" {
  description = "Whether a raise may go above a table's warm throughput, where it knows that (`DescribeTable`): it takes longer, and the table's partitions grow for good. With `raise_capacity` other than `false`."
  type        = bool
  default     = false
  nullable    = false
}

variable "max_read_capacity" {
  description = "Most read capacity units a table may be raised to. `null`: the table's and the account's quotas bind."
  type        = number
  default     = null

  validation {
    condition     = var.max_read_capacity == null ? true : var.max_read_capacity >= 1 && floor(var.max_read_capacity) == var.max_read_capacity
    error_message = "max_read_capacity must be a whole number of read capacity units from 1, got ${jsonencode(var.max_read_capacity)}. Use null for no ceiling of your own, raise_capacity = false for no raise at all."
  }
}

variable "max_night_usd" {
  description = "Most a run may be estimated to cost, in US dollars as `docs/costs.md` reckons, storage not included. Tables that do not go into it are left out, the dearest first, and a person is told. `null`: no limit."
  type        = number
  default     = null

  validation {
    condition     = var.max_night_usd == null ? true : var.max_night_usd > 0
    error_message = "max_night_usd must be a number of US dollars above 0, got ${jsonencode(var.max_night_usd)}. Use null for no limit, enabled = false for no nights at all."
  }
}

variable "verify_days" {
  description = "In how many nights each table's backup is read back once, to the end of every line (`docs/verification.md`), by the exporter: a share of the tables each night, once all have their verdicts, for an hour at the most. `0`: never. `null`: in `retention_days`."
  type        = number
  default     = null

  validation {
    condition     = var.verify_days == null ? true : var.verify_days >= 0 && var.verify_days <= 3650 && floor(var.verify_days) == var.verify_days
    error_message = "verify_days must be a whole number from 0 (no backup is read back) to 3650, got ${jsonencode(var.verify_days)}. Example: 35. Use null for as many as retention_days."
  }
}

variable "restore_drill" {
  description = <<-EOT
    Each night one table's backup in turn is imported by DynamoDB's ImportTable into `hippolyte-drill-<table>`, counted and deleted (`docs/drill.md`). `null`: none is; `{}`: with the defaults.
    - `canary`: a table that is drilled every night beside the one in turn.
    - `max_bytes`: no table above this size, in bytes. Default: 10 GB. Those above a tenth of it come at most every 30 days.
    - `max_usd`: most that a night's imports may cost, in US dollars by `prices.import_gb`. Default: 2.
    - `exclude`: globs of tables whose turn never comes.
  EOT
  type        = any
  default     = null
}

variable "prices" {
  description = <<-EOT
    What AWS asks for in your region, in US dollars, for the estimates of cost; what is left out is us-east-1's as of 2026-11 (docs/costs.md).
    - `region`, `dated`: whose prices they are and of when, said beside each estimate, like `eu-west-1` and `2026-11`.
    - `read_unit_hour`: a provisioned read capacity unit by the hour.
    - `on_demand_million`: a million read request units.
    - `node_hour`: a cluster's node by the hour, EMR's surcharge with it.
    - `function_gb_second`: an arm64 function, per GB and second.
    - `transition_thousand`: a thousand state transitions of a Standard machine.
    - `put_thousand`, `get_thousand`: a thousand of S3's writes and listings, and of its reads.
    - `storage_gb_month`: S3, per GB and month.
    - `import_gb`: ImportTable, per uncompressed GB.
    - `export_gb`: a native export, per GB of the table.
    - `activity_month`: an activity of Data Pipeline (low frequency), per month that it is there.
  EOT
  type        = any
  default     = {}
  nullable    = false
}

variable "planning" {
  description = <<-EOT
    Figures the planner reckons with; all whole numbers but one.
    - `attempts`: tries per table and night, 1 to 5.
    - `max_clusters`: clusters at the same time, 1 to 100.
    - `bytes_per_read_unit`: bytes one read unit brings per second, 1024 to 8192. `null`: the engine's own, 7680 with `lambda` (half of it with `consistent_reads`), a careful 4096 with the others.
    - `cluster_bytes_per_second`: what a cluster reads at the most, 100000 to 10000000000. `null`: 1 MiB for each mapper that its core nodes hold (docs/planning.md).
    - `cluster_bootstrap_seconds`: from launch to a usable cluster, 0 to 7200.
    - `activity_bootstrap_seconds`: start of one export, 0 to 3600.
    - `on_demand_read_rate`: units per second wanted of an on-demand table, 1 to 40000.
    - `item_count_tolerance_percentage`: by how much items read may differ from the table's count before a person is told, 0 to 100.
    - `discovery_concurrency`: DescribeTable calls at the same time, 1 to 32.
    - `estimates`: `measured`, how fast a table is read is taken from its last nights where they say it (docs/planning.md), or `formula`. Default: `measured`. The one that is no number.
  EOT
  type        = any
  default     = {}
  nullable    = false
}
