# Two accounts with tables, one of them in two regions, and a third that keeps all backups.

locals {
  writers = [var.account_ids.shop, var.account_ids.analytics]

  # what all deployments have in common
  window = { start = "00:00", end = "04:00", timezone = "UTC" }
  tables = { exclude = ["scratch-*"] }
}

# --- the backup account -----------------------------------------------------------------------------------------------

module "backup_bucket" {
  source    = "../../modules/backup-bucket"
  providers = { aws = aws.backup }

  bucket        = var.bucket_name
  account_ids   = local.writers
  force_destroy = var.force_destroy
}

module "backup_topic" {
  source    = "../../modules/backup-topic"
  providers = { aws = aws.backup }

  account_ids = local.writers
  emails      = var.alert_emails
}

# one message a morning instead of three; what needs a person each deployment tells by itself
module "fleet_report" {
  source    = "../../modules/fleet-report"
  providers = { aws = aws.backup }

  backup_bucket = module.backup_bucket.backup_bucket
  topic         = module.backup_topic.central_topic
  expected      = ["${var.account_ids.shop}/us-east-1", "${var.account_ids.shop}/eu-west-1", var.account_ids.analytics]
  schedule      = { time = "07:00", timezone = "UTC" }
}

# --- the accounts with tables -----------------------------------------------------------------------------------------

# nights are told on the central topic, alarms on each account's own: CloudWatch publishes to no other

module "shop" {
  source    = "../../"
  providers = { aws = aws.shop }

  backup_window = local.window
  tables        = local.tables
  backup_bucket = module.backup_bucket.backup_bucket
  central_topic = module.backup_topic.central_topic
  alert_emails  = var.alert_emails

  tell_good_nights = false
}

# a deployment is one account and one region; the bucket is in another region here
module "shop_ireland" {
  source    = "../../"
  providers = { aws = aws.shop_ireland }

  backup_window = local.window
  tables        = local.tables
  backup_bucket = module.backup_bucket.backup_bucket
  central_topic = module.backup_topic.central_topic
  alert_emails  = var.alert_emails

  tell_good_nights = false
}

module "analytics" {
  source    = "../../"
  providers = { aws = aws.analytics }

  backup_window = local.window
  tables        = local.tables
  backup_bucket = module.backup_bucket.backup_bucket
  central_topic = module.backup_topic.central_topic
  alert_emails  = var.alert_emails

  tell_good_nights = false
}
