"""The monitor's handler: takes every open run one step on, then sees to leases left open."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock, existence, trial_messages
from hippolyte.assembly import Context, begin, elsewhere, tell
from hippolyte.check import CHECK, check
from hippolyte.errors import ConflictError, HippolyteError
from hippolyte.night import late_exports
from hippolyte.night.cancelled import MARK, take_note
from hippolyte.night.drill_steps import advance
from hippolyte.night.one_pass import Pass
from hippolyte.night.reconcile import reconcile
from hippolyte.night.sight import Sight, raised_elsewhere, see, see_others, set_apart
from hippolyte.night.sweep import sweep, sweep_lost
from hippolyte.night.tell_programs import tell_left
from hippolyte.overdue import is_overdue
from hippolyte.preflight import preflight
from hippolyte.record_form import iso
from hippolyte.records.places import Place
from hippolyte.report.events import given_back, put
from hippolyte.report.notify import metrics

_log = logging.getLogger(__name__)


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Take one pass over the open runs and the open leases of all places; or try the messages."""
    p = begin(context)
    if event == CHECK:
        return check(p, "monitor")
    if isinstance(event, dict) and event.get("run") == trial_messages.ASKED:
        return tell(p, trial_messages.ASKED, **trial_messages.send(p))
    others = see_others(p, elsewhere(p))
    try:
        here = _see(p)
    except (HippolyteError, ClientError, BotoCoreError):
        # a new place that refuses must not keep raised what the old one has
        _follow(others)
        _record(p, drop=[sight for sight in others if sight.done])
        raise
    sights = [here, *others]
    if not here.done:
        # before anything more is opened here
        _record(p, add=[here])
    _follow(sights)
    for sight in sights:
        for run_id, names in sight.recent.items():
            if late_exports.RECORD in names and not p.time_is_short:
                _take_late(p, sight.p, run_id)
    if not p.time_is_short:
        with p.apart("what the settings name was not looked at"):
            existence.look(p)
    for sight in sights:
        advance(sight.p)
    still_open = {run for sight in sights for run in sight.still_open}
    figures = {
        "NightOverdue": float(is_overdue(p, here.recent, still_open)),
        # of a place or a lease that cannot be read nobody knows
        "TablesLeftRaised": float(
            sum(s.left_raised for s in sights) + len(p.unseen) + len(p.leases.damaged)
        ),
        "RaisedReadCapacity": float(sum(sight.raised_units for sight in sights)),
    }
    metrics(p.clients, p.settings, figures)
    _record(p, drop=[sight for sight in sights if sight.done])
    if p.failures:
        raise p.failures[0]
    return tell(
        p,
        "passed",
        open_runs=sorted(still_open),
        closed=sorted(run for sight in sights for run in sight.closed),
        open_leases=sorted(table for sight in sights for table in sight.p.held),
        **({"elsewhere": p.elsewhere} if p.elsewhere else {}),
    )


def _take_late(p: Pass, there: Pass, run_id: str) -> None:
    with p.apart(f"the late exports of run {run_id}"):
        try:
            late_exports.take(there, run_id)
        except ConflictError as error:
            _log.info("run %s: %s", run_id, error)


def _see(p: Pass) -> Sight:
    recent = p.runs.recent(clock.now())
    if not recent:
        preflight(p, "monitor")
    return see(p, recent)


def _record(p: Pass, add: list[Sight] | None = None, drop: list[Sight] | None = None) -> None:
    with p.apart("the places in which something is open are not on record"):
        p.places.change(
            [Place.of(sight.p.settings) for sight in add or ()],
            [Place.of(sight.p.settings) for sight in drop or ()],
        )


def _follow(sights: list[Sight]) -> None:
    """Take each open run one step on, the oldest first, in whatever place it is."""
    if len(sights) > 1:
        set_apart((sight.p, sight.still_open) for sight in sights)
    undecided: set[str] = set()
    wanted = sorted((run_id, n) for n, sight in enumerate(sights) for run_id in sight.wanted)
    for run_id, n in wanted:
        sight = sights[n]
        if sight.p.time_is_short:
            break
        sight.p.taken = undecided | raised_elsewhere(sight, sights)
        try:
            if _step(sight, run_id, undecided):
                sight.closed.add(run_id)
        except ConflictError as error:
            _log.info("run %s: %s", run_id, error)
        except (HippolyteError, ClientError, BotoCoreError) as error:
            # one run's trouble must not keep the others from their end
            _log.exception("run %s", run_id)
            sight.p.failures.append(error)


@contextmanager
def _given_back(p: Pass, run_id: str) -> Iterator[None]:
    """Put events of the leases of a run without records that are given back meanwhile."""
    before = {name for name, held in p.held.items() if held.lease.run_id == run_id}
    yield
    at = iso(clock.now())
    events = [given_back(p.settings, run_id, n, at) for n in before - {*p.held}]
    put(p.clients, p.settings, events, lambda: p.time_is_short)


def _step(sight: Sight, run_id: str, undecided: set[str]) -> bool:
    p = sight.p
    run = p.runs.open(run_id)
    if run is None:
        with _given_back(p, run_id):
            sweep_lost(p, run_id)
        return False
    p.previous = None
    if run_id not in sight.still_open and p.runs.is_closed(run_id):
        # closed with something left raised: the sweep goes on
        sweep(p, run)
        tell_left(p, run)
        return False
    if MARK in sight.recent.get(run_id, ()):
        take_note(p, run)
    try:
        return reconcile(p, run)
    finally:
        undecided |= run.ledger.undecided
