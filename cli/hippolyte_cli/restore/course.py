"""Has batches sent by many threads, and takes in what came of them by their order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from hippolyte_cli.restore.crew import Crew
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.patience import Clockwork, Stopped

_PROGRESS_SECONDS = 0.25
# batches that wait for a thread: enough that none waits for them
_AHEAD = 4
# batches behind one that is still refused; of each, some numbers are kept
_MOST_BEHIND = 10_000

_Given = TypeVar("_Given")
_Sent = TypeVar("_Sent")


class Course(ABC, Generic[_Given, _Sent]):
    """What the one thread does that is not a crew's; it keeps the journal.

    Args:
        crew: sends.
        journal: of how far all batches up to one are done: `passed` writes that into it.
        clock: what the time is.
        stopped: looked at several times a second: whether it is to end.
    """

    def __init__(
        self,
        crew: Crew[_Given, _Sent],
        journal: Journal,
        clock: Clockwork,
        stopped: Callable[[], bool],
    ) -> None:
        self.journal, self.clock = journal, clock
        self._crew, self._stopped = crew, stopped
        self._told_at = float("-inf")
        self._given = self._passed = 0
        # of batches behind one that is not done
        self._came: dict[int, _Sent] = {}

    @abstractmethod
    def begins(self, batch: _Given) -> None:
        """Take note of a batch that is about to be given."""

    @abstractmethod
    def came(self, place: int, sent: _Sent) -> None:
        """Count what came of a batch, so many places behind the first that is not passed."""

    @abstractmethod
    def passed(self, sent: _Sent) -> None:
        """Note in the journal that all is done up to the next batch, of which this came."""

    @abstractmethod
    def tell(self) -> None:
        """Say how far it is."""

    def run(self, batches: Iterable[_Given], threads: int) -> bool:
        """Have batches sent; return whether all are, else it was stopped.

        Whatever error is raised, what was sent is in the journal and told by then.
        """
        try:
            complete = self._all(batches, threads + _AHEAD if threads else 0)
        except BaseException:
            self._ended(raising=False)
            raise
        self._ended(raising=True)
        return complete

    def _all(self, batches: Iterable[_Given], most: int) -> bool:
        for batch in batches:
            self.begins(batch)
            self._crew.give(self._given, batch)
            self._given += 1
            if not self._looked(most):
                return False
        return self._looked(0)

    def _looked(self, most: int) -> bool:
        """Take in what is done until no more than so much is under way; False: stopped."""
        while True:
            behind = self._given - self._passed
            full = self._crew.under_way > most or behind > _MOST_BEHIND
            self._take_in(self._crew.done(_PROGRESS_SECONDS if full else 0.0))
            now = self.clock.now()
            if now - self._told_at >= _PROGRESS_SECONDS:
                if self._stopped():
                    return False
                self._tell()
                self.journal.save(now)
            if not full:
                return True

    def _take_in(self, done: Sequence[tuple[int, _Sent | BaseException]]) -> None:
        errors = []
        for number, sent in done:
            if isinstance(sent, BaseException):
                errors.append(sent)
            else:
                self.came(number - self._passed, sent)
                self._came[number] = sent
        while self._passed in self._came:
            sent = self._came.pop(self._passed)
            self._passed += 1
            self.passed(sent)
        # of several, that which says why; the others were given up for it
        told = [error for error in errors if not isinstance(error, Stopped)]
        if told:
            raise told[0]

    def _ended(self, *, raising: bool) -> None:
        try:
            self._end(raising=raising)
        except BaseException:
            # what stays written, for who tells of the error
            self._tell()
            raise
        if not raising:
            self._tell()

    def _end(self, *, raising: bool) -> None:
        """Have what is under way end, and keep in the journal what it came to."""
        try:
            self._take_in(self._crew.end())
        except Exception:
            if raising:
                raise
        finally:
            self.journal.save(self.clock.now(), last=True)

    def _tell(self) -> None:
        self._told_at = self.clock.now()
        self.tell()
