"""Who makes the calls of a scan's loop: threads, or the loop's own thread one after the other."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Protocol

# malloc.h of glibc
_M_ARENA_MAX = -8


class Runner(Protocol):
    """Makes calls; only the loop's thread uses it."""

    def has_room(self) -> bool:
        """Say whether a call that is started now begins now."""

    def start(self, task: Callable[[], Any]) -> Future[Any]:
        """Begin a call."""

    def wait(self, seconds: float) -> list[Future[Any]]:
        """Return calls that ended and were not returned before, after at most that long."""


class Threads:
    """A pool of threads; to be left by `with`, which waits for the calls that are under way."""

    def __init__(self, threads: int) -> None:
        _share_one_heap()
        self._pool = ThreadPoolExecutor(threads, "scan")
        self._threads, self._running = threads, 0
        self._ended: SimpleQueue[Future[Any]] = SimpleQueue()

    def __enter__(self) -> Threads:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def has_room(self) -> bool:
        return self._running < self._threads

    def start(self, task: Callable[[], Any]) -> Future[Any]:
        self._running += 1
        future = self._pool.submit(task)
        future.add_done_callback(self._ended.put)
        return future

    def wait(self, seconds: float) -> list[Future[Any]]:
        ended: list[Future[Any]] = []
        if not self._running:
            time.sleep(seconds)
            return ended
        try:
            ended.append(self._ended.get(timeout=seconds))
            while True:
                ended.append(self._ended.get_nowait())
        except Empty:
            pass
        self._running -= len(ended)
        return ended


def _share_one_heap() -> None:
    """Let no thread have a heap of its own, where the C library is glibc.

    Each would keep what its largest pages took: 107 MB for 40 tables of 8 segments and 4 threads,
    72 MB with one heap, in the same CPU time (`benchmarks/scan.py`).
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
