"""One idempotent step of a run towards its end: look, compare, do the difference, record, return.

Both Lambdas call it; it may stop anywhere, and the next invocation goes on.
"""

from __future__ import annotations

import logging
from typing import Any

from hippolyte import clock
from hippolyte.following import follow
from hippolyte.judging import judge
from hippolyte.launching import launch
from hippolyte.ledger import BatchState, TableEntry, alive
from hippolyte.model import iso, when
from hippolyte.night import Pass, since
from hippolyte.notify import metrics, publish
from hippolyte.protection import by_verdict, catalogued, measures, unconfirmed
from hippolyte.reporthtml import render
from hippolyte.reporting import make_report, subject, text
from hippolyte.runs import Run

# leases are waited for this long after the last verdict; then the report says "left raised"
_LEASE_PATIENCE_SECONDS = 2700

_log = logging.getLogger(__name__)


def reconcile(p: Pass, run: Run) -> bool:
    """Take a run one step on; True when it is closed.

    Raises:
        ConflictError: another invocation is at work on the run; nothing is lost.
    """
    p.follow(run)
    follow(p, run)
    judge(p, run)
    _tell(p, run)
    p.runs.save(run)
    give_back(p, run)
    launch(p, run)
    closed = _close(p, run)
    if not closed:
        p.runs.save(run)
    return closed


def give_back(p: Pass, run: Run) -> None:
    """Give back the run's leases whose tables have their verdict and are not read any more.

    Where raises are per job, an export that is over is enough: what its output is worth is seen
    when its log has come, and a table that must be read again is raised again in its turn.
    """
    for name, held in list(p.held.items()):
        if held.lease.run_id != run.plan.run_id or p.time_is_short:
            continue
        entry = run.ledger.tables.get(name)
        if entry and (entry.exporting or not _is_done_with(p, entry)):
            continue
        ended = when(entry.finished_at) if entry and entry.finished_at else None
        with p.apart(f"the capacity of {name} cannot be given back"):
            if not p.leases.give_back(held, ended):
                continue
            del p.held[name]
            if entry:
                entry.given_back_at = iso(clock.now())
                if held.lease.note:
                    entry.notes.append(f"capacity: {held.lease.note}")


def _is_done_with(p: Pass, entry: TableEntry) -> bool:
    over = p.engine.raises_per_job and entry.outcome == "succeeded"
    return over or entry.verdict is not None or bool(entry.withdrawn)


def _tell(p: Pass, run: Run) -> None:
    """Publish what cannot wait for the report."""
    news = [a for a in run.ledger.alerts if a not in run.ledger.told]
    if news:
        publish(p.clients, p.settings, f"ATTENTION {run.plan.run_id}", "\n".join(news))
        run.ledger.told += news


def _close(p: Pass, run: Run) -> bool:
    """Tell and record the end, once every table has its verdict and nothing runs."""
    ledger, now = run.ledger, clock.now()
    if not ledger.decided or any(b.state is not BatchState.CLOSED for b in ledger.batches.values()):
        return False
    ledger.decided_at = ledger.decided_at or iso(now)
    left = [n for n, h in p.held.items() if h.lease.run_id == run.plan.run_id]
    if left and since(ledger.decided_at, now) < _LEASE_PATIENCE_SECONDS:
        return False
    if alive(ledger.reporting_at, ledger.reporting_by, p.me, now):
        return False
    ledger.reporting_at, ledger.reporting_by = iso(now), p.me
    p.runs.save(run)
    p.previous_tables(run)
    report = make_report(
        p.settings,
        run.plan,
        ledger,
        left,
        p.previous or {},
        now,
        catalogued=catalogued(p, run),
        alerts=unconfirmed(p.clients, p.settings),
    )
    metrics(p.clients, p.settings, measures(report), by_verdict(report))
    _write_page(p, report)
    where = p.runs.url(run.plan.run_id, "report.json")
    # the report is written last: a run with one is closed, and its message is out; nothing is
    # done between the two, where an invocation that dies lets the next one tell again
    publish(p.clients, p.settings, subject(report), text(report, where))
    p.runs.close(run.plan.run_id, report)
    return True


def _write_page(p: Pass, report: dict[str, Any]) -> None:
    try:
        p.runs.write_page(report["run_id"], render(report))
    except Exception as error:  # noqa: BLE001 - a page for the eye must not keep the run open
        _log.exception("report.html of run %s is not written", report["run_id"])
        p.failures.append(error)
