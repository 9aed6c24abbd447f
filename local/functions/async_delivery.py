"""Asynchronous invocations: retries, event age, and the record of a failure.

Lambda guide, asynchronous invocation: the second attempt after a minute, the third two minutes
later; then the record goes to the on-failure destination.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.iam import authorize
from local.messaging import sns_sqs

if TYPE_CHECKING:
    from moto.awslambda.models import LambdaFunction

    from local.core.aws import Aws
    from local.functions.invocation import Invocation

_PAUSES_SECONDS = (60, 120)
_DAY_QUARTER_SECONDS = 21_600


@dataclass
class _Delivery:
    world: Aws
    invoke: Callable[[LambdaFunction, Any, str, int], Invocation]
    function: LambdaFunction
    event: Any
    request_id: str
    queued_at: datetime

    def attempt(self, number: int) -> Invocation:
        invocation = self.invoke(self.function, self.event, self.request_id, number)
        if invocation.error is None:
            return invocation
        config = _config(self.function)
        pause = _PAUSES_SECONDS[min(number, len(_PAUSES_SECONDS)) - 1]
        age = (self.world.clock.now() - self.queued_at).total_seconds() + pause
        if number > config.get("MaximumRetryAttempts", 2):
            self._failed(config, invocation, "RetriesExhausted")
        elif age > config.get("MaximumEventAgeInSeconds", _DAY_QUARTER_SECONDS):
            self._failed(config, invocation, "EventAgeExceeded")
        else:
            self.world.clock.call_in(pause, lambda: self.attempt(number + 1))
        return invocation

    def _failed(self, config: dict[str, Any], invocation: Invocation, condition: str) -> None:
        target = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if not target:
            return
        record = {
            "version": "1.0",
            "timestamp": f"{self.world.clock.now():%Y-%m-%dT%H:%M:%S.000Z}",
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": f"{self.function.function_arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": invocation.attempt,
            },
            "requestPayload": self.event,
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "responsePayload": invocation.error,
        }
        self._send(target, json.dumps(record))

    def _send(self, target: str, body: str) -> None:
        account, role = self.function.role.split(":")[4], self.function.role.rsplit("/", 1)[-1]
        service = target.split(":")[2]
        action = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}.get(service)
        if action is None:
            self.world.problems.append(f"destination not supported by the local AWS: {target}")
        elif self.world.iam_enforced and not authorize.allowed(
            self.world, account, role, action, target
        ):
            self.world.problems.append(f"{role} may not {action} on its destination {target}")
        elif service == "sqs":
            sns_sqs.send(target, body)
        else:
            sns_sqs.publish(target, body)


def _config(function: LambdaFunction) -> dict[str, Any]:
    configs = function.event_invoke_config
    return dict(configs[-1].config) if configs else {}


def deliver(
    world: Aws,
    invoke: Callable[[LambdaFunction, Any, str, int], Invocation],
    function: LambdaFunction,
    event: Any,
) -> Invocation:
    """Invoke asynchronously: the first attempt now, what follows on the clock.

    `invoke` runs the function once, given the event, the request's id and the attempt's number.
    """
    delivery = _Delivery(world, invoke, function, event, str(uuid.uuid4()), world.clock.now())
    return delivery.attempt(1)
