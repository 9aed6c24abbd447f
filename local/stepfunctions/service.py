"""Step Functions on moto: machines are moto's, executions run here (see course.py).

Calls and rules: AWS Step Functions API reference. `world.machines.lag_seconds` is how late
DescribeExecution and ListExecutions may tell what happened: both are eventually consistent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Protocol

from moto.core.responses import ActionResult
from moto.stepfunctions.models import StateMachine, StepFunctionBackend
from moto.stepfunctions.responses import StepFunctionResponse
from moto.utilities.utils import get_partition

from local.core.patching import Patches
from local.core.running import current
from local.stepfunctions import execution_calls as calls
from local.stepfunctions.definition import problems
from local.stepfunctions.execution_calls import backend, installed, machines
from local.stepfunctions.machines import SERVICE, Machines, refusal

_patches = Patches()
_originals: dict[str, Any] = {}


class WithMachines(Protocol):
    """A world, of which only its machines matter here."""

    machines: Machines


def _create(self: StepFunctionBackend, name: str, **given: Any) -> StateMachine:
    if not name:
        raise refusal("InvalidName", f"Invalid Name: '{name}'")
    self._validate_name(name)
    self._validate_role_arn(given["roleArn"])
    kind = given.get("sm_type") or "STANDARD"
    if kind != "STANDARD":
        raise refusal("StateMachineTypeNotSupported", f"the local AWS runs no machine of {kind}")
    where = f"{self.region_name}:{self.account_id}"
    arn = f"arn:{get_partition(self.region_name)}:states:{where}:stateMachine:{name}"
    machines().refuse_deleting(arn)
    _check(given["definition"])
    _check_role(given["roleArn"], arn)
    there = next((each for each in self.state_machines if each.name == name), None)
    if there and there.definition != given["definition"]:
        raise refusal("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    made: StateMachine = _originals["create"](self, name=name, **given)
    return made


def _update(self: StepFunctionBackend, arn: str, **given: Any) -> StateMachine:
    self.describe_state_machine(arn)
    machines().refuse_deleting(arn)
    if not (given.get("definition") or given.get("role_arn")):
        message = "Either the definition, the role ARN, or both must be given"
        raise refusal("MissingRequiredParameter", message)
    if given.get("definition"):
        _check(given["definition"])
    if given.get("role_arn"):
        _check_role(given["role_arn"], arn)
    made: StateMachine = _originals["update"](self, arn, **given)
    return made


def _check(definition: str) -> None:
    if wrong := problems(definition):
        message = f"Invalid State Machine Definition: '{'; '.join(wrong)}'"
        raise refusal("InvalidDefinition", message)


def _check_role(role: str, machine_arn: str) -> None:
    if not machines().trusted_by(role, machine_arn):
        message = f"Neither the global service principal {SERVICE}, nor the regional one is "
        raise refusal("AccessDeniedException", f"{message}authorized to assume the provided role.")


def _delete(self: StepFunctionBackend, arn: str) -> None:
    self._validate_machine_arn(arn)
    machines().delete(arn, partial(_originals["delete"], self, arn))


def _describe(self: StepFunctionResponse, arn: str) -> ActionResult:
    answer: ActionResult = _originals["describe"](self, arn)
    if machines().is_deleting(arn):
        answer.result["status"] = "DELETING"
    return answer


def _validate(self: StepFunctionResponse) -> ActionResult:
    wrong = problems(self._get_param("definition"))
    told = [{"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": w} for w in wrong]
    return ActionResult({"result": "FAIL" if wrong else "OK", "diagnostics": told})


def _versions(self: StepFunctionResponse) -> ActionResult:
    machine = backend(self).describe_state_machine(self._get_param("stateMachineArn"))
    rows = [
        {"stateMachineVersionArn": each.arn, "creationDate": each.creation_date}
        for each in reversed(machine.versions.values())
    ]
    return ActionResult({"stateMachineVersions": rows})


def _under_lock(
    answer: Callable[..., Any],
) -> Callable[..., Any]:
    """Let a call wait for the event that happens just now: the server answers in threads."""

    @wraps(answer)
    def locked(*given: Any, **named: Any) -> Any:
        with current().lock:
            return answer(*given, **named)

    return locked


def install(world: WithMachines) -> None:
    """Let executions run."""
    installed[:] = [world.machines]
    for name, method, key in (
        ("create_state_machine", _create, "create"),
        ("update_state_machine", _update, "update"),
        ("delete_state_machine", _delete, "delete"),
    ):
        _originals[key] = _patches.set(StepFunctionBackend, name, _under_lock(method))
    for name, answer in (
        ("start_execution", calls.start),
        ("describe_execution", calls.describe),
        ("describe_state_machine_for_execution", calls.machine_of),
        ("list_executions", calls.listed),
        ("stop_execution", calls.stop),
        ("redrive_execution", calls.redrive),
        ("get_execution_history", calls.history),
        ("validate_state_machine_definition", _validate),
        ("list_state_machine_versions", _versions),
    ):
        _patches.set(StepFunctionResponse, name, _under_lock(answer))
    _originals["describe"] = _patches.set(
        StepFunctionResponse, "_describe_state_machine", _describe
    )


def uninstall() -> None:
    """Put moto's Step Functions back."""
    _patches.undo()
    installed.clear()
