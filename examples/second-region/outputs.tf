output "bucket_name" {
  description = "Bucket the backups are in."
  value       = module.backup_bucket.backup_bucket.name
}

output "copy_bucket_name" {
  description = "Bucket in the other region that they are copied to."
  value       = module.copy.backup_bucket.name
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

output "version" {
  description = "Version of the module."
  value       = module.hippolyte.version
}
