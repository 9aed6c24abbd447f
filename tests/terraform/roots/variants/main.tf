# One plan of the module in several shapes: a plan costs seconds, nearly all of them the provider's start.

terraform {
  required_version = ">= 1.5.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.83.0, < 7.0.0"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

provider "aws" {
  alias  = "frankfurt"
  region = "eu-central-1"
}

module "plain" {
  source = "../../../../"
  engine = "datapipeline"
}

module "strict" {
  source = "../../../../"
  engine = "datapipeline"

  name                    = "strict"
  strict_datapipeline_iam = true
  dashboard_enabled       = true
  permissions_boundary    = "arn:aws:iam::123456789012:policy/boundary"
  tags                    = { team = "data", "hippolyte:deployment" = "mine" }
  tables                  = { exclude_tags = { backup = ["no", "never"] } }
}

# everything that can be off is off; a window over midnight in a zone of its own
module "quiet" {
  source = "../../../../"
  engine = "datapipeline"

  name           = "quiet"
  enabled        = false
  raise_capacity = false
  alarms_enabled = false
  backup_window  = { start = "23:30", end = "04:15", timezone = "Europe/Berlin" }

  backup_bucket = {
    name        = "central-backups"
    prefix      = "dynamodb/prod"
    kms_key_arn = "arn:aws:kms:us-east-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  central_topic = {
    arn         = "arn:aws:sns:eu-west-1:210987654321:nights"
    kms_key_arn = "arn:aws:kms:eu-west-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }
}

# a window too short for a catch-up, in a region without Data Pipeline
module "frankfurt" {
  source = "../../../../"
  engine = "datapipeline"

  providers = { aws = aws.frankfurt }

  name            = "frankfurt"
  pipeline_region = "eu-west-1"
  backup_window   = { start = "02:00", end = "03:05" }
}

# the exporter, in a region without Data Pipeline; some of what is excluded is always backed up
module "scan" {
  source = "../../../../"
  engine = "lambda"

  providers = { aws = aws.frankfurt }

  name              = "scan"
  dashboard_enabled = true
  exporter          = { memory_size = 3538, max_workers = 4 }

  tables = {
    always  = ["orders", "users-*-eu", "dots.in.it"]
    exclude = ["scratch-*", "ord*", "?rders", "users-1-eu", "users-*", "users-*-us", "*-tmp", "dots?in?it", "dots-in-it", "orders2"]
  }
}

# the exporter with more excluded than its policy holds, and what the guard rails of an account may demand
module "crowded" {
  source = "../../../../"
  engine = "lambda"

  name                 = "crowded"
  consistent_reads     = true
  raise_capacity       = false
  role_path            = "/teams/data/"
  permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
  tables               = { exclude = [for n in range(400) : "excluded-${n}"] }
  native_export        = { tables = ["orders*"], exclude = ["orders-scratch"] }
  restore_drill        = { canary = "orders" }

  vpc = {
    subnet_ids         = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    security_group_ids = ["sg-0123456789abcdef0"]
  }

  backup_bucket = {
    name        = "central-backups"
    prefix      = "dynamodb/prod"
    owner       = "210987654321"
    kms_key_arn = "arn:aws:kms:us-east-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }
}

# EMR as it comes, in a region without Data Pipeline
module "emr" {
  source = "../../../../"
  engine = "emr"

  providers = { aws = aws.frankfurt }

  name = "emr"
  emr  = { jar = "s3://tools/emr-dynamodb-tools-6.0.0-jar-with-dependencies.jar" }
}

# EMR with all that can be given
module "private" {
  source = "../../../../"
  engine = "emr"

  name           = "private"
  raise_capacity = "plan"
  prices         = { region = "eu-west-1", read_unit_hour = 0.000147 }
  tables         = { include = [], include_tags = { backup = ["yes"] } }

  emr = {
    jar                    = "s3://tools/hadoop/emr-dynamodb-tools-5.6.0-jar-with-dependencies.jar"
    jar_kms_key_arn        = "arn:aws:kms:us-east-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ac"
    subnet_ids             = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    spot                   = true
    security_configuration = "at-rest"
    instance_types         = ["m5.xlarge", "m5a.xlarge"]
  }

  cluster = {
    release_label                    = "emr-7.5.0"
    master_security_group_id         = "sg-0123456789abcdef0"
    core_security_group_id           = "sg-0123456789abcdef1"
    service_access_security_group_id = "sg-0123456789abcdef2"
  }

  backup_bucket = {
    name        = "central-backups"
    prefix      = "dynamodb/emr"
    kms_key_arn = "arn:aws:kms:us-east-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }
}

# what the guard rails of an account may demand
module "guarded" {
  source = "../../../../"
  engine = "emr"

  name           = "guarded"
  raise_capacity = false
  role_path      = "/teams/data/"
  kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ad"
  emr            = { jar = "s3://tools/emr-dynamodb-tools-6.0.0-jar-with-dependencies.jar" }
  cluster        = { volume_kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ae" }

  vpc = {
    subnet_ids         = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    security_group_ids = ["sg-0123456789abcdef0"]
  }

  backup_bucket = {
    name        = "guarded-backups"
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890af"
    sse_header  = "aws:kms"
  }
}

# backups of its own bucket kept cheaper and safer
module "locked" {
  source = "../../../../"

  name             = "locked"
  retention_days   = 90
  retention_weeks  = 26
  retention_months = 3
  storage_classes  = { STANDARD_IA = 30, GLACIER_IR = 120 }
  object_lock      = { mode = "COMPLIANCE", days = 30 }
}

# a bucket and a topic for all accounts of an organization; a given key, or the policies would not be known at plan
module "bucket_of_all" {
  source = "../../../../modules/backup-bucket"

  bucket           = "backups-of-all"
  prefix           = "dynamodb"
  organization_id  = "o-exampleorgid"
  kms_key_arn      = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  retention_weeks  = 12
  retention_months = 13
  storage_classes  = { INTELLIGENT_TIERING = 35, GLACIER_IR = 84 }
  object_lock      = { mode = "GOVERNANCE", days = 14 }
}

module "topic_of_all" {
  source = "../../../../modules/backup-topic"

  organization_id = "o-exampleorgid"
}

output "scan" {
  description = "What the exporter could still read of what is excluded."
  value       = module.scan.excluded_but_readable
}

output "crowded" {
  description = "The same of the one with many."
  value       = module.crowded.excluded_but_readable
}
