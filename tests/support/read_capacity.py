"""A table's read capacity and a scan of it, in virtual time.

The capacity is the local AWS's. A page is at most 1 MB, counted in blocks of 4 KB, half a unit
each.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import accumulate, cycle
from math import ceil

from hippolyte.scan.pace import Pace
from local.dynamodb.buckets import ReadCapacity

KB, MB = 1024, 1 << 20
# reads are counted in blocks; units of a full page
BLOCK, FULL = 4 * KB, 128
MINUTE = 60.0
# of the SDK for DynamoDB (botocore, data/_retry.json)
_RETRIES, _FIRST_WAIT = 9, 0.05
Runs = Sequence[tuple[int, int]]  # (bytes of an item, how many in a row), over and over


@dataclass
class Cursor:
    """Where a segment is; `size` is what it holds, in bytes, None: no end."""

    runs: Runs
    size: int | None = None
    read: int = 0
    run: int = 0
    done: int = 0  # items of the run

    def page(self, limit: int) -> tuple[int, int, int]:
        """Return (items, bytes, bytes of the largest) of the next page, and go on after it."""
        items = size = largest = 0
        while items < limit and size < MB:
            each, count = self.runs[self.run]
            # the item that passes the limit is not on the page
            fit = min(limit - items, count - self.done, (MB - size) // each)
            if fit == 0 and items:
                break
            fit = max(1, fit)
            items, size, largest = items + fit, size + fit * each, max(largest, each)
            self.done += fit
            if self.done == count:
                self.run, self.done = (self.run + 1) % len(self.runs), 0
        self.read += size
        return items, size, largest

    @property
    def ended(self) -> bool:
        return self.size is not None and self.read >= self.size


@dataclass
class Application:
    """Reads evenly over all keys, a unit a request, so many a second, and asks again as the SDK.

    Attributes:
        offered: requests by second.
        refused: answers by second that were throttled.
        lost: requests by the second of their last try that never got through.
    """

    rate: Callable[[float], float]
    step: float = 0.01  # seconds from one look to the next
    owed: list[float] = field(default_factory=list)  # by partition
    again: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    steps: int = 0
    offered: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)

    def read(self, capacity: ReadCapacity, now: float) -> None:
        """Make the requests of one step."""
        second = int(now)
        for counts in (self.offered, self.refused, self.lost):
            counts.extend([0] * (second + 1 - len(counts)))
        self.steps += 1
        for part, attempt, requests in self.again.pop(self.steps, ()):
            self._ask(capacity, part, attempt, requests, now)
        self.owed = self.owed or [0.0 for _ in capacity.partitions]
        start = 0.0
        for part, end in enumerate(capacity.ends):
            self.owed[part] += self.rate(now) * self.step * (end - start)
            start = end
            requests = int(self.owed[part])
            self.owed[part] -= requests
            self.offered[second] += requests
            self._ask(capacity, part, 0, requests, now)

    def _ask(
        self, capacity: ReadCapacity, part: int, attempt: int, requests: int, now: float
    ) -> None:
        bucket = capacity.partitions[part]
        room = min(capacity.table.until(now), bucket.until(now))
        # the last one leaves it in debt
        through = min(requests, max(0, ceil(room)))
        capacity.table.level -= through
        bucket.level -= through
        if refused := requests - through:
            self.refused[int(now)] += refused
            if attempt == _RETRIES:
                self.lost[int(now)] += refused
                return
            at = self.steps + ceil(_FIRST_WAIT * 2**attempt / self.step)
            self.again.setdefault(at, []).append((part, attempt + 1, refused))


@dataclass
class Story:
    """What happened: when pages were read and what they cost, and when they were throttled."""

    times: list[float] = field(default_factory=list)
    units: list[float] = field(default_factory=list)
    throttled: list[float] = field(default_factory=list)

    @property
    def largest(self) -> float:
        return max(self.units)

    def between(self, start: float, end: float) -> float:
        first, last = bisect_left(self.times, start), bisect_left(self.times, end)
        return sum(self.units[first:last])

    def most_above(self, rate: float, seconds: float, pages: int = 0) -> float:
        """Return by how many units any window of seconds (and pages) passed a rate at most."""
        sums = [0.0, *accumulate(self.units)]
        most = -rate * seconds
        for first, start in enumerate(self.times):
            last, length = bisect_left(self.times, start + seconds), seconds
            if last < first + pages:
                last = first + pages
                if last >= len(self.times):
                    break
                length = self.times[last] - start
            most = max(most, sums[last] - sums[first] - rate * length)
        return most


@dataclass
class Trial:
    """A scan at its pace beside an application.

    Attributes:
        latency: seconds from a request to its answer: of any, and of each MB.
        lateness: the loop comes so late at most, by chance.
        each_minute: called at each minute: (capacity, what the scan consumed in it, now).
        follow: the scan looks at the table each minute.
    """

    capacity: ReadCapacity
    pace: Pace
    runs: Sequence[Runs]  # by segment; fewer are repeated
    sizes: Sequence[int] | None = None  # bytes by segment, None: no end
    application: Application | None = None
    seconds: float = 600.0
    latency: tuple[float, float] = (0.005, 0.05)
    lateness: float = 0.003
    each_minute: Callable[[ReadCapacity, float, float], None] | None = None
    follow: bool = False

    def __post_init__(self) -> None:
        segments = len(self.pace.segments)
        sizes = self.sizes or [None] * segments
        self.story, self.chance = Story(), random.Random(7)
        self.cursors = [Cursor(r, s) for r, s in zip(cycle(self.runs), sizes, strict=False)]
        self.counted = 0
        self.heap: list[tuple[float, int, Callable[[float], None]]] = []
        self.number = 0

    def run(self) -> Story:
        """Let the time pass."""
        for segment in range(len(self.cursors)):
            self._at(0.0, partial(self._ask, segment))
        if self.application:
            self._at(0.0, self._apply)
        self._at(MINUTE, self._minute)
        while self.heap and self.heap[0][0] < self.seconds:
            now, _, happens = heappop(self.heap)
            happens(now)
        return self.story

    def _at(self, at: float, happens: Callable[[float], None]) -> None:
        self.number += 1
        heappush(self.heap, (at, self.number, happens))

    def _ask(self, segment: int, now: float) -> None:
        """Ask for a page, or see again when it is due; nothing else has the loop look."""
        due = self.pace.due(segment, now)
        if due > now:
            late = self.lateness * self.chance.random()
            self._at(due + late, partial(self._ask, segment))
            return
        items, size, largest = self.cursors[segment].page(self.pace.limit(segment))
        self.pace = self.pace.sent(segment, now)
        page = (-(-size // BLOCK) / 2, items, largest)
        self._at(now + self._half(page[0]), partial(self._read, segment, page))

    def _read(self, segment: int, page: tuple[float, int, int], now: float) -> None:
        cursor, units = self.cursors[segment], page[0]
        done = min(1.0, cursor.read / cursor.size) if cursor.size else self.chance.random()
        partition = self.capacity.partition((segment + done) / len(self.cursors))
        if not self.capacity.take(partition, units, now):
            self.story.throttled.append(now)
            self._at(now + self.latency[0] / 2, partial(self._throttled, segment))
            return
        self.story.times.append(now)
        self.story.units.append(units)
        self._at(now + self._half(units), partial(self._answered, segment, page))

    def _answered(self, segment: int, page: tuple[float, int, int], now: float) -> None:
        self.pace = self.pace.answered(segment, now, *page)
        if not self.cursors[segment].ended:
            self._ask(segment, now)

    def _throttled(self, segment: int, now: float) -> None:
        # other items come instead of the same ones: to the pace it is the same
        self.pace = self.pace.throttled(segment, now)
        self._ask(segment, now)

    def _apply(self, now: float) -> None:
        assert self.application
        self.application.read(self.capacity, now)
        self._at(now + self.application.step, self._apply)

    def _minute(self, now: float) -> None:
        consumed = sum(self.story.units[self.counted :])
        self.counted = len(self.story.units)
        if self.each_minute:
            self.each_minute(self.capacity, consumed, now)
        if self.follow:
            self.pace = self.pace.capacity_seen(self.capacity.units, now)
        self._at(now + MINUTE, self._minute)

    def _half(self, units: float) -> float:
        return (self.latency[0] + self.latency[1] * units / FULL) / 2
