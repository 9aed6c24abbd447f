"""What machines are made of: definitions that are refused, beside moto's validator; choices."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local.stepfunctions.choices import holds
from local.stepfunctions.definition import problems
from local.stepfunctions.paths import NoPath
from tests.support.exporter import definition as exporters
from tests.support.machines import FUNCTION, machine, task

OVER = {"Type": "Succeed"}
GOOD: dict[str, dict[str, Any]] = {
    "exporter": json.loads(exporters(FUNCTION)),
    "jitter": machine(
        (
            "A",
            task(
                Retry=[
                    {
                        "ErrorEquals": ["Lambda.TooManyRequestsException"],
                        "IntervalSeconds": 5,
                        "BackoffRate": 1.5,
                        "MaxDelaySeconds": 60,
                        "MaxAttempts": 99999999,
                        "JitterStrategy": "FULL",
                    },
                    {"ErrorEquals": ["States.ALL"], "MaxAttempts": 0},
                ]
            ),
        ),
        Comment="c",
        Version="1.0",
        QueryLanguage="JSONPath",
        TimeoutSeconds=5,
    ),
    "caught": machine(
        ("A", task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B", "ResultPath": None}])),
        ("B", {"Type": "Fail", "Error": "E", "Cause": "C"}),
    ),
    "timeout": machine(("A", task(TimeoutSecondsPath="$.a-b.c_1", ResultPath="$.a"))),
    "waits": machine(
        ("A", {"Type": "Wait", "TimestampPath": "$.t", "Next": "B"}),
        ("B", {"Type": "Wait", "Timestamp": "2026-11-24T00:00:00Z", "Next": "C"}),
        ("C", {"Type": "Wait", "SecondsPath": "$.s", "Next": "D"}),
        ("D", {"Type": "Wait", "Seconds": 1, "End": True}),
    ),
    "choice": machine(
        (
            "A",
            {
                "Type": "Choice",
                "Choices": [
                    {
                        "And": [
                            {"Variable": "$.a", "IsPresent": True},
                            {"Or": [{"Variable": "$.a", "NumericLessThanEquals": 1.5}]},
                            {"Not": {"Variable": "$.b", "StringEqualsPath": "$.a"}},
                        ],
                        "Next": "B",
                    },
                    {"Variable": "$.a", "BooleanEquals": False, "Next": "B"},
                ],
            },
        ),
        ("B", OVER),
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_definitions(name: str) -> None:
    text = json.dumps(GOOD[name])
    assert problems(text) == []
    StepFunctionsParserBackend._validate_definition(text)


def changed(name: str, *path: str | int, to: Any) -> dict[str, Any]:
    """Return a good definition with one value changed, `None`: left out."""
    definition = deepcopy(GOOD[name])
    inner: Any = definition
    for key in path[:-1]:
        inner = inner[key]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return definition


def one_choice(**rule: Any) -> dict[str, Any]:
    return changed("choice", "States", "A", "Choices", 1, to={**rule, "Next": "B"})


RETRY = ("States", "A", "Retry")
# what moto refuses too
BOTH: list[tuple[dict[str, Any], str]] = [
    (changed("jitter", "StartAt", to=None), "StartAt"),
    (changed("jitter", "States", to=None), "States"),
    (changed("jitter", *RETRY, 0, "JitterStrategy", to="SOME"), "JitterStrategy"),
    (changed("jitter", *RETRY, 0, "BackoffRate", to=0.5), "BackoffRate"),
    (changed("jitter", *RETRY, 0, "MaxAttempts", to=-1), "MaxAttempts"),
    (changed("jitter", *RETRY, 0, "IntervalSeconds", to=0), "IntervalSeconds"),
    (changed("jitter", "States", "A", "Type", to="Taks"), "no state of type"),
    (changed("jitter", "States", "A", "Type", to=None), "no state of type"),
    (changed("jitter", "States", "A", "Resource", to="arn:aws:states:::none:none"), "no task"),
    (one_choice(Variable="$.a", NumericLike=1), "no comparison"),
]
# what only ours refuses, as AWS does
OURS: list[tuple[dict[str, Any], str]] = [
    (changed("jitter", "StartAt", to="B"), "no state"),
    (changed("caught", "States", "A", "Catch", 0, "Next", to="C"), "no state"),
    (changed("waits", "States", "A", "Next", to="Z"), "no state"),
    (changed("choice", "States", "A", "Choices", 1, "Next", to="Z"), "no state"),
    (changed("choice", "States", "A", "Default", to="Z"), "no state"),
    (changed("jitter", "States", "A", "End", to=None), "Next or End"),
    (changed("caught", "States", "A", "Next", to="B"), "Next or End"),
    (changed("caught", "States", "C", to=OVER), "no state leads to it"),
    (changed("jitter", "TimeoutSeconds", to=0), "TimeoutSeconds"),
    (changed("jitter", "States", "A", "TimeoutSeconds", to=0), "TimeoutSeconds"),
    (changed("jitter", "TimeoutSecondsPath", to="$.a"), "TimeoutSecondsPath"),
    (changed("timeout", "States", "A", "TimeoutSeconds", to=5), "two timeouts"),
    (changed("jitter", *RETRY, 1, "ErrorEquals", to=["States.ALL", "E"]), "stands alone"),
    (changed("jitter", *RETRY, 0, "ErrorEquals", to=["States.ALL"]), "stands alone"),
    (changed("jitter", *RETRY, 0, "MaxDelaySeconds", to=5), "more than IntervalSeconds"),
    (changed("jitter", *RETRY, 0, "MaxDelaySeconds", to=31_622_401), "MaxDelaySeconds"),
    (changed("jitter", "States", "A", "Retires", to=[]), "Retires"),
    (changed("choice", "States", "A", "Choices", to=[]), "no Choices"),
    (changed("choice", "States", "A", "Choices", 1, "Next", to=None), "no Next"),
    (one_choice(Variable="$.a", BooleanEquals="true"), "compares with no"),
    (one_choice(Variable="$.a", NumericEquals="1"), "compares with no"),
    (one_choice(Variable="$.a", TimestampEquals="2026-11-24"), "compares with no"),
    (one_choice(Variable="$.a", IsPresent="yes"), "true or false"),
    (one_choice(Variable="$.a", IsPresent=True, IsNull=True), "one comparison"),
    (one_choice(IsPresent=True), "no Variable"),
]
# what AWS runs and the local AWS does not
NOT_HERE: list[tuple[dict[str, Any], str]] = [
    (changed("jitter", "States", "A", "Type", to="Map"), "no state of type 'Map'"),
    (changed("jitter", "States", "A", "Type", to="Parallel"), "no state of type 'Parallel'"),
    (changed("jitter", "QueryLanguage", to="JSONata"), "JSONPath alone"),
    (changed("jitter", "States", "A", "InputPath", to="$.a"), "InputPath"),
    (changed("jitter", "States", "A", "HeartbeatSeconds", to=5), "HeartbeatSeconds"),
    (changed("jitter", "States", "A", "Resource", to=FUNCTION), "no task"),
    (
        changed("jitter", "States", "A", "Resource", to="arn:aws:states:::sqs:sendMessage"),
        "no task",
    ),
    (changed("jitter", "States", "A", "Parameters", "InvocationType", to="Event"), "Invocation"),
    (changed("jitter", "States", "A", "Parameters", "Payload.$", to="$.a[0]"), "follows no path"),
    (
        changed("jitter", "States", "A", "Parameters", "Payload.$", to="States.UUID()"),
        "follows no path",
    ),
    (changed("timeout", "States", "A", "ResultPath", to="$.a[0]"), "puts no result"),
    (one_choice(Variable="$.a", StringMatches="a*"), "no comparison"),
    (one_choice(Variable="$.a[0]", IsPresent=True), "no Variable"),
]


@pytest.mark.parametrize(("definition", "words"), [*BOTH, *OURS, *NOT_HERE])
def test_definitions_that_are_refused(definition: dict[str, Any], words: str) -> None:
    found = problems(json.dumps(definition))
    assert any(words in each for each in found), found


@pytest.mark.parametrize("definition", [each for each, _ in BOTH])
def test_moto_refuses_them_as_well(definition: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"ASLParserException|Error="):
        StepFunctionsParserBackend._validate_definition(json.dumps(definition))


@pytest.mark.parametrize("text", ["", "[]", "{}", '"a"', '{"StartAt":"A","States":[]}', "{,}"])
def test_what_is_no_definition(text: str) -> None:
    assert problems(text)


@pytest.mark.parametrize("state", [None, [], "Succeed", 1, {}])
def test_what_is_no_state(state: Any) -> None:
    assert problems(json.dumps({"StartAt": "A", "States": {"A": state}}))


def test_the_modules_definition_wants_to_be_filled_in() -> None:
    assert problems(Path("exporter.asl.json").read_text(encoding="utf-8"))


# --- choices

CONTEXT = {"State": {"EnteredTime": "2026-11-24T00:00:00.500Z"}}
DATA = {
    "yes": True,
    "one": 1,
    "text": "b",
    "none": None,
    "time": "2026-11-24T01:00:00+01:00",
    "later": "2026-11-24T00:00:01Z",
    "day": "2026-11-24",
}
AFTER = {"Variable": "$$.State.EnteredTime", "TimestampGreaterThanPath": "$.time"}
MISSING = {"Variable": "$.no", "IsNull": True}
BEFORE = {"Variable": "$$.State.EnteredTime", "TimestampLessThanPath": "$.later"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"Variable": "$.yes", "BooleanEquals": True}, True),
        ({"Variable": "$.yes", "BooleanEquals": False}, False),
        ({"Variable": "$.one", "BooleanEquals": True}, False),
        ({"Variable": "$.none", "BooleanEquals": False}, False),
        ({"Variable": "$.one", "NumericEquals": 1.0}, True),
        ({"Variable": "$.yes", "NumericEquals": 1}, False),
        ({"Variable": "$.one", "NumericGreaterThan": 1}, False),
        ({"Variable": "$.one", "NumericGreaterThanEquals": 1}, True),
        ({"Variable": "$.text", "StringEquals": "b"}, True),
        ({"Variable": "$.text", "StringLessThan": "c"}, True),
        ({"Variable": "$.text", "StringLessThanEquals": "a"}, False),
        ({"Variable": "$.text", "StringEqualsPath": "$.text"}, True),
        ({"Variable": "$.text", "NumericLessThan": 5}, False),
        ({"Variable": "$.time", "TimestampEquals": "2026-11-24T00:00:00Z"}, True),
        (AFTER, True),
        (BEFORE, True),
        ({**BEFORE, "TimestampLessThanPath": "$.time"}, False),
        ({**BEFORE, "TimestampLessThanPath": "$.day"}, False),
        ({**BEFORE, "TimestampLessThanPath": "$.one"}, False),
        ({"Variable": "$.none", "IsPresent": True}, True),
        ({"Variable": "$.nowhere", "IsPresent": True}, False),
        ({"Variable": "$.nowhere.at.all", "IsPresent": False}, True),
        ({"Variable": "$.none", "IsNull": True}, True),
        ({"Variable": "$.one", "IsNumeric": True}, True),
        ({"Variable": "$.yes", "IsNumeric": True}, False),
        ({"Variable": "$.time", "IsTimestamp": True}, True),
        ({"Variable": "$.day", "IsTimestamp": True}, False),
        ({"Not": AFTER}, False),
        ({"And": [AFTER, BEFORE]}, True),
        ({"And": [AFTER, {"Not": BEFORE}]}, False),
        ({"Or": [{"Not": AFTER}, BEFORE]}, True),
        ({"Or": [{"Not": AFTER}, {"Not": BEFORE}]}, False),
        # what is not there is not looked at once the rule is decided
        (
            {
                "And": [
                    {"Variable": "$.no", "IsPresent": True},
                    {"Variable": "$.no", "IsNull": True},
                ]
            },
            False,
        ),
    ],
)
def test_rules(rule: dict[str, Any], expected: bool) -> None:
    assert holds(rule, DATA, CONTEXT) is expected


@pytest.mark.parametrize("rule", [MISSING, {"Not": MISSING}, {"And": [AFTER, MISSING]}])
def test_a_rule_about_what_is_not_there_has_no_answer(rule: dict[str, Any]) -> None:
    with pytest.raises(NoPath):
        holds(rule, DATA, CONTEXT)
