"""A table, a sink and a clock in memory: scans of them are exact, and die where a test wants it."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hippolyte.exports import native
from hippolyte.scan.loop import MEMORY, Loop
from hippolyte.scan.reading import Page, Passing
from hippolyte.scan.sink import Head, Sink, Stored
from hippolyte.scan.state import Progress
from hippolyte.scan.table import Look, Pacing, Source, Wanted

BEGUN = datetime(2026, 11, 23, tzinfo=UTC)
ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table/"


class Killed(BaseException):
    """The process dies."""


@dataclass
class Clock:
    """Virtual time."""

    at: datetime = BEGUN

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Inline:
    """Makes a call when it is started, or, given chance, at any time until it is waited for."""

    def __init__(self, clock: Clock, room: int = 4, random: Random | None = None) -> None:
        self.clock, self.room, self.random = clock, room, random
        self.queue: list[tuple[Callable[[], Any], Future[Any]]] = []
        self.most = 0

    def has_room(self) -> bool:
        return len(self.queue) < self.room

    def start(self, task: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self.queue.append((task, future))
        self.most = max(self.most, len(self.queue))
        if not self.random:
            self._make(task, future)
        return future

    def wait(self, seconds: float) -> list[Future[Any]]:
        if not self.queue:
            self.clock.sleep(seconds)
            return []
        chosen = self.random.randrange(len(self.queue)) if self.random else 0
        task, future = self.queue.pop(chosen)
        if self.random:
            self._make(task, future)
        return [future]

    @staticmethod
    def _make(task: Callable[[], Any], future: Future[Any]) -> None:
        try:
            future.set_result(task())
        except Exception as error:  # noqa: BLE001 - as a pool's thread
            future.set_exception(error)


@dataclass(frozen=True)
class Steady:
    """A pace that never waits but for a throttle."""

    most: int = 2
    paused: Mapping[int, float] = field(default_factory=dict)

    def due(self, segment: int, now: float) -> float:
        return max(now, self.paused.get(segment, 0.0))

    def limit(self, segment: int) -> int:
        return self.most

    def sent(self, segment: int, now: float) -> Pacing:
        return self

    def answered(
        self, segment: int, now: float, units: float, items: int, largest: float
    ) -> Pacing:
        return self

    def throttled(self, segment: int, now: float) -> Pacing:
        return replace(self, paused={**self.paused, segment: now + 1.0})

    def capacity_seen(self, capacity: float | None, now: float) -> Pacing:
        return self

    def failed(self, segment: int, now: float) -> Pacing:
        return self


class Calls:
    """Counts calls, and does what a test wants before or after the n-th."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.leave_alone()

    def leave_alone(self) -> None:
        """Let all calls be made."""
        self.before: Callable[[int, str], None] = lambda number, what: None
        self.after: Callable[[int, str], None] = lambda number, what: None

    def __call__(self, what: str, act: Callable[[], Any]) -> Any:
        self.made.append(what)
        number = len(self.made)
        self.before(number, what)
        found = act()
        self.after(number, what)
        return found


def place_of(name: str) -> int:
    """Return where an item lies in the key space, 0 to 2**32."""
    return int(hashlib.md5(name.encode()).hexdigest()[:8], 16)


class FakeTable:
    """A table as Scan sees it: items in the order of their keys' hash, cut into segments."""

    def __init__(self, name: str, items: Iterable[dict[str, Any]], calls: Calls) -> None:
        self.name, self.calls = name, calls
        self.items = {item["pk"]["S"]: item for item in items}
        self.now = Look(
            table=name,
            arn=ARN + name,
            table_id=f"id-of-{name}",
            status="ACTIVE",
            keys=("pk",),
            size_bytes=1000,
            read_capacity=10,
        )

    def look(self) -> Look:
        return self.calls(f"look {self.name}", lambda: self.now)

    def page(self, request: Mapping[str, Any]) -> Page:
        what = f"page {self.name} {request['Segment']}"
        return self.calls(what, lambda: self._page(request))

    def _page(self, request: Mapping[str, Any]) -> Page:
        segment, total, limit = (request[k] for k in ("Segment", "TotalSegments", "Limit"))
        low, high = (2**32 * n // total for n in (segment, segment + 1))
        after = request.get("ExclusiveStartKey", {}).get("pk", {}).get("S")
        start = (place_of(after), after) if after is not None else (low - 1, "")
        keys = sorted((place_of(key), key) for key in self.items)
        left = [key for place, key in keys if (place, key) > start and low <= place < high]
        read = left[:limit]
        text = [json.dumps(self.items[key]).encode() for key in read]
        # as DynamoDB: a full page has a last key even if nothing follows
        more = len(left) >= limit
        return Page(text, len(text), len(text) / 2, {"pk": {"S": read[-1]}} if more else None)


class FakeSink:
    """A bucket's prefix in memory."""

    bucket = "backups"
    prefix = "a/AWSDynamoDB/1/"

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.objects: dict[str, tuple[bytes, Mapping[str, str]]] = {}
        self.refused: list[str] = []  # names that were put where there was one

    def __str__(self) -> str:
        return "memory:"

    def create(
        self, name: str, data: bytes, metadata: Mapping[str, str] | None = None
    ) -> Stored | None:
        return self.calls(f"put {name}", lambda: self._create(name, data, metadata))

    def _create(self, name: str, data: bytes, metadata: Mapping[str, str] | None) -> Stored | None:
        if name in self.objects:
            self.refused.append(name)
            return None
        self.objects[name] = (data, metadata or {})
        return self._stored(name)

    def read(self, name: str) -> bytes | None:
        return self.calls(f"get {name}", lambda: self.objects.get(name, (None,))[0])

    def head(self, name: str) -> Head | None:
        return self.calls(f"head {name}", lambda: self._head(name))

    def _head(self, name: str) -> Head | None:
        return Head(self._stored(name), self.objects[name][1]) if name in self.objects else None

    def listed(self, start: str = "") -> Iterator[Stored]:
        return iter(self.calls(f"list {start}", lambda: self._listed(start)))

    def _listed(self, start: str) -> list[Stored]:
        return [self._stored(name) for name in sorted(self.objects) if name.startswith(start)]

    def _stored(self, name: str) -> Stored:
        data = self.objects[name][0]
        return Stored(name, len(data), f"{hashlib.md5(data).hexdigest()}")


def items(count: int, size: int = 10) -> list[dict[str, Any]]:
    """Return items of a table with key `pk`."""
    return [
        {"pk": {"S": f"item {n}"}, "text": {"S": f"{n}é" * size}, "n": {"N": str(n)}}
        for n in range(count)
    ]


def wanted(source: Source, sink: Sink, **changed: Any) -> Wanted:
    """Return a scan as the tests want it."""
    plain = Wanted(
        source=source,
        sink=sink,
        scan="1",
        engine="lambda",
        segments=3,
        pace=lambda look, capacity, segments, now: Steady(),
    )
    return replace(plain, **changed)


def loop(tables: Mapping[str, Wanted], clock: Clock | None = None, **given: Any) -> Loop:
    """Return a loop that makes its calls inline."""
    clock = clock or Clock()
    runner = given.pop("runner", None) or Inline(clock)
    given.setdefault("memory", MEMORY)
    return Loop(list(tables.items()), runner=runner, now=clock.now, random=Random(1), **given)


def scan(tables: Mapping[str, Wanted], **given: Any) -> list[Progress]:
    """Scan in one loop."""
    return loop(tables, **given).run()


def read_back(sink: FakeSink) -> list[dict[str, Any]]:
    """Return the items of a whole export, having checked it as a stranger would."""
    listed = sink.objects[native.FILES][0]
    files = native.parse_files(listed)
    summary = native.parse_summary(sink.objects[native.SUMMARY][0])
    found: list[dict[str, Any]] = []
    for one in files:
        name = one.key.removeprefix(sink.prefix)
        data, metadata = sink.objects[name]
        assert native.checksum(data) == one.md5
        lines = gzip.decompress(data).splitlines()
        assert len(lines) == one.items == int(metadata["items"])
        found += [json.loads(line)["Item"] for line in lines]
    data_names = {name for name in sink.objects if name.startswith(native.DATA)}
    assert data_names == {one.key.removeprefix(sink.prefix) for one in files}
    assert summary.items == len(found)
    assert sink.objects[native.FILES_MD5][0].decode() == native.checksum(listed)
    assert sink.objects[native.SUMMARY_MD5][0].decode() == native.checksum(
        sink.objects[native.SUMMARY][0]
    )
    return found


def failing(times: int) -> Callable[[int, str], None]:
    """Return what lets each call fail as often, by what passes, before it is made."""
    failed: dict[str, int] = {}

    def before(number: int, what: str) -> None:
        failed[what] = failed.get(what, 0) + 1
        if failed[what] <= times:
            raise Passing(what)

    return before
