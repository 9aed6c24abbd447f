"""What was written to tables with point-in-time recovery on: how to undo it, item by item.

Each write of an item keeps what was there before, so that a table's items are known as of any
moment since. What a test puts straight into a table (`World.put_items`) was always there.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from local.core.patching import Patches
from local.core.running import current
from local.dynamodb.capacity import state_of

_patches = Patches()


def items_at(table: Table, moment: datetime) -> list[dict[str, Any]]:
    """Return a table's items as of a moment, in moto's JSON."""
    found = {_name(table, item.attrs): _plain(item) for item in table.all_items()}
    for at, name, before in reversed(state_of(table).undo):
        if at <= moment:
            break
        if before is None:
            found.pop(name, None)
        else:
            found[name] = before
    return list(found.values())


def _kept(original: Callable[..., Any]) -> Callable[..., Any]:
    def write(
        backend: DynamoDBBackend, table_name: str, content: Any, *rest: Any, **more: Any
    ) -> Any:
        table = backend.get_table(table_name)
        told = table.continuous_backups["PointInTimeRecoveryDescription"]
        if told["PointInTimeRecoveryStatus"] == "ENABLED":
            names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
            if all(name in content for name in names):
                key = [DynamoType(content[name]) for name in names]
                there = table.get_item(*key)
                before = _plain(there) if there else None
                name = _name(table, dict(zip(names, key, strict=True)))
                state_of(table).undo.append((current().clock.now(), name, before))
        return original(backend, table_name, content, *rest, **more)

    return write


def _plain(item: Item) -> dict[str, Any]:
    # an update changes what is there in place
    attributes: dict[str, Any] = deepcopy(item.to_json()["Attributes"])
    return attributes


def _name(table: Table, attributes: dict[str, DynamoType]) -> str:
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
    return repr([(attributes[name].type, attributes[name].value) for name in names])


def install() -> None:
    """Put these around moto's."""
    for name in ("put_item", "update_item", "delete_item"):
        _patches.set(DynamoDBBackend, name, _kept(getattr(DynamoDBBackend, name)))


def uninstall() -> None:
    """Put moto's own back."""
    _patches.undo()
