"""DynamoDB as moto has it, mended: ids, sizes, states, quotas, capacity changes that take time.

Facts: reference/dynamodb.md; moto's faults: reference/local-aws.md.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import (
    ItemSizeTooLarge,
    MockValidationException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from local.core.patching import Patches
from local.core.running import current
from local.dynamodb import capacity, exports, history, imports, item_calls, side_settings, writes
from local.dynamodb.capacity import settle, state_of
from local.dynamodb.description import described
from local.dynamodb.table_settings import TableSettings

if TYPE_CHECKING:
    from local.core.aws import Aws

__all__ = ["TableSettings", "describe", "install", "put_items", "set_table", "uninstall"]

_patches = Patches()
_originals: dict[str, Any] = {}
_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_MAX_ITEM_BYTES = 400 * 1024
_SETTINGS = {f.name for f in fields(TableSettings)}


def describe(world: Aws, account: str, region: str, table: str) -> dict[str, Any] | None:
    """Return what DescribeTable would say of a table now (never stale), None if there is none."""
    found = dynamodb_backends[account][region].tables.get(table)
    if found is None:
        return None
    answer: dict[str, Any] = described(found, "Table", stale=False)["Table"]
    return answer


def set_table(world: Aws, account: str, region: str, name: str, settings: dict[str, Any]) -> None:
    """Set fields of the table's `TableSettings`."""
    table = dynamodb_backends[account][region].tables.get(name)
    if table is None:
        raise ValueError(f"no table {name} in {account} {region}: create it first")
    unknown = set(settings) - _SETTINGS
    if unknown:
        raise ValueError(f"unknown table settings {sorted(unknown)}; there are {sorted(_SETTINGS)}")
    state = settle(table, world.clock.now())
    for key, value in settings.items():
        setattr(state.settings, key, value)


def settings_of(account: str, region: str, name: str) -> TableSettings:
    """Return what was set of a table; the defaults if it is gone."""
    table = dynamodb_backends[account][region].tables.get(name)
    return state_of(table).settings if table else TableSettings()


def put_items(
    world: Aws, account: str, region: str, name: str, items: Iterable[dict[str, Any]]
) -> None:
    """Put items straight into moto's table: a hundred times faster than requests."""
    table = dynamodb_backends[account][region].tables[name]
    for attributes in items:
        hash_key = DynamoType(attributes[table.hash_key_attr])
        if table.range_key_attr is None:
            table.items[hash_key] = Item(hash_key, None, attributes)
        else:
            range_key = DynamoType(attributes[table.range_key_attr])
            table.items[hash_key][range_key] = Item(hash_key, range_key, attributes)
    state_of(table).measured = None


def _describe_table(backend: DynamoDBBackend, name: str) -> dict[str, Any]:
    table = backend.tables.get(name.rsplit("/", 1)[-1])
    if table is not None and state_of(table).settings.vanish_at_describe:
        del backend.tables[table.name]
        table = None
    if table is None:
        raise ResourceNotFoundException(table_name=name)
    return table.describe(base_key="Table")


def _list_tables(
    backend: DynamoDBBackend, limit: int, start: str | None
) -> tuple[list[str], str | None]:
    """Page by name: moto ends the list early if the table it should go on after is gone."""
    names = sorted(backend.tables)
    first = bisect.bisect_right(names, start) if start else 0
    page = names[first : first + limit]
    return page, page[-1] if first + limit < len(names) else None


def _update_table(
    backend: DynamoDBBackend,
    name: str,
    attr_definitions: Any,
    global_index: Any,
    throughput: dict[str, int] | None,
    billing_mode: str | None,
    *rest: Any,
    **more: Any,
) -> Table:
    world = current()
    with world.lock:
        table = backend.get_table(name)
        capacity.refuse_if_busy(table, settle(table, world.clock.now()))
        capacity.start_change(world, table, throughput, billing_mode, list(backend.tables.values()))
        _originals["update_table"](
            backend, name, attr_definitions, global_index, None, None, *rest, **more
        )
        return table


def _handle_update_table(handler: DynamoHandler) -> ActionResult:
    result = _originals["handle_update_table"](handler)
    table = handler.dynamodb_backend.get_table(handler.body["TableName"])
    _keep_settings(table, handler.body)
    return result


def _handle_create_table(handler: DynamoHandler) -> ActionResult:
    _check_name(handler.body["TableName"])
    _originals["handle_create_table"](handler)
    table = handler.dynamodb_backend.get_table(handler.body["TableName"])
    _keep_settings(table, handler.body)
    return _describe_result(table)


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name):
        return
    raise MockValidationException(
        f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ and have length from 3 "
        "to 255"
    )


def _describe_result(table: Table) -> ActionResult:
    return ActionResult(table.describe())


def _keep_settings(table: Table, body: dict[str, Any]) -> None:
    """Keep what moto drops of a create or update request."""
    state = state_of(table)
    ceilings = body.get("OnDemandThroughput") or {}
    for name, holder, attribute in (
        ("MaxReadRequestUnits", state.settings, "on_demand_max_read"),
        ("MaxWriteRequestUnits", state, "on_demand_max_write"),
    ):
        if name in ceilings:
            setattr(holder, attribute, None if ceilings[name] == -1 else ceilings[name])
    if body.get("TableClass"):
        state.settings.table_class = body["TableClass"]


def _delete_table(backend: DynamoDBBackend, name: str) -> Table:
    table = backend.get_table(name)
    state = settle(table, current().clock.now())
    if state.pending:
        raise ResourceInUseException(
            f"Attempt to change a resource which is still in use: Table is being updated: {name}"
        )
    deleted: Table = _originals["delete_table"](backend, name)
    # the answer says DELETING (API DeleteTable); the table itself is gone at once
    state.settings.status = "DELETING"
    return deleted


def _describe_limits(handler: DynamoHandler) -> ActionResult:
    limits = current().limits
    return ActionResult(
        {
            "AccountMaxReadCapacityUnits": limits.account_read,
            "AccountMaxWriteCapacityUnits": limits.account_write,
            "TableMaxReadCapacityUnits": limits.table_read,
            "TableMaxWriteCapacityUnits": limits.table_write,
        }
    )


def _size(value: DynamoType) -> int:
    """Return a value's bytes (developer guide, "DynamoDB item sizes and formats").

    moto has none of the rules but for text.
    """
    inner = value.value
    match value.type:
        case "N":
            return _number_size(str(inner))
        case "NS":
            return sum(_number_size(str(each)) for each in inner)
        case "BOOL" | "NULL":
            return 1
        case "B":
            return _binary_size(inner)
        case "BS":
            return sum(map(_binary_size, inner))
        case "SS":
            return sum(len(each.encode()) for each in inner)
        case "L":
            return 3 + sum(1 + _size(each) for each in inner)
        case "M":
            return 3 + sum(1 + len(k.encode()) + _size(each) for k, each in inner.items())
        case _:
            return len(str(inner).encode())


def _binary_size(value: Any) -> int:
    # moto keeps the base64 of some
    return len(value) if isinstance(value, bytes) else len(value) // 4 * 3 - value[-2:].count("=")


def _number_size(text: str) -> int:
    """Return a byte for each two decimal places that are not zero, one more, one for a minus.

    The pairs begin at the decimal point, as DynamoDB Local counts them.
    """
    try:
        sign, digits, exponent = Decimal(text).as_tuple()
    except ArithmeticError:
        return len(text)
    kept = "".join(map(str, digits)).strip("0")
    power = int(exponent) + len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return (len(kept) + power % 2 + 1) // 2 + 1 + sign if kept else 1


def _set_attribute(attributes: LimitedSizeDict, key: str, value: DynamoType) -> None:
    """Set an item's attribute if the item keeps to the service's 400 KB."""
    size = sum(len(k.encode()) + v.size() for k, v in attributes.items() if k != key)
    if size + len(key.encode()) + value.size() > _MAX_ITEM_BYTES:
        raise ItemSizeTooLarge
    dict.__setitem__(attributes, key, value)


def _counting(name: str) -> Callable[..., Any]:
    def write(target: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return _originals[name](target, *args, **kwargs)
        finally:
            table = target if isinstance(target, Table) else target.get_table(args[0])
            state_of(table).measured = None

    return write


def install(world: Aws) -> None:
    """Mend moto's DynamoDB."""
    for target, name, value, key in (
        (Table, "describe", described, "describe"),
        (DynamoDBBackend, "describe_table", _describe_table, "describe_table"),
        (DynamoDBBackend, "list_tables", _list_tables, "list_tables"),
        (DynamoDBBackend, "update_table", _update_table, "update_table"),
        (DynamoDBBackend, "delete_table", _delete_table, "delete_table"),
        (DynamoHandler, "update_table", _handle_update_table, "handle_update_table"),
        (DynamoHandler, "create_table", _handle_create_table, "handle_create_table"),
        (DynamoHandler, "describe_limits", _describe_limits, "describe_limits"),
        (DynamoType, "size", _size, "size"),
        (LimitedSizeDict, "__setitem__", _set_attribute, "set_attribute"),
        (Table, "put_item", _counting("put_item"), "put_item"),
        (Table, "delete_item", _counting("delete_item"), "delete_item"),
        (DynamoDBBackend, "update_item", _counting("update_item"), "update_item"),
    ):
        _originals[key] = _patches.set(target, name, value)
    item_calls.install(world)
    writes.install()
    side_settings.install()
    imports.install(_keep_settings)
    exports.install()
    history.install()


def uninstall() -> None:
    """Put moto's DynamoDB back."""
    history.uninstall()
    exports.uninstall()
    imports.uninstall()
    side_settings.uninstall()
    writes.uninstall()
    item_calls.uninstall()
    _patches.undo()
