output "backup_window" {
  description = "`backup_window` as given, what is left out filled in."
  value       = var.backup_window
}

output "lambda" {
  description = "`lambda` as given, what is left out filled in."
  value       = var.lambda
}

output "exporter" {
  description = "`exporter` as given, what is left out filled in."
  value       = var.exporter
}

output "tables" {
  description = "`tables` as given, what is left out filled in."
  value       = var.tables
}

output "native_export" {
  description = "`native_export` as given, what is left out filled in."
  value       = var.native_export
}

output "planning" {
  description = "`planning` as given, what is left out filled in."
  value       = var.planning
}

output "prices" {
  description = "`prices` as given, what is left out filled in."
  value       = var.prices
}

output "restore_drill" {
  description = "`restore_drill` as given, what is left out filled in; null: no drills."
  value       = var.restore_drill
}

output "emr" {
  description = "`emr` as given, what is left out filled in."
  value       = var.emr
}

output "cluster" {
  description = "`cluster` as given, what is left out filled in."
  value       = var.cluster
}

output "backup_bucket" {
  description = "`backup_bucket` as given, what is left out filled in."
  value       = var.backup_bucket
}

output "central_topic" {
  description = "`central_topic` as given, what is left out filled in."
  value       = var.central_topic
}

output "vpc" {
  description = "`vpc` as given."
  value       = var.vpc
}

output "object_lock" {
  description = "`object_lock` as given."
  value       = var.object_lock
}
