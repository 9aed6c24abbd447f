"""A night with events, killed at each call: each fact is told, and nothing else."""

from __future__ import annotations

import pytest

from tests.support.faults.breaking import Break, HarnessNight, run
from tests.support.faults.matrix import Row, assert_all_well, ends, told
from tests.support.faults.tap import Point

_NEAR = ("leases/", "night/sweep", "night/tell_programs", "night/close")


def test_killed_before_and_after_each_call_site_that_tells_programs(
    row: Row, engine_name: str
) -> None:
    """A slice: around what is told, and what moves a lease."""
    seen: set[tuple[str, ...]] = set()

    def choose(point: Point) -> list[tuple[str, Break]]:
        key = (*point.site, point.side)
        near = point.call == "events:PutEvents" or point.caller.startswith(_NEAR)
        if not near or key in seen:
            return []
        seen.add(key)
        return [("killed", HarnessNight.kill)]

    outcomes = run(choose, engine_name, events=True)
    assert any("PutEvents" in o["name"] for o in outcomes)
    runs = f"{len(seen)}"
    row(
        f"{engine_name}: events, killed at call sites", runs, ends(outcomes[1:]), told(outcomes[1:])
    )
    assert_all_well(outcomes)


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_killed_before_and_after_every_call_while_events_are_listened_to(
    row: Row, engine_name: str
) -> None:
    outcomes = run(lambda _: [("killed", HarnessNight.kill)], engine_name, events=True)
    points, calls = len(outcomes) - 1, outcomes[0]["calls"]
    row(
        f"{engine_name}: events, killed before and after every call",
        f"{points} (2 x {calls})",
        ends(outcomes[1:]),
        told(outcomes[1:]),
    )
    assert points == 2 * calls
    assert_all_well(outcomes)
