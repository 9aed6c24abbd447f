# Reads as the first does, finds deployments by their functions and asks these: hippolyte doctor, report, test-alert. What a
# function is asked cannot be told apart by IAM: whoever has this role may begin a night, and end one.

locals {
  functions = { for name in var.deployment_names : name => [for function in ["exporter", "monitor", "scheduler"] : "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${name}-${function}"] }
}

data "aws_iam_policy_document" "operate" {
  count = length(var.deployment_names) > 0 ? 1 : 0

  source_policy_documents = [data.aws_iam_policy_document.read.json]

  statement {
    sid       = "FindDeployments"
    actions   = ["lambda:GetFunctionConfiguration"]
    resources = flatten(values(local.functions))
  }

  statement {
    sid       = "ReadSettings"
    actions   = ["ssm:GetParametersByPath"]
    resources = [for name in var.deployment_names : "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter/hippolyte-settings/${name}/*"]
  }

  # of the account, and no resource: how much read capacity there may be
  statement {
    sid       = "ReadQuotas"
    actions   = ["dynamodb:DescribeLimits"]
    resources = ["*"]
  }

  statement {
    sid       = "SeeSchedules"
    actions   = ["scheduler:GetSchedule"]
    resources = [for name in var.deployment_names : "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule/${name}/${name}-*"]
  }

  # several at once are asked for of every alarm
  statement {
    sid       = "SeeAlarms"
    actions   = ["cloudwatch:DescribeAlarms"]
    resources = ["arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:*"]
  }

  statement {
    sid       = "SeeLostEvents"
    actions   = ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"]
    resources = [for name in var.deployment_names : "arn:${local.partition}:sqs:${local.region}:${local.account}:${name}-lost"]
  }

  statement {
    sid       = "AskFunctions"
    actions   = ["lambda:InvokeFunction"]
    resources = flatten([for arns in values(local.functions) : [for arn in arns : arn if !endswith(arn, "-exporter")]])
  }
}

resource "aws_iam_role" "operate" {
  count = length(var.deployment_names) > 0 ? 1 : 0

  name                 = "${var.name}-operate"
  description          = "Reads backups, looks at deployments and asks their functions: hippolyte doctor, test-alert"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = var.max_session_seconds
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "operate" {
  count = length(var.deployment_names) > 0 ? 1 : 0

  name   = "operate-deployments"
  role   = aws_iam_role.operate[0].id
  policy = data.aws_iam_policy_document.operate[0].json
}
