# Names and ARNs, put together by the root.

variable "name" {
  description = "The deployment's name; what the engine makes bears it as a tag."
  type        = string
  nullable    = false
}

variable "place" {
  description = "Where the deployment is: `partition` and its `dns_suffix`, `region`, `account`."
  type = object({
    partition  = string
    dns_suffix = string
    region     = string
    account    = string
  })
  nullable = false
}

variable "arns" {
  description = <<-EOT
    ARNs that the documents name.
    - `engine_role`: the role that makes clusters, whose policy is written here.
    - `cluster_role`: the role of the clusters' instances.
    - `emr_callers`: EMR on behalf of this account: what a role's trust takes for the source.
    - `emr_cleanup_role`: the role with which EMR cleans up after itself.
    - `clusters`: EMR's clusters.
    - `guards`: the schedules that end clusters, and `guard_role`: the role with which they do.
    - `scripts`: the places of the clusters' script: in the bucket, and in one that was written to before.
  EOT
  type = object({
    engine_role      = string
    cluster_role     = string
    emr_callers      = string
    emr_cleanup_role = string
    clusters         = string
    guards           = string
    guard_role       = string
    scripts          = list(string)
  })
  nullable = false
}

variable "role_name" {
  description = "Name of EMR's role."
  type        = string
  nullable    = false
}

variable "jar" {
  description = "The export tool, `s3://<bucket>/<key>`."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Subnets that are tried; none: the default subnet."
  type        = list(string)
  nullable    = false
}

variable "security_group_ids" {
  description = "Security groups that are given; none: EMR makes its own."
  type        = list(string)
  nullable    = false
}

variable "spot" {
  description = "Whether core nodes are spot instances."
  type        = bool
  nullable    = false
}

variable "security_configuration" {
  description = "Name of an EMR security configuration. `null`: none."
  type        = string
}

variable "instance_types" {
  description = "Core types of an instance fleet; none: an instance group."
  type        = list(string)
  nullable    = false
}
