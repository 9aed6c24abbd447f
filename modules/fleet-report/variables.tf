variable "backup_bucket" {
  description = "Where all deployments write, as output `backup_bucket` of modules/backup-bucket has it: `name` of the bucket, of this account; `region` (default `null`: this one); `prefix` in it (default: none); `kms_key_arn` of the key that it encrypts with (default `null`: S3's own)."
  type = object({
    name        = string
    region      = optional(string)
    prefix      = optional(string, "")
    kms_key_arn = optional(string)
  })
  nullable = false
}

variable "topic" {
  description = "Where to tell, as output `central_topic` of modules/backup-topic has it: `arn` of a topic of this account and region; `kms_key_arn` of the key that it encrypts with (default `null`: it does not), which encrypts the function's log as well. Another topic's policy, and its key's, must let in `cloudwatch.amazonaws.com`, and the key's `logs.<region>.amazonaws.com`, as that module does."
  type = object({
    arn         = string
    kms_key_arn = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$", var.topic.arn))
    error_message = "topic.arn must be the ARN of a topic, got ${jsonencode(var.topic.arn)}. Example: \"arn:aws:sns:eu-west-1:123456789012:hippolyte-central\"."
  }
}

variable "more_prefixes" {
  description = "Other prefixes of that bucket that deployments write below, as a second one of an account and region does: up to 10; `\"\"` is the bucket as it is. Default: none."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.more_prefixes) <= 10 && !contains(var.more_prefixes, var.backup_bucket.prefix) && alltrue([for each in var.more_prefixes : can(regex("^([A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*)?$", each)) && length(each) <= 200])
    error_message = "more_prefixes must be up to 10 prefixes other than backup_bucket.prefix (\"${var.backup_bucket.prefix}\"), of letters, digits and _.=- in parts divided by single slashes, none at either end, got ${jsonencode(var.more_prefixes)}. Example: [\"second\"]."
  }
}

variable "expected" {
  description = "Accounts (`111111111111`), or accounts with region (`111111111111/eu-west-1`), of which a night is due each day, whatever is in the bucket: one that never reported is told. Others are expected for `seen_days` after their last night. Default: none is named."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for each in var.expected : can(regex("^[0-9]{12}(/[a-z]{2,}(-[a-z]+)+-[0-9]+)?$", each))])
    error_message = "expected must be ids of accounts, or <account>/<region>, got ${jsonencode(var.expected)}. Example: [\"111111111111\", \"222222222222/eu-west-1\"]; quote them, a leading zero would be lost."
  }

  # Lambda's environment holds 4 KB, of which the other settings take up to one
  validation {
    condition     = length(jsonencode(var.expected)) <= 3000
    error_message = "expected has ${length(var.expected)} entries, ${length(jsonencode(var.expected))} characters as JSON, of 3000 that there is room for. Name accounts without their regions."
  }
}

variable "schedule" {
  description = "When the morning's message comes: `time` as HH:MM, after the windows of all deployments (a night counts as missing two hours after its usual begin, as not closed an hour after its window), in `timezone`."
  type = object({
    time     = optional(string, "08:30")
    timezone = optional(string, "UTC")
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.schedule.time))
    error_message = "schedule.time must be HH:MM (24 hours), got ${jsonencode(var.schedule.time)}. Example: \"08:30\"."
  }
}

variable "nights" {
  description = "How many nights the page shows: a whole number, 1 to 400. More than reports are kept (`retention_days` of the bucket, at least 30) are empty."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.nights >= 1 && var.nights <= 400 && floor(var.nights) == var.nights
    error_message = "nights must be a whole number from 1 to 400, got ${var.nights}. Example: 30."
  }
}

variable "seen_days" {
  description = "For how many days after its last night a deployment that `expected` does not name is waited for: a whole number, 2 to 400. Then it counts as taken down; the message goes on to name it."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.seen_days >= 2 && var.seen_days <= 400 && floor(var.seen_days) == var.seen_days
    error_message = "seen_days must be a whole number from 2 (a night must be missed before it is told) to 400, got ${var.seen_days}. Example: 14."
  }
}

variable "runbook_url" {
  description = "Address of the runbook, docs/operations.md, as in the module: what to do is a link to its entry then. Default `null`: a path in the repository is named."
  type        = string
  default     = null

  validation {
    condition     = var.runbook_url == null || can(regex("^https://[^\\s#<>\"]{1,292}$", var.runbook_url))
    error_message = "runbook_url must be an https:// address of at most 300 characters without a #, which each message adds with its entry, or null, got ${jsonencode(var.runbook_url)}. Example: \"https://github.com/ORGANISATION/hippolyte/blob/main/docs/operations.md\"."
  }
}

variable "name" {
  description = "Name of the function and of what belongs to it: 2 to 40 lower-case letters, digits and single hyphens, starting with a letter."
  type        = string
  default     = "hippolyte-fleet"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 40
    error_message = "name must be 2 to 40 lower-case letters, digits and single hyphens, starting with a letter, got \"${var.name}\". Example: \"hippolyte-fleet\"."
  }
}

variable "lambda" {
  description = "The function: `runtime`, `python3.11` to `python3.14` (the last needs provider 6); `memory_size` in MB; `log_retention_days`."
  type = object({
    runtime            = optional(string, "python3.13")
    memory_size        = optional(number, 1024)
    log_retention_days = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["python3.11", "python3.12", "python3.13", "python3.14"], var.lambda.runtime)
    error_message = "lambda.runtime must be one of python3.11, python3.12, python3.13, python3.14, got ${jsonencode(var.lambda.runtime)}. Example: \"python3.13\"."
  }

  validation {
    condition     = var.lambda.memory_size >= 512 && var.lambda.memory_size <= 10240 && floor(var.lambda.memory_size) == var.lambda.memory_size
    error_message = "lambda.memory_size must be a whole number of MB from 512 to 10240, got ${var.lambda.memory_size}. Example: 1024."
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
