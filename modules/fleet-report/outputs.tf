output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.function.arn
}

output "page_url" {
  description = "Where the page of all deployments is: `s3://<bucket>/<prefix>/fleet/report.html`."
  value       = "s3://${var.backup_bucket.name}/${local.page_key}"
}
