# The role with which Data Pipeline and EMR make clusters. Reduced from AWS's AWSDataPipelineRole and from EMR's service
# role; not run on AWS yet.

locals {
  own_pipelines = "arn:${var.place.partition}:datapipeline:${var.pipeline_region}:${var.place.account}:pipeline/*"
  pipeline_arns = [var.bounded ? local.own_pipelines : "*"] # AWS documents both forms; not confirmed which is enforced

  # EMR's own tags and the pipeline's reach the instances; that both do in time is not confirmed
  instance_condition = var.bounded ? [var.name] : []
}

data "aws_iam_policy_document" "role" {
  # RunJobFlow and the lists know no ARN, so the region bounds them
  statement {
    sid       = "CreateClusters"
    actions   = ["elasticmapreduce:DescribeJobFlows", "elasticmapreduce:RunJobFlow"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.place.region]
    }
  }

  statement {
    sid = "RunClusters"
    actions = [
      "elasticmapreduce:AddJobFlowSteps",
      "elasticmapreduce:AddTags",
      "elasticmapreduce:DescribeCluster",
      "elasticmapreduce:DescribeStep",
      "elasticmapreduce:ListInstanceGroups",
      "elasticmapreduce:ListInstances",
      "elasticmapreduce:ListSteps",
      "elasticmapreduce:SetTerminationProtection",
      "elasticmapreduce:TerminateJobFlows",
    ]
    resources = [var.arns.clusters]
  }

  statement {
    sid       = "ReadOwnPipelines"
    actions   = ["datapipeline:DescribeObjects", "datapipeline:EvaluateExpression"]
    resources = local.pipeline_arns
  }

  statement {
    sid       = "PassRolesToClusters"
    actions   = ["iam:PassRole"]
    resources = [var.arns.engine_role, var.arns.cluster_role]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["elasticmapreduce.amazonaws.com", "ec2.${var.place.dns_suffix}"]
    }
  }

  statement {
    sid     = "LookAtRoles"
    actions = ["iam:GetInstanceProfile", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
    resources = [
      var.arns.engine_role,
      var.arns.cluster_role,
      var.arns.cluster_profile,
    ]
  }

  # a list is asked of all profiles of a path
  statement {
    sid       = "FindProfile"
    actions   = ["iam:ListInstanceProfiles"]
    resources = ["arn:${var.place.partition}:iam::${var.place.account}:instance-profile/*"]
  }

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
    sid       = "WriteLogs"
    actions   = ["s3:PutObject"]
    resources = var.arns.logs
  }

  statement {
    sid       = "FindLogs"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = var.arns.buckets
  }

  statement {
    sid       = "LookAtTables"
    actions   = ["dynamodb:DescribeTable"]
    resources = [var.arns.tables]
  }

  # EC2's describe calls know no ARN
  statement {
    sid = "LookAtNetwork"
    actions = [
      "ec2:DescribeAccountAttributes",
      "ec2:DescribeDhcpOptions",
      "ec2:DescribeImages",
      "ec2:DescribeInstances",
      "ec2:DescribeNetworkAcls",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeRouteTables",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVolumeStatus",
      "ec2:DescribeVolumes",
      "ec2:DescribeVpcAttribute",
      "ec2:DescribeVpcEndpoints",
      "ec2:DescribeVpcs",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.place.region]
    }
  }

  # any account: a subnet may be shared, an image is Amazon's
  statement {
    sid = "MakeInstances"
    actions = [
      "ec2:AuthorizeSecurityGroupEgress",
      "ec2:AuthorizeSecurityGroupIngress",
      "ec2:CreateNetworkInterface",
      "ec2:CreateSecurityGroup",
      "ec2:CreateTags",
      "ec2:RevokeSecurityGroupEgress",
      "ec2:RevokeSecurityGroupIngress",
      "ec2:RunInstances",
    ]
    resources = ["arn:${var.place.partition}:ec2:${var.place.region}:*:*"]
  }

  statement {
    sid = "EndInstances"
    actions = [
      "ec2:DeleteNetworkInterface",
      "ec2:DeleteTags",
      "ec2:ModifyInstanceAttribute",
      "ec2:TerminateInstances",
    ]
    resources = ["arn:${var.place.partition}:ec2:${var.place.region}:${var.place.account}:*"]

    dynamic "condition" {
      for_each = local.instance_condition

      content {
        test     = "StringEquals"
        variable = "aws:ResourceTag/hippolyte:deployment"
        values   = [condition.value]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.arns.bucket_keys) == 0 ? [] : [var.arns.bucket_keys]

    content {
      sid       = "EncryptLogs"
      actions   = ["kms:GenerateDataKey"]
      resources = statement.value
    }
  }
}
