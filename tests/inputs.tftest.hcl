# Wrong inputs are refused at plan. The words of each message, and some hundred inputs more, are in tests/terraform/test_inputs.py:
# Terraform's own tests see only that something is refused.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "defaults_are_accepted" {
  command = plan

  assert {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", output.version))
    error_message = "version is ${jsonencode(output.version)}, not three numbers."
  }

  assert {
    condition     = output.bucket_name == "hippolyte-backups-123456789012-eu-west-1"
    error_message = "The bucket's name is ${jsonencode(output.bucket_name)}."
  }
}

run "everything_is_known_at_plan_with_a_given_bucket" {
  command = plan

  variables {
    backup_bucket = { name = "example-central-backups", region = "us-east-1", prefix = "dynamodb" }
  }

  assert {
    condition     = output.backups_url == "s3://example-central-backups/dynamodb/backups/123456789012/eu-west-1/"
    error_message = "Backups begin at ${output.backups_url}."
  }
}

# --- variables of one value -----------------------------------------------------------------------------------------------

run "a_share_above_all_of_a_tables_capacity_is_refused" {
  command = plan

  variables {
    consumed_percentage = 101
  }

  expect_failures = [var.consumed_percentage]
}

run "an_unknown_engine_is_refused" {
  command = plan

  variables {
    engine = "glue"
  }

  expect_failures = [var.engine]
}

run "a_retention_of_one_day_is_refused" {
  command = plan

  variables {
    retention_days = 1
  }

  expect_failures = [var.retention_days]
}

run "a_storage_class_that_restores_after_hours_is_refused" {
  command = plan

  variables {
    storage_classes = { DEEP_ARCHIVE = 7 }
  }

  expect_failures = [var.storage_classes]
}

# --- what does not go together --------------------------------------------------------------------------------------------

run "a_window_too_short_for_a_night_is_refused" {
  command = plan

  variables {
    backup_window = { start = "00:00", end = "00:10" }
  }

  expect_failures = [terraform_data.input_checks]
}

run "a_time_zone_that_is_none_is_refused" {
  command = plan

  variables {
    backup_window = { start = "00:00", end = "04:00", timezone = "Europe/Berlln" }
  }

  expect_failures = [terraform_data.input_checks]
}

run "emr_without_its_export_tool_is_refused" {
  command = plan

  variables {
    engine = "emr"
  }

  expect_failures = [terraform_data.input_checks]
}

run "settings_of_another_engine_are_refused" {
  command = plan

  variables {
    cluster = { core_instance_count = 2 }
  }

  expect_failures = [terraform_data.input_checks]
}

run "force_destroy_of_a_given_bucket_is_refused" {
  command = plan

  variables {
    backup_bucket = { name = "example-central-backups" }
    force_destroy = true
  }

  expect_failures = [terraform_data.input_checks]
}

run "a_lock_longer_than_the_retention_is_refused" {
  command = plan

  variables {
    object_lock    = { mode = "GOVERNANCE", days = 36 }
    retention_days = 35
  }

  expect_failures = [terraform_data.input_checks]
}

run "a_destroy_of_what_nobody_may_delete_is_refused" {
  command = plan

  variables {
    object_lock   = { mode = "COMPLIANCE", days = 14 }
    force_destroy = true
  }

  expect_failures = [terraform_data.input_checks]
}

run "a_destroy_of_what_few_may_delete_is_warned_of" {
  command = plan

  variables {
    object_lock   = { mode = "GOVERNANCE", days = 14 }
    force_destroy = true
  }

  expect_failures = [check.destroy_of_locked_backups]
}

run "a_bucket_that_does_not_let_this_account_in_is_refused" {
  command = plan

  variables {
    backup_bucket = { name = "example-central-backups", grant = { account_ids = ["222222222222"], names = ["hippolyte"] } }
  }

  expect_failures = [terraform_data.deployment_checks]
}

run "data_pipeline_in_a_region_without_it_needs_another" {
  command = plan

  variables {
    engine = "datapipeline"
  }

  override_data {
    target = data.aws_region.current
    values = { id = "eu-central-1" }
  }

  expect_failures = [terraform_data.deployment_checks]
}

# --- objects: their types are looked at before anything else, by a module whose own check this is --------------------------

run "a_misspelt_attribute_is_refused" {
  command = plan

  module {
    source = "./modules/spelling"
  }

  variables {
    given      = { tables = { excludes = ["scratch-*"] } }
    attributes = { tables = ["include", "exclude", "always"] }
  }

  expect_failures = [output.given]
}
