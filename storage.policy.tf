# Who may do what with the bucket the module creates.

data "aws_iam_policy_document" "bucket" {
  count = local.create_bucket ? 1 : 0

  # Terraform destroys a bucket's settings before the bucket itself, which S3 refuses while something is in it: the policy,
  # the first to go, stops that. It may be written over, and force_destroy takes this out
  dynamic "statement" {
    for_each = var.force_destroy ? [] : [local.bucket_arn]

    content {
      sid       = "SettingsStayWithTheBackups"
      effect    = "Deny"
      actions   = ["s3:DeleteBucketPolicy"]
      resources = [statement.value]

      principals {
        type        = "*"
        identifiers = ["*"]
      }
    }
  }

  # a backup under a key that only its writer has is one that nobody else can read
  statement {
    sid       = "NoKeyOfTheCustomers"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Null"
      variable = "s3:x-amz-server-side-encryption-customer-algorithm"
      values   = ["false"]
    }
  }

  statement {
    sid       = "DenyWithoutTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket_arn, "${local.bucket_arn}/*"]

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

resource "aws_s3_bucket_policy" "this" {
  count = local.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id
  policy = data.aws_iam_policy_document.bucket[0].json

  # the last to come is the first to go: all settings stay if it may not go
  depends_on = [
    aws_s3_bucket_lifecycle_configuration.this,
    aws_s3_bucket_notification.this,
    aws_s3_bucket_object_lock_configuration.this,
    aws_s3_bucket_ownership_controls.this,
    aws_s3_bucket_public_access_block.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}
