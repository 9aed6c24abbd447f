# Every input is used, most with a value other than its default. Do not start here: examples/minimal is what most need.

provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

locals {
  account        = data.aws_caller_identity.current.account_id
  retention_days = 90

  tags = {
    team        = "data-platform"
    cost-centre = "4711"
  }
}

# A bucket and a topic of one's own. The same two submodules serve many accounts: see examples/multi-account.

module "backup_bucket" {
  source = "../../modules/backup-bucket"

  bucket           = "${var.name}-dynamodb-${local.account}-${var.region}"
  prefix           = "dynamodb"
  account_ids      = [local.account]
  names            = [var.name]
  retention_days   = local.retention_days
  retention_weeks  = 26
  retention_months = 13
  noncurrent_days  = 35
  storage_classes  = { GLACIER_IR = 30 }
  object_lock      = { mode = "GOVERNANCE", days = 14 }
  force_destroy    = var.force_destroy
  tags             = local.tags
}

module "backup_topic" {
  source = "../../modules/backup-topic"

  name        = "${var.name}-nights"
  account_ids = [local.account]
  names       = [var.name]
  emails      = var.alert_emails
  tags        = local.tags
}

module "hippolyte" {
  source = "../../"

  name                 = var.name
  engine               = "lambda" # the default
  enabled              = true
  tags                 = local.tags
  permissions_boundary = var.permissions_boundary
  role_path            = "/backups/"

  # when and what
  backup_window = {
    start    = "23:30"
    end      = "05:30"
    timezone = "Europe/Berlin"
  }

  tables = {
    always       = ["orders"]
    exclude      = ["scratch-*", "*-tmp"]
    exclude_tags = { backup = ["no", "never"] }
    include      = ["prod-*"]
    include_tags = { backup = ["yes", "nightly"], team = ["*"] }
  }

  native_export = {
    tables  = ["prod-orders*"] # those whose point-in-time recovery is on
    exclude = ["prod-orders-archive"]
  }

  consumed_percentage         = 40
  consistent_reads            = true
  raise_capacity              = true
  raise_above_warm_throughput = false
  max_read_capacity           = 20000
  max_night_usd               = 100
  verify_days                 = 30
  restore_drill = {
    canary    = "orders"
    max_bytes = 5000000000
    max_usd   = 1
    exclude   = ["logs-*"]
  }

  # where to, for how long, and who is told
  backup_bucket    = module.backup_bucket.backup_bucket
  retention_days   = local.retention_days
  retention_weeks  = 26
  retention_months = 13
  force_destroy    = false
  # of a bucket that the module creates; the one above has its own
  storage_classes = {}
  object_lock     = null
  central_topic   = module.backup_topic.central_topic
  alert_emails    = var.alert_emails
  alarms_enabled  = true
  runbook_url     = "https://github.com/ORGANISATION/hippolyte/blob/main/docs/operations.md" # or your own copy
  kms_key_arn     = null                                                                     # a key of your own for the topic and the logs; here the module makes one

  tell_good_nights  = true # false where modules/fleet-report tells the good mornings of all deployments at once
  events_enabled    = true
  dashboard_enabled = true

  # how
  vpc = { # only where it is demanded: the subnet needs a way to every API, here by NAT
    subnet_ids         = [aws_subnet.private.id]
    security_group_ids = [aws_security_group.functions.id]
  }

  lambda = {
    runtime            = "python3.13"
    memory_size        = 1024
    log_retention_days = 90
  }

  exporter = {
    memory_size = 1769
    max_workers = 20
  }

  # only for other engines: see examples/datapipeline and examples/emr
  cluster                 = {}
  pipeline_region         = null
  strict_datapipeline_iam = false
  emr                     = null

  prices = {
    region              = "us-east-1"
    dated               = "2026-11"
    read_unit_hour      = 0.00013
    on_demand_million   = 0.125
    node_hour           = 0.24
    function_gb_second  = 0.0000133334
    transition_thousand = 0.025
    put_thousand        = 0.005
    get_thousand        = 0.0004
    storage_gb_month    = 0.023
    import_gb           = 0.15
    export_gb           = 0.10
    activity_month      = 0.6
  }

  planning = {
    estimates                       = "measured"
    attempts                        = 3
    max_clusters                    = 5
    bytes_per_read_unit             = 3072
    cluster_bytes_per_second        = 6000000
    cluster_bootstrap_seconds       = 900
    activity_bootstrap_seconds      = 90
    on_demand_read_rate             = 500
    item_count_tolerance_percentage = 10
    discovery_concurrency           = 16
  }
}
