"""How an execution stands: its status, as it is and as it is told of late, and its history."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from local.core.aws import Aws

if TYPE_CHECKING:
    from local.functions.invocation import Invocation

_REDRIVABLE = timedelta(days=14)
# Step Functions quotas: bytes of an input, a result, an output; events of a history, 25,000, here
# less those of a task with its exit, the next one's entry, and the execution's end
MOST_BYTES = 262_144
MOST_EVENTS = 25_000 - 6


@dataclass(frozen=True, slots=True)
class Status:
    """What DescribeExecution tells of an execution that changes."""

    at: datetime
    status: str = "RUNNING"
    stopped: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    redriven: int = 0
    redriven_at: datetime | None = None


@dataclass
class Standing:
    """An execution without what it does.

    `invoke(name, payload, ended)` invokes a function as the machine's role, and tells `ended` of
    the invocation, or of the error before there was one; `over()` is told of the execution's end.
    """

    world: Aws
    arn: str
    machine_arn: str
    machine_name: str
    role_arn: str
    name: str
    input: str
    definition: dict[str, Any]
    invoke: Callable[[str, Any, Callable[[dict[str, Any] | Invocation], None]], None]
    over: Callable[[], None]
    started: datetime
    seen: list[Status] = field(default_factory=list)
    """Each change, for those who are told late."""
    events: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)
    """The history: when, of which type, with what details."""
    doomed: bool = False
    """Its machine is being deleted: it ends at its next state."""

    @property
    def now(self) -> Status:
        """How it really stands."""
        return self.seen[-1]

    @property
    def status(self) -> str:
        """RUNNING, SUCCEEDED, FAILED, ABORTED or TIMED_OUT."""
        return self.now.status

    def as_seen(self, at: datetime) -> Status:
        """Return how it stood then, at the earliest as it began."""
        return next((each for each in reversed(self.seen) if each.at <= at), self.seen[0])

    def may_be_redriven(self) -> bool:
        """Say whether it may be: it did not end well, and not longer than 14 days ago."""
        stopped = self.now.stopped
        if stopped is None or self.status == "SUCCEEDED" or self.doomed:
            return False
        lately = self.world.clock.now() - stopped <= _REDRIVABLE
        return lately and len(self.events) <= MOST_EVENTS

    def _event(self, kind: str, **details: Any) -> None:
        given = {name: value for name, value in details.items() if value is not None}
        self.events.append((self.world.clock.now(), kind, given))

    def context(self, state: str, entered: datetime, tries: int) -> dict[str, Any]:
        """Return the context object (`$$`)."""
        execution = {
            "Id": self.arn,
            "Input": json.loads(self.input),
            "Name": self.name,
            "RoleArn": self.role_arn,
            "StartTime": _text(self.started),
            "RedriveCount": self.now.redriven,
        }
        if self.now.redriven_at:
            execution["RedriveTime"] = _text(self.now.redriven_at)
        return {
            "Execution": execution,
            "State": {
                "Name": state,
                "EnteredTime": _text(entered),
                "RetryCount": tries,
            },
            "StateMachine": {"Id": self.machine_arn, "Name": self.machine_name},
        }


def _text(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
