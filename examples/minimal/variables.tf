variable "region" {
  description = "Region whose tables are backed up."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "alert_emails" {
  description = "E-mail addresses told of failures."
  type        = list(string)
  default     = []
  nullable    = false
}
