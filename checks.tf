# Rules across variables. Below Terraform 1.9 a validation sees its own variable only, hence preconditions.
# This file refers to variables only, objects by way of inputs.tf (and to the list of zones): inputs are tested with it alone.

locals {
  # IANA's names, from the package tzdata; `make docs` writes the file
  zones = split("\n", trimspace(file("${path.module}/files/timezones.txt")))

  # minutes after midnight; a malformed time has been refused already and must not break the other messages
  start_minute = try(parseint(substr(module.inputs.backup_window.start, 0, 2), 10) * 60 + parseint(substr(module.inputs.backup_window.start, 3, 2), 10), 0)
  end_minute   = try(parseint(substr(module.inputs.backup_window.end, 0, 2), 10) * 60 + parseint(substr(module.inputs.backup_window.end, 3, 2), 10), 0)

  window_seconds = (local.end_minute - local.start_minute + (local.end_minute <= local.start_minute ? 1440 : 0)) * 60

  # Both bootstraps and ten minutes in which something is read; a quarter of an hour at the very least
  bootstraps           = local.on_lambda ? { cluster = 0, activity = 0 } : { cluster = module.inputs.planning.cluster_bootstrap_seconds, activity = module.inputs.planning.activity_bootstrap_seconds }
  least_window_seconds = max(900, local.bootstraps.cluster + local.bootstraps.activity + 600)

  # Of the daily, weekly and monthly part: what was kept longer goes with the others once it is not any more, and a month's
  # first is its week's too
  days_kept = {
    ""         = var.retention_days
    "-weekly"  = max(var.retention_days, 7 * var.retention_weeks)
    "-monthly" = max(var.retention_days, 7 * var.retention_weeks, 31 * var.retention_months)
  }

  moves = { for tier, kept in local.days_kept : tier => { for class, days in var.storage_classes : class => days if days < kept } }

  on_lambda       = var.engine == "lambda"
  on_emr          = var.engine == "emr"
  on_datapipeline = var.engine == "datapipeline"

  release_label = module.inputs.cluster.release_label != null ? module.inputs.cluster.release_label : local.on_emr ? "emr-7.13.0" : "emr-5.27.1"
  subnet_ids    = local.on_emr ? flatten(module.inputs.emr[*].subnet_ids) : compact([module.inputs.cluster.subnet_id])

  # Which export tool goes with which release; docs/emr.md says what it rests on. Releases up to emr-7.4 have a connector whose
  # classes name AWS's SDK otherwise; from 6.0 on the tool needs Java 17, which these have.
  connector = try(regex("emr-dynamodb-tools-([0-9]+\\.[0-9]+\\.[0-9]+)", module.inputs.emr.jar)[0], "")
  pairs = [
    { releases = "emr-7.5 to emr-7.14", release = "^emr-7\\.([5-9]|1[0-4])\\.", connectors = "5.4 to 6.1", connector = "^(5\\.[4-7]|6\\.[01])\\." },
  ]
  paired = anytrue([for pair in local.pairs : can(regex(pair.release, local.release_label)) && can(regex(pair.connector, local.connector))])
}

resource "terraform_data" "input_checks" {
  lifecycle {
    precondition {
      condition     = contains(local.zones, module.inputs.backup_window.timezone)
      error_message = "backup_window.timezone must be an IANA time zone, got ${jsonencode(module.inputs.backup_window.timezone)}. Example: \"Europe/Berlin\"; all names are in files/timezones.txt of this module."
    }

    precondition {
      condition     = local.window_seconds >= local.least_window_seconds
      error_message = "backup_window from ${module.inputs.backup_window.start} to ${module.inputs.backup_window.end} lasts ${floor(local.window_seconds / 60)} minutes, but a night needs ${ceil(local.least_window_seconds / 60)}${local.on_lambda ? ". Widen the window." : ": planning.cluster_bootstrap_seconds (${local.bootstraps.cluster}) and planning.activity_bootstrap_seconds (${local.bootstraps.activity}) to start, and 10 minutes to read. Widen the window or lower the bootstraps."}"
    }

    precondition {
      condition     = var.raise_capacity != "false" || var.max_read_capacity == null
      error_message = "max_read_capacity (${jsonencode(var.max_read_capacity)}) has no effect with raise_capacity = false: nothing is raised. Remove it, or set raise_capacity = true, or \"plan\" to see what would be raised."
    }

    precondition {
      condition     = module.inputs.backup_bucket == null || !var.force_destroy
      error_message = "force_destroy = true has no effect on the given backup_bucket (${jsonencode(try(module.inputs.backup_bucket.name, null))}): the module deletes only a bucket it created. Remove force_destroy."
    }

    precondition {
      condition     = module.inputs.backup_bucket == null || (length(var.storage_classes) == 0 && module.inputs.object_lock == null)
      error_message = "storage_classes (${jsonencode(var.storage_classes)}) and object_lock (${jsonencode(module.inputs.object_lock)}) have no effect on the given backup_bucket (${jsonencode(try(module.inputs.backup_bucket.name, null))}): its owner sets them. Remove them; the submodule backup-bucket takes the same."
    }

    precondition {
      condition     = try(module.inputs.backup_bucket.retention, null) == null ? true : var.retention_weeks <= module.inputs.backup_bucket.retention.weeks && var.retention_months <= module.inputs.backup_bucket.retention.months
      error_message = "retention_weeks (${var.retention_weeks}) and retention_months (${var.retention_months}) are more than backup_bucket (${jsonencode(try(module.inputs.backup_bucket.name, null))}) keeps (weeks: ${jsonencode(try(module.inputs.backup_bucket.retention.weeks, null))}, months: ${jsonencode(try(module.inputs.backup_bucket.retention.months, null))}): these backups would be gone before their time. Set both in the module backup-bucket and apply that first, then this."
    }

    precondition {
      condition     = length(local.moves["-monthly"]) == length(var.storage_classes)
      error_message = "storage_classes (${jsonencode(var.storage_classes)}) has days from day ${local.days_kept["-monthly"]} on, when every backup is gone by retention_days (${var.retention_days}), retention_weeks (${var.retention_weeks}) and retention_months (${var.retention_months}). Take fewer days, or keep backups longer."
    }

    precondition {
      condition     = try(module.inputs.object_lock.mode, null) != "COMPLIANCE" || !var.force_destroy
      error_message = "force_destroy = true cannot be kept with object_lock.mode = \"COMPLIANCE\": nobody may delete what is locked, so destroy would take the bucket's policy and settings away and fail at its contents. Remove force_destroy; or set object_lock = null, apply, wait ${try(module.inputs.object_lock.days, 0)} days until the last lock is over, and then apply force_destroy = true."
    }

    precondition {
      condition     = try(module.inputs.object_lock.days, 0) <= var.retention_days
      error_message = "object_lock.days (${jsonencode(try(module.inputs.object_lock.days, null))}) is longer than retention_days (${var.retention_days}): a lock forbids a shorter retention, what expires would be out of sight and paid for. Lower object_lock.days, or keep backups as long."
    }

    # --- the engine and what belongs to it ------------------------------------------------------------------------------

    precondition {
      condition     = !local.on_emr || module.inputs.emr != null
      error_message = "engine = \"emr\" needs emr.jar, the export tool in a bucket of yours, but emr is null. Fetch and upload it as docs/emr.md says, then set emr = { jar = \"s3://example-tools/emr-dynamodb-tools-5.6.0.jar\" }."
    }

    precondition {
      condition     = local.on_emr || module.inputs.emr == null
      error_message = "emr (jar ${jsonencode(try(module.inputs.emr.jar, null))}) has no effect with engine = \"${var.engine}\": ${local.on_lambda ? "the exporter needs no export tool" : "Data Pipeline takes the export tool AWS hosts"}. Remove emr, or set engine = \"emr\"."
    }

    precondition {
      condition     = !local.on_datapipeline || try(module.inputs.backup_bucket.sse_header, null) == null
      error_message = "backup_bucket.sse_header (${jsonencode(try(module.inputs.backup_bucket.sse_header, null))}) cannot be kept with engine = \"datapipeline\": the export tool AWS hosts does not say it, and the bucket would refuse every backup. Take another engine, or a bucket whose default encryption is enough."
    }

    precondition {
      condition     = local.on_datapipeline || var.pipeline_region == null
      error_message = "pipeline_region (${jsonencode(var.pipeline_region)}) has no effect with engine = \"${var.engine}\": everything is in the module's own region. Remove it, or set engine = \"datapipeline\"."
    }

    precondition {
      condition     = local.on_datapipeline || !var.strict_datapipeline_iam
      error_message = "strict_datapipeline_iam = true has no effect with engine = \"${var.engine}\": its roles are bounded anyway. Remove it, or set engine = \"datapipeline\"."
    }

    precondition {
      condition     = local.on_lambda || !var.consistent_reads
      error_message = "consistent_reads = true has no effect with engine = \"${var.engine}\": its export tool reads as it does. Remove it, or set engine = \"lambda\"."
    }

    precondition {
      condition     = !var.consistent_reads || coalesce(module.inputs.planning.bytes_per_read_unit, 1024) <= 4096
      error_message = "planning.bytes_per_read_unit (${jsonencode(module.inputs.planning.bytes_per_read_unit)}) is more than a read unit brings with consistent_reads = true: 4096. Lower it, or leave it null."
    }

    precondition {
      condition     = !local.on_lambda || try(length(var.cluster), 0) == 0
      error_message = "cluster (${jsonencode(var.cluster)}) has no effect with engine = \"lambda\", which has no clusters. Remove it, or take an engine that has."
    }

    precondition {
      condition     = !local.on_emr || module.inputs.cluster.subnet_id == null
      error_message = "cluster.subnet_id (${jsonencode(module.inputs.cluster.subnet_id)}) has no effect with engine = \"emr\", which can try several. Set emr.subnet_ids = [${jsonencode(module.inputs.cluster.subnet_id)}] instead."
    }

    precondition {
      condition     = local.on_lambda || length(local.subnet_ids) > 0 || module.inputs.cluster.subnet_id != null || module.inputs.cluster.master_security_group_id == null
      error_message = "${local.on_emr ? "emr.subnet_ids" : "cluster.subnet_id"} must be set when cluster.master_security_group_id (${jsonencode(module.inputs.cluster.master_security_group_id)}) is: a security group belongs to one VPC. Set the subnet, or leave the groups null."
    }

    precondition {
      condition     = !local.on_datapipeline || can(regex("^emr-5\\.2[0-9]\\.", local.release_label))
      error_message = "cluster.release_label must be one of emr-5.2x with engine = \"datapipeline\", got ${jsonencode(local.release_label)}: the export tool AWS hosts is from 2019 and does not suit later ones. Take \"emr-5.27.1\", or null for it; later releases come with engine = \"emr\"."
    }

    precondition {
      condition     = !local.on_emr || local.connector == "" || local.paired
      error_message = "cluster.release_label ${jsonencode(local.release_label)} and connector ${local.connector} (by the name of emr.jar) are no documented pair. Documented are ${join("; ", [for pair in local.pairs : "${pair.releases} with ${pair.connectors}"])}. Take a jar that goes with the release (docs/emr.md), or a release that goes with the jar."
    }
  }
}

# A warning: it works, for those who have the right
check "destroy_of_locked_backups" {
  assert {
    condition     = try(module.inputs.object_lock.mode, null) != "GOVERNANCE" || !var.force_destroy
    error_message = "force_destroy = true with object_lock.mode = \"GOVERNANCE\": whoever destroys needs s3:BypassGovernanceRetention on the bucket's objects, beside s3:DeleteObjectVersion, or destroy fails after it took the bucket's policy away."
  }
}
