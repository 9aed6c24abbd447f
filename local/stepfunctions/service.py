"""Step Functions on moto: machines are moto's, executions run here (see course.py).

Calls and rules: AWS Step Functions API reference. `lag_seconds` is how late DescribeExecution and
ListExecutions may tell what happened: both are eventually consistent.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.responses import ActionResult
from moto.stepfunctions.models import StateMachine, StepFunctionBackend, stepfunctions_backends
from moto.stepfunctions.responses import StepFunctionResponse

from local.core.patching import Patches
from local.core.running import current
from local.iam import roles
from local.stepfunctions.definition import problems
from local.stepfunctions.machines import SERVICE, Machines, refusal

if TYPE_CHECKING:
    pass

_patches = Patches()
_originals: dict[str, Any] = {}


class WithMachines(Protocol):
    """A world, of which only its machines matter here."""

    machines: Machines


_installed: list[Machines] = []


def _machines() -> Machines:
    return _installed[-1]


def _create(self: StepFunctionBackend, **given: Any) -> StateMachine:
    _check(given["definition"])
    _check_role(given["roleArn"], given["name"])
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
        raise refusal("InvalidDefinition", message)


def _check_role(arn: str, name: str) -> None:
    world, account = current(), arn.split(":")[4]
    machine = f"arn:{arn.split(':')[1]}:states:{world.region}:{account}:stateMachine:{name}"
    if not roles.trusts(world, account, arn, SERVICE, world.region, machine):
        message = f"Neither the global service principal {SERVICE}, nor the regional one is "
        raise refusal("AccessDeniedException", f"{message}authorized to assume the provided role.")


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
        raise refusal("InvalidExecutionInput", message) from None
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
            refusal("StateMachineDoesNotExist", message)
            if (arn not in _machines().executions)
            else refusal("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
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
        raise refusal("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    found[-1].stop(self._get_param("error"), self._get_param("cause"))
    return ActionResult({"stopDate": found[-1].stopped or current().clock.now()})


def _redrive_execution(self: StepFunctionResponse) -> ActionResult:
    arn = self._get_param("executionArn")
    found = _machines().executions.get(arn)
    if not found:
        raise refusal("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    if not found[-1].may_be_redriven():
        raise refusal("ExecutionNotRedrivable", f"Execution '{arn}' is not redrivable.")
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
