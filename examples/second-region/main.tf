# One account whose backups are copied to a bucket in another region by S3's replication.

provider "aws" {
  region = var.region
}

provider "aws" {
  alias  = "copy"
  region = var.copy_region
}

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  bucket  = "${var.bucket_name}-${var.region}"
  copy    = "${var.bucket_name}-${var.copy_region}"
}

module "backup_bucket" {
  source = "../../modules/backup-bucket"

  bucket         = local.bucket
  account_ids    = [local.account]
  retention_days = 35
  force_destroy  = var.force_destroy
}

# kept by rules of its own: longer here, and locked; what is deleted in the one bucket stays in the other
module "copy" {
  source    = "../../modules/backup-bucket"
  providers = { aws = aws.copy }

  bucket          = local.copy
  account_ids     = [local.account]
  retention_days  = 90
  storage_classes = { GLACIER_IR = 0 }
  object_lock     = { mode = "GOVERNANCE", days = 35 }
  force_destroy   = var.force_destroy
}

module "hippolyte" {
  source = "../../"

  backup_bucket  = module.backup_bucket.backup_bucket
  retention_days = 35
  alert_emails   = var.alert_emails
}

# --- the copying ------------------------------------------------------------------------------------------------------

data "aws_iam_policy_document" "replication_trust" {
  statement {
    sid     = "S3MayTakeIt"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

data "aws_iam_policy_document" "replication" {
  statement {
    sid       = "SeeWhatIsToBeCopied"
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [module.backup_bucket.bucket_arn]
  }

  statement {
    sid       = "ReadIt"
    actions   = ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
    resources = ["${module.backup_bucket.bucket_arn}/*"]
  }

  statement {
    sid       = "WriteTheCopy"
    actions   = ["s3:ReplicateObject", "s3:ReplicateTags"]
    resources = ["${module.copy.bucket_arn}/*"]
  }

  statement {
    sid       = "ReadUnderTheKey"
    actions   = ["kms:Decrypt"]
    resources = [module.backup_bucket.kms_key_arn]
  }

  statement {
    sid       = "WriteUnderTheKeyOfTheCopy"
    actions   = ["kms:Encrypt", "kms:GenerateDataKey"]
    resources = [module.copy.kms_key_arn]
  }
}

resource "aws_iam_role" "replication" {
  name               = "hippolyte-${var.region}-replication"
  description        = "S3 copies backups of ${local.bucket} to ${local.copy}"
  assume_role_policy = data.aws_iam_policy_document.replication_trust.json
}

resource "aws_iam_role_policy" "replication" {
  name   = "replication"
  role   = aws_iam_role.replication.id
  policy = data.aws_iam_policy_document.replication.json
}

# backups, and the catalogue by which the command line finds them; leases and open runs are of no use elsewhere
resource "aws_s3_bucket_replication_configuration" "this" {
  bucket = module.backup_bucket.backup_bucket.name
  role   = aws_iam_role.replication.arn

  dynamic "rule" {
    for_each = { backups = 1, catalog = 2, runs = 3 }

    content {
      id       = rule.key
      priority = rule.value
      status   = "Enabled"

      # with what is kept longer: backups-weekly/, catalog-monthly/
      filter {
        prefix = rule.key
      }

      # each bucket's own rules of expiry delete
      delete_marker_replication {
        status = "Disabled"
      }

      source_selection_criteria {
        sse_kms_encrypted_objects {
          status = "Enabled"
        }
      }

      destination {
        bucket = module.copy.bucket_arn

        encryption_configuration {
          replica_kms_key_id = module.copy.kms_key_arn
        }
      }
    }
  }
}
