"""The items of a table in moto's backend, in the low-level form of boto3's client."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moto.dynamodb.models.dynamo_type import DynamoType


def _low_level(value: DynamoType) -> dict[str, Any]:
    match value.type:
        case "B":
            return {"B": _binary(value.value)}
        case "BS":
            return {"BS": [_binary(one) for one in value.value]}
        case "L":
            return {"L": [_low_level(one) for one in value.value]}
        case "M":
            return {"M": {name: _low_level(one) for name, one in value.value.items()}}
        case kind:
            return {kind: value.value}


def _binary(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray) else base64.b64decode(value)


def table_items(account: str, region: str, table: str) -> list[dict[str, Any]]:
    """Return all items of the table, as a Scan of it would."""
    from moto.dynamodb.models import dynamodb_backends  # moto is slow to import

    found = dynamodb_backends[account][region].tables[table]
    sets = list(found.items.values())
    stored = (
        [item for part in sets for item in list(part.values())] if found.has_range_key else sets
    )
    return [
        {name: _low_level(value) for name, value in item.attrs.items()} for item in list(stored)
    ]
