"""Every verdict, reached for real; they add up, and a person is told what must be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from local.core.faults import ALWAYS
from tests.support.harness import (
    ACCOUNT,
    GIB,
    MINUTES,
    REGION,
    RUN,
    START,
    NightDriver,
    driver,
    verdicts,
)

# statuses of TableDescription without data operations
UNSUPPORTED = (
    "CREATING",
    "DELETING",
    "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
    "ARCHIVING",
    "ARCHIVED",
    "REPLICATION_NOT_AUTHORIZED",
)
HOUR = {"window_seconds": 3600}


@dataclass
class Evening:
    """What a night with everything in it came to."""

    report: dict[str, Any]
    messages: list[dict[str, Any]]
    keys: list[str]
    discovered: int


@pytest.fixture(scope="module")
def evening() -> Evening:
    with pytest.MonkeyPatch.context() as monkeypatch, driver(monkeypatch) as night:
        night.configure(
            **HOUR, raise_capacity=False, tables={"exclude": ["scratch-*"], "include": ["*"]}
        )
        for name in ("orders", "orders-archive", "broken", "deleted", "recreated", "scratch-1"):
            night.table(name)
        night.table("updating", status="UPDATING")
        night.table("gone", vanish_at_describe=True)
        night.table("huge", size_bytes=1000 * GIB, item_count=10**9)
        for status in UNSUPPORTED:
            night.table(f"is-{status}", status=status)
        night.world.faults.step_fails["broken"] = ALWAYS
        discovered = len(night.dynamodb.list_tables()["TableNames"])
        night.scheduler()
        # in what order they are read is the service's affair
        going = {"deleted", "recreated"}
        while going:
            name = night.until_exporting(*sorted(going))
            night.dynamodb.delete_table(TableName=name)
            going.remove(name)
        night.table("recreated")
        report = night.until_closed()
        night.assert_clean()
        return Evening(report, night.messages, night.keys(), discovered)


@pytest.mark.parametrize(
    ("table", "verdict", "reason"),
    [
        ("orders", "backed_up", ""),
        ("orders-archive", "backed_up", ""),
        ("updating", "backed_up", ""),
        ("scratch-1", "skipped", "excluded by 'scratch-*'"),
        ("broken", "failed", "injected by the local AWS (after 2 attempts)"),
        ("huge", "timed_out", "still running at the deadline"),
        ("gone", "vanished", "between ListTables and DescribeTable"),
        ("deleted", "vanished", "deleted during the night"),
        ("recreated", "vanished", "deleted and recreated during the night"),
        *[(f"is-{s}", "unsupported", f"table status {s}") for s in UNSUPPORTED],
    ],
)
def test_each_table_ends_in_its_verdict(
    evening: Evening, table: str, verdict: str, reason: str
) -> None:
    found = evening.report["tables"][table]
    assert found["verdict"] == verdict, found
    assert reason in found["reason"]


def test_the_verdicts_add_up_to_the_tables_discovered(evening: Evening) -> None:
    assert evening.report["discovered"] == evening.discovered
    assert sum(evening.report["totals"].values()) == evening.discovered
    assert all(evening.report["totals"].values()), "a verdict was not reached"


def test_only_what_was_backed_up_is_in_the_catalogue(evening: Evening) -> None:
    catalogue = {k.split("/")[3] for k in evening.keys if k.startswith("catalog/")}
    assert catalogue == {n for n, v in verdicts(evening.report).items() if v == "backed_up"}


def test_the_message_names_what_failed_and_why_and_nothing_else(evening: Evening) -> None:
    assert len(evening.messages) == 1
    message = evening.messages[0]
    assert f"Run {RUN}: " in message["message"]
    assert message["subject"].startswith("ATTENTION ")
    told, _, rest = message["message"].partition("Since the night before")
    assert rest == "" or "recreated" not in rest
    assert "broken: " in told
    assert "injected by the local AWS" in told
    assert "huge: still running at the deadline" in told
    assert "is-ARCHIVED: table status ARCHIVED" in told
    for quiet in ("scratch-1", "gone", "deleted:", "recreated:", "orders"):
        assert f"- {quiet}" not in told
    assert f"runs/{ACCOUNT}/{REGION}/{RUN}/report.json" in told


def test_the_failed_tables_log_is_named(evening: Evening) -> None:
    log = evening.report["tables"]["broken"]["log"]
    assert log.startswith(f"s3://backups/logs/{ACCOUNT}/{REGION}/")
    assert any(f"s3://backups/{k}".startswith(log) for k in evening.keys)
    assert log in evening.messages[0]["message"]


def test_skipped_and_vanished_tables_need_no_attention(night: NightDriver) -> None:
    night.configure(**HOUR, tables={"include": ["orders"]})
    night.table("orders")
    night.table("scratch")
    night.table("gone", vanish_at_describe=True)
    night.configure(**HOUR, tables={"exclude": ["scratch"]})
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "scratch": "skipped", "gone": "vanished"}
    assert night.attention == []
    assert len(night.messages) == 1


def test_an_account_without_tables_has_a_night_too(night: NightDriver) -> None:
    night.scheduler()
    report = night.record(RUN, "report.json")
    assert report is not None
    assert report["discovered"] == 0
    assert night.attention == []


def test_a_table_that_is_newly_empty_is_told(night: NightDriver) -> None:
    night.configure(**HOUR)
    night.table("orders", items=2)
    night.table("always-empty", items=0)
    night.night()
    for number in range(2):
        night.dynamodb.delete_item(TableName="orders", Key={"pk": {"S": f"orders#{number}"}})
    tomorrow = START + timedelta(days=1)
    night.world.clock.advance_to(tomorrow)
    night.scheduler({"run": iso(tomorrow), "delay_seconds": 0})
    report = night.until_closed(run=run_id(tomorrow))
    assert set(verdicts(report).values()) == {"backed_up"}
    assert report["changes"]["empty"] == ["orders"]
    assert "orders is empty tonight and was not the night before" in night.messages[-1]["message"]
    assert "ATTENTION" in night.messages[-1]["subject"]


def test_a_table_deleted_after_its_export_is_backed_up(night: NightDriver) -> None:
    night.table("orders", **MINUTES)
    night.scheduler()
    night.until_exporting("orders")
    while night.exporting("orders"):
        night.world.clock.advance(5)
    night.dynamodb.delete_table(TableName="orders")
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
