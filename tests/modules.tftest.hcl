# The submodules' own rules: each refuses at plan what it could not do, and takes what its README shows.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "a_bucket_that_lets_nobody_in_is_refused" {
  command = plan

  module {
    source = "./modules/backup-bucket"
  }

  variables {
    bucket      = "example-central-backups"
    account_ids = ["11111111111"]
  }

  expect_failures = [var.account_ids]
}

run "a_bucket_without_a_bucket_name_is_refused" {
  command = plan

  module {
    source = "./modules/backup-bucket"
  }

  variables {
    bucket      = "Not_A_Bucket"
    account_ids = ["111111111111"]
  }

  expect_failures = [var.bucket]
}

run "a_topic_is_taken_as_its_readme_shows_it" {
  command = plan

  module {
    source = "./modules/backup-topic"
  }

  variables {
    account_ids = ["111111111111", "222222222222"]
    emails      = ["oncall@example.com"]
  }

  assert {
    condition     = [for each in aws_sns_topic_subscription.email : each.endpoint] == ["oncall@example.com"]
    error_message = "Who is named is not subscribed."
  }
}

run "a_topics_address_that_is_none_is_refused" {
  command = plan

  module {
    source = "./modules/backup-topic"
  }

  variables {
    account_ids = ["111111111111"]
    emails      = ["oncall"]
  }

  expect_failures = [var.emails]
}

run "a_topics_account_named_twice_is_refused" {
  command = plan

  module {
    source = "./modules/backup-topic"
  }

  variables {
    account_ids = ["111111111111", "111111111111"]
  }

  expect_failures = [var.account_ids]
}

run "a_fleet_report_is_taken_as_its_readme_shows_it" {
  command = plan

  module {
    source = "./modules/fleet-report"
  }

  variables {
    backup_bucket = { name = "example-central-backups", region = "eu-west-1", prefix = "", kms_key_arn = null }
    topic         = { arn = "arn:aws:sns:eu-west-1:123456789012:hippolyte-central", kms_key_arn = null }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.missing.alarm_actions) == 1
    error_message = "The fleet's alarm tells nobody."
  }
}

run "a_fleet_reports_topic_of_another_region_is_refused" {
  command = plan

  module {
    source = "./modules/fleet-report"
  }

  variables {
    backup_bucket = { name = "example-central-backups", region = "eu-west-1", prefix = "", kms_key_arn = null }
    topic         = { arn = "arn:aws:sns:us-east-1:123456789012:hippolyte-central", kms_key_arn = null }
  }

  expect_failures = [aws_scheduler_schedule.this]
}

run "a_fleet_reports_account_that_is_none_is_refused" {
  command = plan

  module {
    source = "./modules/fleet-report"
  }

  variables {
    backup_bucket = { name = "example-central-backups", region = "eu-west-1", prefix = "", kms_key_arn = null }
    topic         = { arn = "arn:aws:sns:eu-west-1:123456789012:hippolyte-central", kms_key_arn = null }
    expected      = ["shop"]
  }

  expect_failures = [var.expected]
}

run "an_operator_whom_nobody_may_become_is_refused" {
  command = plan

  module {
    source = "./modules/operator-role"
  }

  variables {
    backup_bucket = { name = "example-central-backups", region = "eu-west-1", prefix = "", kms_key_arn = null }
    trusted_arns  = []
  }

  expect_failures = [var.trusted_arns]
}

run "an_operators_session_of_a_minute_is_refused" {
  command = plan

  module {
    source = "./modules/operator-role"
  }

  variables {
    backup_bucket       = { name = "example-central-backups", region = "eu-west-1", prefix = "", kms_key_arn = null }
    trusted_arns        = ["arn:aws:iam::111111111111:role/people"]
    max_session_seconds = 60
  }

  expect_failures = [var.max_session_seconds]
}
