# What every engine's room hands back.

output "trust" {
  description = "Services that may assume the role, each with `account` (whether for this account only) and `arn` (for what)."
  value = {
    "datapipeline.amazonaws.com"     = { account = var.bounded, arn = null } # not known to send its source
    "elasticmapreduce.amazonaws.com" = { account = true, arn = var.arns.emr_callers }
  }
}

output "role_policy" {
  description = "What the role may do, JSON."
  value       = data.aws_iam_policy_document.role.json
}

output "functions_policy" {
  description = "What the two functions may do with the engine, JSON."
  value       = data.aws_iam_policy_document.functions.json
}

output "settings" {
  description = "The engine's part of the functions' settings."
  value = {
    pipeline_region = var.pipeline_region
    pipeline_role   = var.role_name
  }
}
