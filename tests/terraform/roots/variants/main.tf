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
}

module "strict" {
  source = "../../../../"

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

  providers = { aws = aws.frankfurt }

  name            = "frankfurt"
  pipeline_region = "eu-west-1"
  backup_window   = { start = "02:00", end = "03:05" }
}
