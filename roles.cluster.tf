# The role of the clusters' instances: the export reads tables with it and writes backups; with Data Pipeline, Task Runner
# takes tasks. Reduced from AWS's AmazonEC2RoleforDataPipelineRole and AmazonElasticMapReduceforEC2Role; not run on AWS yet.

locals {
  # where clusters fetch EMR's own scripts; Data Pipeline's also the export tool and Task Runner
  tool_buckets = concat(["${local.region}.elasticmapreduce"], !local.on_datapipeline ? [] : ["dynamodb-dpl-${local.region}", "datapipeline-us-east-1"])
  # EMR's: the export tool, and the script that ends the cluster when nobody else does
  tools = local.on_emr ? [for jar in module.inputs.emr[*].jar : "arn:${local.partition}:s3:::${trimprefix(jar, "s3://")}"] : []

  for_task_runner = local.on_datapipeline ? [local.pipeline_region] : []
}

data "aws_iam_policy_document" "cluster" {
  # all that the export calls
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
    sid       = "WriteBackupsAndLogs"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    resources = concat(local.object_arns["backups"], local.object_arns["logs"])
  }

  # Hadoop marks the directories above its own, and tidies up its temporary ones; it can delete nothing else
  statement {
    sid       = "MarkDirectories"
    actions   = ["s3:PutObject"]
    resources = [for arn in local.bucket_arns : "${arn}/*_$folder$"]
  }

  statement {
    sid       = "DeleteTemporaryFiles"
    actions   = ["s3:DeleteObject"]
    resources = flatten([for arn in local.object_arns["backups"] : ["${arn}/_temporary/*", "${arn}_$folder$"]])
  }

  statement {
    sid       = "ListBackups"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = local.bucket_arns
  }

  statement {
    sid       = "FetchTools"
    actions   = ["s3:GetObject"]
    resources = concat([for bucket in local.tool_buckets : "arn:${local.partition}:s3:::${bucket}/*"], local.tools)
  }

  dynamic "statement" {
    for_each = local.on_emr ? [local.object_arns["scripts"]] : []

    content {
      sid       = "FetchScript"
      actions   = ["s3:GetObject"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = compact(module.inputs.emr[*].jar_kms_key_arn)

    content {
      sid       = "DecryptExportTool"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }

  # Task Runner; these calls know no ARN, so the region bounds them
  dynamic "statement" {
    for_each = local.for_task_runner

    content {
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
        values   = [statement.value]
      }
    }
  }

  dynamic "statement" {
    for_each = local.for_task_runner

    content {
      sid = "RunSteps"
      actions = [
        "elasticmapreduce:AddJobFlowSteps",
        "elasticmapreduce:DescribeCluster",
        "elasticmapreduce:DescribeStep",
        "elasticmapreduce:ListSteps",
      ]
      resources = [local.cluster_arn]
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

# What ends a cluster though both functions are dead: its one-time schedule calls EMR with this role
data "aws_iam_policy_document" "guard" {
  statement {
    sid       = "EndOwnClusters"
    actions   = ["elasticmapreduce:TerminateJobFlows"]
    resources = [local.cluster_arn]

    condition {
      test     = "StringEquals"
      variable = "elasticmapreduce:ResourceTag/hippolyte:deployment"
      values   = [var.name]
    }
  }

  # with its own role as well (Scheduler User Guide, "Configuring a dead-letter queue")
  statement {
    sid       = "KeepWhatCannotBeEnded"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arn]
  }
}

# What makes the clusters, by the engine's room; and the key of their volumes, which is the account's affair
data "aws_iam_policy_document" "engine" {
  source_policy_documents = compact([try(local.engine.role_policy, "")])

  # for volumes that EBS encrypts with a key of the account's own (EBS User Guide, "Requirements for EBS encryption")
  dynamic "statement" {
    for_each = compact([module.inputs.cluster.volume_kms_key_arn])

    content {
      sid       = "EncryptVolumes"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["ec2.${local.region}.${local.dns_suffix}"]
      }
    }
  }

  dynamic "statement" {
    for_each = compact([module.inputs.cluster.volume_kms_key_arn])

    content {
      sid       = "AttachEncryptedVolumes"
      actions   = ["kms:CreateGrant"]
      resources = [statement.value]

      condition {
        test     = "Bool"
        variable = "kms:GrantIsForAWSResource"
        values   = ["true"]
      }
    }
  }
}
