"""Virtual sleep for code that runs inside this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from local.core.clock import Clock
from local.core.patching import Patches
from local.functions.worker import VirtualTime, product_clock


class Sleeper:
    """`time.sleep` and the product's clock of this process, in virtual time.

    Outside an invocation sleeping advances the world's clock. Inside one it moves only that
    invocation's own time, as in a deployed function. `own_time` is where an invocation in this
    process gets its time: a scheduler of concurrent ones would hand them theirs there.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._patches = Patches()
        self._running: VirtualTime | None = None

    def sleep(self, seconds: float) -> None:
        """Replace `time.sleep`."""
        if self._running is not None:
            self._running.sleep(seconds)
        else:
            self._clock.advance(max(seconds, 0))

    def now(self) -> datetime:
        """Replace `hippolyte.clock.now`."""
        return self._running.now() if self._running is not None else self._clock.now()

    @contextmanager
    def invocation(self, timeout_seconds: float = 900) -> Iterator[VirtualTime]:
        """Let code run as one invocation: it sleeps in its own time, up to the limit."""
        with self.own_time() as running:
            running.begin(self._clock.now(), timeout_seconds)
            yield running

    @contextmanager
    def own_time(self) -> Iterator[VirtualTime]:
        """Give this process a time of its own for a while; whoever takes it begins it."""
        outer, self._running = self._running, VirtualTime()
        try:
            yield self._running
        finally:
            self._running = outer

    def install(self) -> None:
        """Begin."""
        product = product_clock()
        self._patches.set(time, "sleep", self.sleep)
        if product:
            self._patches.set(product, "now", self.now)

    def uninstall(self) -> None:
        """Give the process its own time back."""
        self._patches.undo()
