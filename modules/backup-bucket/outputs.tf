output "backup_bucket" {
  description = "What `backup_bucket` of the main module wants, as it is: `name`, `region`, `prefix`, `kms_key_arn`, `owner`, `grant` (`account_ids`, none by organization, and `names`), by which a deployment that is not let in is refused at plan, and `retention` (`weeks`, `months`), by which one that counts on more is."
  value = {
    name        = var.bucket
    region      = data.aws_region.current.id
    prefix      = var.prefix
    kms_key_arn = local.key_arn
    owner       = data.aws_caller_identity.current.account_id
    grant       = { account_ids = var.account_ids, names = var.names }
    retention   = { months = var.retention_months, weeks = var.retention_weeks }
  }
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = local.bucket_arn
}

output "kms_key_arn" {
  description = "ARN of the key the backups are encrypted with, created or given."
  value       = local.key_arn
}
