"""Settings larger than a function's environment: applied, read back, changed at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from moto.ssm.models import ssm_backends

from hippolyte.settings import parse
from local.core.call import Call
from local.world import World
from tests.support.kept import text_of
from tools.tf import REPOSITORY, Terraform, environment

pytestmark = pytest.mark.terraform

RULES = {"部門": [f"開発第{n:03}課の検証用テーブル バックアップ不要" for n in range(75)]}
ROOT = """
variable "rules" {{ type = any }}
variable "tags" {{ type = map(string) }}

resource "terraform_data" "later" {{
  input = "known when it is applied"
}}

module "m" {{
  source = "{module}"
  engine = "datapipeline"
  tables = {{ exclude_tags = var.rules }}
  tags   = merge(var.tags, {{ later = terraform_data.later.output }})
}}
"""
PARTS = 10
FUNCTIONS = ["module.m.aws_lambda_function.this", "module.m.aws_ssm_parameter.settings"]


def configurations(world: World) -> list[dict[str, Any]]:
    functions = world.client("lambda")
    return [
        functions.get_function_configuration(FunctionName=f"hippolyte-{name}")
        for name in ("scheduler", "monitor")
    ]


def kept(world: World) -> list[str]:
    pages = world.client("ssm").get_paginator("get_parameters_by_path")
    found = pages.paginate(Path="/hippolyte-settings", Recursive=True)
    return [p["Name"] for page in found for p in page["Parameters"]]


def test_any_length_in_any_script_is_applied_read_and_changed_at_once(
    world: World, tmp_path: Path
) -> None:
    ssm = world.client("ssm")
    (tmp_path / "main.tf").write_text(ROOT.format(module=REPOSITORY), "utf-8")
    terraform = Terraform(tmp_path, tmp_path / "work", environment(world.endpoint_url))
    terraform.init()
    first = {"rules": RULES, "tags": {"チーム": "基盤"}}
    terraform.apply(first, FUNCTIONS)

    before = configurations(world)
    for configuration in before:
        settings = parse(text_of(configuration, ssm))
        assert settings.tables.exclude_tags == (("部門", tuple(RULES["部門"])),)
        assert dict(settings.tags) == {"チーム": "基盤", "later": "known when it is applied"}
    measured = json.dumps({"HIPPOLYTE_SETTINGS": text_of(before[0], ssm)}, ensure_ascii=False)
    assert len(measured.encode()) > 5115, "an environment would refuse it"
    old = kept(world)
    assert len(old) == PARTS

    # a change: at each step of it both functions find whole settings
    seen: list[str] = []

    def look(call: Call) -> None:
        names = kept_now(world)
        for path in led_to(world):
            parts = [name for name in names if name.startswith(f"{path}/")]
            assert len(parts) == PARTS, call.name
        seen.append(call.operation)

    for operation in ("ssm:PutParameter", "ssm:DeleteParameter*", "lambda:UpdateFunction*"):
        world.before(operation, look)
    terraform.apply({"rules": {"backup": ["no"]}, "tags": {}}, FUNCTIONS)

    assert [o for o in dict.fromkeys(seen) if "Code" not in o] == [
        "PutParameter",
        "UpdateFunctionConfiguration",
        "DeleteParameter",
    ]
    for configuration in configurations(world):
        assert parse(text_of(configuration, ssm)).tables.exclude_tags == (("backup", ("no",)),)
    assert not set(kept(world)) & set(old)
    assert len(kept(world)) == PARTS


def kept_now(world: World) -> list[str]:
    """The same without a request, as a request is being answered."""
    names = ssm_backends[world.account][world.region]._parameters.keys()
    return [name for name in names if name.startswith("/hippolyte-settings/")]


def led_to(world: World) -> list[str]:
    """What each function's variable holds now."""
    return [
        str(world.functions.find(f"hippolyte-{name}").environment_vars["HIPPOLYTE_SETTINGS"])
        for name in ("scheduler", "monitor")
    ]
