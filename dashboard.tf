# One page for the eye: what the nights did, and what they cost. The figures are those of the report; the monitor puts them.

locals {
  verdicts = ["backed_up", "skipped", "failed", "timed_out", "vanished", "unsupported"]

  # a night's figures come once, so a point stands for a day
  nightly = { period = 86400, stat = "Maximum", view = "timeSeries" }
  passes  = { period = 300, stat = "Maximum", view = "timeSeries" }

  widgets = [
    merge(local.nightly, {
      title   = "Tables by verdict"
      stacked = true
      metrics = [for verdict in local.verdicts : ["Hippolyte", "Tables", "Deployment", var.name, "Verdict", verdict, { label = verdict }]]
    }),
    merge(local.nightly, {
      title   = "Bytes backed up"
      metrics = [["Hippolyte", "BackupBytes", "Deployment", var.name]]
    }),
    merge(local.nightly, {
      title   = "Duration against the window"
      metrics = [["Hippolyte", "NightSeconds", "Deployment", var.name], ["Hippolyte", "WindowSeconds", "Deployment", var.name]]
    }),
    merge(local.passes, {
      title   = "Read capacity raised for backups"
      metrics = [["Hippolyte", "RaisedReadCapacity", "Deployment", var.name], ["Hippolyte", "TablesLeftRaised", "Deployment", var.name, { yAxis = "right" }]]
    }),
    merge(local.nightly, {
      title   = "Estimated cost of a night, USD"
      metrics = [["Hippolyte", "EstimatedCostUsd", "Deployment", var.name]]
    }),
    merge(local.nightly, {
      title       = "Days since the newest good backup, of the table that has waited longest"
      metrics     = [["Hippolyte", "OldestBackupAgeDays", "Deployment", var.name]]
      annotations = { horizontal = [{ label = "half the retention", value = var.retention_days / 2 }] }
    }),
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.dashboard_enabled ? 1 : 0

  dashboard_name = "${var.name}-${local.region}" # dashboards of all regions share one list
  dashboard_body = jsonencode({
    widgets = [for number, properties in local.widgets : {
      type       = "metric"
      x          = number % 2 * 12
      y          = floor(number / 2) * 6
      width      = 12
      height     = 6
      properties = merge({ region = local.region }, properties)
    }]
  })
}
