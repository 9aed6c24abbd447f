# Where backups go and for how long, and who is told.

variable "backup_bucket" {
  description = "The root's `backup_bucket`, with its type and rules."
  type = object({
    name        = string
    region      = optional(string)
    prefix      = optional(string, "")
    kms_key_arn = optional(string)
    sse_header  = optional(string)
    owner       = optional(string)
    grant       = optional(object({ account_ids = list(string), names = list(string) }))
    retention   = optional(object({ months = number, weeks = number }))
  })

  validation {
    condition     = try(var.backup_bucket.sse_header, null) == null || can(regex("^(AES256|aws:kms)$", var.backup_bucket.sse_header))
    error_message = "backup_bucket.sse_header must be \"AES256\" or \"aws:kms\", got ${jsonencode(try(var.backup_bucket.sse_header, null))}. Take what the bucket's policy demands of the header x-amz-server-side-encryption; null if it demands none."
  }

  validation {
    condition     = try(var.backup_bucket.sse_header, null) != "AES256" || try(var.backup_bucket.kms_key_arn, null) == null
    error_message = "backup_bucket.sse_header = \"AES256\" does not go with backup_bucket.kms_key_arn (${jsonencode(try(var.backup_bucket.kms_key_arn, null))}): objects would be encrypted with S3's own key. Take \"aws:kms\", or remove the key."
  }

  validation {
    condition     = try(var.backup_bucket.owner, null) == null || can(regex("^[0-9]{12}$", var.backup_bucket.owner))
    error_message = "backup_bucket.owner must be the id of the account that owns the bucket (12 digits), got ${jsonencode(try(var.backup_bucket.owner, null))}. null if it is this account's own."
  }

  validation {
    condition     = var.backup_bucket == null || can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", var.backup_bucket.name)) && length(try(var.backup_bucket.name, "")) >= 3 && length(try(var.backup_bucket.name, "")) <= 63
    error_message = "backup_bucket.name must be a bucket's name (3 to 63 lower-case letters, digits, hyphens and dots), got ${jsonencode(try(var.backup_bucket.name, null))}. Give the name, not an ARN or a URL; backup_bucket = null lets the module create one."
  }

  validation {
    condition     = try(var.backup_bucket.region, null) == null || can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]+$", var.backup_bucket.region))
    error_message = "backup_bucket.region must be a region, got ${jsonencode(try(var.backup_bucket.region, null))}. Example: \"eu-west-1\"; null for the module's own."
  }

  validation {
    condition     = try(var.backup_bucket.grant, null) == null || alltrue([for id in try(var.backup_bucket.grant.account_ids, []) : can(regex("^[0-9]{12}$", id))])
    error_message = "backup_bucket.grant.account_ids must be accounts' ids of 12 digits, got ${jsonencode(try(var.backup_bucket.grant.account_ids, null))}. Pass the output backup_bucket of the module backup-bucket as it is."
  }

  validation {
    condition     = var.backup_bucket == null || can(regex("^([A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*)?$", var.backup_bucket.prefix)) && length(try(var.backup_bucket.prefix, "")) <= 200
    error_message = "backup_bucket.prefix must be up to 200 letters, digits and _.=- in parts divided by single slashes, none at either end, got ${jsonencode(try(var.backup_bucket.prefix, null))}. Example: \"dynamodb/prod\"."
  }

  validation {
    condition     = try(var.backup_bucket.kms_key_arn, null) == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.backup_bucket.kms_key_arn))
    error_message = "backup_bucket.kms_key_arn must be the ARN of a key (not of an alias), got ${jsonencode(try(var.backup_bucket.kms_key_arn, null))}. Example: \"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\"; null if S3's own keys are used."
  }
}

variable "central_topic" {
  description = "The root's `central_topic`, with its type and rules."
  type = object({
    arn         = string
    kms_key_arn = optional(string)
    grant       = optional(object({ account_ids = list(string), names = list(string) }))
  })

  validation {
    condition     = var.central_topic == null || can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", var.central_topic.arn))
    error_message = "central_topic.arn must be the ARN of a standard SNS topic, got ${jsonencode(try(var.central_topic.arn, null))}. Example: \"arn:aws:sns:eu-west-1:123456789012:backups\"; central_topic = null for the module's own."
  }

  validation {
    condition     = try(var.central_topic.kms_key_arn, null) == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.central_topic.kms_key_arn))
    error_message = "central_topic.kms_key_arn must be the ARN of a key (not of an alias), got ${jsonencode(try(var.central_topic.kms_key_arn, null))}. Example: \"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\"; null if the topic is not encrypted."
  }

  validation {
    condition     = try(var.central_topic.grant, null) == null || alltrue([for id in try(var.central_topic.grant.account_ids, []) : can(regex("^[0-9]{12}$", id))])
    error_message = "central_topic.grant.account_ids must be accounts' ids of 12 digits, got ${jsonencode(try(var.central_topic.grant.account_ids, null))}. Pass the output central_topic of the module backup-topic as it is."
  }
}

variable "object_lock" {
  description = "The root's `object_lock`, with its type and rules."
  type = object({
    mode = string
    days = number
  })

  validation {
    condition     = var.object_lock == null || contains(["GOVERNANCE", "COMPLIANCE"], try(var.object_lock.mode, ""))
    error_message = "object_lock.mode must be \"GOVERNANCE\" or \"COMPLIANCE\", got ${jsonencode(try(var.object_lock.mode, null))}. Begin with \"GOVERNANCE\": COMPLIANCE cannot be shortened by anybody."
  }

  validation {
    condition     = var.object_lock == null || try(var.object_lock.days >= 1 && floor(var.object_lock.days) == var.object_lock.days, false)
    error_message = "object_lock.days must be a whole number from 1 to retention_days, got ${jsonencode(try(var.object_lock.days, null))}. Example: 14."
  }
}
