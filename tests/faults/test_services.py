"""Each fault of the services: the verdicts it may cost, what a person is told, and no harm."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hippolyte.errors import HippolyteError
from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from tests.support.faults.backups import no_backups
from tests.support.faults.checks import names
from tests.support.faults.inside import Inside
from tests.support.faults.matrix import Row, count
from tests.support.faults.services import FAULTS, SMALL, Fault, Happens
from tests.support.harness import BIG, BUCKET, REGION, RUN, START, NightDriver, verdicts

pytestmark = pytest.mark.faults

ALL_WELL = dict.fromkeys(("orders", "empty", *SMALL), "backed_up")
CATCH_UP = {"run": iso(START + timedelta(minutes=65)), "delay_seconds": 3900}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_fault_of_the_services(night: NightDriver, fault: Fault, row: Row) -> None:
    if fault.engine not in (None, night.engine):
        pytest.skip(f"a fault of {fault.engine}")
    if fault.of_clusters and night.engine == "lambda":
        pytest.skip("a fault of clusters")
    night.configure(window_seconds=fault.window_seconds)
    size = BIG["size_bytes"] * fault.window_seconds // 7200
    night.table("orders", items=30, read=1000, size_bytes=size, item_count=30)
    night.target("orders", 100, 4000)
    for name in SMALL:
        night.table(name, items=30, read=None if name == "events" else 100)
    night.table("empty", items=0)
    night.tolerant = True
    fault.before(night)
    report = _whole_night(night, fault.meanwhile)
    expected = {**ALL_WELL, **fault.costs}
    subjects = [m["subject"].partition(": ")[0] for m in night.messages]
    errors = f", {len(night.errors)} invocations failed" if night.errors else ""
    row(
        f"{night.engine}: {fault.name}",
        "1",
        count(verdicts(report)),
        "; ".join(subjects) + errors,
    )
    assert verdicts(report) == expected, report["tables"]
    _assert_told(night, fault)
    _assert_given_back(night)
    assert list(no_backups(night, Inside(night), report)) == []
    if fault.afterwards:
        messages = night.messages
        fault.afterwards(night)
        _assert_given_back(night)
        assert list(no_backups(night, Inside(night), report)) == []
        assert night.messages == messages


def _whole_night(night: NightDriver, meanwhile: Happens | None) -> dict[str, Any]:
    night.world.clock.call_at(START + timedelta(minutes=65), lambda: _deliver(night, CATCH_UP))
    _deliver(night, None)
    if meanwhile:
        night.until_exporting("orders", *SMALL)
        meanwhile(night)
    return night.until_closed()


def _deliver(night: NightDriver, event: dict[str, Any] | None) -> None:
    try:
        night.scheduler(event)
    except (HippolyteError, ClientError) as error:
        night.errors.append(error)


def _assert_told(night: NightDriver, fault: Fault) -> None:
    text = "\n".join(f"{m['subject']}\n{m['message']}" for m in night.messages)
    told = fault.told_by_links if night.engine == "lambda" and fault.told_by_links else fault.told
    if told:
        assert night.attention
        assert told in text
        for name in fault.costs:
            assert names(text, name), name
    else:
        assert night.attention == [], text
    reports = [m for m in night.messages if f"Run {RUN}: " in m["message"]]
    assert reports == night.messages[-1:]
    raised = "\n".join(map(str, night.errors))
    if fault.error == "any":
        return
    assert fault.error in raised
    assert bool(raised) == bool(fault.error), raised


def _assert_given_back(night: NightDriver) -> None:
    inside = Inside(night)
    for _ in range(24):
        if set(inside.leases().values()) <= {"released"}:
            break
        night.passes(15)
    night.allow_all()
    assert inside.capacity("orders") in ((1000, 50), (1000, 80))
    assert inside.target("orders") == ((100, 4000), [])
    night.assert_clean()


def test_a_ledger_of_a_newer_version(night: NightDriver, row: Row) -> None:
    """Nothing of that run is touched, its error is told at each pass, other runs go on."""
    night.table("orders", read=1000, **BIG)
    night.table("users")
    night.tolerant = True
    night.scheduler()
    night.until_exporting("orders")
    key = f"runs/{night.account}/{REGION}/{RUN}/ledger.json"
    body = night.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    newer = body.replace(b'"version":1', b'"version":2', 1)
    assert newer != body
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=newer)
    tomorrow = START + timedelta(days=1)
    night.passes(6 * 60, each=30)
    night.world.clock.advance_to(tomorrow)
    passes = len(night.errors)
    assert passes == 12
    assert all("written by a newer version" in str(error) for error in night.errors)
    # it cannot be known what still reads the table: its capacity stays, its lease is open
    assert night.capacity("orders") == (night.raised, 50)
    night.table("later")
    _deliver(night, {"run": iso(tomorrow), "delay_seconds": 0})
    night.passes(4 * 60, each=15)
    assert night.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == newer
    report = night.record(run_id(tomorrow), "report.json")
    assert report is not None
    row(
        "run ledger of a newer version",
        "1",
        count(verdicts(report)) + " (next night)",
        f"{len(night.errors)} invocations failed",
    )
    assert verdicts(report)["users"] == verdicts(report)["later"] == "backed_up"
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    night.errors.clear()
    night.passes(120, each=15)
    assert night.errors == []
    assert night.record(RUN, "report.json")
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()
