# What the monitor may do for restore drills: tables of one name only, which it makes and deletes.

locals {
  drills = module.inputs.restore_drill != null
}

data "aws_iam_policy_document" "drill" {
  # ImportTable reads the backup and writes its log with the caller's rights. Resources as in the Developer Guide, "Requesting
  # a table import": a table's ARN with a wildcard, below which the import's ARN lies
  dynamic "statement" {
    for_each = local.drills ? [true] : []

    content {
      sid       = "DrillRestores"
      actions   = ["dynamodb:DeleteTable", "dynamodb:DescribeImport", "dynamodb:ImportTable"]
      resources = [local.drill_arn, "${local.drill_arn}/import/*"]
    }
  }

  # the first knows no ARN; of both that guide says "*"
  dynamic "statement" {
    for_each = local.drills ? [true] : []

    content {
      sid       = "ListDrills"
      actions   = ["dynamodb:ListImports", "logs:DescribeLogGroups"]
      resources = ["*"]

      condition {
        test     = "StringEquals"
        variable = "aws:RequestedRegion"
        values   = [local.region]
      }
    }
  }

  dynamic "statement" {
    for_each = local.drills ? [true] : []

    content {
      sid = "LogDrills"
      actions = [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
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
