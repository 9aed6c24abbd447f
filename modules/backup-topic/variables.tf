variable "name" {
  description = "Name of the topic: 1 to 256 letters, digits, hyphens and underscores."
  type        = string
  default     = "hippolyte-central"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,256}$", var.name))
    error_message = "name must be 1 to 256 letters, digits, hyphens and underscores, got \"${var.name}\". Example: \"hippolyte-central\"."
  }
}

variable "account_ids" {
  description = "The accounts whose deployments may publish. The topic's own account may be one of them. Either these or `organization_id`."
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
  description = "The organization whose accounts may all publish, in place of `account_ids`. `null`: those of `account_ids`."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null || can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must be an AWS Organizations id, got ${jsonencode(var.organization_id)}. Example: \"o-exampleorgid\"; null to name account_ids."
  }
}

variable "names" {
  description = "Names of the deployments (`name` of the main module) whose functions may publish, the same in all accounts."
  type        = list(string)
  default     = ["hippolyte"]
  nullable    = false

  validation {
    condition     = length(var.names) > 0 && alltrue([for name in var.names : can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", name)) && length(name) <= 27])
    error_message = "names must be deployments' names (2 to 27 lower-case letters, digits and single hyphens), got ${jsonencode(var.names)}. Example: [\"hippolyte\"]."
  }
}

variable "emails" {
  description = "E-mail addresses subscribed to the topic; each gets a mail to confirm first. Default: nobody, subscribe by other means."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.emails : can(regex("^[^@\\s,;<>\"]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\\.[A-Za-z]{2,}$", address))])
    error_message = "emails must be plain e-mail addresses, got ${jsonencode(var.emails)}. Example: [\"oncall@example.com\"]."
  }
}

variable "tags" {
  description = "Tags of every resource of this module."
  type        = map(string)
  default     = {}
  nullable    = false
}
