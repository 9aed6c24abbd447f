# What scheduler and monitor may do: exactly what they call. Both reconcile runs, so most is common; each adds its own,
# and the engine's (roles.overseers.tf, modules/engine-*, roles.exporter.tf).

locals {
  native = length(module.inputs.native_export.tables) > 0
}

data "aws_iam_policy_document" "reconcile" {
  statement {
    sid       = "ReadOwnSettings"
    actions   = ["ssm:GetParametersByPath"]
    resources = ["arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${local.settings_parent}/*"]
  }

  statement {
    sid       = "KeepOpenPlaces"
    actions   = ["ssm:GetParameter", "ssm:PutParameter"]
    resources = [local.open_arn]
  }

  statement {
    sid       = "ReadAndWriteRecords"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = flatten([for part in ["backups", "catalog", "leases", "runs"] : local.object_arns[part]])
  }

  statement {
    sid       = "ReadJobLogs"
    actions   = ["s3:GetObject"]
    resources = local.object_arns["logs"]
  }

  # also makes a missing key a 404 and not a 403
  statement {
    sid       = "ListBackups"
    actions   = ["s3:ListBucket"]
    resources = local.bucket_arns
  }

  # UpdateTable stays when raise_capacity is switched off: a lease may be open
  statement {
    sid       = "RaiseAndGiveBackCapacity"
    actions   = ["dynamodb:DescribeTable", "dynamodb:UpdateTable"]
    resources = [local.table_arn]
  }

  # what a restore needs is kept in the catalogue
  statement {
    sid = "ReadTablesSettings"
    actions = [
      "dynamodb:DescribeContinuousBackups",
      "dynamodb:DescribeContributorInsights",
      "dynamodb:DescribeKinesisStreamingDestination",
      "dynamodb:DescribeTimeToLive",
      "dynamodb:GetResourcePolicy",
      "dynamodb:ListTagsOfResource",
    ]
    resources = [local.table_arn]
  }

  # one item: does a table hold any, whatever its count of six hours ago says
  statement {
    sid       = "ProbeForEmptyTables"
    actions   = ["dynamodb:Scan"]
    resources = [local.table_arn]
  }

  statement {
    sid       = "SuspendScaleIn"
    actions   = ["application-autoscaling:RegisterScalableTarget"]
    resources = ["arn:${local.partition}:application-autoscaling:${local.region}:${local.account}:scalable-target/*"]

    condition {
      test     = "StringEquals"
      variable = "application-autoscaling:service-namespace"
      values   = ["dynamodb"]
    }
  }

  # none of these knows an ARN, so the region bounds them
  statement {
    sid = "ReadScalingAndUsage"
    actions = [
      "application-autoscaling:DescribeScalableTargets",
      "application-autoscaling:DescribeScalingPolicies",
      "application-autoscaling:DescribeScheduledActions",
      "cloudwatch:GetMetricStatistics",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }

  # of any engine: a night that was under way when the engine was changed still leaves clusters to be ended, and workers
  # DynamoDB writes an export with the rights of who asked for it, to its very end; only where tables are to be exported so
  dynamic "statement" {
    for_each = local.native ? [local.table_arn] : []

    content {
      sid       = "ExportTables"
      actions   = ["dynamodb:ExportTableToPointInTime"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = local.native ? ["${local.table_arn}/export/*"] : []

    content {
      sid       = "SeeExportsEnd"
      actions   = ["dynamodb:DescribeExport"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = local.native ? [local.object_arns["backups"]] : []

    content {
      sid       = "WriteExports"
      actions   = ["s3:AbortMultipartUpload", "s3:PutObjectAcl"]
      resources = statement.value
    }
  }

  statement {
    sid       = "SeeClustersEnd"
    actions   = ["elasticmapreduce:DescribeCluster", "elasticmapreduce:ListSteps", "elasticmapreduce:TerminateJobFlows"]
    resources = [local.cluster_arn]
  }

  # the engine lambda's; with every engine the worker that reads backups back
  statement {
    sid       = "StartWorkers"
    actions   = ["states:StartExecution"]
    resources = [local.machine_arn]
  }

  statement {
    sid       = "SeeWorkersEnd"
    actions   = ["states:DescribeExecution", "states:StopExecution"]
    resources = [local.worker_arn]
  }

  statement {
    sid       = "WriteMetrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["Hippolyte"]
    }
  }

  # of what other programs listen to, our own alone: PutEvents knows the key (Service Authorization Reference, EventBridge)
  dynamic "statement" {
    for_each = var.events_enabled ? ["arn:${local.partition}:events:${local.region}:${local.account}:event-bus/default"] : []

    content {
      sid       = "TellPrograms"
      actions   = ["events:PutEvents"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "events:source"
        values   = ["hippolyte"]
      }
    }
  }

  # the topic of the alarms; whose address is not confirmed is told in the report
  statement {
    sid       = "SeeWhoIsTold"
    actions   = ["sns:ListSubscriptionsByTopic"]
    resources = [local.topic_arn]
  }

  statement {
    sid       = "KeepFailedEvents"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arn]
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

  dynamic "statement" {
    for_each = length(local.bucket_keys) == 0 ? [] : [local.bucket_keys]

    content {
      sid       = "EncryptBackups"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value
    }
  }
}
