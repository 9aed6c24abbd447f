# What scheduler and monitor may do each besides: what both may is in roles.functions.tf.

data "aws_iam_policy_document" "scheduler" {
  source_policy_documents = [data.aws_iam_policy_document.reconcile.json, data.aws_iam_policy_document.network.json, local.engine.functions_policy]

  # none of these knows an ARN, so the region bounds them
  statement {
    sid       = "DiscoverTables"
    actions   = ["dynamodb:ListTables", "dynamodb:ListGlobalTables", "dynamodb:DescribeLimits"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }

  # knows no ARN; only for rules over tags
  dynamic "statement" {
    for_each = length(module.inputs.tables.exclude_tags) + length(module.inputs.tables.include_tags) > 0 ? ["*"] : []

    content {
      sid       = "ReadTablesTags"
      actions   = ["tag:GetResources"]
      resources = [statement.value]
    }
  }

  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_arns["scheduler"]}:*"]
  }
}

data "aws_iam_policy_document" "monitor" {
  source_policy_documents = [
    data.aws_iam_policy_document.drill.json,
    data.aws_iam_policy_document.reconcile.json,
    data.aws_iam_policy_document.network.json,
    data.aws_iam_policy_document.existence.json,
    local.engine.functions_policy,
  ]

  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_arns["monitor"]}:*"]
  }
}
