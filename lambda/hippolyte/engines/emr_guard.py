"""Ends a cluster though both functions are dead: a one-time schedule calls TerminateJobFlows.

EventBridge Scheduler makes the call with a role of its own (Scheduler User Guide, "Using universal
targets"), whatever has become of functions and nodes. It deletes the schedule after that one call
("Deletion after schedule completion"), so none is left behind, and nobody needs a right to delete:
for a cluster that has ended meanwhile the call does nothing.
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.record_form import when

if TYPE_CHECKING:
    from hippolyte.clients import Clients
    from hippolyte.engines.engine import Handle
    from hippolyte.settings import Settings

TARGET = "arn:{}:scheduler:::aws-sdk:emr:terminateJobFlows"
"""The universal target, by the partition."""

# what Scheduler cannot do for so long goes to the queue of lost events, which has an alarm; without
# a policy it would try for a day
_TRIES = {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 60}

# Scheduler takes no time that is past, and needs a minute to fire
_SOONEST = timedelta(minutes=2)

_log = logging.getLogger(__name__)


def guard(clients: Clients, settings: Settings, handle: Handle) -> None:
    """Let the cluster of a handle be ended at `guard_at`; what prevents it is in `unguarded`.

    It never raises: a night goes on without. The schedule has the cluster's name, so that one
    cluster has one.
    """
    role, at = settings.emr and settings.emr.guard_role, handle.get("guard_at")
    if not role or not at or when(at) < clock.now() + _SOONEST:
        return
    try:
        clients.seldom("scheduler").create_schedule(
            Name=f"cluster-{handle['cluster']}",
            GroupName=settings.name,
            Description=f"Ends {handle['name']} if nobody else has"[:512],
            ScheduleExpression=f"at({when(at):%Y-%m-%dT%H:%M:%S})",
            ScheduleExpressionTimezone="UTC",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={
                "Arn": TARGET.format(settings.partition),
                "RoleArn": role,
                "Input": json.dumps({"JobFlowIds": [handle["cluster"]]}),
                "RetryPolicy": _TRIES,
                "DeadLetterConfig": {"Arn": _lost_events(settings)},
            },
        )
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code != "ConflictException":
            _log.warning("no schedule ends cluster %s: %s", handle["cluster"], error)
            handle["unguarded"] = str(error)
            return
    handle.pop("unguarded", None)


def _lost_events(settings: Settings) -> str:
    """Return the ARN of the module's queue: its name is made of the deployment's."""
    home = f"{settings.region}:{settings.account}"
    return f"arn:{settings.partition}:sqs:{home}:{settings.name}-lost"
