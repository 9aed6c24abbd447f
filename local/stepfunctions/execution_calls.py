"""The calls on executions: started, described, listed, stopped, redriven, and their history."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.models import StepFunctionBackend, stepfunctions_backends
from moto.stepfunctions.responses import StepFunctionResponse

from local.core.running import current
from local.stepfunctions.course import Execution
from local.stepfunctions.machines import Machines, refusal
from local.stepfunctions.standing import MOST_BYTES, Status

PAGE = 100
"""Rows of a page if no other number is asked for (API reference)."""

installed: list[Machines] = []


def machines() -> Machines:
    """Return the running world's machines."""
    return installed[-1]


def backend(response: StepFunctionResponse) -> StepFunctionBackend:
    """Return moto's keeper of the machines that a call means."""
    return stepfunctions_backends[response.current_account][response.region]


def start(self: StepFunctionResponse) -> ActionResult:
    """Answer StartExecution."""
    name, text = self._get_param("name"), self._get_param("input")
    name = str(uuid.uuid4()) if name is None else name
    text = "{}" if text is None else text
    kept = backend(self)
    if not name:
        raise refusal("InvalidName", f"Invalid Name: '{name}'")
    kept._validate_name(name)
    machine = kept.describe_state_machine(self._get_param("stateMachineArn"))
    if not _is_json(text) or len(text.encode()) > MOST_BYTES:
        message = f"Invalid State Machine Execution Input: '{text:.100}'"
        raise refusal("InvalidExecutionInput", message)
    execution = machines().start(machine, name, text)
    return ActionResult({"executionArn": execution.arn, "startDate": execution.started})


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def describe(self: StepFunctionResponse) -> ActionResult:
    """Answer DescribeExecution."""
    execution = _found(self, late=True)
    status = execution.as_seen(machines().told_at())
    told = _row(execution, status) | {
        "input": execution.input,
        "inputDetails": {"included": True},
        "output": status.output,
        "outputDetails": {"included": True} if status.output is not None else None,
        "error": status.error,
        "cause": status.cause,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": f"Execution is {status.status} and cannot be redriven",
    }
    if status == execution.now and execution.may_be_redriven():
        told |= {"redriveStatus": "REDRIVABLE", "redriveStatusReason": None}
    return _answer(told)


def _found(self: StepFunctionResponse, late: bool = False) -> Execution:
    """Return the execution that a call names; with its machine it is gone as well."""
    arn = self._get_param("executionArn")
    kept = backend(self)
    kept._validate_execution_arn(arn)
    execution = machines().find(arn, late)
    if not any(each.arn == execution.machine_arn for each in kept.state_machines):
        raise refusal("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    return execution


def _row(execution: Execution, status: Status) -> dict[str, Any]:
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine_arn,
        "name": execution.name,
        "status": status.status,
        "startDate": execution.started,
        "stopDate": status.stopped,
        "redriveCount": status.redriven,
        "redriveDate": status.redriven_at,
    }


def _answer(told: dict[str, Any]) -> ActionResult:
    return ActionResult({name: value for name, value in told.items() if value is not None})


def listed(self: StepFunctionResponse) -> ActionResult:
    """Answer ListExecutions: those that run by their start, the others by their end."""
    machine = backend(self).describe_state_machine(self._get_param("stateMachineArn"))
    at, wanted = machines().told_at(), self._get_param("statusFilter")
    rows = [_row(e, e.as_seen(at)) for e in machines().of(machine.arn) if e.started <= at]
    rows = [row for row in rows if wanted in (None, row["status"])]
    rows.sort(key=lambda r: r["stopDate"] or r["redriveDate"] or r["startDate"], reverse=True)
    size = int(self._get_param("maxResults") or PAGE)
    token = self._get_param("nextToken")
    first = int(base64.b64decode(token)) if token else 0
    last = first + size
    after = base64.b64encode(str(last).encode()).decode() if last < len(rows) else None
    page = [{k: v for k, v in row.items() if v is not None} for row in rows[first:last]]
    return _answer({"executions": page, "nextToken": after})


def stop(self: StepFunctionResponse) -> ActionResult:
    """Answer StopExecution."""
    execution = _found(self)
    execution.stop(self._get_param("error"), self._get_param("cause"))
    return ActionResult({"stopDate": execution.now.stopped})


def redrive(self: StepFunctionResponse) -> ActionResult:
    """Answer RedriveExecution."""
    execution = _found(self)
    if not execution.may_be_redriven():
        message = f"Execution '{execution.arn}' is {execution.status} and cannot be redriven."
        raise refusal("ExecutionNotRedrivable", message)
    execution.redrive()
    return ActionResult({"redriveDate": execution.now.redriven_at})


def machine_of(self: StepFunctionResponse) -> ActionResult:
    """Answer DescribeStateMachineForExecution: as it was when the execution began."""
    execution = _found(self)
    return ActionResult(
        {
            "stateMachineArn": execution.machine_arn,
            "name": execution.machine_name,
            "definition": json.dumps(execution.definition),
            "roleArn": execution.role_arn,
            "updateDate": execution.started,
        }
    )


_DETAILS = {
    "ExecutionStarted": "executionStartedEventDetails",
    "ExecutionSucceeded": "executionSucceededEventDetails",
    "ExecutionFailed": "executionFailedEventDetails",
    "ExecutionAborted": "executionAbortedEventDetails",
    "ExecutionTimedOut": "executionTimedOutEventDetails",
    "ExecutionRedriven": "executionRedrivenEventDetails",
    "TaskScheduled": "taskScheduledEventDetails",
    "TaskStarted": "taskStartedEventDetails",
    "TaskSucceeded": "taskSucceededEventDetails",
    "TaskFailed": "taskFailedEventDetails",
    "TaskTimedOut": "taskTimedOutEventDetails",
}


def history(self: StepFunctionResponse) -> ActionResult:
    """Answer GetExecutionHistory."""
    execution = _found(self)
    of_task = {"resource": "invoke", "resourceType": "lambda"}
    rows = []
    for number, (at, kind, details) in enumerate(execution.events, start=1):
        row = {"timestamp": at, "type": kind, "id": number, "previousEventId": number - 1}
        if kind.startswith("Task") and "State" not in kind:
            details = details | of_task
        if kind == "TaskScheduled":
            details = details | {"region": current().region}
        side = "Entered" if kind.endswith("Entered") else "Exited"
        row[_DETAILS.get(kind, f"state{side}EventDetails")] = details
        rows.append(row)
    if self._get_param("reverseOrder"):
        rows.reverse()
    size = int(self._get_param("maxResults") or PAGE)
    token = self._get_param("nextToken")
    first = int(base64.b64decode(token)) if token else 0
    last = first + size
    after = base64.b64encode(str(last).encode()).decode() if last < len(rows) else None
    return _answer({"events": rows[first:last], "nextToken": after})
