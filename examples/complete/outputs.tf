output "bucket_name" {
  description = "Bucket the backups are in."
  value       = module.hippolyte.bucket_name
}

output "backups_url" {
  description = "Where the backups begin."
  value       = module.hippolyte.backups_url
}

output "nights_topic_arn" {
  description = "ARN of the topic on which each night is told."
  value       = module.backup_topic.topic_arn
}

output "alarms_topic_arn" {
  description = "ARN of the topic on which alarms are told."
  value       = module.hippolyte.topic_arn
}

output "scheduler" {
  description = "The function that plans and starts a night."
  value       = module.hippolyte.scheduler
}

output "monitor" {
  description = "The function that follows a night to its end."
  value       = module.hippolyte.monitor
}

output "exporter" {
  description = "The function that reads the tables, and its machine."
  value       = module.hippolyte.exporter
}

output "network" {
  description = "What the functions run in: `subnet_id` and `security_group_id`."
  value = {
    subnet_id         = aws_subnet.private.id
    security_group_id = aws_security_group.functions.id
  }
}

output "version" {
  description = "Version of the module."
  value       = module.hippolyte.version
}
