# Names, the settings that the functions are given, and what depends on account and region.

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  partition  = data.aws_partition.current.partition
  dns_suffix = data.aws_partition.current.dns_suffix
  account    = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.id # the one attribute that providers 5 and 6 agree on

  tags = merge({ "hippolyte:deployment" = var.name }, var.tags)

  pipeline_region  = coalesce(var.pipeline_region, local.region)
  pipeline_regions = ["us-east-1", "us-west-2", "ap-southeast-2", "ap-northeast-1", "eu-west-1"]

  # ARNs are put together here, not taken from the resources, so that the settings are known, and checked, at plan
  topic_arn = "arn:${local.partition}:sns:${local.region}:${local.account}:${var.name}"
  queue_arn = "arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}-lost"

  settings = merge(local.common_settings, local.engine.settings)

  cluster_settings = { for key, value in module.inputs.cluster : key => value if key != "volume_kms_key_arn" }

  # of two types: a table of all, not a condition, which would make text of both
  raise_capacity = { "true" = true, "false" = false, "plan" = "plan" }[var.raise_capacity]

  common_settings = {
    name                = var.name
    account             = local.account
    region              = local.region
    partition           = local.partition
    enabled             = var.enabled
    bucket              = local.bucket
    prefix              = local.prefix
    bucket_region       = local.bucket_region
    sse_header          = try(module.inputs.backup_bucket.sse_header, null)
    sse_key_arn         = try(module.inputs.backup_bucket.sse_header, null) == "aws:kms" ? local.bucket_key : null
    bucket_key          = local.bucket_key
    places_parameter    = aws_ssm_parameter.open.name
    topic_arn           = local.told_topic_arn
    tell_good_nights    = var.tell_good_nights
    runbook_url         = var.runbook_url
    window_seconds      = local.window_seconds
    timezone            = module.inputs.backup_window.timezone
    consumed_percentage = var.consumed_percentage
    consistent_reads    = var.consistent_reads
    tables              = module.inputs.tables
    native_export       = module.inputs.native_export
    bucket_owner        = try(module.inputs.backup_bucket.owner, null)
    engine              = var.engine
    pipeline_region     = local.region # these two are Data Pipeline's: it says its own
    pipeline_role       = ""
    cluster_role        = local.on_lambda ? "" : local.role_names["cluster"]
    cluster             = merge(local.cluster_settings, { release_label = local.release_label })
    exporter            = local.exporter_settings
    max_read_capacity   = var.max_read_capacity
    max_night_usd       = var.max_night_usd
    retention_days      = var.retention_days
    retention_weeks     = var.retention_weeks
    retention_months    = var.retention_months
    verify_days         = var.verify_days
    raise_capacity      = local.raise_capacity
    prices              = module.inputs.prices

    raise_above_warm_throughput = var.raise_above_warm_throughput
    planning                    = module.inputs.planning
    restore_drill               = module.inputs.restore_drill
    events                      = var.events_enabled
    tags                        = { for key, value in var.tags : key => value == null ? "" : value }
  }
}

resource "terraform_data" "deployment_checks" {
  lifecycle {
    precondition {
      condition     = local.former_name == var.name || length(local.open_places) == 0
      error_message = "name: this deployment is still \"${local.former_name}\", and a run or raised capacity of it is open in ${join(" and ", local.open_urls)}, or its window is not over, so it cannot be renamed \"${var.name}\" now: Terraform would take down what follows its exports and gives capacity back, with the roles of running clusters. Wait for the night's message, see that `hippolyte release --function ${local.former_name}-monitor` says that nothing is raised, and apply again when the window is over (docs/operations.md, \"Rename\")."
    }

    precondition {
      condition     = !local.on_datapipeline || var.pipeline_region != null || contains(local.pipeline_regions, local.region)
      error_message = "pipeline_region must be set: the module's own region, ${local.region}, has no Data Pipeline. Take the nearest of ${join(", ", local.pipeline_regions)} (clusters and backups stay in ${local.region}), or engine = \"lambda\", which is in every region."
    }

    precondition {
      condition     = try(module.inputs.backup_bucket.grant, null) == null ? true : contains(concat(module.inputs.backup_bucket.grant.account_ids, length(module.inputs.backup_bucket.grant.account_ids) == 0 ? [local.account] : []), local.account) && contains(module.inputs.backup_bucket.grant.names, var.name)
      error_message = "backup_bucket \"${local.bucket}\" does not let in deployment \"${var.name}\" of account ${local.account}: its policy names accounts ${jsonencode(try(module.inputs.backup_bucket.grant.account_ids, []))} and deployments ${jsonencode(try(module.inputs.backup_bucket.grant.names, []))}. Add this one to account_ids and names of the module backup-bucket, apply that first, then this."
    }

    precondition {
      condition     = try(module.inputs.central_topic.grant, null) == null ? true : contains(concat(module.inputs.central_topic.grant.account_ids, length(module.inputs.central_topic.grant.account_ids) == 0 ? [local.account] : []), local.account) && contains(module.inputs.central_topic.grant.names, var.name)
      error_message = "central_topic \"${try(module.inputs.central_topic.arn, "")}\" does not let in deployment \"${var.name}\" of account ${local.account}: its policy names accounts ${jsonencode(try(module.inputs.central_topic.grant.account_ids, []))} and deployments ${jsonencode(try(module.inputs.central_topic.grant.names, []))}. Add this one to account_ids and names of the module backup-topic, apply that first, then this."
    }
  }
}
