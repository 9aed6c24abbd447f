"""Breaks a harness night at chosen points, each in a child process that then goes on to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.faults import native
from tests.support.faults.checks import Checks
from tests.support.faults.fleet import Schedule, furnish
from tests.support.faults.forks import Forks
from tests.support.faults.tap import Point, Tap
from tests.support.harness import TIMEOUT_SECONDS, Killed, NightDriver, driver


@dataclass
class HarnessNight:
    """A night with all that looks at it and breaks it."""

    driver: NightDriver
    schedule: Schedule
    tap: Tap
    checks: Checks

    @property
    def in_link(self) -> bool:
        """Whether it is a link of the exporter whose call is met."""
        return self.driver.world.functions.current() is not None

    def kill(self) -> None:
        """Kill the running invocation here."""
        self.checks.about_to_be_cut()
        if self.in_link:
            self.schedule.links_killed += 1
        raise Killed

    def kill_later(self, points: int) -> None:
        """Kill the invocation that comes to the n-th point from here."""
        left = iter(range(points, 0, -1))

        def strike(_: Point) -> None:
            if next(left, 0) == 1:
                self.kill()

        self.tap.strike = strike

    def time_out(self) -> None:
        """Let this call take longer than the invocation may last."""
        self.checks.about_to_be_cut()
        if self.in_link:
            self.schedule.links_killed += 1
        self.driver.world.sleeper.sleep(TIMEOUT_SECONDS + 1)

    def take(self, seconds: float) -> None:
        """Let this call take its time, while the world goes on."""
        in_link = self.in_link
        self.driver.world.sleeper.sleep(seconds)
        if not in_link:
            # a link shares the world's time
            self.driver.world.clock.advance(seconds)

    def beside(self, invocation: Callable[[], Any]) -> None:
        """Make another invocation beside the running one, before this call."""
        if not self.in_link:
            self.schedule.invoke(invocation)
            return
        clock = self.driver.world.clock
        clock.call_at(clock.now(), lambda: self.schedule.invoke(invocation))
        self.driver.world.sleeper.sleep(0)


Break = Callable[[HarnessNight], None]
"""What happens at a point, in the child. It may raise Killed; else the call goes on."""


def run(
    choose: Callable[[Point], Iterable[tuple[str, Break]]],
    engine: str,
    *,
    before: Break | None = None,
    events: bool = False,
) -> list[dict[str, Any]]:
    """Run a whole night, and for each break that `choose` names at a point a child of its own.

    `before` is done with a deployment that has had no night yet; without it there was one.
    `events`: they are put, and must be what the night's records say.
    Returns the outcomes, the unbroken night's first.
    """
    forks = Forks()
    by = "lambda" if engine == "native" else engine
    with pytest.MonkeyPatch.context() as monkeypatch, driver(monkeypatch, by) as made:
        tap = Tap()
        if events:
            made.keep_events()
        schedule: Schedule
        if engine == "native":
            native.furnish(made)
            schedule = native.NativeSchedule(made)
            checks: Checks = native.NativeChecks(made, schedule, tap)
        else:
            furnish(made, first_night=before is not None)
            schedule = Schedule(made)
            checks = Checks(made, schedule, tap)
        night = HarnessNight(made, schedule, tap, checks)

        def strike(point: Point) -> None:
            for name, happens in choose(point):
                if forks.branch(f"{name} {point}"):
                    tap.strike = None
                    happens(night)
                    return

        tap.strike = strike
        try:
            with tap.attached():
                if before:
                    before(night)
                schedule.run()
            outcome = night.checks.outcome()
        except BaseException:
            if forks.child is None:
                raise
            forks.fail()
        if forks.child is not None:
            forks.finish(outcome)
        return [{"name": "nothing", "calls": tap.count, **outcome}, *forks.collect()]
