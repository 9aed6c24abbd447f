# What all accounts have in common.

module "hippolyte" {
  source = "../../../"

  backup_window = merge({ start = "01:00", end = "05:00", timezone = "Europe/Berlin" }, var.account.window)
  tables        = { exclude = concat(["scratch-*", "*-test"], var.account.exclude) }
  backup_bucket = var.central.backup_bucket
  central_topic = var.central.central_topic
  # of the alarms: CloudWatch publishes to no other account's topic
  alert_emails = var.central.alert_emails
  tags         = { team = "platform" }

  # the fleet's report tells of those
  tell_good_nights = false
}
