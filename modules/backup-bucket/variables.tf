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
  description = "The accounts whose deployments may write here, each below `<part>/<account>/` only. The bucket's own account may be one of them. Either these or `organization_id`."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "account_ids must be accounts' ids of 12 digits, got ${jsonencode(var.account_ids)}. Example: [\"111111111111\"]; quote them, a leading zero would be lost."
  }

  validation {
    condition     = length(distinct(var.account_ids)) == length(var.account_ids)
    error_message = "account_ids names an account twice: ${jsonencode(var.account_ids)}. Remove the duplicate."
  }
}

variable "organization_id" {
  description = "The organization whose accounts may all write here, each below `<part>/<account>/` only, in place of `account_ids`. `null`: those of `account_ids`."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null || can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must be an AWS Organizations id, got ${jsonencode(var.organization_id)}. Example: \"o-exampleorgid\"; null to name account_ids."
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

variable "retention_weeks" {
  description = "Weeks each table's first good backup of a week (from Monday, in the deployment's zone) is kept, below `backups-weekly/`: a whole number, 0 to 520; 0: no longer than the others. Example: 12."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.retention_weeks >= 0 && var.retention_weeks <= 520 && floor(var.retention_weeks) == var.retention_weeks
    error_message = "retention_weeks must be a whole number from 0 (none is kept longer) to 520, got ${var.retention_weeks}. Example: 12."
  }
}

variable "retention_months" {
  description = "Months of 31 days each table's first good backup of a month (in the deployment's zone) is kept, below `backups-monthly/`: a whole number, 0 to 120; 0: no longer than the others. It is that week's too, and kept as long as that if that is longer. Example: 13."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.retention_months >= 0 && var.retention_months <= 120 && floor(var.retention_months) == var.retention_months
    error_message = "retention_months must be a whole number from 0 (none is kept longer) to 120, got ${var.retention_months}. Example: 13."
  }
}

variable "storage_classes" {
  description = "Storage classes that backups move to, each with the days after which they do: `STANDARD_IA` and `ONEZONE_IA` from 30 days, `INTELLIGENT_TIERING` and `GLACIER_IR` from 0; what follows `STANDARD_IA`, 30 days later or more. Of what is kept longer by week or month the days may lie beyond `retention_days`; they hold for those alone. `STANDARD_IA` and `ONEZONE_IA` bill for 30 days at least, `GLACIER_IR` for 90, all three for reading (docs/costs.md). `GLACIER` and `DEEP_ARCHIVE` are refused: a restore would wait for hours. Default: all stay in `STANDARD`."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for class in keys(var.storage_classes) : contains(["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"], class)])
    error_message = "storage_classes must be of STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING and GLACIER_IR, which can be read at once, got ${jsonencode(keys(var.storage_classes))}. Example: { GLACIER_IR = 7 }."
  }

  validation {
    condition     = alltrue([for class, days in var.storage_classes : days >= (endswith(class, "_IA") ? 30 : 0) && floor(days) == days])
    error_message = "storage_classes must be whole numbers of days, at least 30 (S3's rule for STANDARD_IA and ONEZONE_IA; 0 for the others), got ${jsonencode(var.storage_classes)}. Example: { STANDARD_IA = 30 }."
  }

  validation {
    condition     = length(distinct(values(var.storage_classes))) == length(var.storage_classes)
    error_message = "storage_classes names two classes for the same day, got ${jsonencode(var.storage_classes)}. Keep the one that backups shall move to."
  }

  validation {
    condition     = alltrue(flatten([for a, x in var.storage_classes : [for b, y in var.storage_classes : x >= y || contains(["STANDARD_IA INTELLIGENT_TIERING", "STANDARD_IA ONEZONE_IA", "STANDARD_IA GLACIER_IR", "INTELLIGENT_TIERING ONEZONE_IA", "INTELLIGENT_TIERING GLACIER_IR"], "${a} ${b}")]]))
    error_message = "storage_classes has an order that S3 does not take, got ${jsonencode(var.storage_classes)}: from STANDARD_IA objects move on to any of the others, from INTELLIGENT_TIERING to ONEZONE_IA or GLACIER_IR, from these two to none. Keep one class, or give the first the fewest days. Example: { STANDARD_IA = 30, GLACIER_IR = 90 }."
  }

  validation {
    condition     = alltrue([for days in values(var.storage_classes) : days <= try(var.storage_classes["STANDARD_IA"], 3650) || days >= try(var.storage_classes["STANDARD_IA"], 0) + 30])
    error_message = "storage_classes leaves STANDARD_IA in less than 30 days, got ${jsonencode(var.storage_classes)}: S3 takes no such rule. Give the next class at least 30 days more. Example: { STANDARD_IA = 30, GLACIER_IR = 60 }."
  }
}

variable "object_lock" {
  description = <<-EOT
    S3 Object Lock: for so long nobody deletes or overwrites what was written, whatever their rights. `null`: none. Once on, S3 lets nobody take it off the bucket; setting `null` ends it for what is written from then on.
    - `mode`: `GOVERNANCE` (who has `s3:BypassGovernanceRetention` may still delete) or `COMPLIANCE` (nobody may, AWS neither).
    - `days`: a whole number, 1 to `retention_days`. What expires earlier only gets out of sight, and is paid for until its lock ends.
  EOT
  type = object({
    mode = string
    days = number
  })
  default = null

  validation {
    condition     = var.object_lock == null || contains(["GOVERNANCE", "COMPLIANCE"], try(var.object_lock.mode, ""))
    error_message = "object_lock.mode must be \"GOVERNANCE\" or \"COMPLIANCE\", got ${jsonencode(try(var.object_lock.mode, null))}. Begin with \"GOVERNANCE\": COMPLIANCE cannot be shortened by anybody."
  }

  validation {
    condition     = var.object_lock == null || try(var.object_lock.days >= 1 && floor(var.object_lock.days) == var.object_lock.days, false)
    error_message = "object_lock.days must be a whole number from 1 to retention_days, got ${jsonencode(try(var.object_lock.days, null))}. Example: 14."
  }
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete the bucket with every backup in it. `false`: bucket, settings and created key stay, and destroy says so. Apply `true` before destroy. Refused with an `object_lock` in `COMPLIANCE`; in `GOVERNANCE` whoever destroys needs `s3:BypassGovernanceRetention`."
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
