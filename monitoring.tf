# Log groups, and the alarms that also speak when the functions cannot. None on exporter and machine: a link that fails is
# followed by another, a worker that fails by the next attempt, and a table that has no backup in the end by tables-failed.

# Before the functions: Lambda would create them without retention
resource "aws_cloudwatch_log_group" "this" {
  for_each = local.functions

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = module.inputs.lambda.log_retention_days
  kms_key_id        = local.key_arn

  tags = local.tags
}

locals {
  runbook = coalesce(var.runbook_url, "docs/operations.md")

  # `periods` of five minutes, all of which must breach. Missing data: "missing" speaks when data stop and is quiet until
  # the first have come (a new deployment); "ignore" keeps the state until the next night's report. CloudWatch looks some
  # periods further back than told (five for three): only when all of those are empty are data missing
  own_alarms = {
    night-overdue = {
      metric      = "NightOverdue"
      description = "A night that was due is not closed an hour after its window, or the monitor has been silent for 30 minutes (INSUFFICIENT_DATA). Capacity may be left raised."
      periods     = 3
      missing     = "missing"
    }
    tables-failed = {
      metric      = "TablesFailed"
      description = "Tables have no backup of this night. The message on the topic names them."
      missing     = "ignore"
    }
    tables-left-raised = {
      metric      = "TablesLeftRaised"
      description = "Tables still have raised read capacity, which costs money, after their night."
      missing     = "ignore"
    }
    backups-old = {
      metric      = "OldestBackupAgeDays"
      description = "The newest good backup of a table is older than half the retention. The night's message names it, and `hippolyte report`."
      threshold   = var.retention_days / 2
      missing     = "ignore"
    }
  }

  drill_alarms = {
    drill-failed = {
      metric      = "DrillsFailed"
      description = "DynamoDB could not restore a backup as a trial. The night's message, or one of the drill's own, says why."
      missing     = "ignore"
    }
  }

  service_alarms = {
    scheduler-errors = {
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = "${var.name}-scheduler" }
      description = "The scheduler failed: a night may not have been planned."
      statistic   = "Sum"
    }
    monitor-errors = {
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = "${var.name}-monitor" }
      description = "A monitor pass failed; the next one repeats it."
      statistic   = "Sum"
    }
    events-lost = {
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = "${var.name}-lost" }
      description = "Events could not be delivered, or a cluster not be ended, and lie in the queue ${var.name}-lost."
    }
  }

  alarm_defaults = {
    namespace  = "Hippolyte"
    dimensions = { Deployment = var.name }
    statistic  = "Maximum"
    threshold  = 1
    periods    = 1
    missing    = "notBreaching"
  }
  every_alarm = merge(local.own_alarms, local.service_alarms, local.drills ? local.drill_alarms : {})
  alarms      = { for key, alarm in local.every_alarm : key => merge(local.alarm_defaults, alarm) if var.alarms_enabled }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name                = "${var.name}-${each.key}"
  alarm_description         = "${each.value.description} What to do: ${local.runbook}#alarm-${each.key}"
  namespace                 = each.value.namespace
  metric_name               = each.value.metric
  dimensions                = each.value.dimensions
  statistic                 = each.value.statistic
  comparison_operator       = "GreaterThanOrEqualToThreshold"
  threshold                 = each.value.threshold
  period                    = 300
  evaluation_periods        = each.value.periods
  datapoints_to_alarm       = each.value.periods
  treat_missing_data        = each.value.missing
  alarm_actions             = [aws_sns_topic.this.arn]
  insufficient_data_actions = each.value.missing == "missing" ? [aws_sns_topic.this.arn] : []

  tags = local.tags
}

# One page for the eye: what the nights did, and what they cost. The figures are those of the report; the monitor puts them.

locals {
  verdicts = ["backed_up", "skipped", "failed", "timed_out", "vanished", "unsupported"]

  # a night's figures come once, so a point stands for a day
  nightly = { period = 86400, stat = "Maximum", view = "timeSeries" }
  passes  = { period = 300, stat = "Maximum", view = "timeSeries" }

  # a link that fails is followed by another: no alarm, but to be seen when backups come late
  exporter_widgets = [
    merge(local.passes, {
      title = "Links of the exporter"
      stat  = "Sum"
      metrics = [
        for metric in ["Invocations", "Errors", "Throttles"] : ["AWS/Lambda", metric, "FunctionName", "${var.name}-exporter"]
      ]
    }),
    merge(local.passes, {
      title = "Workers of the exporter"
      stat  = "Sum"
      metrics = [
        for metric in ["ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsAborted"] :
        ["AWS/States", metric, "StateMachineArn", local.machine_arn]
      ]
    }),
  ]

  drill_widgets = [
    merge(local.nightly, {
      title   = "Restore drills that failed"
      metrics = [["Hippolyte", "DrillsFailed", "Deployment", var.name]]
    }),
  ]

  widgets = concat([
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
  ], [for widget in local.exporter_widgets : widget if local.on_lambda], [for widget in local.drill_widgets : widget if local.drills])
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
