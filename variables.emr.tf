# Which service runs the exports, and what only EMR needs. What both engines have in common is in variables.engine.tf.

variable "engine" {
  description = <<-EOT
    The service that runs the exports; there is no default, as no choice suits everybody.
    - `datapipeline`: AWS Data Pipeline makes the clusters, with an export tool that AWS hosts. Closed to new customers since 2024-07-25.
    - `emr`: the functions start EMR clusters themselves, with an export tool of your own (`emr.jar`). For every account and region.
    Switch outside the backup window: the roles of a night under way go with its engine.
  EOT
  type        = string
  nullable    = false

  validation {
    condition     = contains(["datapipeline", "emr"], var.engine)
    error_message = "engine must be \"datapipeline\" or \"emr\", got \"${var.engine}\". Take \"emr\" unless this account has used AWS Data Pipeline before 2024-07-25."
  }
}

variable "emr" {
  description = <<-EOT
    What only `engine = "emr"` needs. `null`: with `engine = "datapipeline"`.
    - `jar`: the export tool, built from AWS's public source as docs/emr.md says, in a bucket of this region: `s3://<bucket>/<key>`, named as Maven names it, `emr-dynamodb-tools-X.Y.Z-jar-with-dependencies.jar`. Its version must suit `cluster.release_label`, and is read from the name.
    - `jar_kms_key_arn`: the customer-managed key the jar is encrypted with. `null`: keys of S3 itself.
    - `subnet_ids`: tried in this order when a zone is short of instances; all of one VPC. Default: the default subnet of the default VPC.
    - `spot`: whether core nodes are spot instances. The master never is: with it the cluster is lost.
    - `security_configuration`: name of an EMR security configuration (encryption at rest and in transit). `null`: none.
    - `instance_types`: up to 5 core types in one instance fleet, in place of `cluster.core_instance_type`. Default: none, an instance group.
  EOT
  type = object({
    jar                    = string
    jar_kms_key_arn        = optional(string)
    subnet_ids             = optional(list(string), [])
    spot                   = optional(bool, false)
    security_configuration = optional(string)
    instance_types         = optional(list(string), [])
  })
  default = null

  validation {
    condition     = var.emr == null || can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([A-Za-z0-9_.=-]+/)*emr-dynamodb-tools-[0-9]+\\.[0-9]+\\.[0-9]+(-SNAPSHOT)?(-jar-with-dependencies)?\\.jar$", var.emr.jar))
    error_message = "emr.jar must be s3://<bucket>/<key> whose last part is emr-dynamodb-tools-X.Y.Z-jar-with-dependencies.jar (the version is read from it), got ${jsonencode(try(var.emr.jar, null))}. Build and upload it as docs/emr.md says; example: \"s3://example-tools/emr-dynamodb-tools-6.0.0-jar-with-dependencies.jar\"."
  }

  validation {
    condition     = try(var.emr.jar_kms_key_arn, null) == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.emr.jar_kms_key_arn))
    error_message = "emr.jar_kms_key_arn must be the ARN of a key (not of an alias), got ${jsonencode(try(var.emr.jar_kms_key_arn, null))}. Example: \"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\"; null if S3's own keys are used."
  }

  validation {
    condition     = alltrue([for id in flatten(var.emr[*].subnet_ids) : can(regex("^subnet-([0-9a-f]{8}|[0-9a-f]{17})$", id))])
    error_message = "emr.subnet_ids must be subnets' ids, got ${jsonencode(try(var.emr.subnet_ids, null))}. Example: [\"subnet-0123456789abcdef0\"]; [] for the default subnet."
  }

  validation {
    condition     = length(distinct(flatten(var.emr[*].subnet_ids))) == length(flatten(var.emr[*].subnet_ids))
    error_message = "emr.subnet_ids names a subnet twice: ${jsonencode(try(var.emr.subnet_ids, null))}. Remove the duplicate."
  }

  validation {
    condition     = try(var.emr.security_configuration, null) == null || can(regex("^[!-~]([ -~]{0,253}[!-~])?$", var.emr.security_configuration))
    error_message = "emr.security_configuration must be the name of an EMR security configuration (1 to 255 printable ASCII characters), got ${jsonencode(try(var.emr.security_configuration, null))}. Use null for none."
  }

  validation {
    condition     = alltrue([for kind in flatten(var.emr[*].instance_types) : can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", kind))])
    error_message = "emr.instance_types must be EC2 instance types, got ${jsonencode(try(var.emr.instance_types, null))}. Example: [\"m5.xlarge\", \"m5a.xlarge\"]; [] for cluster.core_instance_type alone."
  }

  validation {
    condition     = length(flatten(var.emr[*].instance_types)) <= 5 && length(distinct(flatten(var.emr[*].instance_types))) == length(flatten(var.emr[*].instance_types))
    error_message = "emr.instance_types must be at most 5 different types (EMR's limit for a fleet), got ${jsonencode(try(var.emr.instance_types, null))}. Remove some, or the duplicate."
  }
}
