"""What the loop keeps of its stories, and the heap of those whose call is not yet due."""

from __future__ import annotations

import heapq
from collections import deque
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
        # urgent calls have a heap of their own: where memory is short, only they are made
        self._heaps: dict[bool, list[tuple[float, int, int, int, int, Unit]]]
        self._heaps = {True: [], False: []}
        self._entries = 0

    def push(self, unit: Unit, now: float) -> None:
        """Have a unit wait until its call is due; a former entry of it counts no more."""
        assert unit.call
        self._entries += 1
        unit.entry = self._entries
        due = max(unit.call.due(now), unit.not_before)
        entry = (due, unit.since, unit.table, unit.segment, unit.entry, unit)
        heapq.heappush(self._heaps[unit.call.urgent], entry)

    def pop(self, now: float, urgent: bool) -> Unit | None:
        """Take out a unit whose call is due and urgent or not; None: there is none."""
        while self._next(urgent) <= now:
            unit = heapq.heappop(self._heaps[urgent])[-1]
            assert unit.call
            if unit.call.due(now) <= now:
                return unit
            self.push(unit, now)
        return None

    def next(self, urgent: bool) -> float:
        """Return when the next is due, of all or of the urgent; infinity: nothing waits."""
        return self._next(True) if urgent else min(self._next(True), self._next(False))

    def _next(self, urgent: bool) -> float:
        heap = self._heaps[urgent]
        while heap:
            due, *_, entry, unit = heap[0]
            if unit.call and not unit.running and entry == unit.entry:
                return due
            heapq.heappop(heap)
        return float("inf")
