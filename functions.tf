# The two functions, and where their lost events go. When they run is in schedules.tf.

locals {
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

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:reserved concurrency takes from the account's pool, and small accounts have none to give
  #checkov:skip=CKV_AWS_116:failed events go to the queue by the destination of the event invoke config, which keeps more of them
  #checkov:skip=CKV_AWS_117:calls AWS's public APIs only; in a VPC it needs endpoints for nine services. Who must, sets vpc
  #checkov:skip=CKV_AWS_173:the settings are no secrets; Lambda encrypts them with its own key
  #checkov:skip=CKV_AWS_272:the package is in this repository, byte for byte what its source builds; a signing profile is the account's affair
  for_each = local.functions

  function_name    = "${var.name}-${each.key}"
  description      = each.key == "scheduler" ? "Plans and starts the nightly backup of all DynamoDB tables" : "Follows the backup jobs, gives capacity back, verifies, reports"
  role             = aws_iam_role.this[each.key].arn
  filename         = "${path.module}/lambda/hippolyte.zip"
  source_code_hash = filebase64sha256("${path.module}/lambda/hippolyte.zip")
  handler          = "hippolyte.${each.key}.handler"
  runtime          = module.inputs.lambda.runtime
  architectures    = ["arm64"]
  memory_size      = module.inputs.lambda.memory_size
  timeout          = 900

  environment {
    variables = { HIPPOLYTE_SETTINGS = local.settings }
  }

  dynamic "vpc_config" {
    for_each = module.inputs.vpc[*]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
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
