"""Raises all tables of a batch before it starts, for an engine that takes no further jobs."""

from __future__ import annotations

from hippolyte.leases.lease import Raise
from hippolyte.leases.take import raised_ratio
from hippolyte.night.batches import Ratios
from hippolyte.night.one_pass import Pass
from hippolyte.night.raise_table import (
    is_patient,
    is_taken_by_another_run,
    raise_table,
    read_plain,
    split,
)
from hippolyte.planning.plan import Job
from hippolyte.records.ledger import BatchEntry
from hippolyte.records.runs import Run


def ratios(p: Pass, run: Run, batch: BatchEntry) -> Ratios | None:
    """Raise the batch's tables one step; return the jobs' ratios when none is waited for."""
    found: Ratios = []
    late: list[Job] = []
    blocked: list[Job] = []
    pending = False
    patient = is_patient(batch)
    for _, job, entry in run.ledger.table_entries(batch):
        outcome = Raise.REFUSED
        if is_taken_by_another_run(p, run, job):
            blocked.append(job)
        elif job.raise_to is not None and not entry.plain:
            outcome = raise_table(p, run, job)
        if outcome is Raise.PENDING and not patient:
            read_plain(entry)
            late.append(job)
        pending = pending or outcome is Raise.PENDING
        raised = outcome is Raise.READY
        lease = p.held[job.table].lease if raised else None
        found.append(raised_ratio(p.leases, job, lease) if lease else job.plain_ratio)
    if not patient and (split(p, run, batch, blocked) or split(p, run, batch, late)):
        return None
    return None if blocked or (pending and not late) else found
