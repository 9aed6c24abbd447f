variable "bucket" {
  description = "Name of the bucket."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", var.bucket)) && length(var.bucket) >= 3 && length(var.bucket) <= 63
    error_message = "bucket must be 3 to 63 lower-case letters, digits, hyphens and dots, got \"${var.bucket}\". Example: \"example-dynamodb-backups\"."
  }
}

variable "account_ids" {
  description = "The accounts whose deployments may write here, each below `<part>/<account>/` only. The bucket's own account may be one of them."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.account_ids) > 0 && alltrue([for id in var.account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "account_ids must be at least one account's id of 12 digits, got ${jsonencode(var.account_ids)}. Example: [\"111111111111\"]; quote them, a leading zero would be lost."
  }

  validation {
    condition     = length(distinct(var.account_ids)) == length(var.account_ids)
    error_message = "account_ids names an account twice: ${jsonencode(var.account_ids)}. Remove the duplicate."
  }
}

variable "names" {
  description = "Names of the deployments (`name` of the main module) whose roles may write here, the same in all accounts. Roles of other names are not let in, whatever their own policies say."
  type        = list(string)
  default     = ["hippolyte"]
  nullable    = false

  validation {
    condition     = length(var.names) > 0 && alltrue([for name in var.names : can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", name)) && length(name) <= 27])
    error_message = "names must be deployments' names (2 to 27 lower-case letters, digits and single hyphens), got ${jsonencode(var.names)}. Example: [\"hippolyte\"]."
  }
}

variable "prefix" {
  description = "What stands before every key, no slash at either end. Default: none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*)?$", var.prefix)) && length(var.prefix) <= 200
    error_message = "prefix must be up to 200 letters, digits and _.=- in parts divided by single slashes, none at either end, got \"${var.prefix}\". Example: \"dynamodb/prod\"."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key to encrypt with; its policy must let the accounts use it through S3 (the README shows how). `null`: a key is created."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key (not of an alias), got ${jsonencode(var.kms_key_arn)}. Example: \"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\"; null to have one created."
  }
}

variable "retention_days" {
  description = "Days a backup, and what an undo replaced, is kept: a whole number, 2 to 3650."
  type        = number
  default     = 35
  nullable    = false

  validation {
    condition     = var.retention_days >= 2 && var.retention_days <= 3650 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number from 2 (below that one bad night leaves no backup) to 3650, got ${var.retention_days}. Example: 35."
  }
}

variable "noncurrent_days" {
  description = "Days an overwritten or deleted object can still be had back: a whole number, 7 to 3650. The time there is to notice that an account overwrites its backups."
  type        = number
  default     = 35
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 7 && var.noncurrent_days <= 3650 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days must be a whole number from 7 (a long week-end must not be enough to lose a backup) to 3650, got ${var.noncurrent_days}. Example: 35."
  }
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete the bucket with every backup in it. `false`: bucket, settings and created key stay, and destroy says so. Apply `true` before destroy."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags of every resource of this module."
  type        = map(string)
  default     = {}
  nullable    = false
}
