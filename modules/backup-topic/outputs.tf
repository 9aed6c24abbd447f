output "central_topic" {
  description = "What `central_topic` of the main module wants, as it is: `arn`, `kms_key_arn`, and `grant` (`account_ids`, none by organization, and `names`), by which a deployment that is not let in is refused at plan."
  value = {
    arn         = local.topic_arn
    kms_key_arn = aws_kms_key.this.arn
    grant       = { account_ids = var.account_ids, names = var.names }
  }
}

output "topic_arn" {
  description = "ARN of the topic; subscribe what you like."
  value       = aws_sns_topic.this.arn
}
