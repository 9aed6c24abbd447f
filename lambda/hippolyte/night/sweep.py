"""Gives capacity back: of a run whose exports are dead, and of runs whose records are lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from hippolyte import clock
from hippolyte.errors import ConfigurationError
from hippolyte.leases.give_back import NEVER_RAISED, give_back
from hippolyte.leases.lease import Lease
from hippolyte.night.one_pass import Pass
from hippolyte.record_form import iso, when
from hippolyte.records.ledger import TableEntry
from hippolyte.records.raised import note_given_back, note_raised
from hippolyte.records.runs import Run


def lost_until(lease: Lease) -> datetime:
    """Return from when on no export of a run whose records are gone can be alive.

    Its clusters end by themselves two hours after its deadline at the latest (`terminateAfter`),
    an hour after the leases' expiry.
    """
    return when(lease.expiry) + timedelta(hours=1)


def sweep_lost(p: Pass, run_id: str) -> None:
    """See to the leases of a run whose records are gone, when no export of it can be alive.

    Until all is given back each pass fails, so that it is known.
    """
    for name, held in list(p.held.items()):
        if held.lease.run_id != run_id:
            continue
        ended = lost_until(held.lease)
        free = clock.now() >= ended and name not in p.read_elsewhere
        if free and give_back(p.leases, held, ended):
            del p.held[name]
        else:
            p.failures.append(
                ConfigurationError(
                    f"run {run_id} has no plan any more, and {name} is still raised by it: "
                    f"its capacity is given back from {iso(ended)} on"
                )
            )


def sweep(p: Pass, run: Run) -> None:
    """Give back the run's leases whose tables have their verdict and are not read any more.

    Where raises are per job, an export that is over is enough: what its output is worth is seen
    when its log has come, and a table that must be read again is raised again in its turn.
    """
    _note_released(p, run)
    for name, held in list(p.held.items()):
        if held.lease.run_id != run.plan.run_id or p.time_is_short:
            continue
        entry = run.ledger.tables.get(name)
        if name in p.read_elsewhere:
            continue
        if entry and (entry.exporting or not _is_done_with(p, entry)):
            continue
        ended = when(entry.finished_at) if entry and entry.finished_at else None
        if entry and not entry.raised_at:
            # whoever raised it died before it was noted
            lease = held.lease
            note_raised(entry, lease.before, lease.target, lease.intent_at, known=False)
        with p.apart(f"the capacity of {name} cannot be given back"):
            if not give_back(p.leases, held, ended):
                continue
            del p.held[name]
            if entry:
                _note_given_back(run, entry, held.lease)
                if held.lease.note:
                    entry.notes.append(f"capacity: {held.lease.note}")


def _note_released(p: Pass, run: Run) -> None:
    """Note what was given back by who died before he noted it, or after the run was closed."""
    for name, entry in run.ledger.tables.items():
        if not entry.raised_at or entry.given_back_at or name in p.held:
            continue
        if p.leases.may_be_raised(name):
            continue
        with p.apart(f"the lease of {name} cannot be read"):
            lease = p.leases.read(name)
            # another run's was taken after it
            if lease and (lease.released or lease.run_id != run.plan.run_id):
                _note_given_back(run, entry, lease)


def _note_given_back(run: Run, entry: TableEntry, lease: Lease) -> None:
    never = lease.run_id == run.plan.run_id and lease.note == NEVER_RAISED
    note_given_back(entry, iso(clock.now()), never_raised=never)


def _is_done_with(p: Pass, entry: TableEntry) -> bool:
    over = p.engine.raises_per_job and entry.outcome == "succeeded"
    return over or entry.verdict is not None or bool(entry.withdrawn)
