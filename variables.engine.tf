# With what the tables are exported: the engine, and its functions or clusters.

variable "engine" {
  description = <<-EOT
    With what the tables are read.
    - `lambda`: a third function, the exporter, which a Step Functions machine invokes until a table is read. Needs nothing else, in every account and region.
    - `emr`: the functions start EMR clusters themselves, with an export tool of your own (`emr.jar`). For every account and region.
    - `datapipeline`: AWS Data Pipeline makes the clusters, with an export tool that AWS hosts. Closed to new customers since 2024-07-25.
    Switch outside the backup window: the roles of a night under way on clusters go with its engine. Exporter and machine are there with each.
  EOT
  type        = string
  default     = "lambda"
  nullable    = false

  validation {
    condition     = contains(["lambda", "emr", "datapipeline"], var.engine)
    error_message = "engine must be \"lambda\", \"emr\" or \"datapipeline\", got \"${var.engine}\". Take \"lambda\", which needs nothing else."
  }
}

variable "exporter" {
  description = <<-EOT
    The function that reads the tables with `engine = "lambda"`; it is made with every engine, so that a change of engine ends nothing that runs.
    - `memory_size`: MB, 512 to 10240. Default: 1769, which is one vCPU. The plan takes a worker's speed to grow with it up to 3538, no further.
    - `max_workers`: workers at the same time, 1 to 100; never more than a tenth of the account's unreserved concurrency, at least 1.
  EOT
  type        = any
  default     = {}
  nullable    = false
}

variable "emr" {
  description = <<-EOT
    What only `engine = "emr"` needs. `null`: with the others.
    - `jar`: AWS's export tool, fetched from Maven Central as docs/emr.md says, in a bucket of this region: `s3://<bucket>/<key>`, named as there, `emr-dynamodb-tools-X.Y.Z.jar`. Its version must suit `cluster.release_label`, and is read from the name.
    - `jar_kms_key_arn`: the customer-managed key the jar is encrypted with. `null`: keys of S3 itself.
    - `subnet_ids`: tried in this order when a zone is short of instances; all of one VPC. Default: the default subnet of the default VPC.
    - `spot`: whether core nodes are spot instances. The master never is: with it the cluster is lost.
    - `security_configuration`: name of an EMR security configuration (encryption at rest and in transit). `null`: none.
    - `instance_types`: up to 5 core types in one instance fleet, in place of `cluster.core_instance_type`. Default: none, an instance group.
  EOT
  type        = any
  default     = null
}

variable "pipeline_region" {
  description = "Region whose Data Pipeline service drives the clusters: `us-east-1`, `us-west-2`, `ap-southeast-2`, `ap-northeast-1` or `eu-west-1`. The clusters themselves run beside the tables. `null`: the module's own region, which must then be one of these; and always with the other engines."
  type        = string
  default     = null

  validation {
    condition     = var.pipeline_region == null || contains(["us-east-1", "us-west-2", "ap-southeast-2", "ap-northeast-1", "eu-west-1"], coalesce(var.pipeline_region, "-"))
    error_message = "pipeline_region must be a region that has Data Pipeline (us-east-1, us-west-2, ap-southeast-2, ap-northeast-1, eu-west-1), got ${jsonencode(var.pipeline_region)}. Take the nearest of these; null for the module's own region."
  }
}

variable "strict_datapipeline_iam" {
  description = "Whether the roles name Data Pipeline's pipelines by ARN, its trust by source account, and EC2's instances by tag. What the service enforces of this is not confirmed: switch it on, run a night, and back off if calls are denied. With `engine = \"datapipeline\"` only."
  type        = bool
  default     = false
  nullable    = false
}

variable "cluster" {
  description = <<-EOT
    The EMR clusters that export the tables, with `engine = "emr"` or `"datapipeline"`.
    - `release_label`: with `engine = "datapipeline"` one of `emr-5.2x`, which the classpath of AWS's export tool needs; with `engine = "emr"` one that goes with `emr.jar` (docs/emr.md). `null`: `emr-5.27.1`, or with EMR `emr-7.13.0`.
    - `master_instance_type`, `core_instance_type`: EC2 instance types.
    - `core_instance_count`: 1 to 20. A cluster reads 1 MiB/s for each mapper that its core nodes hold, which binds tables with much capacity (docs/planning.md, "How long a table takes").
    - `subnet_id`: Data Pipeline's; with EMR it is `emr.subnet_ids`. `null` for the default subnet of the default VPC.
    - `key_pair`: name of an EC2 key pair for SSH. `null`: none.
    - `master_security_group_id`, `core_security_group_id`, `service_access_security_group_id`: your own instead of EMR's; the first two together, the third with them in a private subnet, all with a subnet. `null`: EMR creates its own.
    - `volume_kms_key_arn`: the key that EBS encrypts volumes with where the account encrypts them by default with a key of its own; without it clusters end as they start (`Client.InternalError`). The key's policy must let this account's IAM decide, or let in the engine's role. `null`: none, or AWS's own key.
  EOT
  type        = any
  default     = {}
  nullable    = false
}
