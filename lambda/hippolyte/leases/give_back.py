"""Giving a lease back: exactly what was raised, and only where the table is still ours."""

from __future__ import annotations

from datetime import datetime, timedelta

from botocore.exceptions import ClientError

from hippolyte import clock
from hippolyte.errors import ConflictError, passes
from hippolyte.leases.book import Leases
from hippolyte.leases.lease import Held, Lease, LeaseState, Step
from hippolyte.record_form import iso, when
from hippolyte.tables.autoscaling import ReadScaling
from hippolyte.tables.table import Table

_CLOCKS_DIFFER = timedelta(minutes=5)

NEVER_RAISED = "never raised"
"""The note of a lease whose raise was refused, or never made."""


def give_back(leases: Leases, held: Held, ended: datetime | None = None) -> bool:
    """Move a lease one step towards released; True when it is. The export must be dead.

    Lowers only where the table is still ours: the same table, at the capacity we set. `ended`
    is when the export ended (None: it never ran): its reads are not the application's.
    """
    step, why, table = next_step(leases, held)
    if step is Step.LOWER:
        assert table is not None
        return _lower(leases, held, table, ended)
    if step is Step.RESTORE:
        return _restore(leases, held, why)
    return step is Step.RELEASE and _release(leases, held, why)


def next_step(leases: Leases, held: Held) -> tuple[Step, str, Table | None]:
    """Look what giving a lease back does next: (step, why, the table); changes nothing."""
    lease = held.lease
    if not leases.settled(lease):
        return Step.WAIT, _unsettled(lease), None
    table = leases.describe(lease.table)
    if table is None or table.table_id != lease.table_id:
        why = "the table is gone or was recreated: nothing to lower"
        return Step.RELEASE, why, table
    if table.status != "ACTIVE":
        return Step.WAIT, f"the table is {table.status}", table
    if table.on_demand:
        return Step.RESTORE, "switched to on-demand by somebody: that stands", table
    capacity = table.read_capacity
    if lease.state is not LeaseState.INTENDED and capacity in (lease.before, lease.lower_to):
        return Step.RESTORE, "", table
    if capacity in (lease.before, lease.target) and not leases.intent_has_expired(lease):
        return Step.WAIT, "another invocation may be about to change it", table
    if capacity == lease.before:
        return Step.RESTORE, NEVER_RAISED, table
    if capacity == lease.target:
        return Step.LOWER, "", table
    if capacity > lease.target and lease.scale_in_suspended is not None:
        return Step.RESTORE, "the application scaled out: scale-in is resumed", table
    return Step.RESTORE, f"somebody set its read capacity to {capacity}: that stands", table


def _unsettled(lease: Lease) -> str:
    if when(lease.intent_at) - clock.now() <= _CLOCKS_DIFFER:
        return "its last change may not be seen yet"
    return (
        f"its last change is noted at {lease.intent_at}, which is to come: one of the clocks is "
        "wrong, and nothing is done before"
    )


def goal(leases: Leases, lease: Lease, ended: datetime | None) -> int:
    """Return the capacity a raised table is lowered to, in read capacity units per second."""
    scaling = ReadScaling(leases.clients)
    if lease.scale_in_suspended is None or not (target := scaling.target(lease.table)):
        return lease.before
    needed = scaling.needed(lease.table, lease.rate, ended, clock.now())
    return min(lease.target, max(lease.before, target.min_capacity, needed))


def _lower(leases: Leases, held: Held, table: Table, ended: datetime | None) -> bool:
    lower_to = goal(leases, held.lease, ended)
    if lower_to == table.read_capacity:
        why = f"the application needs its {lower_to} units: scale-in resumes"
        return _restore(leases, held, why)
    leases.write(
        held,
        state=LeaseState.LOWERING,
        lower_to=lower_to,
        intent_at=iso(clock.now()),
        intent_by=leases.me,
        # of the last try alone: `intent_at` is when that was
        note="",
    )
    try:
        if not leases.set_capacity(held, table, lower_to):
            leases.write(held, intent_by="")
    except ClientError as error:
        leases.write(held, intent_by="", note=f"not lowered yet: {error}")
        # the decreases of the day are used up, or somebody is changing it: stays open
        if not passes(error) and error.response["Error"]["Code"] != "LimitExceededException":
            raise
    return False


def _restore(leases: Leases, held: Held, note: str) -> bool:
    lease = held.lease
    if lease.scale_in_suspended is False:
        scaling = ReadScaling(leases.clients)
        target = scaling.target(lease.table)
        if target and target.suspended[0]:
            _confirm(leases, held)
            scaling.set_scale_in_suspended(lease.table, target, False)
    return _release(leases, held, note)


def _confirm(leases: Leases, held: Held) -> None:
    """Look whether the lease is as it was read: no other run may have taken it meanwhile."""
    key = leases.key(held.lease.table)
    found = leases.store.read(key)
    if found is None or found[1] != held.etag:
        raise ConflictError(f"{key} was written by another invocation")


def _release(leases: Leases, held: Held, note: str) -> bool:
    leases.write(held, state=LeaseState.RELEASED, note=note)
    return True
