"""Gives capacity back as the monitor does, with the monitor's own parts, one round at a time.

The order makes it safe beside a living Lambda: a table is first marked as withdrawn in its run's
ledger, by compare-and-swap, so that nobody starts an export of it any more; then its lease moves.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.errors import ConflictError, HippolyteError
from hippolyte.leases.give_back import goal, next_step
from hippolyte.leases.lease import Held, Lease, LeaseState, Step
from hippolyte.night.follow import cancel, follow_batch, look
from hippolyte.night.one_pass import Pass
from hippolyte.night.sight import set_apart, unseen
from hippolyte.night.sweep import lost_until, sweep, sweep_lost
from hippolyte.record_form import iso, when
from hippolyte.records.ledger import BatchEntry, BatchState, TableEntry
from hippolyte.records.places import Place
from hippolyte.records.runs import Run, is_open
from hippolyte_cli.troubles import remedied

WITHDRAWN = "its capacity was given back by `hippolyte release`"
_READ_ELSEWHERE = "nothing while an export of another place's run reads it: wait"
_CANCELLED = "cancelled by `hippolyte release --cancel`"


class Export(StrEnum):
    """Whether a lease's export reads its table."""

    NONE = "never began"
    OVER = "over"
    ALIVE = "alive"
    UNSURE = "may be alive"

    @property
    def dead(self) -> bool:
        """Whether the table may be lowered."""
        return self in (Export.NONE, Export.OVER)


@dataclass(frozen=True, slots=True)
class Row:
    """One lease after a round: its export, and what was or would be done, or why nothing."""

    lease: Lease
    since: str
    export: Export
    said: str
    # waiting alone will not help
    final: bool = False
    # the place of the lease; empty: the deployment's present one
    place: str = ""

    @property
    def name(self) -> str:
        """The table, and where its lease lies if it is not the present place."""
        return self.lease.table + (f" ({self.place})" if self.place else "")

    @property
    def left(self) -> bool:
        """Whether the lease is still open."""
        return not self.lease.released


@dataclass(slots=True)
class Releases:
    """All open leases of a deployment, in whatever place; see `Release`.

    `unseen` says, of the last round, what cannot be read, and what to do about it.
    """

    here: Release
    others: list[Release]
    # the record of places cannot be read
    unknown: list[str]
    unseen: list[str] = field(default_factory=list)

    def round(self) -> list[Row]:
        """Take one step for every open lease; what fails where nothing else is open is raised."""
        rows = self._round()
        self.unseen += self.here.p.leases.damaged.values()
        return rows

    def _round(self) -> list[Row]:
        self.unseen = list(self.unknown)
        if self.others:
            self._set_apart()
        rows: list[Row] = []
        for other in self.others:
            place = Place.of(other.p.settings)
            try:
                rows += [replace(row, place=place.url) for row in other.round()]
            except (HippolyteError, ClientError, BotoCoreError) as error:
                self.unseen.append(unseen(place, error))
        try:
            return self.here.round() + rows
        except (HippolyteError, ClientError, BotoCoreError) as error:
            if not rows:
                raise
            self.unseen.append(f"{Place.of(self.here.p.settings).url}: {remedied(error)}")
            return rows

    def _set_apart(self) -> None:
        runs: list[tuple[Pass, list[str]]] = []
        for task in (self.here, *self.others):
            # a place that cannot be read is told by its own round
            with suppress(ClientError, BotoCoreError):
                recent = task.p.runs.recent(clock.now())
                runs.append((task.p, [run for run, names in recent.items() if is_open(names)]))
        set_apart(runs)


@dataclass(slots=True)
class Release:
    """All open leases of one place, moved a step each round."""

    p: Pass
    cancel: bool = False
    dry: bool = False
    # the tables whose leases were moved here
    tried: set[str] = field(default_factory=set)

    def round(self) -> list[Row]:
        """Take one step for every open lease; return what became of each."""
        leases: dict[str, dict[str, Held]] = {}
        for name, held in sorted(self.p.leases.all_open().items()):
            leases.setdefault(held.lease.run_id, {})[name] = held
        return [row for run_id in sorted(leases) for row in self._run(run_id, leases[run_id])]

    def _run(self, run_id: str, leases: dict[str, Held]) -> list[Row]:
        try:
            run = self.p.runs.open(run_id)
            if run is None:
                return [self._lost(run_id, held) for held in leases.values()]
            self.p.follow(run)
            is_closed = self.p.runs.is_closed(run_id)
            troubles = {} if is_closed else self._follow(run, leases)
            if not self.dry and not is_closed:
                self._withdraw(run, leases)
                self.p.runs.save(run)
            rows = [self._move(run, held, troubles) for held in leases.values()]
            if not self.dry and not is_closed:
                self.p.runs.save(run)
            return rows
        except ConflictError:
            why = "another invocation is at work on it"
        except (HippolyteError, ClientError, BotoCoreError) as error:
            why = remedied(error)
        return [Row(h.lease, h.lease.intent_at, Export.UNSURE, why) for h in leases.values()]

    def _follow(self, run: Run, leases: dict[str, Held]) -> dict[str, str]:
        """Look how the leases' batches are; return trouble by batch."""
        troubles: dict[str, str] = {}
        concerned = {e.batch_id for n, e in run.ledger.tables.items() if n in leases}
        for batch in run.ledger.open_batches:
            if batch.batch_id not in concerned:
                continue
            try:
                self._follow_batch(run, batch, leases)
            except (ClientError, BotoCoreError) as error:
                troubles[batch.batch_id] = remedied(error)
        return troubles

    def _follow_batch(self, run: Run, batch: BatchEntry, leases: dict[str, Held]) -> None:
        if not self.cancel or self.dry:
            look(self.p, run, batch)
            return
        if batch.state in (BatchState.CANCELLING, BatchState.ENDING):
            follow_batch(self.p, run, batch)
            return
        status = look(self.p, run, batch)
        # a pipeline that is stopped before its instances exist would never say that they are dead
        seen = status is not None and status.jobs
        if seen and batch.state is BatchState.RUNNING and leases.keys() & _read(run, batch):
            cancel(self.p, batch, _CANCELLED)

    def _withdraw(self, run: Run, leases: dict[str, Held]) -> None:
        """Mark the tables that may be given back, or will be once their batch is cancelled."""
        for name in leases:
            entry = run.ledger.tables.get(name)
            if entry is None or entry.verdict:
                continue
            batch = run.ledger.batches.get(entry.batch_id or "")
            ends = self.cancel and batch is not None and batch.state is BatchState.CANCELLING
            if ends or not entry.exporting:
                entry.withdrawn = WITHDRAWN

    def _move(self, run: Run, held: Held, troubles: dict[str, str]) -> Row:
        name = held.lease.table
        entry = run.ledger.tables.get(name)
        batch = run.ledger.batches.get(entry.batch_id or "") if entry else None
        since = (entry.raised_at if entry else None) or held.lease.intent_at
        export, said, final = self._export(run, held, entry, batch, troubles)
        if export.dead:
            ended = when(entry.finished_at) if entry and entry.finished_at else None
            said = self._step(run, held, ended)
        return Row(held.lease, since, export, said, final)

    def _export(
        self,
        run: Run,
        held: Held,
        entry: TableEntry | None,
        batch: BatchEntry | None,
        troubles: dict[str, str],
    ) -> tuple[Export, str, bool]:
        """Say whether an export reads the table: (how it is, why nothing is done, for good)."""
        if entry is None or batch is None or not entry.exporting:
            return (Export.OVER if entry and entry.outcome else Export.NONE), "", False
        if trouble := troubles.get(batch.batch_id):
            return Export.UNSURE, f"cannot be seen: {trouble}", False
        if batch.state is BatchState.STARTING:
            return Export.UNSURE, f"{batch.intent_by} may be starting it", False
        if batch.state is BatchState.CANCELLING:
            return Export.ALIVE, f"batch {batch.batch_id} is being cancelled", False
        if held.lease.table in batch.adding:
            return Export.UNSURE, f"{batch.intent_by} may be starting it", False
        others = len(_read(run, batch) | set(batch.waiting)) - 1
        ends = f"end batch {batch.batch_id}" + (f", with {others} other tables," if others else "")
        if self.cancel and self.dry:
            return Export.ALIVE, f"would {ends} first, then give back", False
        if self.cancel:
            return Export.ALIVE, "just started: is cancelled when it can be seen", False
        return Export.ALIVE, f"nothing while it is read: wait, or {ends} with --cancel", True

    def _step(self, run: Run | None, held: Held, ended: datetime | None) -> str:
        """Give a lease back by a step, or look what that would be; return what is said of it."""
        lease = held.lease
        if lease.table in self.p.read_elsewhere:
            return _READ_ELSEWHERE
        step, why, _ = next_step(self.p.leases, held)
        if self.dry:
            why = f"({why})" if why else ""
            if step is Step.LOWER:
                why = f"from {lease.target} to {goal(self.p.leases, lease, ended)}"
            return f"would {_WOULD[step]} {why}".rstrip() + _earlier(lease)
        self.p.held, self.p.failures = {lease.table: held}, []
        if run:
            sweep(self.p, run)
        else:
            sweep_lost(self.p, lease.run_id)
        if held.lease is not lease:
            self.tried.add(lease.table)
        # of a lost run, that it is raised still is no failure
        failures = self.p.failures if run else []
        return _told(held.lease, failures, why, lease.table in self.tried)

    def _lost(self, run_id: str, held: Held) -> Row:
        lease = held.lease
        until = lost_until(lease)
        if clock.now() < until:
            why = f"run {run_id} has no plan any more: an export may live until {iso(until)}"
            return Row(lease, lease.intent_at, Export.UNSURE, why, final=True)
        if lease.table in self.p.read_elsewhere:
            return Row(lease, lease.intent_at, Export.ALIVE, _READ_ELSEWHERE)
        said = self._step(None, held, until)
        return Row(held.lease, lease.intent_at, Export.OVER, said)


_WOULD: dict[Step, str] = {
    Step.WAIT: "wait",
    Step.LOWER: "lower it",
    Step.RESTORE: "leave its capacity and put scale-in back as it was",
    Step.RELEASE: "close the lease",
}


def _told(lease: Lease, failures: list[Exception], why: str, mine: bool) -> str:
    """Say what became of a lease; `mine`: its last change is of this command."""
    if lease.released:
        return "given back" + (f": {lease.note}" if lease.note else "")
    if failures:
        return f"failed: {failures[0]}"
    if mine and lease.note:
        return lease.note
    if lease.state is LeaseState.LOWERING and not lease.note:
        return f"is being lowered to {lease.lower_to}" + ("" if mine or not why else f" ({why})")
    return why + _earlier(lease)


def _earlier(lease: Lease) -> str:
    """Return why another's last try to lower the table failed, to be said after what is now."""
    return f"; the last try, at {lease.intent_at}: {lease.note}" if lease.note else ""


def _read(run: Run, batch: BatchEntry) -> set[str]:
    """Return the tables that a batch reads or is going to read."""
    tables = run.ledger.tables
    return {n for n, e in tables.items() if e.batch_id == batch.batch_id and e.exporting}
