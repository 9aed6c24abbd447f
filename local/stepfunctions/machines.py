"""The executions of a world's machines: begun, found, and told of, late if need be."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.models import StateMachine

from local.core.aws import Aws, later
from local.core.call import Call, Refusal
from local.iam import roles
from local.stepfunctions.course import Execution

if TYPE_CHECKING:
    from local.functions.invocation import Invocation

SERVICE = "states.amazonaws.com"
# a closed execution is told of, and its name is taken, for so long
_KEPT = timedelta(days=90)


class Functions(Protocol):
    """What is asked of Lambda."""

    def find(self, name_or_arn: str) -> Any: ...

    def start(self, function: Any, event: Any, ended: Callable[[Invocation], None]) -> Any: ...


Ended = Callable[["dict[str, Any] | Invocation"], None]


class Machines:
    """The executions of a world's machines."""

    def __init__(self, world: Aws, functions: Functions) -> None:
        self._world, self._functions = world, functions
        self.executions: dict[str, list[Execution]] = {}  # by ARN, the newest last
        self._deleting: dict[str, Callable[[], None]] = {}
        self.lag_seconds = 0.0
        """How late DescribeExecution and ListExecutions tell what happened."""

    def start(self, machine: StateMachine, name: str, text: str) -> Execution:
        """Start an execution, or find the one that this is."""
        self.refuse_deleting(machine.arn)
        arn = f"{machine.arn.replace(':stateMachine:', ':execution:')}:{name}"
        before = self._kept(arn)
        if before and before.status == "RUNNING" and before.input == text:
            return before
        if before:
            raise refusal("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        role = str(machine.roleArn)
        execution = Execution(
            world=self._world,
            arn=arn,
            machine_arn=machine.arn,
            machine_name=machine.name,
            role_arn=role,
            name=name,
            input=text,
            definition=json.loads(machine.definition),
            invoke=partial(self._invoke, machine.arn, role),
            over=partial(self._delete_if_ended, machine.arn),
            started=self._world.clock.now(),
        )
        self.executions.setdefault(arn, []).append(execution)
        execution.begin()
        return execution

    def _invoke(
        self, machine_arn: str, role: str, function: str, payload: Any, ended: Ended
    ) -> None:
        """Invoke a function as the machine's role."""
        _, partition, _, region, account = machine_arn.split(":")[:5]
        arn = function
        if not function.startswith("arn:"):
            arn = f"arn:{partition}:lambda:{region}:{account}:function:{function}"
        error = self._refused_by_lambda() or self._denied(role, arn, machine_arn)
        if error is None:
            try:
                found = self._functions.find(arn)
            except Exception as gone:  # noqa: BLE001 - as moto tells of a function that is not there
                error = {"Error": "Lambda.ResourceNotFoundException", "Cause": str(gone)}
        if error is not None:
            told = error
            later(self._world, 0, lambda: ended(told))
        else:
            self._functions.start(found, payload, ended)

    def _refused_by_lambda(self) -> dict[str, str] | None:
        """Return what `world.throttle("lambda:Invoke", code="ServiceException")` lets it answer."""
        try:
            self._world.gate.throttled(Call("lambda", "Invoke", None))
        except Refusal as refused:
            return {"Error": f"Lambda.{refused.code}", "Cause": str(refused.message)}
        return None

    def _denied(self, role: str, function_arn: str, machine_arn: str) -> dict[str, str] | None:
        account = machine_arn.split(":")[4]
        name = "Lambda.AWSLambdaException"
        if not self.trusted_by(role, machine_arn):
            return {"Error": name, "Cause": f"{SERVICE} is not authorized to assume role {role}"}
        if roles.may(self._world, account, role, "lambda:InvokeFunction", function_arn):
            return None
        action = f"perform: lambda:InvokeFunction on resource: {function_arn}"
        return {"Error": name, "Cause": f"User: {role} is not authorized to {action}"}

    def trusted_by(self, role: str, machine_arn: str) -> bool:
        """Say whether a role lets Step Functions take it for a machine."""
        region, account = machine_arn.split(":")[3:5]
        return roles.trusts(self._world, account, role, SERVICE, region, machine_arn)

    def _kept(self, arn: str) -> Execution | None:
        """Return the newest execution of this ARN, unless it ended too long ago."""
        every = self.executions.get(arn)
        if not every:
            return None
        stopped = every[-1].now.stopped
        if stopped and self._world.clock.now() - stopped >= _KEPT:
            return None
        return every[-1]

    def find(self, arn: str, late: bool = False) -> Execution:
        """Return the newest execution of this ARN, `late`: if it may be told of.

        Raises:
            JsonRESTError: there is none.
        """
        found = self._kept(arn)
        if found is None or (late and found.started > self.told_at()):
            raise refusal("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return found

    def told_at(self) -> datetime:
        """Return as of when is told now."""
        return self._world.clock.now() - timedelta(seconds=self.lag_seconds)

    def of(self, machine_arn: str) -> list[Execution]:
        """Return a machine's executions, the newest first."""
        every = [e for some in self.executions.values() for e in some]
        mine = [e for e in every if e.machine_arn == machine_arn]
        return sorted(mine, key=lambda e: e.started, reverse=True)

    # --- machines that are being deleted

    def delete(self, machine_arn: str, gone: Callable[[], None]) -> None:
        """Let a machine's executions end at their next states, and say so when they have."""
        self._deleting[machine_arn] = gone
        for execution in self.of(machine_arn):
            execution.doomed = True
        self._delete_if_ended(machine_arn)

    def is_deleting(self, machine_arn: str) -> bool:
        """Say whether a machine is being deleted."""
        return machine_arn in self._deleting

    def refuse_deleting(self, machine_arn: str) -> None:
        """Refuse what is asked of a machine that is being deleted."""
        if self.is_deleting(machine_arn):
            message = f"State Machine is deleting: '{machine_arn}'"
            raise refusal("StateMachineDeleting", message)

    def _delete_if_ended(self, machine_arn: str) -> None:
        if not any(e.status == "RUNNING" for e in self.of(machine_arn)):
            self._deleting.pop(machine_arn, lambda: None)()


def refusal(code: str, message: str) -> JsonRESTError:
    """Return an error as the service gives it."""
    return JsonRESTError(code, message)
