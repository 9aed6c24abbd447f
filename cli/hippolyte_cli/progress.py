"""How far open runs are, read from their records; nothing is written, no service is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hippolyte import clock
from hippolyte.engines.parts import summed
from hippolyte.engines.workers import TableRecord, Workers, part_name
from hippolyte.errors import ConfigurationError
from hippolyte.night.cancelled import MARK
from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import Job, Plan
from hippolyte.record_form import when
from hippolyte.records.ledger import BatchEntry, BatchState, Ledger, TableEntry
from hippolyte.records.runs import is_open

_OF_BATCH = {
    BatchState.PLANNED: "waits for its turn",
    BatchState.PREPARING: "is being prepared",
    BatchState.RAISING: "waits for its capacity",
    BatchState.STARTING: "is being started",
    BatchState.RUNNING: "waits for its turn",
    BatchState.CANCELLING: "is being ended",
    BatchState.ENDING: "is over",
    BatchState.CLOSED: "waits for its turn",
}
_OVER = {"succeeded": "is read, to be verified", "failed": "failed, to be decided on"}


@dataclass(frozen=True, slots=True)
class TableProgress:
    """A table without a verdict. `rate` in read units a second, `size` in bytes of lines.

    `segments` 0: its engine says no more than that it is read.
    """

    name: str
    state: str
    reading: bool = False
    ended: int = 0
    segments: int = 0
    items: int = 0
    size: int = 0
    rate: float = 0.0
    since: datetime | None = None
    estimate: int | None = None


@dataclass(frozen=True, slots=True)
class RunProgress:
    """An open run: how many tables have which verdict, and how far the others are."""

    plan: Plan
    verdicts: Mapping[str, int]
    tables: tuple[TableProgress, ...]
    raised: int = 0
    # it is, or is about to be, ended by a person
    cancelled: str = ""
    where: str = ""


def open_runs(p: Pass, now: datetime) -> list[str]:
    """Return the runs of a place that have begun and are not closed."""
    return sorted(run for run, names in p.runs.recent(now).items() if is_open(names))


def progress(p: Pass, run_id: str) -> RunProgress | None:
    """Read how far a run is; None: there is no such run."""
    found = p.store.read(p.runs.key(run_id, "plan.json"))
    if found is None:
        return None
    plan = Plan.from_record(found[0])
    read = p.store.read(p.runs.key(run_id, "ledger.json"))
    # one that was never followed has none: it is begun by whoever takes the run on
    ledger = Ledger.from_record(read[0]) if read else Ledger.of_plan(plan)
    cancelled = ledger.cancelled
    if not cancelled and p.store.read(p.runs.key(run_id, MARK)):
        cancelled = "to be cancelled by the next pass"
    return RunProgress(
        plan=plan,
        verdicts=Counter(t.verdict.value for t in ledger.tables.values() if t.verdict),
        tables=tuple(_tables(p, plan, ledger)),
        raised=sum(bool(t.raised_to) and not t.given_back_at for t in ledger.tables.values()),
        cancelled=cancelled,
        where=p.runs.url(run_id, "ledger.json"),
    )


def _tables(p: Pass, plan: Plan, ledger: Ledger) -> list[TableProgress]:
    jobs = {job.table: job for batch in ledger.batches.values() for job in batch.jobs}
    undecided = {n: e for n, e in ledger.tables.items() if e.verdict is None}
    read = {e.batch_id for e in undecided.values() if e.exporting}
    records = _records(p, plan, [b for name, b in ledger.batches.items() if name in read])
    made = [
        _table(name, entry, ledger.batches.get(entry.batch_id or ""), jobs.get(name), records)
        for name, entry in undecided.items()
    ]
    return sorted(made, key=lambda t: (not t.reading, t.name))


def _records(p: Pass, plan: Plan, batches: Iterable[BatchEntry]) -> dict[str, TableRecord]:
    """Return what the workers of some batches say of their tables; the engine lambda has some."""
    if plan.engine != "lambda":
        return {}
    workers = Workers(p.store, p.settings, plan.run_id)
    known: dict[str, list[TableRecord]] = {}
    for batch in batches:
        for number in range(batch.workers):
            try:
                found = workers.record(part_name(batch.batch_id, number))
            except ConfigurationError:
                # of a newer version: plan and ledger are not, and say enough
                continue
            if found:
                for name, table in found[0].tables.items():
                    known.setdefault(name, []).append(table)
    return {name: summed(tables) for name, tables in known.items()}


def _table(
    name: str,
    entry: TableEntry,
    batch: BatchEntry | None,
    job: Job | None,
    records: Mapping[str, TableRecord],
) -> TableProgress:
    since = when(entry.started_at) if entry.started_at else None
    estimate = job.estimate_seconds if job and job.estimated else None
    record = records.get(name)
    if entry.undescribed or batch is None:
        return TableProgress(name, "is not described yet" if entry.undescribed else "is empty")
    if entry.outcome:
        return TableProgress(name, _OVER.get(entry.outcome, "was ended"), since=since)
    running = batch.state is BatchState.RUNNING
    if record and entry.exporting:
        seconds = 0.0
        if record.begun and record.at:
            until = when(record.at)
            if running and record.state == "reading":
                # units are read after its last item, too
                until = max(until, clock.now())
            seconds = (until - when(record.begun)).total_seconds()
        return TableProgress(
            name,
            record.state if running else _OF_BATCH[batch.state],
            reading=record.state == "reading",
            ended=record.ended,
            segments=record.segments,
            items=record.items,
            size=record.text,
            rate=record.units / seconds if seconds > 0 else 0.0,
            since=since,
            estimate=estimate,
        )
    reading = running and entry.exporting and since is not None
    state = "reading" if reading else _OF_BATCH[batch.state]
    return TableProgress(name, state, reading, since=since, estimate=estimate)
