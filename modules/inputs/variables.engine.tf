# With what the tables are exported: the exporter, or clusters.

variable "exporter" {
  description = "The root's `exporter`, with its type and rules."
  type = object({
    memory_size = optional(number, 1769)
    max_workers = optional(number, 10)
  })
  nullable = false

  validation {
    condition     = var.exporter.memory_size >= 512 && var.exporter.memory_size <= 10240 && floor(var.exporter.memory_size) == var.exporter.memory_size
    error_message = "exporter.memory_size must be a whole number of MB from 512 to 10240, got ${var.exporter.memory_size}. Example: 1769, which is one vCPU."
  }

  validation {
    condition     = contains(range(1, 101), var.exporter.max_workers)
    error_message = "exporter.max_workers must be a whole number from 1 to 100, got ${var.exporter.max_workers}. Example: 10."
  }
}

variable "emr" {
  description = "The root's `emr`, with its type and rules."
  type = object({
    jar                    = string
    jar_kms_key_arn        = optional(string)
    subnet_ids             = optional(list(string), [])
    spot                   = optional(bool, false)
    security_configuration = optional(string)
    instance_types         = optional(list(string), [])
  })

  validation {
    condition     = var.emr == null || can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([A-Za-z0-9_.=-]+/)*emr-dynamodb-tools-[0-9]+\\.[0-9]+\\.[0-9]+(-SNAPSHOT)?(-jar-with-dependencies)?\\.jar$", var.emr.jar))
    error_message = "emr.jar must be s3://<bucket>/<key> whose last part is emr-dynamodb-tools-X.Y.Z.jar (the version is read from it), got ${jsonencode(try(var.emr.jar, null))}. Fetch and upload it as docs/emr.md says; example: \"s3://example-tools/emr-dynamodb-tools-5.6.0.jar\"."
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

variable "cluster" {
  description = "The root's `cluster`, with its type and rules."
  type = object({
    release_label                    = optional(string)
    master_instance_type             = optional(string, "m5.xlarge")
    core_instance_type               = optional(string, "m5.xlarge")
    core_instance_count              = optional(number, 1)
    subnet_id                        = optional(string)
    key_pair                         = optional(string)
    master_security_group_id         = optional(string)
    core_security_group_id           = optional(string)
    service_access_security_group_id = optional(string)
    volume_kms_key_arn               = optional(string)
  })
  nullable = false

  validation {
    condition     = var.cluster.release_label == null || can(regex("^emr-[5-9]\\.[0-9]{1,2}\\.[0-9]{1,2}$", var.cluster.release_label))
    error_message = "cluster.release_label must be emr-X.Y.Z with X from 5, got ${jsonencode(var.cluster.release_label)}. Example: \"emr-7.13.0\"; null for the engine's default."
  }

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.cluster.master_instance_type))
    error_message = "cluster.master_instance_type must be an EC2 instance type, got ${jsonencode(var.cluster.master_instance_type)}. Example: \"m5.xlarge\"."
  }

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.cluster.core_instance_type))
    error_message = "cluster.core_instance_type must be an EC2 instance type, got ${jsonencode(var.cluster.core_instance_type)}. Example: \"m5.xlarge\"."
  }

  validation {
    condition     = var.cluster.core_instance_count >= 1 && var.cluster.core_instance_count <= 20 && floor(var.cluster.core_instance_count) == var.cluster.core_instance_count
    error_message = "cluster.core_instance_count must be a whole number from 1 to 20, got ${var.cluster.core_instance_count}. Example: 1."
  }

  validation {
    condition     = var.cluster.subnet_id == null || can(regex("^subnet-([0-9a-f]{8}|[0-9a-f]{17})$", var.cluster.subnet_id))
    error_message = "cluster.subnet_id must be a subnet's id, got ${jsonencode(var.cluster.subnet_id)}. Example: \"subnet-0123456789abcdef0\"; null for the default subnet."
  }

  validation {
    condition     = var.cluster.volume_kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.cluster.volume_kms_key_arn))
    error_message = "cluster.volume_kms_key_arn must be the ARN of a key (not of an alias), got ${jsonencode(var.cluster.volume_kms_key_arn)}. Example: \"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\"; null where volumes are not encrypted by default, or with AWS's own key."
  }

  validation {
    condition     = var.cluster.key_pair == null || can(regex("^[!-~]([ -~]{0,253}[!-~])?$", var.cluster.key_pair))
    error_message = "cluster.key_pair must be the name of an EC2 key pair (1 to 255 printable ASCII characters), got ${jsonencode(var.cluster.key_pair)}. Use null for none."
  }

  validation {
    condition     = var.cluster.master_security_group_id == null || can(regex("^sg-([0-9a-f]{8}|[0-9a-f]{17})$", var.cluster.master_security_group_id))
    error_message = "cluster.master_security_group_id must be a security group's id, got ${jsonencode(var.cluster.master_security_group_id)}. Example: \"sg-0123456789abcdef0\"; null for EMR's own."
  }

  validation {
    condition     = var.cluster.core_security_group_id == null || can(regex("^sg-([0-9a-f]{8}|[0-9a-f]{17})$", var.cluster.core_security_group_id))
    error_message = "cluster.core_security_group_id must be a security group's id, got ${jsonencode(var.cluster.core_security_group_id)}. Example: \"sg-0123456789abcdef0\"; null for EMR's own."
  }

  validation {
    condition     = var.cluster.service_access_security_group_id == null || can(regex("^sg-([0-9a-f]{8}|[0-9a-f]{17})$", var.cluster.service_access_security_group_id))
    error_message = "cluster.service_access_security_group_id must be a security group's id, got ${jsonencode(var.cluster.service_access_security_group_id)}. Example: \"sg-0123456789abcdef0\"; null for EMR's own."
  }

  validation {
    condition     = (var.cluster.master_security_group_id == null) == (var.cluster.core_security_group_id == null)
    error_message = "cluster.master_security_group_id and cluster.core_security_group_id go together, got ${jsonencode(var.cluster.master_security_group_id)} and ${jsonencode(var.cluster.core_security_group_id)}. Set both or neither."
  }

  validation {
    condition     = var.cluster.service_access_security_group_id == null || var.cluster.master_security_group_id != null
    error_message = "cluster.service_access_security_group_id (${jsonencode(var.cluster.service_access_security_group_id)}) needs cluster.master_security_group_id and cluster.core_security_group_id. Set all three or none."
  }
}
