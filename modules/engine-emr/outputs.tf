# What every engine's room hands back.

output "trust" {
  description = "Services that may assume the role, each with `account` (whether for this account only) and `arn` (for what)."
  value = {
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
    emr = {
      jar                    = var.jar
      service_role           = var.role_name
      subnet_ids             = var.subnet_ids
      spot                   = var.spot
      security_configuration = var.security_configuration
      instance_types         = var.instance_types
      guard_role             = var.arns.guard_role
    }
  }
}
