# The role with which Data Pipeline and EMR make clusters. Reduced from AWS's AWSDataPipelineRole and from EMR's service
# role; not run on AWS yet.

locals {
  # EMR's own tags and the pipeline's reach the instances; that both do in time is not confirmed
  instance_condition = var.strict_datapipeline_iam ? [var.name] : []
}

data "aws_iam_policy_document" "pipeline" {
  # RunJobFlow and the lists know no ARN, so the region bounds them
  statement {
    sid       = "CreateClusters"
    actions   = ["elasticmapreduce:DescribeJobFlows", "elasticmapreduce:RunJobFlow"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
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
    resources = local.cluster_arns
  }

  statement {
    sid       = "ReadOwnPipelines"
    actions   = ["datapipeline:DescribeObjects", "datapipeline:EvaluateExpression"]
    resources = local.pipeline_arns
  }

  statement {
    sid       = "PassRolesToClusters"
    actions   = ["iam:PassRole"]
    resources = [local.role_arns["pipeline"], local.role_arns["cluster"]]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["elasticmapreduce.amazonaws.com", "ec2.${local.dns_suffix}"]
    }
  }

  statement {
    sid     = "LookAtRoles"
    actions = ["iam:GetInstanceProfile", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
    resources = [
      local.role_arns["pipeline"],
      local.role_arns["cluster"],
      "arn:${local.partition}:iam::${local.account}:instance-profile/${local.role_names["cluster"]}",
    ]
  }

  # a list is asked of all profiles of a path
  statement {
    sid       = "FindProfile"
    actions   = ["iam:ListInstanceProfiles"]
    resources = ["arn:${local.partition}:iam::${local.account}:instance-profile/*"]
  }

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

  statement {
    sid       = "WriteLogs"
    actions   = ["s3:PutObject"]
    resources = [local.object_arn["logs"]]
  }

  statement {
    sid       = "FindLogs"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = [local.bucket_arn]
  }

  statement {
    sid       = "LookAtTables"
    actions   = ["dynamodb:DescribeTable"]
    resources = local.table_arns
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
      values   = [local.region]
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
    resources = ["arn:${local.partition}:ec2:${local.region}:*:*"]
  }

  statement {
    sid = "EndInstances"
    actions = [
      "ec2:DeleteNetworkInterface",
      "ec2:DeleteTags",
      "ec2:ModifyInstanceAttribute",
      "ec2:TerminateInstances",
    ]
    resources = ["arn:${local.partition}:ec2:${local.region}:${local.account}:*"]

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
    for_each = local.bucket_key == null ? [] : [local.bucket_key]

    content {
      sid       = "EncryptLogs"
      actions   = ["kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}
