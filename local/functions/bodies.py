"""The code of started invocations: greenlets of this process, or processes that ask for sleeps."""

from __future__ import annotations

import io
import logging
import os
import posix
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

import boto3
from greenlet import getcurrent, greenlet

from local.core.clock import Clock
from local.core.course import Killed
from local.functions import worker as lambda_worker
from local.functions.environments import Executions, Worker, exit_error, requested
from local.functions.in_process import Sleeper
from local.functions.virtual_time import TimedOut, VirtualTime

if TYPE_CHECKING:
    from moto.awslambda.models import LambdaFunction

    from local.functions.invocation import Invocation


@dataclass
class _Surroundings:
    """What a process has one of, and each invocation its own."""

    environ: dict[bytes, bytes]
    session: boto3.session.Session | None
    handlers: list[logging.Handler]
    level: int
    stdout: TextIO
    stderr: TextIO

    @classmethod
    def present(cls) -> _Surroundings:
        root = logging.getLogger()
        session = boto3.DEFAULT_SESSION
        streams = sys.stdout, sys.stderr
        # what os.environ wraps; a night has many turns, and reading through it is most of one
        return cls(dict(posix.environ), session, list(root.handlers), root.level, *streams)

    def install(self) -> None:
        for name in posix.environ.keys() - self.environ.keys():
            del os.environb[name]
        for name, _ in self.environ.items() - posix.environ.items():
            os.environb[name] = self.environ[name]
        boto3.DEFAULT_SESSION = self.session
        root = logging.getLogger()
        root.handlers[:] = self.handlers
        if root.level != self.level:
            root.setLevel(self.level)
        sys.stdout, sys.stderr = self.stdout, self.stderr


class _SharedTime(VirtualTime):
    """The world's time, which passes while a greenlet sleeps."""

    def __init__(self, clock: Clock, sleep: Callable[[float], None]) -> None:
        super().__init__()
        self._clock, self._sleep = clock, sleep

    def elapsed(self) -> float:
        return (self._clock.now() - self.start).total_seconds()

    def sleep(self, seconds: float) -> None:
        self._sleep(seconds)

    def now(self) -> datetime:
        return self._clock.now()


class Here:
    """The handler of this process's own source, as a greenlet: one thread, so it can be forked."""

    def __init__(
        self,
        clock: Clock,
        sleeper: Sleeper,
        variables: dict[str, str],
        request: dict[str, Any],
        died: dict[str, str],
    ) -> None:
        self._sleeper, self._request, self._died = sleeper, request, died
        self._time = _SharedTime(clock, self._sleep)
        self._mine = _Surroundings.present()
        encoded = {os.fsencode(name): os.fsencode(value) for name, value in variables.items()}
        self._mine.environ.update(encoded)
        self._mine.session = None
        self._greenlet = greenlet(self._run)
        self._fate: type[BaseException] | None = None
        self._log = io.StringIO()

    @property
    def is_current(self) -> bool:
        """Whether it is this code that asks."""
        return getcurrent() is self._greenlet

    def go(self, late: bool = False) -> float | dict[str, Any]:
        """Run until it sleeps or ends."""
        if late:
            self._fate = TimedOut
        outer = _Surroundings.present()
        self._greenlet.parent = getcurrent()
        self._mine.install()
        try:
            with self._sleeper.lent(self._time):
                found: float | dict[str, Any] = self._greenlet.switch()
                return found
        finally:
            self._mine = _Surroundings.present()
            outer.install()

    def stop_here(self) -> None:
        """Come back when it is gone on with."""
        self._sleep(0)

    def said(self) -> str:
        """Return its log so far."""
        return self._log.getvalue()

    def kill(self) -> None:
        """Let it end where it sleeps."""
        self._fate = Killed
        if self._greenlet and not self._greenlet.dead:
            with suppress(Killed):
                self.go()

    def _run(self) -> dict[str, Any]:
        try:
            return lambda_worker.run(self._request, self._time, own_process=False, log=self._log)
        except Killed:
            return {"error": self._died, "log": self.said()}

    def _sleep(self, seconds: float) -> None:
        if not self.is_current:
            raise RuntimeError(
                "a thread of a started invocation sleeps: in process its calls are made inline"
            )
        if self._fate is None:
            assert self._greenlet.parent is not None
            self._greenlet.parent.switch(float(seconds))
        if self._fate is not None:
            raise self._fate


class There:
    """The function's own process, which asks for each sleep of its main thread."""

    is_current = False

    def __init__(
        self, clock: Clock, executions: Executions, function: LambdaFunction, made: Invocation
    ) -> None:
        self._clock, self._executions, self._function = clock, executions, function
        self._invocation = made
        self._worker: Worker | None = None
        self._asked = False

    def go(self, late: bool = False) -> float | dict[str, Any]:
        """Run until it sleeps or ends."""
        request: dict[str, Any]
        if self._worker is None:
            self._worker = self._executions.take(self._function)
            request = {**requested(self._function, self._invocation), "asks": True}
        else:
            request = {"now": self._clock.now().isoformat(), "late": late}
        self._asked = True
        answer = self._worker.ask(request)
        self._asked = False
        if answer is None:
            return {"error": exit_error(self._invocation), "log": self.said()}
        if "sleep" in answer:
            return float(answer["sleep"])
        self._executions.give_back(self._function, self._worker, answer)
        return answer

    def stop_here(self) -> None:
        """Nothing here is that code."""

    def said(self) -> str:
        """Return what is known of its log before it ends."""
        return self._worker.last_words() if self._worker else ""

    def kill(self) -> None:
        """Kill the process."""
        if self._worker is not None:
            self._worker.kill()
            if not self._asked:
                self._worker.close()
