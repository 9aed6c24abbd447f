"""Killed at any call, once or twice: the next scheduled invocations bring the night to its end."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import pytest

from hippolyte.planning import host, sizer
from tests.support.faults.breaking import Break, HarnessNight, run
from tests.support.faults.matrix import Row, assert_all_well, ends, told
from tests.support.faults.tap import Point

# what one night of these tables makes, of which some 65 read their settings; the links of the
# exporter make as many again
MOST_CALLS = {"datapipeline": 280, "emr": 280, "lambda": 380, "native": 280}
TWO_CRASHES = 520
SEED = 20261124
# what the exporter's links do
_LINKS = ("scan/", "engines/workers")


@pytest.mark.both
@pytest.mark.native
def test_killed_before_and_after_each_call_site(row: Row, engine_name: str) -> None:
    """A slice: each operation of each calling function once."""
    seen: set[tuple[str, ...]] = set()

    def choose(point: Point) -> list[tuple[str, Break]]:
        key = (*point.site, point.side)
        if key in seen:
            return []
        seen.add(key)
        return [("killed", HarnessNight.kill)]

    outcomes = run(choose, engine_name)
    assert len(outcomes) == 1 + len(seen)
    sites = len({key[:2] for key in seen})
    runs = f"{len(seen)} ({sites} call sites)"
    row(
        f"{engine_name}: killed before and after each call site",
        runs,
        ends(outcomes[1:]),
        told(outcomes[1:]),
    )
    assert_all_well(outcomes)
    _assert_told_twice_at_one_point(outcomes)


@pytest.mark.faults
@pytest.mark.native
@pytest.mark.timeout(3600)
def test_killed_before_and_after_every_call(row: Row, engine_name: str) -> None:
    outcomes = run(lambda _: [("killed", HarnessNight.kill)], engine_name)
    points, calls = len(outcomes) - 1, outcomes[0]["calls"]
    row(
        f"{engine_name}: killed before and after every call",
        f"{points} (2 x {calls})",
        ends(outcomes[1:]),
        told(outcomes[1:]),
    )
    assert points == 2 * calls
    assert calls <= MOST_CALLS[engine_name]
    assert {o["killed"] for o in outcomes[1:]} == {1}
    assert_all_well(outcomes)
    _assert_told_twice_at_one_point(outcomes)


@pytest.mark.engine("lambda")
@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_killed_while_tables_are_split_over_workers(
    row: Row, monkeypatch: pytest.MonkeyPatch, engine_name: str
) -> None:
    """Each call site of engine and links, met for the first time and some times later."""
    # the raised tables need two workers each, and are small enough to be cut into few segments
    monkeypatch.setattr(host, "VCPU_BYTES", 50_000)
    monkeypatch.setattr(sizer, "_SEGMENTS_A_PART", 1)
    met: Counter[tuple[object, ...]] = Counter()
    parts: set[str] = set()

    def choose(point: Point) -> list[tuple[str, Break]]:
        parts.update(re.findall(r"/workers/(\w+-p\d+)/record", point.path))
        if not point.caller.startswith((*_LINKS, "engines/lambda_")):
            return []
        key = (*point.site, point.side, "-p" in point.path)
        met[key] += 1
        return [("killed", HarnessNight.kill)] if met[key] in (1, 6) else []

    outcomes = run(choose, engine_name)
    runs = f"{len(outcomes) - 1} ({len(met)} call sites)"
    row(
        f"{engine_name}: killed while tables are split",
        runs,
        ends(outcomes[1:]),
        told(outcomes[1:]),
    )
    # of each raised table
    assert len(parts) == 2
    assert_all_well(outcomes)


def _assert_told_twice_at_one_point(outcomes: list[dict[str, Any]]) -> None:
    """The message goes out again only for a crash between its publishing and the report's writing.

    These are the two sides of nothing: no other call is made in between.
    """
    twice = [o["name"] for o in outcomes if o["messages"] != 1]
    found = [re.search(r"(before|after) call (\d+), (\S+)", name) for name in twice]
    points = sorted((int(match[2]), match[1], match[3]) for match in found if match)
    assert len(points) == len(twice) == 2, twice
    published, recorded = points
    assert published[1:] == ("after", "sns:Publish")
    assert recorded == (published[0] + 1, "before", "s3:PutObject")
    assert {o["messages"] for o in outcomes} <= {1, 2}


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_killed_at_two_random_points(row: Row, engine_name: str) -> None:
    """One crash in four comes late in its invocation, after minutes of waiting for an answer."""
    points = 2 * run(lambda _: [], engine_name)[0]["calls"]
    source = random.Random(SEED)
    cases: dict[int, list[tuple[str, Break]]] = {}
    for case in range(TWO_CRASHES):
        # the last calls of a night have no others after them
        first = source.randrange(points - 20)
        gap = source.randint(1, max(8, points - 20 - first))
        slow = source.choice((0, 0, 0, source.randrange(850)))
        happens = (f"{case}: after {slow} s, then {gap} points later", _twice(gap, slow))
        cases.setdefault(first, []).append(happens)
    index = iter(range(points + 1))
    outcomes = run(lambda _: cases.get(next(index), []), engine_name)[1:]
    twice = [o for o in outcomes if o.get("killed") == 2]
    runs = f"{len(outcomes)} ({len(twice)} killed twice, seed {SEED})"
    row(f"{engine_name}: killed at two random points", runs, ends(outcomes), told(outcomes))
    assert len(outcomes) == TWO_CRASHES
    assert len(twice) >= 500
    assert_all_well(outcomes)


def _twice(gap: int, slow: float) -> Break:
    def happens(night: HarnessNight) -> None:
        night.checks.exact = False
        night.kill_later(gap)
        if slow:
            night.take(slow)
        night.kill()

    return happens
