output "read_role_arn" {
  description = "ARN of the role that reads backups."
  value       = aws_iam_role.read.arn
}

output "operate_role_arn" {
  description = "ARN of the role that looks at deployments and asks their functions; null without `deployment_names`."
  value       = one(aws_iam_role.operate[*].arn)
}

output "verify_role_arn" {
  description = "ARN of the role that verifies by restoring; null unless `verify_by_restoring`."
  value       = one(aws_iam_role.verify[*].arn)
}

output "restore_role_arn" {
  description = "ARN of the role that restores; null without `restore_table_prefixes`."
  value       = one(aws_iam_role.restore[*].arn)
}

output "undo_role_arn" {
  description = "ARN of the role that puts back; null without `undo_table_prefixes`."
  value       = one(aws_iam_role.undo[*].arn)
}
