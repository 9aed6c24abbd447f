variable "account" {
  description = <<-EOT
    What this account has of its own.
    - `window`: `start` and `end` of its nights. `null`: those of all.
    - `exclude`: globs of tables that are left out, besides those of all.
  EOT
  type = object({
    window  = optional(object({ start = string, end = string }))
    exclude = optional(list(string), [])
  })
  nullable = false
}

variable "central" {
  description = <<-EOT
    Where all accounts write and tell, and whom.
    - `alert_emails`: who is told of each account's alarms.
    - `backup_bucket`: output of modules/backup-bucket: `name`, `region`, `prefix`, `kms_key_arn`, `owner` and `grant` (`account_ids`, `names`).
    - `central_topic`: output of modules/backup-topic: `arn`, `kms_key_arn` and `grant`.
  EOT
  type = object({
    alert_emails = list(string)
    backup_bucket = object({
      name        = string
      region      = string
      prefix      = string
      kms_key_arn = string
      owner       = string
      grant       = object({ account_ids = list(string), names = list(string) })
    })
    central_topic = object({
      arn         = string
      kms_key_arn = string
      grant       = object({ account_ids = list(string), names = list(string) })
    })
  })
  nullable = false
}
