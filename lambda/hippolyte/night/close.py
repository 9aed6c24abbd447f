"""Ends a run: metrics, page, message, and the report, which is written last and closes it."""

from __future__ import annotations

import logging
from typing import Any

from hippolyte import clock
from hippolyte.night import late_exports
from hippolyte.night.batches import since
from hippolyte.night.catalogue import catalogued
from hippolyte.night.drill import is_drilling
from hippolyte.night.keep_settings import has_unread
from hippolyte.night.one_pass import Pass
from hippolyte.night.read_back import is_reading
from hippolyte.night.tell_programs import keep_in_sight, tell_programs
from hippolyte.record_form import iso
from hippolyte.records.intents import alive
from hippolyte.records.ledger import BatchState
from hippolyte.records.runs import Run
from hippolyte.report.content import by_verdict, make_report, measures
from hippolyte.report.events import of_end
from hippolyte.report.message import needs_attention, of_run
from hippolyte.report.messages import mid_night
from hippolyte.report.notify import metrics, publish, unconfirmed
from hippolyte.report.page import render

# leases are waited for this long after the last verdict; then the report says "left raised"
_LEASE_PATIENCE_SECONDS = 2700

_log = logging.getLogger(__name__)


def publish_alerts(p: Pass, run: Run) -> None:
    """Publish what cannot wait for the report."""
    news = [a for a in run.ledger.alerts if a not in run.ledger.told]
    if news:
        publish(p.clients, p.settings, mid_night(p.settings, run.plan.run_id, news))
        run.ledger.told += news


def close(p: Pass, run: Run) -> bool:
    """Tell and record the end, once every table has its verdict and nothing runs."""
    ledger, now = run.ledger, clock.now()
    if not ledger.decided or any(b.state is not BatchState.CLOSED for b in ledger.batches.values()):
        return False
    ledger.decided_at = ledger.decided_at or iso(now)
    left = [n for n, h in p.held.items() if h.lease.run_id == run.plan.run_id]
    if left and since(ledger.decided_at, now) < _LEASE_PATIENCE_SECONDS:
        return False
    if has_unread(p, run) or is_reading(run) or is_drilling(run):
        return False
    if is_closing(p, run):
        return False
    ledger.reporting_at, ledger.reporting_by = iso(now), p.me
    for name in left:
        # told of, whatever becomes of it
        if entry := ledger.tables.get(name):
            entry.raise_known = True
    p.runs.save(run)
    if left:
        keep_in_sight(p, run)
    p.previous_tables(run)
    report = make_report(
        p.settings,
        run.plan,
        ledger,
        left,
        p.previous or {},
        now,
        catalogued=catalogued(p, run),
        alerts=[
            *unconfirmed(p.clients, p.settings),
            *p.elsewhere,
            *p.unseen,
            *p.leases.damaged.values(),
        ],
    )
    report["warnings"] += [told for told in p.runs.unread if told not in report["warnings"]]
    if not run.plan.part:
        # they are of nights: a part would end, or begin, the alarms of tables it did not look at
        metrics(p.clients, p.settings, measures(report), by_verdict(report))
    late_exports.note(p, run)
    where = p.runs.url(run.plan.run_id, "report.json")
    # before the report is closed: whoever dies here puts them again
    if lost := tell_programs(p, run, of_end(report, where)):
        report["warnings"].append(lost)
    _write_page(p, report)
    # the report is written last: a run with one is closed, and its message is out; nothing is
    # done between the two, where an invocation that dies lets the next one tell again
    if p.settings.tell_good_nights or needs_attention(report):
        publish(p.clients, p.settings, of_run(report, where))
    p.runs.close(run.plan.run_id, report)
    return True


def is_closing(p: Pass, run: Run) -> bool:
    """Say whether another invocation is at the run's end."""
    return alive(run.ledger.reporting_at, run.ledger.reporting_by, p.me, clock.now())


def _write_page(p: Pass, report: dict[str, Any]) -> None:
    try:
        p.runs.write_page(report["run_id"], render(report))
    except Exception as error:  # noqa: BLE001 - a page for the eye must not keep the run open
        _log.exception("report.html of run %s is not written", report["run_id"])
        p.failures.append(error)
