"""The same short scripts by moto's interpreter, which is not ours: the same end, output and error.

Without tasks, which it would run in real time, and where it errs: times in choices, and a rule
about what is not there (which fails an execution on AWS, and takes the Default there).
"""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support.machines import machine, made

ROLE = "arn:aws:iam::123456789012:role/r"
OVER = {"Type": "Succeed"}
PASS = {"Type": "Pass", "End": True}


def choice(*rules: dict[str, Any]) -> dict[str, Any]:
    choices = [{**rule, "Next": f"Way{n}"} for n, rule in enumerate(rules)]
    ways = [(f"Way{n}", {**PASS, "Result": n}) for n in range(len(rules))]
    return machine(
        ("Choose", {"Type": "Choice", "Choices": choices, "Default": "Else"}),
        *ways,
        ("Else", {"Type": "Fail", "Error": "Else", "Cause": "none"}),
    )


GIVEN = {"a": {"b": [1, {"c": None}]}, "n": 3, "t": "text", "yes": True}
SCRIPTS: dict[str, dict[str, Any]] = {
    "as it is": machine(("A", OVER)),
    "a result": machine(("A", {**PASS, "Result": {"x": 1}})),
    "put in": machine(("A", {**PASS, "Result": {"x": 1}, "ResultPath": "$.a.new"})),
    "put deep": machine(("A", {**PASS, "Result": 1, "ResultPath": "$.o.p.q"})),
    "thrown away": machine(("A", {**PASS, "Result": 1, "ResultPath": None})),
    "filled in": machine(
        (
            "A",
            {
                **PASS,
                "Parameters": {
                    "all.$": "$",
                    "b.$": "$.a.b",
                    "plain": "$.a",
                    "in": {"n.$": "$.n", "name.$": "$$.Execution.Name", "s.$": "$$.State.Name"},
                },
            },
        )
    ),
    "nothing there": machine(("A", {**PASS, "Parameters": {"x.$": "$.none"}})),
    "after each other": machine(
        ("A", {"Type": "Pass", "Result": 1, "ResultPath": "$.one", "Next": "B"}),
        ("B", {**PASS, "Parameters": {"one.$": "$.one"}, "ResultPath": "$.two"}),
    ),
    "no time": machine(("A", {"Type": "Wait", "Seconds": 0, "End": True})),
    "failed": machine(("A", {"Type": "Fail", "Error": "E", "Cause": "C"})),
    "true": choice(
        {"Variable": "$.yes", "BooleanEquals": False}, {"Variable": "$.yes", "BooleanEquals": True}
    ),
    "of another kind": choice({"Variable": "$.t", "NumericGreaterThan": 0}),
    "compared": choice(
        {"Variable": "$.n", "NumericLessThan": 3}, {"Variable": "$.n", "NumericLessThanEquals": 3}
    ),
    "by path": choice({"Variable": "$.t", "StringEqualsPath": "$.t"}),
    "present": choice(
        {"Variable": "$.none", "IsPresent": True}, {"Variable": "$.a.b", "IsPresent": True}
    ),
    "together": choice(
        {
            "And": [
                {
                    "Or": [
                        {"Variable": "$.n", "NumericEquals": 1},
                        {"Variable": "$.n", "IsNumeric": True},
                    ]
                },
                {"Not": {"Variable": "$.t", "StringEquals": "other"}},
            ]
        }
    ),
    "none of them": choice({"Variable": "$.t", "StringGreaterThan": "z"}),
}


def by_moto(definition: dict[str, Any]) -> dict[str, Any]:
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        client = boto3.client(
            "stepfunctions",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        arn = client.create_state_machine(
            name="m", definition=json.dumps(definition), roleArn=ROLE
        )["stateMachineArn"]
        started = client.start_execution(stateMachineArn=arn, name="e", input=json.dumps(GIVEN))
        for _ in range(500):
            found: dict[str, Any] = client.describe_execution(executionArn=started["executionArn"])
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.01)
        pytest.fail("moto's interpreter does not end")


def told(found: dict[str, Any]) -> tuple[Any, ...]:
    output = json.loads(found["output"]) if "output" in found else None
    return found["status"], output, found.get("error")


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_same_comes_of_it(name: str) -> None:
    with made() as machines:
        ours = machines.run(SCRIPTS[name], given=GIVEN)
    assert told(ours) == told(by_moto(SCRIPTS[name]))
