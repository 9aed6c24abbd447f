"""A new deployment tries what it may do before its first night: killed there, it leaves nothing."""

from __future__ import annotations

import pytest

from hippolyte import monitor, preflight, scheduler
from hippolyte.night.one_pass import Pass
from tests.support.faults.breaking import Break, HarnessNight, run
from tests.support.faults.matrix import Row, assert_all_well, ends, told
from tests.support.faults.tap import Point


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_killed_before_and_after_each_call_before_the_first_plan(
    monkeypatch: pytest.MonkeyPatch, row: Row, engine_name: str
) -> None:
    looking = True

    def before(night: HarnessNight) -> None:
        """Two passes of the monitor: the second in case that the first is killed."""
        for handler in (monitor, scheduler):
            monkeypatch.setattr(handler, "preflight", _unwatched(night))
        for _ in range(2):
            night.schedule.invoke(night.driver.monitor)
            night.driver.world.clock.advance(60)

    def choose(point: Point) -> list[tuple[str, Break]]:
        nonlocal looking
        looking = looking and point.caller != "records/runs.create"
        return [("killed", HarnessNight.kill)] if looking else []

    outcomes = run(choose, engine_name, before=before)
    assert not looking, "the plan's writer was never met"
    runs = str(len(outcomes) - 1)
    row("killed at each call before the first plan", runs, ends(outcomes[1:]), told(outcomes[1:]))
    assert len(outcomes) > 100
    assert_all_well(outcomes)


def _unwatched(night: HarnessNight) -> object:
    """The watch knows nothing of tables that do not exist: its hooks are away meanwhile."""

    def look(p: Pass, function: str) -> None:
        hooks = list(night.driver.world.gate.hooks)
        night.driver.world.gate.hooks.clear()
        try:
            preflight.preflight(p, function)
        finally:
            night.driver.world.gate.hooks[:] = hooks

    return look
