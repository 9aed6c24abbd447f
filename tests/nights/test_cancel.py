"""A run ended by a person: every table has its verdict, nothing is left, crash or not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from hippolyte.assembly import assemble
from hippolyte.night import cancelled
from hippolyte.settings import parse
from local.core.call import Call, refusal
from local.core.faults import ALWAYS
from tests.support.harness import BIG, GIB, RUN, START, Killed, NightDriver, next_night, verdicts

WHO = "alice"


def mark(night: NightDriver, run: str = RUN, reason: str = "") -> dict[str, Any] | None:
    p = assemble(parse(json.dumps(night.settings)), "test", lambda: 900.0)
    return cancelled.ask(p.runs, run, WHO, reason)


def assert_cancelled(night: NightDriver, report: dict[str, Any], *tables: str) -> None:
    for name in tables:
        row = report["tables"][name]
        assert row["verdict"] == "failed", row
        assert f"cancelled by {WHO} at 2026-" in row["reason"]
    assert any(f"the run was cancelled by {WHO}" in alert for alert in report["alerts"])
    assert f"cancelled by {WHO}" in night.messages[-1]["message"]
    assert len(night.messages) == 1
    night.assert_clean()


@pytest.mark.both
def test_a_run_with_a_raised_export_is_ended_and_gives_back(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.until(lambda: night.capacity("orders") == (night.raised, 50))
    if night.engine != "lambda":
        night.until_exporting("orders")
    assert mark(night, reason="wrong window") is None
    night.world.clock.advance(30)
    night.monitor()
    report = night.until_closed(hours=1)
    assert_cancelled(night, report, "orders")
    assert "(wrong window)" in report["tables"]["orders"]["reason"]
    assert night.capacity("orders") == (1000, 50)


@pytest.mark.engine("datapipeline", "emr")
def test_what_was_not_started_never_is(night: NightDriver) -> None:
    for number in range(40):
        night.table(f"t{number:02d}", read=1000, size_bytes=4 * GIB, item_count=3)
    night.configure(planning={"max_clusters": 1})
    night.scheduler()
    night.passes(20)
    mark(night)
    begun = night.all_clusters()
    report = night.until_closed(hours=1)
    assert night.all_clusters() == begun
    rows = report["tables"].values()
    assert {row["verdict"] for row in rows} <= {"failed", "backed_up"}
    assert any(row["started_at"] is None and WHO in row["reason"] for row in rows)
    night.assert_clean()


@pytest.mark.engine("lambda")
def test_what_waits_for_its_turn_on_a_worker_is_never_raised(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.table("waiting", read=1000, **BIG)
    busy = "Only 500 tables can be created, updated, or deleted simultaneously"

    def only_orders(call: Call) -> None:
        if call.params["TableName"] == "waiting":
            raise refusal(call, "LimitExceededException", busy)

    night.world.before("dynamodb:UpdateTable", only_orders)
    night.scheduler()
    night.until_exporting("orders")
    mark(night)
    begun = night.all_clusters()
    asked = [update for update in night.watch.updates if update[0] == "waiting"]
    report = night.until_closed(hours=1)
    assert_cancelled(night, report, "orders", "waiting")
    assert report["tables"]["waiting"]["started_at"] is None
    assert asked == [update for update in night.watch.updates if update[0] == "waiting"]
    assert asked != []
    assert night.all_clusters() == begun


def test_a_table_that_was_done_keeps_its_backup(night: NightDriver) -> None:
    night.table("users")
    night.table("orders", read=1000, **BIG)
    night.scheduler()

    def users_done() -> bool:
        ledger = night.record(RUN, "ledger.json") or {"tables": {}}
        return ledger["tables"].get("users", {}).get("verdict") == "backed_up"

    night.until(users_done, minutes=110)
    mark(night)
    report = night.until_closed(hours=2)
    assert verdicts(report)["users"] == "backed_up"
    assert_cancelled(night, report, "orders")


def test_one_that_failed_is_not_tried_again(night: NightDriver) -> None:
    night.table("orders")
    night.world.faults.step_fails["orders"] = ALWAYS
    night.scheduler()
    night.world.clock.advance(60)
    mark(night)
    report = night.until_closed(hours=3)
    assert report["tables"]["orders"]["verdict"] == "failed"
    assert WHO in report["tables"]["orders"]["reason"]
    assert report["tables"]["orders"]["earlier_attempts"] == []
    night.assert_clean()


def test_a_table_that_could_not_be_described_gets_its_verdict(night: NightDriver) -> None:
    night.table("orders")
    night.refuse("dynamodb:DescribeTable", "ThrottlingException", "Rate exceeded")
    night.scheduler()
    mark(night)
    night.monitor()
    report = night.until_closed(hours=1)
    assert_cancelled(night, report, "orders")


def test_the_mark_is_written_once(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    assert mark(night, reason="first") is None
    night.world.clock.advance(60)
    again = mark(night, reason="second")
    assert again is not None
    assert again["reason"] == "first"
    report = night.until_closed(hours=1)
    assert "(first)" in report["tables"]["orders"]["reason"]


def test_the_catch_up_of_a_cancelled_night_begins_nothing(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    mark(night)
    night.world.clock.advance_to(START + timedelta(minutes=65))
    begun = night.all_clusters()
    event = {"run": "2026-11-24T01:05:00Z", "delay_seconds": 3900}
    assert night.scheduler(event)["result"] in ("begun", "closed")
    report = night.until_closed(hours=1)
    assert night.all_clusters() == begun
    assert_cancelled(night, report, "orders")


def test_the_night_after_is_as_ever(night: NightDriver) -> None:
    night.table("orders")
    night.scheduler()
    mark(night)
    night.until_closed(hours=1)
    assert verdicts(next_night(night)) == {"orders": "backed_up"}


@pytest.mark.parametrize("number", range(1, 40, 3))
def test_a_pass_that_dies_over_a_cancel_is_followed_by_one_that_ends_it(
    night: NightDriver, number: int
) -> None:
    night.table("orders", read=1000, **BIG)
    night.table("users")
    night.scheduler()
    night.until_exporting("orders")
    mark(night)
    night.kill_before("*", number)
    try:
        night.monitor()
    except Killed:
        night.world.clock.advance(300)
    night.allow_all()
    report = night.until_closed(hours=3)
    assert verdicts(report)["orders"] == "failed"
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()
