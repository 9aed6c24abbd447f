"""Undos in servers that are not ours: every type, put back on condition, is what the night had."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from hippolyte.exports.lines import Item, dynamodb_json
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.undo.change import change_of
from hippolyte_cli.undo.plan import Plan
from hippolyte_cli.undo.requests import sdk_item
from hippolyte_cli.undo.run import Left, Made, run
from local.fleet.table_spec import TableSpec
from tests.support.comparing import compared, side
from tests.support.loads import odd_items
from tests.support.odd_tables import in_order
from tests.support.real_dynamodb import RealDynamoDB


def depth(value: Any) -> int:
    """Return how deep a value nests."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0)


def kept(server: RealDynamoDB, table: str) -> list[Item]:
    pages = server.client().get_paginator("scan").paginate(TableName=table)
    return [dynamodb_json(item) for page in pages for item in page["Items"]]


def planned(server: RealDynamoDB, table: str, night: list[Item], at: Path) -> tuple[Plan, int]:
    left, right = side(at / "left", night), side(at / "right", kept(server, table))
    found, _ = compared(left, right, at / "work")
    changes = (change_of(one, (), delete_added=True) for one in found)
    plan = Plan(at)
    return plan, plan.write(one for one in changes if one).changes.total()


def undone(server: RealDynamoDB, table: str, plan: Plan, count: int) -> Made:
    client = server.client(retries={"total_max_attempts": 1}, max_pool_connections=16)
    journal = Journal(plan.folder, {"table": table})
    return run(client, table, ["pk"], plan, count, rate=Rate(1e5, 1e5), journal=journal)


def damaged(items: list[Item]) -> list[Item]:
    """Return what became of items: every kind of change to values of every type."""
    source, now = random.Random(7), []
    for number, item in enumerate(items):
        names = [name for name in item if name != "pk"]
        if number % 4 == 0:
            continue
        if number % 4 == 1 and names:
            now.append({**item, source.choice(names): {"S": "x"}})
        elif number % 4 == 2:
            now.append({"pk": item["pk"], "new": {"N": "1"}})
        else:
            now.append(item)
    return [*now, *({**item, "pk": {"S": f"added {n}"}} for n, item in enumerate(items[::9]))]


def test_every_type_is_put_back(real_dynamodb: RealDynamoDB, tmp_path: Path) -> None:
    # the largest have no room for a longer key, and DynamoDB Local nests less than the service
    night = [item for item in odd_items() if len(str(item)) < 100_000 and depth(item) < 50]
    if real_dynamodb.name == "dynalite":
        # of its conditions none with a map or list holds; the service's do (API Reference, "EQ")
        night = [{n: v for n, v in one.items() if not v.keys() & {"M", "L"}} for one in night]
    spec = TableSpec("undo", items=list, partition_key=("pk", "S"))
    real_dynamodb.create([spec])
    client: Any = real_dynamodb.client()
    for item in damaged(night):
        client.put_item(TableName="undo", Item=sdk_item(item))
    plan, count = planned(real_dynamodb, "undo", night, tmp_path / "first")
    made = undone(real_dynamodb, "undo", plan, count)
    assert [one["why"] for one in Left(plan.folder).read()] == []
    assert (made.complete, made.left, sum(made.done.values())) == (True, 0, count)
    assert min(made.done[do] for do in ("put", "change", "delete")) > 20
    assert in_order(kept(real_dynamodb, "undo")) == in_order(night)
    assert planned(real_dynamodb, "undo", night, tmp_path / "again")[1] == 0
    # done again, each is seen to be done
    (tmp_path / "first" / "left-alone.jsonl").unlink(missing_ok=True)
    again = undone(real_dynamodb, "undo", plan, count)
    assert (again.already, again.left) == (count, 0)
