"""Nights with a table that is too much for one worker: several read it, each some segments.

In virtual time a worker's own work takes none, so that it is held to its throughput here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hippolyte import link
from hippolyte.assembly import assemble
from hippolyte.exports import native
from hippolyte.exports.reader import Prefix, find
from hippolyte.night import cancelled
from hippolyte.planning import host
from hippolyte.scan.pace import EVENTUAL, Pace
from hippolyte.settings import parse
from hippolyte.share import Share
from hippolyte.store import Store
from hippolyte_cli.progress import progress
from local.core.call import Call, refusal
from local.dynamodb import metering
from local.dynamodb.application import Application
from local.dynamodb.table_settings import Generated
from tests.support.harness import (
    ACCOUNT,
    BUCKET,
    MACHINE,
    REGION,
    RUN,
    NightDriver,
    driver,
    verdicts,
)
from tests.support.report_schema import faults

# bytes a second of a worker, and what the table has of them
WORKER, ITEMS, ITEM = 1_000_000, 12_500, 400_000
SIZE = ITEMS * ITEM
# half of it is eight workers' by bytes, four's as the plan of these nights reckons
CAPACITY, PARTS = 2000, 4
EXPORTER = "hippolyte-exporter"


class _Slow(Pace):
    """The pace of a worker whose own work takes time."""

    @classmethod
    def start(
        cls,
        share: Share,
        segments: int,
        now: float,
        unit_bytes: int = EVENTUAL,
        own: range | None = None,
    ) -> Pace:
        part = len(range(segments) if own is None else own) / segments
        slow = replace(share, most=min(share.rate, WORKER / unit_bytes / part))
        return Pace.start(slow, segments, now, unit_bytes, own)


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    monkeypatch.setattr(host, "VCPU_BYTES", WORKER)
    monkeypatch.setattr(link, "Pace", _Slow)
    with driver(monkeypatch, "lambda") as made:
        made.world.live_capacity = True
        made.table("orders", read=CAPACITY)
        made.world.set_table("orders", generated=Generated(ITEMS, ITEM), burst_seconds=10)
        yield made


def reading(night: NightDriver, minutes: float = 5) -> list[Any]:
    """Begin the night, and return the links that read when they have for a while."""
    night.scheduler()
    night.until_exporting("orders")
    night.passes(minutes)
    return [one for one in night.world.functions.running() if one.function == EXPORTER]


def whole(night: NightDriver, report: dict[str, Any], attempt: int = 1) -> None:
    """The table is backed up: each item once, whoever read it; nothing else lies there."""
    row = report["tables"]["orders"]
    assert (row["verdict"], row["attempt"], row["items"]) == ("backed_up", attempt, ITEMS), row
    directory = f"backups/{ACCOUNT}/{REGION}/orders/{RUN}-{attempt}/"
    keys = [
        json.dumps(item["pk"]) for item in find(Prefix(Store(night.s3, BUCKET), directory)).items()
    ]
    assert len(keys) == len(set(keys)) == ITEMS
    (listed,) = [key for key in night.keys(directory) if key.endswith(native.FILES)]
    body = night.s3.get_object(Bucket=BUCKET, Key=listed)["Body"].read()
    named = [one.key for one in native.parse_files(body)]
    assert sorted(named) == [key for key in night.keys(directory) if f"/{native.DATA}" in key]
    night.assert_clean()


def minutes_of(report: dict[str, Any]) -> float:
    return float(report["tables"]["orders"]["duration_seconds"]) / 60


def test_it_takes_a_part_of_one_workers_time_and_the_application_keeps_its_own(
    night: NightDriver,
) -> None:
    beside = Application(night.world, "orders", lambda seconds: 0.5 * CAPACITY)
    report = night.night()
    beside.stop()
    whole(night, report)
    assert night.all_clusters() == PARTS
    one = SIZE / WORKER / 60
    assert one / PARTS * 0.95 < minutes_of(report) < one / PARTS * 1.2
    assert beside.throttled == []
    reads = metering.ledger(night.world, night.world.account, night.world.region, "orders")
    assert reads.throttled == {}
    assert sum(reads.units.values()) - beside.served == pytest.approx(SIZE / EVENTUAL, rel=0.05)
    plan = night.record(RUN, "plan.json") or {}
    ((job,),) = [batch["jobs"] for batch in plan["batches"]]
    assert job["parts"] == PARTS
    assert [batch["workers"] for batch in report["batches"]] == [PARTS]
    assert list(faults(report)) == []


def test_one_worker_takes_as_many_times_as_long(night: NightDriver) -> None:
    night.configure(exporter={"machine_arn": MACHINE, "max_workers": 2})
    report = night.night()
    whole(night, report)
    assert night.all_clusters() == 1
    one = SIZE / WORKER / 60
    assert one * 0.95 < minutes_of(report) < one * 1.2


def assert_summed(night: NightDriver) -> None:
    """What a person is told after ten minutes is of all parts together."""
    found = progress(assemble(parse(json.dumps(night.settings)), "test", lambda: 900.0), RUN)
    assert found
    (table,) = found.tables
    assert table.reading
    assert table.segments == 19
    assert 0.5 * PARTS * 600 * WORKER < table.items * ITEM < PARTS * 720 * WORKER
    assert 0.7 * PARTS * WORKER / EVENTUAL < table.rate < 1.1 * PARTS * WORKER / EVENTUAL


def test_a_part_whose_link_is_killed_is_gone_on_with_by_its_next(night: NightDriver) -> None:
    links = reading(night, minutes=10)
    assert len(links) == PARTS
    assert_summed(night)
    night.world.functions.kill(links[2])
    whole(night, night.until_closed())
    assert night.all_clusters() == PARTS
    assert night.attention == []


def test_a_part_that_is_stopped_has_the_batch_go_on_with_others(night: NightDriver) -> None:
    links = reading(night)
    assert len(links) == PARTS
    execution = next(one for one in night.world.machines.of(MACHINE) if one.arn.endswith("-p2"))
    night.world.client("stepfunctions").stop_execution(executionArn=execution.arn)
    report = night.until_closed()
    # in the same directory
    whole(night, report)
    assert "ABORTED" in str(report)
    assert night.all_clusters() == 2 * PARTS


def test_a_cancel_ends_all_parts(night: NightDriver) -> None:
    assert len(reading(night)) == PARTS
    p = assemble(parse(json.dumps(night.settings)), "test", lambda: 900.0)
    assert cancelled.ask(p.runs, RUN, "alice") is None
    night.world.clock.advance(30)
    night.monitor()
    night.world.clock.advance(20)
    assert [one for one in night.world.functions.running() if one.function == EXPORTER] == []
    scans = night.world.gate.calls["dynamodb:Scan"]
    assert verdicts(night.until_closed(hours=1)) == {"orders": "failed"}
    assert night.world.gate.calls["dynamodb:Scan"] == scans
    night.assert_clean()


def test_an_account_with_room_for_two_reads_two_after_two(night: NightDriver) -> None:
    # others have the rest, since it was planned
    limits = night.world.limits
    night.world.before(
        "stepfunctions:StartExecution", lambda _: setattr(limits, "concurrent_executions", 2)
    )
    assert len(reading(night)) == 2
    report = night.until_closed()
    whole(night, report)
    assert night.all_clusters() == PARTS
    one = SIZE / WORKER / 60
    assert one / 2 * 0.95 < minutes_of(report) < one / 2 * 1.3


def test_a_part_that_was_refused_its_start_is_started_by_the_next_pass(night: NightDriver) -> None:
    night.kill_before("stepfunctions:StartExecution", 3)
    with pytest.raises(BaseException, match="StartExecution"):
        night.scheduler()
    night.tolerant = True
    whole(night, night.until_closed())
    assert night.all_clusters() == PARTS


def test_one_part_that_fails_has_the_table_read_again_by_as_many(night: NightDriver) -> None:
    """Not by the one worker that is left over: the others have left before."""
    night.configure(exporter={"machine_arn": MACHINE, "max_workers": PARTS + 1})

    left = iter([True])

    def refuse(call: Call) -> None:
        # the last segment is the last part's
        if f"/{native.DATA}0018-" in str(call.key) and next(left, False):
            raise refusal(call, "AccessDenied", "no")

    night.world.before("s3:PutObject", refuse)
    report = night.night()
    whole(night, report, attempt=2)
    assert night.all_clusters() == 2 * PARTS
    assert minutes_of(report) < SIZE / WORKER / 60 / PARTS * 1.2
