"""Runs what is left of a night in children of this process, as many at once as there are cores."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import Any, NoReturn

# real seconds after which a child hangs for certain
_PATIENCE_SECONDS = 240


@dataclass
class _Child:
    pid: int
    name: str
    began: float
    answer: bytes = b""


@dataclass
class Forks:
    """Children by fork: each starts as an exact copy of the night as it is at that moment."""

    at_once: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    results: list[dict[str, Any]] = field(default_factory=list)
    child: str | None = None
    _running: dict[int, _Child] = field(default_factory=dict)
    _pipe: int = -1

    def branch(self, name: str) -> bool:
        """Begin a child; True in the child, whose work ends with `finish`."""
        while len(self._running) >= self.at_once:
            self._wait()
        gc.freeze()
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self.child, self._pipe = name, writing
            # a short life; and a collection touches, so copies, every page
            gc.disable()
            return True
        os.close(writing)
        self._running[reading] = _Child(pid, name, time.monotonic())
        return False

    def finish(self, result: dict[str, Any]) -> NoReturn:
        """End this child with its result."""
        try:
            data = json.dumps(result, default=str).encode()
            while data:
                data = data[os.write(self._pipe, data) :]
        finally:
            # also if the parent is gone: a child must not go on with the parent's other tests
            os._exit(0)

    def fail(self) -> NoReturn:
        """End this child with the exception that is being handled."""
        error = sys.exc_info()[1]
        self.finish({"problems": ["".join(traceback.format_exception(error))]})

    def collect(self) -> list[dict[str, Any]]:
        """Wait for all children and return their results, each with its `name`."""
        while self._running:
            self._wait()
        return self.results

    def _wait(self) -> None:
        ready, _, _ = select.select(list(self._running), [], [], 5)
        for pipe in ready:
            child = self._running[pipe]
            if data := os.read(pipe, 1 << 16):
                child.answer += data
            else:
                self._end(pipe, child)
        for pipe, child in list(self._running.items()):
            if time.monotonic() - child.began > _PATIENCE_SECONDS:
                os.kill(child.pid, signal.SIGKILL)
                child.answer = json.dumps({"problems": ["it hung and was killed"]}).encode()
                self._end(pipe, child)

    def _end(self, pipe: int, child: _Child) -> None:
        del self._running[pipe]
        os.close(pipe)
        _, status = os.waitpid(child.pid, 0)
        result = json.loads(child.answer or b'{"problems": ["it died without a word"]}')
        self.results.append({**result, "name": child.name, "status": status})
