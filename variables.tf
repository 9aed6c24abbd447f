# This deployment: its name, when it runs, and with which functions.
# Every rule that concerns one variable alone stands beside it, an object's beside its type in modules/inputs (here it is
# `any`, as Terraform drops in silence what an object's type does not name: inputs.tf); rules across variables are in
# checks.tf. All refer to variables only, so that inputs can be tested without a provider.

variable "name" {
  description = "Name of this deployment; every resource's name starts with it. 2 to 27 characters: lower-case letters, digits and single hyphens, starting with a letter (27, because the bucket's name adds account and region and may have 63)."
  type        = string
  default     = "hippolyte"
  nullable    = false

  validation {
    condition     = length(var.name) <= 27 && can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2
    error_message = "name must be 2 to 27 lower-case letters, digits and single hyphens, starting with a letter, got \"${var.name}\" (${length(var.name)} characters). Example: \"hippolyte\"."
  }
}

variable "enabled" {
  description = "Whether nights are started. `false` stops new nights only: the monitor goes on, so that a night under way ends and capacity is given back."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags of every resource that Terraform makes here, beside the provider's default tags, and of the nights' clusters, whose instances and volumes get them from EMR, and pipelines. At most 40; keys of 1 to 128 characters not starting with `aws:`, values of up to 256. A pipeline takes ten tags with ours: the first seven, by key. A module cannot see the provider's `default_tags`: what clusters must bear, e.g. as an SCP demands it, name here."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 40
    error_message = "tags must hold at most 40 tags (AWS allows 50 on a resource, default tags included), got ${length(var.tags)}. Remove some."
  }

  validation {
    condition     = alltrue([for key, value in var.tags : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && !startswith(lower(key), "aws:")])
    error_message = "tags: keys must be 1 to 128 letters, digits, blanks and _.:/=+-@ and not start with \"aws:\", got ${jsonencode(keys(var.tags))}. Rename the key."
  }

  validation {
    condition     = alltrue([for value in values(var.tags) : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value))])
    error_message = "tags: values must be up to 256 letters, digits, blanks and _.:/=+-@, got ${jsonencode(var.tags)}. Shorten the value or take out other characters."
  }
}

variable "permissions_boundary" {
  description = "ARN of the IAM policy that bounds every role of this module. `null`: no boundary."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of an IAM policy, got ${jsonencode(var.permissions_boundary)}. Example: \"arn:aws:iam::123456789012:policy/boundary\"; null for none."
  }
}

variable "role_path" {
  description = "Path of every role and of the clusters' instance profile, with a slash at either end: `/` or `/teams/data/`."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([A-Za-z0-9_.,+=@-]+/)*$", var.role_path)) && length(var.role_path) <= 200
    error_message = "role_path must be up to 200 characters, begin and end with a slash, got ${jsonencode(var.role_path)}. Example: \"/teams/data/\"; \"/\" for none."
  }
}

variable "vpc" {
  description = <<-EOT
    Network of the functions, where an SCP or a guard rail demands one. `null`: none, which is the simplest: they call AWS's public APIs only.
    - `subnet_ids`: private subnets that reach the APIs by NAT or by endpoints: DynamoDB, S3, Application Auto Scaling, CloudWatch, SNS, SSM, EC2 and IAM (looked at once, can do without), the engine's (Step Functions and Lambda; EMR and EventBridge Scheduler; Data Pipeline has none), STS.
    - `security_group_ids`: groups that let out TCP 443; nothing comes in.
  EOT
  type        = any
  default     = null
}

variable "backup_window" {
  description = <<-EOT
    The time the night may take.
    - `start`, `end`: `HH:MM`, 24 hours, in `timezone`. An end at or before the start is on the next day. The run begins at the start; at the end whatever still runs is cancelled.
    - `timezone`: IANA name such as `Europe/Berlin`. With a zone that changes its clocks the window keeps its length.
  EOT
  type        = any
  default     = {}
  nullable    = false
}

variable "lambda" {
  description = <<-EOT
    The functions; what concerns the exporter alone is in `exporter`.
    - `runtime`: `python3.11` to `python3.14` (the last needs provider 6).
    - `memory_size`: of scheduler and monitor, MB, 256 to 10240. Thousands of tables want 1024.
    - `log_retention_days`: one of CloudWatch's values.
  EOT
  type        = any
  default     = {}
  nullable    = false
}
