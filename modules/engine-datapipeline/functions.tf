# What the two functions may do with Data Pipeline.

data "aws_iam_policy_document" "functions" {
  statement {
    sid       = "CreatePipelines"
    actions   = ["datapipeline:CreatePipeline"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.pipeline_region]
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
      values   = [var.pipeline_region]
    }
  }

  statement {
    sid       = "PassTheClustersRoles"
    actions   = ["iam:PassRole"]
    resources = [var.arns.engine_role, var.arns.cluster_role]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["datapipeline.amazonaws.com", "elasticmapreduce.amazonaws.com", "ec2.${var.place.dns_suffix}"]
    }
  }
}
