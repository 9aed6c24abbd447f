# The engine that is chosen: documents only, the resources are in roles.tf and functions.tf. The others' roles are not made,
# their calls are not allowed. What the engine lambda needs is made with each (exporter.tf, roles.exporter.tf).

module "engine_datapipeline" {
  source = "./modules/engine-datapipeline"
  count  = local.on_datapipeline ? 1 : 0

  name            = var.name
  place           = local.engine_place
  arns            = local.engine_arns
  role_name       = local.role_names["pipeline"]
  pipeline_region = local.pipeline_region
  bounded         = var.strict_datapipeline_iam
}

module "engine_emr" {
  source = "./modules/engine-emr"
  count  = local.on_emr ? 1 : 0

  name      = var.name
  place     = local.engine_place
  arns      = local.engine_arns
  role_name = local.role_names["emr"]

  # emr may be null here: checks.tf says so, in words
  jar                    = join("", module.inputs.emr[*].jar)
  subnet_ids             = local.subnet_ids
  spot                   = anytrue(module.inputs.emr[*].spot)
  security_configuration = one(module.inputs.emr[*].security_configuration)
  instance_types         = flatten(module.inputs.emr[*].instance_types)

  security_group_ids = compact([
    module.inputs.cluster.master_security_group_id,
    module.inputs.cluster.core_security_group_id,
    module.inputs.cluster.service_access_security_group_id,
  ])
}

locals {
  engine = concat(module.engine_datapipeline, module.engine_emr, [local.engine_lambda])[0]

  engine_lambda = {
    functions_policy = data.aws_iam_policy_document.count_workers.json
    settings         = {}
  }

  # the key of the role with which clusters are made; "pipeline" is Data Pipeline's, "emr" EMR's own
  engine_role = local.on_emr ? "emr" : "pipeline"

  engine_place = { partition = local.partition, dns_suffix = local.dns_suffix, region = local.region, account = local.account }

  engine_arns = {
    engine_role      = local.role_arns[local.engine_role]
    cluster_role     = local.role_arns["cluster"]
    cluster_profile  = "arn:${local.partition}:iam::${local.account}:instance-profile${var.role_path}${local.role_names["cluster"]}"
    emr_callers      = "arn:${local.partition}:elasticmapreduce:${local.region}:${local.account}:*"
    emr_cleanup_role = "arn:${local.partition}:iam::${local.account}:role/aws-service-role/elasticmapreduce.amazonaws.com*/AWSServiceRoleForEMRCleanup*"
    clusters         = local.cluster_arn
    guards           = local.guard_arn
    guard_role       = local.role_arns["guard"]
    tables           = local.table_arn
    buckets          = local.bucket_arns
    bucket_keys      = local.bucket_keys
    logs             = local.object_arns["logs"]
    scripts          = local.object_arns["scripts"]
  }
}
