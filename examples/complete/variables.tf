variable "region" {
  description = "Region whose tables are backed up."
  type        = string
  default     = "eu-central-1"
  nullable    = false
}

variable "name" {
  description = "Name of the deployment."
  type        = string
  default     = "complete"
  nullable    = false
}

variable "alert_emails" {
  description = "E-mail addresses told of every night, and of alarms."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "permissions_boundary" {
  description = "ARN of the IAM policy that bounds every role. `null`: no boundary."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete the bucket with every backup in it."
  type        = bool
  default     = false
  nullable    = false
}
