variable "name" {
  description = "Start of the roles' names: `<name>-read`, `<name>-operate`, `<name>-restore`, `<name>-undo` and `<name>-verify`."
  type        = string
  default     = "hippolyte-operator"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,56}$", var.name))
    error_message = "name must be 1 to 56 letters, digits and +=,.@_-, got \"${var.name}\". Example: \"hippolyte-operator\"."
  }
}

variable "trusted_arns" {
  description = "ARNs of the users, roles or accounts that may assume the roles; an account's root (`arn:aws:iam::111111111111:root`) leaves the choice to that account."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.trusted_arns) > 0 && alltrue([for arn in var.trusted_arns : can(regex("^arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:.+$", arn))])
    error_message = "trusted_arns must be at least one ARN of a user, role or account, got ${jsonencode(var.trusted_arns)}. Example: [\"arn:aws:iam::111111111111:role/oncall\"]; \"*\" would let everybody in."
  }
}

variable "require_mfa" {
  description = "Whether the roles can be assumed only after multi-factor authentication. Sessions of IAM Identity Center do not say that they had it: set false there and ask for it in Identity Center."
  type        = bool
  default     = true
  nullable    = false
}

variable "backup_bucket" {
  description = "Where the backups are, as output `backup_bucket` of modules/backup-bucket has it: `name` of the bucket; `prefix` in it (default: none); `kms_key_arn` of the key they are encrypted with (default `null`: S3's own)."
  type = object({
    name        = string
    prefix      = optional(string, "")
    kms_key_arn = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.backup_bucket.name)) && can(regex("^([^/*?]+(/[^/*?]+)*)?$", var.backup_bucket.prefix))
    error_message = "backup_bucket must have a bucket's name, and a prefix without slashes at its ends, * or ?, got ${jsonencode(var.backup_bucket)}. Example: { name = \"backups-111111111111\", prefix = \"dynamodb\" }."
  }
}

variable "account_ids" {
  description = "Accounts whose tables' backups may be read. Default: this account."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "account_ids must be accounts' ids of 12 digits, got ${jsonencode(var.account_ids)}. Example: [\"111111111111\"]; quote them, a leading zero would be lost."
  }
}

variable "regions" {
  description = "Regions whose tables' backups may be read. Default: this region."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for region in var.regions : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", region))])
    error_message = "regions must be names of regions, got ${jsonencode(var.regions)}. Example: [\"eu-central-1\"]."
  }
}

variable "table_prefixes" {
  description = "Starts of the names of the tables whose backups may be read; `\"\"` is all. Default: all."
  type        = list(string)
  default     = [""]
  nullable    = false

  validation {
    condition     = length(var.table_prefixes) > 0 && alltrue([for start in var.table_prefixes : can(regex("^[A-Za-z0-9_.-]{0,255}$", start))])
    error_message = "table_prefixes must be starts of tables' names, without *, got ${jsonencode(var.table_prefixes)}. Example: [\"orders-\", \"customers\"]."
  }
}

variable "restore_table_prefixes" {
  description = "Starts of the names of the tables, in this account and region, that the role `<name>-restore` may make and write into. Default: none, and no such role. `\"\"` is every table, live ones too."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for start in var.restore_table_prefixes : can(regex("^[A-Za-z0-9_.-]{0,255}$", start))])
    error_message = "restore_table_prefixes must be starts of tables' names, without *, got ${jsonencode(var.restore_table_prefixes)}. Example: [\"restored-\"]."
  }
}

variable "undo_table_prefixes" {
  description = "Starts of the names of the tables, in this account and region, whose items the role `<name>-undo` may read, write and delete: `hippolyte undo` of living tables. Default: none, and no such role."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for start in var.undo_table_prefixes : can(regex("^[A-Za-z0-9_.-]{0,255}$", start))])
    error_message = "undo_table_prefixes must be starts of tables' names, without *, got ${jsonencode(var.undo_table_prefixes)}. Example: [\"orders-\"]."
  }
}

variable "deployment_names" {
  description = "Names of the deployments, in this account and region, that the role `<name>-operate` may look at, and whose scheduler and monitor it may ask: `hippolyte doctor`, `report` without `--bucket`, `test-alert`. IAM cannot tell what they are asked, so it may begin and end nights, too. It reads what the role `<name>-read` does. Default: none, and no such role."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.deployment_names : can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", name)) && length(name) <= 27])
    error_message = "deployment_names must be deployments' names (2 to 27 lower-case letters, digits and single hyphens), got ${jsonencode(var.deployment_names)}. Example: [\"hippolyte\"]."
  }
}

variable "verify_by_restoring" {
  description = "Whether there is a role `<name>-verify` for `hippolyte verify --level 4`: it reads backups, makes tables `hippolyte-verify-*` in this account and region, writes and reads those and deletes them, and notes in the catalogue what it found."
  type        = bool
  default     = false
  nullable    = false
}

variable "table_kms_key_arns" {
  description = "ARNs of the customer's keys that tables are encrypted with which these roles make. Default: none."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.table_kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", arn))])
    error_message = "table_kms_key_arns must be keys' ARNs, got ${jsonencode(var.table_kms_key_arns)}. Example: [\"arn:aws:kms:eu-central-1:111111111111:key/...\"]."
  }
}

variable "max_session_seconds" {
  description = "How long a session may last: 3,600 to 43,200. A restore that outlasts it goes on when it is called again."
  type        = number
  default     = 14400
  nullable    = false

  validation {
    condition     = var.max_session_seconds >= 3600 && var.max_session_seconds <= 43200
    error_message = "max_session_seconds must be 3600 to 43200, got ${var.max_session_seconds}."
  }
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds the roles. Default `null`: none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource of this module."
  type        = map(string)
  default     = {}
  nullable    = false
}
