# One topic for the nights of several accounts and regions. The functions publish here; the alarms stay with the topic of
# their own account and region, as CloudWatch publishes to no other.

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.id
  topic_arn = "arn:${local.partition}:sns:${local.region}:${local.account}:${var.name}"

  # by organization: everybody, and the condition says which
  accounts     = var.organization_id != null ? ["*"] : [for id in var.account_ids : "arn:${local.partition}:iam::${id}:root"]
  organization = compact([var.organization_id])
  roles        = flatten([for name in var.names : [for function in ["scheduler", "monitor"] : "arn:${local.partition}:iam::*:role/${name}-*-${function}"]])

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
        Sid       = "FunctionsPublishToEncryptedTopic"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Principal = { AWS = local.accounts }
        Condition = {
          StringEquals = merge({ "kms:ViaService" = "sns.${local.region}.${data.aws_partition.current.dns_suffix}" }, [for id in local.organization : { "aws:PrincipalOrgID" = id }]...)
          ArnLike      = { "aws:PrincipalArn" = local.roles }
        }
      },
      # of this account: the alarm and the log of modules/fleet-report
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
        Principal = { Service = "logs.${local.region}.${data.aws_partition.current.dns_suffix}" }
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/*" } }
      },
    ]
  }
}

resource "aws_kms_key" "this" {
  description             = "Encrypts the messages of the topic ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 7 # nothing at rest depends on it
  policy                  = jsonencode(local.key_policy)

  tags = var.tags
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

resource "aws_sns_topic" "this" {
  name              = var.name
  display_name      = "Hippolyte backups"
  kms_master_key_id = aws_kms_key.this.arn

  tags = var.tags

  lifecycle {
    precondition {
      condition     = (length(var.account_ids) == 0) == (var.organization_id != null)
      error_message = "account_ids (${jsonencode(var.account_ids)}) and organization_id (${jsonencode(var.organization_id)}): give one of them. account_ids = [\"111111111111\"] lets in accounts, organization_id all of an organization."
    }
  }
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "FunctionsPublish"
    actions   = ["sns:GetTopicAttributes", "sns:Publish"] # the first: they look once whether it is there
    resources = [local.topic_arn]

    principals {
      type        = "AWS"
      identifiers = local.accounts
    }

    condition {
      test     = "ArnLike"
      variable = "aws:PrincipalArn"
      values   = local.roles
    }

    dynamic "condition" {
      for_each = local.organization

      content {
        test     = "StringEquals"
        variable = "aws:PrincipalOrgID"
        values   = [condition.value]
      }
    }
  }

  # the alarm of modules/fleet-report
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
}

resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = data.aws_iam_policy_document.topic.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.emails)

  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.value
}
