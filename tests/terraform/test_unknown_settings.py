"""Settings that the plan does not know: rules over tables take names of other resources."""

from __future__ import annotations

from pathlib import Path

import pytest

from hippolyte.settings import parse
from local.world import World
from tests.support.kept import text_of
from tools.tf import REPOSITORY, Terraform, TerraformError, environment

pytestmark = pytest.mark.terraform

FUNCTIONS = ["module.m.aws_lambda_function.this", "module.m.aws_ssm_parameter.settings"]
UNKNOWN = """
variable "name" {{ type = string }}
variable "again" {{ type = string }}

resource "terraform_data" "later" {{
  input            = {{ name = var.name, names = ["${{var.name}}-copy", "${{var.name}}-log"] }}
  triggers_replace = var.again
}}

module "m" {{
  source = "{module}"
  engine = "datapipeline"
  tables = {{
    always  = terraform_data.later.output.names
    exclude = ["tmp-*", terraform_data.later.output.name]
  }}
}}
"""


def test_tables_whose_names_are_not_known_at_plan(world: World, tmp_path: Path) -> None:
    """From another resource: the plan does not know what is in the settings, nor their path."""
    (tmp_path / "main.tf").write_text(UNKNOWN.format(module=REPOSITORY), "utf-8")
    terraform = Terraform(tmp_path, tmp_path / "work", environment(world.endpoint_url))
    terraform.init()

    functions, ssm = world.client("lambda"), world.client("ssm")

    def assert_led_to(name: str) -> None:
        for function in ("hippolyte-scheduler", "hippolyte-monitor"):
            configuration = functions.get_function_configuration(FunctionName=function)
            rules = parse(text_of(configuration, ssm)).tables
            assert rules.exclude == ("tmp-*", name)
            assert rules.always == (f"{name}-copy", f"{name}-log")
        pages = ssm.get_paginator("get_parameters_by_path").paginate(
            Path="/hippolyte-settings", Recursive=True
        )
        assert sum(len(page["Parameters"]) for page in pages) == 10, "no other set is left"

    for name in ("orders", "users"):
        terraform.apply({"name": name, "again": "1"}, FUNCTIONS)
        assert_led_to(name)
    # unknown once more, and then the same: refused, with nothing lost, and it stays as it was
    with pytest.raises(TerraformError, match="ParameterAlreadyExists"):
        terraform.apply({"name": "users", "again": "2"}, FUNCTIONS)
    assert_led_to("users")
    terraform.apply({"name": "users", "again": "2"}, FUNCTIONS)
    assert_led_to("users")
