# What the two functions may do with EMR.

data "aws_iam_policy_document" "functions" {
  # a cluster is found again by its name. The list knows no ARN, and for RunJobFlow AWS documents none either, so the
  # region bounds them
  statement {
    sid       = "CreateAndFindClusters"
    actions   = ["elasticmapreduce:ListClusters", "elasticmapreduce:RunJobFlow"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.place.region]
    }
  }

  # AddTags and PutAutoTerminationPolicy are asked for by RunJobFlow, when a cluster is made with tags and a policy
  statement {
    sid = "RunClusters"
    actions = [
      "elasticmapreduce:AddJobFlowSteps",
      "elasticmapreduce:AddTags",
      "elasticmapreduce:PutAutoTerminationPolicy",
    ]
    resources = [var.arns.clusters]
  }

  # the bootstrap action that ends a cluster when nobody else does
  statement {
    sid       = "WriteTheClustersScript"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = var.arns.scripts
  }

  # the one-time schedule that ends a cluster when neither function does; it deletes itself
  statement {
    sid       = "GuardClusters"
    actions   = ["scheduler:CreateSchedule"]
    resources = [var.arns.guards]
  }

  statement {
    sid       = "PassTheGuardsRole"
    actions   = ["iam:PassRole"]
    resources = [var.arns.guard_role]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["scheduler.amazonaws.com"]
    }
  }

  # EMR's role with which it cleans up after itself; whoever starts an account's first cluster makes it
  statement {
    sid       = "FirstClusterOfTheAccount"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = [var.arns.emr_cleanup_role]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["elasticmapreduce.amazonaws.com"]
    }
  }

  statement {
    sid       = "PassTheClustersRoles"
    actions   = ["iam:PassRole"]
    resources = [var.arns.engine_role, var.arns.cluster_role]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["elasticmapreduce.amazonaws.com", "ec2.${var.place.dns_suffix}"]
    }
  }
}
