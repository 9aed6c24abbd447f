"""Scans of servers that are not ours: what was put is what is read, and nothing was parsed."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hippolyte.scan.reading import Gone, Page, scan_client, scan_page
from local.fleet import fleet, items
from local.fleet.table_spec import Item, TableSpec
from tests.support.real_dynamodb import RealDynamoDB

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


def scan(server: RealDynamoDB, table: str, limit: int, segments: int = 1) -> list[Page]:
    """Return the pages of a table's segments."""
    client, pages = scan_client(server.client()), []
    for segment in range(segments):
        request = {"TableName": table, "Segment": segment, "TotalSegments": segments}
        pages.append(scan_page(client, {**request, "Limit": limit}))
        while pages[-1].last_key:
            start = {"ExclusiveStartKey": pages[-1].last_key}
            pages.append(scan_page(client, {**request, "Limit": limit, **start}))
    return pages


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


@pytest.mark.parametrize("spec", ODD, ids=lambda spec: spec.name)
def test_a_scan_gives_what_was_put(real_dynamodb: RealDynamoDB, spec: TableSpec) -> None:
    if (real_dynamodb.name, spec.name) == ("dynamodb-local", "values-nested-32-deep"):
        spec = replace(spec, items=a_level_less)
    real_dynamodb.create([spec])
    pages = scan(real_dynamodb, spec.name, limit=7, segments=3)
    found = [json.loads(item) for page in pages for item in page.items]
    assert in_order(found) == in_order(spec.items())
    assert all(page.units > 0 for page in pages if page.items)


def test_a_page_of_a_megabyte_is_not_parsed(real_dynamodb: RealDynamoDB) -> None:
    spec = TableSpec("plain", items=items.plain(4000, "plain"))
    real_dynamodb.create([spec])
    pages = scan(real_dynamodb, "plain", limit=10_000)
    assert not any(page.parsed for page in pages)
    assert sum(page.count for page in pages) == 4000
    assert pages[0].units > 10


def test_a_table_that_is_not_there(real_dynamodb: RealDynamoDB) -> None:
    with pytest.raises(Gone):
        scan(real_dynamodb, "nowhere", limit=1)
