"""Buckets with the reports of many deployments, none of whose nights was ever run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from moto import mock_aws

from hippolyte.clients import configuration
from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from hippolyte.records.homes import CALLS_AT_ONCE, Home, Records
from hippolyte.store import Store
from hippolyte.verdicts import Verdict

BUCKET = "central-backups"
NOW = datetime(2026, 11, 28, 7, tzinfo=UTC)
ACCOUNTS = [str(number) * 12 for number in range(1, 7)]
HOMES = [Home(account, "us-east-1") for account in ACCOUNTS]


def start(days_ago: int, hour: int = 0) -> datetime:
    """Return when a night's window began, so many days before `NOW`'s."""
    return datetime(2026, 11, 28, hour, tzinfo=UTC) - timedelta(days=days_ago)


def row(verdict: str = "backed_up", good: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a table's row, as the product writes it, without what nobody here reads."""
    return {
        "verdict": verdict,
        "reason": "",
        "last_good": good,
        "wanted_since": "2026-11-01T00:00:00Z",
        "items": 7,
        "replica": None,
        "location": "s3://central-backups/backups/somewhere/of/the/usual/length/2026-11-28T00-00Z-1",
        "notes": ["1 listed file present, 1 with a whole last line", "7 items read"],
        **more,
    }


def night(begin: datetime, tables: Mapping[str, Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the report of a night: `tables` in full, the rest in the product's order."""
    verdicts = [each["verdict"] for each in tables.values()]
    return {
        "version": 1,
        "deployment": "hippolyte",
        "run_id": run_id(begin),
        "closed_at": iso(begin + timedelta(hours=2)),
        "window_seconds": 14_400,
        "discovered": len(tables),
        "totals": {v.value: verdicts.count(v.value) for v in Verdict},
        "items": 7 * len(tables),
        "bytes": 700 * len(tables),
        "cost_usd": 1.5,
        "storage_usd": 20.0,
        "alerts": [],
        "warnings": [],
        "left_raised": [],
        "changes": {"new": list(tables)},
        "tables": dict(tables),
        **more,
    }


def good_tables(begin: datetime, number: int = 3) -> dict[str, dict[str, Any]]:
    """Return rows of tables that were all backed up an hour after the window's begin."""
    done = iso(begin + timedelta(hours=1))
    return {f"table-{n:03d}": row(good=done) for n in range(number)}


class Bucket:
    """A bucket of reports, and how many calls are made of it."""

    def __init__(self) -> None:
        self.s3: Any = boto3.client("s3", "us-east-1", config=configuration(CALLS_AT_ONCE))
        self.s3.create_bucket(Bucket=BUCKET)
        self.calls: list[str] = []
        self.bytes = 0
        self.s3.meta.events.register("before-call.s3.*", self._count)
        self.s3.meta.events.register("after-call.s3.GetObject", self._weigh)

    def _count(self, model: Any, **_: Any) -> None:
        self.calls.append(model.name)

    def _weigh(self, parsed: Mapping[str, Any], **_: Any) -> None:
        self.bytes += parsed.get("ContentLength", 0)

    def put(self, key: str, body: object) -> None:
        """Put an object: bytes as they are, anything else as JSON."""
        made = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=made)

    def report(self, home: Home, begin: datetime, body: object) -> None:
        """Put what lies where the report of a night is."""
        at = f"runs/{home.account}/{home.region}/{run_id(begin)}"
        self.put(f"{at}/plan.json", {"version": 1})
        self.put(f"{at}/report.json", body)

    def good(self, home: Home, days_ago: int, hour: int = 0, tables: int = 3, **more: Any) -> None:
        """Put the report of a night that went well."""
        begin = start(days_ago, hour)
        self.report(home, begin, night(begin, good_tables(begin, tables), **more))

    def records(self, prefix: str = "", *more: str) -> Records:
        """Return the bucket's records; calls are counted from now on."""
        self.calls.clear()
        self.bytes = 0
        return Records.below(Store(self.s3, BUCKET), [prefix, *more])


@contextmanager
def bucket() -> Iterator[Bucket]:
    """Make an empty bucket in a world of its own."""
    with mock_aws():
        yield Bucket()


def a_morning(made: Bucket) -> None:
    """A morning as there are: one account silent, tables failed, a replica no more."""
    for home in HOMES:
        for days in range(2 if home == HOMES[4] else 0, 30):
            made.good(home, days, tables=3, partition="aws")
    tables = good_tables(start(0)) | {
        "orders": row("failed", "2026-11-25T01:00:00Z", reason="the cluster ended before it did"),
        "stock": row("timed_out", "2026-11-27T01:00:00Z", reason="the window was over"),
        "carts-eu": row("skipped", reason="excluded by 'carts-eu'", replica=False),
    }
    made.report(HOMES[1], start(0), night(start(0), tables, partition="aws"))
    made.report(HOMES[3], start(9), b"{")
