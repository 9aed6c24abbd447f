provider "aws" {
  region = var.region
}

module "hippolyte" {
  source = "../../"

  engine = "emr"

  emr = {
    jar                    = var.jar
    jar_kms_key_arn        = null # set it if the jar is encrypted with a key of your own
    subnet_ids             = var.subnet_ids
    spot                   = true
    security_configuration = null
    instance_types         = [] # such as ["m5.xlarge", "m5a.xlarge"]: an instance fleet
  }

  # one node reads 3 MiB/s at the most: see docs/planning.md
  cluster = { core_instance_count = 4 }

  backup_window  = { start = "00:00", end = "07:00", timezone = "UTC" }
  tables         = { exclude = ["scratch-*"] }
  retention_days = 35
  force_destroy  = var.force_destroy
  alert_emails   = var.alert_emails
}
