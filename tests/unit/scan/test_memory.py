"""One budget of memory whatever the tables and segments, and files that an import takes."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import pytest

from hippolyte.scan.loop import Loop
from hippolyte.scan.reading import Page, Passing
from hippolyte.scan.sink import Head, Stored
from hippolyte.scan.state import FILE, FILE_EVERY, State, full_file, is_file, least_file
from hippolyte.scan.table import Look, Wanted
from tests.support.scans import Clock, Inline, wanted

KIB, MIB = 1 << 10, 1 << 20


class Rows:
    """A table that is made up while it is read: pages of one item that hardly compresses."""

    def __init__(self, name: str, pages: int, size: int, size_bytes: int = 0) -> None:
        self.name, self.pages, self.size, self.size_bytes = name, pages, size, size_bytes

    def look(self) -> Look:
        return Look(self.name, f"arn:{self.name}", "id", "ACTIVE", ("pk",), self.size_bytes, 10)

    def page(self, request: Mapping[str, Any]) -> Page:
        after = request.get("ExclusiveStartKey", {"pk": {"N": "0"}})
        number = int(after["pk"]["N"]) + 1
        seed = f"{self.name}{request['Segment']}{number}"
        text = Random(seed).randbytes(self.size // 2).hex()
        item = b'{"pk":{"N":"%d"},"text":{"S":"%s"}}' % (number, text.encode())
        last = {"pk": {"N": str(number)}} if number < self.pages else None
        return Page([item], 1, 1.0, last)


class Bottomless:
    """A sink that forgets what it takes, but for its size and metadata."""

    bucket = "b"
    prefix = "AWSDynamoDB/1/"

    def __init__(self) -> None:
        self.known: dict[str, tuple[Stored, Mapping[str, str]]] = {}
        self.slow = 0

    def create(
        self, name: str, data: bytes, metadata: Mapping[str, str] | None = None
    ) -> Stored | None:
        if self.slow and name.startswith("data"):
            self.slow -= 1
            raise Passing("slower")
        if name in self.known:
            return None
        self.known[name] = (Stored(name, len(data), hashlib.md5(data).hexdigest()), metadata or {})
        return self.known[name][0]

    def read(self, name: str) -> bytes | None:
        return None

    def head(self, name: str) -> Head | None:
        return Head(*self.known[name]) if name in self.known else None

    def listed(self, start: str = "") -> Iterator[Stored]:
        return iter([one for one, _ in self.known.values() if one.name.startswith(start)])

    @property
    def files(self) -> list[int]:
        """Sizes of the data files but each segment's last."""
        return [
            stored.size
            for stored, metadata in self.known.values()
            if stored.name.startswith("data") and "end" not in metadata
        ]


def many(tables: int, segments: int, pages: int, size: int) -> dict[str, Wanted]:
    return {
        f"t{n}": wanted(Rows(f"t{n}", pages, size), Bottomless(), segments=segments)
        for n in range(tables)
    }


def peak_of(tables: Mapping[str, Wanted], memory: int) -> int:
    clock = Clock()
    loop = Loop(
        list(tables.items()), runner=Inline(clock), now=clock.now, memory=memory, random=Random(1)
    )
    tracemalloc.start()
    try:
        ends = loop.run()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert {end.state for end in ends} == {State.DONE}
    return peak


@pytest.mark.parametrize(
    ("tables", "segments", "pages", "size"),
    [(1, 4, 100, 40 * KIB), (20, 8, 8, 16 * KIB), (1, 100, 10, 16 * KIB), (150, 2, 4, 8 * KIB)],
)
def test_buffers_keep_to_the_budget(tables: int, segments: int, pages: int, size: int) -> None:
    """Of 10 to 20 MB a budget of 1 MiB holds a part at a time; what else is kept is small."""
    scans = many(tables, segments, pages, size)
    peak = peak_of(scans, MIB)
    files = sum(len(one.sink.known) for one in scans.values() if isinstance(one.sink, Bottomless))
    # what is known of tables, segments and files, by the loop and this sink
    known = 20 * KIB * tables + 4 * KIB * tables * segments + 2 * KIB * files
    assert peak < 2 * MIB + known


def test_the_budget_holds_when_nothing_can_be_written_for_long() -> None:
    scans = many(4, 4, 40, 16 * KIB)
    for one in scans.values():
        assert isinstance(one.sink, Bottomless)
        one.sink.slow = 30
    assert peak_of(scans, MIB) < 3 * MIB


def test_the_fullest_buffer_is_written_first() -> None:
    """So files are few and large, each twice its part of the half that is used."""
    scans = many(1, 16, 32, 16 * KIB)
    peak_of(scans, 2 * MIB)
    sink = scans["t0"].sink
    assert isinstance(sink, Bottomless)
    # of it 64 KiB are text that was not yet compressed
    assert min(sink.files) > (MIB // 16) - 16 * KIB


@pytest.mark.parametrize("size", [0, 10**6, 10**10, 10**12, 10**13])
def test_files_grow_with_the_table(size: int) -> None:
    room = 400 * MIB
    assert least_file(size) <= full_file(size, room) <= room
    assert full_file(size, room) >= FILE
    # an import takes 50,000 objects
    assert size / max(1, least_file(size)) < 50_000 or size < 10**6
    assert full_file(10**13, MIB) == MIB


@pytest.mark.parametrize(
    ("holds", "age", "number", "segments", "due"),
    [
        (FILE - 1, FILE_EVERY - 1, 0, 1, False),
        (FILE, 0.0, 10**6, 64, True),
        (1, FILE_EVERY, 0, 1, True),
        (1, FILE_EVERY, 45, 64, True),
        (1, FILE_EVERY, 46, 64, False),
        (1, 1e9, 0, 10_000, False),
    ],
)
def test_what_was_read_is_a_file_when_it_is_large_or_old(
    holds: int, age: float, number: int, segments: int, due: bool
) -> None:
    assert is_file(holds, FILE, age, number, segments) is due


@pytest.mark.parametrize("segments", [1, 4, 64, 1000, 2999, 3000, 3001, 10**6])
def test_files_written_early_leave_an_import_room(segments: int) -> None:
    """However slowly a table is read, for a night or for years."""
    nights = int(7 * 3600 / FILE_EVERY)
    early = [number for number in range(50_000) if is_file(1, FILE, 1e9, number, segments)]
    assert len(early) * segments <= 50_000 - 45_000
    assert len(early) >= nights or segments > 64


def test_a_large_table_has_no_file_too_small_beside_small_ones_without_number() -> None:
    """Its segments are read so many at a time that each has memory for a whole file."""
    large = Rows("large", 60, 16 * KIB, size_bytes=45_000 * 256 * KIB)
    sink = Bottomless()
    scans = {"large": wanted(large, sink, segments=12)} | many(30, 2, 6, 8 * KIB)
    assert peak_of(scans, 3 * MIB) < 5 * MIB
    assert len(sink.files) >= 12
    assert min(sink.files) >= (256 - 64) * KIB


def test_a_table_too_large_for_the_memory_is_told_before_it_is_read() -> None:
    clock = Clock()
    sink = Bottomless()
    one = wanted(Rows("huge", 2, KIB, size_bytes=10**12), sink)
    loop = Loop([("huge", one)], runner=Inline(clock), now=clock.now, memory=8 * MIB)
    (end,) = loop.run()
    assert end.state is State.FAILED
    assert end.reason == (
        "huge needs files of 21 MiB, for an import takes 50,000, and there is room for 4 MiB: "
        "give more memory"
    )
    assert sink.known == {}
