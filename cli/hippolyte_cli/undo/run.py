"""Makes the changes of a plan from many threads, and keeps how far it is."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hippolyte_cli.restore.crew import Crew
from hippolyte_cli.restore.journal import Done, Journal
from hippolyte_cli.restore.pace import Pace, Rate
from hippolyte_cli.restore.patience import Clockwork, Patience, Stopped
from hippolyte_cli.restore.sending import raw_client
from hippolyte_cli.undo.change import Change
from hippolyte_cli.undo.plan import Plan
from hippolyte_cli.undo.sender import BATCH, Sent, Undoer

THREADS = 16
PLAN = "changes"
"""What a journal calls the plan."""
_LEFT = "left-alone.jsonl"
_PROGRESS_SECONDS = 0.25
_AHEAD = 4


@dataclass
class Made:
    """What has been made so far.

    Attributes:
        before: changes that an earlier start was through with.
        seen: changes since.
        done: of those, that were made, by what is done; `already`: of those, made before.
        left: how many were left alone.
        units: write capacity units, without indexes'.
        throttled: requests refused for want of capacity.
        of: changes of the plan.
        seconds: since it began.
        wrote: something was written.
        complete: nothing is left to do.
    """

    of: int
    before: int = 0
    seen: int = 0
    done: Counter[str] = field(default_factory=Counter)
    already: int = 0
    left: int = 0
    units: float = 0.0
    throttled: int = 0
    seconds: float = 0.0
    wrote: bool = False
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What was left alone, a line each in a file beside the plan."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / _LEFT

    def add(self, found: Sequence[tuple[int, Change, str]]) -> None:
        """Note changes by their numbers in the plan, before the journal is past them."""
        if not found:
            return
        with self.path.open("ab") as file:
            for number, change, why in found:
                line = {"number": number, "do": change.do, "key": change.key, "why": why}
                file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield what was noted."""
        if self.path.exists():
            with self.path.open("rb") as file:
                yield from map(json.loads, file)

    def forget(self, first: int) -> int:
        """Forget all from a number on, for it is looked at again; return how many are left."""
        aside, count = self.path.with_suffix(".new"), 0
        with aside.open("wb") as file:
            for line in self._whole_lines():
                if json.loads(line)["number"] < first:
                    file.write(line)
                    count += 1
        aside.replace(self.path)
        return count

    def _whole_lines(self) -> Iterator[bytes]:
        if self.path.exists():
            with self.path.open("rb") as file:
                # of a line that broke off the journal knows nothing
                yield from (line for line in file if line.endswith(b"\n"))


def run(
    client: Any,
    table: str,
    key_names: Sequence[str],
    plan: Plan,
    count: int,
    *,
    rate: Rate,
    journal: Journal,
    progress: Callable[[Made], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    threads: int = THREADS,
    clockwork: Clockwork | None = None,
) -> Made:
    """Make the changes of a plan that is agreed to, or those that are left of it.

    Args:
        client: made with `writer.CONFIG`.
        table: its name or ARN.
        key_names: of its key's attributes.
        plan: of that table.
        count: of its changes.
        rate: what may be taken of the table.
        journal: has been read; is kept up to date, and left at the end.
        progress: called several times a second, and at the end, also before an error is raised.
        stopped: looked at as often; it then ends when what is under way is made.
        threads: requests under way; 0: one, by the calling thread.
        clockwork: for tests.

    Raises:
        HippolyteError: the table is gone, or refuses for good; or see `Journal`.
    """
    ended = threading.Event()
    clock = clockwork or Clockwork(time.monotonic, lambda s: bool(ended.wait(s)), random.random)
    began = clock.now()
    undoer = Undoer(
        client=raw_client(client),
        table=table,
        key_names=tuple(key_names),
        writes=Pace(rate.writes, began),
        reads=Pace(rate.reads, began),
        patience=Patience(table, clock, ended),
    )
    before = journal.done.get(PLAN, Done()).lines
    left = Left(plan.folder)
    made = Made(of=count, before=before, left=left.forget(before))
    crew: Crew[Sequence[Change], Sent] = Crew(undoer.send, threads, ended)
    most = threads + _AHEAD if threads else 0
    running = _Run(plan, journal, left, crew, undoer, clock, progress, stopped, began, made)
    return running.run(most)


@dataclass
class _Run:
    """A run as its one thread sees it."""

    plan: Plan
    journal: Journal
    left: Left
    crew: Crew[Sequence[Change], Sent]
    undoer: Undoer
    clock: Clockwork
    progress: Callable[[Made], None]
    stopped: Callable[[], bool]
    began: float
    made: Made
    told_at: float = float("-inf")
    # by their order: batches that are not in the journal, the size of each, and what came of them
    first: int = 0
    sizes: deque[int] = field(default_factory=deque)
    came: dict[int, Sent] = field(default_factory=dict)

    def run(self, most: int) -> Made:
        """Have the changes made, no more batches than so many at a time."""
        try:
            complete = self._sent(most)
        except BaseException:
            self._end(raising=False)
            self._tell()
            raise
        self._end(raising=True)
        self.made.complete = complete
        self._tell()
        return self.made

    def _sent(self, most: int) -> bool:
        for batch in self.plan.batches(self.made.before, BATCH):
            self.sizes.append(len(batch))
            self.crew.give(self.first + len(self.sizes) - 1, batch)
            if not self._looked(most):
                return False
        return self._looked(0)

    def _looked(self, most: int) -> bool:
        while True:
            full = self.crew.under_way > most
            self._take_in(self.crew.done(_PROGRESS_SECONDS if full else 0.0))
            now = self.clock.now()
            if now - self.told_at >= _PROGRESS_SECONDS:
                if self.stopped():
                    return False
                self._tell()
                self.journal.save(now)
            if not full:
                return True

    def _take_in(self, done: Sequence[tuple[int, Sent | BaseException]]) -> None:
        self.came |= {number: sent for number, sent in done if isinstance(sent, Sent)}
        while (sent := self.came.pop(self.first, None)) is not None:
            at = self.made.before + self.made.seen
            self.left.add([(at + number, change, why) for number, change, why in sent.left])
            self._count(self.sizes.popleft(), sent)
            self.first += 1
            self.journal.done[PLAN] = Done(self.made.before + self.made.seen)
        errors = [one for _, one in done if isinstance(one, BaseException)]
        told = [error for error in errors if not isinstance(error, Stopped)]
        if told:
            raise told[0]

    def _count(self, size: int, sent: Sent) -> None:
        made = self.made
        made.seen += size
        made.done.update(sent.done)
        made.already += sent.already
        made.left += len(sent.left)
        made.units += sent.units
        made.throttled += sent.throttled

    def _end(self, *, raising: bool) -> None:
        try:
            self._take_in(self.crew.end())
        except Exception:
            if raising:
                raise
        finally:
            self.journal.save(self.clock.now(), last=True)

    def _tell(self) -> None:
        self.told_at = self.clock.now()
        self.made.seconds = self.told_at - self.began
        self.made.wrote = self.undoer.wrote
        self.progress(self.made)
