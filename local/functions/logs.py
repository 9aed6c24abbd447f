"""A function's log in its CloudWatch log group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.logs.models import logs_backends

from local.functions.invocation import Invocation, logging_config
from local.iam import authorize

if TYPE_CHECKING:
    from moto.awslambda.models import LambdaFunction

    from local.core.aws import Aws


def stream_name(invocation: Invocation) -> str:
    """Return the log stream of an invocation (a stream a day and function here)."""
    return f"{invocation.at:%Y/%m/%d}/[$LATEST]{invocation.function}"


def write(world: Aws, function: LambdaFunction, invocation: Invocation) -> None:
    """Write the invocation's log to the function's group, if its role may."""
    group = logging_config(function)["LogGroup"]
    stream = stream_name(invocation)
    arn = f"arn:aws:logs:{function.region}:{function.account_id}:log-group:{group}"
    role = function.role.rsplit("/", 1)[-1]
    account = function.role.split(":")[4]
    for action, resource in (
        ("logs:CreateLogStream", f"{arn}:log-stream:{stream}"),
        ("logs:PutLogEvents", f"{arn}:log-stream:{stream}"),
    ):
        if world.iam_enforced and not authorize.allowed(world, account, role, action, resource):
            return
    backend = logs_backends[function.account_id][function.region]
    if group not in backend.groups:
        return
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    at = int(invocation.at.timestamp() * 1000)
    lines = [f"START RequestId: {invocation.request_id} Version: $LATEST"]
    lines += [line for line in invocation.log.splitlines() if line]
    lines.append(
        f"END RequestId: {invocation.request_id} Duration: {invocation.slept_seconds * 1000:.0f} ms"
    )
    events: list[dict[str, Any]] = [{"timestamp": at, "message": line} for line in lines]
    backend.put_log_events(group, stream, events)
