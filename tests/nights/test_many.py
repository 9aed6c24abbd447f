"""Many tables: batches one after another on their timelines, never more clusters than allowed."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from hippolyte.planning.window import run_id
from hippolyte.record_form import VERSION, iso, when
from local.core.call import Call
from local.datapipeline import actions
from local.datapipeline.validation import Limits
from tests.support.harness import BIG, BUCKET, PRODUCT_KEY, RUN, START, NightDriver, verdicts


def most_clusters(night: NightDriver) -> tuple[dict[str, Any], int]:
    """Run a night; return its report and the most clusters there were at any minute."""
    most = 0

    def look() -> bool:
        nonlocal most
        if night.world.clock.now().second == 0:
            most = max(most, len(night.clusters()))
        return night.record(RUN, "report.json") is not None

    night.scheduler()
    night.until(look, minutes=300)
    report = night.record(RUN, "report.json")
    assert report is not None
    return report, most


@pytest.mark.engine("datapipeline")
def test_a_hundred_tables_on_two_timelines(night: NightDriver) -> None:
    night.configure(planning={"max_clusters": 2})
    names = [f"table-{number:03d}" for number in range(104)]
    for name in names:
        night.table(name, items=1)
    report, most = most_clusters(night)
    assert verdicts(report) == dict.fromkeys(names, "backed_up")
    assert most == 2
    assert max(len(b["tables"]) for b in report["batches"]) == 32
    assert len({b["timeline"] for b in report["batches"]}) == 2
    assert len(report["batches"]) > 2
    for timeline in (0, 1):
        batches = [b for b in report["batches"] if b["timeline"] == timeline]
        for one, next_one in pairwise(batches):
            assert when(one["ended_at"]) <= when(next_one["started_at"])
    night.assert_clean()


@pytest.mark.both
def test_second_attempts_wait_for_a_free_cluster_too(night: NightDriver) -> None:
    night.configure(planning={"max_clusters": 1})
    for number in range(6):
        night.table(f"table-{number}")
        night.world.faults.step_fails[f"table-{number}"] = 1
    report, most = most_clusters(night)
    assert set(verdicts(report).values()) == {"backed_up"}
    assert most == 1
    night.assert_clean()


@pytest.mark.engine("datapipeline")
@pytest.mark.parametrize("how", ["pipelines", "rate", "clusters"])
def test_a_limit_of_the_service_is_waited_for(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    for number in range(40):
        night.table(f"table-{number:02d}", items=1)
    if how == "pipelines":
        monkeypatch.setattr(actions, "LIMITS", Limits(pipelines=1))
    elif how == "rate":
        night.world.throttle("datapipeline:CreatePipeline", calls=20)
    else:
        night.refuse(
            "datapipeline:ActivatePipeline",
            "InvalidRequestException",
            "The limit of 1 active pipelines has been reached",
            times=5,
        )
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert report["discovered"] == 40
    assert night.attention == []
    night.assert_clean()


def test_an_invocation_cut_short_leaves_the_rest_to_the_next(night: NightDriver) -> None:
    """Each call of the engine takes its time: the work is left over on purpose, not lost."""
    for number in range(40):
        night.table(f"table-{number:02d}", items=1)

    def takes_its_time(call: Call) -> None:
        # of both functions' invocations, not of those that read
        if call.access_key == PRODUCT_KEY and not night.world.functions.current():
            night.world.sleeper.sleep(10)

    for operation in ("s3:GetObject", night.call("every")):
        night.world.before(operation, takes_its_time)
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    night.assert_clean()


def test_a_third_of_all_calls_throttled(night: NightDriver) -> None:
    for number in range(5):
        night.table(f"table-{number}")
    night.table("orders", read=1000, size_bytes=20 << 30, item_count=3)
    night.target("orders", 100, 4000)
    night.throttle(0.3)
    night.tolerant = True
    report = night.night()
    night.allow_all()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_a_released_lease_is_read_once_and_again_only_when_it_changed(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.night()
    reads: list[str] = []

    def note(call: Call) -> None:
        if call.access_key == PRODUCT_KEY and "leases/" in str(call.key):
            reads.append(call.name)

    night.world.before("s3:GetObject", note)
    night.passes(30)
    assert len(reads) <= 1
    night.world.clock.advance_to(START + timedelta(days=1))
    reads.clear()
    night.scheduler({"run": "now"})
    night.passes(5)
    assert night.capacity("orders") == (night.raised, 50)
    assert reads


@pytest.mark.engine("datapipeline")
@pytest.mark.parametrize("is_read", [True, False])
def test_what_the_last_night_left_out_comes_first(night: NightDriver, is_read: bool) -> None:
    """Of three tables that take most of the two hours each; without a report they are all alike."""
    night.configure(planning={"max_clusters": 1}, raise_capacity=False)
    tables = {}
    for name in ("table-a", "table-b", "table-c"):
        night.table(name, size_bytes=4_000 * 50 * 4096)
        tables[name] = {
            "table_id": night.dynamodb.describe_table(TableName=name)["Table"]["TableId"],
            "last_good": iso(START - timedelta(hours=20 + 24 * (name == "table-b"))),
            "verdict": "backed_up",
            "last_items": 3,
        }
    earlier = run_id(START - timedelta(days=1))
    whole = {"version": VERSION, "run_id": earlier, "tables": tables}
    last = whole if is_read else ["of no form"]
    key = f"runs/123456789012/us-east-1/{earlier}/report.json"
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(last).encode())
    night.scheduler()
    plan = night.record(RUN, "plan.json")
    assert plan is not None
    batches = [[job["table"] for job in batch["jobs"]] for batch in plan["batches"]]
    assert batches == (
        [["table-b"], ["table-a", "table-c"]] if is_read else [["table-a"], ["table-b", "table-c"]]
    )
    told, *unread = plan["warnings"]
    assert told.startswith("no cluster has time for 2 of 3 tables before ")
    assert [each.partition(":")[0] for each in unread] == [
        f"the report of {earlier} cannot be read, so nothing is compared with it"
    ] * (not is_read)
