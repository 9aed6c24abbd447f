# Where something of the deployment is open. Runs and leases lie in the bucket, below the prefix: the functions keep the
# places in which any is open in a parameter. After a change of place they find there what the old one still holds, and the
# roles are let at it until it holds nothing.

locals {
  # as Terraform finds it: with the name that the functions had when they last wrote
  open = try(jsondecode(nonsensitive(aws_ssm_parameter.open.value)), {})
  # through a local: a document that named the resource itself would not be known at plan
  open_arn    = "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${aws_ssm_parameter.open.name}"
  former_name = try(local.open.name, var.name)
  open_places = [for place in try(local.open.places, []) : {
    bucket     = place.bucket
    key_prefix = try("${place.prefix}/", "")
    key        = try(place.bucket_key, null)
  }]
  open_urls = [for place in local.open_places : "s3://${place.bucket}/${place.key_prefix}"]

  # the present one first
  places = distinct(concat([{ bucket = local.bucket, key_prefix = local.key_prefix, key = local.bucket_key }], local.open_places))

  # what is kept longer lies beside, for S3's rules of expiry go by how a key begins; also when nothing is from now on: a
  # night that was planned before writes there to its end, and what is there is read as long as it lasts
  endings = ["", "-weekly", "-monthly"]

  bucket_arns = distinct([for place in local.places : "arn:${local.partition}:s3:::${place.bucket}"])
  bucket_keys = distinct([for place in local.places : place.key if place.key != null])
  object_arns = {
    for part in ["backups", "catalog", "leases", "logs", "runs", "scripts"] : part =>
    distinct(flatten([
      for ending in contains(["backups", "catalog"], part) ? local.endings : [""] : [
        for place in local.places : "arn:${local.partition}:s3:::${place.bucket}/${place.key_prefix}${part}${ending}/${local.account}/${local.region}/*"
      ]
    ]))
  }
}

resource "aws_ssm_parameter" "open" {
  #checkov:skip=CKV2_AWS_34:names of buckets, no secrets, and read by who looks into a deployment
  name        = "/hippolyte/open/${var.name}"
  description = "Where runs or raised capacity of a Hippolyte deployment are open; kept by its functions"
  type        = "String"
  value       = jsonencode({ name = var.name, places = [] })

  tags = local.tags

  lifecycle {
    # the functions write it, and it stays with the deployment when that is renamed
    ignore_changes = [name, value]
  }
}
