# Rules across variables. Below Terraform 1.9 a validation sees its own variable only, hence preconditions.
# This file refers to variables only (and to the list of zones beside it): inputs are tested with it alone.

locals {
  # IANA's names, from the package tzdata; `make docs` writes the file
  zones = split("\n", trimspace(file("${path.module}/zones.txt")))

  # minutes after midnight; a malformed time has been refused already and must not break the other messages
  start_minute = try(parseint(substr(var.backup_window.start, 0, 2), 10) * 60 + parseint(substr(var.backup_window.start, 3, 2), 10), 0)
  end_minute   = try(parseint(substr(var.backup_window.end, 0, 2), 10) * 60 + parseint(substr(var.backup_window.end, 3, 2), 10), 0)

  window_seconds = (local.end_minute - local.start_minute + (local.end_minute <= local.start_minute ? 1440 : 0)) * 60

  # Both bootstraps and ten minutes in which something is read; a quarter of an hour at the very least
  least_window_seconds = max(900, var.planning.cluster_bootstrap_seconds + var.planning.activity_bootstrap_seconds + 600)
}

resource "terraform_data" "input_checks" {
  lifecycle {
    precondition {
      condition     = contains(local.zones, var.backup_window.timezone)
      error_message = "backup_window.timezone must be an IANA time zone, got ${jsonencode(var.backup_window.timezone)}. Example: \"Europe/Berlin\"; all names are in zones.txt of this module."
    }

    precondition {
      condition     = local.window_seconds >= local.least_window_seconds
      error_message = "backup_window from ${var.backup_window.start} to ${var.backup_window.end} lasts ${floor(local.window_seconds / 60)} minutes, but a night needs ${ceil(local.least_window_seconds / 60)}: planning.cluster_bootstrap_seconds (${var.planning.cluster_bootstrap_seconds}) and planning.activity_bootstrap_seconds (${var.planning.activity_bootstrap_seconds}) to start, and 10 minutes to read. Widen the window or lower the bootstraps."
    }

    precondition {
      condition     = var.raise_capacity || var.max_read_capacity == null
      error_message = "max_read_capacity (${jsonencode(var.max_read_capacity)}) has no effect with raise_capacity = false: nothing is raised. Remove it, or set raise_capacity = true."
    }

    precondition {
      condition     = var.backup_bucket == null || !var.force_destroy
      error_message = "force_destroy = true has no effect on the given backup_bucket (${jsonencode(try(var.backup_bucket.name, null))}): the module deletes only a bucket it created. Remove force_destroy."
    }
  }
}
