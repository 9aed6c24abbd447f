# Where backups go and for how long, and who is told.

variable "backup_bucket" {
  description = <<-EOT
    Bucket to write to. `null`: the module creates `<name>-backups-<account>-<region>`.
    - `name`: an existing bucket, of this account or another. Its lifecycle, encryption and policy stay its owner's business; the submodule `backup-bucket` makes one for several accounts.
    - `region`: the bucket's region. `null`: the module's own.
    - `prefix`: put before every key, no slash at either end. Default: none.
    - `kms_key_arn`: the customer-managed key the bucket encrypts with. `null`: keys of S3 itself.
    - `sse_header`: `AES256` or `aws:kms`, said with every object that is written (`x-amz-server-side-encryption`; with `aws:kms` and `kms_key_arn` that key too), where a bucket or an SCP demands it. `null`: the bucket's default encryption decides. With `engine = "emr"` clusters say it too; Data Pipeline's cannot.
    - `owner`: id of the account the bucket belongs to; needed for `native_export` into another account's bucket, and for `restore_drill` out of it. `null`: this account's own.
    - `grant`: whom the bucket's policy lets in, `account_ids` and deployments' `names`, as the submodule says; this deployment is refused at plan if it is not among them. `null`: not checked.
    - `retention`: how many `weeks` and `months` the bucket keeps what is kept longer, as the submodule says; more of `retention_weeks` or `retention_months` is refused at plan. `null`: not checked.
  EOT
  type        = any
  default     = null
}

variable "central_topic" {
  description = <<-EOT
    Topic on which the functions tell each night, for example one for all accounts, made by the submodule `backup-topic`. The alarms, and `alert_emails`, stay with the module's own topic: CloudWatch publishes to no other account or region. `null`: nights are told on the module's own topic too.
    - `arn`: the topic, of this account or another, in any region.
    - `kms_key_arn`: the customer-managed key the topic encrypts with. `null`: it does not.
    - `grant`: whom the topic's policy lets in, `account_ids` and deployments' `names`, as the submodule says; this deployment is refused at plan if it is not among them. `null`: not checked.
  EOT
  type        = any
  default     = null
}

variable "kms_key_arn" {
  description = "Key of your own for the module's topic and the functions' logs. Its policy must let in `cloudwatch.amazonaws.com` (`kms:Decrypt`, `kms:GenerateDataKey*`), or alarms are dropped without a word, and `logs.<region>.<the partition's DNS suffix>` (docs/operations.md has the statements). `null`: the module makes a key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key (not of an alias), got ${jsonencode(var.kms_key_arn)}. Example: \"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\"; null for a key of the module's own."
  }
}

variable "retention_days" {
  description = "Days a backup, and what an undo replaced, is kept in the bucket the module creates: a whole number, 2 to 3650. With `backup_bucket` its owner decides; then this is only what the alarm of old backups goes by."
  type        = number
  default     = 35
  nullable    = false

  validation {
    condition     = var.retention_days >= 2 && var.retention_days <= 3650 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number from 2 (below that one bad night leaves no backup) to 3650, got ${var.retention_days}. Example: 35."
  }
}

variable "retention_weeks" {
  description = "Weeks each table's first good backup of a week (from Monday, in the window's zone) is kept, below `backups-weekly/`: a whole number, 0 to 520; 0: no longer than the others. With `backup_bucket` its owner's rules of expiry decide, and need this part too. Example: 12."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.retention_weeks >= 0 && var.retention_weeks <= 520 && floor(var.retention_weeks) == var.retention_weeks
    error_message = "retention_weeks must be a whole number from 0 (none is kept longer) to 520, got ${var.retention_weeks}. Example: 12."
  }
}

variable "retention_months" {
  description = "Months of 31 days each table's first good backup of a month (in the window's zone) is kept, below `backups-monthly/`: a whole number, 0 to 120; 0: no longer than the others. It is that week's too, and kept as long as that if that is longer. With `backup_bucket` its owner's rules of expiry decide, and need this part too. Example: 13."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.retention_months >= 0 && var.retention_months <= 120 && floor(var.retention_months) == var.retention_months
    error_message = "retention_months must be a whole number from 0 (none is kept longer) to 120, got ${var.retention_months}. Example: 13."
  }
}

variable "storage_classes" {
  description = "Storage classes that backups move to in the bucket the module creates, each with the days after which they do: `STANDARD_IA` and `ONEZONE_IA` from 30 days, `INTELLIGENT_TIERING` and `GLACIER_IR` from 0; what follows `STANDARD_IA`, 30 days later or more. Of what is kept longer by week or month the days may lie beyond `retention_days`; they hold for those alone. `STANDARD_IA` and `ONEZONE_IA` bill for 30 days at least, `GLACIER_IR` for 90, all three for reading (docs/costs.md). `GLACIER` and `DEEP_ARCHIVE` are refused: a restore would wait for hours. Default: all stay in `STANDARD`."
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
    S3 Object Lock of the bucket the module creates: for so long nobody deletes or overwrites what was written, whatever their rights. `null`: none. Once on, S3 lets nobody take it off the bucket; setting `null` ends it for what is written from then on.
    - `mode`: `GOVERNANCE` (who has `s3:BypassGovernanceRetention` may still delete) or `COMPLIANCE` (nobody may, AWS neither).
    - `days`: a whole number, 1 to `retention_days`. What expires earlier only gets out of sight, and is paid for until its lock ends.
  EOT
  type        = any
  default     = null
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete the created bucket with every backup in it. `false`: bucket and settings stay, and destroy says so. Apply `true` before destroy. Refused with an `object_lock` in `COMPLIANCE`; in `GOVERNANCE` whoever destroys needs `s3:BypassGovernanceRetention`."
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

variable "tell_good_nights" {
  description = "Whether a night that went well is told, too. `false`: only a night that needs a person is, for many deployments whose good mornings the submodule `fleet-report` tells in one message; a night that does not come is told by the alarm `night-overdue` whatever this says."
  type        = bool
  default     = true
  nullable    = false
}

variable "runbook_url" {
  description = "Address of the runbook, docs/operations.md, where the people who are told can read it: what to do is a link to its entry then, in messages, alarms and pages. `null`: a path in the repository is named."
  type        = string
  default     = null

  validation {
    condition     = var.runbook_url == null || can(regex("^https://[^\\s#<>\"]{1,292}$", var.runbook_url))
    error_message = "runbook_url must be an https:// address of at most 300 characters without a #, which each message adds with its entry, or null, got ${jsonencode(var.runbook_url)}. Example: \"https://github.com/ORGANISATION/hippolyte/blob/main/docs/operations.md\"."
  }
}

variable "alarms_enabled" {
  description = "Whether CloudWatch alarms are created: night overdue or monitor silent, tables failed or left raised, newest good backup of a table older than half of `retention_days`, a function's errors, lost deliveries. All go to the topic."
  type        = bool
  default     = true
  nullable    = false
}

variable "events_enabled" {
  description = "Whether verdicts, capacity leases, ends of runs and restore drills are put on EventBridge's default bus as well (docs/events.md). AWS asks 1 USD for a million such events."
  type        = bool
  default     = false
  nullable    = false
}

variable "dashboard_enabled" {
  description = "Whether a CloudWatch dashboard is created: tables by verdict, bytes, duration against the window, raised capacity, estimated cost, age of backups. Beyond an account's first three a dashboard costs 3 USD a month."
  type        = bool
  default     = false
  nullable    = false
}
