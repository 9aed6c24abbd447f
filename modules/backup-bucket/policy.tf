# Who may do what with the bucket. One statement serves all accounts: $${aws:PrincipalAccount} is the caller's.

locals {
  account = "$${aws:PrincipalAccount}"
  backups = ["backups", "backups-monthly", "backups-weekly"]
  parts   = concat(local.backups, ["catalog", "catalog-monthly", "catalog-weekly", "leases", "logs", "runs", "scripts"])
  own     = { for part in local.parts : part => "${local.bucket_arn}/${local.key_prefix}${part}/${local.account}/*" }

  # Hadoop marks every directory above its own: those of the prefix, the part's and the account's
  prefixes = [for n in range(length(compact(split("/", var.prefix)))) : join("/", slice(split("/", var.prefix), 0, n + 1))]
  markers = concat(
    local.prefixes,
    flatten([for part in concat(local.backups, ["logs"]) : ["${local.key_prefix}${part}", "${local.key_prefix}${part}/${local.account}"]]),
  )

  let_in = [
    {
      sid       = "WriteAndReadTheOwnPrefix"
      actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject", "s3:PutObjectAcl"]
      resources = values(local.own)
    },
    {
      sid       = "MarkTheDirectoriesAbove"
      actions   = ["s3:PutObject"]
      resources = [for marker in local.markers : "${local.bucket_arn}/${marker}_$folder$"]
    },
    # <region>/<table>/<run>/_temporary/: a table may be called _temporary, its backups are not temporary
    {
      sid     = "TidyUpTemporaryFiles"
      actions = ["s3:DeleteObject"]
      resources = flatten([for part in local.backups : [
        "${local.bucket_arn}/${local.key_prefix}${part}/${local.account}/*/*/*/_temporary/*",
        "${local.own[part]}_$folder$",
      ]])
    },
    # names, no contents; of all accounts, as a condition on the prefix would refuse a look at a single object
    {
      sid       = "ListNames"
      actions   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
      resources = [local.bucket_arn]
    },
  ]
}

data "aws_iam_policy_document" "bucket" {
  dynamic "statement" {
    for_each = local.let_in

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources

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
  }

  # the rules of expiry delete by themselves; a person who must takes this statement out first
  statement {
    sid       = "NobodyDeletesVersions"
    effect    = "Deny"
    actions   = ["s3:DeleteObjectVersion"]
    resources = ["${local.bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }

  # a backup under somebody else's key is one that only they can read
  statement {
    sid       = "NoOtherKey"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Null"
      variable = "s3:x-amz-server-side-encryption-aws-kms-key-id"
      values   = ["false"]
    }

    condition {
      test     = "ArnNotEquals"
      variable = "s3:x-amz-server-side-encryption-aws-kms-key-id"
      values   = [local.key_arn]
    }
  }

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
  bucket = aws_s3_bucket.this.id
  policy = data.aws_iam_policy_document.bucket.json

  # the last to come is the first to go: all settings, and the key, stay if it may not go
  depends_on = [
    aws_kms_alias.this,
    aws_s3_bucket_lifecycle_configuration.this,
    aws_s3_bucket_notification.this,
    aws_s3_bucket_object_lock_configuration.this,
    aws_s3_bucket_ownership_controls.this,
    aws_s3_bucket_public_access_block.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}
