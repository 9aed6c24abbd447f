"""The exporter's machine, `exporter.asl.json`, before two validators that are not ours.

Each is blind to what the other sees: asl-validator (npm) follows the states, moto's parser knows
the values of fields. Neither is AWS's own, which looks when the module is planned.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local.stepfunctions.definition import problems
from tests.support.exporter import definition
from tests.support.real_dynamodb import need_real_servers
from tools import real_servers

FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:hippolyte-exporter"
READS = """
const validator = require(process.argv[1]);
const found = validator(JSON.parse(require("fs").readFileSync(0, "utf8")));
console.log(JSON.stringify({valid: found.isValid, said: found.errorsText()}));
"""


def of_asl_validator(machine: dict[str, Any]) -> str:
    """Return what asl-validator says against a definition, nothing if it is good."""
    run = subprocess.run(
        ["node", "-e", READS, str(real_servers.ASL_VALIDATOR)],
        input=json.dumps(machine),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout)
    return "" if found["valid"] else found["said"] or "invalid"


def of_moto(machine: dict[str, Any]) -> str:
    """Return what moto's parser says against a definition."""
    try:
        StepFunctionsParserBackend._validate_definition(json.dumps(machine))
    except Exception as error:  # noqa: BLE001 - its errors are of many kinds
        return str(error)
    return ""


@pytest.fixture
def machine() -> dict[str, Any]:
    need_real_servers()
    found: dict[str, Any] = json.loads(definition(FUNCTION))
    return found


def test_nobody_finds_anything_against_it(machine: dict[str, Any]) -> None:
    assert of_asl_validator(machine) == ""
    assert of_moto(machine) == ""
    assert problems(json.dumps(machine)) == []


BROKEN: list[tuple[str, list[Any], Any]] = [
    ("asl", ["States", "Link", "Next"], "Nowhere"),
    ("asl", ["States", "Link", "TimeoutSeconds"], 0),
    ("asl", ["States", "Lost"], {"Type": "Succeed"}),
    ("moto", ["States", "Link", "Retry", 0, "JitterStrategy"], "SOME"),
    ("moto", ["States", "Link", "Resource"], "arn:aws:states:::lambda:invoked"),
]


@pytest.mark.parametrize(("by", "path", "value"), BROKEN)
def test_what_is_wrong_in_it_is_found(
    machine: dict[str, Any], by: str, path: list[Any], value: Any
) -> None:
    """By the one that is able to, and by the local AWS, which Terraform asks in other tests."""
    inner: Any = machine
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert {"asl": of_asl_validator, "moto": of_moto}[by](machine)
    assert problems(json.dumps(machine))
