"""The ledger of a run: what has happened so far, kept by compare-and-swap."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hippolyte.planning.plan import Job, Plan
from hippolyte.record_form import iso, known_form
from hippolyte.records.intents import alive
from hippolyte.verdicts import Verdict


class BatchState(StrEnum):
    """Where a batch is; each is only ever followed by a later one."""

    PLANNED = "planned"
    PREPARING = "preparing"  # intent: the engine is being told of it
    RAISING = "raising"  # prepared; waits for its tables' capacity
    STARTING = "starting"  # intent: it is being started
    RUNNING = "running"
    CANCELLING = "cancelling"
    ENDING = "ending"  # every job is over; the host goes, with what a failed one may still read
    CLOSED = "closed"


STARTED = frozenset(
    {BatchState.STARTING, BatchState.RUNNING, BatchState.CANCELLING, BatchState.ENDING}
)
"""The states in which a cluster may exist."""


@dataclass(slots=True)
class BatchEntry:
    """One batch. Times are ISO texts, as `record_form.iso` writes them."""

    batch_id: str
    timeline: int
    jobs: list[Job]
    state: BatchState = BatchState.PLANNED
    # path attempt of each table: its output is <run>-<attempt>
    attempts: dict[str, int] = field(default_factory=dict)
    handle: dict[str, Any] = field(default_factory=dict)
    intent_at: str | None = None
    intent_by: str | None = None
    prepared_at: str | None = None
    started_at: str | None = None
    progress_at: str | None = None
    cancelled_at: str | None = None
    cancel_reason: str = ""
    ended_at: str | None = None
    refusals: int = 0
    error: str = ""
    # tables whose jobs the engine has not been told of: each is raised in its turn
    waiting: list[str] = field(default_factory=list)
    # intent: tables whose jobs are being added; with `intent_at` and `intent_by`
    adding: list[str] = field(default_factory=list)
    # hosts that it has side by side, of those there may be at once
    workers: int = 1
    # passes one after the other that could not ask the engine about all of its jobs
    passed_over: int = 0

    @property
    def engine(self) -> str:
        """By which its jobs are exported; empty: by the night's."""
        return self.jobs[0].own_engine if self.jobs else ""

    def set_intent(self, state: BatchState, me: str, now: datetime) -> None:
        """Move to a state that announces calls which only this invocation, `me`, makes."""
        self.state, self.intent_at, self.intent_by = state, iso(now), me

    def intent_is_anothers(self, me: str, now: datetime) -> bool:
        """Say whether another invocation, which may be alive, is at work on the batch."""
        return alive(self.intent_at, self.intent_by, me, now)


@dataclass(slots=True)
class TableEntry:
    """One table's night. `exporting` holds from before its job's start until it is seen dead."""

    verdict: Verdict | None = None
    reason: str = ""
    batch_id: str | None = None
    attempt: int = 0
    tries: int = 0
    exporting: bool = False
    # the job's end as the engine tells it: succeeded, failed, cancelled; empty while it runs
    outcome: str = ""
    # the raise did not come: the job has its plain share
    plain: bool = False
    # a person gave its capacity back, says this: it is not started (again), so nothing reads it
    withdrawn: str = ""
    # when it came to be raised in its turn
    turn_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    # attempts before the last: batch, attempt, started_at, finished_at, outcome
    earlier: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    location: str = ""
    log: str = ""
    items: int | None = None
    bytes: int = 0
    files: int = 0
    # as `Verification` has it
    manifest_md5: str | None = None
    files_md5: str | None = None
    # the levels of verification that it has passed, and what was found to be wrong with it since
    levels: list[int] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    # [capacity before, raised to, raised at, given back at]
    raised_from: int | None = None
    raised_to: int | None = None
    raised_at: str | None = None
    given_back_at: str | None = None
    # that raise is certain, or was told; and those before it, each as these four: `records.raised`
    raise_known: bool = False
    raised_before: list[Any] = field(default_factory=list)
    # its events that are on EventBridge, by what tells them apart: `report.events.of_table`
    put: list[str] = field(default_factory=list)
    # why it is not described yet, so that it has neither batch nor verdict
    undescribed: str = ""
    # its settings are in the catalogue as far as they can be read
    settings_at: str | None = None
    # the operations whose answers are not in it, after an attempt
    unread: list[str] = field(default_factory=list)

    def close(self, verdict: Verdict, reason: str = "") -> None:
        """Give the table its verdict."""
        self.verdict, self.reason = verdict, reason

    def leave_batch(self) -> None:
        """Keep what became of the present attempt, if it began, before the table moves on."""
        if self.started_at:
            self.earlier.append(
                {
                    "batch": self.batch_id,
                    "attempt": self.attempt,
                    "started_at": self.started_at,
                    "finished_at": self.finished_at,
                    "outcome": self.outcome,
                }
            )
        self.outcome, self.started_at, self.finished_at = "", None, None
        self.turn_at = None


@dataclass(slots=True)
class Ledger:
    """All that is known of a run's progress."""

    run_id: str
    batches: dict[str, BatchEntry]
    tables: dict[str, TableEntry]
    alerts: list[str] = field(default_factory=list)
    # alerts that need no message of their own: published already, or due with the report
    told: list[str] = field(default_factory=list)
    # by whom and when it was cancelled: nothing is begun any more, what runs is ended
    cancelled: str = ""
    decided_at: str | None = None
    # intent: the message and the report are on their way
    reporting_at: str | None = None
    reporting_by: str | None = None
    # operation -> why its answer is not in some table's catalogue entry, as last seen
    unread: dict[str, str] = field(default_factory=dict)
    # backups that are read back tonight, to the end of every line: until when, and whether that is
    # over; what was not read, and why
    reading_until: str | None = None
    read_back: bool = False
    not_read: dict[str, str] = field(default_factory=dict)
    # the report waits until then for restore drills; they are on their record; what they came to
    drilling_until: str | None = None
    drills_ordered: bool = False
    drilled: bool = False
    drills: list[str] = field(default_factory=list)
    # of tables described since the plan: table_id, created_at, as `Identity` has them
    identities: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of_plan(cls, plan: Plan) -> Ledger:
        """Begin the ledger of a plan."""
        batches = {
            b.batch_id: BatchEntry(
                b.batch_id, b.timeline, list(b.jobs), attempts={j.table: 1 for j in b.jobs}
            )
            for b in plan.batches
        }
        tables = {j.table: TableEntry(batch_id=b.batch_id) for b in plan.batches for j in b.jobs}
        for name in plan.empty:
            tables[name] = TableEntry(attempt=1)
        for name, why in plan.undescribed.items():
            tables[name] = TableEntry(undescribed=why)
        for name, (verdict, reason) in plan.verdicts.items():
            tables[name] = TableEntry(verdict=verdict, reason=reason)
        alerts = list(plan.alerts)
        return cls(plan.run_id, batches, tables, alerts=alerts, told=list(alerts))

    @property
    def open_batches(self) -> list[BatchEntry]:
        """The batches that are not closed."""
        return [b for b in self.batches.values() if b.state is not BatchState.CLOSED]

    @property
    def decided(self) -> bool:
        """Whether every table has its verdict."""
        return all(t.verdict for t in self.tables.values())

    @property
    def undecided(self) -> set[str]:
        """The tables without a verdict, or with an export that may still be alive."""
        return {n for n, t in self.tables.items() if t.verdict is None or t.exporting}

    def table_entries(self, batch: BatchEntry) -> list[tuple[int, Job, TableEntry]]:
        """Return (number, job, entry) of the tables that are still a batch's."""
        return [
            (number, job, self.tables[job.table])
            for number, job in enumerate(batch.jobs)
            if self.tables[job.table].batch_id == batch.batch_id
        ]

    def engine_of(self, table: str) -> str:
        """Return by which engine a table is exported; empty: by the night's."""
        batch = self.batches.get(self.tables[table].batch_id or "")
        return batch.engine if batch else ""

    def fail_batch(self, batch: BatchEntry, verdict: Verdict, reason: str) -> None:
        """Close a batch that will not run; its undecided tables get the verdict."""
        for _, _, entry in self.table_entries(batch):
            if entry.verdict is None:
                entry.exporting = False
                entry.close(verdict, reason)
        batch.state = BatchState.CLOSED

    def not_started(self, batch: BatchEntry) -> None:
        """Take a start back that did not happen: nothing is read, and no attempt is used up."""
        batch.waiting = []
        for _, job, entry in self.table_entries(batch):
            entry.exporting = False
            entry.tries -= 1
            entry.attempt = batch.attempts[job.table] - 1
        batch.state = BatchState.RAISING

    def not_added(self, batch: BatchEntry, tables: Collection[str]) -> None:
        """Let jobs that were not added, for certain, wait for their turn again."""
        for table in tables:
            self.tables[table].exporting = False
        batch.adding = [table for table in batch.adding if table not in tables]
        waiting = {*batch.waiting, *tables}
        batch.waiting = [job.table for job in batch.jobs if job.table in waiting]

    def add_batch(self, jobs: list[Job], going_on: Collection[str] = ()) -> BatchEntry:
        """Add a batch for tables that move, on a timeline of its own.

        Each gets an unused path, but those that go on where their files end.
        """
        number = sum(1 for b in self.batches if b.startswith("r")) + 1
        timeline = max((b.timeline for b in self.batches.values()), default=-1) + 1
        entry = BatchEntry(f"r{number:03d}", timeline, jobs)
        for job in jobs:
            table = self.tables[job.table]
            table.leave_batch()
            table.batch_id = entry.batch_id
            entry.attempts[job.table] = table.attempt + (job.table not in going_on)
        self.batches[entry.batch_id] = entry
        return entry

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Ledger:
        """Build the ledger from its JSON form, as `LedgerText` writes it."""
        with known_form("the ledger"):
            data = {k: v for k, v in record.items() if k not in ("version", "nonce")}
            data["batches"] = {k: _batch(v) for k, v in data["batches"].items()}
            data["tables"] = {k: _table(v) for k, v in data["tables"].items()}
            return cls(**data)


def _batch(record: Mapping[str, Any]) -> BatchEntry:
    jobs = [Job(**j) for j in record["jobs"]]
    state = BatchState(record.get("state", BatchState.PLANNED))
    return BatchEntry(**{**record, "jobs": jobs, "state": state})


def _table(record: Mapping[str, Any]) -> TableEntry:
    verdict = Verdict(record["verdict"]) if record.get("verdict") else None
    return TableEntry(**{**record, "verdict": verdict})
