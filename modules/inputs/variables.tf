# This deployment: its name, when it runs, and with which functions.

variable "backup_window" {
  description = "The root's `backup_window`, with its type and rules."
  type = object({
    start    = optional(string, "00:00")
    end      = optional(string, "07:00")
    timezone = optional(string, "UTC")
  })
  nullable = false

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.backup_window.start))
    error_message = "backup_window.start must be HH:MM (24 hours), got ${jsonencode(var.backup_window.start)}. Example: \"00:00\"."
  }

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.backup_window.end))
    error_message = "backup_window.end must be HH:MM (24 hours), got ${jsonencode(var.backup_window.end)}. Example: \"07:00\"."
  }

  validation {
    condition     = var.backup_window.start != var.backup_window.end
    error_message = "backup_window.start and backup_window.end must differ, got \"${var.backup_window.start}\" for both. For almost a whole day let the window end a minute before its start."
  }
}

variable "lambda" {
  description = "The root's `lambda`, with its type and rules."
  type = object({
    runtime            = optional(string, "python3.13")
    memory_size        = optional(number, 512)
    log_retention_days = optional(number, 30)
  })
  nullable = false

  validation {
    condition     = contains(["python3.11", "python3.12", "python3.13", "python3.14"], var.lambda.runtime)
    error_message = "lambda.runtime must be one of python3.11, python3.12, python3.13, python3.14, got ${jsonencode(var.lambda.runtime)}. Example: \"python3.13\"."
  }

  validation {
    condition     = var.lambda.memory_size >= 256 && var.lambda.memory_size <= 10240 && floor(var.lambda.memory_size) == var.lambda.memory_size
    error_message = "lambda.memory_size must be a whole number of MB from 256 to 10240, got ${var.lambda.memory_size}. Example: 512."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.lambda.log_retention_days)
    error_message = "lambda.log_retention_days must be a value CloudWatch Logs knows (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653), got ${var.lambda.log_retention_days}. Example: 30."
  }
}

variable "vpc" {
  description = "The root's `vpc`, with its type and rules."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })

  validation {
    condition     = var.vpc == null || length(flatten(var.vpc[*].subnet_ids)) > 0 && alltrue([for id in flatten(var.vpc[*].subnet_ids) : can(regex("^subnet-([0-9a-f]{8}|[0-9a-f]{17})$", id))])
    error_message = "vpc.subnet_ids must be one or more subnets' ids, got ${jsonencode(try(var.vpc.subnet_ids, null))}. Example: [\"subnet-0123456789abcdef0\"]; vpc = null for functions outside of any network."
  }

  validation {
    condition     = var.vpc == null || length(flatten(var.vpc[*].security_group_ids)) > 0 && alltrue([for id in flatten(var.vpc[*].security_group_ids) : can(regex("^sg-([0-9a-f]{8}|[0-9a-f]{17})$", id))])
    error_message = "vpc.security_group_ids must be one or more security groups' ids, got ${jsonencode(try(var.vpc.security_group_ids, null))}. Example: [\"sg-0123456789abcdef0\"]."
  }
}
