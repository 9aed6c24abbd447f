"""The local AWS's virtual clock: time moves only when told to, and what is due happens then."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from datetime import datetime, timedelta


class Clock:
    """Virtual time (UTC) and the events that wait for it.

    `advance_to` runs every event that falls due, in order, with `now()` at that event's own time.
    Events may schedule further events. All methods may be called from any thread.
    """

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("start has no time zone: give an aware UTC time")
        self._now = start
        self._due: list[tuple[datetime, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._lock = threading.RLock()

    def now(self) -> datetime:
        """Return the virtual time."""
        return self._now

    def call_at(self, when: datetime, event: Callable[[], object]) -> None:
        """Run `event` when virtual time reaches `when` (at the next advance if that is past)."""
        with self._lock:
            heapq.heappush(self._due, (when, next(self._order), event))

    def call_in(self, seconds: float, event: Callable[[], object]) -> None:
        """Run `event` after `seconds` of virtual time."""
        self.call_at(self._now + timedelta(seconds=seconds), event)

    def next_due(self) -> datetime | None:
        """Return when the next event is due, None if nothing waits."""
        with self._lock:
            return self._due[0][0] if self._due else None

    def advance(self, seconds: float) -> None:
        """Let `seconds` of virtual time pass."""
        self.advance_to(self._now + timedelta(seconds=seconds))

    def advance_to(self, when: datetime) -> None:
        """Let virtual time pass up to `when`, running what falls due."""
        while True:
            with self._lock:
                if not self._due or self._due[0][0] > when:
                    self._now = max(self._now, when)
                    return
                due, _, event = heapq.heappop(self._due)
                self._now = max(self._now, due)
            event()
