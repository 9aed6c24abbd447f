"""Reads and writes of items: refused by tables that cannot serve them, and charged by size."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models import table as moto_table
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from local.core.errors import AccessDenied
from local.core.patching import Patches
from local.core.running import current
from local.dynamodb import generated, metering
from local.dynamodb.capacity import read_units, state_of, write_units

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()
_PAGE = 1 << 20
_seen = threading.local()
_READS = ("scan", "query", "get_item")
_WRITES = ("put_item", "delete_item", "update_item")
_PAGE_BYTES = 1 << 20
_serialized: Any = vars(BaseJSONSerializer)["_serialize_body"]
# statuses with data operations: ACTIVE and UPDATING (API TableDescription)
_NO_DATA = ("CREATING", "DELETING", "ARCHIVING", "ARCHIVED", "REPLICATION_NOT_AUTHORIZED")


def _refuse_unreadable(handler: DynamoHandler) -> None:
    name = handler.body.get("TableName", "").rsplit("/", 1)[-1]
    table = handler.dynamodb_backend.tables.get(name)
    if table is not None:
        refuse_unreadable(table)


def refuse_unreadable(table: Table) -> None:
    """Refuse what is done to items of a table that is being made, deleted or archived."""
    name = table.name
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
        world = current()
        name = handler.body.get("TableName", "").rsplit("/", 1)[-1]
        table = handler.dynamodb_backend.tables.get(name)
        of_table = table is not None and not handler.body.get("IndexName")
        with world.lock:
            place = _place(table, handler.body) if table is not None else 0.0
            if table is not None and of_table:
                metering.check(world, table, place)
            result = original(handler)
            consistent = bool(handler.body.get("ConsistentRead"))
            units = read_units(_seen.size, consistent)
            if table is not None and of_table:
                metering.took(world, table, place, units)
        _charge(result, units)
        return result

    return operation


def _place(table: Table, body: dict[str, Any]) -> float:
    """Return where in the hash space a read begins, from 0 to 1."""
    key = body.get("ExclusiveStartKey") or body.get("Key") or {}
    made = state_of(table).settings.generated
    if made and "Key" not in body:
        return generated.start(made, body, table.hash_key_attr) / max(1, made.items)
    if value := key.get(table.hash_key_attr):
        return metering.hash_place(next(iter(value.values())))
    return (body.get("Segment") or 0) / (body.get("TotalSegments") or 1)


def _generating(original: Callable[..., ActionResult]) -> Callable[..., ActionResult]:
    """Let a Scan of a table with generated items make them up; filters are not applied."""

    def scan(handler: DynamoHandler) -> ActionResult:
        body = handler.body
        table = handler.dynamodb_backend.tables.get(body.get("TableName", "").rsplit("/", 1)[-1])
        made = state_of(table).settings.generated if table is not None else None
        if table is None or made is None or body.get("IndexName"):
            return original(handler)
        kinds = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
        names = {name: kinds[name] for name in table.attribute_keys}
        answer, _seen.size = generated.page(made, body, names)
        if body.get("ReturnConsumedCapacity", "NONE") != "NONE":
            answer["ConsumedCapacity"] = {"TableName": table.name, "CapacityUnits": 0.0}
        return ActionResult(answer)

    return scan


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


def _page(original: Callable[..., Any], arguments: tuple[int, int, int, int]) -> Any:
    """Measure a page before its filter: filters save nothing (reference/dynamodb.md section 2).

    The numbers are the positions of moto's filter, projection, limit and index arguments.
    """
    filter_at, projection_at, limit_at, index_at = arguments

    def page(table: Table, *args: Any, **kwargs: Any) -> Any:
        given = list(args)
        condition, projection = given[filter_at], given[projection_at]
        given[filter_at] = given[projection_at] = None
        weight, each = _weight(table)
        if weight > 1:
            # as an item that passes 1 MB ends the page
            fit = max(1, int(_PAGE / (weight * each)))
            given[limit_at] = min(given[limit_at] or fit, fit)
        results, scanned, last = original(table, *given, **kwargs)
        _seen.size = sum(item.size() for item in results) * weight
        # the service looks no further than Limit: what ends there has a key, whatever is left
        if last is None and results and scanned == given[limit_at]:
            last = table._get_last_evaluated_key(results[-1], given[index_at])
        if condition is not None:
            results = [item for item in results if condition.expr(item)]
        if projection:
            results = [item.project(projection) for item in results]
        return results, scanned, last

    return page


def _weight(table: Table) -> tuple[float, float]:
    """Return for how many of its bytes a byte of an item counts, and what an item has.

    A table that is said to be larger than what it holds is read as slowly as if it held that.
    """
    settings = state_of(table).settings
    declared = settings.read_bytes or settings.size_bytes
    if not declared:
        return 1.0, 1.0
    sets = list(table.items.values())
    items = [i for part in sets for i in part.values()] if table.has_range_key else sets
    size = max(1, sum(item.size() for item in items))
    return max(1.0, declared / size), size / max(1, len(items))


def _measured_put(original: Callable[..., Item]) -> Callable[..., Item]:
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


def _compact(serializer: Any, body: Any) -> str:
    """Write a Scan's answer without blanks, as the service does and moto does not."""
    if getattr(serializer, "operation_name", None) == "Scan":
        return json.dumps(body, separators=(",", ":"))
    text: str = _serialized(serializer, body)
    return text


def _is_within_segment(item: Item, segments: tuple[int | None, int | None]) -> bool:
    """Say whether an item is in (segment, of how many); moto's own fails for binary keys.

    Segments are ranges of the hashes of partition keys (developer guide, "Parallel scan").
    """
    segment, total = segments
    if segment is None or total is None:
        return True
    return int(metering.hash_place(item.hash_key.value) * total) == segment


def install(world: Aws) -> None:
    """Charge by size, refuse unreadable tables, normalise numbers."""
    for name in _READS:
        original = getattr(DynamoHandler, name)
        original = _generating(original) if name == "scan" else original
        _patches.set(DynamoHandler, name, _reading(original))
    for name in _WRITES:
        _patches.set(DynamoHandler, name, _writing(getattr(DynamoHandler, name)))
    _patches.set(Table, "scan", _page(Table.scan, (3, 6, 1, 4)))
    _patches.set(Table, "query", _page(Table.query, (9, 6, 3, 7)))
    _patches.set(moto_table, "RESULT_SIZE_LIMIT", _PAGE_BYTES)
    _patches.set(BaseJSONSerializer, "_serialize_body", _compact)
    _patches.set(Item, "is_within_segment", _is_within_segment)
    _patches.set(Table, "put_item", _measured_put(Table.put_item))
    _patches.set(Table, "get_item", _measured_get(Table.get_item))


def uninstall() -> None:
    """Put moto's own reads and writes back."""
    _patches.undo()
