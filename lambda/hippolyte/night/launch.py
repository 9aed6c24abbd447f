"""Launches batches: prepared by the engine, tables raised, started; each step on record first."""

from __future__ import annotations

from collections.abc import Callable

from hippolyte import clock
from hippolyte.engines.engine import DefinitionError, LimitError
from hippolyte.errors import EngineError
from hippolyte.night import raise_in_turn, raise_together
from hippolyte.night.batches import REFUSALS, Ratios, launch_of, since
from hippolyte.night.one_pass import Pass
from hippolyte.night.probe import may_begin
from hippolyte.night.raise_table import is_taken_by_another_run
from hippolyte.planning.plan import NATIVE, parts_of
from hippolyte.record_form import iso
from hippolyte.records.ledger import STARTED, BatchEntry, BatchState
from hippolyte.records.runs import Run
from hippolyte.verdicts import Verdict

# an intent older than that is not carried out: what comes of it must be seen before it is over
_CARRIED_OUT_SECONDS = 600

RatiosOf = Callable[[Pass, Run, BatchEntry], Ratios | None]

_WAITING = (BatchState.PLANNED, BatchState.PREPARING, BatchState.RAISING)


def launch(p: Pass, run: Run) -> None:
    """Bring the batches that may run one step nearer to running."""
    if run.ledger.cancelled or clock.now() >= run.plan.deadline:
        _give_up(p, run)
        return
    _prepare(p, run)
    _drop_withdrawn(p, run)
    # the two ways to raise
    if p.engine.raises_per_job:
        if _start(p, run, raise_in_turn.ratios):
            # what was started is on record before raises take their time
            p.runs.save(run)
        raise_in_turn.add(p, run)
    else:
        _start(p, run, raise_together.ratios)


def _prepare(p: Pass, run: Run) -> None:
    chosen = _choose(p, run)
    for batch in chosen:
        batch.set_intent(BatchState.PREPARING, p.me, clock.now())
    p.runs.save(run)
    for batch in chosen:
        if p.time_is_short:
            batch.state = BatchState.PLANNED
            continue
        try:
            # the plain share: a raised ratio is put only when the table is seen raised
            batch.handle = dict(p.engine_of(batch).prepare(launch_of(p, run, batch, _plain(batch))))
        except EngineError as error:
            _refused(p, run, batch, error)
            continue
        batch.state, batch.prepared_at, batch.error = BatchState.RAISING, iso(clock.now()), ""


def _drop_withdrawn(p: Pass, run: Run) -> None:
    """Tables whose capacity a person has given back meanwhile are not started any more."""
    for batch in run.ledger.open_batches:
        runs = batch.state is BatchState.RUNNING
        # one that is being prepared may have a pipeline nobody knows of yet
        if not runs and batch.state not in (BatchState.PLANNED, BatchState.RAISING):
            continue
        entries = [(j, e) for _, j, e in run.ledger.table_entries(batch) if e.verdict is None]
        dropped = [
            (job, entry)
            for job, entry in entries
            if entry.withdrawn and (not runs or job.table in batch.waiting)
        ]
        for _, entry in dropped:
            entry.close(Verdict.FAILED, f"not started: {entry.withdrawn}")
        if runs:
            # the engine has not been told of them
            for job, entry in dropped:
                batch.waiting.remove(job.table)
                entry.outcome = "cancelled"
        elif dropped:
            if batch.handle:
                p.engine_of(batch).clean_up(batch.handle)
            batch.state = BatchState.CLOSED
            if others := [job for job, entry in entries if entry.verdict is None]:
                run.ledger.add_batch(others)


def _plain(batch: BatchEntry) -> Ratios:
    return [job.plain_ratio for job in batch.jobs]


def _choose(p: Pass, run: Run) -> list[BatchEntry]:
    """Return the batches that may be prepared now: their timeline is free, and so is a cluster."""
    now = clock.now()
    busy: set[int] = set()
    waiting: list[BatchEntry] = []
    for batch in run.ledger.batches.values():
        if batch.state is BatchState.CLOSED:
            continue
        over = batch.state is BatchState.PREPARING and not batch.intent_is_anothers(p.me, now)
        if batch.state is BatchState.PLANNED or over:
            waiting.append(batch)
        else:
            busy.add(batch.timeline)
    hosts = sum(
        b.workers
        for b in run.ledger.batches.values()
        if b not in waiting
        and (b.state in STARTED or b.state in (BatchState.RAISING, BatchState.PREPARING))
    )
    free = (run.plan.at_once or p.host.at_once) - hosts
    if (few := may_begin(p, run.ledger)) is not None:
        free = min(free, few)
    chosen: list[BatchEntry] = []
    for batch in waiting:
        if batch.engine == NATIVE:
            # no host of ours
            batch.workers = 0
            chosen.append(batch)
        elif batch.timeline not in busy and free > 0:
            busy.add(batch.timeline)
            batch.workers = min(parts_of(batch.jobs), free)
            free -= batch.workers
            chosen.append(batch)
    return chosen


def _refused(p: Pass, run: Run, batch: BatchEntry, error: EngineError) -> None:
    """The engine did not take a batch: wait, try again, or fail those at fault."""
    batch.state, batch.error, batch.handle = BatchState.PLANNED, str(error), error.handle
    if isinstance(error, DefinitionError):
        guilty = {batch.jobs[n].table: text for n, text in error.by_job.items()}
        for _, job, entry in run.ledger.table_entries(batch):
            if not guilty or job.table in guilty:
                entry.close(Verdict.FAILED, guilty.get(job.table, str(error)))
        innocent = [j for _, j, e in run.ledger.table_entries(batch) if e.verdict is None]
        batch.state = BatchState.CLOSED
        if innocent:
            run.ledger.add_batch(innocent)
    elif not isinstance(error, LimitError):
        batch.refusals += 1
        if batch.refusals >= REFUSALS:
            _discard(p, run, batch, Verdict.FAILED, str(error))


def _start(p: Pass, run: Run, ratios_of: RatiosOf) -> bool:
    """Start the batches that have all their ratios; False if there is none."""
    ready = {
        batch.batch_id: ratios
        for batch in list(run.ledger.batches.values())
        if batch.state is BatchState.RAISING
        and not p.time_is_short
        and (ratios := _ratios(p, run, batch, ratios_of)) is not None
    }
    for batch_id, ratios in ready.items():
        batch = run.ledger.batches[batch_id]
        batch.set_intent(BatchState.STARTING, p.me, clock.now())
        batch.waiting = []
        entries, outputs = run.ledger.table_entries(batch), launch_of(p, run, batch, ratios).outputs
        for (number, job, entry), ratio in zip(entries, ratios, strict=True):
            entry.exporting = ratio is not None
            if ratio is None:
                batch.waiting.append(job.table)
            entry.attempt = batch.attempts[job.table]
            entry.tries += 1
            entry.location = outputs[number]
    p.runs.save(run)
    for batch_id, ratios in ready.items():
        batch = run.ledger.batches[batch_id]
        if since(batch.intent_at, clock.now()) >= _CARRIED_OUT_SECONDS:
            run.ledger.not_started(batch)
            continue
        # without an answer it stays in STARTING, and is looked for when the intent is old
        with p.apart(f"batch {batch_id} of run {run.plan.run_id} may or may not be started"):
            try:
                told = launch_of(p, run, batch, ratios)
                # it was prepared with the plain share of each
                if None not in ratios and ratios != _plain(batch):
                    batch.handle = dict(p.engine_of(batch).prepare(told))
                p.engine_of(batch).start(batch.handle, told)
            except EngineError as error:
                _not_started(p, run, batch, error)
                continue
            batch.state, batch.started_at = BatchState.RUNNING, iso(clock.now())
    return bool(ready)


def _ratios(p: Pass, run: Run, batch: BatchEntry, ratios_of: RatiosOf) -> Ratios | None:
    """Return a batch's ratios, None if it is to wait; a native export reads no capacity."""
    return _plain(batch) if batch.engine == NATIVE else ratios_of(p, run, batch)


def _not_started(p: Pass, run: Run, batch: BatchEntry, error: EngineError) -> None:
    run.ledger.not_started(batch)
    batch.error = str(error)
    if not isinstance(error, LimitError):
        batch.refusals += 1
        if batch.refusals >= REFUSALS or isinstance(error, DefinitionError):
            _discard(p, run, batch, Verdict.FAILED, str(error))


def _discard(p: Pass, run: Run, batch: BatchEntry, verdict: Verdict, reason: str) -> None:
    if batch.state is BatchState.PREPARING and not batch.handle:
        # an invocation died over it: asked for again it is the same one, and can be removed
        try:
            batch.handle = dict(p.engine_of(batch).prepare(launch_of(p, run, batch, _plain(batch))))
        except EngineError as error:
            batch.handle = error.handle
    if batch.handle:
        p.engine_of(batch).clean_up(batch.handle)
    run.ledger.fail_batch(batch, verdict, reason)


def _give_up(p: Pass, run: Run) -> None:
    """The run is cancelled, or its deadline has passed: what has not been started will not be."""
    cancelled = run.ledger.cancelled
    # it waited for a cluster that works, not for its turn
    held_up = may_begin(p, run.ledger) is not None
    for batch in run.ledger.open_batches:
        if batch.state in _WAITING and not batch.intent_is_anothers(p.me, clock.now()):
            verdict = Verdict.FAILED if batch.error or cancelled or held_up else Verdict.TIMED_OUT
            why = (
                cancelled
                or batch.error
                or _waited_for(p, run, batch)
                or "not started before the deadline"
            )
            errors = [e for _, _, t in run.ledger.table_entries(batch) for e in t.errors[-1:]]
            _discard(p, run, batch, verdict, why if not errors else f"{why}; before: {errors[0]}")


def _waited_for(p: Pass, run: Run, batch: BatchEntry) -> str:
    for _, job, _ in run.ledger.table_entries(batch):
        if is_taken_by_another_run(p, run, job):
            return f"waited for an earlier run that has not done with {job.table}"
    return ""
