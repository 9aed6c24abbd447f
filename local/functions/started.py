"""Invocations that run beside each other in one virtual time, and what tests do to them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.core.course import Course
from local.functions import logs
from local.functions.bodies import Here, There
from local.functions.environments import Executions, exit_error, requested
from local.functions.in_process import Sleeper
from local.functions.worker import timed_out

if TYPE_CHECKING:
    from moto.awslambda.models import LambdaFunction

    from local.core.aws import Aws
    from local.functions.invocation import Invocation

Ended = Callable[["Invocation"], object]


@dataclass(eq=False)
class _Started:
    invocation: Invocation
    course: Course
    body: Here | There


class StartedInvocations:
    """The started invocations of a world."""

    def __init__(self, world: Aws, executions: Executions, sleeper: Sleeper) -> None:
        self._world, self._executions, self._sleeper = world, executions, sleeper
        self._all: list[_Started] = []
        self._lock = threading.Lock()

    def running(self) -> list[Invocation]:
        """Return those whose end was not told, oldest first."""
        return [each.invocation for each in self._all if not each.course.heard]

    def current(self) -> Invocation | None:
        """Return, in process, the one whose code runs just now."""
        return next((each.invocation for each in self._all if each.body.is_current), None)

    def begin(self, function: LambdaFunction, invocation: Invocation, ended: Ended) -> None:
        """Let an invocation run from now on; `ended` is told on the clock."""
        request = requested(function, invocation)
        body: Here | There
        if self._world.endpoint_url is None:
            variables = self._executions.variables(function)
            died = exit_error(invocation)
            body = Here(self._world.clock, self._sleeper, variables, request, died)
        else:
            body = There(self._world.clock, self._executions, function, invocation)

        def given_up() -> dict[str, Any]:
            error = timed_out(request, invocation.at)
            log = f"{body.said()}{json.dumps(error)}\n"
            return {"error": error, "log": log, "slept_seconds": function.timeout}

        course = Course(
            self._world.clock,
            body,
            function.timeout,
            lambda answer: self.end(function, invocation, answer, ended),
            given_up,
        )
        with self._lock:
            going = [each for each in self._all if not each.course.over]
            self._all = [*going, _Started(invocation, course, body)]

    def end(
        self,
        function: LambdaFunction,
        invocation: Invocation,
        answer: dict[str, Any],
        ended: Ended,
    ) -> None:
        """Record what came of an invocation, and tell of it as soon as the clock goes on."""
        for name, value in answer.items():
            setattr(invocation, name, value)
        clock = self._world.clock
        invocation.ended_at = clock.now()
        logs.write(self._world, function, invocation)
        clock.call_at(clock.now(), lambda: ended(invocation))

    def is_full(self, function: LambdaFunction) -> bool:
        """Say whether the function's account and region have as many running as they may."""
        where = function.function_arn.split(":")[3:5]
        same = [one for one in self.running() if one.arn.split(":")[3:5] == where]
        return len(same) >= self._world.limits.concurrent_executions

    def kill(self, invocation: Invocation) -> None:
        """Let one die."""
        found = self._find(invocation)
        found.course.kill({"error": exit_error(invocation), "log": found.body.said()})

    def freeze(self, invocation: Invocation, seconds: float) -> None:
        """Let one do nothing for a while."""
        self._find(invocation).course.freeze(seconds)

    def _find(self, invocation: Invocation) -> _Started:
        for each in self._all:
            if each.invocation is invocation and not each.course.over:
                return each
        raise ValueError(f"{invocation.function} {invocation.request_id} does not run (any more)")

    def close(self) -> None:
        """End all of them unheard."""
        for each in self._all:
            if not each.course.over:
                each.course.abandon()
        self._all = []
