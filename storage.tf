# The bucket, if none is given. A bucket that is given is left exactly as it is.

locals {
  create_bucket = module.inputs.backup_bucket == null
  bucket        = local.create_bucket ? "${var.name}-backups-${local.account}-${local.region}" : module.inputs.backup_bucket.name
  bucket_arn    = "arn:${local.partition}:s3:::${local.bucket}"
  prefix        = local.create_bucket ? "" : module.inputs.backup_bucket.prefix
  key_prefix    = local.prefix == "" ? "" : "${local.prefix}/" # what stands before every key
  bucket_region = local.create_bucket ? local.region : coalesce(module.inputs.backup_bucket.region, local.region)
  bucket_key    = local.create_bucket ? null : module.inputs.backup_bucket.kms_key_arn

  # Records of a run are small, and asked for in the weeks after it
  run_retention_days = max(var.retention_days, 30)
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:access logs need a second bucket; give a bucket of your own (backup_bucket) that has them
  #checkov:skip=CKV_AWS_144:a copy in another region doubles the cost; give a bucket of your own that is replicated
  #checkov:skip=CKV_AWS_145:S3's own keys, so that a restore needs no grant on a key; give a bucket of your own that has one
  count = local.create_bucket ? 1 : 0

  bucket        = local.bucket
  force_destroy = var.force_destroy

  tags = local.tags

  depends_on = [terraform_data.input_checks, terraform_data.deployment_checks]
}

resource "aws_s3_bucket_ownership_controls" "this" {
  count = local.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  count = local.create_bucket ? 1 : 0

  bucket                  = aws_s3_bucket.this[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  count = local.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# So that others can act on a finished backup: a rule on the default bus, for keys that end in /manifest-summary.json, or with
# clusters in /_SUCCESS
resource "aws_s3_bucket_notification" "this" {
  count = local.create_bucket ? 1 : 0

  bucket      = aws_s3_bucket.this[0].id
  eventbridge = true
}

# An overwritten or deleted backup can be had back for a week
resource "aws_s3_bucket_versioning" "this" {
  count = local.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

# By itself, not object_lock_enabled of the bucket: that would make the bucket anew
resource "aws_s3_bucket_object_lock_configuration" "this" {
  count = local.create_bucket && module.inputs.object_lock != null ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  rule {
    default_retention {
      mode = module.inputs.object_lock.mode
      days = module.inputs.object_lock.days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

# leases/ has no rule of expiry on purpose: a lease is the record that gives capacity back; nor has scripts/, one small
# object a deployment
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = local.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  # a backup and its catalogue entry go together; what an undo replaced is a backup too
  dynamic "rule" {
    for_each = merge(
      { for tier, days in local.days_kept : "backups${tier}" => days },
      { for tier, days in local.days_kept : "catalog${tier}" => days },
      { undone = var.retention_days, runs = local.run_retention_days, logs = 30 },
    )

    content {
      id     = "expire-${rule.key}"
      status = "Enabled"

      filter {
        prefix = "${rule.key}/"
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
        prefix = "${rule.key}/"
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
      noncurrent_days = 7
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
