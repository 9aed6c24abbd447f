# One function that tells each morning how the nights of all deployments in a bucket went. To be applied in the account and
# region of the topic; the bucket may be in another region.

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  partition  = data.aws_partition.current.partition
  account    = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.id
  dns_suffix = data.aws_partition.current.dns_suffix

  key_prefix    = var.backup_bucket.prefix == "" ? "" : "${var.backup_bucket.prefix}/"
  key_prefixes  = concat([local.key_prefix], [for each in var.more_prefixes : each == "" ? "" : "${each}/"])
  bucket_arn    = "arn:${local.partition}:s3:::${var.backup_bucket.name}"
  bucket_region = coalesce(var.backup_bucket.region, local.region)
  page_key      = "${local.key_prefix}fleet/report.html"

  # put together here, so that the policies are known at plan
  function_arn = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}"
  log_arn      = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.name}"
  group_arn    = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/${var.name}"

  zones = split("\n", trimspace(file("${path.module}/../../files/timezones.txt")))
  at    = split(":", var.schedule.time)

  settings = {
    name          = var.name
    bucket        = var.backup_bucket.name
    bucket_region = local.bucket_region
    prefix        = var.backup_bucket.prefix
    more_prefixes = var.more_prefixes
    topic_arn     = var.topic.arn
    nights        = var.nights
    seen_days     = var.seen_days
    expected      = var.expected
    runbook_url   = var.runbook_url
  }
}

# Before the function: Lambda would create it without retention
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.lambda.log_retention_days
  kms_key_id        = var.topic.kms_key_arn

  tags = var.tags
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:reserved concurrency takes from the account's pool, and it runs once a day
  #checkov:skip=CKV_AWS_116:an event that is lost is a morning without a figure, which the alarm tells
  #checkov:skip=CKV_AWS_117:calls AWS's public APIs only; in a VPC it needs endpoints for three services
  #checkov:skip=CKV_AWS_173:the settings are no secrets; Lambda encrypts them with its own key
  #checkov:skip=CKV_AWS_272:the package is in this repository, byte for byte what its source builds; a signing profile is the account's affair
  function_name    = var.name
  description      = "Tells each morning how the nights of all deployments went"
  role             = aws_iam_role.function.arn
  filename         = "${path.module}/../../lambda/hippolyte.zip"
  source_code_hash = filebase64sha256("${path.module}/../../lambda/hippolyte.zip")
  handler          = "hippolyte.fleet.handler"
  runtime          = var.lambda.runtime
  architectures    = ["arm64"]
  memory_size      = var.lambda.memory_size
  timeout          = 300

  environment {
    variables = { HIPPOLYTE_FLEET = jsonencode(local.settings) }
  }

  tracing_config {
    mode = "PassThrough" # nothing of ours starts a trace
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = "INFO"
    system_log_level      = "WARN"
    log_group             = aws_cloudwatch_log_group.this.name
  }

  tags = var.tags

  depends_on = [aws_iam_role_policy.function]
}

# what failed after its message would only tell twice; an alarm says that it failed
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 3600
}

resource "aws_scheduler_schedule_group" "this" {
  name = var.name

  tags = var.tags
}

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297:the payload is empty; Scheduler encrypts it with its own key
  name                         = var.name
  description                  = "Once a day, after the nights of all deployments"
  group_name                   = aws_scheduler_schedule_group.this.name
  schedule_expression          = "cron(${tonumber(local.at[1])} ${tonumber(local.at[0])} * * ? *)"
  schedule_expression_timezone = var.schedule.timezone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.this.arn
    role_arn = aws_iam_role.schedule.arn
    input    = "{}"

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 5
    }
  }

  lifecycle {
    precondition {
      condition     = contains(local.zones, var.schedule.timezone)
      error_message = "schedule.timezone must be an IANA time zone, got ${jsonencode(var.schedule.timezone)}. Example: \"Europe/Berlin\"; all names are in files/timezones.txt of the main module."
    }

    precondition {
      condition     = split(":", var.topic.arn)[3] == local.region && split(":", var.topic.arn)[4] == local.account
      error_message = "topic must be of this account and region (${local.account}, ${local.region}), got \"${var.topic.arn}\": CloudWatch tells alarms to no other. Apply this module where the topic is; the bucket may be in another region."
    }
  }

  depends_on = [aws_iam_role_policy.schedule, aws_lambda_function_event_invoke_config.this]
}

# A figure a morning: how many deployments have no last night. Not 0 within the last 26 hours, or none at all: told. Quiet
# until the first has come; 26, as clocks that go back make a day of 25
resource "aws_cloudwatch_metric_alarm" "missing" {
  alarm_name                = "${var.name}-nights-missing"
  alarm_description         = "Deployments have no last night that can be read, or the fleet report did not come for 26 hours (INSUFFICIENT_DATA)."
  namespace                 = "Hippolyte"
  metric_name               = "NightsMissing"
  dimensions                = { Fleet = var.name }
  statistic                 = "Maximum"
  comparison_operator       = "GreaterThanOrEqualToThreshold"
  threshold                 = 1
  period                    = 3600
  evaluation_periods        = 26
  datapoints_to_alarm       = 1
  treat_missing_data        = "missing"
  alarm_actions             = [var.topic.arn]
  insufficient_data_actions = [var.topic.arn]

  tags = var.tags
}

# At once, not a day later; also what failed after the message, as the page
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-errors"
  alarm_description   = "The report of all deployments failed: its message may not have come, or its page is old."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = var.name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.topic.arn]

  tags = var.tags
}
