"""What a request passes before moto answers: hooks, throttles, denials, IAM, missing operations."""

from __future__ import annotations

import fnmatch
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from moto.core import errors as core_errors
from moto.core import responses as core_responses
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.s3.exceptions import S3ClientError
from moto.s3.responses import S3Response
from moto.utilities.utils import get_partition

from local.patching import Patches, current

if TYPE_CHECKING:
    from local.world import World

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
class Call:
    """One request: which operation of which service, by whom, with what parameters."""

    service: str
    operation: str
    handler: Any = field(repr=False)
    bucket: str | None = None
    key: str | None = None

    @property
    def name(self) -> str:
        """The operation as tests and hooks name it, `dynamodb:DescribeTable`."""
        return f"{self.service}:{self.operation}"

    @property
    def account(self) -> str:
        """The account of the caller."""
        return cast(str, self.handler.current_account)

    @property
    def region(self) -> str:
        """The region the request was sent to."""
        return cast(str, self.handler.region)

    @property
    def partition(self) -> str:
        """The partition of the region, `aws`."""
        return cast(str, get_partition(self.region))

    @property
    def access_key(self) -> str:
        """The access key id the request was signed with."""
        return cast(str, self.handler.get_access_key())

    @cached_property
    def path(self) -> str:
        """The decoded path of the URL (REST services)."""
        return unquote(self.handler.path)

    @cached_property
    def params(self) -> dict[str, Any]:
        """The request's parameters: JSON body, or form and query fields."""
        parsed = getattr(self.handler, "params", None)
        if parsed:
            # some services parse to a dictionary of other spellings of the names
            original = getattr(parsed, "original_dict", None)
            return dict(original() if original else parsed)
        body = self.handler.body
        if body and self.service != "s3":
            try:
                loaded = json.loads(body)
            except ValueError:
                loaded = None
            if isinstance(loaded, dict):
                return loaded
        return {
            k: v[0] if isinstance(v, list) and v else v for k, v in self.handler.querystring.items()
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


class Gate:
    """Counts, hooks, throttles and denials of a world, by globs of `service:Operation`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.calls: Counter[str] = Counter()
        self.throttles: list[_Throttle] = []
        self.hooks: list[_Hook] = []
        self.losses: list[_Loss] = []
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
        self._throttled(call)
        from local import iam

        iam.authorize(self._world, call)

    def _throttled(self, call: Call) -> None:
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
            raise error(call, code, f"Rate exceeded ({call.name}, throttled by the local AWS)")


class Refusal(ServiceException):
    """When the gate answers in moto's place; a class of ours, as moto looks up models by module."""

    http_status: int | None = None


class S3Refusal(S3ClientError):
    """The same for S3."""

    __module__ = "local.gate"
    http_status: int | None = None


def error(call: Call, code: str, message: str) -> ServiceException:
    """Return an exception that the service's own protocol can carry."""
    return S3Refusal(code, message) if call.service == "s3" else Refusal(code, message)


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
        current().gate.check(call)
        method = core_responses.camelcase_to_underscores(call.operation)
        if call.operation and not callable(getattr(type(handler), method, None)):
            raise Refusal(
                "UnknownOperationException", f"the local AWS does not implement {call.name}"
            )
    except ServiceException as refused:
        return _refused(handler, call, refused)
    answer = _originals["call_action"](handler)
    if int(answer[0]) < 300 and current().gate.loses(call):
        lost = Refusal("InternalServerError", f"the answer of {call.name} is lost")
        lost.http_status = 500
        return _refused(handler, call, lost)
    return answer


def _refused(handler: Any, call: Call, refused: ServiceException) -> Any:
    status, headers, body = handler.serialized(ActionResult(refused))
    status = getattr(refused, "http_status", None) or status
    headers["status"] = str(status)
    return status, headers, body


def _s3_action(handler: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
    current().gate.check(Call("s3", _operation(handler), handler, bucket_name, key_name))


def _s3_serialized(handler: Any, result: ActionResult) -> Any:
    """Give a refusal the HTTP status it asks for: by its code alone SDKs try few errors again."""
    status, headers, body = _originals["s3_serialized"](handler, result)
    if wanted := getattr(result.result, "http_status", None):
        status, headers["status"] = wanted, str(wanted)
    return status, headers, body


_originals: dict[str, Any] = {}


class _AnyCode:
    """moto warns of an error code its service model lacks; common codes are in no model."""

    def __contains__(self, code: object) -> bool:
        return True


def install(world: World) -> None:
    """Put the gate before every moto service."""
    _originals["call_action"] = _patches.set(BaseResponse, "call_action", _call_action)
    _patches.set(BaseResponse, "_authenticate_and_authorize_normal_action", lambda *_: None)
    _patches.set(S3Response, "_authenticate_and_authorize_s3_action", _s3_action)
    _originals["s3_serialized"] = _patches.set(S3Response, "serialized", _s3_serialized)
    _patches.set(core_responses, "method_names_from_class", _MethodNames)
    _patches.set(core_errors, "COMMON_ERROR_CODES", _AnyCode())


def uninstall() -> None:
    """Take the gate away."""
    _patches.undo()
