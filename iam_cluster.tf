# The role of the clusters' instances: the export reads tables with it and writes backups, Task Runner takes tasks. Reduced
# from AWS's AmazonEC2RoleforDataPipelineRole; not run on AWS yet.

locals {
  # where clusters fetch the export tool, EMR's script runner and Task Runner
  tool_buckets = ["dynamodb-dpl-${local.region}", "${local.region}.elasticmapreduce", "datapipeline-us-east-1"]
}

data "aws_iam_policy_document" "cluster" {
  # all that the export calls
  statement {
    sid       = "ReadTables"
    actions   = ["dynamodb:DescribeTable", "dynamodb:Scan"]
    resources = local.table_arns
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
    sid       = "WriteBackupsAndLogs"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    resources = [local.object_arn["backups"], local.object_arn["logs"]]
  }

  # Hadoop marks the directories above its own, and tidies up its temporary ones; it can delete nothing else
  statement {
    sid       = "MarkDirectories"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/*_$folder$"]
  }

  statement {
    sid       = "DeleteTemporaryFiles"
    actions   = ["s3:DeleteObject"]
    resources = ["${local.object_arn["backups"]}/_temporary/*", "${local.object_arn["backups"]}_$folder$"]
  }

  statement {
    sid       = "ListBackups"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [local.bucket_arn]
  }

  statement {
    sid       = "FetchTools"
    actions   = ["s3:GetObject"]
    resources = [for bucket in local.tool_buckets : "arn:${local.partition}:s3:::${bucket}/*"]
  }

  # Task Runner; these calls know no ARN, so the region bounds them
  statement {
    sid = "TakeTasks"
    actions = [
      "datapipeline:PollForTask",
      "datapipeline:ReportTaskProgress",
      "datapipeline:ReportTaskRunnerHeartbeat",
      "datapipeline:SetTaskStatus",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.pipeline_region]
    }
  }

  statement {
    sid = "RunSteps"
    actions = [
      "elasticmapreduce:AddJobFlowSteps",
      "elasticmapreduce:DescribeCluster",
      "elasticmapreduce:DescribeStep",
      "elasticmapreduce:ListSteps",
    ]
    resources = local.cluster_arns
  }

  dynamic "statement" {
    for_each = local.bucket_key == null ? [] : [local.bucket_key]

    content {
      sid       = "EncryptBackups"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}
