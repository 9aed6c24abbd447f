# What is given as objects. Terraform drops in silence what an object's type does not name: with `tables = { excludes = ... }`
# the table would be read, and raised. So the variables have the type `any`; first their attributes' names are looked at,
# then they get type, defaults and rules.

module "spelling" {
  source = "./modules/spelling"

  given = {
    backup_window = var.backup_window
    tables        = var.tables
    native_export = var.native_export
    planning      = var.planning
    prices        = var.prices
    restore_drill = var.restore_drill
    cluster       = var.cluster
    emr           = var.emr
    lambda        = var.lambda
    exporter      = var.exporter
    backup_bucket = var.backup_bucket
    central_topic = var.central_topic
    object_lock   = var.object_lock
    vpc           = var.vpc

    "backup_bucket.grant"     = try(var.backup_bucket.grant, null)
    "backup_bucket.retention" = try(var.backup_bucket.retention, null)
    "central_topic.grant"     = try(var.central_topic.grant, null)
  }

  attributes = {
    backup_window = ["end", "start", "timezone"]
    tables        = ["always", "exclude", "exclude_tags", "include", "include_tags"]
    native_export = ["exclude", "tables"]
    planning      = ["activity_bootstrap_seconds", "attempts", "bytes_per_read_unit", "cluster_bootstrap_seconds", "cluster_bytes_per_second", "discovery_concurrency", "estimates", "item_count_tolerance_percentage", "max_clusters", "on_demand_read_rate"]
    prices        = ["activity_month", "dated", "export_gb", "function_gb_second", "get_thousand", "import_gb", "node_hour", "on_demand_million", "put_thousand", "read_unit_hour", "region", "storage_gb_month", "transition_thousand"]
    restore_drill = ["canary", "exclude", "max_bytes", "max_usd"]
    cluster       = ["core_instance_count", "core_instance_type", "core_security_group_id", "key_pair", "master_instance_type", "master_security_group_id", "release_label", "service_access_security_group_id", "subnet_id", "volume_kms_key_arn"]
    emr           = ["instance_types", "jar", "jar_kms_key_arn", "security_configuration", "spot", "subnet_ids"]
    lambda        = ["log_retention_days", "memory_size", "runtime"]
    exporter      = ["max_workers", "memory_size"]
    backup_bucket = ["grant", "kms_key_arn", "name", "owner", "prefix", "region", "retention", "sse_header"]
    central_topic = ["arn", "grant", "kms_key_arn"]
    object_lock   = ["days", "mode"]
    vpc           = ["security_group_ids", "subnet_ids"]

    "backup_bucket.grant"     = ["account_ids", "names"]
    "backup_bucket.retention" = ["months", "weeks"]
    "central_topic.grant"     = ["account_ids", "names"]
  }
}

module "inputs" {
  source = "./modules/inputs"

  backup_window = module.spelling.given.backup_window
  tables        = module.spelling.given.tables
  native_export = module.spelling.given.native_export
  planning      = module.spelling.given.planning
  prices        = module.spelling.given.prices
  restore_drill = module.spelling.given.restore_drill
  cluster       = module.spelling.given.cluster
  emr           = module.spelling.given.emr
  lambda        = module.spelling.given.lambda
  exporter      = module.spelling.given.exporter
  backup_bucket = module.spelling.given.backup_bucket
  central_topic = module.spelling.given.central_topic
  object_lock   = module.spelling.given.object_lock
  vpc           = module.spelling.given.vpc
}
