# The five roles: who may assume each, and which policy it has. The policies are in roles.functions.tf, roles.surroundings.tf, roles.cluster.tf and
# the engine's room, modules/engine-datapipeline or modules/engine-emr.

locals {
  role_names = { for role in ["scheduler", "monitor", "schedules", "pipeline", "emr", "cluster"] : role => "${var.name}-${local.region}-${role}" }
  role_arns  = { for role, name in local.role_names : role => "arn:${local.partition}:iam::${local.account}:role${var.role_path}${name}" }

  # What every document names again and again
  table_arn      = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/*"
  cluster_arn    = "arn:${local.partition}:elasticmapreduce:${local.region}:${local.account}:cluster/*"
  key_arns       = ["arn:${local.partition}:kms:${local.region}:*:key/*"] # tables' keys, maybe of another account
  via_dynamodb   = "dynamodb.${local.region}.${local.dns_suffix}"
  log_group_arns = { for name in keys(local.functions) : name => "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.name}-${name}" }
  schedule_group = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/${var.name}"

  # Confused deputy: a service may use a role only on behalf of this account. EC2 sends no source, Lambda is not known to
  # when it assumes an execution role.
  trust = {
    scheduler           = { "lambda.amazonaws.com" = { account = false, arn = null } }
    monitor             = { "lambda.amazonaws.com" = { account = false, arn = null } }
    schedules           = { "scheduler.amazonaws.com" = { account = true, arn = local.schedule_group } }
    cluster             = { "ec2.${local.dns_suffix}" = { account = false, arn = null } }
    (local.engine_role) = local.engine.trust
  }

  policies = {
    scheduler           = data.aws_iam_policy_document.scheduler.json
    monitor             = data.aws_iam_policy_document.monitor.json
    schedules           = data.aws_iam_policy_document.schedules.json
    cluster             = data.aws_iam_policy_document.cluster.json
    (local.engine_role) = data.aws_iam_policy_document.engine.json
  }
}

data "aws_iam_policy_document" "trust" {
  for_each = local.trust

  dynamic "statement" {
    for_each = each.value

    content {
      sid     = replace(title(replace(split(".", statement.key)[0], "-", " ")), " ", "")
      actions = ["sts:AssumeRole"]

      principals {
        type        = "Service"
        identifiers = [statement.key]
      }

      dynamic "condition" {
        for_each = statement.value.account ? [local.account] : []

        content {
          test     = "StringEquals"
          variable = "aws:SourceAccount"
          values   = [condition.value]
        }
      }

      dynamic "condition" {
        for_each = statement.value.arn == null ? [] : [statement.value.arn]

        content {
          test     = "ArnLike"
          variable = "aws:SourceArn"
          values   = [condition.value]
        }
      }
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.trust

  path                 = var.role_path
  name                 = local.role_names[each.key] # the region is in it: IAM is global, a deployment is regional
  description          = "Hippolyte ${var.name}: ${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  permissions_boundary = var.permissions_boundary

  tags = local.tags
}

resource "aws_iam_role_policy" "this" {
  for_each = local.policies

  name   = each.key
  role   = aws_iam_role.this[each.key].name
  policy = each.value
}

# EMR takes profile and role for one thing: they must share the name
resource "aws_iam_instance_profile" "cluster" {
  path = var.role_path
  name = local.role_names["cluster"]
  role = aws_iam_role.this["cluster"].name

  tags = local.tags
}

# --- EventBridge Scheduler --------------------------------------------------------------------------------------------

data "aws_iam_policy_document" "schedules" {
  statement {
    sid       = "InvokeTheFunctions"
    actions   = ["lambda:InvokeFunction"]
    resources = [for name in keys(local.functions) : "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}-${name}"]
  }

  statement {
    sid       = "KeepUndeliveredEvents"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arn]
  }
}
