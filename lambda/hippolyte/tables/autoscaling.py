"""Application Auto Scaling of table reads: look, suspend scale-in, put back.

Every RegisterScalableTarget pulls the table's capacity into [min, max] (API reference), so scale-in
is suspended before a table is raised and put back after it was lowered. Targets are never removed:
that deletes policies and scheduled actions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from hippolyte.tables.table import Scaling

if TYPE_CHECKING:
    from hippolyte.clients import Clients

READ_DIMENSION: Final = "dynamodb:table:ReadCapacityUnits"

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
