# EMR's own endpoint in the network, "required for optimal experience" from emr-7.5.0 on (Management Guide, updates to managed
# policies). It stays in the VPC and is charged by the hour: only where the network's owner tagged it for EMR, as in AWS's
# policy.

locals {
  endpoint_arns = ["${local.ec2_arn}:${var.place.account}:vpc-endpoint/*"]
}

data "aws_iam_policy_document" "endpoint" {
  statement {
    sid       = "UseEndpointInTaggedNetwork"
    actions   = ["ec2:CreateVpcEndpoint", "ec2:ModifyVpcEndpoint"]
    resources = concat(local.endpoint_arns, local.subnet_arns, local.group_arns, ["${local.ec2_arn}:${var.place.account}:vpc/*"])

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/${local.emr_tags.AWSs.key}"
      values   = [local.emr_tags.AWSs.value]
    }
  }

  statement {
    sid       = "CreateEndpoint"
    actions   = ["ec2:CreateVpcEndpoint"]
    resources = local.endpoint_arns

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/${local.emr_tags.AWSs.key}"
      values   = [local.emr_tags.AWSs.value]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/Name"
      values   = ["emr-service-vpce"]
    }
  }

  statement {
    sid       = "TagEndpoint"
    actions   = ["ec2:CreateTags"]
    resources = local.endpoint_arns

    condition {
      test     = "StringEquals"
      variable = "ec2:CreateAction"
      values   = ["CreateVpcEndpoint"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/${local.emr_tags.AWSs.key}"
      values   = [local.emr_tags.AWSs.value]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/Name"
      values   = ["emr-service-vpce"]
    }
  }
}
