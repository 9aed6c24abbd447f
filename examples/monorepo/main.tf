# Six accounts with tables, and a seventh that keeps all backups. What an account has of its own is in `accounts`, what all have
# in common in the folder deployment: a call says which account and which provider, no more.

locals {
  account_ids = [for account in values(var.accounts) : account.id]

  # where all write and tell, and whom
  central = {
    alert_emails  = var.alert_emails
    backup_bucket = module.backup_bucket.backup_bucket
    central_topic = module.backup_topic.central_topic
  }
}

# --- the backup account -----------------------------------------------------------------------------------------------

module "backup_bucket" {
  source    = "../../modules/backup-bucket"
  providers = { aws = aws.backup }

  bucket        = var.bucket_name
  account_ids   = local.account_ids
  force_destroy = var.force_destroy
}

module "backup_topic" {
  source    = "../../modules/backup-topic"
  providers = { aws = aws.backup }

  account_ids = local.account_ids
  emails      = var.alert_emails
}

# one message a morning for all accounts
module "fleet_report" {
  source    = "../../modules/fleet-report"
  providers = { aws = aws.backup }

  backup_bucket = module.backup_bucket.backup_bucket
  topic         = module.backup_topic.central_topic
  expected      = local.account_ids
}

# --- the accounts with tables -----------------------------------------------------------------------------------------

module "catalog" {
  source    = "./deployment"
  providers = { aws = aws.catalog }

  account = var.accounts["catalog"]
  central = local.central
}

module "checkout" {
  source    = "./deployment"
  providers = { aws = aws.checkout }

  account = var.accounts["checkout"]
  central = local.central
}

module "identity" {
  source    = "./deployment"
  providers = { aws = aws.identity }

  account = var.accounts["identity"]
  central = local.central
}

module "orders" {
  source    = "./deployment"
  providers = { aws = aws.orders }

  account = var.accounts["orders"]
  central = local.central
}

module "search" {
  source    = "./deployment"
  providers = { aws = aws.search }

  account = var.accounts["search"]
  central = local.central
}

module "shipping" {
  source    = "./deployment"
  providers = { aws = aws.shipping }

  account = var.accounts["shipping"]
  central = local.central
}
