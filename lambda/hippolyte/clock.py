"""The one source of the current time."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC. Callers use `clock.now()`, so that one place sets it."""
    return datetime.now(UTC)
