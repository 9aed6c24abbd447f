# What the functions may do for what is around them: the network they are put into, whom they tell, and a look at what the
# inputs name.

# Lambda attaches the functions to the network with their own roles, and these calls know no ARN before they are made
data "aws_iam_policy_document" "network" {
  dynamic "statement" {
    for_each = module.inputs.vpc[*]

    content {
      sid = "BeInTheNetwork"
      actions = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
      ]
      resources = ["*"]

      condition {
        test     = "StringEquals"
        variable = "aws:RequestedRegion"
        values   = [local.region]
      }
    }
  }
}

# Whether what the inputs name is there, looked at once by the monitor: reads, and only of what is named
data "aws_iam_policy_document" "existence" {
  statement {
    sid       = "LookForTopics"
    actions   = ["sns:GetTopicAttributes"]
    resources = distinct([local.topic_arn, local.told_topic_arn])
  }

  dynamic "statement" {
    for_each = local.on_lambda ? [] : [[local.engine_arns.cluster_role, local.engine_arns.engine_role]]

    content {
      sid       = "LookForRoles"
      actions   = ["iam:GetRole"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = local.on_lambda ? [] : [local.engine_arns.cluster_profile]

    content {
      sid       = "LookForTheProfile"
      actions   = ["iam:GetInstanceProfile"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = local.on_lambda ? [] : compact([var.permissions_boundary])

    content {
      sid       = "LookForTheBoundary"
      actions   = ["iam:GetPolicy"]
      resources = [statement.value]
    }
  }

  # none of these knows an ARN, so the region bounds them
  dynamic "statement" {
    for_each = local.on_lambda ? [] : [local.region]

    content {
      sid = "LookForWhatClustersNeed"
      actions = concat(
        ["ec2:DescribeInstanceTypeOfferings", "ec2:DescribeSubnets"],
        module.inputs.cluster.key_pair == null ? [] : ["ec2:DescribeKeyPairs"],
        module.inputs.cluster.master_security_group_id == null ? [] : ["ec2:DescribeSecurityGroups"],
        try(module.inputs.emr.security_configuration, null) == null ? [] : ["elasticmapreduce:DescribeSecurityConfiguration"],
      )
      resources = ["*"]

      condition {
        test     = "StringEquals"
        variable = "aws:RequestedRegion"
        values   = [statement.value]
      }
    }
  }

  # vCPUs of Standard instances, on demand and from spot
  dynamic "statement" {
    for_each = local.on_lambda ? [] : [["L-1216C47A", "L-34B43A08"]]

    content {
      sid       = "LookForRoomForClusters"
      actions   = ["servicequotas:GetServiceQuota"]
      resources = [for code in statement.value : "arn:${local.partition}:servicequotas:${local.region}:${local.account}:ec2/${code}"]
    }
  }

  dynamic "statement" {
    for_each = local.jar == null ? [] : [local.jar]

    content {
      sid       = "LookForTheExportTool"
      actions   = ["s3:GetObject"]
      resources = ["arn:${local.partition}:s3:::${statement.value.bucket}/${statement.value.key}"]
    }
  }

  # tells a jar that is missing from one that is not this function's to read
  dynamic "statement" {
    for_each = local.jar == null ? [] : [local.jar]

    content {
      sid       = "FindTheExportTool"
      actions   = ["s3:ListBucket"]
      resources = ["arn:${local.partition}:s3:::${statement.value.bucket}"]

      condition {
        test     = "StringEquals"
        variable = "s3:prefix"
        values   = [statement.value.key]
      }
    }
  }
}

locals {
  # null without one; what is no URL is refused elsewhere, in words
  jar = try(regex("^s3://(?P<bucket>[^/]+)/(?P<key>.+)$", module.inputs.emr.jar), null)

  # the alarms' topic is always the module's own: CloudWatch publishes to no other account or region
  told_topic_arn = module.inputs.central_topic == null ? local.topic_arn : module.inputs.central_topic.arn
  told_topic_key = module.inputs.central_topic == null ? local.key_arn : module.inputs.central_topic.kms_key_arn
  via_told_topic = "sns.${split(":", local.told_topic_arn)[3]}.${local.dns_suffix}"
}

# Apart from the rest, so that a plan shows the rest in full: the key's ARN is not known before it exists
data "aws_iam_policy_document" "tell_people" {
  statement {
    sid       = "TellPeople"
    actions   = ["sns:Publish"]
    resources = [local.told_topic_arn]
  }

  dynamic "statement" {
    for_each = local.told_topic_key == null ? [] : [local.told_topic_key]

    content {
      sid       = "EncryptMessages"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = [local.via_told_topic]
      }
    }
  }
}

resource "aws_iam_role_policy" "tell_people" {
  for_each = local.overseers

  name   = "tell-people"
  role   = aws_iam_role.this[each.key].name
  policy = data.aws_iam_policy_document.tell_people.json
}
