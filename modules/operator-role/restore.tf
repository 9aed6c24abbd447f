# Reads as the other does, and makes tables whose names begin as told, and writes into them.

data "aws_iam_policy_document" "restore" {
  count = length(local.into) > 0 ? 1 : 0

  source_policy_documents = [
    data.aws_iam_policy_document.read.json,
    data.aws_iam_policy_document.encrypted_objects.json,
    data.aws_iam_policy_document.encrypted_tables.json,
  ]

  statement {
    sid = "MakeTables"
    actions = [
      "dynamodb:CreateTable",
      "dynamodb:DescribeTable",
      "dynamodb:UpdateTable",
    ]
    resources = local.into
  }

  statement {
    sid = "LoadTables"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:BatchWriteItem",
    ]
    resources = local.into
  }

  # the first knows no ARN; of both the Developer Guide's policy for imports says "*"
  statement {
    sid       = "ListImports"
    actions   = ["dynamodb:ListImports", "logs:DescribeLogGroups"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }

  statement {
    sid       = "ImportTables"
    actions   = ["dynamodb:ImportTable", "dynamodb:DescribeImport"]
    resources = concat(local.into, [for arn in local.into : "${arn}/import/*"])
  }

  # DynamoDB writes the errors of an import there, in the name of who asks for it
  statement {
    sid = "LogImports"
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

  statement {
    sid = "PutBackSettings"
    actions = [
      "dynamodb:DescribeContinuousBackups",
      "dynamodb:DescribeContributorInsights",
      "dynamodb:DescribeTimeToLive",
      "dynamodb:GetResourcePolicy",
      "dynamodb:ListTagsOfResource",
      "dynamodb:PutResourcePolicy",
      "dynamodb:TagResource",
      "dynamodb:UntagResource",
      "dynamodb:UpdateContinuousBackups",
      "dynamodb:UpdateContributorInsights",
      "dynamodb:UpdateTimeToLive",
    ]
    resources = concat(local.into, [for arn in local.into : "${arn}/index/*"])
  }

  statement {
    sid = "PutBackScaling"
    actions = [
      "application-autoscaling:PutScalingPolicy",
      "application-autoscaling:PutScheduledAction",
      "application-autoscaling:RegisterScalableTarget",
    ]
    resources = ["arn:${local.partition}:application-autoscaling:${local.region}:${local.account}:scalable-target/*"]

    condition {
      test     = "StringEquals"
      variable = "application-autoscaling:service-namespace"
      values   = ["dynamodb"]
    }
  }

  # these know no ARN
  statement {
    sid = "SeeScaling"
    actions = [
      "application-autoscaling:DescribeScalableTargets",
      "application-autoscaling:DescribeScalingPolicies",
      "application-autoscaling:DescribeScheduledActions",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }

  # how far a restore is, beside the backups: whoever goes on with it need not be at the same machine; and what an import reads
  # of clusters' backups
  statement {
    sid       = "KeepProgress"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = [for home in local.homes : "${local.bucket_arn}/${local.below}restores/${home}/*"]
  }

  # also makes a missing key a 404 and not a 403: there no prefix is asked for, hence IfExists
  statement {
    sid       = "ListProgress"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]

    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = [for home in local.homes : "${local.below}restores/${home}/*"]
    }
  }
}

resource "aws_iam_role" "restore" {
  count = length(local.into) > 0 ? 1 : 0

  name                 = "${var.name}-restore"
  description          = "Reads backups and restores them into tables: hippolyte restore"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = var.max_session_seconds
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "restore" {
  count = length(local.into) > 0 ? 1 : 0

  name   = "restore-backups"
  role   = aws_iam_role.restore[0].id
  policy = data.aws_iam_policy_document.restore[0].json
}
