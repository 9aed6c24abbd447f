"""The time of one invocation, and what the product has of time and waiting made virtual.

Standard library only: a worker imports it in its own process.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from types import ModuleType
from typing import Any

TIME_HEADER = "X-Local-Aws-Time"
"""Says the virtual time of an invocation in a process of its own, in each of its requests."""


class TimedOut(BaseException):
    """When an invocation has slept past its limit; no Exception, as nothing may catch it."""


class VirtualTime:
    """The time of one invocation: its virtual start and what it has slept since.

    Sleeps of the main thread add up; those of worker threads run beside each other. Every sleep of
    an invocation comes through `sleep`, in a process of its own (`main`) and in this one
    (`in_process.Sleeper`): concurrent invocations that share one time would wait for it there.
    """

    def __init__(self) -> None:
        self.start = datetime.now(UTC)
        self.limit_seconds = float("inf")
        self._main = 0.0
        self._latest = 0.0
        self._threads: dict[int, float] = {}
        self._lock = threading.Lock()
        self._owner = threading.get_ident()

    def begin(self, start: datetime, limit_seconds: float) -> None:
        """Start an invocation at a virtual time."""
        with self._lock:
            self.start, self.limit_seconds = start, limit_seconds
            self._main = self._latest = 0.0
            self._threads.clear()
            self._owner = threading.get_ident()

    def elapsed(self) -> float:
        """Return the seconds slept so far, as this thread sees them."""
        with self._lock:
            me = threading.get_ident()
            if me == self._owner:
                self._main = self._latest
                return self._main
            return self._threads.get(me, self._main)

    def sleep(self, seconds: float) -> None:
        """Let virtual seconds pass; past the limit the invocation is over."""
        with self._lock:
            me = threading.get_ident()
            if me == self._owner:
                reached = self._main = self._latest + max(seconds, 0)
            else:
                reached = max(self._threads.get(me, 0.0), self._main) + max(seconds, 0)
                self._threads[me] = reached
            self._latest = max(self._latest, reached)
        if reached > self.limit_seconds:
            raise TimedOut

    def now(self) -> datetime:
        """Return the virtual time."""
        return self.start + timedelta(seconds=self.elapsed())


class AskedTime(VirtualTime):
    """The time of an invocation beside which the world goes on: its driver lets it pass.

    The main thread asks for each sleep and waits for the answer. Other threads' sleeps are asked
    for with its next one.
    """

    def __init__(self, ask: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        super().__init__()
        self._ask = ask
        self._known = 0.0  # elapsed seconds, as the driver knows them
        self._over = False

    def sleep(self, seconds: float) -> None:
        """Let virtual seconds pass; TimedOut when the driver says so."""
        if threading.get_ident() != self._owner:
            super().sleep(seconds)
            return
        if not self._over:
            wanted = self.elapsed() + max(seconds, 0) - self._known
            reply = self._ask({"sleep": max(wanted, 0)})
            passed = datetime.fromisoformat(reply["now"]) - self.start
            with self._lock:
                self._known = passed.total_seconds()
                self._main = self._latest = max(self._latest, self._known)
            self._over = reply["late"]
        if self._over:
            raise TimedOut


def say_time(now: Callable[[], datetime]) -> None:
    """Let every HTTP request of this process say what time it is for its sender."""
    original = HTTPConnection.endheaders

    def endheaders(self: HTTPConnection, *body: Any, **more: Any) -> None:
        self.putheader(TIME_HEADER, now().isoformat())
        original(self, *body, **more)

    HTTPConnection.endheaders = endheaders  # type: ignore[method-assign]


def hook(clock: VirtualTime) -> None:
    """Make virtual what the product takes from the real world beside `time.sleep`."""
    if product := product_clock():
        product.now = clock.now  # type: ignore[attr-defined]
    if scan := product_threads():
        scan.ThreadPoolExecutor = _Numbered  # type: ignore[attr-defined]
        scan.Threads.wait = _drained


class _Numbered(ThreadPoolExecutor):
    """A pool whose futures know their order."""

    begun = 0

    def submit(self, *task: Any, **more: Any) -> Any:
        """Begin a call."""
        self.begun += 1
        future: Any = super().submit(*task, **more)
        future.number = self.begun
        return future


def _drained(threads: Any, seconds: float) -> list[Any]:
    """Replace `Threads.wait`: calls take no virtual time, so it passes when none is under way.

    All that are under way are waited for and given in order: else no run would be like another.
    """
    if not threads._running:
        time.sleep(seconds)
        return []
    ended = [threads._ended.get() for _ in range(threads._running)]
    threads._running = 0
    return sorted(ended, key=lambda future: future.number)


class NoProductClock(Exception):
    """When the product is there without the one source of time that is made virtual."""


def product_clock() -> ModuleType | None:
    """Return the module whose `now` is the product's time; None where there is no product.

    Raise NoProductClock for a product that keeps it elsewhere: it would run in real time unseen.
    """
    if importlib.util.find_spec("hippolyte") is None:
        return None  # somebody else's function
    if importlib.util.find_spec("hippolyte.clock") is not None:
        module = importlib.import_module("hippolyte.clock")
        if callable(getattr(module, "now", None)):
            return module
    raise NoProductClock(
        "the package hippolyte has no hippolyte.clock.now: its clock was moved or renamed and "
        "would show real time; set the new name in local/functions/virtual_time.py"
    )


def product_threads() -> ModuleType | None:
    """Return the module whose `Threads` make a scan's calls; None where there is no scan.

    Raise NoProductClock for a scan that keeps them elsewhere: it would wait in real time unseen.
    """
    if any(importlib.util.find_spec(name) is None for name in ("hippolyte", "hippolyte.scan")):
        return None
    if importlib.util.find_spec("hippolyte.scan.runner") is not None:
        module = importlib.import_module("hippolyte.scan.runner")
        threads, pool = (
            getattr(module, "Threads", None),
            getattr(module, "ThreadPoolExecutor", None),
        )
        if callable(getattr(threads, "wait", None)) and callable(pool):
            return module
    raise NoProductClock(
        "the package hippolyte has no hippolyte.scan.runner with Threads.wait and the "
        "ThreadPoolExecutor it uses: the scan's calls were moved or renamed and would be waited "
        "for in real time; set the new names in local/functions/virtual_time.py"
    )
