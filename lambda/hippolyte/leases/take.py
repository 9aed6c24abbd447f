"""Taking a lease: the raise is on record before it is made, and judged when it may be seen."""

from __future__ import annotations

from datetime import datetime

from botocore.exceptions import ClientError

from hippolyte import clock
from hippolyte.errors import passes
from hippolyte.leases.book import Leases
from hippolyte.leases.lease import Held, Lease, LeaseState, Raise
from hippolyte.planning import sizing
from hippolyte.planning.plan import Job
from hippolyte.record_form import iso
from hippolyte.share import reachable_rate
from hippolyte.tables.autoscaling import ACTION_IS_DUE, ReadScaling
from hippolyte.tables.table import Scaling, Table


def take(
    leases: Leases, job: Job, run_id: str, expiry: datetime, held: Held | None
) -> tuple[Raise, Held | None, str]:
    """Move a job's raise one step: (what became of it, the lease, why it was refused)."""
    table = leases.describe(job.table)
    if table is None or table.table_id != job.table_id or not table.exportable:
        return Raise.REFUSED, held, "the table is gone, recreated or not exportable"
    if held is None and leases.may_be_raised(job.table):
        return Raise.REFUSED, None, "its lease cannot be read, and it may be raised already"
    if held is None:
        return _begin(leases, job, table, run_id, expiry)
    lease = held.lease
    if table.on_demand:
        return Raise.REFUSED, held, "switched to on-demand"
    if table.status != "ACTIVE" or lease.state is LeaseState.LOWERING:
        # what is being given back is raised again when it is released
        return Raise.PENDING, held, ""
    if table.read_capacity == lease.target:
        if lease.state is LeaseState.INTENDED:
            leases.write(held, state=LeaseState.RAISED)
        return Raise.READY, held, ""
    if lease.state is LeaseState.INTENDED and table.read_capacity == lease.before:
        if not leases.intent_has_expired(lease):
            return Raise.PENDING, held, ""
        leases.write(held, intent_at=iso(clock.now()), intent_by=leases.me)
        return _raise(leases, held, table)
    return Raise.REFUSED, held, f"somebody set its read capacity to {table.read_capacity}"


def raised_ratio(leases: Leases, job: Job, lease: Lease) -> float:
    """Return the ratio of a job whose table is at the lease's target."""
    if (lease.before, lease.target) == (job.capacity, job.raise_to):
        return job.ratio
    share = leases.settings.consumed_fraction
    reachable = reachable_rate(lease.before, share, lease.target)
    return sizing.ratio(min(job.rate, reachable), lease.target)


def _begin(
    leases: Leases, job: Job, table: Table, run_id: str, expiry: datetime
) -> tuple[Raise, Held | None, str]:
    if table.status != "ACTIVE":
        return Raise.PENDING, None, ""
    scaling = ReadScaling(leases.clients)
    target = scaling.target(job.table)
    raise_to = _raise_to(leases, job, table, target)
    if raise_to is None:
        return Raise.REFUSED, None, "its capacity was changed since the night was planned"
    if target and raise_to > target.max_capacity:
        return Raise.REFUSED, None, "its scaling target's maximum was lowered"
    if target and table.read_capacity < target.min_capacity:
        # suspending scale-in would pull it up to there, and nobody could give that back
        return Raise.REFUSED, None, "its capacity is below its scaling target's minimum"
    if target and scaling.is_about_to_move(job.table, clock.now(), expiry):
        return Raise.REFUSED, None, ACTION_IS_DUE
    lease = Lease(
        table=job.table,
        table_id=job.table_id,
        run_id=run_id,
        state=LeaseState.INTENDED,
        before=table.read_capacity,
        target=raise_to,
        rate=job.rate,
        scale_in_suspended=target.suspended[0] if target else None,
        expiry=iso(expiry),
        intent_at=iso(clock.now()),
        intent_by=leases.me,
    )
    held = leases.record(lease)
    if held is None:
        return Raise.PENDING, None, ""
    return _raise(leases, held, table)


def _raise_to(leases: Leases, job: Job, table: Table, target: Scaling | None) -> int | None:
    """Return what to raise to; None if the table is not as planned, and must be left alone.

    Between plan and raise an autoscaled table moves by itself: the same rate is put on top of
    the application's part of what it has now.
    """
    if table.on_demand or job.raise_to is None or table.read_capacity == job.capacity:
        return None if table.on_demand else job.raise_to
    if target is None:
        return None
    settings = leases.settings
    wanted = sizing.raised_capacity(table.read_capacity, settings.consumed_fraction, job.rate)
    bounds = [wanted, target.max_capacity]
    if settings.max_read_capacity is not None:
        bounds.append(settings.max_read_capacity)
    return min(bounds) if min(bounds) > table.read_capacity else None


def _raise(leases: Leases, held: Held, table: Table) -> tuple[Raise, Held, str]:
    lease = held.lease
    scaling = ReadScaling(leases.clients)
    try:
        if lease.scale_in_suspended is False and (target := scaling.target(lease.table)):
            scaling.set_scale_in_suspended(lease.table, target, True)
        changed = leases.set_capacity(held, table, lease.target)
    except ClientError as error:
        if not passes(error):
            return Raise.REFUSED, held, str(error)
        changed = False
    if not changed:
        leases.write(held, intent_by="")
    return Raise.PENDING, held, ""
