variable "region" {
  description = "Region whose tables are backed up."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "pipeline_region" {
  description = "Region whose Data Pipeline service drives the clusters, where `region` has none, such as `eu-west-1` for `eu-central-1`. `null`: `region`."
  type        = string
  default     = null
}

variable "subnet_id" {
  description = "Subnet of the clusters. It must reach S3, DynamoDB, EMR and Data Pipeline, which has no endpoint. `null`: the default subnet of the default VPC."
  type        = string
  default     = null
}

variable "security_group_ids" {
  description = "Security groups of your own, in the subnet's VPC: `master` and `core` for the nodes, `service` for EMR in a private subnet. Default: EMR makes its own."
  type = object({
    master  = optional(string)
    core    = optional(string)
    service = optional(string)
  })
  default  = {}
  nullable = false
}

variable "key_pair" {
  description = "Name of an EC2 key pair for SSH to the clusters. `null`: none."
  type        = string
  default     = null
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
