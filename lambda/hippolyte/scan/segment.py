"""The story of a segment: from its last file on, page by page, file by file, to its end."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from hippolyte.exports.native import DATA, data_name
from hippolyte.scan import datafile
from hippolyte.scan.begin import Place, Written, highest, resume
from hippolyte.scan.cutting import Nonsense, ScanError
from hippolyte.scan.datafile import Buffer, Facts
from hippolyte.scan.reading import Throttled
from hippolyte.scan.state import LOOK_EVERY, Reading, is_file
from hippolyte.scan.story import Call, Flush, Interrupted, Stop, Story
from hippolyte.scan.table import Source

Key = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Read:
    buffer: Buffer
    items: int
    text: int
    largest: int
    units: float
    last_key: Key | None


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A file to be, and where the segment is after it."""

    data: bytes
    facts: Facts
    key: Key | None
    stopped: bool


class Changed(ScanError):
    """When a table is not, or no longer, the one that is to be read."""


def look_again(table: Reading, holds: int = 0) -> Generator[Call, Any, None]:
    """Look at the table; the scan ends where it is no longer the same.

    Raises:
        Changed: it is another table, or cannot be read.
    """
    # set first: of all segments one looks
    before, table.looked = table.looked, table.seconds()
    try:
        look = yield Call(table.wanted.source.look, holds=holds)
    except Interrupted:
        table.looked = before
        raise
    table.look = look
    first = table.first = table.first or look
    if why := look.changed(first):
        raise Changed(why)
    if table.pacing:
        table.pacing = table.pacing.capacity_seen(look.read_capacity, table.seconds())


def read_segment(table: Reading, segment: int, number: int | None) -> Story:
    """Read a segment whose last file has this number (None: there is none) to its end."""
    known = table.segments[segment]
    known.place = yield Call(partial(resume, table.wanted.sink, segment, number, table.keys))
    circle = _Circle(known.place.key)
    stopped = False
    while not (known.place.ended or stopped):
        sealed = yield from _fill(table, segment, circle)
        if sealed is None:
            return
        stopped, given, sealed = sealed.stopped, [sealed], None
        written = yield from _write(table, segment, given)
        if not written:
            # somebody else wrote it, or this loop without hearing of it: as good as ours
            last = yield Call(partial(_last, table, segment))
            if last is None or last < known.place.number:
                name = DATA + data_name(segment, known.place.number)
                raise Nonsense(f"{table.wanted.sink}{name} is there, and no listing has it")
            known.place = yield Call(partial(resume, table.wanted.sink, segment, last, table.keys))
            circle = _Circle(known.place.key)


def _write(table: Reading, segment: int, given: list[_Sealed]) -> Generator[Call, Any, bool]:
    """Write a file, unless there is one; it is taken out of the list, so that nobody keeps it."""
    known, sealed = table.segments[segment], given.pop()
    number, facts = known.place.number, sealed.facts
    name = DATA + data_name(segment, number)
    put = partial(table.wanted.sink.create, name, sealed.data, facts.metadata())
    stored = yield Call(put, urgent=True, holds=len(sealed.data))
    known.buffered = 0
    if stored:
        table.files += 1
        known.files[number] = Written(stored, facts)
        known.place = Place(number + 1, sealed.key, facts.before + facts.items, facts.end)
    return bool(stored)


def _last(table: Reading, segment: int) -> int | None:
    return highest(table.wanted.sink, len(table.segments), segment).get(segment)


def _fill(table: Reading, segment: int, circle: _Circle) -> Generator[Call, Any, _Sealed | None]:
    """Read until there is a file's worth; None: the loop stops, and there is nothing to write."""
    known, wanted = table.segments[segment], table.wanted
    buffer, key, ended, stopped = Buffer(), known.place.key, False, False
    first = table.seconds()
    try:
        while not (ended or _is_file(table, segment, buffer, first)):
            if table.seconds() - table.looked >= LOOK_EVERY:
                yield from look_again(table, buffer.holds)
            try:
                read = yield _page(table, segment, buffer, key)
            except Throttled:
                table.pacing = table.pace.throttled(segment, table.seconds())
                continue
            now = table.seconds()
            table.pacing = table.pace.answered(segment, now, read.units, read.items, read.largest)
            table.text += read.text
            table.units += read.units
            first = first if buffer.items else now
            buffer, key, ended = read.buffer, read.last_key, read.last_key is None
            known.buffered = buffer.items
            circle.goes_on(key, f"segment {segment} of {table.name}")
    except Flush:
        pass
    except Stop:
        stopped = True
    if not (buffer.items or ended):
        return None
    seal = partial(_seal, buffer, wanted.level, known.place.items, table.now(), ended)
    holds = buffer.holds
    # two copies are enough
    del buffer
    data, facts = yield Call(seal, urgent=True, holds=2 * holds)
    return _Sealed(data, facts, key, stopped)


def _is_file(table: Reading, segment: int, buffer: Buffer, first: float) -> bool:
    age = table.seconds() - first if buffer.items else 0.0
    number, segments = table.segments[segment].place.number, len(table.segments)
    return is_file(buffer.holds, table.file_bytes, age, number, segments)


def _page(table: Reading, segment: int, buffer: Buffer, key: Key | None) -> Call:
    assert table.started
    request: dict[str, Any] = {
        "Segment": segment,
        "TotalSegments": table.started.segments,
        "ConsistentRead": table.started.consistent,
    }
    if key is not None:
        request["ExclusiveStartKey"] = key

    def sent(now: float) -> None:
        # not before: while it waited, others may have been throttled
        request["Limit"] = table.pace.limit(segment)
        table.pacing = table.pace.sent(segment, now)

    def broke(now: float) -> None:
        table.pacing = table.pace.failed(segment, now)

    return Call(
        partial(_read, table.wanted.source, request, buffer, table.wanted.level),
        due=lambda now: table.pace.due(segment, now),
        sent=sent,
        holds=buffer.holds,
        broke=broke,
    )


def _read(source: Source, request: Key, buffer: Buffer, level: int) -> _Read:
    page = source.page(request)
    added = datafile.add(buffer, page, level)
    text, largest = added.text - buffer.text, max(map(len, page.items), default=0)
    return _Read(added, page.count, text, largest, page.units, page.last_key)


def _seal(
    buffer: Buffer, level: int, before: int, written: datetime, end: bool
) -> tuple[bytes, Facts]:
    data = datafile.sealed(buffer, level)
    return data, datafile.facts(buffer, data, before, written, end)


class _Circle:
    """Notices a scan that comes to where it was: it keeps one key, a later one ever more seldom."""

    def __init__(self, key: Key | None) -> None:
        self._key, self._pages, self._kept = key, 0, 1

    def goes_on(self, key: Key | None, what: str) -> None:
        """Take note of a page's last key.

        Raises:
            Nonsense: the scan was there before.
        """
        if key is not None and key == self._key:
            raise Nonsense(f"{what} goes in a circle: a page ended with {key} before")
        self._pages += 1
        if self._pages == self._kept:
            self._key, self._pages, self._kept = key, 0, 2 * self._kept
