"""Machines of the local AWS whose function does what a script says."""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.core.clock import Clock
from local.world import World
from tests.support.aws_world import ACCOUNT, REGION, START, allow, make_function, make_role
from tests.support.model_check import Checked

INVOKE = "arn:aws:states:::lambda:invoke"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
CODE = """
import builtins, time
script = []
def handler(event, context):
    step = script.pop(0) if script else event
    time.sleep(step.get("sleeps", 0))
    if "raises" in step:
        raise getattr(builtins, step["raises"])("said")
    return step.get("answers", event)
"""


def execution_arn(name: str) -> str:
    return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"


def machine(*states: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a definition that starts at the first state."""
    return {"StartAt": states[0][0], "States": dict(states), **more}


def task(**more: Any) -> dict[str, Any]:
    """Return a state that invokes `f` with the state's input, the machine's last by default."""
    given = {"FunctionName": FUNCTION, "Payload.$": "$"}
    follows = {} if "Next" in more else {"End": True}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": given, **follows, **more}


class Machines:
    """A world with the function `f` and the machine `m`, and its clock."""

    def __init__(self, world: World, script: list[dict[str, Any]]) -> None:
        self.world, self.script = world, script
        self.client = world.client("stepfunctions")
        self.checks = Checked(self.client)
        self.role = make_role(
            world, "machine", allow("lambda:InvokeFunction", FUNCTION), service="states"
        )
        make_function(world, CODE, make_role(world, "f"), timeout=900)

    def make(self, definition: dict[str, Any], name: str = "m", **more: Any) -> str:
        """Make a machine; return its ARN."""
        text = json.dumps(definition)
        more = {"roleArn": self.role, **more}
        answer = self.client.create_state_machine(name=name, definition=text, **more)
        return str(answer["stateMachineArn"])

    def start(self, name: str = "e", given: Any = None) -> str:
        """Start an execution of `m`; return its ARN."""
        text = json.dumps({} if given is None else given)
        answer = self.client.start_execution(stateMachineArn=MACHINE, name=name, input=text)
        return str(answer["executionArn"])

    def run(
        self, definition: dict[str, Any], *script: dict[str, Any], given: Any = None
    ) -> dict[str, Any]:
        """Make `m`, let one execution run for ten hours, and return its description."""
        self.make(definition)
        self.script[:] = script
        self.start(given=given)
        self.world.clock.advance(36_000)
        return self.describe()

    def describe(self, name: str = "e") -> dict[str, Any]:
        """Return DescribeExecution."""
        found: dict[str, Any] = self.client.describe_execution(executionArn=execution_arn(name))
        return found

    def invoked(self) -> list[float]:
        """Return when `f` was invoked, in seconds since the world began."""
        return [(one.at - START).total_seconds() for one in self.world.lambda_logs]

    def seconds(self, name: str = "e") -> float:
        """Return how long after the world's beginning an execution ended."""
        return float((self.describe(name)["stopDate"] - START).total_seconds())


@contextmanager
def made(enforced: bool = False) -> Iterator[Machines]:
    """Give a world in this process; each answer of Step Functions is checked by its model."""
    world = World(Clock(START), ACCOUNT, REGION)
    world.iam_enforced = enforced
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        world.in_process(),
    ):
        (Path(folder) / "f.py").write_text(CODE)
        patch.syspath_prepend(folder)
        sys.modules.pop("f", None)
        found = Machines(world, importlib.import_module("f").script)
        yield found
        sys.modules.pop("f", None)
        assert not found.checks.found, found.checks.found
