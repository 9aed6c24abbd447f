"""Follows running batches: what each export is doing, which are dead, which must be ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.engines.engine import BatchStatus, JobState, JobStatus
from hippolyte.exports.dynamodbexport import ITEMS_PER_FILE
from hippolyte.leases.lease import LeaseState
from hippolyte.night.batches import directory, expected_seconds, since
from hippolyte.night.one_pass import Pass
from hippolyte.planning.mappers import cluster_mappers
from hippolyte.planning.plan import NATIVE, Job
from hippolyte.record_form import iso, when
from hippolyte.records.ledger import BatchEntry, BatchState, TableEntry
from hippolyte.records.runs import Run

# a host that is to end by itself is ended after that long; one that does not is told of
PATIENCE_SECONDS = 600
STUCK_SECONDS = 1800
# an export is overdue at max(3 x estimate, estimate + 30 min)
_OVERDUE_FACTOR = 3
_OVERDUE_SECONDS = 1800
# from there on a table's size says that its estimate was of another time
_GROWN_FACTOR = 2
# where tables are read side by side and show progress, all are overdue when none of them shows any
# for so long: two links that die after a whole timeout each
_STALLED_SECONDS = 2400

DEADLINE = "the deadline has passed"


def follow(p: Pass, run: Run) -> None:
    """Look at every batch that was started, and end what must be ended."""
    # those that the engine could not be asked about come first
    for batch in sorted(run.ledger.open_batches, key=lambda batch: -batch.passed_over):
        if p.time_is_short:
            return
        with p.apart(f"run {run.plan.run_id}, batch {batch.batch_id}"):
            follow_batch(p, run, batch)


def follow_batch(p: Pass, run: Run, batch: BatchEntry) -> None:
    """Look at one batch, and end it if it must be ended."""
    if batch.engine == NATIVE and batch.state is BatchState.RUNNING and (over := _over(run)):
        # at a look it begins what could not be begun before: not any more
        cancel(p, batch, over)
    try:
        status = look(p, run, batch)
    except (ClientError, BotoCoreError):
        if batch.state is BatchState.RUNNING and (over := _over(run)):
            # its end needs no look
            cancel(p, batch, over)
        raise
    if status is None:
        return
    if batch.state is BatchState.ENDING:
        _end(p, run, batch, status)
    elif _all_over(run, batch):
        batch.state, batch.ended_at = BatchState.ENDING, iso(clock.now())
        batch.error = batch.error or status.failure
        _end(p, run, batch, status)
    elif status.gone and not status.asked:
        # how its jobs have ended is asked by another pass
        return
    elif batch.state is BatchState.CANCELLING:
        _insist(p, run, batch, batch.cancelled_at)
    elif reason := _is_over(run, status) or _must_end(p, run, batch, status):
        cancel(p, batch, reason)


def look(p: Pass, run: Run, batch: BatchEntry) -> BatchStatus | None:
    """Note in the ledger how a started batch is; None: it is not started. Changes nothing else."""
    if batch.state is BatchState.STARTING:
        _resolve(p, run, batch)
    if batch.state not in (BatchState.RUNNING, BatchState.CANCELLING, BatchState.ENDING):
        return None
    doubt = [n for n, job in enumerate(batch.jobs) if job.table in batch.adding]
    status = p.engine_of(batch).poll(batch.handle, len(batch.jobs), doubt)
    batch.passed_over = 0 if status.asked else batch.passed_over + 1
    _record(p, run, batch, status)
    if status.asked and batch.adding and not batch.intent_is_anothers(p.me, clock.now()):
        # an invocation meant to add them, and EMR has no step of theirs
        run.ledger.not_added(batch, list(batch.adding))
    return status


def overdue(table: str) -> str:
    """Return the beginning of the reason by which a batch is ended for an export that hangs."""
    return f"the export of {table} is overdue"


def cancel(p: Pass, batch: BatchEntry, reason: str) -> None:
    """Ask the engine to end a batch; what is read on meanwhile is still `exporting`."""
    batch.state, batch.cancel_reason = BatchState.CANCELLING, reason
    batch.cancelled_at = iso(clock.now())
    p.engine_of(batch).cancel(batch.handle)


def _resolve(p: Pass, run: Run, batch: BatchEntry) -> None:
    """An invocation meant to start the batch: look whether it did."""
    if p.engine_of(batch).started(batch.handle):
        batch.state, batch.started_at = BatchState.RUNNING, batch.intent_at
    elif not batch.intent_is_anothers(p.me, clock.now()):
        # the start is tried again, under a new intent
        run.ledger.not_started(batch)


def _record(p: Pass, run: Run, batch: BatchEntry, status: BatchStatus) -> None:
    for number, planned, entry in run.ledger.table_entries(batch):
        job = status.jobs.get(number, JobStatus(JobState.WAITING))
        if batch.state is BatchState.CANCELLING and planned.table in batch.waiting:
            # the engine knows nothing of it, and will not be told
            job = JobStatus(JobState.CANCELLED, dead=True)
        elif number not in status.jobs and not status.asked:
            continue
        if status.gone and job.state in (JobState.WAITING, JobState.RUNNING):
            why = status.failure or batch.cancel_reason or f"its {p.host.noun} ended before it"
            job = JobStatus(JobState.CANCELLED, True, why, job.log, job.started_at)
        if job.state is JobState.CANCELLED:
            # why we ended it, then what the engine says of that
            parts = (batch.cancel_reason, job.error, status.failure)
            job = replace(job, error=": ".join(_unsaid(parts)))
        _record_job(batch, entry, job)
        if number in status.jobs or entry.outcome:
            batch.adding = [t for t in batch.adding if t != planned.table]
        if entry.outcome:
            batch.waiting = [t for t in batch.waiting if t != planned.table]


def _unsaid(parts: Iterable[str]) -> list[str]:
    """Return the parts that say something the ones before do not."""
    said: list[str] = []
    for part in parts:
        if part and not any(part in earlier for earlier in said):
            said.append(part)
    return said


def _record_job(batch: BatchEntry, entry: TableEntry, job: JobStatus) -> None:
    entry.log = job.log or entry.log
    told = entry.outcome and entry.started_at
    if job.state is not JobState.WAITING and job.started_at and not told:
        entry.started_at = iso(when(job.started_at))
    if job.state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED):
        if not entry.outcome:
            batch.progress_at = iso(clock.now())
            finished = iso(when(job.finished_at)) if job.finished_at else batch.progress_at
            entry.outcome, entry.finished_at = job.state.value, finished
            if job.error:
                entry.errors.append(f"attempt {entry.attempt}: {job.error}")
        entry.exporting = entry.exporting and not job.dead


def _all_over(run: Run, batch: BatchEntry) -> bool:
    return all(e.outcome for _, _, e in run.ledger.table_entries(batch))


def _is_over(run: Run, status: BatchStatus) -> str:
    """Return why all that runs must be ended now; empty if it may go on."""
    over = _over(run)
    return f"{over}, somebody had it paused" if over and status.paused else over


def _over(run: Run) -> str:
    return run.ledger.cancelled or (DEADLINE if clock.now() >= run.plan.deadline else "")


def _must_end(p: Pass, run: Run, batch: BatchEntry, status: BatchStatus) -> str:
    """Return why a running batch must be ended now; empty if it may go on."""
    if batch.engine == NATIVE or not status.asked:
        # that one takes nothing of the tables, nobody waits for it, and it cannot be ended
        return ""
    now = clock.now()
    running = False
    progress: dict[str, str] = {}  # of tables that are read side by side
    for number, job, entry in run.ledger.table_entries(batch):
        if lowered := _lowered(p, job, entry):
            return lowered
        state = status.jobs.get(number)
        if entry.outcome or state is None or state.state is not JobState.RUNNING:
            continue
        running = True
        if state.progress_at is not None:
            progress[job.table] = state.progress_at
            continue
        estimate = job.estimate_seconds
        if entry.plain and p.engine.raises_per_job:
            # its raised rate is sized for an hour
            estimate = max(estimate, int(expected_seconds(p, job, entry, p.host.unit_bytes)))
        late = max(_OVERDUE_FACTOR * estimate, estimate + _OVERDUE_SECONDS)
        if since(entry.started_at, now) <= late or _gets_on(p, run, job, entry, estimate):
            continue
        if job.estimated and not _has_grown(p, job):
            return f"{overdue(job.table)}: it was to take {estimate} s"
        # nobody knows how long it takes: it is ended for others, once, and then has what is left
        was_ended = any(overdue(job.table) in error for error in entry.errors)
        if not was_ended and _is_waited_for(p, run, batch, status):
            return f"{overdue(job.table)}: others wait, and it has no estimate"
    if progress and since(max(progress.values()), now) > _STALLED_SECONDS:
        # one alone that does not get on costs the others nothing
        last = max(progress, key=lambda table: progress[table])
        return f"{overdue(last)}: nothing was read since {progress[last]}"
    return "" if running else _why_idle(p, batch, status)


def _why_idle(p: Pass, batch: BatchEntry, status: BatchStatus) -> str:
    """Return why a host that runs nothing must be ended; empty if it may still begin."""
    idle = since(batch.progress_at or batch.started_at, clock.now())
    patience, noun = status.start_patience, p.host.noun
    if patience is not None and idle > patience:
        return f"its {noun} had no machines after {idle:.0f} s: EC2 may be short of their type"
    if not status.paused and idle > 3 * p.host.bootstrap + _OVERDUE_SECONDS:
        return f"its {noun} ran nothing for {idle:.0f} s"
    return ""


def _gets_on(p: Pass, run: Run, job: Job, entry: TableEntry, estimate: float) -> bool:
    """Say whether an export wrote a file of late: it does for every 100,000 items of a mapper.

    Then it is as slow as its cluster, or as a hot partition, and a new try would be no faster. All
    mappers come to their files at about the same time: of large items each is waited for as long,
    by the export's estimate, as an overdue export.
    """
    items = ITEMS_PER_FILE * cluster_mappers(p.settings, p.engine.name)
    of_a_file = estimate * min(1.0, items / max(1, job.item_count))
    patience = max(_STALLED_SECONDS, _OVERDUE_FACTOR * of_a_file)
    key = directory(p.settings, run.plan, job.table, entry.attempt)
    newest = p.store.written_at(f"{key}/")
    return newest is not None and since(iso(newest), clock.now()) <= patience


def _has_grown(p: Pass, job: Job) -> bool:
    """Say whether the table was counted anew since the plan, and is far more than was reckoned.

    Its size is up to six hours old (API TableDescription): loaded today, it had no estimate.
    """
    table = p.leases.describe(job.table)
    if table is None or table.table_id != job.table_id:
        return False
    return table.size_bytes >= _GROWN_FACTOR * job.size_bytes


def _is_waited_for(p: Pass, run: Run, batch: BatchEntry, status: BatchStatus) -> bool:
    """Say whether tables of the batch, or a batch without a cluster, wait for this one to end."""
    for number, _, entry in run.ledger.table_entries(batch):
        state = status.jobs.get(number, JobStatus(JobState.WAITING)).state
        if state is JobState.WAITING and not entry.outcome:
            return True
    others = [b for b in run.ledger.open_batches if b is not batch]
    planned = [b for b in others if b.state is BatchState.PLANNED]
    hosts = batch.workers + sum(b.workers for b in others if b not in planned)
    is_full = hosts >= (run.plan.at_once or p.host.at_once)
    return any(is_full or b.timeline == batch.timeline for b in planned)


def _lowered(p: Pass, job: Job, entry: TableEntry) -> str:
    """Return what a person did if a raised table was lowered under its running export."""
    held = p.held.get(job.table)
    raised = held is not None and held.lease.state is LeaseState.RAISED
    # a job with its plain share never counted on the raise
    if held is None or not raised or not entry.exporting or entry.outcome or entry.plain:
        return ""
    table = p.leases.describe(job.table)
    if table is None or table.table_id != job.table_id or table.on_demand:
        return ""
    if table.status == "ACTIVE" and table.read_capacity < held.lease.target:
        return f"{job.table} was lowered to {table.read_capacity} under its export by somebody"
    return ""


def _insist(p: Pass, run: Run, batch: BatchEntry, asked_at: str | None) -> None:
    """A host that was to end is still there: end it again; tell a person if even that fails."""
    tables = [job.table for _, job, e in run.ledger.table_entries(batch) if e.exporting]
    if tables and since(asked_at, clock.now()) >= STUCK_SECONDS:
        host = batch.handle.get("cluster") or batch.handle.get("worker") or "unknown"
        alert = (
            f"batch {batch.batch_id} does not end ({batch.cancel_reason or batch.error}): "
            f"{', '.join(tables)} may still be read, so their capacity stays raised; "
            f"terminate {p.host.noun} {host} by hand"
        )
        if alert not in run.ledger.alerts:
            run.ledger.alerts.append(alert)
    p.engine_of(batch).cancel(batch.handle)


def _end(p: Pass, run: Run, batch: BatchEntry, status: BatchStatus) -> None:
    """All jobs are over: see the host off, with what a failed one still reads, then clean up."""
    if not status.gone:
        p.engine_of(batch).finish(batch.handle)
        if since(batch.ended_at, clock.now()) >= PATIENCE_SECONDS:
            _insist(p, run, batch, batch.ended_at)
        return
    p.runs.save(run)
    p.engine_of(batch).clean_up(batch.handle)
    batch.state = BatchState.CLOSED
