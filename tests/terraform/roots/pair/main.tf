# Two deployments side by side in one account and region, on the same tables and into the same bucket.

terraform {
  required_version = ">= 1.5.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.83.0, < 7.0.0"
    }
  }
}

variable "first_enabled" {
  description = "Whether the first one starts nights."
  type        = bool
  default     = true
  nullable    = false
}

provider "aws" {
  region = "us-east-1"
}

# clusters that read as fast as the large table needs
module "first" {
  source = "../../../../"

  name           = "first"
  engine         = "datapipeline"
  cluster        = { core_instance_type = "m5.4xlarge", core_instance_count = 20 }
  enabled        = var.first_enabled
  backup_window  = { start = "00:00", end = "02:00" }
  backup_bucket  = { name = "shared-backups", prefix = "first" }
  alarms_enabled = false
}

module "second" {
  source = "../../../../"

  name           = "second"
  engine         = "datapipeline"
  cluster        = { core_instance_type = "m5.4xlarge", core_instance_count = 20 }
  raise_capacity = false
  backup_window  = { start = "00:00", end = "02:00" }
  backup_bucket  = { name = "shared-backups", prefix = "second" }
  alarms_enabled = false
}
