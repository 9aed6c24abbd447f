"""What a request passes before moto answers: hooks, throttles, denials, IAM, missing operations."""

from __future__ import annotations

import fnmatch
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from moto.core import errors as core_errors
from moto.core import responses as core_responses
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.s3.responses import S3Response

from local.core.call import Call, Refusal, refusal
from local.core.patching import Patches

_patches = Patches()

# what each service says when it is asked too much (service models and error pages of the services)
_THROTTLED = {
    "s3": "SlowDown",
    "application-autoscaling": "ThrottlingException",
    "cloudwatch": "Throttling",
    "sns": "Throttled",
    "sqs": "RequestThrottled",
    "lambda": "TooManyRequestsException",
}


@dataclass
class _Throttle:
    pattern: str
    probability: float
    calls: int | None
    code: str | None


@dataclass
class _Hook:
    pattern: str
    event: Callable[[Call], object]
    times: int | None


@dataclass
class _Loss:
    pattern: str
    times: int


@dataclass
class _Change:
    pattern: str
    change: Callable[[Call, str], str]


class Gate:
    """Counts, hooks, throttles and denials of a world, by globs of `service:Operation`.

    `authorize` raises the refusal of a call that its caller may not make.
    """

    def __init__(self, authorize: Callable[[Call], None]) -> None:
        self._authorize = authorize
        self.calls: Counter[str] = Counter()
        self.throttles: list[_Throttle] = []
        self.hooks: list[_Hook] = []
        self.losses: list[_Loss] = []
        self.changes: list[_Change] = []
        self.denied: list[tuple[str, str]] = []
        self.random = random.Random(0)

    def throttle(
        self,
        operation: str,
        *,
        probability: float = 1.0,
        calls: int | None = None,
        code: str | None = None,
    ) -> None:
        """Throttle calls of `operation`: each with `probability`, and at most `calls` of them."""
        self.throttles.append(_Throttle(operation, probability, calls, code))

    def before(
        self, operation: str, event: Callable[[Call], object], times: int | None = None
    ) -> None:
        """Run `event(call)` before the next `times` calls; what it raises is the answer."""
        self.hooks.append(_Hook(operation, event, times))

    def lose_answer(self, operation: str, times: int = 1) -> None:
        """Do the next `times` calls of `operation` and answer a server error all the same."""
        self.losses.append(_Loss(operation, times))

    def change_answer(self, operation: str, change: Callable[[Call, str], str]) -> None:
        """Send `change(call, body)` for the body of `operation`'s answers: what no model knows."""
        self.changes.append(_Change(operation, change))

    def changed(self, call: Call, body: str) -> str:
        """Return the body that is sent for an answer."""
        for one in self.changes:
            if _matches(one.pattern, call.name):
                body = one.change(call, body)
        return body

    def loses(self, call: Call) -> bool:
        """Return whether the answer to a call that was done is lost."""
        for loss in self.losses:
            if loss.times > 0 and _matches(loss.pattern, call.name):
                loss.times -= 1
                return True
        return False

    def check(self, call: Call) -> None:
        """Let the call pass or raise the error that answers it."""
        self.calls[call.name] += 1
        for hook in list(self.hooks):
            if _matches(hook.pattern, call.name):
                if hook.times is not None:
                    hook.times -= 1
                    if hook.times <= 0:
                        self.hooks.remove(hook)
                hook.event(call)
        self.throttled(call)
        self._authorize(call)

    def throttled(self, call: Call) -> None:
        """Raise what throttles the call, if anything does."""
        for throttle in list(self.throttles):
            if not _matches(throttle.pattern, call.name):
                continue
            if self.random.random() >= throttle.probability:
                continue
            if throttle.calls is not None:
                throttle.calls -= 1
                if throttle.calls <= 0:
                    self.throttles.remove(throttle)
            code = throttle.code or _THROTTLED.get(call.service, "ThrottlingException")
            raise refusal(call, code, f"Rate exceeded ({call.name}, throttled by the local AWS)")


def _matches(pattern: str, name: str) -> bool:
    if ":" not in pattern:
        pattern = "*:" + pattern
    return fnmatch.fnmatchcase(name, pattern)


class _MethodNames:
    """`name in` a class's methods, without listing them all at every request as moto does."""

    def __init__(self, clazz: type) -> None:
        self._class = clazz

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and callable(getattr(self._class, name, None))


def _operation(handler: Any) -> str:
    action = handler._get_action()
    if isinstance(action, list):
        action = action[0]
    return action or ""


def _call_action(handler: Any) -> Any:
    """Replace BaseResponse.call_action: gate first, and a missing operation is a 400 that names it.

    moto answers one with a 500, which boto3 retries (reference/local-aws.md).
    """
    call = Call(handler.boto3_service_name, _operation(handler), handler)
    try:
        _gate().check(call)
        method = core_responses.camelcase_to_underscores(call.operation)
        if call.operation and not callable(getattr(type(handler), method, None)):
            raise Refusal(
                "UnknownOperationException", f"the local AWS does not implement {call.name}"
            )
    except ServiceException as refused:
        return _refused(handler, call, refused)
    answer = _originals["call_action"](handler)
    if int(answer[0]) < 300 and _gate().loses(call):
        lost = Refusal("InternalServerError", f"the answer of {call.name} is lost")
        lost.http_status = 500
        return _refused(handler, call, lost)
    if int(answer[0]) < 300 and _gate().changes:
        return (*answer[:2], _gate().changed(call, answer[2]))
    return answer


def _refused(handler: Any, call: Call, refused: ServiceException) -> Any:
    status, headers, body = handler.serialized(ActionResult(refused))
    status = getattr(refused, "http_status", None) or status
    headers["status"] = str(status)
    return status, headers, body


def _s3_action(handler: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
    _gate().check(Call("s3", _operation(handler), handler, bucket_name, key_name))


def _s3_serialized(handler: Any, result: ActionResult) -> Any:
    """Give a refusal the HTTP status it asks for: by its code alone SDKs try few errors again."""
    status, headers, body = _originals["s3_serialized"](handler, result)
    if wanted := getattr(result.result, "http_status", None):
        status, headers["status"] = wanted, str(wanted)
    return status, headers, body


_originals: dict[str, Any] = {}
_installed: list[Gate] = []


def _gate() -> Gate:
    return _installed[-1]


class _AnyCode:
    """moto warns of an error code its service model lacks; common codes are in no model."""

    def __contains__(self, code: object) -> bool:
        return True


class Guarded(Protocol):
    """A world, of which only its gate matters here."""

    gate: Gate


def install(world: Guarded) -> None:
    """Put the world's gate before every moto service."""
    _installed[:] = [world.gate]
    _originals["call_action"] = _patches.set(BaseResponse, "call_action", _call_action)
    _patches.set(BaseResponse, "_authenticate_and_authorize_normal_action", lambda *_: None)
    _patches.set(S3Response, "_authenticate_and_authorize_s3_action", _s3_action)
    _originals["s3_serialized"] = _patches.set(S3Response, "serialized", _s3_serialized)
    _patches.set(core_responses, "method_names_from_class", _MethodNames)
    _patches.set(core_errors, "COMMON_ERROR_CODES", _AnyCode())


def uninstall() -> None:
    """Take the gate away."""
    _patches.undo()
    _installed.clear()
