variable "jar" {
  description = "The export tool, `s3://<bucket>/<key>`, in a bucket of the same region; docs/emr.md says where it comes from."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Subnets for the clusters, tried in this order. Default: the default subnet of the default VPC."
  type        = list(string)
  default     = []
  nullable    = false
}

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

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete the bucket with every backup in it."
  type        = bool
  default     = false
  nullable    = false
}
