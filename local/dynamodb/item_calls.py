"""Reads and writes of items: refused by tables that cannot serve them, and charged by size."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from hashlib import md5
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from local.core.errors import AccessDenied
from local.core.patching import Patches
from local.dynamodb.capacity import read_units, state_of, write_units

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()
_seen = threading.local()
_READS = ("scan", "query", "get_item")
_WRITES = ("put_item", "delete_item", "update_item")
# statuses with data operations: ACTIVE and UPDATING (API TableDescription)
_NO_DATA = ("CREATING", "DELETING", "ARCHIVING", "ARCHIVED", "REPLICATION_NOT_AUTHORIZED")


def _refuse_unreadable(handler: DynamoHandler) -> None:
    name = handler.body.get("TableName", "").rsplit("/", 1)[-1]
    table = handler.dynamodb_backend.tables.get(name)
    if table is None:
        return
    status = state_of(table).settings.status
    if status in _NO_DATA:
        # the service's words for an archived table are not confirmed
        raise ResourceNotFoundException(f"Requested resource not found: Table: {name} is {status}")
    if status == "INACCESSIBLE_ENCRYPTION_CREDENTIALS":
        raise AccessDenied(f"KMS key access denied error: the key of table {name} is inaccessible")


def _reading(original: Callable[..., ActionResult]) -> Callable[..., ActionResult]:
    def operation(handler: DynamoHandler) -> ActionResult:
        _refuse_unreadable(handler)
        _seen.size = 0
        result = original(handler)
        consistent = bool(handler.body.get("ConsistentRead"))
        _charge(result, read_units(_seen.size, consistent))
        return result

    return operation


def _writing(original: Callable[..., ActionResult]) -> Callable[..., ActionResult]:
    def operation(handler: DynamoHandler) -> ActionResult:
        _refuse_unreadable(handler)
        _seen.size = 0
        result = original(handler)
        _charge(result, write_units(_seen.size))
        return result

    return operation


def _charge(result: ActionResult, units: float) -> None:
    body: Any = result.result
    consumed = body.get("ConsumedCapacity") if isinstance(body, dict) else None
    if isinstance(consumed, dict):
        consumed["CapacityUnits"] = units
        if "Table" in consumed:
            consumed["Table"]["CapacityUnits"] = units


def _page(original: Callable[..., Any], filter_at: int, projection_at: int) -> Any:
    """Measure a page before its filter: filters save nothing (reference/dynamodb.md section 2).

    The two numbers are the positions of moto's filter and projection arguments.
    """

    def page(table: Table, *args: Any, **kwargs: Any) -> Any:
        given = list(args)
        condition, projection = given[filter_at], given[projection_at]
        given[filter_at] = given[projection_at] = None
        results, scanned, last = original(table, *given, **kwargs)
        _seen.size = sum(item.size() for item in results) * _weight(table)
        if condition is not None:
            results = [item for item in results if condition.expr(item)]
        if projection:
            results = [item.project(projection) for item in results]
        return results, scanned, last

    return page


def _weight(table: Table) -> float:
    """Return for how many of its bytes a byte of an item counts.

    A table that is said to be larger than what it holds is read as slowly as if it held that.
    """
    settings = state_of(table).settings
    declared = settings.read_bytes or settings.size_bytes
    if not declared:
        return 1.0
    sets = list(table.items.values())
    items = [i for part in sets for i in part.values()] if table.has_range_key else sets
    return max(1.0, declared / max(1, sum(item.size() for item in items)))


def _measured_put(original: Callable[..., Item]) -> Callable[..., Item]:
    # the name is moto's: its ImportTable gives the item by it
    def put_item(table: Table, item_attrs: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
        item = original(table, normalised(item_attrs), *args, **kwargs)
        _seen.size = item.size()
        return item

    return put_item


def _measured_get(original: Callable[..., Item | None]) -> Callable[..., Item | None]:
    def get_item(table: Table, *args: Any, **kwargs: Any) -> Item | None:
        item = original(table, *args, **kwargs)
        if item is not None:
            _seen.size = item.size()
        return item

    return get_item


def normalised(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes with numbers as the service stores them ("1.0" is "1")."""
    return {name: _value(value) for name, value in attributes.items()}


def _value(value: Any) -> Any:
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, inner),) = value.items()
    if kind == "N":
        return {"N": _number(inner)}
    if kind == "NS":
        return {"NS": [_number(each) for each in inner]}
    if kind == "L":
        return {"L": [_value(each) for each in inner]}
    if kind == "M":
        return {"M": normalised(inner)}
    return value


def _number(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        number = Decimal(text)
    except ArithmeticError:
        return text
    if not number.is_finite():
        return text
    if number == 0:
        return "0"
    sign, digits, exponent = number.as_tuple()
    kept = "".join(map(str, digits)).rstrip("0")
    power = int(exponent) + len(digits) - len(kept)
    return f"{Decimal((sign, tuple(map(int, kept)), power)):f}"


def _is_within_segment(item: Item, segments: tuple[int | None, int | None]) -> bool:
    """Say whether an item is in (segment, of how many); moto's own fails for binary keys.

    Segments are ranges of the hashes of partition keys (developer guide, "Parallel scan").
    """
    segment, total = segments
    if segment is None or total is None:
        return True
    key = item.hash_key.value
    data = key if isinstance(key, bytes) else str(key).encode()
    place = int.from_bytes(md5(data, usedforsecurity=False).digest()[:4], "big")
    return bool(place * total >> 32 == segment)


def install(world: Aws) -> None:
    """Charge by size, refuse unreadable tables, normalise numbers."""
    for name in _READS:
        _patches.set(DynamoHandler, name, _reading(getattr(DynamoHandler, name)))
    for name in _WRITES:
        _patches.set(DynamoHandler, name, _writing(getattr(DynamoHandler, name)))
    _patches.set(Table, "scan", _page(Table.scan, 3, 6))
    _patches.set(Table, "query", _page(Table.query, 9, 6))
    _patches.set(Item, "is_within_segment", _is_within_segment)
    _patches.set(Table, "put_item", _measured_put(Table.put_item))
    _patches.set(Table, "get_item", _measured_get(Table.get_item))


def uninstall() -> None:
    """Put moto's own reads and writes back."""
    _patches.undo()
