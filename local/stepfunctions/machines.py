"""The executions of a world's machines: begun, found, and told of, late if need be."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.models import StateMachine

from local.core.aws import Aws, later
from local.iam import roles
from local.stepfunctions.course import Execution

if TYPE_CHECKING:
    from local.functions.invocation import Invocation

SERVICE = "states.amazonaws.com"
# a name is free again so long after its execution closed
_NAME_DAYS = 90


class Functions(Protocol):
    """What is asked of Lambda."""

    def find(self, name_or_arn: str) -> Any: ...

    def start(self, function: Any, event: Any, ended: Callable[[Invocation], None]) -> Any: ...


class Machines:
    """The executions of a world's machines."""

    def __init__(self, world: Aws, functions: Functions) -> None:
        self._world, self._functions = world, functions
        self.executions: dict[str, list[Execution]] = {}  # by ARN, the newest last
        self.lag_seconds = 0.0

    def start(self, machine: StateMachine, name: str, text: str) -> Execution:
        """Start an execution, or find the one that this is."""
        arn = f"{machine.arn.replace(':stateMachine:', ':execution:')}:{name}"
        now = self._world.clock.now()
        for before in self.executions.get(arn, []):
            if before.status == "RUNNING" and before.input == text:
                return before
            if before.stopped is None or now - before.stopped < timedelta(days=_NAME_DAYS):
                raise refusal("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        execution = Execution(
            world=self._world,
            arn=arn,
            machine_arn=machine.arn,
            machine_name=machine.name,
            name=name,
            input=text,
            definition=json.loads(machine.definition),
            invoke=self._invoker(machine),
            started=now,
        )
        self.executions.setdefault(arn, []).append(execution)
        execution.begin()
        return execution

    def _invoker(self, machine: StateMachine) -> Callable[..., None]:
        """Return what invokes a function as the machine's role."""

        def invoke(
            name: str, payload: Any, ended: Callable[[dict[str, Any] | Invocation], None]
        ) -> None:
            _, partition, _, region, account = machine.arn.split(":")[:5]
            role = str(machine.roleArn)
            arn = name
            if not name.startswith("arn:"):
                arn = f"arn:{partition}:lambda:{region}:{account}:function:{name}"
            denied = {
                "Error": "Lambda.AWSLambdaException",
                "Cause": f"User: {role} is not authorized to perform: lambda:InvokeFunction on "
                f"resource: {arn}",
            }
            trusted = roles.trusts(self._world, account, role, SERVICE, region, machine.arn)
            if not trusted or not roles.may(
                self._world, account, role, "lambda:InvokeFunction", arn
            ):
                later(self._world, 0, lambda: ended(denied))
                return
            try:
                function = self._functions.find(arn)
            except Exception as error:  # noqa: BLE001 - as moto tells of a function that is not there
                gone = {"Error": "Lambda.ResourceNotFoundException", "Cause": str(error)}
                later(self._world, 0, lambda: ended(gone))
                return
            self._functions.start(function, payload, ended)

        return invoke

    def find(self, arn: str) -> Execution:
        """Return the newest execution of this ARN that may be seen.

        Raises:
            JsonRESTError: there is none.
        """
        seen = [e for e in self.executions.get(arn, []) if e.started <= self.told_at(e)]
        if not seen:
            raise refusal("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return seen[-1]

    def told_at(self, execution: Execution) -> datetime:
        """Return as of when an execution's state is told now."""
        return self._world.clock.now() - timedelta(seconds=self.lag_seconds)

    def of(self, machine_arn: str) -> list[Execution]:
        """Return a machine's executions, the newest first."""
        every = [e for some in self.executions.values() for e in some]
        mine = [e for e in every if e.machine_arn == machine_arn]
        return sorted(mine, key=lambda e: e.started, reverse=True)


def refusal(code: str, message: str) -> JsonRESTError:
    """Return an error as the service gives it."""
    return JsonRESTError(code, message)
