"""A table's segments in parts: whoever reads which, in whatever order, it is one export, once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from heapq import heappop
from math import ceil
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.exports import native
from hippolyte.scan.loop import Loop
from hippolyte.scan.pace import Pace
from hippolyte.scan.state import Progress, State
from hippolyte.scan.table import Part, Wanted
from hippolyte.share import PARTITION_RATE, Share
from local.dynamodb.buckets import ReadCapacity
from tests.support.read_capacity import KB, Application, Story, Trial
from tests.support.scans import (
    Calls,
    Clock,
    FakeSink,
    FakeTable,
    Inline,
    Killed,
    items,
    loop,
    read_back,
    wanted,
)

C, SECONDS = 0.5, 300.0


class Bench:
    """A table that is read in parts by loops which take turns by chance."""

    def __init__(self, rows: int = 60, seed: int = 0) -> None:
        self.random = Random(seed)
        self.calls = Calls()
        self.table = FakeTable("orders", items(rows), self.calls)
        self.sink = FakeSink(self.calls)
        self.clock = Clock()

    def wanted(self, number: int, of: int, segments: int = 7) -> Wanted:
        made = wanted(self.table, self.sink, segments=segments)
        return replace(made, part=Part(number, of))

    def loop(self, number: int, of: int, segments: int = 7) -> Loop:
        runner = Inline(self.clock, 3, self.random)
        tables = {"orders": self.wanted(number, of, segments)}
        return loop(tables, self.clock, runner=runner)

    def scan(self, number: int, of: int, segments: int = 7) -> Progress:
        return self.loop(number, of, segments).run()[0]

    def together(self, loops: list[Loop]) -> list[Progress]:
        """Have them go on in any order until all have ended."""
        going = list(loops)
        while going:
            one = self.random.choice(going)
            for _ in range(self.random.randrange(1, 20)):
                if not one.step():
                    going.remove(one)
                    break
        return [one.results[0] for one in loops]

    def is_the_table(self) -> None:
        found = read_back(self.sink)
        assert sorted(found, key=str) == sorted(self.table.items.values(), key=str)


@given(count=st.integers(0, 200), of=st.integers(1, 40))
def test_each_segment_is_in_one_part(count: int, of: int) -> None:
    parts = [Part(number, of).segments(count) for number in range(of)]
    assert [one for part in parts for one in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_parts_one_after_another_are_one_export() -> None:
    bench = Bench()
    for number in (2, 0):
        end = bench.scan(number, 3)
        assert (end.state, end.ended) == (State.READ, end.segments)
        assert native.SUMMARY not in bench.sink.objects
    last = bench.scan(1, 3)
    assert last.state is State.DONE
    bench.is_the_table()


@pytest.mark.parametrize("seed", range(60))
def test_parts_side_by_side_are_one_export(seed: int) -> None:
    bench = Bench(Random(seed).randrange(80), seed)
    of = bench.random.randrange(2, 6)
    ends = bench.together([bench.loop(number, of) for number in range(of)])
    assert {end.state for end in ends} <= {State.READ, State.DONE}
    assert State.DONE in {end.state for end in ends}
    # each counts its own alone
    assert sum(end.items for end in ends) == len(bench.table.items)
    assert sum(end.segments for end in ends) == sum(end.ended for end in ends) == 7
    bench.is_the_table()


@pytest.mark.parametrize("seed", range(60))
def test_a_part_that_dies_is_gone_on_with_in_other_parts(seed: int) -> None:
    """Another number of parts, of segments too: those of the beginning hold."""
    bench = Bench(Random(seed).randrange(80), seed)
    for _ in range(2):
        at = len(bench.calls.made) + bench.random.randrange(1, 60)
        bench.calls.before = partial(_kill, at)
        of = bench.random.randrange(1, 6)
        try:
            bench.together([bench.loop(n, of, bench.random.randrange(1, 9)) for n in range(of)])
        except Killed:
            continue
    bench.calls.leave_alone()
    of = bench.random.randrange(1, 6)
    ends = bench.together([bench.loop(number, of, 3) for number in range(of)])
    assert State.DONE in {end.state for end in ends}
    bench.is_the_table()


def _kill(at: int, made: int, what: str) -> None:
    if made == at:
        raise Killed


@pytest.mark.parametrize("at", range(1, 40))
def test_whoever_dies_after_the_last_file_is_followed_by_one_that_finishes(at: int) -> None:
    bench = Bench()
    assert bench.scan(0, 2).state is State.READ
    made = len(bench.calls.made)
    assert bench.scan(1, 2).state is State.DONE
    calls = len(bench.calls.made) - made
    again = Bench()
    again.scan(0, 2)
    again.calls.before = partial(_kill, made + max(1, calls - at))
    with pytest.raises(Killed):
        again.scan(1, 2)
    again.calls.leave_alone()
    assert again.scan(1, 2).state is State.DONE
    again.is_the_table()


def test_more_parts_than_segments_leave_some_nothing_to_read() -> None:
    bench = Bench()
    ends = [bench.scan(number, 5, segments=2) for number in range(5)]
    assert [end.segments for end in ends] == [0, 0, 1, 0, 1]
    assert [end.state for end in ends] == 4 * [State.READ] + [State.DONE]
    # and one that comes late finds it whole
    assert bench.scan(0, 5, segments=2).state is State.DONE
    bench.is_the_table()


def test_told_to_stop_while_it_looks_at_the_others_it_is_not_over() -> None:
    bench = Bench()
    bench.scan(0, 2)
    calls = bench.calls
    for at in range(200):
        few = partial(_fewer_than, len(calls.made) + at, calls)
        (end,) = loop({"orders": bench.wanted(1, 2)}, bench.clock, go_on=few).run()
        assert end.state in (State.MORE, State.OPENING, State.DONE)
        if end.state is State.DONE:
            break
    else:
        pytest.fail("it never came to its end")
    bench.is_the_table()


def _fewer_than(most: int, calls: Calls, now: float) -> bool:
    return len(calls.made) < most


def test_what_is_no_file_of_the_scan_is_no_backup() -> None:
    bench = Bench()
    bench.scan(0, 2)
    bench.sink.create("data/9999-00000.json.gz", b"", {})
    end = bench.scan(1, 2)
    assert end.state is State.FAILED
    assert end.reason
    assert native.SUMMARY not in bench.sink.objects


# --- the pace of the parts


PACED = [
    (capacity, segments, parts)
    for capacity, segments in ((40, 4), (1000, 8), (12_000, 16), (24_000, 64))
    for parts in (2, 3, 7)
    if parts <= segments
]


def stories_of(
    capacity: int, segments: int, parts: int, application: Application, burst: float = 300.0
) -> list[Story]:
    """Read each part at its pace, side by side; they know nothing of each other."""
    table = ReadCapacity(capacity, [1] * ceil(capacity / PARTITION_RATE), burst=burst)
    trials = []
    for number in range(parts):
        own = Part(number, parts).segments(segments)
        pace = Pace.start(Share(C, capacity), segments, 0.0, own=own)
        trials.append(_Part(table, pace, own, application))
    while (one := min(trials, key=lambda trial: trial.heap[0][:2])).heap[0][0] < SECONDS:
        now, _, happens = heappop(one.heap)
        happens(now)
    return [trial.story for trial in trials]


class _Part(Trial):
    """A trial in which some segments alone are asked for."""

    def __init__(
        self, table: ReadCapacity, pace: Pace, own: range, application: Application
    ) -> None:
        super().__init__(table, pace, [[(10 * KB, 1000)]], application=application)
        for segment in own:
            self._at(0.0, partial(self._ask, segment))


def as_one(stories: list[Story]) -> Story:
    pages = sorted(page for one in stories for page in zip(one.times, one.units, strict=True))
    return Story([at for at, _ in pages], [units for _, units in pages])


@pytest.mark.parametrize(("capacity", "segments", "parts"), PACED)
def test_the_parts_together_keep_to_the_share_and_use_it(
    capacity: int, segments: int, parts: int
) -> None:
    application = Application(lambda _: (1 - C) * capacity, step=0.02)
    stories = stories_of(capacity, segments, parts, application)
    whole, rate = as_one(stories), C * capacity
    # each may be in a page at any time, as one worker may
    under_way = sum(one.largest for one in stories)
    assert whole.most_above(rate, 60.0) <= under_way
    assert whole.most_above(rate, 1.0) <= under_way + min(rate, under_way) / 2
    assert sum(whole.units) >= 0.9 * rate * SECONDS
    assert [one.throttled for one in stories] == parts * [[]]
    assert sum(application.refused) == 0


@pytest.mark.parametrize(("capacity", "segments", "parts"), PACED)
def test_an_application_that_takes_all_finds_all_parts_small(
    capacity: int, segments: int, parts: int
) -> None:
    application = Application(lambda _: capacity, step=0.02)
    whole = as_one(stories_of(capacity, segments, parts, application, burst=1.0))
    for start in range(60, int(SECONDS), 60):
        assert whole.between(start, start + 60) <= 0.1 * capacity * 60
    offered = sum(application.offered[60:])
    assert sum(application.lost[60:]) <= 0.01 * offered


@given(
    capacity=st.integers(1, 40_000),
    segments=st.integers(1, 64),
    parts=st.integers(1, 64),
    later=st.integers(1, 40_000),
)
def test_no_partition_and_no_table_gives_more_to_all_parts_than_to_one(
    capacity: int, segments: int, parts: int, later: int
) -> None:
    share = Share(C, capacity)
    owns = [Part(number, parts).segments(segments) for number in range(parts)]
    for seen in (capacity, later):
        paces = [Pace.start(share, segments, 0.0, own=own).capacity_seen(seen, 0.0) for own in owns]
        one = Pace.start(share, segments, 0.0).capacity_seen(seen, 0.0)
        assert sum(pace.rate for pace in paces) == pytest.approx(one.rate)
        for group in range(len(one.groups)):
            rates = [_group_rate(p, own, group) for p, own in zip(paces, owns, strict=True)]
            assert sum(rates) <= min(one.rate, C * PARTITION_RATE) * 1.0001


def _group_rate(pace: Pace, own: range, group: int) -> float:
    """Return what a part's segments of a group may have, as a page that they pay for shows."""
    mine = [one for one in own if one * len(pace.groups) // len(pace.segments) == group]
    if not mine:
        return 0.0
    return pace.sent(mine[0], 0.0).groups[group].rate
