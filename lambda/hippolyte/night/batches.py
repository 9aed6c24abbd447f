"""A batch as the engine is told of it: its outputs, its time, and how long its jobs take."""

from __future__ import annotations

from datetime import datetime

from hippolyte.engines.engine import Launch
from hippolyte.exports.native import export_id
from hippolyte.night.one_pass import Pass
from hippolyte.planning import rates, sizing
from hippolyte.planning.keeping import place
from hippolyte.planning.plan import Job, Plan
from hippolyte.record_form import when
from hippolyte.records.ledger import BatchEntry, TableEntry
from hippolyte.records.runs import Run
from hippolyte.settings import Settings

Ratios = list[float | None]
"""The read ratios of a batch's jobs; None: the job is not started yet."""

# an engine that refuses this often, for other reasons than limits, will not change its mind
REFUSALS = 3


def directory(settings: Settings, plan: Plan, table: str, attempt: int) -> str:
    """Return the S3 key of an attempt's output, without a slash at the end."""
    return place(settings, plan, "backups", table, f"{plan.run_id}-{attempt}")


def launch_of(p: Pass, run: Run, batch: BatchEntry, ratios: Ratios) -> Launch:
    """Return the batch as the engine is told of it."""
    return Launch(
        run_id=run.plan.run_id,
        batch_id=batch.batch_id,
        jobs=batch.jobs,
        ratios=ratios,
        outputs=[
            f"s3://{p.settings.bucket}/"
            + directory(p.settings, run.plan, job.table, batch.attempts[job.table])
            for job in batch.jobs
        ],
        deadline=run.plan.deadline,
        attempt=max(batch.attempts.values(), default=1) - 1 + batch.refusals,
        scans=[scan_id(run, job.table, batch.attempts[job.table]) for job in batch.jobs],
        raised={
            job.table: held for _, job, e in run.ledger.table_entries(batch) if (held := _raised(e))
        },
        workers=batch.workers,
        moment=run.plan.start,
    )


def scan_id(run: Run, table: str, attempt: int) -> str:
    """Return the id of a scan's export: the same whoever asks, so that it can be gone on with."""
    return export_id(run.plan.start, f"{run.plan.run_id} {table} {attempt}")


def _raised(entry: TableEntry) -> tuple[int, int] | None:
    if entry.plain or entry.given_back_at or not entry.raised_from or not entry.raised_to:
        return None
    return entry.raised_from, entry.raised_to


def expected_seconds(p: Pass, job: Job, entry: TableEntry, bytes_per_unit: int) -> float:
    """Return how long a job takes at the rate it is given, with its activity's bootstrap."""
    raised = job.raise_to is not None and not entry.plain
    plain = sizing.plain_rate(job.capacity, job.plain_ratio) if job.capacity else job.rate
    rate = rates.reached(job.rate if raised else plain, p.host, bytes_per_unit)
    read = sizing.seconds_to_read(job.size_bytes, rate, bytes_per_unit)
    return p.host.job_bootstrap + read


def since(text: str | None, now: datetime) -> float:
    """Return the seconds since a recorded time; 0 if there is none."""
    return (now - when(text)).total_seconds() if text else 0.0
