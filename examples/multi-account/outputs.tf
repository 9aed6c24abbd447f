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

output "fleet_report_arn" {
  description = "ARN of the function that tells of all deployments."
  value       = module.fleet_report.function_arn
}

output "deployments" {
  description = "By deployment: `backups_url`, `alarms_topic_arn`, and the functions' roles."
  value = {
    for name, deployment in { shop = module.shop, shop_ireland = module.shop_ireland, analytics = module.analytics } : name => {
      backups_url                  = deployment.backups_url
      alarms_topic_arn             = deployment.topic_arn
      scheduler_arn                = deployment.scheduler.function_arn
      scheduler_role_arn           = deployment.scheduler.role_arn
      monitor_arn                  = deployment.monitor.function_arn
      exporter_role_arn            = deployment.exporter.role_arn
    }
  }
}

output "versions" {
  description = "Version of the module by deployment."
  value = {
    shop         = module.shop.version
    shop_ireland = module.shop_ireland.version
    analytics    = module.analytics.version
  }
}
