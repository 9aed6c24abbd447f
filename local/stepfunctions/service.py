"""Step Functions on moto: machines are moto's, executions run here (see course.py).

Calls and rules: AWS Step Functions API reference. `lag_seconds` is how late DescribeExecution and
ListExecutions may tell what happened: both are eventually consistent.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.stepfunctions.models import StateMachine, StepFunctionBackend, stepfunctions_backends
from moto.stepfunctions.responses import StepFunctionResponse

from local.core.aws import Aws, later
from local.core.patching import Patches
from local.core.running import current
from local.iam import roles
from local.stepfunctions.course import Execution
from local.stepfunctions.definition import problems

if TYPE_CHECKING:
    from local.functions.invocation import Invocation

_patches = Patches()
_originals: dict[str, Any] = {}
# a name is free again so long after its execution closed
_NAME_DAYS = 90
_SERVICE = "states.amazonaws.com"


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
                raise _error("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
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
            trusted = roles.trusts(self._world, account, role, _SERVICE, region)
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
            raise _error("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return seen[-1]

    def told_at(self, execution: Execution) -> datetime:
        """Return as of when an execution's state is told now."""
        return self._world.clock.now() - timedelta(seconds=self.lag_seconds)

    def of(self, machine_arn: str) -> list[Execution]:
        """Return a machine's executions, the newest first."""
        every = [e for some in self.executions.values() for e in some]
        mine = [e for e in every if e.machine_arn == machine_arn]
        return sorted(mine, key=lambda e: e.started, reverse=True)


class WithMachines(Protocol):
    """A world, of which only its machines matter here."""

    machines: Machines


_installed: list[Machines] = []


def _machines() -> Machines:
    return _installed[-1]


def _error(code: str, message: str) -> JsonRESTError:
    return JsonRESTError(code, message)


def _create(self: StepFunctionBackend, **given: Any) -> StateMachine:
    _check(given["definition"])
    _check_role(given["roleArn"])
    made: StateMachine = _originals["create"](self, **given)
    return made


def _update(self: StepFunctionBackend, arn: str, **given: Any) -> StateMachine:
    if given.get("definition"):
        _check(given["definition"])
    made: StateMachine = _originals["update"](self, arn, **given)
    return made


def _check(definition: str) -> None:
    if wrong := problems(definition):
        message = f"Invalid State Machine Definition: '{'; '.join(wrong)}'"
        raise _error("InvalidDefinition", message)


def _check_role(arn: str) -> None:
    world = current()
    if not roles.trusts(world, arn.split(":")[4], arn, _SERVICE, world.region):
        message = f"Neither the global service principal {_SERVICE}, nor the regional one is "
        raise _error("AccessDeniedException", f"{message}authorized to assume the provided role.")


def _delete(self: StepFunctionBackend, arn: str) -> None:
    for execution in _machines().of(arn):
        # the machine is DELETING while they end; here that is at once
        execution.stop("States.Runtime", "its state machine was deleted")
    _originals["delete"](self, arn)


def _backend(self: StepFunctionResponse) -> StepFunctionBackend:
    return stepfunctions_backends[self.current_account][self.region]


def _start_execution(self: StepFunctionResponse) -> ActionResult:
    name = self._get_param("name") or str(uuid.uuid4())
    backend = _backend(self)
    backend._validate_name(name)
    machine = backend.describe_state_machine(self._get_param("stateMachineArn"))
    text = self._get_param("input") or "{}"
    try:
        json.loads(text)
    except ValueError:
        message = f"Invalid State Machine Execution Input: '{text:.100}'"
        raise _error("InvalidExecutionInput", message) from None
    execution = _machines().start(machine, name, text)
    return ActionResult({"executionArn": execution.arn, "startDate": execution.started})


def _describe_execution(self: StepFunctionResponse) -> ActionResult:
    arn = self._get_param("executionArn")
    _of_machine(self, arn)
    execution = _machines().find(arn)
    status, stopped, error, cause = execution.as_seen(_machines().told_at(execution))
    told: dict[str, Any] = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine_arn,
        "name": execution.name,
        "status": status,
        "startDate": execution.started,
        "input": execution.input,
        "inputDetails": {"included": True},
        "redriveCount": execution.redriven,
        "redriveStatus": "REDRIVABLE" if execution.may_be_redriven() else "NOT_REDRIVABLE",
    }
    if status == "SUCCEEDED":
        told |= {"output": json.dumps(execution.output), "outputDetails": {"included": True}}
    for name, value in (
        ("stopDate", stopped),
        ("error", error),
        ("cause", cause),
        ("redriveDate", execution.redriven_at),
    ):
        if value is not None:
            told[name] = value
    return ActionResult(told)


def _of_machine(self: StepFunctionResponse, arn: str) -> None:
    """See that the machine of an execution's ARN is there."""
    machine = arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    backend = _backend(self)
    if not any(each.arn == machine for each in backend.state_machines):
        message = f"State Machine Does Not Exist: '{machine}'"
        raise (
            _error("StateMachineDoesNotExist", message)
            if (arn not in _machines().executions)
            else _error("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        )


def _list_executions(self: StepFunctionResponse) -> ActionResult:
    machines, wanted = _machines(), self._get_param("statusFilter")
    rows = []
    for execution in machines.of(self._get_param("stateMachineArn")):
        if execution.started > machines.told_at(execution):
            continue
        status, stopped, _, _ = execution.as_seen(machines.told_at(execution))
        if wanted in (None, status):
            row = {
                "executionArn": execution.arn,
                "stateMachineArn": execution.machine_arn,
                "name": execution.name,
                "status": status,
                "startDate": execution.started,
            }
            rows.append(row | ({"stopDate": stopped} if stopped else {}))
    return ActionResult({"executions": rows[: self._get_param("maxResults") or 100]})


def _stop_execution(self: StepFunctionResponse) -> ActionResult:
    arn = self._get_param("executionArn")
    found = _machines().executions.get(arn)
    if not found:
        raise _error("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    found[-1].stop(self._get_param("error"), self._get_param("cause"))
    return ActionResult({"stopDate": found[-1].stopped or current().clock.now()})


def _redrive_execution(self: StepFunctionResponse) -> ActionResult:
    arn = self._get_param("executionArn")
    found = _machines().executions.get(arn)
    if not found:
        raise _error("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    if not found[-1].may_be_redriven():
        raise _error("ExecutionNotRedrivable", f"Execution '{arn}' is not redrivable.")
    found[-1].redrive()
    return ActionResult({"redriveDate": found[-1].redriven_at})


def _validate(self: StepFunctionResponse) -> ActionResult:
    wrong = problems(self._get_param("definition"))
    told = [{"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": w} for w in wrong]
    return ActionResult({"result": "FAIL" if wrong else "OK", "diagnostics": told})


def _versions(self: StepFunctionResponse) -> ActionResult:
    machine = _backend(self).describe_state_machine(self._get_param("stateMachineArn"))
    rows = [
        {"stateMachineVersionArn": each.arn, "creationDate": each.creation_date}
        for each in reversed(getattr(machine, "versions", {}).values() or [])
    ]
    return ActionResult({"stateMachineVersions": rows})


def _history(self: StepFunctionResponse) -> ActionResult:
    execution = _machines().find(self._get_param("executionArn"))
    kinds = ["ExecutionStarted"]
    if execution.status != "RUNNING":
        ended = execution.status.title().replace("_", "")
        kinds.append(f"Execution{ended}")
    moments = [execution.started, execution.stopped]
    return ActionResult(
        {
            "events": [
                {"timestamp": moment, "type": kind, "id": n + 1, "previousEventId": n}
                for n, (kind, moment) in enumerate(zip(kinds, moments, strict=False))
            ]
        }
    )


def install(world: WithMachines) -> None:
    """Let executions run."""
    _installed[:] = [world.machines]
    for name, method, key in (
        ("create_state_machine", _create, "create"),
        ("update_state_machine", _update, "update"),
        ("delete_state_machine", _delete, "delete"),
    ):
        _originals[key] = _patches.set(StepFunctionBackend, name, method)
    for name, answer in (
        ("start_execution", _start_execution),
        ("describe_execution", _describe_execution),
        ("list_executions", _list_executions),
        ("stop_execution", _stop_execution),
        ("redrive_execution", _redrive_execution),
        ("get_execution_history", _history),
        ("validate_state_machine_definition", _validate),
        ("list_state_machine_versions", _versions),
    ):
        _patches.set(StepFunctionResponse, name, answer)


def uninstall() -> None:
    """Put moto's Step Functions back."""
    _patches.undo()
    _installed.clear()
