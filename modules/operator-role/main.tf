# Roles for people: one reads backups, one restores them into tables, one puts items of living tables back, one restores into tables
# of a verification only, one asks deployments. Who may look at last night's data is not at once who may write into a table.

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  # those of the week and of the month lie beside
  backups  = ["backups", "backups-monthly", "backups-weekly"]
  catalogs = ["catalog", "catalog-monthly", "catalog-weekly"]

  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.id
  suffix    = data.aws_partition.current.dns_suffix

  accounts = length(var.account_ids) > 0 ? var.account_ids : [local.account]
  regions  = length(var.regions) > 0 ? var.regions : [local.region]
  homes    = [for pair in setproduct(local.accounts, local.regions) : "${pair[0]}/${pair[1]}"]

  below      = var.backup_bucket.prefix == "" ? "" : "${var.backup_bucket.prefix}/"
  bucket_arn = "arn:${local.partition}:s3:::${var.backup_bucket.name}"
  keys       = compact([var.backup_bucket.kms_key_arn])

  # in IAM's patterns * is a slash too: account and region are named, so that a table's name is matched from its start
  tables = flatten([for home in local.homes : [for start in var.table_prefixes : "${home}/${start}*"]])

  undo = [for start in var.undo_table_prefixes : "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${start}*"]

  into = [for start in var.restore_table_prefixes : "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${start}*"]
}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "PeopleAssume"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = var.trusted_arns
    }

    dynamic "condition" {
      for_each = var.require_mfa ? ["true"] : []

      content {
        test     = "Bool"
        variable = "aws:MultiFactorAuthPresent"
        values   = [condition.value]
      }
    }
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "ReadBackups"
    actions   = ["s3:GetObject"]
    resources = flatten([for kind in concat(local.backups, local.catalogs) : [for place in local.tables : "${local.bucket_arn}/${local.below}${kind}/${place}"]])
  }

  # of which tables there are backups, how the nights ended, what is raised: names, sizes, times
  statement {
    sid     = "ReadReports"
    actions = ["s3:GetObject"]
    resources = flatten([for home in local.homes : [
      "${local.bucket_arn}/${local.below}runs/${home}/*/report.*",
      "${local.bucket_arn}/${local.below}leases/${home}/*.json",
    ]])
  }

  # also makes a missing key a 404 and not a 403: there no prefix is asked for, hence IfExists
  statement {
    sid       = "ListBackups"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]

    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values = concat(
        [for kind in concat(local.catalogs, ["runs"]) : "${local.below}${kind}/"],
        flatten([for kind in concat(local.catalogs, ["runs"]) : [for account in local.accounts : "${local.below}${kind}/${account}/"]]),
        flatten([for kind in concat(local.catalogs, ["leases", "runs"]) : [for home in local.homes : "${local.below}${kind}/${home}/"]]),
        flatten([for kind in concat(local.backups, local.catalogs) : [for place in local.tables : "${local.below}${kind}/${place}"]]),
      )
    }
  }

  dynamic "statement" {
    for_each = length(local.keys) == 0 ? [] : [local.keys]

    content {
      sid       = "DecryptBackups"
      actions   = ["kms:Decrypt"]
      resources = statement.value

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["s3.*.${local.suffix}"]
      }
    }
  }
}

resource "aws_iam_role" "read" {
  name                 = "${var.name}-read"
  description          = "Reads backups: hippolyte list, verify"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = var.max_session_seconds
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "read" {
  name   = "read-backups"
  role   = aws_iam_role.read.id
  policy = data.aws_iam_policy_document.read.json
}

# what is written into a bucket that encrypts with keys
data "aws_iam_policy_document" "encrypted_objects" {
  dynamic "statement" {
    for_each = length(local.keys) == 0 ? [] : [local.keys]

    content {
      sid       = "EncryptObjects"
      actions   = ["kms:GenerateDataKey"]
      resources = statement.value

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["s3.*.${local.suffix}"]
      }
    }
  }
}

# tables that are made with keys
data "aws_iam_policy_document" "encrypted_tables" {
  dynamic "statement" {
    for_each = length(var.table_kms_key_arns) == 0 ? [] : [var.table_kms_key_arns]

    content {
      sid       = "EncryptTables"
      actions   = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["dynamodb.${local.region}.${local.suffix}"]
      }
    }
  }
}
