"""The one source of the current time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Return the current time in UTC. Callers use `clock.now()`, so that one place sets it."""
    return datetime.now(UTC)


def never_back(now: Callable[[], datetime]) -> Callable[[], datetime]:
    """Return a clock that goes on where it is when the given one is set back.

    Whoever waits by it does not wait for the same hour twice.
    """
    latest, ahead = now(), timedelta()

    def forward() -> datetime:
        nonlocal latest, ahead
        at = now()
        ahead = max(ahead, latest - at)
        latest = at + ahead
        return latest

    return forward
