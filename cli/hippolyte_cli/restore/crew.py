"""The threads that send batches, and what came of those: half the cost of the library's futures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from hippolyte_cli.restore.patience import Stopped

# what is sent, and what came of it
_Given = TypeVar("_Given")
_Sent = TypeVar("_Sent")


class Crew(Generic[_Given, _Sent]):
    """Threads that send; with none, what is given is sent at once.

    Attributes:
        under_way: batches that were given and are not among those that `done` returned.
    """

    def __init__(
        self, send: Callable[[_Given], _Sent], threads: int, ended: threading.Event
    ) -> None:
        self.under_way = 0
        self._send, self._ended = send, ended
        self._given: SimpleQueue[tuple[int, _Given] | None] = SimpleQueue()
        self._came: SimpleQueue[tuple[int, _Sent | BaseException]] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def give(self, number: int, batch: _Given) -> None:
        """Have a batch sent."""
        self.under_way += 1
        if self._threads:
            self._given.put((number, batch))
        else:
            self._came.put((number, self._sent(batch)))

    def done(self, seconds: float) -> list[tuple[int, _Sent | BaseException]]:
        """Return what came since, after waiting so long for the first if there is none yet."""
        found: list[tuple[int, _Sent | BaseException]] = []
        if not self.under_way:
            return found
        try:
            found.append(self._came.get(timeout=seconds) if seconds else self._came.get_nowait())
            while True:
                found.append(self._came.get_nowait())
        except Empty:
            pass
        self.under_way -= len(found)
        return found

    def end(self) -> list[tuple[int, _Sent | BaseException]]:
        """Have the threads end: what is sent is awaited, what waits is given up."""
        self._ended.set()
        found: list[tuple[int, _Sent | BaseException]] = []
        for _ in self._threads:
            self._given.put(None)
        for thread in self._threads:
            thread.join()
        self._threads = []
        while more := self.done(0.0):
            found += more
        return found

    def _work(self) -> None:
        for number, batch in iter(self._given.get, None):
            self._came.put((number, self._sent(batch)))

    def _sent(self, batch: _Given) -> _Sent | BaseException:
        if self._ended.is_set():
            return Stopped()
        try:
            return self._send(batch)
        except BaseException as error:  # noqa: BLE001 (raised where it is taken in)
            return error
