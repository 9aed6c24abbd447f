"""Application Auto Scaling of table reads: look, suspend scale-in, put back.

Every RegisterScalableTarget pulls the table's capacity into [min, max] (API reference), so scale-in
is suspended before a table is raised and put back after it was lowered. Targets are never removed:
that deletes policies and scheduled actions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hippolyte.tables.table import Scaling, ScheduledAction

if TYPE_CHECKING:
    from hippolyte.clients import Clients

READ_DIMENSION: Final = "dynamodb:table:ReadCapacityUnits"
ACTION_IS_DUE: Final = "a scheduled scaling action may be due before its export ends"

# the console's default for DynamoDB's target tracking, where no policy can be seen
_DEFAULT_UTILIZATION = 70.0
_RECENT = timedelta(minutes=5)


def flags_of(target: Mapping[str, Any]) -> tuple[bool, bool, bool]:
    """Return a target's suspended flags: scale in, scale out, scheduled."""
    state = target.get("SuspendedState", {})
    return (
        bool(state.get("DynamicScalingInSuspended", False)),
        bool(state.get("DynamicScalingOutSuspended", False)),
        bool(state.get("ScheduledScalingSuspended", False)),
    )


def scheduled_action(action: Mapping[str, Any]) -> ScheduledAction:
    """Build a `ScheduledAction` from one of DescribeScheduledActions."""
    zone, bounds = action.get("Timezone") or "UTC", (action.get("StartTime"), action.get("EndTime"))
    return ScheduledAction(action["Schedule"], zone, *bounds)


def may_happen(action: ScheduledAction, since: datetime, until: datetime) -> bool:
    """Say whether an action may happen in that time; what recurs may always, within its bounds."""
    since = max(since, action.start or since)
    until = min(until, action.end or until)
    if since > until:
        return False
    moments = _moments(action)
    return not moments or any(since <= at <= until for at in moments)


def _moments(action: ScheduledAction) -> list[datetime]:
    """Return when an action happens once; none if it recurs, or its time or zone is not known.

    A local time that comes twice, or never, as clocks are changed, has two.
    """
    once = re.fullmatch(r"at\((.+)\)", action.schedule)
    if not once:
        return []
    try:
        zone, local = ZoneInfo(action.timezone), datetime.fromisoformat(once[1])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return []
    return [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]


@dataclass(frozen=True, slots=True)
class ReadScaling:
    """The read scaling of one deployment's tables."""

    clients: Clients

    def target(self, table: str) -> Scaling | None:
        """Return the table's read target, None if it has none."""
        found = self.clients.scaling.describe_scalable_targets(
            ServiceNamespace="dynamodb",
            ResourceIds=[f"table/{table}"],
            ScalableDimension=READ_DIMENSION,
        )["ScalableTargets"]
        if not found:
            return None
        return Scaling(found[0]["MinCapacity"], found[0]["MaxCapacity"], flags_of(found[0]))

    def is_about_to_move(self, table: str, since: datetime, until: datetime) -> bool:
        """Say whether a scheduled action may move the table's target in that time."""
        pages = self.clients.scaling.get_paginator("describe_scheduled_actions").paginate(
            ServiceNamespace="dynamodb",
            ResourceId=f"table/{table}",
            ScalableDimension=READ_DIMENSION,
        )
        found = [scheduled_action(a) for page in pages for a in page["ScheduledActions"]]
        return any(may_happen(action, since, until) for action in found)

    def set_scale_in_suspended(self, table: str, target: Scaling, suspended: bool) -> None:
        """Set the one flag we own; the other two are sent as they are."""
        _, out, scheduled = target.suspended
        self.clients.scaling.register_scalable_target(
            ServiceNamespace="dynamodb",
            ResourceId=f"table/{table}",
            ScalableDimension=READ_DIMENSION,
            SuspendedState={
                "DynamicScalingInSuspended": suspended,
                "DynamicScalingOutSuspended": out,
                "ScheduledScalingSuspended": scheduled,
            },
        )

    def needed(self, table: str, export_rate: float, ended: datetime | None, now: datetime) -> int:
        """Return the read capacity the application's own recent reads need at the policy's target.

        `export_rate` (units/s) is taken off what was consumed until the export `ended` (None: it
        never ran).
        """
        points = self.clients.cloudwatch.get_metric_statistics(
            Namespace="AWS/DynamoDB",
            MetricName="ConsumedReadCapacityUnits",
            Dimensions=[{"Name": "TableName", "Value": table}],
            StartTime=now - _RECENT,
            EndTime=now,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        own = max(
            (
                p["Sum"] / 60 - (export_rate if ended and p["Timestamp"] < ended else 0)
                for p in points
            ),
            default=0.0,
        )
        return math.ceil(own / (self._utilization(table) / 100)) if own > 0 else 0

    def _utilization(self, table: str) -> float:
        policies = self.clients.scaling.describe_scaling_policies(
            ServiceNamespace="dynamodb",
            ResourceId=f"table/{table}",
            ScalableDimension=READ_DIMENSION,
        )["ScalingPolicies"]
        values = [
            p["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
            for p in policies
            if "TargetTrackingScalingPolicyConfiguration" in p
        ]
        return min(values, default=_DEFAULT_UTILIZATION)
