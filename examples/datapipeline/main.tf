provider "aws" {
  region = var.region
}

module "hippolyte" {
  source = "../../"

  engine                  = "datapipeline" # for accounts that have used it before 2024-07-25
  pipeline_region         = var.pipeline_region
  strict_datapipeline_iam = false # what the service enforces is not confirmed: try `true` when a night has worked

  cluster = {
    release_label                    = "emr-5.27.1"
    master_instance_type             = "m5.xlarge"
    core_instance_type               = "m5.xlarge"
    core_instance_count              = 4 # one reads 1 MiB/s at the most: see docs/planning.md
    subnet_id                        = var.subnet_id
    key_pair                         = var.key_pair
    master_security_group_id         = var.security_group_ids.master
    core_security_group_id           = var.security_group_ids.core
    service_access_security_group_id = var.security_group_ids.service
    volume_kms_key_arn               = null # the key, where the account encrypts volumes with one of its own
  }

  backup_window  = { start = "00:00", end = "07:00", timezone = "UTC" }
  tables         = { exclude = ["scratch-*"] }
  retention_days = 35
  force_destroy  = var.force_destroy
  alert_emails   = var.alert_emails
}
