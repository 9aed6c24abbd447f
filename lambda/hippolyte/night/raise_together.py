"""Raises all tables of a batch before it starts, for an engine that takes no further jobs."""

from __future__ import annotations

from hippolyte import clock
from hippolyte.leases.lease import Raise
from hippolyte.night.batches import (
    since,
    table_entries,
)
from hippolyte.night.one_pass import Pass
from hippolyte.night.raise_table import (
    RAISE_PATIENCE_SECONDS,
    is_taken_by_another_run,
    raise_table,
)
from hippolyte.planning.plan import Job
from hippolyte.records.ledger import BatchEntry, BatchState
from hippolyte.records.runs import Run

Ratios = list[float | None]


def _ratios(p: Pass, run: Run, batch: BatchEntry) -> Ratios | None:
    """Raise the batch's tables one step; return the jobs' ratios when none is waited for.

    An engine that raises per job starts without the tables to be raised, whose ratio is None.
    """
    ratios: list[float | None] = []
    late: list[Job] = []
    blocked: list[Job] = []
    pending = False
    patient = since(batch.prepared_at, clock.now()) < RAISE_PATIENCE_SECONDS
    for _, job, entry in table_entries(run, batch):
        outcome = Raise.REFUSED
        if is_taken_by_another_run(p, run, job):
            blocked.append(job)
        elif p.engine.raises_per_job:
            ratios.append(job.plain_ratio if job.raise_to is None or entry.plain else None)
            continue
        elif job.raise_to is not None and not entry.plain:
            outcome = raise_table(p, run, job)
        if outcome is Raise.PENDING and not patient:
            entry.plain = True
            entry.notes.append("not at its raised capacity in time: read at its plain share")
            late.append(job)
        pending = pending or outcome is Raise.PENDING
        ready = outcome is Raise.READY
        ratios.append(p.leases.ratio(job, p.held[job.table].lease) if ready else job.plain_ratio)
    for apart in (blocked if not patient else [], late):
        if apart and len(apart) < len(ratios):
            _split(p, run, batch, apart)
            return None
    return None if blocked or (pending and not late) else ratios


def _split(p: Pass, run: Run, batch: BatchEntry, apart: list[Job]) -> None:
    """Move tables to a batch of their own; the others are prepared afresh without them."""
    names = {job.table for job in apart}
    others = [job for _, job, _ in table_entries(run, batch) if job.table not in names]
    p.engine.clean_up(batch.handle)
    batch.state = BatchState.CLOSED
    run.ledger.add_batch(others)
    run.ledger.add_batch(apart)
