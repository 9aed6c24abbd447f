"""Tables of odd items for servers that are not ours, and items in a form that can be compared."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from local.fleet import fleet, items
from local.fleet.table_spec import Item

ODD = [spec for spec in fleet.demo_fleet() if spec.name.startswith(("keys-", "values-"))]


def canonical(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item in the form that can be compared, from the SDK's or the protocol's."""
    return {name: _canonical_value(value) for name, value in item.items()}


def _canonical_value(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    return {kind: _canonical(kind, content)}


def _canonical(kind: str, content: Any) -> Any:
    match kind:
        case "B":
            return b64encode(content).decode() if isinstance(content, bytes) else content
        case "N":
            # the service spells it as it likes
            return str(Decimal(content).normalize())
        case "SS" | "NS" | "BS":
            return sorted(_canonical(kind[0], one) for one in content)
        case "M":
            return canonical(content)
        case "L":
            return [_canonical_value(one) for one in content]
    return content


def in_order(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return items as text that can be compared."""
    return sorted(json.dumps(canonical(item), sort_keys=True) for item in found)


def a_level_less() -> list[Item]:
    """Return the nested items as DynamoDB Local takes them: it counts the attribute as a level."""
    inner = []
    for item in items.nested():
        ((kind, content),) = item["value"].items()
        inner.append({**item, "value": content[0] if kind == "L" else next(iter(content.values()))})
    return inner
