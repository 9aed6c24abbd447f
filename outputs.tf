output "version" {
  description = "Version of this module and of its functions, as in CHANGELOG.md; report.json says it as `package`."
  value       = local.version
}

output "bucket_name" {
  description = "Bucket the backups are in, created or given."
  value       = local.bucket
}

output "bucket_arn" {
  description = "ARN of that bucket."
  value       = local.bucket_arn
}

output "backups_url" {
  description = "Where this account's and region's backups begin: `<table>/<run>-<attempt>/` follows."
  value       = "s3://${local.bucket}/${local.key_prefix}backups/${local.account}/${local.region}/"
}

output "topic_arn" {
  description = "ARN of the topic on which failures are told; subscribe what you like."
  value       = aws_sns_topic.this.arn
}

output "topic_key_arn" {
  description = "ARN of the key that encrypts the topic and the functions' logs; other publishers need `kms:Decrypt` and `kms:GenerateDataKey` on it."
  value       = local.key_arn
}

output "scheduler" {
  description = "The function that plans and starts a night: `function_name`, `function_arn`, `role_name`, `role_arn`, `log_group_name`."
  value       = local.function_outputs["scheduler"]
}

output "plan_command" {
  description = "The command that shows what a run which begins now would do and cost; it changes nothing."
  value       = "hippolyte plan --function ${local.function_outputs["monitor"].function_name} --region ${local.region}"
}

output "monitor" {
  description = "The function that follows a night to its end: attributes as of `scheduler`."
  value       = local.function_outputs["monitor"]
}

output "exporter" {
  description = "The function that reads tables, with `engine = \"lambda\"`: attributes as of `scheduler`, and `machine_name`, `machine_arn` of the Step Functions machine that invokes it."
  value = merge(local.function_outputs["exporter"], {
    machine_name = aws_sfn_state_machine.exporter.name
    machine_arn  = aws_sfn_state_machine.exporter.arn
  })
}

output "excluded_but_readable" {
  description = "Names and globs of `tables.exclude` that the exporter's role could still read, although it never does: because a table of `tables.always` may be among them, or the policy has no room for more."
  value       = concat(local.exclude_overridden, local.exclude_left_out)
}

output "schedules" {
  description = "The schedules: `group_name`, and `names` by purpose (`night`, `monitor`, and `catch-up` if the window is long enough for one)."
  value = {
    group_name = aws_scheduler_schedule_group.this.name
    names      = { for key, schedule in aws_scheduler_schedule.this : key => schedule.name }
  }
}

output "lost_events_queue" {
  description = "Queue of events that could not be delivered: `name`, `arn`, `url`."
  value = {
    name = aws_sqs_queue.lost.name
    arn  = aws_sqs_queue.lost.arn
    url  = aws_sqs_queue.lost.url
  }
}

output "engine" {
  description = "What the exports run with: `region` of Data Pipeline, or with other engines the module's own; `role_name` and `role_arn` of the pipelines, of EMR, or of the exporter; `cluster_role_name`, `cluster_role_arn`, `cluster_instance_profile_arn` of the instances, `null` with `engine = \"lambda\"`."
  value = {
    region                       = local.pipeline_region
    role_name                    = aws_iam_role.this[local.on_lambda ? "exporter" : local.engine_role].name
    role_arn                     = aws_iam_role.this[local.on_lambda ? "exporter" : local.engine_role].arn
    cluster_role_name            = one(aws_iam_instance_profile.cluster[*].role)
    cluster_role_arn             = one([for key, role in aws_iam_role.this : role.arn if key == "cluster"])
    cluster_instance_profile_arn = one(aws_iam_instance_profile.cluster[*].arn)
  }
}

output "alarm_names" {
  description = "Names of the CloudWatch alarms by purpose; empty without `alarms_enabled`."
  value       = { for key, alarm in aws_cloudwatch_metric_alarm.this : key => alarm.alarm_name }
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard; `null` without `dashboard_enabled`."
  value       = one(aws_cloudwatch_dashboard.this[*].dashboard_name)
}

locals {
  # the package is built from this file, byte for byte; it is the one place that says the version
  version = one(regex("(?m)^__version__ = \"([^\"]+)\"", file("${path.module}/lambda/hippolyte/__init__.py")))

  function_outputs = {
    for key, function in aws_lambda_function.this : key => {
      function_name  = function.function_name
      function_arn   = function.arn
      role_name      = aws_iam_role.this[key].name
      role_arn       = aws_iam_role.this[key].arn
      log_group_name = aws_cloudwatch_log_group.this[key].name
    }
  }
}
