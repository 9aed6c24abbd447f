# Reads backups as the others do, and puts items of tables that are there back: it reads them whole, and deletes too.

data "aws_iam_policy_document" "undo" {
  count = length(local.undo) > 0 ? 1 : 0

  source_policy_documents = [
    data.aws_iam_policy_document.read.json,
    data.aws_iam_policy_document.encrypted_objects.json,
  ]

  statement {
    sid = "UndoChanges"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:BatchWriteItem",
      "dynamodb:DeleteItem",
      "dynamodb:DescribeTable",
      "dynamodb:DescribeTimeToLive",
      "dynamodb:PutItem",
      "dynamodb:Scan",
      "dynamodb:UpdateItem",
    ]
    resources = local.undo
  }

  # what is replaced is kept before: written once, looked at, never deleted
  statement {
    sid       = "KeepReplaced"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = [for home in local.homes : "${local.bucket_arn}/${local.below}undone/${home}/*"]
  }

  # also makes a missing key a 404 and not a 403: there no prefix is asked for, hence IfExists
  statement {
    sid       = "ListReplaced"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]

    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = [for home in local.homes : "${local.below}undone/${home}/*"]
    }
  }
}

resource "aws_iam_role" "undo" {
  count = length(local.undo) > 0 ? 1 : 0

  name                 = "${var.name}-undo"
  description          = "Puts back items of tables that are there: hippolyte undo"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = var.max_session_seconds
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "undo" {
  count = length(local.undo) > 0 ? 1 : 0

  name   = "undo-changes"
  role   = aws_iam_role.undo[0].id
  policy = data.aws_iam_policy_document.undo[0].json
}
