"""Code that runs in turns on a clock: while it sleeps, others run and virtual time passes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from local.core.clock import Clock

Answer = dict[str, Any]


class Killed(BaseException):
    """When code is killed in the middle: nothing catches it."""


class Body(Protocol):
    """The code itself."""

    @property
    def is_current(self) -> bool:
        """Whether it is this code that asks."""

    def go(self, late: bool = False) -> float | Answer:
        """Run until it sleeps (seconds) or ends (its answer); `late`: its time is up."""

    def stop_here(self) -> None:
        """Called by the code itself: come back when it is gone on with."""

    def kill(self) -> None:
        """Let nothing of it run any more."""


class Course:
    """How the code of one body goes on: its start, its sleeps and its end are events of the clock.

    `told` gets its answer, once: at its end, or when it is given up. Given up are one that sleeps
    past `limit_seconds`, which ends there, and one that is frozen at that moment, which goes on
    afterwards all the same, unheard.
    """

    def __init__(
        self,
        clock: Clock,
        body: Body,
        limit_seconds: float,
        told: Callable[[Answer], None],
        timed_out: Callable[[], Answer],
    ) -> None:
        self._clock, self._body, self._told, self._timed_out = clock, body, told, timed_out
        self.over = False
        """Nothing of it runs any more."""
        self.heard = False
        """Its answer was told."""
        self._running = self._doomed = False
        self._frozen_until = clock.now()
        self._turn = 0
        clock.call_at(clock.now(), lambda: self._go(0))
        clock.call_at(clock.now() + timedelta(seconds=limit_seconds), self._late)

    def kill(self, answer: Answer) -> None:
        """Let it die, at once where it sleeps; called by the code itself, this does not return."""
        if self.over:
            return
        if self._body.is_current:
            raise Killed
        self.over = True
        self._body.kill()
        self._tell(answer)

    def abandon(self) -> None:
        """Let nothing of it run any more, and tell nobody."""
        self.over = self.heard = True
        self._body.kill()

    def freeze(self, seconds: float) -> None:
        """Let it do nothing for so long; where it computes elsewhere, from its next sleep."""
        until = self._clock.now() + timedelta(seconds=seconds)
        self._frozen_until = max(self._frozen_until, until)
        if self._body.is_current:
            self._body.stop_here()

    def _go(self, turn: int) -> None:
        if self.over or turn != self._turn:
            return
        if self._clock.now() < self._frozen_until:
            self._clock.call_at(self._frozen_until, lambda: self._go(turn))
            return
        self._run(late=self._doomed)

    def _run(self, late: bool) -> None:
        self._turn += 1
        self._running = True
        try:
            found = self._body.go(late)
        except BaseException:
            self.over = self.heard = True
            raise
        finally:
            self._running = False
        if self.over:
            return
        if isinstance(found, dict):
            self.over = True
            self._tell(found)
        elif self._doomed and not late:
            self._run(late=True)
        else:
            turn = self._turn
            self._clock.call_in(max(found, 0.0), lambda: self._go(turn))

    def _late(self) -> None:
        if self.over or self.heard:
            return
        if self._clock.now() < self._frozen_until:
            self._tell(self._timed_out())
        elif self._running:
            # it let time pass itself, in the middle of something: it ends at its next sleep
            self._doomed = True
            self._tell(self._timed_out())
        else:
            self._run(late=True)

    def _tell(self, answer: Answer) -> None:
        if not self.heard:
            self.heard = True
            self._told(answer)
