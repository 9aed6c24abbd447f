"""Which backups are kept longer: a table's first good one of each week, and of each month.

S3's rules of expiry go by the beginning of a key, so these lie in parts of their own, beside
`backups/` and `catalog/`: `backups-weekly/`, `catalog-weekly/` and the same with `-monthly`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from hippolyte.clock import zone_of
from hippolyte.planning.plan import Plan
from hippolyte.settings import Settings

WEEKLY, MONTHLY = "weekly", "monthly"
KEPT = (MONTHLY, WEEKLY)
"""Kinds of backups that are kept longer, the longest first."""
KEY = "kept"
"""Of a report's row: the day of the table's newest good backup of each kind, as `2026-11-24`."""

Rows = Mapping[str, Mapping[str, Any]]


def part(kind: str, kept: str | None) -> str:
    """Return the part of the bucket for `backups` or `catalog` of a kind; None: of every day."""
    return f"{kind}-{kept}" if kept else kind


def kept_as(location: str) -> str:
    """Return as what a backup is kept by where it lies, `daily` if no longer than the others.

    Args:
        location: of its directory, `.../backups-weekly/<account>/<region>/<table>/<run>-<attempt>`.
    """
    parts = location.rstrip("/").split("/")[-5:]
    return next((kind for kind in KEPT if parts[0] == part("backups", kind)), "daily")


def place(settings: Settings, plan: Plan, kind: str, table: str, *parts: str) -> str:
    """Return a key below `<prefix>/<part>/<account>/<region>/<table>/`, of this plan's night."""
    return settings.place(part(kind, plan.kept.get(table)), table, *parts)


def used(settings: Settings) -> tuple[str, ...]:
    """Return the kinds that this deployment keeps longer, the longest first."""
    had = {MONTHLY: settings.retention_months, WEEKLY: settings.retention_weeks}
    return tuple(kind for kind in KEPT if had[kind])


def due(names: Iterable[str], settings: Settings, start: datetime, before: Rows) -> dict[str, str]:
    """Return the tables whose backup of tonight is kept longer, and as what.

    A week begins on Monday, a month on its first day, both in the window's zone. A table that had
    no good backup then has its turn the night after. One kept for the month serves its week too.

    Args:
        before: the rows of the last report; where they are silent, it is due.
    """
    kinds = used(settings)
    if not kinds:
        return {}
    tonight = _day(start, settings)
    found: dict[str, str] = {}
    for name in names:
        had = before.get(name, {}).get(KEY) or {}
        days = {kind: day for kind in KEPT if (day := _read(had.get(kind)))}
        if MONTHLY in kinds and not _is_of_month(days.get(MONTHLY), tonight):
            found[name] = MONTHLY
        elif WEEKLY in kinds and not any(_is_of_week(d, tonight) for d in days.values()):
            found[name] = WEEKLY
    return found


def since(
    plan: Plan, settings: Settings, table: str, good: bool, own: Mapping[str, Any]
) -> dict[str, str] | None:
    """Return a row's `kept` after this night: that of the row before, and tonight's."""
    had = dict(own.get(KEY) or {})
    if good and (kept := plan.kept.get(table)):
        had[kept] = _day(plan.start, settings).isoformat()
    return had or None


def nights_kept(settings: Settings) -> int:
    """Return how many nights' backups lie in the bucket at most, of each table."""
    return (settings.retention_days or 0) + settings.retention_weeks + settings.retention_months


def _day(moment: datetime, settings: Settings) -> date:
    return moment.astimezone(zone_of(settings.timezone)).date()


def _read(text: object) -> date | None:
    """Return a recorded day; what is none is due again, which costs a copy and harms nothing."""
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None


def _is_of_month(day: date | None, tonight: date) -> bool:
    return day is not None and (day.year, day.month) == (tonight.year, tonight.month)


def _is_of_week(day: date, tonight: date) -> bool:
    return day.isocalendar()[:2] == tonight.isocalendar()[:2]
