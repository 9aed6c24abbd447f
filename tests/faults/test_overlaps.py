"""Invocations beside each other, at every place where they can meet; and those out of time."""

from __future__ import annotations

import pytest

from tests.support.faults.breaking import Break, HarnessNight, run
from tests.support.faults.matrix import Row, assert_all_well, ends, told
from tests.support.faults.tap import Point


def _monitor_beside(night: HarnessNight) -> None:
    night.beside(night.driver.monitor)


def _delivery_beside(night: HarnessNight) -> None:
    night.beside(night.schedule.scheduler)


def _slow_with_a_pass_beside(night: HarnessNight) -> None:
    """Five minutes for one call: the next pass begins and ends in them."""
    night.take(300)
    night.beside(night.driver.monitor)


def _slow_with_both_beside(night: HarnessNight) -> None:
    """Thirteen minutes for one call, two passes and a duplicate in them; then a minute is left."""
    for beside in (night.driver.monitor, night.schedule.scheduler, night.driver.monitor):
        night.take(260)
        night.beside(beside)


def _short_of_time(night: HarnessNight) -> None:
    night.take(850)


BREAKS: dict[str, Break] = {
    "a monitor pass beside": _monitor_beside,
    "a duplicate delivery beside": _delivery_beside,
    "slow, a monitor pass beside": _slow_with_a_pass_beside,
    "slow, passes and a duplicate beside": _slow_with_both_beside,
    "50 seconds are left": _short_of_time,
    "the time limit is met": HarnessNight.time_out,
}


@pytest.mark.faults
@pytest.mark.native
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", BREAKS)
def test_at_each_call_site(name: str, row: Row, engine_name: str) -> None:
    seen: set[tuple[str, str]] = set()

    def choose(point: Point) -> list[tuple[str, Break]]:
        if point.site in seen:
            return []
        seen.add(point.site)
        return [(name, BREAKS[name])]

    outcomes = run(choose, engine_name)
    row(
        f"{engine_name}: {name}, at each call site",
        str(len(seen)),
        ends(outcomes[1:]),
        told(outcomes[1:]),
    )
    assert len(outcomes) == 1 + len(seen)
    assert_all_well(outcomes)
