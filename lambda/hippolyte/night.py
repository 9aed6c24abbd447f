"""What one invocation works with, and the moves that all its parts share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock, sizing
from hippolyte.clients import Clients
from hippolyte.engines.base import Engine, Launch
from hippolyte.lease import Held
from hippolyte.leases import Leases
from hippolyte.ledger import BatchEntry, BatchState, TableEntry
from hippolyte.model import Job, Verdict, iso, when
from hippolyte.runs import Run, Runs
from hippolyte.settings import Settings
from hippolyte.store import Store

# work is left to the next invocation when less than this is left of the present one
_SPARE_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Pass:
    """One invocation at work. `me` is its id, `remaining` tells the seconds it has left."""

    settings: Settings
    clients: Clients
    store: Store
    runs: Runs
    leases: Leases
    # of the run at hand, see `follow`; before there is one, of the settings
    engine: Engine
    engines: Mapping[str, Engine]
    me: str
    remaining: Callable[[], float]
    # open leases by table, as last read or written
    held: dict[str, Held] = field(default_factory=dict)
    # tables that an earlier, still open run has not done with: read by both, twice the share
    taken: set[str] = field(default_factory=set)
    # the previous run's report, read when first needed
    previous: dict[str, Any] | None = None
    # what failed and must not keep the rest from its end; raised when the pass is over
    failures: list[Exception] = field(default_factory=list)

    @contextmanager
    def apart(self, what: str) -> Iterator[None]:
        """Keep an AWS call's failure from ending the pass for everything else."""
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            _log.exception("%s", what)
            self.failures.append(error)

    def follow(self, run: Run) -> None:
        """Go on with the engine a run was planned for."""
        self.engine = self.engines[run.plan.engine]

    @property
    def time_is_short(self) -> bool:
        """Whether what is left to do belongs to the next invocation."""
        return self.remaining() < _SPARE_SECONDS

    def previous_tables(self, run: Run) -> dict[str, Any]:
        """Return the tables of the report of the night before; empty if there is none."""
        if self.previous is None:
            before = run.plan.previous_run
            self.previous = (self.runs.report(before) if before else None) or {}
        return dict(self.previous.get("tables", {}))


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
