# What the two functions may do with the engine that is chosen; the other engine's calls are not allowed.

locals {
  start_exports = local.on_emr ? data.aws_iam_policy_document.start_clusters.json : data.aws_iam_policy_document.start_pipelines.json
}

data "aws_iam_policy_document" "start_pipelines" {
  statement {
    sid       = "CreatePipelines"
    actions   = ["datapipeline:CreatePipeline"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.pipeline_region]
    }
  }

  statement {
    sid = "RunPipelines"
    actions = [
      "datapipeline:ActivatePipeline",
      "datapipeline:AddTags",
      "datapipeline:DeactivatePipeline",
      "datapipeline:DeletePipeline",
      "datapipeline:DescribeObjects",
      "datapipeline:DescribePipelines",
      "datapipeline:PutPipelineDefinition",
      "datapipeline:QueryObjects",
    ]
    resources = local.pipeline_arns

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.pipeline_region]
    }
  }
}

data "aws_iam_policy_document" "start_clusters" {
  # a cluster is found again by its name. The list knows no ARN, and for RunJobFlow AWS documents none either, so the
  # region bounds them
  statement {
    sid       = "CreateAndFindClusters"
    actions   = ["elasticmapreduce:ListClusters", "elasticmapreduce:RunJobFlow"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }

  # AddTags and PutAutoTerminationPolicy are asked for by RunJobFlow, when a cluster is made with tags and a policy
  statement {
    sid = "RunClusters"
    actions = [
      "elasticmapreduce:AddJobFlowSteps",
      "elasticmapreduce:AddTags",
      "elasticmapreduce:CancelSteps",
      "elasticmapreduce:PutAutoTerminationPolicy",
    ]
    resources = local.cluster_arns
  }

  # the bootstrap action that ends a cluster when nobody else does
  statement {
    sid       = "WriteTheClustersScript"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = [local.object_arn["scripts"]]
  }

  # EMR's role with which it cleans up after itself; whoever starts an account's first cluster makes it
  statement {
    sid       = "FirstClusterOfTheAccount"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = [local.cleanup_arn]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["elasticmapreduce.amazonaws.com"]
    }
  }
}
