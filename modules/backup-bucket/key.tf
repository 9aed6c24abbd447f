# The key that the backups are encrypted with, if none is given.

locals {
  # Not a policy document of the provider: in a key's policy "*" is this key, which checkov's checks of documents do not know
  key_policy = {
    Version = "2012-10-17"
    Statement = concat([
      # without this nobody could administer the key; it delegates to the account's IAM policies
      {
        Sid       = "AccountAdministersByIam"
        Effect    = "Allow"
        Action    = "kms:*"
        Resource  = "*"
        Principal = { AWS = "arn:${local.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
      },
      # what they may decrypt the bucket's policy says: the key is of no use to them beside this bucket
      {
        Sid       = "DeploymentsUseItThroughTheBucket"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Principal = { AWS = local.accounts }
        Condition = {
          StringEquals = merge({ "kms:ViaService" = local.via_s3 }, [for id in local.organization : { "aws:PrincipalOrgID" = id }]...)
          ArnLike      = { "aws:PrincipalArn" = local.roles }
        }
      },
    ], local.key_stays)
  }

  # what was written under it is lost with it
  key_stays = var.force_destroy ? [] : [{
    Sid       = "KeyStaysWithTheBackups"
    Effect    = "Deny"
    Action    = "kms:ScheduleKeyDeletion"
    Resource  = "*"
    Principal = "*"
  }]
}

resource "aws_kms_key" "this" {
  count = var.kms_key_arn == null ? 1 : 0

  description             = "Encrypts the backups in ${var.bucket}"
  enable_key_rotation     = true
  deletion_window_in_days = 30 # the backups are lost with it
  policy                  = jsonencode(local.key_policy)

  tags = var.tags
}

resource "aws_kms_alias" "this" {
  count = var.kms_key_arn == null ? 1 : 0

  name          = "alias/${replace(var.bucket, ".", "-")}"
  target_key_id = aws_kms_key.this[0].key_id
}
