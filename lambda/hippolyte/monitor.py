"""The monitor's handler: takes every open run one step on, then sees to leases left open."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock, existence
from hippolyte.assembly import Context, begin, tell
from hippolyte.errors import ConflictError, HippolyteError
from hippolyte.night.one_pass import Pass
from hippolyte.night.reconcile import reconcile
from hippolyte.night.sweep import sweep, sweep_lost
from hippolyte.overdue import is_overdue
from hippolyte.preflight import preflight
from hippolyte.records.runs import is_open
from hippolyte.report.notify import metrics

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
    if not p.time_is_short:
        with p.apart("what the settings name was not looked at"):
            existence.look(p)
    overdue = is_overdue(p, recent, still_open - set(closed))
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
        sweep_lost(p, run_id)
        return False
    p.previous = None
    if not known_open and p.runs.report(run_id):
        # closed with something left raised: the sweep goes on
        sweep(p, run)
        return False
    try:
        return reconcile(p, run)
    finally:
        p.taken |= run.ledger.undecided
