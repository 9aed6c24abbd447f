output "bucket_name" {
  description = "Bucket the backups are in."
  value       = module.hippolyte.bucket_name
}

output "backups_url" {
  description = "Where the backups begin."
  value       = module.hippolyte.backups_url
}

output "topic_arn" {
  description = "ARN of the topic on which failures are told."
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
  description = "The function that reads tables with the engine lambda, and its machine."
  value       = module.hippolyte.exporter
}

output "schedules" {
  description = "Group and names of the schedules."
  value       = module.hippolyte.schedules
}

output "engine" {
  description = "Region and roles of the clusters."
  value       = module.hippolyte.engine
}

output "lost_events_queue" {
  description = "Queue of events that could not be delivered."
  value       = module.hippolyte.lost_events_queue
}

output "alarm_names" {
  description = "Names of the CloudWatch alarms."
  value       = module.hippolyte.alarm_names
}

output "version" {
  description = "Version of the module."
  value       = module.hippolyte.version
}
