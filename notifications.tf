# Whom a failed night is told to. The key is the module's own: CloudWatch may not use alias/aws/sns, its alarms would
# be dropped without a word.

data "aws_iam_policy_document" "topic_key" {
  # without this nobody could administer the key; it delegates to the account's IAM policies
  statement {
    sid       = "AccountAdministersByIam"
    actions   = ["kms:*"]
    resources = ["*"] # in a key's policy: this key

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "AlarmsPublishToEncryptedTopic"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"] # in a key's policy: this key

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_kms_key" "topic" {
  description             = "Encrypts the messages of the topic ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 7 # nothing at rest depends on it
  policy                  = data.aws_iam_policy_document.topic_key.json

  tags = local.tags
}

resource "aws_kms_alias" "topic" {
  name          = "alias/${var.name}-topic"
  target_key_id = aws_kms_key.topic.key_id
}

resource "aws_sns_topic" "this" {
  name              = var.name
  display_name      = "Hippolyte backups"
  kms_master_key_id = aws_kms_key.topic.arn

  tags = local.tags
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "DenyWithoutTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]

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

  # the functions publish by their own roles; this is for the alarms of this account
  statement {
    sid       = "AlarmsOfThisAccountPublish"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = data.aws_iam_policy_document.topic.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.alert_emails)

  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.value
}
