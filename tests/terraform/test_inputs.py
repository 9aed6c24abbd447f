"""Wrong inputs are refused at plan, with a message that names variable, value and remedy.

`variables*.tf` and `checks.tf` refer to variables only. Copied alone into a folder, Terraform plans
them without starting a provider: a tenth of a second a case, and the diagnostic holds the words.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import hcl2
import pytest

from tests.support.inputs import ACCEPTED, ENGINE, REFUSED, Bad
from tools.gen_docs import unquote
from tools.tf import REPOSITORY, environment, find_terraform, process_environment

pytestmark = pytest.mark.terraform

Plan = Callable[[dict[str, Any]], list[str]]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    """Return a function that plans with the given inputs and returns the errors' texts."""
    root = tmp_path_factory.mktemp("inputs")
    for path in (*REPOSITORY.glob("variables*.tf"), REPOSITORY / "checks.tf"):
        shutil.copy(path, root)
    shutil.copy(REPOSITORY / "zones.txt", root)
    env = process_environment(environment())
    program = find_terraform()
    subprocess.run([program, "init"], cwd=root, env=env, check=True, capture_output=True)
    inputs_file = root / "inputs.tfvars.json"

    def run(inputs: dict[str, Any]) -> list[str]:
        inputs_file.write_text(json.dumps(inputs), encoding="utf-8")
        result = subprocess.run(
            [program, "plan", "-json", "-lock=false", "-refresh=false", f"-var-file={inputs_file}"],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
        )
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        diagnostics = [line["diagnostic"] for line in lines if line["type"] == "diagnostic"]
        errors = [d for d in diagnostics if d["severity"] == "error"]
        assert bool(errors) == (result.returncode != 0), result.stdout
        return [f"{error['summary']}: {error['detail']}" for error in errors]

    yield run


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(plan: Plan, case: Bad) -> None:
    errors = plan(ENGINE | case.inputs)

    assert errors, f"{case.inputs} was accepted"
    fitting = [error for error in errors if all(word in error for word in case.words)]
    assert fitting, f"no message has {case.words}: {errors}"
    assert len(errors) == 1, f"one mistake, several messages: {errors}"


@pytest.mark.parametrize("inputs", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(plan: Plan, inputs: dict[str, Any]) -> None:
    assert plan(ENGINE | inputs) == []


def test_the_engine_has_no_default(plan: Plan) -> None:
    (error,) = plan({})

    assert 'variable "engine" is not set, and has no default value' in error


def _attributes() -> Iterator[tuple[str, str]]:
    for path in REPOSITORY.glob("variables*.tf"):
        for block in hcl2.loads(path.read_text(encoding="utf-8"))["variable"]:
            for label, body in block.items():
                kind = body["type"]
                if "object(" not in kind:
                    yield unquote(label), ""
                    continue
                yield from ((unquote(label), name) for name in re.findall(r"(\w+) = ", kind))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _names(inner)


def _given(case: Bad) -> Iterator[tuple[str, str]]:
    for variable, value in case.inputs.items():
        yield from ((variable, name) for name in _names(value))
        yield variable, ""


def test_every_variable_and_attribute_has_a_refused_value() -> None:
    known = set(_attributes())
    given = {pair for case in REFUSED.values() for pair in _given(case)}

    assert ("backup_window", "timezone") in known
    assert len(known) > 40
    assert known - given == set()
