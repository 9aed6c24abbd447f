# The function reads reports and leases of all deployments, writes its own page, and tells; nothing else.

data "aws_iam_policy_document" "function" {
  statement {
    sid     = "ReadReportsAndLeases"
    actions = ["s3:GetObject"]
    resources = flatten([for each in local.key_prefixes : [
      "${local.bucket_arn}/${each}runs/*/report.json",
      "${local.bucket_arn}/${each}leases/*.json",
    ]])
  }

  # also makes a missing report a 404 and not a 403; a condition on the prefix would not, as a look at one object has none
  statement {
    sid       = "ListNames"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]
  }

  statement {
    sid       = "WriteThePage"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/${local.page_key}"]
  }

  dynamic "statement" {
    for_each = var.backup_bucket.kms_key_arn[*]

    content {
      sid       = "UseTheBucketsKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${local.bucket_region}.${local.dns_suffix}"]
      }
    }
  }

  statement {
    sid       = "TellPeople"
    actions   = ["sns:Publish"]
    resources = [var.topic.arn]
  }

  dynamic "statement" {
    for_each = var.topic.kms_key_arn[*]

    content {
      sid       = "UseTheTopicsKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["sns.${local.region}.${local.dns_suffix}"]
      }
    }
  }

  statement {
    sid       = "WriteMetrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["Hippolyte"]
    }
  }

  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_arn}:*"]
  }
}

data "aws_iam_policy_document" "function_trust" {
  statement {
    sid     = "LambdaAssumes"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name                 = "${var.name}-${local.region}"
  description          = "Hippolyte: the report of all deployments"
  assume_role_policy   = data.aws_iam_policy_document.function_trust.json
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "function" {
  name   = "report"
  role   = aws_iam_role.function.name
  policy = data.aws_iam_policy_document.function.json
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "InvokeTheFunction"
    actions   = ["lambda:InvokeFunction"]
    resources = [local.function_arn]
  }
}

data "aws_iam_policy_document" "schedule_trust" {
  statement {
    sid     = "SchedulerAssumes"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.group_arn]
    }
  }
}

resource "aws_iam_role" "schedule" {
  name                 = "${var.name}-${local.region}-schedule"
  description          = "Hippolyte: invokes the report of all deployments"
  assume_role_policy   = data.aws_iam_policy_document.schedule_trust.json
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "schedule" {
  name   = "invoke"
  role   = aws_iam_role.schedule.name
  policy = data.aws_iam_policy_document.schedule.json
}
