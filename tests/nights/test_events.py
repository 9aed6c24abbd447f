"""Events while a night goes on: in the pass that records what they tell, and none is lost."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import pytest

from hippolyte.leases.lease import Lease, LeaseState
from hippolyte.store import text
from tests.support.commands import command, deploy
from tests.support.events import heard, once, problems, said
from tests.support.harness import (
    ACCOUNT,
    BIG,
    BUCKET,
    REGION,
    RUN,
    TIMEOUT_SECONDS,
    Killed,
    NightDriver,
    verdicts,
)

PUT = "events:PutEvents"


@pytest.fixture
def bus(night: NightDriver) -> str:
    night.keep_events()
    return night.bus


def on_record(night: NightDriver) -> set[str]:
    """What the ledger says has happened, in the words of `said`."""
    tables = (night.record(RUN, "ledger.json") or {"tables": {}})["tables"]
    found = {f"{entry['verdict']} {name}" for name, entry in tables.items() if "verdict" in entry}
    for name, entry in tables.items():
        if entry.get("raise_known"):
            found.add(f"raised {name}")
        if entry.get("given_back_at"):
            found |= {f"raised {name}", f"given_back {name}"}
    return found


@pytest.mark.both
def test_each_is_told_in_the_pass_that_records_it(night: NightDriver, bus: str) -> None:
    night.table("orders", read=1000, **BIG)
    night.table("users")
    night.configure(tables={"exclude": ["scratch"]})
    night.table("scratch")
    night.scheduler()
    assert "skipped scratch" in said(heard(night.world, bus))
    seen = []
    while not night.record(RUN, "report.json"):
        # nothing is told that is not on record, and all that is
        told = set(said(heard(night.world, bus)))
        assert told == on_record(night)
        seen.append(told)
        night.world.clock.advance(300)
        night.monitor()
    open_lease = [t for t in seen if "raised orders" in t and "given_back orders" not in t]
    assert open_lease, "the raise was told when it was over"
    assert open_lease[0].isdisjoint({"backed_up orders"})
    details = heard(night.world, bus)
    assert said(details)[-1] == "closed"
    assert sorted(said(details)) == [
        *("backed_up orders", "backed_up users", "closed", "given_back orders"),
        *("raised orders", "skipped scratch"),
    ]
    assert details == once(details)
    report = night.record(RUN, "report.json")
    assert report is not None
    assert problems(details, night.record(RUN, "ledger.json") or {}, report) == []
    (raised,) = [d for _, d in details if d.get("state") == "raised"]
    assert (raised["from"], raised["to"]) == (1000, night.raised)


def test_a_raise_is_told_by_the_pass_that_asked_for_it(night: NightDriver, bus: str) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    assert said(heard(night.world, bus)) == ["raised orders"]
    assert night.capacity("orders") == (1000, 50), "it takes its time"


def test_a_raise_that_is_refused_is_not_told(night: NightDriver, bus: str) -> None:
    night.table("orders", read=1000, **BIG)
    night.refuse("dynamodb:UpdateTable", "LimitExceededException", "no more today", 1)
    night.night()
    assert sorted(said(heard(night.world, bus))) == ["backed_up orders", "closed"]


def test_a_bus_that_is_away_delays_nothing_and_hears_it_later(night: NightDriver, bus: str) -> None:
    night.table("orders", read=1000, **BIG)
    night.table("users")
    asked: list[object] = []
    night.world.before(PUT, asked.append)
    night.refuse(PUT, "InternalException", "away", None)
    night.scheduler()
    assert heard(night.world, bus) == []
    night.until_exporting("orders")
    before = len(asked)
    night.monitor()
    # bounded: botocore's two tries of the one call
    assert len(asked) - before <= 2
    night.allow_all()
    night.world.clock.advance(300)
    night.monitor()
    assert "raised orders" in said(heard(night.world, bus))
    report = night.until_closed()
    assert report["warnings"] == []
    assert verdicts(report) == {"orders": "backed_up", "users": "backed_up"}
    assert set(said(heard(night.world, bus))) == {*on_record(night), "closed"}


def test_a_bus_that_stays_away_costs_a_warning_alone(night: NightDriver, bus: str) -> None:
    night.table("orders", read=1000, **BIG)
    night.refuse(PUT, "InternalException", "away", None)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.capacity("orders") == (1000, 50)
    (line,) = report["warnings"]
    assert line.startswith("4 of 4 events are not on EventBridge: ")
    assert night.attention == []
    assert heard(night.world, bus) == []
    night.assert_clean()


def test_who_comes_by_while_a_run_is_closed_leaves_its_end_alone(
    night: NightDriver, bus: str
) -> None:
    night.table("orders")
    night.table("users")
    came: list[object] = []

    def come_by(_: object) -> None:
        if not came and (night.record(RUN, "ledger.json") or {}).get("reporting_at"):
            came.append(night.record(RUN, "report.json"))
            night.monitor()

    # away until all is decided: all is due at the end
    night.refuse(PUT, "InternalException", "away", None)
    night.scheduler()
    while len([line for line in on_record(night) if line.startswith("backed_up")]) < 2:
        night.world.clock.advance(300)
        night.monitor()
    night.allow_all()
    night.world.before(PUT, come_by)
    night.world.clock.advance(300)
    night.monitor()
    assert came == [None]
    # it was closed by the pass that was at it, and told once
    assert night.record(RUN, "report.json") is not None
    details = heard(night.world, bus)
    assert details == once(details)
    assert set(said(details)) == {*on_record(night), "closed"}


@pytest.mark.engine("lambda")
def test_a_slow_bus_takes_no_more_than_a_minute_of_a_pass(night: NightDriver, bus: str) -> None:
    night.configure(tables={"exclude": ["scratch-*"]})
    for number in range(150):
        night.table(f"scratch-{number}")
    night.table("orders", read=1000, **BIG)
    asked: list[object] = []

    def slow(call: object) -> None:
        asked.append(call)
        time.sleep(9)

    night.world.before(PUT, slow)
    night.scheduler()
    # 150 tables are skipped at once: sixteen calls, of which a minute has room for seven
    assert len(asked) == 7
    report = night.until_closed()
    assert report["warnings"] == []
    details = heard(night.world, bus)
    assert details == once(details)
    assert len(details) == len(report["tables"]) + 1 + 2 * len(report["raised"])


def test_a_slow_bus_leaves_time_where_a_run_is_lost(night: NightDriver, bus: str) -> None:
    at = "2026-11-20T00:00:00Z"
    for number in range(1500):
        table = f"gone-{number}"
        lease = Lease(
            *(table, "id", "2026-11-20T00-00Z", LeaseState.RAISED, 100, 200, 50.0, None),
            *(at, at, "me"),
        )
        key = f"leases/{ACCOUNT}/{REGION}/{table}.json"
        night.s3.put_object(Bucket=BUCKET, Key=key, Body=text(asdict(lease)).encode())
    night.world.before(PUT, lambda _: time.sleep(9))
    began = night.world.clock.now()
    night.monitor()
    assert (night.world.clock.now() - began).total_seconds() < TIMEOUT_SECONDS
    assert night.lease("gone-0")["state"] == "released"  # type: ignore[index]


def left_raised(night: NightDriver) -> dict[str, Any]:
    """Close a night whose table cannot be lowered; return its report."""
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.until_exporting("orders")
    night.refuse("dynamodb:UpdateTable", "LimitExceededException", "no more today", None)
    report = night.until_closed()
    assert report["left_raised"] == ["orders"]
    return report


KILLED = {
    "never": lambda _: None,
    "before it is put": lambda night: night.kill_before(PUT),
    "after it is put": lambda night: night.kill_after(PUT),
}


@pytest.mark.parametrize("how", [*KILLED, "when it is released", "while it is noted"])
def test_what_is_given_back_after_the_run_is_closed(night: NightDriver, bus: str, how: str) -> None:
    """Killed at any call, the next passes tell it: a night's own report has told it as left."""
    left_raised(night)
    told = said(heard(night.world, bus))
    assert told[-2:] == ["left_raised orders", "closed"]
    night.allow_all()
    killed = False

    def strike(call: Any) -> None:
        nonlocal killed
        lease = night.lease("orders") or {}
        released = lease["state"] == "released"
        wanted = {
            "when it is released": released,
            "while it is noted": released and "ledger.json" in str(call.key),
        }
        if not killed and wanted.get(how):
            killed = True
            raise Killed(call.name)

    night.world.before("s3:PutObject", strike)
    if how in KILLED:
        KILLED[how](night)
    for _ in range(8):
        night.world.clock.advance(300)
        try:
            night.monitor()
        except Killed:
            killed = True
    assert killed or how == "never"
    details = once(heard(night.world, bus)[len(told) :])
    assert said(details) == ["given_back orders"]
    assert night.capacity("orders") == (1000, 50)
    assert night.record(RUN, "left-raised-told.json") is not None
    # it is over: nobody looks at the run any more
    reads: list[str] = []
    night.world.before("s3:GetObject", lambda call: reads.append(str(call.key)))
    night.monitor()
    assert [key for key in reads if RUN in key] == []
    night.assert_clean()


def test_what_a_person_gives_back_afterwards_is_told_by_the_next_pass(
    night: NightDriver, bus: str
) -> None:
    deploy(night)
    left_raised(night)
    count = len(heard(night.world, bus))
    night.allow_all()
    result = command("release")
    assert result.exit_code == 0, result.output
    assert (night.lease("orders") or {})["state"] == "released"
    assert len(heard(night.world, bus)) == count
    night.monitor()
    assert said(heard(night.world, bus)[count:]) == ["given_back orders"]


@pytest.mark.engine("lambda")
@pytest.mark.parametrize("away", [False, True], ids=["", "the bus is away meanwhile"])
def test_a_restore_drill_is_told_when_it_is_over(night: NightDriver, bus: str, away: bool) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    if away:
        night.refuse(PUT, "InternalException", "away", None)
    report = night.night()
    assert report["drills"] == ["orders: restored by ImportTable, 40 items"]
    if away:
        assert heard(night.world, bus) == []
        night.allow_all()
        night.passes(10)
    (drill,) = [d for kind, d in heard(night.world, bus) if kind == "Hippolyte Restore Drill"]
    assert (drill["table"], drill["ok"], drill["run_id"]) == ("orders", True, RUN)
    assert drill["said"] == "restored by ImportTable, 40 items"
    count = len(heard(night.world, bus))
    night.passes(30)
    assert len(heard(night.world, bus)) == count


@pytest.mark.engine("lambda")
def test_a_drill_that_outlasts_its_night_is_told_once(night: NightDriver, bus: str) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    night.refuse("dynamodb:ImportTable", "LimitExceededException", "50 at once")
    night.tolerant = True
    night.night()
    assert "drill orders" not in said(heard(night.world, bus))
    night.passes(9 * 60, each=60)
    assert said(heard(night.world, bus)).count("drill orders") == 1
    (kind, last) = heard(night.world, bus)[-1]
    assert (kind, last["ok"]) == ("Hippolyte Restore Drill", False)
    assert "50 at once" in last["said"]
