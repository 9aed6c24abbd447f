# How the work is done: the functions, the clusters, the planner's figures. The defaults suit almost everybody.

variable "lambda" {
  description = <<-EOT
    The two functions.
    - `runtime`: `python3.11` to `python3.14` (the last needs provider 6).
    - `memory_size`: MB, 256 to 10240. Thousands of tables want 1024.
    - `log_retention_days`: one of CloudWatch's values.
  EOT
  type = object({
    runtime            = optional(string, "python3.13")
    memory_size        = optional(number, 512)
    log_retention_days = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["python3.11", "python3.12", "python3.13", "python3.14"], var.lambda.runtime)
    error_message = "lambda.runtime must be one of python3.11, python3.12, python3.13, python3.14, got ${jsonencode(var.lambda.runtime)}. Example: \"python3.13\"."
  }

  validation {
    condition     = var.lambda.memory_size >= 256 && var.lambda.memory_size <= 10240 && floor(var.lambda.memory_size) == var.lambda.memory_size
    error_message = "lambda.memory_size must be a whole number of MB from 256 to 10240, got ${var.lambda.memory_size}. Example: 512."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.lambda.log_retention_days)
    error_message = "lambda.log_retention_days must be a value CloudWatch Logs knows (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653), got ${var.lambda.log_retention_days}. Example: 30."
  }
}

variable "pipeline_region" {
  description = "Region whose Data Pipeline service drives the clusters: `us-east-1`, `us-west-2`, `ap-southeast-2`, `ap-northeast-1` or `eu-west-1`. The clusters themselves run beside the tables. `null`: the module's own region, which must then be one of these; and always with `engine = \"emr\"`."
  type        = string
  default     = null

  validation {
    condition     = var.pipeline_region == null || contains(["us-east-1", "us-west-2", "ap-southeast-2", "ap-northeast-1", "eu-west-1"], coalesce(var.pipeline_region, "-"))
    error_message = "pipeline_region must be a region that has Data Pipeline (us-east-1, us-west-2, ap-southeast-2, ap-northeast-1, eu-west-1), got ${jsonencode(var.pipeline_region)}. Take the nearest of these; null for the module's own region."
  }
}

variable "strict_datapipeline_iam" {
  description = "Whether the roles name Data Pipeline's pipelines by ARN, its trust by source account, and EC2's instances by tag. What the service enforces of this is not confirmed: switch it on, run a night, and back off if calls are denied. Not with `engine = \"emr\"`."
  type        = bool
  default     = false
  nullable    = false
}

variable "cluster" {
  description = <<-EOT
    The EMR clusters that export the tables.
    - `release_label`: with `engine = "datapipeline"` one of `emr-5.2x`, which the classpath of AWS's export tool needs; with `engine = "emr"` one that goes with `emr.jar` (docs/emr.md). `null`: `emr-5.27.1`, or with EMR `emr-7.13.0`.
    - `master_instance_type`, `core_instance_type`: EC2 instance types.
    - `core_instance_count`: 1 to 20. One is enough: the table's capacity is the limit, not the cluster.
    - `subnet_id`: Data Pipeline's; with EMR it is `emr.subnet_ids`. `null` for the default subnet of the default VPC.
    - `key_pair`: name of an EC2 key pair for SSH. `null`: none.
    - `master_security_group_id`, `core_security_group_id`, `service_access_security_group_id`: your own instead of EMR's; the first two together, the third with them in a private subnet, all with a subnet. `null`: EMR creates its own.
  EOT
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
  })
  default  = {}
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

variable "planning" {
  description = <<-EOT
    Figures the planner reckons with; all whole numbers.
    - `attempts`: tries per table and night, 1 to 5.
    - `max_clusters`: clusters at the same time, 1 to 100.
    - `bytes_per_read_unit`: bytes one read unit brings per second, 1024 to 8192. 4096 is strongly consistent and careful; the export's scan reaches up to 8192.
    - `cluster_bootstrap_seconds`: from launch to a usable cluster, 0 to 7200.
    - `activity_bootstrap_seconds`: start of one export, 0 to 3600.
    - `on_demand_read_rate`: units per second wanted of an on-demand table, 1 to 40000.
    - `item_count_tolerance_percentage`: by how much items read may differ from the table's count before a person is told, 0 to 100.
    - `discovery_concurrency`: DescribeTable calls at the same time, 1 to 32.
  EOT
  type = object({
    attempts                        = optional(number, 2)
    max_clusters                    = optional(number, 10)
    bytes_per_read_unit             = optional(number, 4096)
    cluster_bootstrap_seconds       = optional(number, 600)
    activity_bootstrap_seconds      = optional(number, 60)
    on_demand_read_rate             = optional(number, 1000)
    item_count_tolerance_percentage = optional(number, 20)
    discovery_concurrency           = optional(number, 24)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(range(1, 6), var.planning.attempts)
    error_message = "planning.attempts must be a whole number from 1 to 5, got ${var.planning.attempts}. Example: 2."
  }

  validation {
    condition     = contains(range(1, 101), var.planning.max_clusters)
    error_message = "planning.max_clusters must be a whole number from 1 to 100, got ${var.planning.max_clusters}. Example: 10."
  }

  validation {
    condition     = var.planning.bytes_per_read_unit >= 1024 && var.planning.bytes_per_read_unit <= 8192 && floor(var.planning.bytes_per_read_unit) == var.planning.bytes_per_read_unit
    error_message = "planning.bytes_per_read_unit must be a whole number of bytes from 1024 to 8192, got ${var.planning.bytes_per_read_unit}. Example: 4096."
  }

  validation {
    condition     = var.planning.cluster_bootstrap_seconds >= 0 && var.planning.cluster_bootstrap_seconds <= 7200 && floor(var.planning.cluster_bootstrap_seconds) == var.planning.cluster_bootstrap_seconds
    error_message = "planning.cluster_bootstrap_seconds must be a whole number of seconds from 0 to 7200, got ${var.planning.cluster_bootstrap_seconds}. Example: 600."
  }

  validation {
    condition     = var.planning.activity_bootstrap_seconds >= 0 && var.planning.activity_bootstrap_seconds <= 3600 && floor(var.planning.activity_bootstrap_seconds) == var.planning.activity_bootstrap_seconds
    error_message = "planning.activity_bootstrap_seconds must be a whole number of seconds from 0 to 3600, got ${var.planning.activity_bootstrap_seconds}. Example: 60."
  }

  validation {
    condition     = var.planning.on_demand_read_rate >= 1 && var.planning.on_demand_read_rate <= 40000 && floor(var.planning.on_demand_read_rate) == var.planning.on_demand_read_rate
    error_message = "planning.on_demand_read_rate must be a whole number of units per second from 1 to 40000, got ${var.planning.on_demand_read_rate}. Example: 1000."
  }

  validation {
    condition     = contains(range(0, 101), var.planning.item_count_tolerance_percentage)
    error_message = "planning.item_count_tolerance_percentage must be a whole number from 0 to 100 (percent), got ${var.planning.item_count_tolerance_percentage}. Example: 20."
  }

  validation {
    condition     = contains(range(1, 33), var.planning.discovery_concurrency)
    error_message = "planning.discovery_concurrency must be a whole number from 1 to 32, got ${var.planning.discovery_concurrency}. Example: 24."
  }
}
