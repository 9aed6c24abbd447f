# The role with which EMR makes clusters by itself. AWS's AmazonEMRServicePolicy_v2, version 6 (February 2026), inline: no
# managed policy that changes or goes; bounded to this account and region. Left out: placement groups, reservations (resource
# groups, dedicated hosts) and automatic scaling, which no cluster here has. The calls for persistent UIs, in the policy's
# history for February 2025, are not in version 6, and nobody here opens one. What EMR makes bears the cluster's tags; what is
# given, subnets and security groups, needs none here, as its ARNs are known. Not run on AWS yet.

locals {
  ec2_arn = "arn:${var.place.partition}:ec2:${var.place.region}"

  # Of the cluster's tags, ours, and the one AWS's policy goes by. That EMR passes on every tag as it does its own is not
  # confirmed but for instances, so either will do.
  emr_tags = {
    Ours = { key = "hippolyte:deployment", value = var.name }
    AWSs = { key = "for-use-with-amazon-emr-managed-policies", value = "true" }
  }

  # a shared subnet is another account's
  subnet_arns = length(var.subnet_ids) > 0 ? [for id in var.subnet_ids : "${local.ec2_arn}:*:subnet/${id}"] : ["${local.ec2_arn}:*:subnet/*"]

  group_arns = length(var.security_group_ids) > 0 ? [for id in var.security_group_ids : "${local.ec2_arn}:*:security-group/${id}"] : ["${local.ec2_arn}:*:security-group/*"]

  own_group_tags = length(var.security_group_ids) > 0 ? {} : local.emr_tags

  group_actions = [
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
  ]

  manage_actions = [
    "ec2:CreateFleet",
    "ec2:CreateLaunchTemplateVersion",
    "ec2:CreateTags",
    "ec2:DeleteLaunchTemplate",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteTags",
    "ec2:ModifyInstanceAttribute",
    "ec2:RunInstances",
    "ec2:TerminateInstances",
  ]

  # what EMR makes; it is created with a tag and managed by it
  made_arns = [for kind in ["instance", "launch-template", "network-interface", "volume"] : "${local.ec2_arn}:${var.place.account}:${kind}/*"]
}

data "aws_iam_policy_document" "role" {
  source_policy_documents = [data.aws_iam_policy_document.endpoint.json]

  statement {
    sid = "CreateInNetwork"
    actions = [
      "ec2:CreateFleet",
      "ec2:CreateLaunchTemplate",
      "ec2:CreateLaunchTemplateVersion",
      "ec2:CreateNetworkInterface",
      "ec2:RunInstances",
    ]
    resources = concat(local.subnet_arns, local.group_arns)
  }

  dynamic "statement" {
    for_each = local.emr_tags

    content {
      sid       = "CreateTaggedAs${statement.key}"
      actions   = ["ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:CreateNetworkInterface", "ec2:RunInstances"]
      resources = local.made_arns

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/${statement.value.key}"
        values   = [statement.value.value]
      }
    }
  }

  # what instances are made of, and is nobody's to tag
  statement {
    sid     = "LaunchFrom"
    actions = ["ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:CreateLaunchTemplateVersion", "ec2:RunInstances"]
    resources = [
      "${local.ec2_arn}::image/ami-*",
      "${local.ec2_arn}:${var.place.account}:fleet/*",
      "${local.ec2_arn}:${var.place.account}:key-pair/*",
      "${local.ec2_arn}:${var.place.account}:network-interface/*",
    ]
  }

  dynamic "statement" {
    for_each = local.emr_tags

    content {
      sid       = "ManageTaggedAs${statement.key}"
      actions   = local.manage_actions
      resources = local.made_arns

      condition {
        test     = "StringEquals"
        variable = "aws:ResourceTag/${statement.value.key}"
        values   = [statement.value.value]
      }
    }
  }

  statement {
    sid       = "TagWhatIsCreated"
    actions   = ["ec2:CreateTags"]
    resources = local.made_arns

    condition {
      test     = "StringEquals"
      variable = "ec2:CreateAction"
      values   = ["CreateFleet", "CreateLaunchTemplate", "CreateNetworkInterface", "RunInstances"]
    }
  }

  # EC2's describe calls know no ARN
  statement {
    sid = "LookAtNetwork"
    actions = [
      "ec2:DescribeAccountAttributes",
      "ec2:DescribeCapacityReservations",
      "ec2:DescribeDhcpOptions",
      "ec2:DescribeImages",
      "ec2:DescribeInstanceTypeOfferings",
      "ec2:DescribeInstances",
      "ec2:DescribeLaunchTemplates",
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

  # EMR puts its rules into the groups it is given
  dynamic "statement" {
    for_each = length(var.security_group_ids) > 0 ? [local.group_arns] : []

    content {
      sid       = "OpenGivenGroups"
      actions   = local.group_actions
      resources = statement.value
    }
  }

  # ... and else makes its own, in the network's VPC
  dynamic "statement" {
    for_each = local.own_group_tags

    content {
      sid       = "OpenGroupsTaggedAs${statement.key}"
      actions   = local.group_actions
      resources = local.group_arns

      condition {
        test     = "StringEquals"
        variable = "aws:ResourceTag/${statement.value.key}"
        values   = [statement.value.value]
      }
    }
  }

  dynamic "statement" {
    for_each = local.own_group_tags

    content {
      sid       = "CreateGroupsTaggedAs${statement.key}"
      actions   = ["ec2:CreateSecurityGroup", "ec2:CreateTags"]
      resources = ["${local.ec2_arn}:${var.place.account}:security-group/*"]

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/${statement.value.key}"
        values   = [statement.value.value]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.security_group_ids) > 0 ? [] : ["${local.ec2_arn}:${var.place.account}:vpc/*"]

    content {
      sid       = "CreateGroupsInNetwork"
      actions   = ["ec2:CreateSecurityGroup"]
      resources = [statement.value]
    }
  }

  statement {
    sid       = "PassRoleToInstances"
    actions   = ["iam:PassRole"]
    resources = [var.arns.cluster_role]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ec2.${var.place.dns_suffix}"]
    }
  }

  # EC2's role for spot instances, made with an account's first one
  dynamic "statement" {
    for_each = var.spot ? ["arn:${var.place.partition}:iam::${var.place.account}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"] : []

    content {
      sid       = "FirstSpotInstanceOfTheAccount"
      actions   = ["iam:CreateServiceLinkedRole"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "iam:AWSServiceName"
        values   = ["spot.amazonaws.com"]
      }
    }
  }
}
