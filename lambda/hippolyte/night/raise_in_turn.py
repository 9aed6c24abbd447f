"""Just in time: raises a running batch's tables in their turn, and adds their jobs to its cluster.

For an engine that takes further jobs. A table is raised when the cluster has
work for no longer than a raise may take, and its job is added when it is seen raised.
"""

from __future__ import annotations

from collections.abc import Iterable

from hippolyte import clock
from hippolyte.engines.engine import LimitError
from hippolyte.errors import EngineError
from hippolyte.leases.lease import Raise
from hippolyte.leases.take import raised_ratio
from hippolyte.night.batches import REFUSALS, Ratios, expected_seconds, launch_of, since
from hippolyte.night.follow import cancel
from hippolyte.night.one_pass import Pass
from hippolyte.night.raise_table import (
    RAISE_PATIENCE_SECONDS,
    is_patient,
    is_taken_by_another_run,
    raise_table,
    read_plain,
    split,
)
from hippolyte.planning.plan import Job
from hippolyte.planning.sizer import RAISED_AT_ONCE
from hippolyte.record_form import iso
from hippolyte.records.ledger import BatchEntry, BatchState, TableEntry
from hippolyte.records.runs import Run

# a raise takes minutes, and is seen a pass (5 minutes) later; so does the order to begin it
LEAD_SECONDS = 1200
# an intent's jobs go to the engine in one call, which is taken or not: EMR's limit is 100
AT_A_TIME = 50
# the exporter's eventually consistent scan: bytes per read unit and second, at the best
_FASTEST_BYTES = 8192


def ratios(p: Pass, run: Run, batch: BatchEntry) -> Ratios | None:
    """Return the ratios of the jobs that a batch starts with: tables to be raised come later.

    None: it waits for an earlier run.
    """
    entries = run.ledger.table_entries(batch)
    if blocked := [job for _, job, _ in entries if is_taken_by_another_run(p, run, job)]:
        if not is_patient(batch):
            split(p, run, batch, blocked)
        return None
    return [
        None if job.raise_to is not None and not entry.plain else job.plain_ratio
        for _, job, entry in entries
    ]


def add(p: Pass, run: Run) -> None:
    """Bring the jobs that wait for their turn one step nearer to their clusters."""
    for batch in run.ledger.open_batches:
        waits = batch.state is BatchState.RUNNING and batch.waiting and not p.time_is_short
        if waits and (ready := _ready(p, run, batch)):
            _add(p, run, batch, ready)


def _ready(p: Pass, run: Run, batch: BatchEntry) -> dict[int, float]:
    """Raise the tables whose turn comes; return the ratios of the jobs that may be added now."""
    entries = run.ledger.table_entries(batch)
    busy, ahead = _work(p, batch, entries)
    raised = sum(_is_raised(p, batch, job, entry) for _, job, entry in entries)
    ready: dict[int, float] = {}
    for number, job, entry in entries:
        if job.table not in batch.waiting:
            continue
        begun = entry.plain or job.raise_to is None or job.table in p.held
        if ahead > LEAD_SECONDS or p.time_is_short or len(ready) >= AT_A_TIME:
            break
        if not begun and raised >= RAISED_AT_ONCE:
            break
        raised += not begun
        outcome = _turn(p, run, job, entry, busy)
        if outcome is not Raise.PENDING:
            is_raised = outcome is Raise.READY
            lease = p.held[job.table].lease if is_raised else None
            ready[number] = raised_ratio(p.leases, job, lease) if lease else job.plain_ratio
            busy = True
        # what is raised in vain keeps a cluster from the next only while it has other work
        if busy and not p.host.side_by_side:
            ahead += expected_seconds(p, job, entry, _FASTEST_BYTES)
    return ready


def _is_raised(p: Pass, batch: BatchEntry, job: Job, entry: TableEntry) -> bool:
    read = entry.exporting and job.raise_to is not None and not entry.plain
    return read or (job.table in batch.waiting and job.table in p.held)


def _work(
    p: Pass, batch: BatchEntry, entries: Iterable[tuple[int, Job, TableEntry]]
) -> tuple[bool, float]:
    """Return whether the cluster has work or still starts, and for how many seconds at least."""
    if p.host.side_by_side:
        # whoever waits keeps nobody else from being read
        return False, 0.0
    now = clock.now()
    live = [(job, entry) for _, job, entry in entries if entry.exporting and not entry.outcome]
    seconds = sum(
        max(0.0, expected_seconds(p, job, e, _FASTEST_BYTES) - since(e.started_at, now))
        for job, e in live
    )
    starts = 0.0
    if not any(entry.started_at for _, _, entry in entries):
        bootstrap = p.host.bootstrap
        starts = max(0.0, bootstrap - since(batch.started_at, now))
    return bool(live) or starts > 0, seconds + starts


def _turn(p: Pass, run: Run, job: Job, entry: TableEntry, busy: bool) -> Raise:
    """Move a table whose turn has come one step: what became of its raise."""
    now = clock.now()
    entry.turn_at = entry.turn_at or iso(now)
    waited = since(entry.turn_at, now)
    if is_taken_by_another_run(p, run, job):
        return Raise.PENDING
    plain = entry.plain or job.raise_to is None
    outcome = Raise.REFUSED if plain else raise_table(p, run, job)
    if outcome is Raise.PENDING and waited >= RAISE_PATIENCE_SECONDS and not busy:
        read_plain(entry)
        return Raise.REFUSED
    if outcome is Raise.READY and waited > LEAD_SECONDS:
        entry.notes.append(f"its raise took {waited / 60:.0f} minutes: added late")
    return outcome


def _add(p: Pass, run: Run, batch: BatchEntry, ready: dict[int, float]) -> None:
    tables = [batch.jobs[number].table for number in ready]
    for table in tables:
        run.ledger.tables[table].exporting = True
        batch.waiting.remove(table)
    batch.adding = [*batch.adding, *tables]
    batch.set_intent(batch.state, p.me, clock.now())
    p.runs.save(run)
    told = launch_of(p, run, batch, [ready.get(number) for number in range(len(batch.jobs))])
    # without an answer they stay in `adding`, and are looked for when the intent is old
    with p.apart(f"steps of batch {batch.batch_id} of run {run.plan.run_id} may be added or not"):
        try:
            p.engine.add(batch.handle, told, list(ready))
        except EngineError as error:
            _not_added(p, run, batch, tables, error)
            return
        batch.adding = [table for table in batch.adding if table not in tables]
        batch.progress_at = iso(clock.now())


def _not_added(p: Pass, run: Run, batch: BatchEntry, tables: list[str], error: EngineError) -> None:
    run.ledger.not_added(batch, tables)
    batch.error = str(error)
    if not isinstance(error, LimitError):
        batch.refusals += 1
        if batch.refusals >= REFUSALS:
            cancel(p, batch, f"its steps are refused: {error}")
