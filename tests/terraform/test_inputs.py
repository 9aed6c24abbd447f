"""Wrong inputs are refused at plan, with a message that names variable, value and remedy.

`variables*.tf`, `inputs.tf` with its modules, and `checks.tf` refer to variables only. Copied alone
into a folder, Terraform plans them without starting a provider: a tenth of a second a case, and the
diagnostic holds the words.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.inputs import ACCEPTED, BUCKET, ENGINE, JAR, REFUSED, TOPIC, Bad
from tools.gen_docs import variables
from tools.tf import REPOSITORY, environment, find_terraform, process_environment

pytestmark = pytest.mark.terraform

ALONE = ("inputs.tf", "checks.tf")

Plan = Callable[[dict[str, Any]], list[str]]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    """Return a function that plans with the given inputs and returns the errors' texts."""
    root = tmp_path_factory.mktemp("inputs")
    for path in (*REPOSITORY.glob("variables*.tf"), *(REPOSITORY / n for n in ALONE)):
        shutil.copy(path, root)
    for folder in ("files", "modules/inputs", "modules/spelling"):
        shutil.copytree(REPOSITORY / folder, root / folder)
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


def _objects() -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield each object of each variable: variable, the way to the object, an attribute of it.

    Read from the types: a new variable is here without being added.
    """
    for variable in variables(REPOSITORY):
        if "object(" in variable.type:
            flat = re.sub(r"object\(\{ .*? \}\)", "", variable.type)
            names = re.findall(r"(\w+) += ", flat)
            yield from ((variable.name, (), name) for name in names)
            for outer, inner in re.findall(r"(\w+) += .*?object\(\{ (.*?) \}\)", variable.type):
                for name in re.findall(r"(\w+) = ", inner):
                    yield variable.name, (outer,), name


OBJECTS = list(_objects())
GOOD: dict[str, dict[str, Any]] = {
    "backup_bucket": {"name": BUCKET},
    "central_topic": {"arn": TOPIC},
    "emr": {"jar": JAR},
    "object_lock": {"mode": "GOVERNANCE", "days": 1},
}
"""What an object needs besides, so that the misspelt attribute is the one mistake."""


def misspellings(name: str) -> list[str]:
    """Return a name with a letter too many, one too few, and two that changed places."""
    middle = len(name) // 2
    swapped = f"{name[: middle - 1]}{name[middle]}{name[middle - 1]}{name[middle + 1 :]}"
    return [f"{name}s", name[:-1], *([swapped] if len(name) > 4 and swapped != name else [])]


def test_every_object_variable_is_among_those_misspelt() -> None:
    declared = {label for label, attribute in _attributes() if attribute}

    assert {variable for variable, _, _ in OBJECTS} == declared
    assert len(declared) >= 8
    assert ("backup_bucket", ("grant",), "names") in OBJECTS
    assert ("tables", (), "exclude") in OBJECTS


@pytest.mark.parametrize(
    ("variable", "way", "name"), OBJECTS, ids=[".".join((v, *w, n)) for v, w, n in OBJECTS]
)
def test_a_misspelt_attribute_is_refused_with_the_nearest_right_name(
    plan: Plan, variable: str, way: tuple[str, ...], name: str
) -> None:
    """All three misspellings in one plan: each has its sentence."""
    wrong = dict.fromkeys(misspellings(name))
    value: dict[str, Any] = {**GOOD.get(variable, {}), **({way[0]: wrong} if way else wrong)}
    inputs = {variable: value, **({"engine": "emr"} if variable == "emr" else {})}

    (error,) = plan(ENGINE | inputs)

    place = ".".join((variable, *way))
    for misspelt in wrong:
        sentence = f'{place} has no attribute "{misspelt}": did you mean "{name}"? It takes '
        assert sentence in error
    others = [n for v, w, n in OBJECTS if (v, w) == (variable, way)]
    assert f"It takes {', '.join(sorted(others))}." in error


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        (
            {"tables": {"excludes": ["a"]}},
            'tables has no attribute "excludes": did you mean "exclude"',
        ),
        ({"tables": {"excludeTags": {}}}, '"excludeTags": did you mean "exclude_tags"'),
        ({"tables": {"exlcude": []}}, '"exlcude": did you mean "exclude"'),
        ({"backup_window": {"time_zone": "UTC"}}, '"time_zone": did you mean "timezone"'),
        (
            {"engine": "emr", "emr": {"jars": JAR}},
            'emr has no attribute "jars": did you mean "jar"',
        ),
        ({"lambda": {"zzz": 1}}, 'lambda has no attribute "zzz". It takes log_retention_days, '),
        ({"cluster": {"": 1}}, 'cluster has no attribute "". It takes core_instance_count, '),
        ({"planning": {"retries": 1, "attempts": 2}}, 'planning has no attribute "retries"'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_people_may_write(plan: Plan, inputs: dict[str, Any], sentence: str) -> None:
    (error,) = plan(ENGINE | inputs)

    assert sentence in error


@pytest.mark.parametrize("variable", sorted({variable for variable, _, _ in OBJECTS}))
@pytest.mark.parametrize("value", ["text", 3, True, ["a"]], ids=["text", "number", "bool", "list"])
def test_what_is_no_object_is_refused(plan: Plan, variable: str, value: Any) -> None:
    errors = plan(ENGINE | {variable: value})

    assert len(errors) == 1
    assert variable in errors[0]
    assert "object required" in errors[0]


def test_nothing_need_be_given(plan: Plan) -> None:
    assert plan({}) == []


def _attributes() -> Iterator[tuple[str, str]]:
    for variable in variables(REPOSITORY):
        if "object(" not in variable.type:
            yield variable.name, ""
            continue
        for name in re.findall(r"(\w+) += ", variable.type):
            yield variable.name, name


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
