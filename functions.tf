# The three functions, and where the lost events of two go. When these run is in schedules.tf; what invokes the exporter, in
# exporter.tf.

locals {
  functions = {
    scheduler = {
      description = "Plans and starts the nightly backup of all DynamoDB tables"
      memory_size = module.inputs.lambda.memory_size
      # reads the account's tables and writes the plan: safe to repeat, so two more tries
      retries   = 2
      event_age = 900
      lost      = true
    }
    monitor = {
      description = "Follows the backup jobs, gives capacity back, verifies, reports"
      memory_size = module.inputs.lambda.memory_size
      # the next pass, five minutes later, is the retry
      retries   = 0
      event_age = 300
      lost      = true
    }
    exporter = {
      description = "Reads tables and writes their backups, a quarter of an hour at a time"
      memory_size = module.inputs.exporter.memory_size
      # its machine waits for the answer, and repeats; an event by hand is not worth a retry
      retries   = 0
      event_age = 60
      lost      = false
    }
  }

  # those that plan and follow, are told of by schedules and tell people
  overseers = toset([for name, function in local.functions : name if function.lost])
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:reserved concurrency takes from the account's pool, and small accounts have none to give
  #checkov:skip=CKV_AWS_116:failed events go to the queue by the destination of the event invoke config, which keeps more of them
  #checkov:skip=CKV_AWS_117:calls AWS's public APIs only; in a VPC it needs endpoints for nine services. Who must, sets vpc
  #checkov:skip=CKV_AWS_173:the settings are no secrets; Lambda encrypts them with its own key
  #checkov:skip=CKV_AWS_272:the package is in this repository, byte for byte what its source builds; a signing profile is the account's affair
  for_each = local.functions

  function_name    = "${var.name}-${each.key}"
  description      = each.value.description
  role             = aws_iam_role.this[each.key].arn
  filename         = "${path.module}/lambda/hippolyte.zip"
  source_code_hash = filebase64sha256("${path.module}/lambda/hippolyte.zip")
  handler          = "hippolyte.${each.key}.handler"
  runtime          = module.inputs.lambda.runtime
  architectures    = ["arm64"]
  memory_size      = each.value.memory_size
  timeout          = 900

  environment {
    variables = { HIPPOLYTE_SETTINGS = local.settings_path }
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

  # without its policy the first delivery would fail; events must have somewhere to go first; the settings are there before a
  # function is led to them, and until it is led elsewhere
  depends_on = [aws_iam_role_policy.this, aws_iam_role_policy.tell_people, aws_ssm_parameter.settings, terraform_data.input_checks, terraform_data.deployment_checks]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  for_each = local.functions

  function_name                = aws_lambda_function.this[each.key].function_name
  maximum_retry_attempts       = each.value.retries
  maximum_event_age_in_seconds = each.value.event_age

  dynamic "destination_config" {
    for_each = each.value.lost ? [aws_sqs_queue.lost.arn] : []

    content {
      on_failure {
        destination = destination_config.value
      }
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
