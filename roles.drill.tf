# What the monitor may do for restore drills: tables of one name only, which it makes and deletes.

data "aws_iam_policy_document" "drill" {
  # ImportTable reads the backup and writes its log with the caller's rights
  dynamic "statement" {
    for_each = module.inputs.restore_drill == null ? [] : [true]

    content {
      sid       = "DrillRestores"
      actions   = ["dynamodb:DeleteTable", "dynamodb:DescribeImport", "dynamodb:ImportTable", "dynamodb:ListImports"]
      resources = [local.drill_arn, "${local.drill_arn}/import/*"]
    }
  }

  dynamic "statement" {
    for_each = module.inputs.restore_drill == null ? [] : [true]

    content {
      sid = "LogDrills"
      actions = [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "logs:PutRetentionPolicy",
      ]
      resources = [
        "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws-dynamodb/*",
        "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws-dynamodb/*:log-stream:*",
      ]
    }
  }
}
