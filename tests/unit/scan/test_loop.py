"""The loop: whatever happens to it, what lies there in the end is the table, once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from hippolyte.exports import native
from hippolyte.scan.pace import Pace
from hippolyte.scan.reading import Gone, Nonsense, Page, Passing, Refused, Throttled
from hippolyte.scan.state import FILE_EVERY, Progress, State
from hippolyte.scan.table import Look, Pacing, Wanted
from hippolyte.share import Share
from tests.support.scans import (
    BEGUN,
    Calls,
    Clock,
    FakeSink,
    FakeTable,
    Inline,
    Killed,
    Steady,
    failing,
    items,
    loop,
    read_back,
    scan,
    wanted,
)

ITEMS = items(40)


class Bench:
    """One table and its sink, whose calls are counted together."""

    def __init__(self, rows: list[dict[str, Any]] = ITEMS, name: str = "orders") -> None:
        self.calls = Calls()
        self.table = FakeTable(name, rows, self.calls)
        self.sink = FakeSink(self.calls)

    def wanted(self, **changed: Any) -> dict[str, Wanted]:
        return {self.table.name: wanted(self.table, self.sink, **changed)}

    def is_the_table(self) -> None:
        """See that the export is whole, and is the table."""
        found = read_back(self.sink)
        assert sorted(found, key=str) == sorted(self.table.items.values(), key=str)


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file be full after two pages or so."""
    monkeypatch.setattr("hippolyte.scan.state.FILE", 250)
    monkeypatch.setattr("hippolyte.scan.datafile.CHUNK", 64)


pytestmark = pytest.mark.usefixtures("small_files")


def test_a_table_is_scanned() -> None:
    bench = Bench()
    (end,) = scan(bench.wanted())
    assert (end.state, end.items, end.ended) == (State.DONE, 40, 3)
    assert end.files == len(native.parse_files(bench.sink.objects[native.FILES][0])) > 6
    bench.is_the_table()
    # last of all the summary
    assert bench.calls.made[-1] == f"put {native.SUMMARY}"
    assert bench.sink.refused == []


def test_the_summary_says_what_a_scan_is() -> None:
    bench = Bench()
    scan(bench.wanted())
    summary = native.parse_summary(bench.sink.objects[native.SUMMARY][0])
    assert summary.scanned
    assert summary.export_time == summary.start == summary.scanned.begun
    assert (summary.scanned.engine, summary.scanned.scan) == ("lambda", "1")
    assert (summary.bucket, summary.prefix) == ("backups", "a")
    assert summary.manifest_key == "a/AWSDynamoDB/1/manifest-files.json"
    assert summary.table_id == "id-of-orders"


def test_an_empty_table_has_an_empty_file_a_segment() -> None:
    bench = Bench([])
    (end,) = scan(bench.wanted(segments=5))
    assert (end.state, end.items, end.files) == (State.DONE, 0, 5)
    bench.is_the_table()


def test_what_is_done_is_not_done_again() -> None:
    bench = Bench()
    scan(bench.wanted())
    objects, made = dict(bench.sink.objects), len(bench.calls.made)
    (end,) = scan(bench.wanted(segments=9))
    assert (end.state, end.items) == (State.DONE, 40)
    assert bench.sink.objects == objects
    assert bench.calls.made[made:] == [
        "look orders",
        f"get {native.STARTED}",
        f"get {native.SUMMARY}",
    ]


def number_of_calls() -> int:
    bench = Bench()
    scan(bench.wanted())
    return len(bench.calls.made)


def kill_at(bench: Bench, number: int, before: bool) -> None:
    def kill(made: int, what: str) -> None:
        if made == number:
            raise Killed

    bench.calls.before, bench.calls.after = (
        (kill, lambda *_: None) if before else (lambda *_: None, kill)
    )


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_any_call_it_is_gone_on_with(before: bool) -> None:
    calls = number_of_calls()
    assert calls > 30
    for number in range(1, calls + 1):
        bench = Bench()
        kill_at(bench, number, before)
        with pytest.raises(Killed):
            scan(bench.wanted())
        there = dict(bench.sink.objects)
        (end,) = scan(bench.wanted())
        assert (end.state, end.items) == (State.DONE, 40), number
        bench.is_the_table()
        # nothing is written twice, nothing that lay there is touched
        assert there.items() <= bench.sink.objects.items()
        puts = Counter(what for what in bench.calls.made if what.startswith("put data/"))
        assert sum(puts.values()) <= len(puts) + 1, number
        assert not [name for name in bench.sink.refused if name.startswith("data")], number


@pytest.mark.parametrize("seed", range(60))
def test_killed_twice_at_random_it_is_gone_on_with(seed: int) -> None:
    random = Random(seed)
    bench = Bench(items(random.randrange(60)))
    segments = random.randrange(1, 6)
    for _ in range(2):
        kill_at(bench, len(bench.calls.made) + random.randrange(1, 40), random.random() < 0.5)
        try:
            scan(bench.wanted(segments=segments), runner=Inline(Clock(), 3, random))
        except Killed:
            segments = random.randrange(1, 6)
    bench.calls.leave_alone()
    scan(bench.wanted(segments=segments), runner=Inline(Clock(), 3, random))
    bench.is_the_table()


@pytest.mark.parametrize("seed", range(20))
def test_many_tables_in_one_loop_are_gone_on_with(seed: int) -> None:
    random = Random(seed)
    benches = [Bench(items(random.randrange(40)), f"t{n}") for n in range(4)]
    for bench in benches:
        bench.calls = bench.sink.calls = bench.table.calls = benches[0].calls
    tables = {bench.table.name: wanted(bench.table, bench.sink) for bench in benches}
    for _ in range(4):
        kill_at(
            benches[0], len(benches[0].calls.made) + random.randrange(1, 90), random.random() < 0.5
        )
        try:
            scan(tables, runner=Inline(Clock(), 4, random))
        except Killed:
            continue
    benches[0].calls.leave_alone()
    ends = scan(tables, runner=Inline(Clock(), 4, random))
    assert [end.state for end in ends] == 4 * [State.DONE]
    for bench in benches:
        bench.is_the_table()


@pytest.mark.parametrize("seed", range(60))
def test_two_loops_at_once_write_one_export(seed: int) -> None:
    random = Random(seed)
    bench = Bench(items(random.randrange(80)))
    clock = Clock()
    loops = [loop(bench.wanted(segments=n), clock, runner=Inline(clock, 3, random)) for n in (2, 4)]
    going = list(loops)
    while going:
        # for a while one of them is far ahead
        one = random.choice(going)
        for _ in range(random.randrange(1, 20)):
            if not one.step():
                going.remove(one)
                break
    assert [one.results[0].state for one in loops] == [State.DONE, State.DONE]
    assert [one.results[0].items for one in loops] == 2 * [len(bench.table.items)]
    bench.is_the_table()


@pytest.mark.parametrize("at", range(5, 60, 3))
def test_a_loop_that_was_frozen_comes_back_and_does_no_harm(at: int) -> None:
    """It has read, or is about to write, what another finished long ago."""
    bench = Bench()
    clock = Clock()
    frozen = loop(bench.wanted(), clock, runner=Inline(clock, 4, Random(at)))
    for _ in range(at):
        frozen.step()
    scan(bench.wanted(), clock=clock)
    objects = dict(bench.sink.objects)
    # meanwhile the table changed: what the frozen one reads now is of no use
    for key in list(bench.table.items)[::2]:
        del bench.table.items[key]
    frozen.run()
    assert frozen.results[0].state is State.DONE
    assert bench.sink.objects == objects
    assert len(read_back(bench.sink)) == 40


def test_of_two_that_write_the_same_number_the_second_goes_on_after_it() -> None:
    bench = Bench()
    rival = Bench()
    rival.sink.objects = bench.sink.objects
    rival.table.items = bench.table.items
    done = False

    def overtake(number: int, what: str) -> None:
        nonlocal done
        if what == "put data/0001-000001.json.gz" and not done:
            done = True
            clock = Clock()
            first = loop(rival.wanted(), clock)
            while "data/0001-000001.json.gz" not in rival.sink.objects:
                first.step()

    bench.calls.before = overtake
    (end,) = scan(bench.wanted())
    assert end.state is State.DONE
    assert "data/0001-000001.json.gz" in bench.sink.refused
    bench.is_the_table()


def lost_names(calls: list[str]) -> list[str]:
    return [call.removeprefix("put ") for call in calls]


def test_a_file_that_is_there_and_in_no_listing_ends_the_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A store that lists too little must not have the table read again and again."""
    bench = Bench()
    kill_at(bench, 20, False)
    with pytest.raises(Killed):
        scan(bench.wanted())
    assert any(name.startswith(native.DATA) for name in bench.sink.objects)
    bench.calls.leave_alone()
    monkeypatch.setattr(bench.sink, "_listed", lambda start: [])
    (end,) = scan(bench.wanted(), go_on=lambda now: len(bench.calls.made) < 500)
    assert end.state is State.FAILED
    assert "is there, and no listing has it" in end.reason


def test_a_put_whose_answer_was_lost_is_found_and_gone_on_after() -> None:
    bench = Bench()
    lost: list[str] = []

    def lose(number: int, what: str) -> None:
        if what.startswith("put") and what not in lost:
            lost.append(what)
            raise Passing("no answer")

    bench.calls.after = lose
    (end,) = scan(bench.wanted())
    assert (end.state, end.items) == (State.DONE, 40)
    # all but `_started`, which is read before it is written
    assert sorted(bench.sink.refused) == sorted(lost_names(lost)[1:])
    bench.is_the_table()


def test_what_passes_is_waited_out() -> None:
    bench = Bench()
    bench.calls.before = failing(3)
    clock = Clock()
    begun = clock.now()
    (end,) = scan(bench.wanted(), clock=clock)
    assert end.state is State.DONE
    bench.is_the_table()
    assert (clock.now() - begun).total_seconds() > 10


def test_pauses_grow_to_half_a_minute_and_are_told() -> None:
    bench = Bench()
    clock = Clock()
    told: list[Progress] = []
    tries: list[float] = []

    def fail(number: int, what: str) -> None:
        if what.startswith("page") and len(tries) < 12:
            tries.append(clock.now().timestamp())
            raise Passing("the network is down")

    bench.calls.before = fail
    scan(bench.wanted(segments=1), clock=clock, progress=told.append)
    pauses = [b - a for a, b in pairwise(tries)]
    assert 0.25 <= pauses[0] <= 1.5
    assert all(15 <= pause <= 32 for pause in pauses[7:])
    assert "the network is down" in {one.reason for one in told}
    assert told[-1].reason == ""
    bench.is_the_table()


def test_throttling_is_the_paces_business() -> None:
    bench = Bench()
    clock = Clock()
    asked: list[float] = []

    def throttle(number: int, what: str) -> None:
        if what == "page orders 1":
            asked.append(clock.now().timestamp())
            if len(asked) < 4:
                raise Throttled("slower")

    bench.calls.before = throttle
    scan(bench.wanted(), clock=clock)
    assert [b - a for a, b in pairwise(asked[:4])] == [1.0, 1.0, 1.0]
    bench.is_the_table()


@pytest.mark.parametrize("stop_after", range(1, 60, 2))
def test_told_to_stop_it_puts_away_what_it_read_and_another_goes_on(stop_after: int) -> None:
    bench = Bench()
    asked = 0

    def go_on(now: float) -> bool:
        nonlocal asked
        asked += 1
        return asked <= stop_after

    (end,) = scan(bench.wanted(), go_on=go_on)
    pages = [what for what in bench.calls.made if what.startswith("page")]
    assert end.state in (State.MORE, State.DONE)
    assert (native.SUMMARY in bench.sink.objects) == (end.state is State.DONE)
    (again,) = scan(bench.wanted())
    bench.is_the_table()
    assert again.items == 40
    # not a page was read for nothing: but for the one that finds a segment's end
    all_pages = [what for what in bench.calls.made if what.startswith("page")]
    straight = Bench()
    scan(straight.wanted())
    once = [what for what in straight.calls.made if what.startswith("page")]
    assert len(all_pages) <= len(once) + (3 if pages else 0)


def test_with_a_sink_that_fails_a_stop_is_still_heard() -> None:
    bench = Bench()

    def fail(number: int, what: str) -> None:
        if what.startswith("put data"):
            raise Passing("no way")

    bench.calls.before = fail
    clock = Clock()
    end_at = clock.now().timestamp() + 600
    (end,) = scan(bench.wanted(), clock=clock, go_on=lambda now: now < end_at)
    assert end.state is State.MORE
    assert clock.now().timestamp() < end_at + 120
    bench.calls.leave_alone()
    scan(bench.wanted())
    bench.is_the_table()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"table_id": "another"}, "orders was deleted and made anew while it was read"),
        ({"read_capacity": None}, "orders was switched to on-demand capacity while it was read"),
        ({"status": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"}, "orders is INACCESSIBLE_ENCRYPTION"),
        ({"status": "DELETING"}, "orders is DELETING"),
    ],
)
@pytest.mark.parametrize("last", [True, False], ids=["last", "between"])
def test_a_table_that_changes_while_it_is_read_is_no_backup(
    changed: dict[str, Any], said: str, last: bool
) -> None:
    bench = Bench()
    clock = Clock()

    def change(number: int, what: str) -> None:
        if what.startswith("list data" if last else "page") and number > 4:
            bench.table.now = replace(bench.table.now, **changed)
            clock.sleep(61)

    bench.calls.before = change
    (end,) = scan(bench.wanted(), clock=clock)
    assert end.state is State.FAILED
    assert said in end.reason
    assert native.SUMMARY not in bench.sink.objects
    assert native.FILES not in bench.sink.objects
    # seen soon: not only at its end
    if not last:
        assert sum(what.startswith("page") for what in bench.calls.made) < 8


@pytest.mark.parametrize(
    "error",
    [
        Gone("Requested resource not found"),
        Refused("AccessDeniedException: the key is disabled"),
        Nonsense("no answer of DynamoDB's"),
    ],
)
@pytest.mark.parametrize("at", ["look", "page", "put data", "put manifest-files.json", "list data"])
def test_what_stays_refused_fails_the_table_with_its_reason(error: Exception, at: str) -> None:
    bench = Bench()

    def refuse(number: int, what: str) -> None:
        if what.startswith(at):
            raise error

    bench.calls.before = refuse
    (end,) = scan(bench.wanted())
    assert (end.state, end.reason) == (State.FAILED, str(error))
    assert native.SUMMARY not in bench.sink.objects


def test_one_tables_trouble_is_no_others() -> None:
    good, bad = Bench(), Bench(name="bad")

    def refuse(number: int, what: str) -> None:
        if what == "page bad 2":
            raise Refused("no")

    bad.calls.before = refuse
    ends = scan(bad.wanted() | good.wanted())
    assert [end.state for end in ends] == [State.FAILED, State.DONE]
    good.is_the_table()


@pytest.mark.parametrize("circle", [1, 2, 3, 7, 20])
def test_a_last_key_that_comes_again_ends_the_scan(circle: int) -> None:
    bench = Bench()
    pages = 0

    def turn(request: Any) -> Page:
        nonlocal pages
        pages += 1
        key = {"pk": {"S": f"item {pages % circle}"}}
        return Page([b'{"pk":{"S":"item %d"}}' % (pages % circle)], 1, 0.5, key)

    bench.table._page = turn  # type: ignore[method-assign]
    (end,) = scan(bench.wanted(segments=1))
    assert end.state is State.FAILED
    assert "goes in a circle" in end.reason
    assert pages < 5 * circle + 5
    assert native.SUMMARY not in bench.sink.objects


def test_segments_advance_together() -> None:
    bench = Bench(items(400))
    scan(bench.wanted(segments=4), runner=Inline(Clock(), 1))
    pages = [what[-1] for what in bench.calls.made if what.startswith("page")]
    for many in range(4, 40):
        counted = Counter(pages[:many])
        assert max(counted.values()) - min(counted.get(str(n), 0) for n in range(4)) <= 1


def test_a_clock_that_is_set_back_is_not_waited_for() -> None:
    bench, clock = Bench(), Clock()
    begun = clock.at

    def set_back(number: int, what: str) -> None:
        if number == 20:
            clock.at -= timedelta(hours=1)

    bench.calls.after = set_back
    share = Share(0.5, 100)
    scan(bench.wanted(pace=lambda _, __, count, now: Pace.start(share, count, now)), clock=clock)
    bench.is_the_table()
    assert clock.at - begun < timedelta(minutes=-59)


def test_a_page_is_asked_for_when_the_pace_says() -> None:
    bench = Bench()
    clock = Clock()
    asked: list[float] = []

    class Slow(Steady):
        def due(self, segment: int, now: float) -> float:
            return max(now, asked[-1] + 10.0) if asked else now

    def note(number: int, what: str) -> None:
        if what.startswith("page"):
            asked.append(clock.now().timestamp())

    bench.calls.before = note
    scan(bench.wanted(pace=lambda *_: Slow()), clock=clock)
    gaps = {round(b - a, 6) for a, b in pairwise(asked)}
    assert gaps == {10.0}
    # waiting is slept, and the table looked at each minute
    assert bench.calls.made.count("look orders") == pytest.approx(len(asked) / 6, abs=2)


def test_a_page_is_as_large_as_the_pace_says_when_it_is_asked_for() -> None:
    """Not when it began to wait: another segment may have been throttled since."""
    bench = Bench()
    clock = Clock()
    asked: list[float] = []
    limits: list[int] = []
    page = bench.table.page

    class Slowing(Steady):
        def due(self, segment: int, now: float) -> float:
            return max(now, asked[-1] + 10.0) if asked else now

        def throttled(self, segment: int, now: float) -> Steady:
            return replace(self, most=1)

    def note(request: Mapping[str, Any]) -> Page:
        asked.append(clock.now().timestamp())
        limits.append(request["Limit"])
        if len(asked) == 1:
            raise Throttled("slower")
        return page(request)

    bench.table.page = note  # type: ignore[method-assign]
    scan(bench.wanted(pace=lambda *_: Slowing()), clock=clock)
    assert limits[0] == 2
    assert set(limits[1:]) == {1}
    bench.is_the_table()


@pytest.mark.parametrize("patience", [0.0, 3.0])
def test_a_crash_costs_no_more_than_some_minutes_of_a_slow_table(
    monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    """A page of each segment in five minutes; what fails for a while meanwhile is waited out."""
    monkeypatch.setattr("hippolyte.scan.state.FILE", 4 << 20)
    bench, clock = Bench(), Clock()
    last: dict[int, float] = {}
    read: list[tuple[float, str]] = []

    class Slow(Steady):
        def due(self, segment: int, now: float) -> float:
            return max(now, last.get(segment, 0.0) + 300.0)

        def sent(self, segment: int, now: float) -> Pacing:
            last[segment] = now
            return self

    def note(number: int, what: str) -> None:
        now = clock.now().timestamp()
        if what.startswith("page"):
            read.append((now, what))
        if now - read[0][0] > 2000 if read else False:
            raise Killed

    bench.calls.after = note
    bench.calls.before = failing(int(patience))
    with pytest.raises(Killed):
        scan(bench.wanted(pace=lambda *_: Slow(1)), clock=clock)
    kept = sum(int(m["items"]) for name, (_, m) in bench.sink.objects.items() if "data/" in name)
    end = clock.now().timestamp()
    # one more page of each segment may have been awaited
    old = [what for at, what in read if at < end - FILE_EVERY - 300.0]
    assert kept >= len(old) > 3
    bench.calls.leave_alone()
    scan(bench.wanted(), clock=clock)
    bench.is_the_table()


@pytest.mark.parametrize(
    "there", ["data/0000-000000.json.gz", "readme.txt", native.SUMMARY, "data/x"]
)
def test_a_place_with_other_content_is_left_alone(there: str) -> None:
    bench = Bench()
    bench.sink.objects[there] = (b"precious", {})
    (end,) = scan(bench.wanted())
    assert end.state is State.FAILED
    assert f"memory:{there} lies where the scan is to be written" in end.reason
    assert bench.sink.objects == {there: (b"precious", {})}


def test_an_export_of_the_service_is_left_alone() -> None:
    bench = Bench()
    bench.sink.objects[native.STARTED] = (b"", {})
    (end,) = scan(bench.wanted())
    assert end.state is State.FAILED
    assert "is not of a scan of this product" in end.reason


@pytest.mark.parametrize(
    "odd", [{"segments": 0}, {"segments": "4"}, {"segments": 10**9}, {"scan": 1}]
)
def test_a_scan_that_cannot_have_begun_so_is_not_gone_on_with(odd: dict[str, Any]) -> None:
    bench = Bench()
    scan(bench.wanted())
    started = json.loads(bench.sink.objects[native.STARTED][0])
    bench.sink.objects = {native.STARTED: (json.dumps(started | odd).encode(), {})}
    (end,) = scan(bench.wanted())
    assert end.state is State.FAILED
    assert "has a form that this version does not know" in end.reason


def test_the_scan_of_another_table_is_not_gone_on_with() -> None:
    bench = Bench()
    kill_at(bench, 20, True)
    with pytest.raises(Killed):
        scan(bench.wanted())
    bench.table.now = replace(bench.table.now, table_id="new")
    (end,) = scan(bench.wanted())
    assert end.state is State.FAILED
    assert "with id id-of-orders, and orders now has new" in end.reason


def test_a_table_that_is_not_the_planned_one_is_not_read() -> None:
    bench = Bench()
    (end,) = scan(bench.wanted(table_id="planned"))
    assert end.state is State.FAILED
    assert bench.sink.objects == {}


@pytest.mark.parametrize("harm", ["gone", "added", "shorter", "foreign"])
def test_what_is_not_exactly_what_was_written_is_no_backup(harm: str) -> None:
    bench = Bench()

    def do_harm(number: int, what: str) -> None:
        objects = bench.sink.objects
        if what != "list data/" or not objects.keys() - {native.STARTED}:
            return
        if harm == "gone":
            del objects["data/0001-000000.json.gz"]
        elif harm == "added":
            objects["data/0001-000099.json.gz"] = objects["data/0001-000000.json.gz"]
        elif harm == "foreign":
            objects["data/notes.txt"] = (b"", {})
        else:
            data, metadata = objects["data/0001-000000.json.gz"]
            objects["data/0001-000000.json.gz"] = (data[:-1], metadata)

    bench.calls.before = do_harm
    (end,) = scan(bench.wanted())
    assert end.state is State.FAILED
    assert "written" in end.reason
    assert native.SUMMARY not in bench.sink.objects


@pytest.mark.parametrize("harm", ["shorter", "no metadata", "not ours"])
def test_a_last_file_that_is_damaged_is_not_gone_on_after(harm: str) -> None:
    bench = Bench()
    kill_at(bench, 22, True)
    with pytest.raises(Killed):
        scan(bench.wanted())
    name = max(name for name in bench.sink.objects if name.startswith("data/0001"))
    data, metadata = bench.sink.objects[name]
    bench.sink.objects[name] = {
        "shorter": (data[:-1], metadata),
        "no metadata": (data, {}),
        "not ours": (b"[]", metadata | {"md5": native.checksum(b"[]")}),
    }[harm]
    (end,) = scan(bench.wanted())
    assert end.state is State.FAILED
    assert f"memory:{name}" in end.reason


def test_a_file_in_the_middle_that_is_missing_is_noticed() -> None:
    bench = Bench()
    kill_at(bench, number_of_calls() - 10, True)
    with pytest.raises(Killed):
        scan(bench.wanted())
    del bench.sink.objects["data/0001-000000.json.gz"]
    (end,) = scan(bench.wanted())
    assert end.state is State.FAILED
    assert "data/0001-000000.json.gz: it is gone" in end.reason


def test_a_call_that_fails_for_days_is_still_made_again() -> None:
    bench = Bench()
    clock = Clock()
    tries = 0

    def fail(number: int, what: str) -> None:
        nonlocal tries
        if what.startswith("page"):
            tries += 1
            if tries < 3000:
                raise Passing("no network")

    bench.calls.before = fail
    (end,) = scan(bench.wanted(segments=1), clock=clock)
    assert end.state is State.DONE
    assert (clock.now() - BEGUN).days == 0
    assert (clock.now() - BEGUN).total_seconds() > 12 * 3600
    bench.is_the_table()


def test_the_pace_hears_of_each_request_and_of_its_end() -> None:
    bench = Bench()
    bench.calls.before = failing(2)
    heard: Counter[str] = Counter()

    class Noting(Steady):
        def sent(self, segment: int, now: float) -> Pacing:
            heard["sent"] += 1
            return self

        def failed(self, segment: int, now: float) -> Pacing:
            heard["failed"] += 1
            return self

        def answered(
            self, segment: int, now: float, units: float, items: int, largest: float
        ) -> Pacing:
            assert (units, largest) == (items / 2, max(largest, 40)) or not items
            heard["answered"] += 1
            return self

    scan(bench.wanted(pace=lambda *_: Noting()))
    asked = sum(what.startswith("page") for what in bench.calls.made)
    assert heard["sent"] == asked == heard["failed"] + heard["answered"]
    # two failures a segment: the calls of one have one name
    assert heard["failed"] == 6


def test_an_autoscaled_table_is_gone_on_with_from_the_capacity_it_began_with() -> None:
    bench = Bench()
    kill_at(bench, 20, True)
    with pytest.raises(Killed):
        scan(bench.wanted())
    bench.calls.leave_alone()
    bench.table.now = replace(bench.table.now, read_capacity=99)
    given: list[Any] = []

    def pace(look: Look, capacity: int | None, segments: int, now: float) -> Pacing:
        given.append((look.read_capacity, capacity, segments))
        return Steady()

    scan(bench.wanted(pace=pace, segments=8))
    assert given == [(99, 10, 3)]
