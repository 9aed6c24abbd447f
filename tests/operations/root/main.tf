# The module as tests/operations run it: every optional permission is in the plan. The topic's key is given, so that
# the whole of each policy is known before anything exists.

terraform {
  required_version = ">= 1.5.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.83.0, < 7.0.0"
    }
  }
}

variable "engine" {
  type = string
}

provider "aws" {
  region = "us-east-1"
}

module "hippolyte" {
  source = "../../../"
  engine = var.engine

  # spot nodes in fleets, in a subnet, EMR's own security groups
  emr = var.engine == "emr" ? {
    jar                    = "s3://tools/emr-dynamodb-tools-5.7.0-jar-with-dependencies.jar"
    subnet_ids             = ["subnet-0123456789abcdef0"]
    spot                   = true
    security_configuration = "at-rest"
    instance_types         = ["m5.4xlarge", "m5a.4xlarge"]
  } : null

  # Data Pipeline's in given security groups
  cluster = var.engine == "lambda" ? {} : var.engine == "emr" ? { key_pair = "night", core_instance_type = "m5.4xlarge", core_instance_count = 20 } : {
    core_instance_type               = "m5.4xlarge"
    core_instance_count              = 20
    key_pair                         = "night"
    subnet_id                        = "subnet-0123456789abcdef0"
    master_security_group_id         = "sg-0123456789abcdef0"
    core_security_group_id           = "sg-0123456789abcdef1"
    service_access_security_group_id = "sg-0123456789abcdef2"
  }

  # the large table of the scenarios is not to fit its window with any engine
  planning = { bytes_per_read_unit = 4096 }

  permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"

  dashboard_enabled = true
  events_enabled    = true

  # every backup, every night: else chance decides whose turn it is
  verify_days = 1

  # of backups that ImportTable can take
  restore_drill = var.engine == "lambda" ? {} : null

  # a window in which a table of some GiB has to be raised
  backup_window = { start = "00:00", end = "02:00" }

  tables = {
    include      = []
    include_tags = { backup = ["yes"] }
  }

  # no engine's own: shown with one
  native_export = { tables = var.engine == "lambda" ? ["native"] : [] }

  backup_bucket = {
    name        = "backups"
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000001"
  }

  # the module's own topic by its name, under a key that is known
  central_topic = {
    arn         = "arn:aws:sns:us-east-1:123456789012:hippolyte"
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000002"
  }
}
