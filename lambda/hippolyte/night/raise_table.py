"""What both ways to raise share: one table's raise, and how long it is waited for."""

from __future__ import annotations

from collections.abc import Sequence

from hippolyte import clock
from hippolyte.leases.lease import Raise
from hippolyte.leases.take import take
from hippolyte.night.batches import since
from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import Job
from hippolyte.planning.raising import LEASE_OUTLIVES_WINDOW
from hippolyte.records.ledger import BatchEntry, BatchState, TableEntry
from hippolyte.records.raised import note_raised
from hippolyte.records.runs import Run

# a table that is not ACTIVE at its new capacity by then is read at its plain share
RAISE_PATIENCE_SECONDS = 1800


def is_taken_by_another_run(p: Pass, run: Run, job: Job) -> bool:
    """Look whether an earlier run still reads the table, or has its lease open.

    Two exports would take twice the share. A lease's capacity is about to be lowered, which must
    not happen under an export; and it is no base to size this night's raise by.
    """
    held = p.held.get(job.table)
    if job.table in p.taken or job.table in p.read_elsewhere:
        return True
    return held is not None and held.lease.run_id != run.plan.run_id


def raise_table(p: Pass, run: Run, job: Job) -> Raise:
    """Move a table's raise one step; note in the ledger what became of it.

    None is begun while a place cannot be read in which the table may be raised already: what we
    had raised would be taken for its own.
    """
    entry = run.ledger.tables[job.table]
    expiry = run.plan.deadline + LEASE_OUTLIVES_WINDOW
    outcome, held, why = Raise.PENDING, p.held.get(job.table), ""
    known = False
    if p.unseen and held is None:
        return outcome
    with p.apart(f"{job.table} cannot be raised"):
        outcome, held, why = take(p.leases, job, run.plan.run_id, expiry, held)
        # what this pass asked for and was not refused, or what is seen
        asked = outcome is Raise.PENDING and held is not None and held.lease.intent_by == p.me
        known = outcome is Raise.READY or asked
    if held:
        p.held[job.table] = held
    if held and not (outcome is Raise.REFUSED and entry.given_back_at):
        lease = held.lease
        note_raised(entry, lease.before, lease.target, lease.intent_at, known=known)
    if outcome is Raise.REFUSED:
        entry.plain = True
        entry.notes.append(f"not raised: {why}")
    return outcome


def is_patient(batch: BatchEntry) -> bool:
    """Say whether a prepared batch still waits for its tables."""
    return since(batch.prepared_at, clock.now()) < RAISE_PATIENCE_SECONDS


def read_plain(entry: TableEntry) -> None:
    """Wait no longer for a table's raise."""
    entry.plain = True
    entry.notes.append("not at its raised capacity in time: read at its plain share")


def split(p: Pass, run: Run, batch: BatchEntry, apart: Sequence[Job]) -> bool:
    """Move tables to a batch of their own, and the others to one without them, prepared afresh.

    False if that would leave none apart, or no others.
    """
    names = {job.table for job in apart}
    others = [job for _, job, _ in run.ledger.table_entries(batch) if job.table not in names]
    if not apart or not others:
        return False
    p.engine.clean_up(batch.handle)
    batch.state = BatchState.CLOSED
    run.ledger.add_batch(others)
    run.ledger.add_batch(list(apart))
    return True
