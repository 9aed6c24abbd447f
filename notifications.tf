# Whom a failed night is told to, and the key of topic and logs. The key is the module's own: CloudWatch may not use
# alias/aws/sns, its alarms would be dropped without a word.

locals {
  # Not a policy document of the provider: in a key's policy "*" is this key, which checkov's checks of documents do not know
  key_policy = {
    Version = "2012-10-17"
    Statement = [
      # without this nobody could administer the key; it delegates to the account's IAM policies
      {
        Sid       = "AccountAdministersByIam"
        Effect    = "Allow"
        Action    = "kms:*"
        Resource  = "*"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
      },
      {
        Sid       = "AlarmsPublishToEncryptedTopic"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
      {
        Sid       = "FunctionsLogs"
        Effect    = "Allow"
        Action    = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Principal = { Service = "logs.${local.region}.${local.dns_suffix}" }
        Condition = { ArnEquals = { "kms:EncryptionContext:aws:logs:arn" = values(local.log_group_arns) } }
      },
    ]
  }
}

resource "aws_kms_key" "this" {
  count = var.kms_key_arn == null ? 1 : 0

  description             = "Encrypts the messages and the logs of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 7 # the logs, all that it encrypts at rest, go with the deployment
  policy                  = jsonencode(local.key_policy)

  tags = local.tags
}

moved {
  from = aws_kms_key.this
  to   = aws_kms_key.this[0]
}

locals {
  key_arn = var.kms_key_arn == null ? one(aws_kms_key.this[*].arn) : var.kms_key_arn
}

resource "aws_kms_alias" "this" {
  count = var.kms_key_arn == null ? 1 : 0

  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this[0].key_id
}

moved {
  from = aws_kms_alias.this
  to   = aws_kms_alias.this[0]
}

resource "aws_sns_topic" "this" {
  name              = var.name
  display_name      = "Hippolyte backups"
  kms_master_key_id = local.key_arn

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
