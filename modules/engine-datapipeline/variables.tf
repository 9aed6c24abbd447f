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
    - `cluster_profile`: the instances' profile.
    - `tables`: the tables.
    - `buckets`: the bucket, and one that was written to before while something is open there.
    - `bucket_keys`: the keys they are encrypted with, if not with keys of S3 itself.
    - `logs`: the logs' places in them.
  EOT
  type = object({
    engine_role      = string
    cluster_role     = string
    emr_callers      = string
    emr_cleanup_role = string
    clusters         = string
    cluster_profile  = string
    tables           = string
    buckets          = list(string)
    bucket_keys      = list(string)
    logs             = list(string)
  })
  nullable = false
}

variable "role_name" {
  description = "Name of the role that makes clusters."
  type        = string
  nullable    = false
}

variable "pipeline_region" {
  description = "Region of the Data Pipeline service."
  type        = string
  nullable    = false
}

variable "bounded" {
  description = "Whether pipelines are named by ARN, Data Pipeline's trust by source account, and EC2's instances by tag."
  type        = bool
  nullable    = false
}
