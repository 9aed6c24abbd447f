# What the exporter may do, and its machine; and the functions with the machine.

locals {
  # the files of a backup that are the exporter's own, and its workers' records
  # its own exports, and what look-ups need beside the files of clusters
  export_arns = flatten([for arn in local.object_arns["backups"] : ["${arn}/AWSDynamoDB/*", "${arn}/_filters/*"]])
  worker_keys = [for arn in local.object_arns["runs"] : "${arn}/workers/*"]
}

# what it may do whatever tables there are
data "aws_iam_policy_document" "export" {
  source_policy_documents = [data.aws_iam_policy_document.network.json]

  statement {
    sid       = "ReadOwnSettings"
    actions   = ["ssm:GetParametersByPath"]
    resources = ["arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${local.settings_parent}/*"]
  }

  statement {
    sid       = "ReadTables"
    actions   = ["dynamodb:DescribeTable", "dynamodb:Scan"]
    resources = [local.table_arn]
  }

  statement {
    sid       = "ReadEncryptedTables"
    actions   = ["kms:Decrypt"]
    resources = local.key_arns

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [local.via_dynamodb]
    }
  }

  statement {
    sid       = "ReadBackupsAndRecords"
    actions   = ["s3:GetObject"]
    resources = concat(local.object_arns["backups"], local.worker_keys)
  }

  # its files are the log of what was read: none is ever written over
  statement {
    sid       = "WriteNewFiles"
    actions   = ["s3:PutObject"]
    resources = local.export_arns

    condition {
      test     = "Null"
      variable = "s3:if-none-match"
      values   = ["false"]
    }
  }

  statement {
    sid       = "WriteWorkersRecords"
    actions   = ["s3:PutObject"]
    resources = local.worker_keys
  }

  # also makes a missing key a 404 and not a 403: there no prefix is asked for, hence IfExists
  statement {
    sid       = "ListOwnFiles"
    actions   = ["s3:ListBucket"]
    resources = local.bucket_arns

    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = distinct(flatten([for place in local.places : [for part in concat([for ending in local.endings : "backups${ending}"], ["runs"]) : "${place.key_prefix}${part}/${local.account}/${local.region}/*"]]))
    }
  }

  dynamic "statement" {
    for_each = length(local.bucket_keys) == 0 ? [] : [local.bucket_keys]

    content {
      sid       = "EncryptBackups"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value
    }
  }

  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_arns["exporter"]}:*"]
  }
}

# Excluded means unreadable, by an explicit Deny. It would bind the tables of `always` too: what may concern one of them is left
# out, and what the policy has no room for. IAM's * and ? mean what those of `tables` do.
locals {
  role_room  = 10240 - 200 # characters of all inline policies of a role; the statement's frame
  denied_arn = "arn:${local.partition}:dynamodb:*:*:table/"

  # no more would fit, however short they are
  exclude_first = slice(distinct(module.inputs.tables.exclude), 0, min(250, length(distinct(module.inputs.tables.exclude))))

  globs = {
    for glob in distinct(concat(module.inputs.tables.always, local.exclude_first)) : glob => {
      literal = !can(regex("[*?]", glob))
      pattern = "^${replace(replace(replace(glob, ".", "[.]"), "*", ".*"), "?", ".")}$"
      # what all its names begin and end with
      begin = regex("^[^*?]*", glob)
      end   = regex("[^*?]*$", glob)
    }
  }

  # two globs with wildcards are apart if what they begin or end with is
  exclude_overridden = [
    for glob in local.exclude_first : glob if anytrue([
      for always in module.inputs.tables.always :
      local.globs[always].literal ? can(regex(local.globs[glob].pattern, always)) :
      local.globs[glob].literal ? can(regex(local.globs[always].pattern, glob)) :
      (startswith(local.globs[always].begin, local.globs[glob].begin) || startswith(local.globs[glob].begin, local.globs[always].begin)) &&
      (endswith(local.globs[always].end, local.globs[glob].end) || endswith(local.globs[glob].end, local.globs[always].end))
    ])
  ]

  exclude_deniable = [for glob in local.exclude_first : glob if !contains(local.exclude_overridden, glob)]
  exclude_room     = local.role_room - length(data.aws_iam_policy_document.export.minified_json)
  exclude_denied = [
    for number, glob in local.exclude_deniable : glob
    if sum([for one in slice(local.exclude_deniable, 0, number + 1) : length("'${local.denied_arn}${one}',")]) <= local.exclude_room
  ]
  exclude_left_out = [for glob in distinct(module.inputs.tables.exclude) : glob if !contains(local.exclude_denied, glob) && !contains(local.exclude_overridden, glob)]
}

data "aws_iam_policy_document" "exporter" {
  source_policy_documents = [data.aws_iam_policy_document.export.json]

  dynamic "statement" {
    for_each = length(local.exclude_denied) == 0 ? [] : [local.exclude_denied]

    content {
      sid       = "ExcludedStayUnread"
      effect    = "Deny"
      actions   = ["dynamodb:Scan"]
      resources = [for glob in statement.value : "${local.denied_arn}${glob}"]
    }
  }
}

check "excluded_tables_are_unreadable" {
  assert {
    condition     = length(local.exclude_left_out) == 0
    error_message = "tables.exclude: ${length(local.exclude_left_out)} of ${length(module.inputs.tables.exclude)} have no room in the exporter's policy, the first of them \"${try(local.exclude_left_out[0], "")}\". They are not read, but nothing forbids it; all are in the output excluded_but_readable. Take one glob for several names, or put those that matter first."
  }
}

# --- the machine ------------------------------------------------------------------------------------------------------

data "aws_iam_policy_document" "machine" {
  statement {
    sid       = "InvokeTheExporter"
    actions   = ["lambda:InvokeFunction"]
    resources = [local.function_arns["exporter"]]
  }
}

# --- scheduler and monitor, with engine = "lambda" --------------------------------------------------------------------

# how many workers the account has room for; knows no ARN, so the region bounds it
data "aws_iam_policy_document" "count_workers" {
  statement {
    sid       = "SeeTheAccountsConcurrency"
    actions   = ["lambda:GetAccountSettings"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }
}
