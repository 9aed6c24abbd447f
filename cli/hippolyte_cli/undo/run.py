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

from hippolyte_cli.restore.course import Course
from hippolyte_cli.restore.crew import Crew
from hippolyte_cli.restore.journal import Done, Journal
from hippolyte_cli.restore.pace import Pace, Rate
from hippolyte_cli.restore.patience import Clockwork, Patience
from hippolyte_cli.restore.sending import raw_client
from hippolyte_cli.undo.change import Change
from hippolyte_cli.undo.plan import Plan
from hippolyte_cli.undo.sender import BATCH, Sent, Undoer

THREADS = 16
PLAN = "changes"
"""What a journal calls the plan."""
_LEFT = "left-alone.jsonl"


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
    running = _Run(crew, journal, clock, stopped, left, undoer, progress, began, made)
    made.complete = running.run(plan.batches(before, BATCH), threads)
    running.tell()
    return made


class _Run(Course[Sequence[Change], Sent]):
    """A run as its one thread sees it."""

    def __init__(
        self,
        crew: Crew[Sequence[Change], Sent],
        journal: Journal,
        clock: Clockwork,
        stopped: Callable[[], bool],
        left: Left,
        undoer: Undoer,
        progress: Callable[[Made], None],
        began: float,
        made: Made,
    ) -> None:
        super().__init__(crew, journal, clock, stopped)
        self._left, self._undoer, self._progress = left, undoer, progress
        self._began, self._made = began, made
        # of batches that are not in the journal, by their order
        self._sizes: deque[int] = deque()

    def begins(self, batch: Sequence[Change]) -> None:
        self._sizes.append(len(batch))

    def came(self, place: int, sent: Sent) -> None:
        """Count it in its turn: what is left alone is told by its place in the plan."""

    def passed(self, sent: Sent) -> None:
        made = self._made
        at = made.before + made.seen
        self._left.add([(at + number, change, why) for number, change, why in sent.left])
        made.seen += self._sizes.popleft()
        made.done.update(sent.done)
        made.already += sent.already
        made.left += len(sent.left)
        made.units += sent.units
        made.throttled += sent.throttled
        self.journal.done[PLAN] = Done(made.before + made.seen)

    def tell(self) -> None:
        self._made.seconds = self.clock.now() - self._began
        self._made.wrote = self._undoer.wrote
        self._progress(self._made)
