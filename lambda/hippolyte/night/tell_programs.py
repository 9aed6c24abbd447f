"""Puts events of what the ledger says, pass by pass: see docs/events.md.

What is on EventBridge is noted in the ledger after it was put: whoever dies between the two lets
the next pass put it again, and what could not be put is due until it is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from hippolyte import clock
from hippolyte.errors import ConflictError
from hippolyte.night.one_pass import Pass
from hippolyte.record_form import iso
from hippolyte.records.runs import Run
from hippolyte.report.events import Event, home, of_table, put

LEFT, TOLD = "left-raised.json", "left-raised-told.json"
"""Records of a closed run: tables were left raised; and every giving back of them is told."""

# of a pass; a bus that answers slowly must leave it the time for its work
_AT_MOST = timedelta(seconds=60)

_log = logging.getLogger(__name__)


def tell_programs(p: Pass, run: Run, last: Iterable[Event] = ()) -> str:
    """Put what is not on EventBridge yet, and `last` after it; say what was not put, and why.

    The ledger is written before, so that nothing is told that the next pass does not know. With
    `last` the run is about to be closed: all is put then, as far as there is time.
    """
    if not p.settings.events:
        return ""
    last, until = [*last], clock.now() + _AT_MOST
    p.runs.save(run)
    of, now = home(p.settings, run.plan.run_id), iso(clock.now())
    due = [
        (entry, which, event)
        for name, entry in run.ledger.tables.items()
        for which, event in of_table(of, name, entry, now)
        if which not in entry.put
    ]
    events = [*(event for _, _, event in due), *last]

    def enough() -> bool:
        return p.time_is_short or (not last and clock.now() > until)

    done, trouble = put(p.clients, p.settings, events, enough)
    for (entry, which, _), taken in zip(due, done, strict=False):
        if taken:
            entry.put.append(which)
    try:
        p.runs.save(run)
    except ConflictError:
        if not last:
            raise
        # who came by meanwhile leaves the end to whoever is at it
        _log.info("run %s: what was put is not noted", run.plan.run_id)
    return trouble


def keep_in_sight(p: Pass, run: Run) -> None:
    """Note that a run is closed with tables that are left raised, before it is."""
    if p.settings.events:
        p.store.put(p.runs.key(run.plan.run_id, LEFT), {})


def tell_left(p: Pass, run: Run) -> None:
    """Put what is given back after its run was closed; when all is, the run is done with."""
    if not tell_programs(p, run) and not any(
        held.lease.run_id == run.plan.run_id for held in p.held.values()
    ):
        p.store.put(p.runs.key(run.plan.run_id, TOLD), {})
