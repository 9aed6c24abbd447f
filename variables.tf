# Every rule that concerns one variable alone stands beside it; rules across variables are in checks.tf.
# Both files refer to variables only, so that inputs can be tested without a provider.

# --- the deployment ---------------------------------------------------------------------------------------------------

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
  description = "Tags of every resource that Terraform makes here, beside the provider's default tags. At most 40; keys of 1 to 128 characters not starting with `aws:`, values of up to 256. Pipelines and clusters of the nights carry `hippolyte:*` only."
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

# --- when and what ----------------------------------------------------------------------------------------------------

variable "backup_window" {
  description = <<-EOT
    The time the night may take.
    - `start`, `end`: `HH:MM`, 24 hours, in `timezone`. An end at or before the start is on the next day. The run begins at the start; at the end whatever still runs is cancelled.
    - `timezone`: IANA name such as `Europe/Berlin`. With a zone that changes its clocks the window keeps its length.
  EOT
  type = object({
    start    = optional(string, "00:00")
    end      = optional(string, "07:00")
    timezone = optional(string, "UTC")
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.backup_window.start))
    error_message = "backup_window.start must be HH:MM (24 hours), got ${jsonencode(var.backup_window.start)}. Example: \"00:00\"."
  }

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.backup_window.end))
    error_message = "backup_window.end must be HH:MM (24 hours), got ${jsonencode(var.backup_window.end)}. Example: \"07:00\"."
  }

  validation {
    condition     = var.backup_window.start != var.backup_window.end
    error_message = "backup_window.start and backup_window.end must differ, got \"${var.backup_window.start}\" for both. For almost a whole day let the window end a minute before its start."
  }
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

variable "raise_capacity" {
  description = "Whether read capacity may be raised for tables that would not fit the window. One deployment per account and region may; it claims this with an SSM parameter. `false`: tables are read at the share of what they have."
  type        = bool
  default     = true
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

# --- where to, for how long, and who is told --------------------------------------------------------------------------

variable "backup_bucket" {
  description = <<-EOT
    Bucket to write to. `null`: the module creates `<name>-backups-<account>-<region>`.
    - `name`: an existing bucket, of this account or another. Its lifecycle, encryption and policy stay its owner's business; the submodule `backup-bucket` makes one for several accounts.
    - `region`: the bucket's region. `null`: the module's own.
    - `prefix`: put before every key, no slash at either end. Default: none.
    - `kms_key_arn`: the customer-managed key the bucket encrypts with. `null`: keys of S3 itself.
    - `grant`: whom the bucket's policy lets in, `account_ids` and deployments' `names`, as the submodule says; this deployment is refused at plan if it is not among them. `null`: not checked.
  EOT
  type = object({
    name        = string
    region      = optional(string)
    prefix      = optional(string, "")
    kms_key_arn = optional(string)
    grant       = optional(object({ account_ids = list(string), names = list(string) }))
  })
  default = null

  validation {
    condition     = var.backup_bucket == null || can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", var.backup_bucket.name)) && length(try(var.backup_bucket.name, "")) >= 3 && length(try(var.backup_bucket.name, "")) <= 63
    error_message = "backup_bucket.name must be a bucket's name (3 to 63 lower-case letters, digits, hyphens and dots), got ${jsonencode(try(var.backup_bucket.name, null))}. Give the name, not an ARN or a URL; backup_bucket = null lets the module create one."
  }

  validation {
    condition     = try(var.backup_bucket.region, null) == null || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.backup_bucket.region))
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
  description = <<-EOT
    Topic on which the functions tell each night, for example one for all accounts, made by the submodule `backup-topic`. The alarms, and `alert_emails`, stay with the module's own topic: CloudWatch publishes to no other account or region. `null`: nights are told on the module's own topic too.
    - `arn`: the topic, of this account or another, in any region.
    - `kms_key_arn`: the customer-managed key the topic encrypts with. `null`: it does not.
    - `grant`: whom the topic's policy lets in, `account_ids` and deployments' `names`, as the submodule says; this deployment is refused at plan if it is not among them. `null`: not checked.
  EOT
  type = object({
    arn         = string
    kms_key_arn = optional(string)
    grant       = optional(object({ account_ids = list(string), names = list(string) }))
  })
  default = null

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

variable "retention_days" {
  description = "Days a backup is kept in the bucket the module creates: a whole number, 2 to 3650. With `backup_bucket` its owner decides; then this is only what the alarm of old backups goes by."
  type        = number
  default     = 35
  nullable    = false

  validation {
    condition     = var.retention_days >= 2 && var.retention_days <= 3650 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number from 2 (below that one bad night leaves no backup) to 3650, got ${var.retention_days}. Example: 35."
  }
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete the created bucket with every backup in it. `false`: bucket and settings stay, and destroy says so. Apply `true` before destroy."
  type        = bool
  default     = false
  nullable    = false
}

variable "alert_emails" {
  description = "E-mail addresses told of failures, subscribed to the topic; each gets a mail to confirm first. Default: nobody, subscribe to the topic by other means."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s,;<>\"]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\\.[A-Za-z]{2,}$", address))])
    error_message = "alert_emails must be plain e-mail addresses, got ${jsonencode(var.alert_emails)}. Example: [\"oncall@example.com\"]."
  }

  validation {
    condition     = length(distinct([for address in var.alert_emails : lower(address)])) == length(var.alert_emails)
    error_message = "alert_emails names an address twice: ${jsonencode(var.alert_emails)}. Remove the duplicate."
  }
}

variable "alarms_enabled" {
  description = "Whether CloudWatch alarms are created: night overdue or monitor silent, tables failed or left raised, newest good backup of a table older than half of `retention_days`, a function's errors, lost deliveries. All go to the topic."
  type        = bool
  default     = true
  nullable    = false
}

variable "dashboard_enabled" {
  description = "Whether a CloudWatch dashboard is created: tables by verdict, bytes, duration against the window, raised capacity, estimated cost, age of backups. Beyond an account's first three a dashboard costs 3 USD a month."
  type        = bool
  default     = false
  nullable    = false
}
