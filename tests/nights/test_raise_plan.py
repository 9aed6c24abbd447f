"""Raises that are only looked at, and what a night teaches the next."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.harness import BIG, BUCKET, GIB, RUN, NightDriver, next_night, verdicts
from tests.support.report_schema import PLAN, faults


def jobs(night: NightDriver, run: str) -> dict[str, Any]:
    plan = night.record(run, "plan.json")
    assert plan is not None
    return {job["table"]: job for batch in plan["batches"] for job in batch["jobs"]}


@pytest.mark.both
def test_nothing_is_raised_and_the_report_says_what_would_have_been(night: NightDriver) -> None:
    night.configure(raise_capacity="plan")
    night.table("orders", read=1000, **BIG)
    night.table("users")
    report = night.night()
    assert night.watch.updates == []
    assert report["raised"] == []
    assert report["would_raise"] == [{"table": "orders", "from": 1000, "to": night.raised}]
    assert list(faults(report)) == []
    message = night.messages[-1]["message"]
    assert f"orders: 1,000 -> {night.raised:,}" in message
    assert "Would have been raised" in message
    assert verdicts(report)["users"] == "backed_up"
    key = f"runs/{night.account}/{night.region}/{RUN}/report.html"
    page = night.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert b"Would have been raised" in page


@pytest.mark.both
def test_the_next_night_is_planned_by_what_this_one_measured(night: NightDriver) -> None:
    night.configure(planning={"bytes_per_read_unit": None})
    night.table("orders", read=400, size_bytes=GIB, read_bytes=GIB, item_count=3)
    first = night.night()
    measured = first["tables"]["orders"]["measured"]
    assert 4096 <= measured["unit_bytes"] <= 8192
    assert measured["nights"] == 1
    assert measured["seconds"] == first["tables"]["orders"]["duration_seconds"]
    assert list(faults(first)) == []
    second = next_night(night)
    planned = jobs(night, second["run_id"])["orders"]
    assert planned["basis"].startswith(f"measured: {measured['unit_bytes']:.0f} bytes a unit")
    took = measured["seconds"]
    assert planned["estimate_seconds"] == pytest.approx(took, rel=0.05)
    assert second["tables"]["orders"]["measured"]["nights"] == 2
    plan = night.record(second["run_id"], "plan.json")
    assert plan is not None
    del plan["nonce"]
    assert list(faults(plan, PLAN, "plan")) == []


def test_a_night_that_could_not_be_read_whole_teaches_nothing(night: NightDriver) -> None:
    night.table("orders", read=400, size_bytes=GIB, read_bytes=GIB, item_count=3)
    night.world.faults.step_fails["orders"] = 1
    report = night.night()
    assert report["tables"]["orders"]["attempt"] == 2
    assert report["tables"]["orders"]["measured"] is None
