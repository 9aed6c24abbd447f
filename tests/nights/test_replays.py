"""What the original did wrong and no other test plays: each as the night in which it would."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from local.core.faults import ALWAYS
from tests.support.harness import BIG, RUN, START, Killed, NightDriver, verdicts

TOMORROW = START + timedelta(days=1)


def the_night_after(night: NightDriver) -> str:
    """Go to the next window's begin and start its night; return its id."""
    night.world.clock.advance_to(TOMORROW)
    night.scheduler({"run": iso(TOMORROW), "delay_seconds": 0})
    return run_id(TOMORROW)


def test_the_success_of_a_table_with_a_longer_name_hides_no_failure(night: NightDriver) -> None:
    """It listed with the table's name as prefix, without a slash: orders-archive was orders too."""
    for name in ("orders", "orders-archive", "orders.old"):
        night.table(name)
    night.world.faults.claims_success_without_output["orders"] = ALWAYS
    report = night.night()
    assert verdicts(report) == {
        "orders": "failed",
        "orders-archive": "backed_up",
        "orders.old": "backed_up",
    }
    last = "manifest-summary.json" if night.engine == "lambda" else "_SUCCESS"
    assert f"{last} is missing" in report["tables"]["orders"]["reason"]
    assert "orders: " in night.attention[-1]["message"]
    night.assert_clean()


def test_the_success_of_the_night_before_hides_no_failure(night: NightDriver) -> None:
    """Any flag younger than a day counted: a run that ended late hid the next night's failure."""
    night.table("orders")
    night.world.clock.advance_to(TOMORROW - timedelta(hours=3))
    night.scheduler({"run": "now"})
    first = run_id(TOMORROW - timedelta(hours=3))
    assert verdicts(night.until_closed(run=first)) == {"orders": "backed_up"}
    night.world.faults.claims_success_without_output["orders"] = ALWAYS
    second = the_night_after(night)
    report = night.until_closed(run=second)
    assert verdicts(report) == {"orders": "failed"}
    assert len(night.attention) == 1
    night.assert_clean()


@pytest.mark.parametrize("somebody", [None, 2000], ids=["nobody", "somebody raises meanwhile"])
def test_a_night_that_crashed_raised_is_no_base_for_the_next(
    night: NightDriver, somebody: int | None
) -> None:
    """It took what was there for the original, or replayed the latest record it found.

    Raised tables stayed raised for good, and a change made by day was undone.
    """
    night.table("orders", read=1000, **BIG)
    night.kill_after("dynamodb:UpdateTable")
    with pytest.raises(Killed):
        night.scheduler()
    night.world.clock.advance(12 * 3600)
    assert night.capacity("orders") == (night.raised, 50)
    before = 1000
    if somebody:
        night.set_by_hand("orders", somebody)
        before = somebody
    run = the_night_after(night)
    lowest = [before]
    night.world.before(
        "dynamodb:UpdateTable",
        lambda call: lowest.append(call.params["ProvisionedThroughput"]["ReadCapacityUnits"]),
    )
    report = night.until_closed(run=run)
    assert verdicts(report) == {"orders": "backed_up"}
    assert min(lowest) == before
    assert [row["from"] for row in report["raised"]] in ([], [before])
    assert night.capacity("orders") == (before, 50)
    assert night.record(RUN, "report.json"), "the night that crashed is closed too"
    night.assert_clean()


def test_a_refused_raise_does_not_leave_the_export_its_share(night: NightDriver) -> None:
    """The inflated share stayed when the raise was refused: 20 of 50 units for the application."""
    night.table("orders", read=1000, **BIG)
    night.refuse("dynamodb:UpdateTable", "ValidationException", "no")
    night.night()
    if night.engine == "lambda":
        order = (night.record(RUN, "workers/b001/orders.json") or {})["tables"]["orders"]
        assert (order["fraction"], order["raised_to"]) == (0.5, None)
    else:
        assert {c.read_units_per_second for c in night.world.consumption} == {500.0}
    assert night.capacity("orders") == (1000, 50)
    night.allow_all()
    night.assert_clean()


def test_one_refusal_keeps_no_other_batch_from_starting(night: NightDriver) -> None:
    """One exception in its loop left all later pipelines inactive, their tables raised."""
    night.configure(planning={"max_clusters": 3})
    for name in ("first", "second", "third"):
        night.table(name, read=1000, **BIG)
    night.tolerant = True
    night.refuse(night.call("start"), "InvalidRequestException", "no", times=1)
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    for name in ("first", "second", "third"):
        assert night.capacity(name) == (1000, 50)
    night.assert_clean()
