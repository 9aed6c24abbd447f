# Attributes of objects are refused by modules/inputs, beside their types. A test sees the checks of the module that it runs,
# not those of the modules this one calls: hence that module by itself, with the root's defaults.

variables {
  backup_bucket = null
  backup_window = { start = "00:00", end = "04:00" }
  central_topic = null
  cluster       = {}
  emr           = null
  exporter      = {}
  lambda        = {}
  native_export = {}
  object_lock   = null
  planning      = {}
  prices        = {}
  restore_drill = null
  tables        = {}
  vpc           = null
}

run "defaults_are_accepted" {
  command = plan

  module {
    source = "./modules/inputs"
  }

  assert {
    condition     = output.tables.include == tolist(["*"])
    error_message = "By default these tables are backed up: ${jsonencode(output.tables.include)}."
  }
}

run "a_bucket_name_that_is_none_is_refused" {
  command = plan

  module {
    source = "./modules/inputs"
  }

  variables {
    backup_bucket = { name = "Not_A_Bucket" }
  }

  expect_failures = [var.backup_bucket]
}

run "a_malformed_time_is_refused" {
  command = plan

  module {
    source = "./modules/inputs"
  }

  variables {
    backup_window = { start = "24:00", end = "04:00" }
  }

  expect_failures = [var.backup_window]
}

run "a_lock_of_an_unknown_mode_is_refused" {
  command = plan

  module {
    source = "./modules/inputs"
  }

  variables {
    object_lock = { mode = "FOREVER", days = 30 }
  }

  expect_failures = [var.object_lock]
}

run "a_choice_of_no_table_is_refused" {
  command = plan

  module {
    source = "./modules/inputs"
  }

  variables {
    tables = { include = [], exclude = [] }
  }

  expect_failures = [var.tables]
}
