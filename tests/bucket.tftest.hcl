# The submodule backup-bucket refuses what the module refuses of a bucket of its own.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  bucket      = "example-central-backups"
  account_ids = ["111111111111"]
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
}

run "a_class_is_taken_when_only_months_are_left" {
  command = plan

  module {
    source = "./modules/backup-bucket"
  }

  variables {
    retention_months = 13
    storage_classes  = { GLACIER_IR = 35 }
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id if length(rule.transition) > 0] == ["move-backups-monthly"]
    error_message = "what is gone by then moves nowhere"
  }
}

run "a_class_from_a_day_when_all_is_gone_is_refused" {
  command = plan

  module {
    source = "./modules/backup-bucket"
  }

  variables {
    retention_weeks = 12
    storage_classes = { GLACIER_IR = 84 }
  }

  expect_failures = [aws_s3_bucket.this]
}

run "a_class_left_too_early_is_refused" {
  command = plan

  module {
    source = "./modules/backup-bucket"
  }

  variables {
    retention_days  = 90
    storage_classes = { STANDARD_IA = 30, GLACIER_IR = 59 }
  }

  expect_failures = [var.storage_classes]
}

run "a_destroy_of_what_nobody_may_delete_is_refused" {
  command = plan

  module {
    source = "./modules/backup-bucket"
  }

  variables {
    object_lock   = { mode = "COMPLIANCE", days = 14 }
    force_destroy = true
  }

  expect_failures = [aws_s3_bucket.this]
}

run "a_destroy_of_what_few_may_delete_is_warned_of" {
  command = plan

  module {
    source = "./modules/backup-bucket"
  }

  variables {
    object_lock   = { mode = "GOVERNANCE", days = 14 }
    force_destroy = true
  }

  expect_failures = [check.destroy_of_locked_backups]
}
