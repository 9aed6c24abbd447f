provider "aws" {
  region = var.region
}

module "hippolyte" {
  source = "../../"

  native_export = {
    tables  = ["orders*", "users"]
    exclude = ["orders-scratch"]
  }

  restore_drill = { canary = "orders" }

  max_night_usd  = 50 # exports are charged by the gigabyte, and count
  backup_window  = { start = "00:00", end = "07:00", timezone = "UTC" }
  tables         = { exclude = ["scratch-*"] }
  retention_days = 35
  force_destroy  = var.force_destroy
  alert_emails   = var.alert_emails
}
