"""A part by hand: some tables, now; the night knows it from a night."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from hippolyte.planning import answer as answer_module
from hippolyte.planning.answer import read_answer
from hippolyte.planning.window import run_id
from hippolyte.record_form import iso, when
from tests.support.harness import (
    ACCOUNT,
    BIG,
    BUCKET,
    REGION,
    RUN,
    START,
    NightDriver,
    next_night,
    verdicts,
)
from tests.support.report_schema import PLAN, faults


def fleet(night: NightDriver) -> None:
    for name in ("orders", "orders-archive", "users"):
        night.table(name)


def part(night: NightDriver, *globs: str) -> str:
    answer = night.scheduler({"run": "now", "tables": list(globs)})
    assert answer["result"] == "begun", answer
    return str(answer["run_id"])


def jobs(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {job["table"]: job for batch in plan["batches"] for job in batch["jobs"]}


@pytest.mark.both
def test_a_part_backs_up_what_matches_and_says_that_it_is_one(night: NightDriver) -> None:
    fleet(night)
    night.world.clock.advance(37)
    run = part(night, "orders*")
    assert run == "2026-11-24T00-00-37Z"
    report = night.until_closed(run=run)
    assert verdicts(report) == {"orders": "backed_up", "orders-archive": "backed_up"}
    assert report["part"] == ["orders*"]
    assert list(faults(report)) == []
    assert night.messages[-1]["subject"].startswith("OK part 2 backed up: ")
    assert "tables orders*; of the others it says nothing" in night.messages[-1]["message"]
    assert night.attention == []
    night.assert_clean()


def test_a_part_raises_as_a_night_does(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.table("users")
    run = part(night, "orders")
    report = night.until_closed(run=run)
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["raised"][0]["to"] == night.raised
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_the_tables_outside_a_part_are_not_gone_and_not_broken(night: NightDriver) -> None:
    fleet(night)
    night.night()
    night.world.clock.advance_to(START + timedelta(hours=10))
    report = night.until_closed(run=part(night, "users"))
    assert report["previous_run"] == RUN
    assert set(map(len, report["changes"].values())) == {0}
    assert report["alerts"] == []


def test_the_next_night_is_compared_with_the_last_night_not_with_a_part(
    night: NightDriver,
) -> None:
    fleet(night)
    night.night()
    night.world.clock.advance_to(START + timedelta(hours=10))
    night.until_closed(run=part(night, "users"))
    report = next_night(night)
    assert report["previous_run"] == RUN
    assert set(map(len, report["changes"].values())) == {0}
    assert len(report["tables"]) == 3


def test_a_part_alone_is_no_night_before(night: NightDriver) -> None:
    fleet(night)
    night.until_closed(run=part(night, "users"))
    assert next_night(night)["previous_run"] is None


def test_a_part_in_the_very_minute_of_a_night_takes_nothing_from_it(night: NightDriver) -> None:
    fleet(night)
    run = part(night, "users")
    assert night.scheduler()["run_id"] == RUN
    reports = [night.until_closed(run=run), night.until_closed()]
    assert verdicts(reports[0]) == {"users": "backed_up"}
    assert set(verdicts(reports[1])) == {"orders", "orders-archive", "users"}
    spans = [(c.start, c.end) for c in night.world.consumption if c.table == "users"]
    if night.engine == "lambda":
        rows = [report["tables"]["users"] for report in reports]
        spans = [(when(row["started_at"]), when(row["finished_at"])) for row in rows]
    assert len(spans) == 2
    (_, first_end), (second_start, _) = sorted(spans)
    assert first_end <= second_start


def metric(night: NightDriver, name: str) -> list[float]:
    found = night.world.client("cloudwatch").get_metric_statistics(
        Namespace="Hippolyte",
        MetricName=name,
        Dimensions=[{"Name": "Deployment", "Value": "hippolyte"}],
        StartTime=START - timedelta(days=1),
        EndTime=START + timedelta(days=5),
        Period=300,
        Statistics=["Maximum"],
    )["Datapoints"]
    return [p["Maximum"] for p in sorted(found, key=lambda p: p["Timestamp"])]


def test_a_part_does_not_hide_that_nights_are_missing(night: NightDriver) -> None:
    fleet(night)
    night.night()
    late = START + timedelta(hours=26)
    night.world.clock.advance_to(late)
    night.until_closed(run=part(night, "users"))
    night.monitor()
    assert metric(night, "NightOverdue")[-1] == 0
    night.world.clock.advance_to(START + timedelta(hours=25 + 2 + 1, minutes=5))
    night.monitor()
    assert metric(night, "NightOverdue")[-1] == 1


@pytest.mark.parametrize("body", [b"{", b'{"version":1}', b'{"version":1,"since":7}'])
def test_a_first_pass_that_is_not_known_excuses_no_night(night: NightDriver, body: bytes) -> None:
    fleet(night)
    key = f"runs/{ACCOUNT}/{REGION}/since.json"
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    night.monitor()
    assert metric(night, "NightOverdue")[-1] == 1


def test_a_part_puts_no_figure_of_nights(night: NightDriver) -> None:
    fleet(night)
    night.world.faults.step_fails["users"] = 9
    report = night.until_closed(run=part(night, "users"))
    assert verdicts(report) == {"users": "failed"}
    assert "ATTENTION part" in night.messages[-1]["subject"]
    assert metric(night, "TablesFailed") == []
    assert metric(night, "OldestBackupAgeDays") == []


def test_an_excluded_table_stays_excluded_and_is_told(night: NightDriver) -> None:
    fleet(night)
    night.configure(tables={"exclude": ["*-archive"]})
    answer = night.scheduler({"run": "now", "tables": ["orders*"]})
    assert answer["skipped"] == {"orders-archive": "excluded by '*-archive'"}
    report = night.until_closed(run=answer["run_id"])
    assert verdicts(report) == {"orders": "backed_up", "orders-archive": "skipped"}


@pytest.mark.parametrize(
    ("globs", "said"),
    [
        (["oders"], "no table matches 'oders' (the nearest: orders"),
        (["users", "Orders"], "no table matches 'Orders'"),
        (["zzz*"], "no table matches 'zzz*' (there are 3 tables)"),
        (["orders-archive"], "nothing is left of orders-archive: orders-archive: excluded by"),
    ],
)
def test_what_matches_nothing_is_refused_with_the_nearest_names(
    night: NightDriver, globs: list[str], said: str
) -> None:
    fleet(night)
    night.configure(tables={"exclude": ["*-archive"]})
    for run in ("now", "plan"):
        assert said in night.scheduler({"run": run, "tables": globs})["refused"]
    assert night.keys() == []
    assert night.messages == []


def test_a_part_beside_an_open_run_is_refused(night: NightDriver) -> None:
    fleet(night)
    first = part(night, "users")
    night.world.clock.advance(60)
    refused = night.scheduler({"run": "now", "tables": ["orders"]})["refused"]
    assert f"run {first} is open: wait for its report" in refused
    assert "run id" not in refused
    again = night.scheduler({"run": "now"})["refused"]
    assert first in again


def test_a_plan_is_answered_and_changes_nothing(night: NightDriver) -> None:
    fleet(night)
    night.table("large", read=1000, **BIG)
    night.configure(tables={"exclude": ["*-archive"], "always": ["oders"]})
    answer = night.scheduler({"run": "plan"})
    plan = answer["plan"]
    assert set(jobs(plan)) == {"orders", "users", "large"}
    assert jobs(plan)["large"]["raise_to"] == night.raised
    assert plan["verdicts"] == {"orders-archive": ["skipped", "excluded by '*-archive'"]}
    assert plan["cost_usd"] > 0
    assert any("no table matches" in alert for alert in plan["alerts"])
    assert night.keys() == []
    assert night.messages == []
    assert night.watch.updates == []
    assert set(jobs(night.scheduler({"run": "plan", "tables": ["us*"]})["plan"])) == {"users"}


def test_a_plan_is_answered_as_the_night_records_it(night: NightDriver) -> None:
    fleet(night)
    night.table("large", read=1000, **BIG)
    answered = night.scheduler({"run": "plan"})["plan"]
    assert list(faults(answered, PLAN, "plan")) == []
    night.scheduler()
    recorded = night.record(RUN, "plan.json")
    assert recorded is not None
    recorded.pop("nonce")
    assert answered == recorded


def test_other_settings_are_planned_with_and_not_kept(night: NightDriver) -> None:
    night.table("large", read=1000, **BIG)
    trials = [{"raise_capacity": False}, {"consumed_percentage": 30, "window_seconds": 3600}]
    answer = night.scheduler({"run": "plan", "what_if": trials})
    raised = [jobs(plan)["large"]["raise_to"] for plan in (answer["plan"], *answer["what_if"])]
    assert raised[0] == night.raised
    assert raised[1] is None
    hours = when(answer["what_if"][1]["deadline"]) - when(answer["what_if"][1]["start"])
    assert hours.total_seconds() == 3600
    assert night.keys() == []
    assert night.scheduler({"run": "plan"})["plan"] == answer["plan"]


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        ({"consumed_percentage": 0}, "consumed_percentage must be at least 1, got 0"),
        ({"weather": 1}, "unknown key weather"),
        ({"planning": 5}, "planning must be an object, got 5"),
        ({"engine": "glue"}, "engine must be one of"),
    ],
)
def test_settings_that_cannot_be_planned_with_are_refused(
    night: NightDriver, trial: dict[str, Any], said: str
) -> None:
    night.table("orders")
    assert said in night.scheduler({"run": "plan", "what_if": [trial]})["refused"]


def test_a_long_plan_is_answered_packed(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(night)
    monkeypatch.setattr(answer_module, "_PACKED_FROM", 100)
    answer = night.scheduler({"run": "plan"})
    assert set(answer) == {"result", "at", "packed"}
    plan, others = read_answer(answer)
    assert set(jobs(plan)) == {"orders", "orders-archive", "users"}
    assert others == []


def test_a_plan_is_answered_beside_an_open_run(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.until_exporting("orders")
    before = night.keys()
    plan = night.scheduler({"run": "plan"})["plan"]
    # its own capacity, not what it is raised to
    assert jobs(plan)["orders"]["raise_to"] == night.raised
    assert night.keys() == before
    assert run_id(START) == RUN
    night.until_closed()
    night.assert_clean()


def test_the_newest_good_backup_may_be_that_of_a_part(night: NightDriver) -> None:
    fleet(night)
    night.night()
    night.world.clock.advance_to(START + timedelta(hours=5, minutes=30))
    good = part(night, "users")
    assert verdicts(night.until_closed(run=good)) == {"users": "backed_up"}
    night.world.clock.advance_to(START + timedelta(hours=8, minutes=14))
    night.world.faults.step_fails["users"] = 99
    of_part = night.until_closed(run=part(night, "users"))
    of_night = next_night(night)
    for report in (of_part, of_night):
        assert report["tables"]["users"]["verdict"] == "failed"
        assert report["tables"]["users"]["last_good"] == iso(START + timedelta(hours=5, minutes=30))
    hours = round((when(of_part["closed_at"]) - START).total_seconds() / 3600 - 5.5)
    assert f"newest good backup: {hours} hours ago" in night.messages[-2]["message"]
    # what the alarm `backups-old` looks at
    assert metric(night, "OldestBackupAgeDays")[-1] == of_night["oldest_good"]["age_days"]
    assert of_night["oldest_good"]["table"] == "users"
    assert of_night["oldest_good"]["age_days"] < 0.9


def test_a_part_is_newer_too_for_a_table_that_the_brake_leaves_out(night: NightDriver) -> None:
    night.table("orders")
    night.night()
    night.world.clock.advance_to(START + timedelta(hours=10))
    assert verdicts(night.until_closed(run=part(night, "orders"))) == {"orders": "backed_up"}
    night.configure(max_night_usd=0.01)
    row = next_night(night)["tables"]["orders"]
    assert (row["verdict"], row["last_good"]) == ("skipped", iso(START + timedelta(hours=10)))
