variable "account_ids" {
  description = "Ids of the accounts: `backup` owns the bucket and the topic, `shop` and `analytics` have tables."
  type = object({
    backup    = string
    shop      = string
    analytics = string
  })
  nullable = false

  validation {
    condition     = alltrue([for id in values(var.account_ids) : can(regex("^[0-9]{12}$", id))]) && length(distinct(values(var.account_ids))) == 3
    error_message = "account_ids must be three different ids of 12 digits, got ${jsonencode(var.account_ids)}. Example: { backup = \"111111111111\", shop = \"222222222222\", analytics = \"333333333333\" }."
  }
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
  default     = "example-central-dynamodb-backups"
  nullable    = false
}

variable "alert_emails" {
  description = "E-mail addresses told of every account's nights and alarms; each confirms one mail per topic."
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
