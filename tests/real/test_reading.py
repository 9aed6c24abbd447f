"""Scans of servers that are not ours: what was put is what is read, and nothing was parsed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hippolyte.scan.reading import Gone, Page, scan_client, scan_page
from local.fleet import items
from local.fleet.table_spec import TableSpec
from tests.support.odd_tables import ODD, a_level_less, in_order
from tests.support.real_dynamodb import RealDynamoDB


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
