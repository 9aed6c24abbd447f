output "version" {
  description = "Version of the module in this account."
  value       = module.hippolyte.version
}

output "backups_url" {
  description = "Where this account's backups begin."
  value       = module.hippolyte.backups_url
}

output "alarms_topic_arn" {
  description = "ARN of the topic of this account's alarms: CloudWatch publishes to no other account."
  value       = module.hippolyte.topic_arn
}
