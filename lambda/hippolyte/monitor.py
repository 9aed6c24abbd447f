"""The monitor's handler: takes every open run one step on, then sees to leases left open."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.errors import ConfigurationError, ConflictError, HippolyteError
from hippolyte.handlers import Context, begin, tell
from hippolyte.lease import Lease
from hippolyte.model import iso, when
from hippolyte.night import Pass
from hippolyte.notify import metrics
from hippolyte.preflight import preflight
from hippolyte.reconcile import give_back, reconcile
from hippolyte.runs import is_open, start_of

# a night is overdue an hour after its window; the next begins a day after the last (25 h when
# clocks go back), with its catch-up 65 minutes later
_OVERDUE = timedelta(hours=1)
_BETWEEN_NIGHTS = timedelta(hours=25)

_log = logging.getLogger(__name__)


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Take one pass over the open runs and the open leases."""
    p = begin(context)
    recent = p.runs.recent(clock.now())
    if not recent:
        preflight(p, "monitor")
    p.held = p.leases.all_open()
    still_open = {run for run, names in recent.items() if is_open(names)}
    # a lease keeps its run in sight however old it is
    wanted = sorted(still_open | {h.lease.run_id for h in p.held.values()})
    closed: list[str] = []
    for run_id in wanted:
        if p.time_is_short:
            break
        try:
            if _step(p, run_id, run_id in still_open):
                closed.append(run_id)
        except ConflictError as error:
            _log.info("run %s: %s", run_id, error)
        except (HippolyteError, ClientError, BotoCoreError) as error:
            # one run's trouble must not keep the others from their end
            _log.exception("run %s", run_id)
            p.failures.append(error)
    overdue = _overdue(p, recent, still_open - set(closed))
    raised = [held.lease for held in p.held.values()]
    figures = {
        "NightOverdue": float(overdue),
        "TablesLeftRaised": sum(lease.run_id not in still_open - set(closed) for lease in raised),
        "RaisedReadCapacity": sum(lease.target - lease.before for lease in raised),
    }
    metrics(p.clients, p.settings, figures)
    if p.failures:
        raise p.failures[0]
    still = sorted(still_open - set(closed))
    return tell(p, "passed", open_runs=still, closed=closed, open_leases=sorted(p.held))


def _step(p: Pass, run_id: str, known_open: bool) -> bool:
    run = p.runs.open(run_id)
    if run is None:
        give_back_lost(p, run_id)
        return False
    p.previous = None
    if not known_open and p.runs.report(run_id):
        # closed with something left raised: the sweep goes on
        give_back(p, run)
        return False
    try:
        return reconcile(p, run)
    finally:
        p.taken |= run.ledger.undecided


def lost_until(lease: Lease) -> datetime:
    """Return from when on no export of a run whose records are gone can be alive.

    Its clusters end by themselves two hours after its deadline at the latest (`terminateAfter`),
    an hour after the leases' expiry.
    """
    return when(lease.expiry) + timedelta(hours=1)


def give_back_lost(p: Pass, run_id: str) -> None:
    """See to the leases of a run whose records are gone, when no export of it can be alive.

    Until all is given back each pass fails, so that it is known.
    """
    for name, held in list(p.held.items()):
        if held.lease.run_id != run_id:
            continue
        ended = lost_until(held.lease)
        if clock.now() >= ended and p.leases.give_back(held, ended):
            del p.held[name]
        else:
            p.failures.append(
                ConfigurationError(
                    f"run {run_id} has no plan any more, and {name} is still raised by it: "
                    f"its capacity is given back from {iso(ended)} on"
                )
            )


def _overdue(p: Pass, recent: Mapping[str, set[str]], still_open: set[str]) -> bool:
    """Say whether a night that was due has not begun, or has not ended an hour after its window."""
    now = clock.now()
    window = timedelta(seconds=p.settings.window_seconds)
    if any(now > start_of(run) + window + _OVERDUE for run in still_open):
        return True
    if not p.settings.enabled:
        return False
    begun = [start_of(run) for run, names in recent.items() if "plan.json" in names]
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
