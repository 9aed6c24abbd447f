"""The report of a night before that cannot be read: tonight ends without it, and leases go back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hippolyte.planning.window import run_id
from tests.support.commands import command, deploy
from tests.support.harness import (
    ACCOUNT,
    BUCKET,
    REGION,
    RUN,
    START,
    NightDriver,
    next_night,
    verdicts,
)

KEY = f"runs/{ACCOUNT}/{REGION}/{RUN}/report.json"
TOLD = f"the report of {RUN} cannot be read"


def lose(night: NightDriver, how: str) -> None:
    """Keep the first night's report from being read."""
    if how == "not handed out":
        night.world.gate.denied.append(("s3:GetObject", f"*/{KEY}"))
        return
    body = {"damaged": b'{"version":1', "a list": b'{"version":1,"tables":["x"]}'}[how]
    night.s3.put_object(Bucket=BUCKET, Key=KEY, Body=body)


HOW = ("damaged", "a list", "not handed out")


@pytest.mark.parametrize("how", HOW)
def test_a_night_is_begun_and_ends_without_the_report_before(night: NightDriver, how: str) -> None:
    night.table("orders")
    night.night()
    lose(night, how)
    report = next_night(night)
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["previous_run"] is None
    assert report["warnings"][0].startswith(TOLD)


def test_a_night_is_compared_with_the_one_before_that(night: NightDriver) -> None:
    night.table("orders")
    night.night()
    second = START + timedelta(days=1)
    next_night(night)
    key = KEY.replace(RUN, run_id(second))
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{")
    assert next_night(night, days=2)["previous_run"] == RUN


@pytest.mark.parametrize("how", HOW)
def test_a_night_ends_without_the_report_that_it_was_planned_by(
    night: NightDriver, how: str
) -> None:
    night.table("orders")
    night.night()
    start = START + timedelta(days=1)
    night.world.clock.advance_to(start)
    night.scheduler({"run": f"{start:%Y-%m-%dT%H:%M:%SZ}", "delay_seconds": 0})
    lose(night, how)
    report = night.until_closed(run=run_id(start))
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["warnings"][0].startswith(TOLD)


def left_raised(night: NightDriver) -> None:
    """Close a night with a table that cannot be lowered, and lose its report."""
    night.night_that_leaves_raised("orders")
    night.s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"{")
    night.allow_all()


def test_what_a_run_left_raised_is_given_back_without_its_report(night: NightDriver) -> None:
    left_raised(night)
    night.passes(30)
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_release_gives_back_without_the_report(night: NightDriver) -> None:
    deploy(night)
    left_raised(night)
    result = command("release", "--wait", "600")
    assert result.exit_code == 0, result.output
    assert night.capacity("orders") == (1000, 50)
