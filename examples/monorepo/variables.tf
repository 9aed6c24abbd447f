variable "accounts" {
  description = <<-EOT
    The accounts with tables, by the name of their provider and module: catalog, checkout, identity, orders, search and shipping.
    - `id`: the account's id.
    - `window`: when its nights are, `start` and `end` as HH:MM in the time zone of all. Default: that of all.
    - `exclude`: globs of tables that are left out, besides those of all.
  EOT
  type = map(object({
    id      = string
    window  = optional(object({ start = string, end = string }))
    exclude = optional(list(string), [])
  }))
  nullable = false

  validation {
    condition     = toset(keys(var.accounts)) == toset(["catalog", "checkout", "identity", "orders", "search", "shipping"])
    error_message = "accounts must be catalog, checkout, identity, orders, search and shipping, got ${jsonencode(keys(var.accounts))}. A new account takes an entry here, a provider in providers.tf, a module in main.tf and a line in outputs.tf, and its name in this rule; one that is gone, the same."
  }

  validation {
    condition     = alltrue([for account in values(var.accounts) : can(regex("^[0-9]{12}$", account.id))]) && length(distinct([for account in values(var.accounts) : account.id])) == length(var.accounts)
    error_message = "accounts must have different ids of 12 digits each, got ${jsonencode({ for name, account in var.accounts : name => account.id })}. Example: { orders = { id = \"444444444444\" }, ... }; quote them, a leading zero would be lost."
  }
}

variable "backup_account_id" {
  description = "Id of the account that owns the bucket and the topic."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.backup_account_id))
    error_message = "backup_account_id must be an id of 12 digits, got ${jsonencode(var.backup_account_id)}. Example: \"777777777777\"."
  }
}

variable "region" {
  description = "Region of all accounts' tables, of the bucket and the topic."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "deployer_role" {
  description = "Name of the role that Terraform assumes in each account."
  type        = string
  default     = "deployer"
  nullable    = false
}

variable "bucket_name" {
  description = "Name of the central bucket."
  type        = string
  default     = "example-monorepo-dynamodb-backups"
  nullable    = false
}

variable "alert_emails" {
  description = "E-mail addresses told of every account's nights, and of each account's alarms on its own topic: each confirms a mail for the backup account and one for every account."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete the bucket with every backup in it."
  type        = bool
  default     = false
  nullable    = false
}
