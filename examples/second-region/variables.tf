variable "region" {
  description = "Region whose tables are backed up, and where their backups are."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "copy_region" {
  description = "Region that the backups are copied to."
  type        = string
  default     = "eu-west-1"
  nullable    = false
}

variable "bucket_name" {
  description = "What both buckets' names begin with; the region follows."
  type        = string
  default     = "example-dynamodb-backups"
  nullable    = false
}

variable "alert_emails" {
  description = "E-mail addresses told of failures."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete both buckets with every backup in them."
  type        = bool
  default     = false
  nullable    = false
}
