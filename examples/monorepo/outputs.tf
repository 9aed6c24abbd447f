output "bucket_name" {
  description = "The central bucket."
  value       = var.bucket_name
}

output "topic_arn" {
  description = "ARN of the topic on which every account's nights are told."
  value       = module.backup_topic.topic_arn
}

output "fleet_page_url" {
  description = "Where the page of all deployments is."
  value       = module.fleet_report.page_url
}

output "versions" {
  description = "Version of the module by account."
  value       = { for name, deployment in local.deployments : name => deployment.version }
}

output "backups_urls" {
  description = "Where each account's backups begin."
  value       = { for name, deployment in local.deployments : name => deployment.backups_url }
}

output "alarms_topic_arns" {
  description = "ARN of the topic of each account's alarms: CloudWatch publishes to no other account."
  value       = { for name, deployment in local.deployments : name => deployment.alarms_topic_arn }
}

locals {
  deployments = {
    catalog  = module.catalog
    checkout = module.checkout
    identity = module.identity
    orders   = module.orders
    search   = module.search
    shipping = module.shipping
  }
}
