output "given" {
  description = "The same objects, if all their attributes are known."
  value       = var.given

  precondition {
    condition     = length(local.misspelt) == 0
    error_message = join(" ", local.messages)
  }
}
