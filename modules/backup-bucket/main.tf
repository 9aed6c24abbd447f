# A bucket for the backups of one or several accounts: encrypted, versioned, private, TLS only, with rules of expiry.

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  partition  = data.aws_partition.current.partition
  bucket_arn = "arn:${local.partition}:s3:::${var.bucket}"
  key_prefix = var.prefix == "" ? "" : "${var.prefix}/"
  key_arn    = var.kms_key_arn == null ? aws_kms_key.this[0].arn : var.kms_key_arn
  via_s3     = "s3.${data.aws_region.current.id}.${data.aws_partition.current.dns_suffix}"

  # Of the daily, weekly and monthly part: what was kept longer goes with the others once it is not any more, and a month's
  # first is its week's too
  days_kept = {
    ""         = var.retention_days
    "-weekly"  = max(var.retention_days, 7 * var.retention_weeks)
    "-monthly" = max(var.retention_days, 7 * var.retention_weeks, 31 * var.retention_months)
  }

  moves = { for tier, kept in local.days_kept : tier => { for class, days in var.storage_classes : class => days if days < kept } }

  # by organization: everybody, and the condition says which
  accounts     = var.organization_id != null ? ["*"] : [for id in var.account_ids : "arn:${local.partition}:iam::${id}:root"]
  organization = compact([var.organization_id])
  roles        = [for name in var.names : "arn:${local.partition}:iam::*:role/${name}-*"]
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:access logs need a second bucket, which is the account's affair
  #checkov:skip=CKV_AWS_144:a copy in another region doubles the cost; add a replication configuration to the bucket if it is worth that
  bucket        = var.bucket
  force_destroy = var.force_destroy

  tags = var.tags

  lifecycle {
    precondition {
      condition     = (length(var.account_ids) == 0) == (var.organization_id != null)
      error_message = "account_ids (${jsonencode(var.account_ids)}) and organization_id (${jsonencode(var.organization_id)}): give one of them. account_ids = [\"111111111111\"] lets in accounts, organization_id all of an organization."
    }

    precondition {
      condition     = length(local.moves["-monthly"]) == length(var.storage_classes)
      error_message = "storage_classes (${jsonencode(var.storage_classes)}) has days from day ${local.days_kept["-monthly"]} on, when every backup is gone by retention_days (${var.retention_days}), retention_weeks (${var.retention_weeks}) and retention_months (${var.retention_months}). Take fewer days, or keep backups longer."
    }

    precondition {
      condition     = try(var.object_lock.mode, null) != "COMPLIANCE" || !var.force_destroy
      error_message = "force_destroy = true cannot be kept with object_lock.mode = \"COMPLIANCE\": nobody may delete what is locked, so destroy would take the bucket's policy and settings away and fail at its contents. Remove force_destroy; or set object_lock = null, apply, wait ${try(var.object_lock.days, 0)} days until the last lock is over, and then apply force_destroy = true."
    }

    precondition {
      condition     = try(var.object_lock.days, 0) <= var.retention_days
      error_message = "object_lock.days (${jsonencode(try(var.object_lock.days, null))}) is longer than retention_days (${var.retention_days}): a lock forbids a shorter retention, what expires would be out of sight and paid for. Lower object_lock.days, or keep backups as long."
    }
  }
}

# A warning: it works, for those who have the right
check "destroy_of_locked_backups" {
  assert {
    condition     = try(var.object_lock.mode, null) != "GOVERNANCE" || !var.force_destroy
    error_message = "force_destroy = true with object_lock.mode = \"GOVERNANCE\": whoever destroys needs s3:BypassGovernanceRetention on the bucket's objects, beside s3:DeleteObjectVersion, or destroy fails after it took the bucket's policy away."
  }
}

# The bucket's owner owns what other accounts write
resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.key_arn
    }
  }
}

# Not an option: without it a put over a finished backup would destroy it
resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

# By itself, not object_lock_enabled of the bucket: that would make the bucket anew
resource "aws_s3_bucket_object_lock_configuration" "this" {
  count = var.object_lock == null ? 0 : 1

  bucket = aws_s3_bucket.this.id

  rule {
    default_retention {
      mode = var.object_lock.mode
      days = var.object_lock.days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

# So that others can act on a finished backup: a rule on the default bus, for keys that end in /manifest-summary.json, or with
# clusters in /_SUCCESS
resource "aws_s3_bucket_notification" "this" {
  bucket      = aws_s3_bucket.this.id
  eventbridge = true
}

# leases/ has no rule of expiry on purpose: a lease is the record that gives capacity back; nor has scripts/, one small
# object a deployment
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  # a backup and its catalogue entry go together; what an undo replaced is a backup too
  dynamic "rule" {
    for_each = merge(
      { for tier, days in local.days_kept : "backups${tier}" => days },
      { for tier, days in local.days_kept : "catalog${tier}" => days },
      { undone = var.retention_days, runs = max(var.retention_days, 30), logs = 30 },
    )

    content {
      id     = "expire-${rule.key}"
      status = "Enabled"

      filter {
        prefix = "${local.key_prefix}${rule.key}/"
      }

      expiration {
        days = rule.value
      }
    }
  }

  # the catalogue stays where listing it is cheap; S3 refuses a move of what is gone by then
  dynamic "rule" {
    for_each = { for tier, moves in local.moves : "backups${tier}" => moves if length(moves) > 0 }

    content {
      id     = "move-${rule.key}"
      status = "Enabled"

      filter {
        prefix = "${local.key_prefix}${rule.key}/"
      }

      dynamic "transition" {
        for_each = rule.value

        content {
          days          = transition.value
          storage_class = transition.key
        }
      }
    }
  }

  rule {
    id     = "tidy-up"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }

    expiration {
      expired_object_delete_marker = true
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
