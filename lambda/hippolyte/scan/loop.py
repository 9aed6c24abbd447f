"""The loop of a scan: many tables and segments, one heap of what is due, a few calls at once.

Only this thread sleeps, reads the clock and knows where each segment is. What comes next follows
from the stories (`story`) and the answers alone; the loop adds waiting, asking again, and the one
budget of memory: the fullest buffer is written first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime
from random import Random
from typing import Any

from hippolyte import clock
from hippolyte.errors import HippolyteError
from hippolyte.scan.reading import Passing, Throttled
from hippolyte.scan.runner import Runner
from hippolyte.scan.state import Progress, Reading, State
from hippolyte.scan.story import Call, Flush, Interrupted, Stop, Together
from hippolyte.scan.table import Wanted
from hippolyte.scan.waiting import Unit, Waiting
from hippolyte.scan.whole import scan_table

# for the buffers of all tables together; bytes
MEMORY = 32 << 20
# so long at most until somebody who wants to stop is heard; seconds
_ATTENTION = 1.0
# a clock of microseconds never comes to a moment between two of them
_SHORTEST = 0.001
# between two tries of a call that failed; seconds, doubled each time
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
# what was read is put in safety even when the loop is to stop, unless it fails so often
_LAST_TRIES = 5


class Loop:
    """Scans tables side by side; made once, then `step` until it says False.

    Args:
        tables: by name, what is wanted.
        runner: makes the calls.
        now: the clock.
        progress: told of each change, on this thread.
        go_on: asked often, with the time in seconds; False: what was read is written, and the
            loop ends. It is the only end of a loop whose tables cannot be reached.
        memory: bytes for buffers. Pages on their way come on top: about 4 MB a thread.
        random: of the pauses.
    """

    def __init__(
        self,
        tables: Sequence[tuple[str, Wanted]],
        *,
        runner: Runner,
        now: Callable[[], datetime] = lambda: clock.now(),
        progress: Callable[[Progress], None] = lambda _: None,
        go_on: Callable[[float], bool] = lambda _: True,
        memory: int = MEMORY,
        random: Random | None = None,
    ) -> None:
        self._runner, self._progress, self._go_on = runner, progress, go_on
        self._wall, self._now = now, clock.never_back(now)
        self._memory, self._room, self._random = memory, memory // 2, random or Random()
        self._tables: list[Reading] = []
        self._waiting = Waiting()
        self._running: dict[Future[Any], Unit] = {}
        self._units: list[dict[Unit, None]] = []  # in order
        self._turn = 0
        # bytes: held by all stories, of that being written, and promised to segments
        self._held = self._leaving = self._promised = 0
        self._stopping = self._admitting = False
        for name, wanted in tables:
            self.add(name, wanted)

    def add(self, name: str, wanted: Wanted) -> None:
        """Scan one table more."""
        self._tables.append(Reading(wanted, name, self._now, self._room))
        self._units.append({})
        self._begin(Unit(len(self._units) - 1, -1, scan_table(self._tables[-1])))

    @property
    def results(self) -> list[Progress]:
        """How far each table is."""
        return [table.progress() for table in self._tables]

    def run(self) -> list[Progress]:
        """Scan until all is done, or `go_on` says no."""
        while self.step():
            pass
        return self.results

    def step(self) -> bool:
        """Start what is due, wait for an answer and take it; False: there is nothing left."""
        now = self._seconds()
        if not self._stopping and not self._go_on(self._wall().timestamp()):
            self._stop()
        pause = self._start_due(now)
        if self._is_going():
            for future in self._runner.wait(pause):
                self._answer(future)
        return self._is_going()

    def _is_going(self) -> bool:
        return any(self._units) or bool(self._running)

    def _seconds(self) -> float:
        return self._now().timestamp()

    # --- stories

    def _begin(self, unit: Unit) -> None:
        self._units[unit.table][unit] = None
        self._promised += unit.needs
        self._tell(unit, unit.story.send, None)

    def _tell(self, unit: Unit, how: Callable[[Any], Any], what: Any) -> None:
        """Go on with a story until it wants something."""
        self._set(unit, None)
        while True:
            try:
                wish = how(what)
            except (StopIteration, Stop) as end:
                if isinstance(end, Stop) and unit.segment < 0:
                    self._tables[unit.table].state = State.MORE
                self._end(unit)
                return
            except HippolyteError as error:
                self._fail(unit.table, error)
                return
            if isinstance(wish, Together):
                self._side_by_side(unit, wish)
                return
            if not (self._stopping and not wish.urgent):
                break
            how, what = unit.story.throw, Stop()
        self._turn += 1
        unit.since, unit.tries, unit.not_before = self._turn, 0, 0.0
        self._set(unit, wish)
        self._waiting.push(unit, self._seconds())

    def _side_by_side(self, parent: Unit, wish: Together) -> None:
        parent.children = len(wish.stories)
        parent.waiting = deque(
            Unit(parent.table, segment, story, parent, wish.needs)
            for segment, story in enumerate(wish.stories)
        )
        self._admit()

    def _admit(self) -> None:
        """Begin such stories as there is memory for, those of the first tables first."""
        # a story that ends at once asks for this again: no recursion, there may be thousands
        if self._admitting:
            return
        self._admitting = True
        while found := self._next_admitted():
            self._begin(found)
        self._admitting = False

    def _next_admitted(self) -> Unit | None:
        for parent in [unit for units in self._units for unit in units if unit.waiting]:
            needs = parent.waiting[0].needs
            if self._stopping or not needs or self._promised + needs <= self._room:
                return parent.waiting.popleft()
        return None

    def _end(self, unit: Unit) -> None:
        self._forget(unit)
        parent = unit.parent
        if parent:
            parent.children -= 1
            if not parent.children and parent in self._units[parent.table]:
                self._tell(parent, parent.story.send, None)
        else:
            self._progress(self._tables[unit.table].progress())
        self._admit()

    def _fail(self, index: int, error: Exception) -> None:
        table = self._tables[index]
        table.state, table.reason = State.FAILED, str(error)
        for unit in list(self._units[index]):
            self._forget(unit)
        self._progress(table.progress())
        self._admit()

    def _forget(self, unit: Unit) -> None:
        self._units[unit.table].pop(unit, None)
        self._promised -= unit.needs
        self._set(unit, None)
        unit.waiting.clear()

    # --- calls

    def _set(self, unit: Unit, call: Call | None) -> None:
        """Note what a story waits for, and the memory it holds meanwhile."""
        for one, sign in ((unit.call, -1), (call, 1)):
            if one:
                self._held += sign * one.holds
                self._leaving += sign * one.holds * one.urgent
        unit.call = call

    def _start_due(self, now: float) -> float:
        """Start what is due; return how long to wait for an answer, or for what is due next."""
        while self._runner.has_room():
            unit = self._waiting.pop(now, urgent=True)
            if unit is None and not self._is_full():
                unit = self._waiting.pop(now, urgent=False)
            if unit is None:
                pause = self._waiting.next(urgent=self._is_full()) - now
                return min(max(pause, _SHORTEST), _ATTENTION)
            self._start(unit, now)
        return _ATTENTION

    def _is_full(self) -> bool:
        return self._held >= self._memory

    def _start(self, unit: Unit, now: float) -> None:
        call = unit.call
        assert call
        if call.sent:
            call.sent(now)
        unit.running = True
        self._running[self._runner.start(call.task)] = unit

    def _answer(self, future: Future[Any]) -> None:
        unit = self._running.pop(future)
        unit.running = False
        call, error = unit.call, future.exception()
        if unit not in self._units[unit.table] or call is None:
            return
        table = self._tables[unit.table]
        if error is None:
            table.reason = ""
            self._tell(unit, unit.story.send, future.result())
        elif isinstance(error, Passing) and not (call.broke and isinstance(error, Throttled)):
            self._again(unit, call, error)
        elif isinstance(error, HippolyteError):
            self._tell(unit, unit.story.throw, error)
        else:
            raise error
        if call.broke:
            # an answer may make others due that waited for it
            for other in self._units[unit.table]:
                if other.call and other.call.broke and not other.running:
                    self._waiting.push(other, self._seconds())
        self._progress(table.progress())
        self._flush_fullest()

    def _again(self, unit: Unit, call: Call, error: Exception) -> None:
        """Make a call again after a pause."""
        table = self._tables[unit.table]
        table.reason = str(error)
        if call.broke:
            call.broke(self._seconds())
        unit.tries += 1
        if self._stopping and (not call.urgent or unit.tries >= _LAST_TRIES):
            self._tell(unit, unit.story.throw, Stop())
            return
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(unit.tries - 1, 10))
        unit.not_before = self._seconds() + pause * (0.5 + self._random.random() / 2)
        self._waiting.push(unit, self._seconds())

    # --- putting in safety

    def _flush_fullest(self) -> None:
        """Have buffers written while all of them are more than half of the memory.

        No file is to be smaller than its table needs: what was promised to all of them is less
        than that half, so that one has enough; if it is just being added to, it is waited for.
        """
        while self._held - self._leaving > self._room:
            holding = [unit for unit in self._not_urgent() if unit.call and unit.call.holds]
            fullest = max(holding, key=self._fullness, default=None)
            if fullest is None or fullest.running:
                return
            self._interrupt(fullest, Flush())

    @staticmethod
    def _fullness(unit: Unit) -> tuple[bool, bool, int]:
        assert unit.call
        return unit.call.holds >= unit.needs, not unit.running, unit.call.holds

    def _stop(self) -> None:
        self._stopping = True
        for unit in [unit for unit in self._not_urgent() if not unit.running]:
            self._interrupt(unit, Stop())
        self._admit()

    def _not_urgent(self) -> Iterable[Unit]:
        """Return the stories whose call may be given up, once it is not being made."""
        return (
            unit for units in self._units for unit in units if unit.call and not unit.call.urgent
        )

    def _interrupt(self, unit: Unit, interruption: Interrupted) -> None:
        if unit in self._units[unit.table] and unit.call:
            self._tell(unit, unit.story.throw, interruption)
