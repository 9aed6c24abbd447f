# The two functions, what starts them, and where their lost events go.

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

  # the other engine's role is not made; "pipeline" is Data Pipeline's, "emr" what EMR makes clusters with by itself
  engine_role = local.on_emr ? "emr" : "pipeline"
  roles       = ["scheduler", "monitor", "schedules", "cluster", local.engine_role]

  # ARNs are put together here, not taken from the resources, so that the settings are known, and checked, at plan
  topic_arn  = "arn:${local.partition}:sns:${local.region}:${local.account}:${var.name}"
  queue_arn  = "arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}-lost"
  role_names = { for role in ["scheduler", "monitor", "schedules", "pipeline", "emr", "cluster"] : role => "${var.name}-${local.region}-${role}" }

  settings = jsonencode(merge(local.common_settings, local.on_emr ? { emr = local.emr_settings } : {}))

  emr_settings = {
    jar                    = one(var.emr[*].jar)
    service_role           = local.role_names["emr"]
    subnet_ids             = local.subnet_ids
    spot                   = one(var.emr[*].spot)
    security_configuration = one(var.emr[*].security_configuration)
    instance_types         = one(var.emr[*].instance_types)
  }

  common_settings = {
    name                = var.name
    account             = local.account
    region              = local.region
    partition           = local.partition
    enabled             = var.enabled
    bucket              = local.bucket
    prefix              = local.prefix
    bucket_region       = local.bucket_region
    topic_arn           = local.told_topic_arn
    window_seconds      = local.window_seconds
    consumed_percentage = var.consumed_percentage
    tables              = var.tables
    engine              = var.engine
    pipeline_region     = local.pipeline_region
    pipeline_role       = local.on_emr ? "" : local.role_names["pipeline"]
    cluster_role        = local.role_names["cluster"]
    cluster             = merge(var.cluster, { release_label = local.release_label })
    max_read_capacity   = var.max_read_capacity
    raise_capacity      = var.raise_capacity
    planning            = var.planning
  }
  settings_limit = 3500 # bytes; Lambda's whole environment holds 4 KB

  functions = {
    scheduler = {
      # reads the account's tables and writes the plan: safe to repeat, so two more tries
      retries   = 2
      event_age = 900
    }
    monitor = {
      # the next pass, five minutes later, is the retry
      retries   = 0
      event_age = 300
    }
  }
}

resource "terraform_data" "deployment_checks" {
  lifecycle {
    precondition {
      condition     = local.on_emr || var.pipeline_region != null || contains(local.pipeline_regions, local.region)
      error_message = "pipeline_region must be set: the module's own region, ${local.region}, has no Data Pipeline. Take the nearest of ${join(", ", local.pipeline_regions)} (clusters and backups stay in ${local.region}), or engine = \"emr\", which is in every region."
    }

    precondition {
      condition     = try(var.backup_bucket.grant, null) == null ? true : contains(var.backup_bucket.grant.account_ids, local.account) && contains(var.backup_bucket.grant.names, var.name)
      error_message = "backup_bucket \"${local.bucket}\" does not let in deployment \"${var.name}\" of account ${local.account}: its policy names accounts ${jsonencode(try(var.backup_bucket.grant.account_ids, []))} and deployments ${jsonencode(try(var.backup_bucket.grant.names, []))}. Add this one to account_ids and names of the module backup-bucket, apply that first, then this."
    }

    precondition {
      condition     = try(var.central_topic.grant, null) == null ? true : contains(var.central_topic.grant.account_ids, local.account) && contains(var.central_topic.grant.names, var.name)
      error_message = "central_topic \"${try(var.central_topic.arn, "")}\" does not let in deployment \"${var.name}\" of account ${local.account}: its policy names accounts ${jsonencode(try(var.central_topic.grant.account_ids, []))} and deployments ${jsonencode(try(var.central_topic.grant.names, []))}. Add this one to account_ids and names of the module backup-topic, apply that first, then this."
    }

    precondition {
      condition     = length(local.settings) <= local.settings_limit # all ASCII: a character is a byte
      error_message = "The settings handed to the functions take ${length(local.settings)} bytes, ${local.settings_limit} are allowed. Shorten the lists in tables (${length(jsonencode(var.tables))} bytes): use globs in place of names, or a name scheme that one glob can tell apart."
    }
  }
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:reserved concurrency takes from the account's pool, and small accounts have none to give
  #checkov:skip=CKV_AWS_116:failed events go to the queue by the destination of the event invoke config, which keeps more of them
  #checkov:skip=CKV_AWS_117:calls AWS's public APIs only; in a VPC it would need endpoints for nine services, and reach hosts it should not
  #checkov:skip=CKV_AWS_173:the settings are no secrets; Lambda encrypts them with its own key
  #checkov:skip=CKV_AWS_272:the package is in this repository, byte for byte what its source builds; a signing profile is the account's affair
  for_each = local.functions

  function_name    = "${var.name}-${each.key}"
  description      = each.key == "scheduler" ? "Plans and starts the nightly backup of all DynamoDB tables" : "Follows the backup jobs, gives capacity back, verifies, reports"
  role             = aws_iam_role.this[each.key].arn
  filename         = "${path.module}/lambda/hippolyte.zip"
  source_code_hash = filebase64sha256("${path.module}/lambda/hippolyte.zip")
  handler          = "hippolyte.${each.key}.handler"
  runtime          = var.lambda.runtime
  architectures    = ["arm64"]
  memory_size      = var.lambda.memory_size
  timeout          = 900

  environment {
    variables = { HIPPOLYTE_SETTINGS = local.settings }
  }

  tracing_config {
    mode = "PassThrough" # nothing of ours starts a trace
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = "INFO"
    system_log_level      = "WARN"
    log_group             = aws_cloudwatch_log_group.this[each.key].name
  }

  tags = local.tags

  # without its policy the first delivery would fail; events must have somewhere to go first
  depends_on = [aws_iam_role_policy.this, aws_iam_role_policy.tell_people, terraform_data.input_checks, terraform_data.deployment_checks]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  for_each = local.functions

  function_name                = aws_lambda_function.this[each.key].function_name
  maximum_retry_attempts       = each.value.retries
  maximum_event_age_in_seconds = each.value.event_age

  destination_config {
    on_failure {
      destination = aws_sqs_queue.lost.arn
    }
  }
}

# Events that neither Scheduler nor Lambda could deliver; an alarm watches it
resource "aws_sqs_queue" "lost" {
  name                      = "${var.name}-lost"
  message_retention_seconds = 1209600 # 14 days, the most there is: a person reads these
  sqs_managed_sse_enabled   = true

  tags = local.tags
}

data "aws_iam_policy_document" "queue" {
  statement {
    sid       = "DenyWithoutTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.queue_arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue_policy" "lost" {
  queue_url = aws_sqs_queue.lost.id
  policy    = data.aws_iam_policy_document.queue.json
}

# --- what only one deployment of an account and region may do: raise capacity, and write to a place -------------------

locals {
  claim = "/hippolyte/raise-capacity"
  # keys do not hold the deployment's name: two in one place would take each other's runs for their own
  place = "/hippolyte/places/${substr(sha256("${local.bucket}/${local.prefix}"), 0, 16)}"

  claims = zipmap(
    data.aws_ssm_parameters_by_path.claims.names,
    nonsensitive(data.aws_ssm_parameters_by_path.claims.values),
  )
  claimed_by = lookup(local.claims, local.claim, var.name)
  taken_by   = lookup(local.claims, local.place, var.name)
}

# Read only to give the remedy at plan; what decides is that creating an existing parameter fails
data "aws_ssm_parameters_by_path" "claims" {
  path      = "/hippolyte"
  recursive = true
}

resource "aws_ssm_parameter" "claim" {
  #checkov:skip=CKV2_AWS_34:the value is the deployment's name, no secret, and is shown to whoever is refused
  count = var.raise_capacity ? 1 : 0

  name        = local.claim
  description = "The Hippolyte deployment that may raise read capacity in this account and region"
  type        = "String"
  value       = var.name

  tags = local.tags

  lifecycle {
    precondition {
      condition     = local.claimed_by == var.name
      error_message = "raise_capacity: deployment \"${local.claimed_by}\" already raises read capacity in account ${local.account}, ${local.region}, so \"${var.name}\" must not: each would give back what the other had raised. Set raise_capacity = false here or there."
    }
  }
}

# the name of a bucket that is created tells deployments apart by itself
resource "aws_ssm_parameter" "place" {
  #checkov:skip=CKV2_AWS_34:the value is the deployment's name, no secret, and is shown to whoever is refused
  count = local.create_bucket ? 0 : 1

  name        = local.place
  description = "The Hippolyte deployment of this account and region that writes to s3://${local.bucket}/${local.prefix}"
  type        = "String"
  value       = var.name

  tags = local.tags

  lifecycle {
    precondition {
      condition     = local.taken_by == var.name
      error_message = "backup_bucket: deployment \"${local.taken_by}\" of account ${local.account}, ${local.region}, already writes to \"${local.bucket}\" with prefix \"${local.prefix}\", so \"${var.name}\" must not: they would take each other's nights for their own. Give one of them another backup_bucket.prefix."
    }
  }
}
