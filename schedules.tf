# When the functions run. EventBridge Scheduler knows time zones; rules of EventBridge do not.

locals {
  catch_up_delay_minutes = 65 # an hour that a change of clocks may skip, and some minutes
  catch_up_minute        = (local.start_minute + local.catch_up_delay_minutes) % 1440

  # a catch-up after the window's end could only be refused
  catch_up_in_window = local.window_seconds > local.catch_up_delay_minutes * 60

  state = var.enabled ? "ENABLED" : "DISABLED"

  schedules = merge(
    {
      night = {
        function    = "scheduler"
        description = "Starts the night at the beginning of the backup window"
        expression  = "cron(${local.start_minute % 60} ${floor(local.start_minute / 60)} * * ? *)"
        timezone    = module.inputs.backup_window.timezone
        state       = local.state
        input       = { run = "<aws.scheduler.scheduled-time>", delay_seconds = 0 }
        # A quarter of an hour of tries. Later ones would only delay the news: the catch-up is the second chance,
        # and an event that is given up goes to the queue, which has an alarm.
        event_age = 900
        retries   = 5
      }
      monitor = {
        function    = "monitor"
        description = "Brings open runs and leases nearer to their end; goes on while nights are disabled"
        expression  = "rate(5 minutes)"
        timezone    = "UTC"
        state       = "ENABLED"
        input       = {}
        event_age   = 300 # then the next pass is due
        retries     = 2
      }
    },
    local.catch_up_in_window ? {
      catch-up = {
        function    = "scheduler"
        description = "The same night again ${local.catch_up_delay_minutes} minutes later, in case the first delivery was lost or its local time did not exist"
        expression  = "cron(${local.catch_up_minute % 60} ${floor(local.catch_up_minute / 60)} * * ? *)"
        timezone    = module.inputs.backup_window.timezone
        state       = local.state
        input       = { run = "<aws.scheduler.scheduled-time>", delay_seconds = local.catch_up_delay_minutes * 60 }
        event_age   = 900
        retries     = 5
      }
    } : {}
  )
}

resource "aws_scheduler_schedule_group" "this" {
  name = var.name

  tags = local.tags
}

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297:the payload is a time; Scheduler encrypts it with its own key
  for_each = local.schedules

  name                         = "${var.name}-${each.key}"
  description                  = each.value.description
  group_name                   = aws_scheduler_schedule_group.this.name
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone
  state                        = each.value.state

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.this[each.value.function].arn
    role_arn = aws_iam_role.this["schedules"].arn

    # jsonencode writes < and > as escapes, in which Scheduler does not see its placeholder
    input = replace(replace(jsonencode(each.value.input), "\\u003c", "<"), "\\u003e", ">")

    retry_policy {
      maximum_event_age_in_seconds = each.value.event_age
      maximum_retry_attempts       = each.value.retries
    }

    dead_letter_config {
      arn = aws_sqs_queue.lost.arn
    }
  }

  depends_on = [aws_iam_role_policy.this, aws_lambda_function_event_invoke_config.this, aws_sfn_state_machine.exporter]
}
