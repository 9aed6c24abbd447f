"""Sizes and capacity of the local AWS's DynamoDB against DynamoDB Local's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.core.clock import Clock
from local.fleet import fleet, table_spec
from local.fleet.table_spec import TableSpec
from local.world import World
from tests.support.real_dynamodb import RealDynamoDB, dynamodb_local, need_real_servers

# deeper by a level than DynamoDB Local takes; and pages, of which its last item passes the 1 MB
_LEFT_OUT = ("values-nested-32-deep", "values-400-kilobytes")
PAGES = TableSpec(
    "pages", items=lambda: [{"pk": {"S": f"{n:02d}"}, "t": {"S": "x" * 3090}} for n in range(30)]
)
SPECS = [
    PAGES,
    *(s for s in fleet.demo_fleet() if s.name.startswith("values-") and s.name not in _LEFT_OUT),
]


@pytest.fixture(scope="module")
def real() -> Iterator[RealDynamoDB]:
    need_real_servers()
    with dynamodb_local() as running:
        yield running


def measured(client: Any, spec: TableSpec) -> dict[str, Any]:
    """Return what a table's size is, and what its first page costs."""
    size = client.describe_table(TableName=spec.name)["Table"]["TableSizeBytes"]
    found = {"size": size}
    for consistent in (False, True):
        answer = client.scan(
            TableName=spec.name, ReturnConsumedCapacity="TOTAL", ConsistentRead=consistent
        )
        found[str(consistent)] = answer["ConsumedCapacity"]["CapacityUnits"]
    return found


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_it_is_what_dynamodb_local_says(real: RealDynamoDB, spec: TableSpec) -> None:
    real.create([spec])
    there = measured(real.client(), spec)
    with World(Clock(datetime(2026, 11, 23, tzinfo=UTC))).in_process() as world:
        client = world.client("dynamodb")
        table_spec.create_table(client, spec)
        table_spec.put_items(client, spec)
        assert measured(client, spec) == there


def test_a_met_limit_has_a_key_though_nothing_is_left(real: RealDynamoDB) -> None:
    spec = TableSpec("limits", items=PAGES.items)
    real.create([spec])

    def pages(client: Any) -> list[int]:
        found, last = [], {}
        while True:
            answer = client.scan(TableName=spec.name, Limit=10, **last)
            found.append(answer["Count"])
            if "LastEvaluatedKey" not in answer:
                return found
            last = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    there = pages(real.client())
    with World(Clock(datetime(2026, 11, 23, tzinfo=UTC))).in_process() as world:
        client = world.client("dynamodb")
        table_spec.create_table(client, spec)
        table_spec.put_items(client, spec)
        assert pages(client) == there == [10, 10, 10, 0]
