# Reads as the first does, and restores into tables of a verification only: hippolyte verify --level 4. Their names are its
# own, so that no other table is within reach; it notes in the catalogue what it found.

locals {
  scratch_arn = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/hippolyte-verify-*"
}

data "aws_iam_policy_document" "verify" {
  count = var.verify_by_restoring ? 1 : 0

  source_policy_documents = [
    data.aws_iam_policy_document.read.json,
    data.aws_iam_policy_document.encrypted_objects.json,
    data.aws_iam_policy_document.encrypted_tables.json,
  ]

  statement {
    sid = "RestoreForOnce"
    actions = [
      "dynamodb:BatchWriteItem",
      "dynamodb:CreateTable",
      "dynamodb:DeleteTable",
      "dynamodb:DescribeTable",
      "dynamodb:ListTagsOfResource",
      "dynamodb:Scan",
      "dynamodb:TagResource",
    ]
    resources = [local.scratch_arn]
  }

  # what a verification left that was killed; knows no ARN
  statement {
    sid       = "FindWhatIsLeft"
    actions   = ["dynamodb:ListTables"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }

  statement {
    sid       = "NoteWhatIsFound"
    actions   = ["s3:PutObject"]
    resources = flatten([for kind in local.catalogs : [for place in local.tables : "${local.bucket_arn}/${local.below}${kind}/${place}"]])
  }
}

resource "aws_iam_role" "verify" {
  count = var.verify_by_restoring ? 1 : 0

  name                 = "${var.name}-verify"
  description          = "Reads backups and restores them into tables that are deleted again: hippolyte verify --level 4"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = var.max_session_seconds
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "verify" {
  count = var.verify_by_restoring ? 1 : 0

  name   = "verify-backups"
  role   = aws_iam_role.verify[0].id
  policy = data.aws_iam_policy_document.verify[0].json
}
