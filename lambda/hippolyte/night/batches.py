"""A batch as the engine is told of it: its outputs, its time, and how long its jobs take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hippolyte import clock
from hippolyte.engines.engine import Launch
from hippolyte.night.one_pass import Pass
from hippolyte.planning import sizing
from hippolyte.planning.plan import Job
from hippolyte.record_form import iso, when
from hippolyte.records.ledger import BatchEntry, BatchState, TableEntry
from hippolyte.records.runs import Run
from hippolyte.settings import Settings
from hippolyte.verdicts import Verdict


def directory(settings: Settings, table: str, run_id: str, attempt: int) -> str:
    """Return the S3 key of an attempt's output, without a slash at the end."""
    return settings.place("backups", table, f"{run_id}-{attempt}")


def table_entries(run: Run, batch: BatchEntry) -> list[tuple[int, Job, TableEntry]]:
    """Return (number, job, entry) of the tables that are still this batch's."""
    tables = run.ledger.tables
    return [
        (number, job, tables[job.table])
        for number, job in enumerate(batch.jobs)
        if tables[job.table].batch_id == batch.batch_id
    ]


def launch_of(p: Pass, run: Run, batch: BatchEntry, ratios: Sequence[float | None]) -> Launch:
    """Return the batch as the engine is told of it."""
    left = run.plan.deadline - clock.now()
    return Launch(
        run_id=run.plan.run_id,
        batch_id=batch.batch_id,
        jobs=batch.jobs,
        ratios=ratios,
        outputs=[
            f"s3://{p.settings.bucket}/"
            + directory(p.settings, job.table, run.plan.run_id, batch.attempts[job.table])
            for job in batch.jobs
        ],
        hours=max(0, -(-left // timedelta(hours=1))) + 1,
        deadline=run.plan.deadline,
        attempt=max(batch.attempts.values(), default=1) - 1 + batch.refusals,
    )


def expected_seconds(p: Pass, job: Job, entry: TableEntry, bytes_per_unit: int) -> float:
    """Return how long a job takes at the rate it is given, with its activity's bootstrap."""
    raised = job.raise_to is not None and not entry.plain
    plain = sizing.plain_rate(job.capacity, job.plain_ratio) if job.capacity else job.rate
    read = sizing.seconds_to_read(job.size_bytes, job.rate if raised else plain, bytes_per_unit)
    return p.settings.planning.activity_bootstrap_seconds + read


def fail_batch(run: Run, batch: BatchEntry, verdict: Verdict, reason: str) -> None:
    """Give every undecided table of a batch that will not run a verdict, and close the batch."""
    for _, _, entry in table_entries(run, batch):
        if entry.verdict is None:
            entry.exporting = False
            entry.close(verdict, reason)
    batch.state = BatchState.CLOSED


def not_started(run: Run, batch: BatchEntry) -> None:
    """Take a start back that did not happen: nothing is read, and no attempt is used up."""
    batch.waiting = []
    for _, job, entry in table_entries(run, batch):
        entry.exporting = False
        entry.tries -= 1
        entry.attempt = batch.attempts[job.table] - 1
    batch.state = BatchState.RAISING


def set_intent(p: Pass, batch: BatchEntry, state: BatchState) -> None:
    """Move a batch to a state that announces calls which only this invocation makes."""
    batch.state, batch.intent_at, batch.intent_by = state, iso(clock.now()), p.me


def since(text: str | None, now: datetime) -> float:
    """Return the seconds since a recorded time; 0 if there is none."""
    return (now - when(text)).total_seconds() if text else 0.0
