"""Virtual sleep for code that runs inside this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

from local.core.clock import Clock
from local.core.patching import Patches
from local.functions.virtual_time import (
    TIME_HEADER,
    VirtualTime,
    product_clock,
    product_threads,
)


class Inline:
    """A pool without threads: each call is made as it is handed in, by whoever does so."""

    def submit(self, task: Callable[[], Any]) -> Future[Any]:
        """Make a call; what is no Exception ends the caller, as it ends the process it is in."""
        future: Future[Any] = Future()
        try:
            future.set_result(task())
        except Exception as error:  # noqa: BLE001 - as a pool's thread
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do nothing: nothing is under way."""


class Sleeper:
    """`time.sleep` and the product's clock of this process, in virtual time.

    Outside an invocation sleeping advances the world's clock. Inside one it moves only that
    invocation's own time, as in a deployed function; a started one hands in a time that it shares
    with the world (`lent`), and makes its calls one after the other, without threads.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._patches = Patches()
        self._running: VirtualTime | None = None
        self._without_threads = False

    def sleep(self, seconds: float) -> None:
        """Replace `time.sleep`."""
        if self._running is not None:
            self._running.sleep(seconds)
        else:
            self._clock.advance(max(seconds, 0))

    def now(self) -> datetime:
        """Replace `hippolyte.clock.now`."""
        return self._running.now() if self._running is not None else self._clock.now()

    def time_of(self, headers: Mapping[str, str]) -> datetime:
        """Return the time of whoever sent a request, in this process or in one that says it."""
        said = headers.get(TIME_HEADER)
        return datetime.fromisoformat(said) if said else self.now()

    @contextmanager
    def invocation(self, timeout_seconds: float = 900) -> Iterator[VirtualTime]:
        """Let code run as one invocation: it sleeps in its own time, up to the limit."""
        with self.own_time() as running:
            running.begin(self._clock.now(), timeout_seconds)
            yield running

    @contextmanager
    def own_time(self) -> Iterator[VirtualTime]:
        """Give this process a time of its own for a while; whoever takes it begins it."""
        with self._taken(VirtualTime(), False) as running:
            yield running

    def lent(self, shared: VirtualTime) -> AbstractContextManager[VirtualTime]:
        """Let a started invocation run for a turn, in the time that it shares with the world."""
        return self._taken(shared, True)

    @contextmanager
    def _taken(self, running: VirtualTime, without_threads: bool) -> Iterator[VirtualTime]:
        outer = self._running, self._without_threads
        self._running, self._without_threads = running, without_threads
        try:
            yield running
        finally:
            self._running, self._without_threads = outer

    def _pool(self, threads: int, name: str) -> Inline | ThreadPoolExecutor:
        return Inline() if self._without_threads else ThreadPoolExecutor(threads, name)

    def install(self) -> None:
        """Begin."""
        product, scan = product_clock(), product_threads()
        self._patches.set(time, "sleep", self.sleep)
        if product:
            self._patches.set(product, "now", self.now)
        if scan:
            self._patches.set(scan, "ThreadPoolExecutor", self._pool)

    def uninstall(self) -> None:
        """Give the process its own time back."""
        self._patches.undo()
