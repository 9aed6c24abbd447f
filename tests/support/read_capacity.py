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
RETRIES, _FIRST_WAIT = 9, 0.05
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
    """Reads all keys alike, a unit a request, so many a second.

    Attributes:
        rate: requests a second; may change at whole seconds.
        step: seconds from one look to the next.
        retries: how often it asks again for what it was refused, as the SDK does.
        chance: how many come in a step is left to it, none to twice as many; None: evenly many.
        offered: requests by second.
        refused: answers by second that were throttled.
        lost: requests by the second of their last try that never got through.
    """

    rate: Callable[[float], float]
    step: float = 0.01
    retries: int = RETRIES
    chance: random.Random | None = None
    owed: list[float] = field(default_factory=list)  # by partition
    again: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    steps: int = 0  # that were made
    offered: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)

    def read(self, capacity: ReadCapacity, now: float) -> None:
        """Make the requests of all steps until now."""
        self.owed = self.owed or [0.0 for _ in capacity.partitions]
        last = int(now / self.step)
        for counts in (self.offered, self.refused, self.lost):
            counts.extend([0] * (int(now) + 1 - len(counts)))
        while self.steps <= last:
            at = self.steps * self.step
            calm = self._calm(capacity, at, last)
            if not calm:
                capacity.until(at)
                self._ask_again(capacity, at)
            self._ask_new(capacity, at, calm or 1)
            self.steps += calm or 1

    def _calm(self, capacity: ReadCapacity, at: float, last: int) -> int:
        """Return of how many steps, in one second, nothing is refused for certain; 0: not known.

        What goes through in a step and what is owed to the next come to what is asked in it, so
        that levels less what is owed do not fall where no more is asked than is given.
        """
        rate = self.rate(at)
        most = min(last + 1, ceil((int(at) + 1) / self.step)) - self.steps
        if self.again or rate > capacity.units:
            return 0
        parts = zip(capacity.partitions, capacity.widths, self.owed, strict=True)
        for bucket, width, owed in [(capacity.table, 1.0, sum(self.owed)), *parts]:
            level = bucket.until(at) - owed
            if self.chance:
                most = min(most, int((level + 1) / (2 * rate * width * self.step)))
            elif rate * width > bucket.rate or level - bucket.rate * self.step <= -1:
                return 0
        return max(0, most)

    def _ask_again(self, capacity: ReadCapacity, at: float) -> None:
        for part, attempt, requests in self.again.pop(self.steps, ()):
            self._ask(capacity, part, attempt, requests, at)

    def _many(self, steps: int) -> float:
        """Return how many steps' worth come in so many."""
        if not self.chance:
            return steps
        if steps == 1:
            return 2 * self.chance.random()
        return min(2.0 * steps, max(0.0, self.chance.gauss(steps, (steps / 3) ** 0.5)))

    def _ask_new(self, capacity: ReadCapacity, at: float, steps: int) -> None:
        asked = self.rate(at) * self.step * self._many(steps)
        if steps > 1:
            capacity.until(at + self.step * (steps - 1))
        for part, width in enumerate(capacity.widths):
            owed = self.owed[part] + asked * width
            requests = int(owed)
            self.owed[part] = owed - requests
            self.offered[int(at)] += requests
            if steps == 1:
                self._ask(capacity, part, 0, requests, at)
            else:
                capacity.table.level -= requests
                capacity.partitions[part].level -= requests

    def _ask(
        self, capacity: ReadCapacity, part: int, attempt: int, requests: int, at: float
    ) -> None:
        table, bucket = capacity.table, capacity.partitions[part]
        room, refused = min(table.level, bucket.level), requests
        if requests and room > 0:
            # the last one leaves it in debt
            through = min(requests, ceil(room))
            table.level -= through
            bucket.level -= through
            refused -= through
        if refused:
            second = int(at)
            self.refused[second] += refused
            if attempt == self.retries:
                self.lost[second] += refused
                return
            step = self.steps + ceil(_FIRST_WAIT * 2**attempt / self.step)
            self.again.setdefault(step, []).append((part, attempt + 1, refused))


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
        self._at(MINUTE, self._minute)
        while self.heap and self.heap[0][0] < self.seconds:
            now, _, happens = heappop(self.heap)
            happens(now)
        self._apply(self.seconds)
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
        self._apply(now)
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
        """Let the application have come until now: nobody else changes what it finds."""
        if self.application:
            self.application.read(self.capacity, now)

    def _minute(self, now: float) -> None:
        self._apply(now)
        consumed = sum(self.story.units[self.counted :])
        self.counted = len(self.story.units)
        if self.each_minute:
            self.each_minute(self.capacity, consumed, now)
        if self.follow:
            self.pace = self.pace.capacity_seen(self.capacity.units, now)
        self._at(now + MINUTE, self._minute)

    def _half(self, units: float) -> float:
        return (self.latency[0] + self.latency[1] * units / FULL) / 2
