"""The demo's and the nights' fleet: every kind of table, as data.

`demo_fleet()` gives the tables, `create(world, specs)` makes them, `expected_items(spec)` says what
a backup of one must hold.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

from local.fleet import items
from local.fleet.table_spec import (
    Item,
    ScalingSpec,
    TableSpec,
    create,
    delete_in_time,
    expected_items,
)

__all__ = [
    "Item",
    "ScalingSpec",
    "TableSpec",
    "create",
    "delete_in_time",
    "demo_fleet",
    "expected_items",
    "previous_report",
]

MIB = 1024**2
GIB = 1024**3
EXCLUDED = "scratch-imports"
"""Left out by `exclude = ["scratch-*"]` of the examples."""
NATIVE = "orders*"
"""`native_export` of examples/native: those of them whose point-in-time recovery is on."""


def demo_fleet() -> list[TableSpec]:
    """Return the fleet, in a fixed order, for a window of seven hours and half the capacity."""
    return [
        *_names(),
        *_keys(),
        *_values(),
        *_sizes(),
        *_empties(),
        *_capacity_modes(),
        *_features(),
        *_states(),
        *_troublesome(),
    ]


def previous_report(specs: list[TableSpec], run_id: str) -> dict[str, Any]:
    """Return what a night reads of the report of the one before, made up: each table as it is.

    A table that is to be deleted was backed up; one with `previous_items` held so many.
    """
    tables: dict[str, Any] = {}
    for spec in specs:
        verdict = "backed_up" if spec.verdict == "vanished" else spec.verdict
        made = spec.items()
        count = len(made) if spec.previous_items is None else spec.previous_items
        items = count if verdict == "backed_up" else None
        tables[spec.name] = {"verdict": verdict, "items": items, "last_items": items}
        if items is not None:
            tables[spec.name] |= {"bytes": _packed(made[: len(made) * 9 // 10])}
    return {
        "version": 1,
        "run_id": run_id,
        "items": sum(t["items"] or 0 for t in tables.values()),
        "bytes": sum(t.get("bytes", 0) for t in tables.values()),
        "tables": tables,
    }


def _packed(found: list[Item]) -> int:
    """Return about how many bytes a backup takes: pages, so what is packed at once, are small."""
    parts = (found[first : first + 5] for first in range(0, len(found), 5))
    return sum(len(gzip.compress(json.dumps(part, default=repr).encode())) for part in parts)


def _plain(name: str, count: int = 40, **more: Any) -> TableSpec:
    return TableSpec(name, items=items.plain(count, name[:40]), **more)


def _names() -> Iterator[TableSpec]:
    yield _plain("abc", note="the shortest name")
    yield _plain("long." + "n" * 250, note="the longest name, 255 characters")
    yield _plain("orders", 400, recovery=True, note="a prefix of the next ones")
    yield _plain("orders-archive", recovery=True)
    yield _plain("orders-archive.2025", note="to be exported natively, and cannot be")
    yield _plain("orders_2026", recovery=True)
    yield _plain("Orders", note="differs from another by letter case alone")
    yield _plain("...", note="no letter at all")


def _keys() -> Iterator[TableSpec]:
    for partition in "SNB":
        for sort in (None, "S", "N", "B"):
            yield TableSpec(
                f"keys-{partition}{sort or ''}",
                note=f"partition key {partition}, sort key {sort or 'none'}",
                partition_key=("pk", partition),
                sort_key=("sk", sort) if sort else None,
                items=items.keyed(partition, sort),
            )


def _values() -> Iterator[TableSpec]:
    yield TableSpec("values-every-type", items=items.every_type)
    yield TableSpec(
        "values-400-kilobytes",
        note="items of 400 KB, one of which takes 2.4 MB as a line",
        items=items.largest,
        read_capacity=200,
    )
    yield TableSpec("values-nested-32-deep", items=items.nested)
    yield TableSpec("values-empty", items=items.empties)
    yield TableSpec("values-sets", items=items.sets)
    yield TableSpec("values-numbers", items=items.numbers)
    yield TableSpec("values-control-characters", items=items.control_characters)
    yield TableSpec("values-line-separators", items=items.line_separators)
    yield TableSpec("values-emoji", items=items.emoji)
    yield TableSpec("values-quoting", items=items.quoting)
    yield TableSpec("values-like-type-keys", items=items.lookalikes)
    yield TableSpec("values-binaries", items=items.binaries)
    yield TableSpec("values-anything", items=items.anything(200, "anything"))


def _sizes() -> Iterator[TableSpec]:
    sizes = {
        "catalogue": (3 * GIB, 400),
        "customers": (5 * GIB, 800),
        "inventory": (800 * MIB, 150),
        "invoices": (6 * GIB, 1000),
        "ledger-entries": (9 * GIB, 1200),
        "payments": (2 * GIB, 300),
        "shipments": (1 * GIB, 200),
    }
    for name, (size, capacity) in sizes.items():
        yield _plain(name, 120, size_bytes=size, read_capacity=capacity, write_capacity=50)
    yield _plain("click-stream", 500, size_bytes=40 * GIB, read_capacity=6000, note="large")


def _empties() -> Iterator[TableSpec]:
    yield TableSpec("empty-provisioned", note="backed up without a cluster")
    yield TableSpec("empty-on-demand", on_demand=True)
    yield TableSpec("empty-with-sort-key", sort_key=("sk", "N"))
    yield TableSpec("empty-since-today", note="newly empty: a person is told", previous_items=120)
    stale = {"item_count": 0}
    yield _plain("stale-provisioned", size_bytes=0, settings=stale, note="reads 0, holds items")
    yield _plain("stale-on-demand", size_bytes=0, settings=stale, on_demand=True)
    yield _plain("stale-count", size_bytes=0, note="0 bytes, but a count")


def _capacity_modes() -> Iterator[TableSpec]:
    yield _plain("on-demand", on_demand=True)
    yield _plain("on-demand-large", 200, on_demand=True, size_bytes=20 * GIB)
    yield _plain(
        "on-demand-with-ceiling",
        on_demand=True,
        size_bytes=512 * MIB,
        options={"OnDemandThroughput": {"MaxReadRequestUnits": 300, "MaxWriteRequestUnits": 100}},
        note="read at half its ceiling of 300 units/s",
    )
    yield _plain(
        "on-demand-barely-warm",
        on_demand=True,
        size_bytes=256 * MIB,
        settings={"warm_read": 400},
        note="read at half its warm throughput",
    )
    yield _plain("one-unit", read_capacity=1, note="read at 1 unit/s, the exporter's floor")
    yield _plain(
        "infrequent-access",
        options={"TableClass": "STANDARD_INFREQUENT_ACCESS"},
        size_bytes=700 * MIB,
        read_capacity=100,
    )


def _index(name: str, *keys: str, capacity: int | None = None) -> dict[str, Any]:
    roles = zip(keys, ("HASH", "RANGE"), strict=False)
    index: dict[str, Any] = {
        "IndexName": name,
        "KeySchema": [{"AttributeName": key, "KeyType": role} for key, role in roles],
        "Projection": {"ProjectionType": "ALL"},
    }
    if capacity:
        index["ProvisionedThroughput"] = {
            "ReadCapacityUnits": capacity,
            "WriteCapacityUnits": capacity,
        }
    return index


def _features() -> Iterator[TableSpec]:
    city = {"AttributeName": "city", "AttributeType": "S"}
    total = {"AttributeName": "total", "AttributeType": "N"}
    indexes: dict[str, dict[str, Any]] = {
        "with-global-indexes": {
            "AttributeDefinitions": [city, total],
            "GlobalSecondaryIndexes": [
                _index("by-city", "city", capacity=50),
                _index("by-city-and-total", "city", "total", capacity=20),
            ],
        },
        "with-local-index": {
            "AttributeDefinitions": [total],
            "LocalSecondaryIndexes": [_index("by-total", "pk", "total")],
        },
        "with-both-indexes": {
            "AttributeDefinitions": [city, total],
            "GlobalSecondaryIndexes": [_index("by-city", "city", capacity=10)],
            "LocalSecondaryIndexes": [_index("by-total", "pk", "total")],
        },
    }
    for name, options in indexes.items():
        yield TableSpec(
            name,
            partition_key=("pk", "S"),
            sort_key=("sk", "N"),
            items=items.indexed(100, name),
            options=options,
        )
    yield _plain(
        "global-replica",
        size_bytes=60 * GIB,
        read_capacity=1000,
        write_capacity=500,
        settings={"replicas": ("eu-west-1", "us-east-1")},
        note="does not fit by the plan, and is never raised; the exporter reads twice as fast",
    )
    yield _plain(
        "with-stream",
        options={
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        },
    )
    yield TableSpec("with-ttl", items=items.expiring(60), ttl_attribute="expires")
    yield _plain("protected", options={"DeletionProtectionEnabled": True})


def _states() -> Iterator[TableSpec]:
    for name, status in (
        ("kms-archived", "ARCHIVED"),
        ("kms-inaccessible", "INACCESSIBLE_ENCRYPTION_CREDENTIALS"),
    ):
        yield _plain(
            name, settings={"status": status}, verdict="unsupported", note=f"status {status}"
        )
    yield _plain("being-updated", settings={"status": "UPDATING"}, note="exportable all the same")


def _troublesome() -> Iterator[TableSpec]:
    yield _plain(
        "telemetry",
        800,
        size_bytes=100 * GIB,
        read_capacity=1000,
        write_capacity=400,
        settings={"update_seconds": 240},
        raised=True,
        note="too large for the window at 1,000 units/s: raised (the design's worked example)",
    )
    yield _plain(
        "audit-trail",
        300,
        size_bytes=40 * GIB,
        read_capacity=400,
        write_capacity=100,
        scaling=ScalingSpec(100, 2000),
        raised=True,
        note="too large, and autoscaled: scale-in is suspended while it is raised",
    )
    yield _plain(
        "profiles",
        200,
        size_bytes=1 * GIB,
        read_capacity=250,
        scaling=ScalingSpec(50, 500),
        note="autoscaled, and not raised",
    )
    yield _plain(EXCLUDED, verdict="skipped", note="excluded by a rule")
    # at 50 units/s it is read for 2 h 15 min, whatever its place in its batch: at 2 h 05 min the
    # export is always running
    yield _plain(
        "tenant-4711",
        150,
        size_bytes=1_660_000_000,
        read_capacity=50,
        deleted_after_seconds=7500,
        verdict="vanished",
        note="deleted in mid-export",
    )
