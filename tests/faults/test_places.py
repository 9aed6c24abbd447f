"""Killed at each call, and then the deployment's place is another: nothing is stranded."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hippolyte.record_form import iso
from tests.support.faults.matrix import Row
from tests.support.harness import BIG, START, Killed, NightDriver, driver, verdicts

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("who", ["scheduler", "monitor"])
def test_killed_at_each_call_and_moved(
    monkeypatch: pytest.MonkeyPatch, engine_name: str, who: str, row: Row
) -> None:
    """The scheduler, or the monitor's second pass, dies before its n-th call."""
    number, dead = 0, True
    while dead:
        number += 1
        with driver(monkeypatch, engine_name) as night:
            dead = killed_at(night, who, number)
            night.allow_all()
            night.move("elsewhere")
            night.passes(60)
            late = START + timedelta(minutes=65)
            night.scheduler({"run": iso(late), "delay_seconds": 3900})
            where = f"call {number}"
            report = night.until_closed()
            assert verdicts(report) == {"orders": "backed_up", "users": "backed_up"}, where
            night.world.clock.advance_to(max(night.world.clock.now(), START + timedelta(hours=2)))
            night.passes(5)
            assert night.open_places() == [], where
            assert night.capacity("orders") == (1000, 50), where
            night.assert_clean()
    # a look at links is two records and no list of jobs; EMR's clusters are one list
    assert number > {"lambda": 10, "emr": 15}.get(engine_name, 20)
    row(f"{who} killed, then the bucket changed", str(number), "backed_up 2", "")


def killed_at(night: NightDriver, who: str, number: int) -> bool:
    """Begin a night, and kill one of its invocations before a call; False if it had made all."""
    night.keep_places()
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.table("users")
    if who == "monitor":
        night.scheduler()
        night.world.clock.advance(300)
        night.monitor()
        night.world.clock.advance(300)
    night.kill_before("*", number)
    try:
        night.scheduler() if who == "scheduler" else night.monitor()
    except Killed:
        return True
    return False
