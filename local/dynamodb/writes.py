"""BatchWriteItem: its limits, and the write capacity it is held to in virtual time.

Rules: API Reference, BatchWriteItem. Of a table without capacity for all of a batch, the rest comes
back as UnprocessedItems; where nothing was written at all, the call is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import ERROR_TYPE_PREFIX, MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from local.core.patching import Patches
from local.core.running import current
from local.dynamodb import capacity, item_calls, metering
from local.dynamodb.buckets import PARTITION_WRITE_UNITS, Bucket, ReadCapacity
from local.dynamodb.capacity import ON_DEMAND, settle, state_of, write_units

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()
_MOST_REQUESTS = 25
_MOST_ITEM_BYTES = 400 * 1024
# of a table that was never used (developer guide, on-demand mode)
_ON_DEMAND_WRITE = 4_000


def _batch(original: Callable[..., ActionResult]) -> Callable[..., ActionResult]:
    def batch_write_item(handler: DynamoHandler) -> ActionResult:
        world, body = current(), handler.body
        asked: dict[str, list[Any]] = body["RequestItems"]
        tables = {name: handler.dynamodb_backend.get_table(name) for name in asked}
        _check(tables, asked)
        with world.lock:
            taken: dict[str, list[Any]] = {name: [] for name in asked}
            rest: dict[str, list[Any]] = {name: [] for name in asked}
            units = dict.fromkeys(asked, 0.0)
            for name, requests in asked.items():
                for request in requests:
                    cost = _cost(tables[name], request)
                    through = _take(world, tables[name], request, cost)
                    (taken if through else rest)[name].append(request)
                    units[name] += cost if through else 0.0
            if not any(taken.values()):
                raise _refusal(world, next(iter(tables.values())))
            handler.body = {**body, "RequestItems": {n: some for n, some in taken.items() if some}}
            try:
                result = original(handler)
            finally:
                handler.body = body
        answer: Any = result.result
        answer["UnprocessedItems"] = {name: some for name, some in rest.items() if some}
        answer["ConsumedCapacity"] = _consumed(body.get("ReturnConsumedCapacity", "NONE"), units)
        return result

    return batch_write_item


def _check(tables: dict[str, Table], asked: dict[str, list[Any]]) -> None:
    """Refuse what the service refuses as a whole; moto looks at none of it, nor does each SDK."""
    if not 1 <= sum(map(len, asked.values())) <= _MOST_REQUESTS:
        raise MockValidationException(
            "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: "
            "Map value must satisfy constraint: [Member must have length less than or equal to "
            f"{_MOST_REQUESTS}, Member must have length greater than or equal to 1]"
        )
    for name, requests in asked.items():
        item_calls.refuse_unreadable(tables[name])
        keys = [_key(tables[name], request) for request in requests]
        if len({*keys}) < len(keys):
            raise MockValidationException("Provided list of item keys contains duplicates")
        for request in requests:
            if "PutRequest" in request and _size(tables[name], request) > _MOST_ITEM_BYTES:
                raise MockValidationException("Item size has exceeded the maximum allowed size")


def _content(request: dict[str, Any]) -> dict[str, Any]:
    put = request.get("PutRequest")
    content: dict[str, Any] = put["Item"] if put else request["DeleteRequest"]["Key"]
    return item_calls.normalised(content)


def _key(table: Table, request: dict[str, Any]) -> str:
    content = _content(request)
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
    if missing := [name for name in names if name not in content]:
        raise MockValidationException(
            f"One or more parameter values were invalid: Missing the key {missing[0]} in the item"
        )
    return repr([sorted(content[name].items()) for name in names])


def _size(table: Table, request: dict[str, Any]) -> int:
    content = _content(request)
    return int(Item(DynamoType(content[table.hash_key_attr]), None, content).size())


def _cost(table: Table, request: dict[str, Any]) -> float:
    return write_units(_size(table, request) if "PutRequest" in request else 0)


def _take(world: Aws, table: Table, request: dict[str, Any], units: float) -> bool:
    """Let a write through and note it, or refuse it."""
    now = world.clock.now().timestamp()
    writes = state_of(table).writes
    if world.live_capacity:
        left = write_capacity(world, table)
        if not left.take(_partition(left, table, request), units, now):
            writes.throttled[int(now)] = writes.throttled.get(int(now), 0) + 1
            return False
    writes.units[int(now)] = writes.units.get(int(now), 0.0) + units
    return True


def _partition(left: ReadCapacity, table: Table, request: dict[str, Any]) -> Bucket:
    (value,) = _content(request)[table.hash_key_attr].values()
    return left.partition(metering.hash_place(value))


def write_capacity(world: Aws, table: Table) -> ReadCapacity:
    """Return what is left to write of a table now."""
    now = world.clock.now().timestamp()
    state = settle(table, world.clock.now())
    units, count = _units(table), metering.partitions(table)
    left = state.writes.left
    if left is None or len(left.partitions) != count:
        kept = max(1.0, state.settings.burst_seconds)
        left = ReadCapacity(units, [1.0] * count, kept, kept, now, PARTITION_WRITE_UNITS)
        state.writes.left = left
    if left.units != units:
        left.set(units, now)
    return left


def _units(table: Table) -> float:
    if table.billing_mode != ON_DEMAND:
        return float(capacity.units(table.throughput)[1])
    units = max(table.warm_throughput["WriteUnitsPerSecond"], _ON_DEMAND_WRITE)
    most = state_of(table).on_demand_max_write
    return float(units if most is None else min(units, most))


def _refusal(world: Aws, table: Table) -> metering.Throttled:
    """Return the error of a table that takes nothing now, with its reason.

    Reasons: developer guide, "Diagnosing throttling"; their member begins with a small letter in
    ThrottlingException alone (botocore's model).
    """
    left, now = write_capacity(world, table), world.clock.now().timestamp()
    empty = left.table.until(now) <= 0
    own = empty and table.billing_mode != ON_DEMAND
    code, message = metering.ERRORS["provisioned" if own else "other"]
    refusal = metering.Throttled(ERROR_TYPE_PREFIX + code, message)
    most = state_of(table).on_demand_max_write
    kind = "Provisioned" if own else "MaxOnDemand" if empty and most is not None else "KeyRange"
    reason = {"reason": f"TableWrite{kind}ThroughputExceeded", "resource": table.table_arn}
    member = "ThrottlingReasons" if own else "throttlingReasons"
    refusal.description = json.dumps({**json.loads(refusal.description), member: [reason]})
    return refusal


def _consumed(wanted: str, units: dict[str, float]) -> list[dict[str, Any]]:
    """Return what the call consumed; of indexes nothing is known here."""
    if wanted == "NONE":
        return []
    return [
        {"TableName": name, "CapacityUnits": each}
        | ({"Table": {"CapacityUnits": each}} if wanted == "INDEXES" else {})
        for name, each in units.items()
    ]


def install() -> None:
    """Have BatchWriteItem answer so."""
    _patches.set(DynamoHandler, "batch_write_item", _batch(DynamoHandler.batch_write_item))


def uninstall() -> None:
    """Put moto's own back."""
    _patches.undo()
