"""Lambda functions that really run: their own zip, environment and role, in virtual time."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends

from local.core.aws import Aws
from local.core.patching import Patches
from local.core.running import current
from local.functions import async_delivery, logs
from local.functions.environments import Executions
from local.functions.in_process import Sleeper
from local.functions.invocation import Invocation, logging_config
from local.functions.started import StartedInvocations
from local.iam import authorize

_patches = Patches()
_originals: dict[str, Any] = {}
_ENVIRONMENT_BYTES = 4096
_KEPT = {
    "LoggingConfig": "local_logging_config",
    "DeadLetterConfig": "local_dead_letter_config",
}


class Functions:
    """The deployed functions of a world, as its driver sees them."""

    def __init__(self, world: Aws, sleeper: Sleeper) -> None:
        self._world = world
        self._executions = Executions(world, sleeper)
        self._started = StartedInvocations(world, self._executions, sleeper)
        self.invocations: list[Invocation] = []
        self.down: set[str] = set()
        """Names of functions that die before their handler runs, at every invocation."""
        self.twice = 0
        """So many of the next started invocations run twice, beside each other and under one
        request id; the end of the second is told to nobody."""

    def find(self, name_or_arn: str) -> LambdaFunction:
        """Return moto's function: by ARN, or by name in the world's account and region."""
        account, region, name = self._world.account, self._world.region, name_or_arn
        if name_or_arn.startswith("arn:"):
            _, _, _, region, account, _, name = name_or_arn.split(":")[:7]
        return lambda_backends[account][region].get_function(name)

    def warm(self) -> None:
        """Start an execution environment for every function, all at once: imports take long."""
        for regions in list(lambda_backends.values()):
            for backend in list(regions.values()):
                for function in backend.list_functions():
                    self._executions.warm(function)

    def invoke_by_name(self, name_or_arn: str, event: Any, asynchronous: bool) -> Invocation:
        """Invoke at the virtual now; asynchronous: with retries and the failure destination."""
        function = self.find(name_or_arn)
        if asynchronous:
            return self.deliver(function, event)
        return self.invoke(function, event)

    def deliver(self, function: LambdaFunction, event: Any) -> Invocation:
        """Invoke asynchronously at the virtual now; return the first attempt."""
        return async_delivery.deliver(self._world, self.invoke, function, event)

    def deliver_soon(self, function: LambdaFunction, event: Any) -> None:
        """Invoke asynchronously as soon as virtual time moves."""
        clock = self._world.clock
        clock.call_at(clock.now(), lambda: self.deliver(function, event))

    def invoke(
        self,
        function: LambdaFunction,
        event: Any,
        request_id: str | None = None,
        attempt: int = 1,
    ) -> Invocation:
        """Run the function once and record what it did."""
        invocation = self._new(function, event, request_id, attempt)
        self.invocations.append(invocation)
        if function.function_name in self.down:
            answer = self._is_down(invocation)
        else:
            answer = self._executions.run(function, invocation)
        for name, value in answer.items():
            setattr(invocation, name, value)
        invocation.ended_at = self._world.clock.now()
        logs.write(self._world, function, invocation)
        return invocation

    def start(
        self,
        function: LambdaFunction,
        event: Any,
        ended: Callable[[Invocation], object] = lambda _: None,
        request_id: str | None = None,
    ) -> Invocation:
        """Begin an invocation at the virtual now and return at once.

        It runs as the clock is advanced, beside whatever else happens. `ended` is called with it,
        payload or error set, at the virtual time of its end, never before this returns.
        """
        invocation = self._new(function, event, request_id, 1)
        if self._started.is_full(function):
            error = {"errorType": "TooManyRequestsException", "errorMessage": "Rate Exceeded."}
            invocation.error, invocation.ended_at = error, invocation.at
            self._world.clock.call_at(invocation.at, lambda: ended(invocation))
            return invocation
        self.invocations.append(invocation)
        if function.function_name in self.down:
            self._started.end(function, invocation, self._is_down(invocation), ended)
            return invocation
        self._started.begin(function, invocation, ended)
        if self.twice > 0:
            self.twice -= 1
            self.start(function, event, request_id=invocation.request_id)
        return invocation

    def running(self) -> list[Invocation]:
        """Return the started that have not ended and were not given up, oldest first."""
        return self._started.running()

    def current(self) -> Invocation | None:
        """Return, in process, the started one whose code runs just now."""
        return self._started.current()

    def kill(self, invocation: Invocation) -> None:
        """Let a started one die: where it sleeps, or, called in the midst of it, right there."""
        self._started.kill(invocation)

    def freeze(self, invocation: Invocation, seconds: float) -> None:
        """Let a started one do nothing for so long; if given up meanwhile it still goes on then."""
        self._started.freeze(invocation, seconds)

    def _new(
        self, function: LambdaFunction, event: Any, request_id: str | None, attempt: int
    ) -> Invocation:
        return Invocation(
            function=function.function_name,
            arn=function.function_arn,
            request_id=request_id or str(uuid.uuid4()),
            event=event,
            at=self._world.clock.now(),
            attempt=attempt,
        )

    @staticmethod
    def _is_down(invocation: Invocation) -> dict[str, Any]:
        message = f"RequestId: {invocation.request_id} Error: Runtime exited (it is down)"
        return {"error": {"errorType": "Runtime.ExitError", "errorMessage": message}}

    def close(self) -> None:
        """End every invocation and execution environment."""
        self._started.close()
        self._executions.close()


_installed: list[Functions] = []


class WithFunctions(Protocol):
    """A world, of which only its functions matter here."""

    functions: Functions


def _init(
    function: LambdaFunction, account_id: str, spec: dict[str, Any], *rest: Any, **more: Any
) -> None:
    _check_role(spec["Role"])
    _check_environment(spec)
    _originals["init"](function, account_id, spec, *rest, **more)
    _keep(function, spec)


def _check_role(role_arn: str) -> None:
    """Refuse a role that Lambda may not take; Terraform tries again, as on AWS."""
    if not current().iam_enforced or authorize.trusts(
        role_arn.split(":")[4], role_arn, "lambda.amazonaws.com"
    ):
        return
    raise InvalidParameterValueException(
        "The role defined for the function cannot be assumed by Lambda."
    )


def _check_environment(spec: dict[str, Any]) -> None:
    """Refuse variables over 4 KB: their JSON, so with quotes escaped, in bytes.

    What is measured is what the refusal prints (terraform-aws-github-runner#3594); the words are
    of terraform-provider-aws#33893.
    """
    variables = spec.get("Environment", {}).get("Variables", {})
    measured = json.dumps(variables, ensure_ascii=False, separators=(",", ":"))
    if len(measured.encode()) > _ENVIRONMENT_BYTES:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided exceeded the 4KB limit. "
            f"String measured: {measured}"
        )


def _keep(function: LambdaFunction, spec: dict[str, Any]) -> None:
    for name, attribute in _KEPT.items():
        if name in spec:
            function.__dict__[attribute] = spec[name]
    if "TracingConfig" in spec:
        function.tracing_config = spec["TracingConfig"]
    if "EphemeralStorage" in spec:
        function.ephemeral_storage = spec["EphemeralStorage"]["Size"]


def _update(function: LambdaFunction, config_updates: dict[str, Any]) -> dict[str, Any]:
    _check_environment(config_updates)
    _originals["update"](function, config_updates)
    _keep(function, config_updates)
    return function.get_configuration()


def _configuration(function: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = _originals["configuration"](function, on_create)
    answer["LoggingConfig"] = logging_config(function)
    dead_letters = function.__dict__.get("local_dead_letter_config")
    if dead_letters and dead_letters.get("TargetArn"):
        answer["DeadLetterConfig"] = dead_letters
    return {name: value for name, value in answer.items() if value is not None}


def _invoke(
    function: LambdaFunction, body: Any, request_headers: Any, response_headers: dict[str, Any]
) -> str | bytes:
    """Answer the Invoke operation."""
    functions = _installed[-1]
    event = json.loads(body) if body else {}
    kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
    if kind == "DryRun":
        return ""
    if kind == "Event":
        functions.deliver_soon(function, event)
        return ""
    invocation = functions.invoke(function, event)
    response_headers["x-amz-executed-version"] = "$LATEST"
    tail = invocation.log.encode()[-4096:]
    response_headers["x-amz-log-result"] = base64.b64encode(tail).decode()
    if invocation.error:
        response_headers["x-amz-function-error"] = "Unhandled"
        return json.dumps(invocation.error).encode()
    return json.dumps(invocation.payload).encode()


def _put_event_invoke_config(
    backend: LambdaBackend, function_name: str, config: dict[str, Any]
) -> dict[str, Any]:
    """Replace the configuration: moto adds another and goes on showing the first."""
    backend.get_function(function_name).event_invoke_config.clear()
    answer: dict[str, Any] = _originals["event_config"](backend, function_name, config)
    return answer


def install(world: WithFunctions) -> None:
    """Let functions run, and keep what moto drops of their configuration."""
    _installed[:] = [world.functions]
    for name, value, key in (
        ("__init__", _init, "init"),
        ("update_configuration", _update, "update"),
        ("get_configuration", _configuration, "configuration"),
        ("invoke", _invoke, "invoke"),
    ):
        _originals[key] = _patches.set(LambdaFunction, name, value)
    _originals["event_config"] = _patches.set(
        LambdaBackend, "put_function_event_invoke_config", _put_event_invoke_config
    )


def uninstall() -> None:
    """Put moto's Lambda back."""
    _patches.undo()
    _installed.clear()
