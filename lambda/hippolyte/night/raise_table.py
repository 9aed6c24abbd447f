"""One table's raise, whichever way its batch is raised."""

from __future__ import annotations

from datetime import timedelta

from hippolyte.leases.lease import Raise
from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import Job
from hippolyte.records.runs import Run

# a table that is not ACTIVE at its new capacity by then is read at its plain share
RAISE_PATIENCE_SECONDS = 1800


# an engine that refuses this often, for other reasons than limits, will not change its mind
REFUSALS = 3


def is_taken_by_another_run(p: Pass, run: Run, job: Job) -> bool:
    """Look whether an earlier run still reads the table, or has its lease open.

    Two exports would take twice the share. A lease's capacity is about to be lowered, which must
    not happen under an export; and it is no base to size this night's raise by.
    """
    held = p.held.get(job.table)
    return job.table in p.taken or (held is not None and held.lease.run_id != run.plan.run_id)


def raise_table(p: Pass, run: Run, job: Job) -> Raise:
    """Move a table's raise one step; note in the ledger what became of it."""
    entry = run.ledger.tables[job.table]
    expiry = run.plan.deadline + timedelta(hours=1)
    outcome, held, why = Raise.PENDING, p.held.get(job.table), ""
    with p.apart(f"{job.table} cannot be raised"):
        outcome, held, why = p.leases.take(job, run.plan.run_id, expiry, held)
    if held:
        p.held[job.table] = held
        if entry.given_back_at and held.lease.intent_at >= entry.given_back_at:
            # raised once more, for another attempt
            entry.raised_at = entry.given_back_at = None
        entry.raised_from, entry.raised_to = held.lease.before, held.lease.target
        entry.raised_at = entry.raised_at or held.lease.intent_at
    if outcome is Raise.REFUSED:
        entry.plain = True
        entry.notes.append(f"not raised: {why}")
    return outcome
