# The roles: who may assume each, and which policy it has. The policies are in roles.functions.tf, roles.exporter.tf,
# roles.surroundings.tf, roles.cluster.tf and the engine's room, modules/engine-datapipeline or modules/engine-emr.

locals {
  role_names = { for role in ["scheduler", "monitor", "schedules", "exporter", "machine", "pipeline", "emr", "cluster", "guard"] : role => "${var.name}-${local.region}-${role}" }
  role_arns  = { for role, name in local.role_names : role => "arn:${local.partition}:iam::${local.account}:role${var.role_path}${name}" }

  # What every document names again and again
  table_arn      = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/*"
  drill_arn      = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/hippolyte-drill-*"
  cluster_arn    = "arn:${local.partition}:elasticmapreduce:${local.region}:${local.account}:cluster/*"
  key_arns       = ["arn:${local.partition}:kms:${local.region}:*:key/*"] # tables' keys, maybe of another account
  via_dynamodb   = "dynamodb.${local.region}.${local.dns_suffix}"
  function_arns  = { for name in keys(local.functions) : name => "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}-${name}" }
  log_group_arns = { for name in keys(local.functions) : name => "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.name}-${name}" }
  # as the guide of Step Functions has it, "Prevent cross-service confused deputy issue"; the role invokes one function only
  any_machine_arn = "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:*"
  schedule_group  = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/${var.name}"
  guard_arn       = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule/${var.name}/cluster-*"

  # Confused deputy: a service may use a role only on behalf of this account. EC2 sends no source, Lambda is not known to
  # when it assumes an execution role.
  every_trust = {
    scheduler           = { "lambda.amazonaws.com" = { account = false, arn = null } }
    monitor             = { "lambda.amazonaws.com" = { account = false, arn = null } }
    exporter            = { "lambda.amazonaws.com" = { account = false, arn = null } }
    schedules           = { "scheduler.amazonaws.com" = { account = true, arn = local.schedule_group } }
    machine             = { "states.amazonaws.com" = { account = true, arn = local.any_machine_arn } }
    cluster             = { "ec2.${local.dns_suffix}" = { account = false, arn = null } }
    guard               = { "scheduler.amazonaws.com" = { account = true, arn = local.schedule_group } }
    (local.engine_role) = try(local.engine.trust, null)
  }
  trust = { for role, services in local.every_trust : role => services if !contains(local.roles_left_out, role) }

  every_policy = {
    scheduler           = data.aws_iam_policy_document.scheduler.json
    monitor             = data.aws_iam_policy_document.monitor.json
    exporter            = data.aws_iam_policy_document.exporter.json
    schedules           = data.aws_iam_policy_document.schedules.json
    machine             = data.aws_iam_policy_document.machine.json
    cluster             = data.aws_iam_policy_document.cluster.json
    guard               = data.aws_iam_policy_document.guard.json
    (local.engine_role) = data.aws_iam_policy_document.engine.json
  }
  policies = { for role, policy in local.every_policy : role => policy if !contains(local.roles_left_out, role) }

  # without clusters there is nothing to make them with, nor to run in them; Data Pipeline ends its own (terminateAfter)
  roles_left_out = concat(local.on_lambda ? ["cluster", local.engine_role] : [], local.on_emr ? [] : ["guard"])
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
  count = local.on_lambda ? 0 : 1

  path = var.role_path
  name = local.role_names["cluster"]
  role = aws_iam_role.this["cluster"].name

  tags = local.tags
}

moved {
  from = aws_iam_instance_profile.cluster
  to   = aws_iam_instance_profile.cluster[0]
}

# --- EventBridge Scheduler --------------------------------------------------------------------------------------------

data "aws_iam_policy_document" "schedules" {
  statement {
    sid       = "InvokeTheFunctions"
    actions   = ["lambda:InvokeFunction"]
    resources = [for name in local.overseers : local.function_arns[name]]
  }

  statement {
    sid       = "KeepUndeliveredEvents"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arn]
  }
}
