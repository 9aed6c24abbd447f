"""Reads held to a table's capacity in virtual time, and what they took, by second."""

from __future__ import annotations

import math
from hashlib import md5
from typing import TYPE_CHECKING, Any

from moto.dynamodb.exceptions import ERROR_TYPE_PREFIX, DynamodbException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from local.dynamodb import capacity, tracking
from local.dynamodb.buckets import Bucket, ReadCapacity
from local.dynamodb.capacity import ON_DEMAND, ReadLedger, settle, state_of
from local.dynamodb.description import described

if TYPE_CHECKING:
    from local.core.aws import Aws

_PARTITION_BYTES = 10 * 10**9
_SPLIT_READ, _SPLIT_WRITE = 3000, 1000
# of a table that was never used (developer guide, on-demand mode)
_ON_DEMAND_READ = 12_000


class Throttled(DynamodbException):
    """When a table has nothing left to read from."""


ERRORS = {
    "provisioned": (
        "ProvisionedThroughputExceededException",
        "The level of configured provisioned throughput for the table was exceeded. Consider "
        "increasing your provisioning level with the UpdateTable API.",
    ),
    "other": (
        "ThrottlingException",
        "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically "
        "scaling your table or index so please try again shortly.",
    ),
}


def hash_place(key: Any) -> float:
    """Return where a partition key's value lies in the hash space, from 0 to 1."""
    data = key if isinstance(key, bytes) else str(key).encode()
    digest = md5(data, usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "big") / (1 << 32)


def ledger(world: Aws, account: str, region: str, name: str) -> ReadLedger:
    """Return what was read of a table so far; of one that is gone, nothing."""
    table = dynamodb_backends[account][region].tables.get(name)
    return state_of(table).reads if table else ReadLedger()


def read_capacity(world: Aws, table: Table) -> ReadCapacity:
    """Return what is left to read of a table now."""
    now = world.clock.now().timestamp()
    state = settle(table, world.clock.now())
    units, count = _units(table), partitions(table)
    left = state.reads.left
    if left is None:
        kept = max(1.0, state.settings.burst_seconds)
        left = ReadCapacity(units, [1.0] * count, burst=kept, kept=kept, now=now)
        state.reads.left = left
    if left.units != units:
        left.set(units, now)
    if len(left.partitions) != count:
        again = ReadCapacity(units, [1.0] * count, now=now)
        left.ends, left.partitions = again.ends, again.partitions
    return left


def _units(table: Table) -> float:
    settings = state_of(table).settings
    if table.billing_mode != ON_DEMAND:
        return float(capacity.units(table.throughput)[0])
    warm = settings.warm_read or table.warm_throughput["ReadUnitsPerSecond"]
    ceiling = settings.on_demand_max_read
    units = max(warm, _ON_DEMAND_READ) if settings.warm_read is None else warm
    return float(units if ceiling is None else min(units, ceiling))


def partitions(table: Table) -> int:
    """Return how many a table has: by size and capacity (a rule of thumb, not AWS's word)."""
    settings = state_of(table).settings
    if settings.partitions is not None:
        return settings.partitions
    size = settings.size_bytes or (settings.generated.size_bytes if settings.generated else None)
    if size is None:
        size = described(table, "Table", stale=False)["Table"]["TableSizeBytes"]
    write = capacity.units(table.throughput)[1]
    by_units = math.ceil(_units(table) / _SPLIT_READ + write / _SPLIT_WRITE - 1e-9)
    # it does not shrink when the capacity does
    had = state_of(table).reads.left
    return max(1, math.ceil(size / _PARTITION_BYTES), by_units, len(had.partitions) if had else 1)


def check(world: Aws, table: Table, place: float) -> None:
    """Refuse a read at a place in the hash space if there is nothing left for it."""
    if not world.live_capacity:
        return
    left, now = read_capacity(world, table), world.clock.now().timestamp()
    bucket = left.partition(place)
    table_empty = left.table.until(now) <= 0
    if not table_empty and bucket.until(now) > 0:
        return
    throttled = state_of(table).reads.throttled
    throttled[int(now)] = throttled.get(int(now), 0) + 1
    own = table_empty and table.billing_mode != ON_DEMAND
    code, message = ERRORS["provisioned" if own else "other"]
    raise Throttled(ERROR_TYPE_PREFIX + code, message)


def took(world: Aws, table: Table, place: float, units: float) -> None:
    """Note what a read took, and take it from what is left."""
    now = world.clock.now().timestamp()
    reads = state_of(table).reads
    reads.units[int(now)] = reads.units.get(int(now), 0.0) + units
    if not world.live_capacity:
        return
    left = read_capacity(world, table)
    _take(left.table, units, now)
    _take(left.partition(place), units, now)
    tracking.watch(world, table)


def at_once(world: Aws, account: str, region: str, name: str, units: float) -> float:
    """Read of a table by its name, as `spread`; nothing of one that is gone."""
    table = dynamodb_backends[account][region].tables.get(name)
    return spread(world, table, units) if table else 0.0


def spread(world: Aws, table: Table, units: float) -> float:
    """Read evenly over all keys; return how many of the units were there."""
    left, now = read_capacity(world, table), world.clock.now().timestamp()
    share, served = units / len(left.partitions), 0.0
    for bucket in left.partitions:
        through = min(share, max(0.0, left.table.until(now)), max(0.0, bucket.until(now)))
        _take(left.table, through, now)
        _take(bucket, through, now)
        served += through
    reads = state_of(table).reads
    reads.units[int(now)] = reads.units.get(int(now), 0.0) + served
    if world.live_capacity:
        tracking.watch(world, table)
    return served


def _take(bucket: Bucket, units: float, now: float) -> None:
    bucket.until(now)
    bucket.level -= units
