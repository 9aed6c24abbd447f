"""Discovering 2,500 tables: on the local AWS (calls, CPU, memory), and with 20 ms a call."""

from __future__ import annotations

import json
import os
import re
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.awsrequest import AWSResponse
from rich.console import Console
from rich.table import Table as RichTable

from benchmarks._plans import TABLES, settings
from hippolyte import clients
from hippolyte.clients import Clients
from hippolyte.tables import discovery
from hippolyte.tables.patience import Patience
from hippolyte.tables.table import Inventory
from local.core.clock import Clock
from local.world import World

SECONDS_A_CALL = 0.020
CONCURRENCY = 24
PAGE = 100


def _name(number: int) -> str:
    return f"table-{number:04d}"


def _clients(built: Clients) -> tuple[Any, ...]:
    return built.dynamodb, built.dynamodb_once, built.scaling, built.scaling_once


@contextmanager
def _counted(built: Clients) -> Iterator[Counter[str]]:
    calls: Counter[str] = Counter()

    def count(event_name: str, **_: Any) -> None:
        calls[event_name.rsplit(".", 1)[1]] += 1

    for client in _clients(built):
        client.meta.events.register("before-call", count)
    yield calls
    for client in _clients(built):
        client.meta.events.unregister("before-call", count)


def _discover(built: Clients, concurrency: int) -> Inventory:
    patience = Patience(lambda: 900.0)
    return discovery.discover(built, concurrency, lambda name: True, patience)


def _row(name: str, built: Clients, concurrency: int, tables: int) -> list[str]:
    with _counted(built) as calls:
        begin, cpu = time.monotonic(), time.process_time()
        found = _discover(built, concurrency)
        elapsed, cpu = time.monotonic() - begin, time.process_time() - cpu
    assert len(found.tables) == tables, found.warnings
    tracemalloc.start()
    _discover(built, concurrency)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    named = ", ".join(f"{count:,} {call}" for call, count in calls.most_common())
    return [name, f"{elapsed:.1f}", f"{cpu:.1f}", f"{peak / 2**20:.0f}", named]


def _on_the_local_aws(tables: int) -> list[str]:
    world = World(Clock(datetime(2026, 11, 24, tzinfo=UTC)))
    with world.in_process():
        dynamodb = world.client("dynamodb")
        for number in range(tables):
            dynamodb.create_table(
                TableName=_name(number),
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            )
            world.set_table(_name(number), size_bytes=1 << 20, item_count=10)
        clients.build.cache_clear()
        # moto answers in this process: one call at a time is its fastest
        return _row("local AWS, 1 at a time", clients.build(settings()), 1, tables)


def _answer(tables: int, request: Any, **_: Any) -> AWSResponse:
    """Answer a DynamoDB or scaling request after 20 ms, without a network."""
    time.sleep(SECONDS_A_CALL)
    operation = request.headers["X-Amz-Target"].decode().rsplit(".", 1)[1]
    body = json.loads(request.body)
    if operation == "ListTables":
        match = re.search(r"\d+$", body.get("ExclusiveStartTableName", ""))
        first = int(match[0]) + 1 if match else 0
        names = [_name(n) for n in range(first, min(first + PAGE, tables))]
        answer: dict[str, Any] = {"TableNames": names}
        if first + PAGE < tables:
            answer["LastEvaluatedTableName"] = names[-1]
    elif operation == "DescribeTable":
        answer = {"Table": _description(body["TableName"])}
    elif operation == "DescribeLimits":
        answer = {"AccountMaxReadCapacityUnits": 80_000, "TableMaxReadCapacityUnits": 40_000}
    else:
        answer = {"ScalableTargets": [], "ScheduledActions": [], "GlobalTables": []}
    raw = _Raw(json.dumps(answer).encode())
    return AWSResponse(request.url, 200, {"Content-Type": "application/x-amz-json-1.0"}, raw)


class _Raw:
    """A response's body as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield the body once."""
        yield self._body


def _description(name: str) -> dict[str, Any]:
    return {
        "TableName": name,
        "TableId": name,
        "TableStatus": "ACTIVE",
        "TableSizeBytes": 1 << 20,
        "ItemCount": 10,
        "ProvisionedThroughput": {"ReadCapacityUnits": 10, "WriteCapacityUnits": 10},
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    }


def _at_20_ms(concurrency: int, tables: int) -> list[str]:
    os.environ.update(AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local")
    clients.build.cache_clear()
    built = clients.build(settings(planning={"discovery_concurrency": concurrency}))
    for client in _clients(built):
        client.meta.events.register("before-send", partial(_answer, tables))
    row = _row(f"20 ms a call, {concurrency} at a time", built, concurrency, tables)
    clients.build.cache_clear()
    return row


def main(small: bool = False) -> None:
    """Print the table."""
    tables = 150 if small else TABLES
    table = RichTable(title=f"discovering {tables:,} tables")
    for column in ("how", "s", "CPU s", "peak MiB", "calls"):
        table.add_column(column, justify="left" if column in ("how", "calls") else "right")
    table.add_row(*_on_the_local_aws(tables))
    sequential, concurrent = _at_20_ms(1, tables), _at_20_ms(CONCURRENCY, tables)
    table.add_row(*sequential)
    table.add_row(*concurrent)
    console = Console()
    console.print(table)
    ratio = float(concurrent[1]) / float(sequential[1])
    console.print(f"{CONCURRENCY} at a time take {ratio:.1%} of the time of one after another")


if __name__ == "__main__":
    main()
