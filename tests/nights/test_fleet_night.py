"""The demo's whole fleet in one night, in this process: every table ends as it must."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from hippolyte.planning.window import run_id
from local.demo import native
from local.demo.checks import problems, snapshot
from local.fleet.fleet import (
    EXCLUDED,
    NATIVE,
    create,
    delete_in_time,
    demo_fleet,
    previous_report,
)
from tests.support.harness import ACCOUNT, BUCKET, REGION, START, NightDriver


@pytest.mark.slow
def test_the_whole_fleet(night: NightDriver) -> None:
    specs = demo_fleet()
    assert len(specs) >= 60
    night.configure(
        window_seconds=25_200,
        tables={"exclude": [EXCLUDED]},
        native_export={"tables": [NATIVE]},
        restore_drill={"canary": "orders"},
    )
    create(night.world, specs)
    before = snapshot(night.world, specs)
    delete_in_time(night.world, specs, START)
    last = run_id(START - timedelta(days=1))
    night.s3.put_object(
        Bucket=BUCKET,
        Key=f"runs/{ACCOUNT}/{REGION}/{last}/report.json",
        Body=json.dumps(previous_report(specs, last)),
    )
    report = night.night()
    assert problems(night.world, specs, BUCKET, report, before) == []
    assert native.native_problems(night.world, specs, report) == []
    assert night.watch.violations == []
    (empty,) = [s.name for s in specs if s.previous_items]
    assert report["changes"] == {
        "new": [],
        "gone": [],
        "empty": [empty],
        "recovered": [],
        "broken": [s.name for s in specs if s.verdict == "vanished"],
    }
    assert report["alerts"] == [f"{empty} is empty tonight and was not the night before"]
    assert f"{empty} is empty tonight" in night.messages[-1]["message"]
