"""Nights of the default engine: exporter functions, link by link, in the world's one time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from hippolyte import exporter
from hippolyte.errors import ConfigurationError
from hippolyte.exports.reader import Prefix, find
from hippolyte.store import Store
from tests.support.harness import (
    ACCOUNT,
    BIG,
    BUCKET,
    GIB,
    JAR,
    MACHINE,
    REGION,
    RUN,
    START,
    Context,
    NightDriver,
    driver,
    verdicts,
)


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch, "lambda") as made:
        yield made


def read_back(night: NightDriver, table: str, attempt: int = 1) -> set[str]:
    directory = f"backups/{ACCOUNT}/{REGION}/{table}/{RUN}-{attempt}/"
    backup = find(Prefix(Store(night.s3, BUCKET), directory))
    return {item["pk"]["S"] for item in backup.items()}


def test_a_night_backs_up_all_tables(night: NightDriver) -> None:
    night.table("orders")
    night.table("users", items=7)
    night.table("none", items=0)
    night.table("demand", read=None)
    report = night.night()
    assert verdicts(report) == dict.fromkeys(["orders", "users", "none", "demand"], "backed_up")
    assert read_back(night, "users") == {f"users#{i}" for i in range(7)}
    assert report["tables"]["users"]["items"] == 7
    assert report["tables"]["none"]["items"] == 0
    assert night.attention == []
    night.assert_clean()


def test_what_does_not_fit_is_raised_and_given_back(night: NightDriver) -> None:
    night.table("orders")
    night.table("big", read=1000, **BIG)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "big": "backed_up"}
    assert [each["to"] for each in report["raised"]] == [night.raised]
    assert night.capacity("big") == (1000, 50)
    night.assert_clean()


# workers and links. About 40 minutes at the share of its 100 units, which is three links:
SLOW = {"read_bytes": GIB, "item_count": 3}
EXPORTER = "hippolyte-exporter"


def links(night: NightDriver) -> list[Any]:
    return [one for one in night.world.functions.invocations if one.function == EXPORTER]


def reading(night: NightDriver, minutes: float = 5, **table: Any) -> Any:
    """Begin a night with a slow table, and return its link when it has read for a while."""
    night.table("orders", **(table or SLOW))
    night.scheduler()
    night.until_exporting("orders")
    night.passes(minutes)
    (link,) = night.world.functions.running()
    return link


def whole(night: NightDriver, report: dict[str, Any], attempt: int = 1) -> None:
    """The table is backed up: each item once, whoever read it."""
    row = report["tables"]["orders"]
    assert (row["verdict"], row["attempt"], row["items"]) == ("backed_up", attempt, 3), row
    assert read_back(night, "orders", attempt) == {f"orders#{i}" for i in range(3)}
    night.assert_clean()


def test_one_table_is_read_by_several_links_one_after_another(night: NightDriver) -> None:
    reading(night)
    whole(night, night.until_closed())
    assert len(links(night)) > 2
    assert night.all_clusters() == 1
    for one, other in pairwise(links(night)):
        assert one.ended_at <= other.at


def test_a_link_that_is_killed_costs_the_night_nothing_but_time(night: NightDriver) -> None:
    night.world.functions.kill(reading(night))
    whole(night, night.until_closed())
    assert night.all_clusters() == 1
    assert night.attention == []


def test_a_link_that_sleeps_until_its_successor_is_done_adds_nothing(night: NightDriver) -> None:
    night.world.functions.freeze(reading(night), 2 * 3600)
    whole(night, night.until_closed())
    before = night.keys("backups/")
    night.world.clock.advance(3 * 3600)
    assert night.keys("backups/") == before
    assert read_back(night, "orders") == {f"orders#{i}" for i in range(3)}


def test_an_execution_that_a_person_stops_is_followed_by_another(night: NightDriver) -> None:
    reading(night, read=1000, **BIG)
    (execution,) = night.world.machines.of(MACHINE)
    states = night.world.client("stepfunctions")
    states.stop_execution(executionArn=execution.arn)
    report = night.until_closed()
    assert report["tables"]["orders"]["verdict"] in ("backed_up", "timed_out", "failed")
    assert "ABORTED" in str(report)
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()
    # and one that is redriven days after reads nothing
    scans = night.world.gate.calls["dynamodb:Scan"]
    states.redrive_execution(executionArn=execution.arn)
    night.world.clock.advance(3600)
    assert night.world.gate.calls["dynamodb:Scan"] == scans
    night.assert_clean()


def test_a_machine_deleted_in_mid_night_leaves_nothing_raised(night: NightDriver) -> None:
    night.table("users")
    reading(night, read=1000, **BIG)
    night.world.client("stepfunctions").delete_state_machine(stateMachineArn=MACHINE)
    report = night.until_closed()
    assert verdicts(report) == {"users": "backed_up", "orders": "failed"}
    assert read_back(night, "users") == {f"users#{i}" for i in range(3)}
    row = report["tables"]["orders"]
    assert row["errors"] == ["attempt 1: its execution is not there any more"]
    assert f"StateMachineDoesNotExist: State Machine Does Not Exist: '{MACHINE}'" in row["reason"]
    assert night.capacity("orders") == (1000, 50)
    (message,) = night.attention
    assert row["reason"] in message["message"]
    night.assert_clean()


@pytest.mark.parametrize(("concurrency", "most"), [(10, 1), (1000, 3)])
def test_workers_at_once_are_a_tenth_of_what_nobody_reserved(
    night: NightDriver, concurrency: int, most: int
) -> None:
    night.world.limits.concurrent_executions = concurrency
    # each has a worker of its own if there may be so many: its share is more than one reads
    for number in range(3):
        night.table(f"table-{number}", read=4000, size_bytes=4 * GIB, item_count=3)
    at_once: set[int] = set()
    running = night.world.functions.running
    night.world.before("dynamodb:Scan", lambda _: at_once.add(len(running())))
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert max(at_once) == most
    told = f"{most} workers at once, not 10: the account has {concurrency} concurrent invocations"
    assert (told in str(report["warnings"])) is (concurrency < 100)
    night.assert_clean()


@pytest.mark.parametrize("monitored", [True, False], ids=["monitored", "nobody comes"])
def test_at_the_deadline_a_worker_ends_by_itself(night: NightDriver, monitored: bool) -> None:
    night.table("users")
    # grown since it was counted: what it is raised to is not enough
    grown = {**BIG, "read_bytes": 200 * GIB}
    night.table("orders", items=48, read=1000, **grown)
    night.scheduler()
    night.until_exporting("orders")
    deadline = START + timedelta(hours=2)
    scans: list[datetime] = []
    night.world.before("dynamodb:Scan", lambda _: scans.append(night.world.sleeper.now()))
    while night.world.clock.now() < deadline + timedelta(minutes=5):
        night.world.clock.advance(300)
        if monitored:
            night.monitor()
    assert deadline - timedelta(minutes=15) < max(scans) < deadline
    assert night.clusters() == []
    assert night.capacity("orders") == (1000 if monitored else night.raised, 50)
    report = night.until_closed(hours=0.5)
    assert verdicts(report) == {"users": "backed_up", "orders": "timed_out"}
    assert "still running at the deadline" in report["tables"]["orders"]["reason"]
    assert night.capacity("orders") == (1000, 50)
    (message,) = night.messages
    assert message["subject"].startswith("ATTENTION 1 of 2 failed: ")
    assert "orders: still running at the deadline" in message["message"]
    # what there is of it is no backup, and is not taken for one
    assert not any("/orders/" in key for key in night.keys("catalog/"))
    night.assert_clean()


def test_a_worker_that_runs_nothing_is_given_up_and_its_tables_move(night: NightDriver) -> None:
    night.configure(window_seconds=4 * 3600)
    night.world.limits.concurrent_executions = 0
    night.table("orders", **SLOW)
    night.scheduler()
    night.passes(50)
    night.world.limits.concurrent_executions = 1000
    report = night.until_closed()
    assert "its worker ran nothing" in report["batches"][0]["cancel_reason"]
    whole(night, report, report["tables"]["orders"]["attempt"])


@pytest.mark.parametrize(("times", "verdict"), [(1, "backed_up"), (None, "failed")])
def test_a_start_that_is_refused_is_told_in_its_words(
    night: NightDriver, times: int | None, verdict: str
) -> None:
    night.table("orders", read=1000, **BIG)
    night.refuse(night.call("start"), "AccessDeniedException", "not allowed: StartExecution", times)
    report = night.night()
    assert verdicts(report) == {"orders": verdict}
    row = report["tables"]["orders"]
    assert ("not allowed: StartExecution" in str(row["reason"])) is (verdict == "failed")
    assert night.all_clusters() == (1 if times else 0)
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


@pytest.mark.parametrize("name", ["orders", "record"])
def test_a_worker_of_a_newer_version_is_left_alone(night: NightDriver, name: str) -> None:
    """Somebody went back to this version in mid-night, and forward again."""
    reading(night, read=1000, **BIG)
    (key,) = [key for key in night.keys("runs/") if key.endswith(f"/{name}.json")]

    def say(version: int) -> None:
        body = night.json(key)
        assert body is not None
        night.s3.put_object(
            Bucket=BUCKET, Key=key, Body=json.dumps(body | {"version": version}).encode()
        )

    say(2)
    night.tolerant = True
    night.passes(30)
    assert all("newer version" in str(error) for error in night.errors)
    if name == "orders":
        assert night.errors != []
        assert not night.exporting("orders")
        assert night.capacity("orders") == (night.raised, 50)
    else:
        # how far a worker is may be lost: when that one is dead another goes on
        assert night.errors == []
        assert night.all_clusters() == 2
    say(1)
    night.tolerant = False
    report = night.until_closed()
    assert verdicts(report)["orders"] in ("backed_up", "timed_out")
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


LINK = {"run": RUN, "worker": "b001", "deadline": "2026-11-24T02:00:00Z", "place": {}}


@pytest.mark.parametrize(
    "event",
    [
        None,
        "b001",
        {},
        {"run": "now"},
        {**LINK, "tables": ["orders"]},
        {**LINK, "worker": ""},
        {**LINK, "run": 5},
        {**LINK, "deadline": "soon"},
        {**LINK, "place": None},
        {**LINK, "place": {"name": "other"}},
        {**LINK, "place": {"bucket": 5}},
        {**LINK, "place": {"bucket": None}},
        {**LINK, "place": {"prefix": ["a"]}},
    ],
    ids=str,
)
def test_a_links_event_by_hand_that_is_wrong_is_refused_in_words(
    night: NightDriver, event: Any
) -> None:
    night.table("orders")
    with pytest.raises(ConfigurationError, match=r"takes .* not for people|is not a time"):
        exporter.handler(event, Context(lambda: 900.0))
    assert night.keys() == []
    assert night.world.gate.calls["dynamodb:Scan"] == 0


def test_a_links_event_by_hand_reads_nothing_that_is_not_ordered(night: NightDriver) -> None:
    night.table("orders")
    for worker in ("b001", "../b001", "b001-p2"):
        answer = exporter.handler({**LINK, "worker": worker}, Context(lambda: 900.0))
        assert answer == {"more": False, "why": "there are no orders for this worker"}
    whole(night, night.night())
    # nor of what is over, though the machine's own event comes again
    scans = night.world.gate.calls["dynamodb:Scan"]
    assert not exporter.handler(LINK, Context(lambda: 900.0))["more"]
    assert night.world.gate.calls["dynamodb:Scan"] == scans


def test_a_full_account_is_waited_for(night: NightDriver) -> None:
    night.world.limits.concurrent_executions = 0
    night.table("orders")
    night.scheduler()
    night.passes(30)
    assert links(night) == []
    night.world.limits.concurrent_executions = 1000
    whole(night, night.until_closed())
    assert night.attention == []


def test_a_record_that_is_lost_costs_nothing(night: NightDriver) -> None:
    reading(night)
    for key in night.keys("runs/"):
        if key.endswith("/record.json"):
            night.s3.delete_object(Bucket=BUCKET, Key=key)
    whole(night, night.until_closed())


def test_a_night_of_excluded_tables_starts_no_worker(night: NightDriver) -> None:
    night.configure(tables={"exclude": ["*"]})
    night.table("orders")
    assert verdicts(night.night()) == {"orders": "skipped"}
    assert night.all_clusters() == 0
    assert "leave out all 1 tables: nothing is backed up" in night.messages[-1]["message"]
    night.assert_clean()


@pytest.mark.parametrize("again", [False, True], ids=["deleted", "made anew"])
def test_a_table_that_goes_in_mid_scan_vanished(night: NightDriver, again: bool) -> None:
    reading(night)
    night.dynamodb.delete_table(TableName="orders")
    if again:
        night.table("orders")
    assert verdicts(night.until_closed()) == {"orders": "vanished"}
    assert night.keys("catalog/") == []
    night.assert_clean()


@pytest.mark.parametrize("raised", [False, True], ids=["at its share", "raised"])
def test_a_table_that_is_switched_to_on_demand_in_mid_scan_is_read_again(
    night: NightDriver, raised: bool
) -> None:
    reading(night, **({"read": 1000, **BIG} if raised else {}))
    night.dynamodb.update_table(TableName="orders", BillingMode="PAY_PER_REQUEST")
    report = night.until_closed()
    row = report["tables"]["orders"]
    assert row["verdict"] == "backed_up", row
    assert read_back(night, "orders", 2) == {f"orders#{i}" for i in range(3)}
    night.assert_clean()


def test_a_run_ends_by_the_engine_it_was_planned_for(night: NightDriver) -> None:
    reading(night)
    emr = {"jar": JAR, "service_role": "emr"}
    night.configure(engine="emr", emr=emr, cluster={"release_label": "emr-7.13.0"})
    whole(night, night.until_closed())
    assert night.world.gate.calls["emr:RunJobFlow"] == 0
