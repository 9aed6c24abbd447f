"""Looks whether a night that was due has not begun, or has not ended in time."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hippolyte import clock
from hippolyte.errors import ConfigurationError
from hippolyte.night.one_pass import Pass
from hippolyte.record_form import iso, known_form, when
from hippolyte.records.runs import is_part, start_of

# a night is overdue an hour after its window; the next begins a day after the last (25 h when
# clocks go back), with its catch-up 65 minutes later
_OVERDUE = timedelta(hours=1)
_BETWEEN_NIGHTS = timedelta(hours=25)

_SINCE = "since.json"

_log = logging.getLogger(__name__)


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


def first_pass(p: Pass) -> datetime | None:
    """Return when the monitor first ran; None: it never has.

    Long ago, where the record cannot be read: no night is excused by it.
    """
    try:
        found = p.store.read_as(p.settings.place("runs", _SINCE), _moment, None)
    except ConfigurationError as error:
        _log.error("%s", error)
        return datetime.min.replace(tzinfo=UTC)
    return found[0] if found else None


def _moment(record: Mapping[str, Any]) -> datetime:
    with known_form("the record of the first pass"):
        return when(record["since"])


def _since(p: Pass, now: datetime) -> datetime:
    """Return when the monitor first ran: a fresh deployment is not overdue."""
    since = first_pass(p)
    if since is None:
        p.store.create(p.settings.place("runs", _SINCE), {"since": iso(now)})
    return since or now
