"""Looks whether a night that was due has not begun, or has not ended in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from hippolyte import clock
from hippolyte.night.one_pass import Pass
from hippolyte.record_form import iso, when
from hippolyte.records.runs import is_part, start_of

# a night is overdue an hour after its window; the next begins a day after the last (25 h when
# clocks go back), with its catch-up 65 minutes later
_OVERDUE = timedelta(hours=1)
_BETWEEN_NIGHTS = timedelta(hours=25)


def is_overdue(p: Pass, recent: Mapping[str, set[str]], still_open: set[str]) -> bool:
    """Say whether a night that was due has not begun, or has not ended an hour after its window."""
    now = clock.now()
    window = timedelta(seconds=p.settings.window_seconds)
    if any(now > start_of(run) + window + _OVERDUE for run in still_open):
        return True
    if not p.settings.enabled:
        return False
    nights = {run: names for run, names in recent.items() if not is_part(run)}
    begun = [start_of(run) for run, names in nights.items() if "plan.json" in names]
    last = max(begun, default=None) or _since(p, now)
    return now > last + _BETWEEN_NIGHTS + window + _OVERDUE


def _since(p: Pass, now: datetime) -> datetime:
    """Return when the monitor first ran: a fresh deployment is not overdue."""
    key = p.settings.place("runs", "since.json")
    found = p.store.read(key)
    if found is None:
        p.store.create(key, {"since": iso(now)})
        return now
    return when(found[0]["since"])
