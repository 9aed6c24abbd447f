"""Target tracking: auto scaling that follows what is read, as its two alarms do.

Out when more than the target was read in each of two minutes, in when less than 20 points below it
in each of fifteen; minutes without reads say nothing (developer guide, "Managing throughput with
auto scaling"; the alarms are Application Auto Scaling's own).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.core.exceptions import ServiceException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from local.core.aws import later
from local.dynamodb import capacity
from local.dynamodb.capacity import ON_DEMAND, settle, state_of

if TYPE_CHECKING:
    from local.core.aws import Aws

OUT_MINUTES, IN_MINUTES = 2, 15
_DIMENSION = "dynamodb:table:ReadCapacityUnits"
_BELOW = 20.0


@dataclass(frozen=True, slots=True)
class Minute:
    """What was read in a minute, in units, and the capacity there was."""

    units: float
    capacity: int


def wanted(minutes: list[Minute], target: float) -> int | None:
    """Return the capacity that target tracking asks for, None if it leaves things as they are.

    `target` is in percent; the last minute is the latest.
    """

    def used(minute: Minute) -> float:
        return 100 * minute.units / 60 / minute.capacity

    out, low = minutes[-OUT_MINUTES:], minutes[-IN_MINUTES:]
    high = len(out) == OUT_MINUTES and all(used(m) > target for m in out)
    quiet = len(low) == IN_MINUTES and all(m.units and used(m) < target - _BELOW for m in low)
    if not high and not quiet:
        return None
    busiest = max(m.units for m in (out if high else low)) / 60
    return max(1, math.ceil(100 * busiest / target))


def watch(world: Aws, table: Table) -> None:
    """Look at a table that is read each minute, as long as it is, if a policy is on it."""
    if state_of(table).reads.scaled or _policy(table) is None:
        return
    state_of(table).reads.scaled = True
    _next_minute(world, table, [])


def _next_minute(world: Aws, table: Table, minutes: list[Minute]) -> None:
    units = capacity.units(table.throughput)[0]
    since = world.clock.now().timestamp()
    counted = state_of(table).reads.units
    before = counted.get(int(since), 0.0)

    def look() -> None:
        backend = dynamodb_backends[table.account_id][table.region_name]
        reads = state_of(table).reads
        found = _policy(table)
        if backend.tables.get(table.name) is not table or found is None:
            reads.scaled = False
            return
        first, end = int(since), int(since) + 60
        read = sum(counted.get(second, 0.0) for second in range(first, end)) - before
        del minutes[: -IN_MINUTES + 1]
        minutes.append(Minute(max(0.0, read), max(1, units)))
        if not any(minute.units for minute in minutes):
            reads.scaled = False
            return
        if (to := wanted(minutes, found[1])) is not None and _scale(world, table, found[0], to):
            minutes.clear()
        _next_minute(world, table, minutes)

    later(world, 60, look)


def _policy(table: Table) -> tuple[Any, float] | None:
    """Return a table's target for reads, and the percentage it is to keep."""
    backend = applicationautoscaling_backends[table.account_id][table.region_name]
    resource = f"table/{table.name}"
    target = backend.targets.get(_DIMENSION, {}).get(resource)
    for policy in backend.policies.values():
        if (policy.resource_id, policy.scalable_dimension) == (resource, _DIMENSION):
            tracking: Any = policy.target_tracking_scaling_policy_configuration
            if target is not None and tracking:
                return target, float(tracking["TargetValue"])
    return None


def _scale(world: Aws, table: Table, target: Any, units: int) -> bool:
    """Change the capacity within the target's range; say whether that was begun."""
    state = settle(table, world.clock.now())
    read, write = capacity.units(table.throughput)
    to = min(max(units, target.min_capacity), target.max_capacity)
    kind = "DynamicScalingOutSuspended" if to > read else "DynamicScalingInSuspended"
    if to == read or state.pending or table.billing_mode == ON_DEMAND:
        return False
    if target.suspended_state[kind]:
        return False
    throughput = {"ReadCapacityUnits": to, "WriteCapacityUnits": write}
    tables = dynamodb_backends[table.account_id][table.region_name].tables.values()
    try:
        capacity.start_change(world, table, throughput, None, list(tables))
    except ServiceException:  # a quota, or the day's decreases are used up: it tries again
        return False
    return True
