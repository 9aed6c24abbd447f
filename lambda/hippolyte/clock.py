"""The one source of the current time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def now() -> datetime:
    """Return the current time in UTC. Callers use `clock.now()`, so that one place sets it."""
    return datetime.now(UTC)


def zone_of(name: str) -> tzinfo:
    """Return the zone of an IANA name; UTC itself if that is meant, or this machine knows none."""
    try:
        return UTC if name in ("", "UTC", "Etc/UTC") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


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
