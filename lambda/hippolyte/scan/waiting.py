"""What the loop keeps of its stories, and the heap of those whose call is not yet due."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from hippolyte.scan.story import Call, Story


@dataclass(eq=False, slots=True)
class Unit:
    """A story that is being told.

    Attributes:
        table: its number.
        segment: -1: the table's own story.
        parent: the story that waits for it and others.
        needs: bytes of memory that are promised to it.
        call: what it waits for.
        running: the call is being made.
        since: the turn of its call among those that are due together.
        tries: how often the call failed.
        not_before: when it may be made again.
        entry: its last one in the heap.
        children: how many stories it waits for.
        waiting: those of them that memory cannot be promised to yet.
    """

    table: int
    segment: int
    story: Story
    parent: Unit | None = None
    needs: int = 0
    call: Call | None = None
    running: bool = False
    since: int = 0
    tries: int = 0
    not_before: float = 0.0
    entry: int = 0
    children: int = 0
    waiting: deque[Unit] = field(default_factory=deque)


class Waiting:
    """The heap of (due, turn, table, segment); an entry that its unit has left is passed over."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int, int, int, Unit]] = []
        self._entries = 0

    def push(self, unit: Unit, now: float) -> None:
        """Have a unit wait until its call is due; a former entry of it counts no more."""
        assert unit.call
        self._entries += 1
        unit.entry = self._entries
        due = max(unit.call.due(now), unit.not_before)
        heapq.heappush(self._heap, (due, unit.since, unit.table, unit.segment, unit.entry, unit))

    def due(self, now: float) -> Iterator[tuple[Unit, Call]]:
        """Yield, and take out, what is due; its call is to be started, or pushed again."""
        while self.next() <= now:
            unit = heapq.heappop(self._heap)[-1]
            assert unit.call
            if unit.call.due(now) > now:
                self.push(unit, now)
            else:
                yield unit, unit.call

    def next(self) -> float:
        """Return when the next is due; infinity: nothing waits."""
        while self._heap:
            due, *_, entry, unit = self._heap[0]
            if unit.call and not unit.running and entry == unit.entry:
                return due
            heapq.heappop(self._heap)
        return float("inf")
