# Where the settings are: not in the functions' environment, which holds 4 KB as escaped JSON, but in SSM parameters beside
# it, as many as it takes. Their path ends with a hash of what is in them: a change makes another set, then leads the
# functions there, then takes the old set away.

locals {
  settings_parent = "/hippolyte-settings/${var.name}" # not below /hippolyte, where claims.tf reads everything
  settings_text   = base64gzip(jsonencode(local.settings))
  settings_path   = "${local.settings_parent}/${substr(sha256(local.settings_text), 0, 16)}"

  # A standard parameter holds 4,096. How many there are must be known at plan, when what is in them may not be: always as
  # many as one call of GetParametersByPath reads.
  settings_part  = 4000
  settings_parts = 10
  settings_room  = local.settings_parts * local.settings_part

  settings_size = {
    for what, given in { all = local.settings, tables = module.inputs.tables, tags = local.settings.tags } :
    what => length(base64gzip(jsonencode(given)))
  }
}

resource "aws_ssm_parameter" "settings" {
  #checkov:skip=CKV2_AWS_34:the settings are no secrets, and are read by who looks into a deployment
  count = local.settings_parts

  name        = "${local.settings_path}/${count.index}"
  description = "Settings of the Hippolyte deployment ${var.name}, part ${count.index + 1} of ${local.settings_parts}: Base64 of gzip of JSON"
  type        = "String"
  tier        = "Standard"
  # a value must not be empty; the filler is no Base64
  value = coalesce(substr(local.settings_text, count.index * local.settings_part, local.settings_part), "-")

  tags = local.tags

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = local.settings_size.all <= local.settings_room
      error_message = "the settings take too much room: ${local.settings_size.all} of ${local.settings_room} characters as packed JSON, ${local.settings_size.tables} of them for tables, ${local.settings_size.tags} for tags. Take one glob for several names in tables, or shorten the tags' values."
    }
  }
}
