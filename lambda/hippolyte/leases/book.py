"""Capacity leases: a raise is recorded before it is made, and exactly that is given back.

One object a table, never deleted; it moves by compare-and-swap through intended, raised, lowering,
released. DescribeTable is eventually consistent, so a table is judged only when it is ACTIVE and
the last intent is two minutes old.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hippolyte import clock
from hippolyte.errors import ConflictError, passes
from hippolyte.leases.lease import Held, Lease, LeaseState, Raise, Step
from hippolyte.planning.plan import Job
from hippolyte.planning.sizing import raised_capacity, ratio, reachable_rate
from hippolyte.record_form import iso, when
from hippolyte.records.intents import INTENT_LIFE
from hippolyte.tables.autoscaling import ReadScaling
from hippolyte.tables.discovery import table_of
from hippolyte.tables.table import Scaling, Table

if TYPE_CHECKING:
    from hippolyte.clients import Clients
    from hippolyte.settings import Settings
    from hippolyte.store import Store

_SETTLED = timedelta(minutes=2)
# an intent older than that is not carried out: others are about to take it for over
_CARRIED_OUT = INTENT_LIFE - timedelta(minutes=1)

# (bucket, key) -> etag of leases seen released: they are never deleted, and a night that raises
# thousands of tables would leave thousands to be read again at each pass
_released: dict[tuple[str, str], str] = {}


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases of a deployment, as one invocation (`me`) sees and moves them."""

    clients: Clients
    store: Store
    settings: Settings
    me: str

    def key(self, table: str) -> str:
        """Return the key of a table's lease."""
        return self.settings.place("leases", f"{table}.json")

    def all_open(self) -> dict[str, Held]:
        """Return the open leases by table; reads what this process has not seen released."""
        found: dict[str, Held] = {}
        for name, etag in self.store.listed(self.settings.place("leases", "")):
            key = self.settings.place("leases", name)
            if _released.get((self.store.bucket, key)) == etag:
                continue
            read = self.store.read(key)
            if read and (lease := Lease.from_record(read[0])).state is not LeaseState.RELEASED:
                found[lease.table] = Held(lease, read[1])
            elif read:
                _released[self.store.bucket, key] = read[1]
        return found

    def take(
        self, job: Job, run_id: str, expiry: datetime, held: Held | None
    ) -> tuple[Raise, Held | None, str]:
        """Move a job's raise one step: (what became of it, the lease, why it was refused)."""
        table = self.describe(job.table)
        if table is None or table.table_id != job.table_id or not table.exportable:
            return Raise.REFUSED, held, "the table is gone, recreated or not exportable"
        if held is None:
            return self._begin(job, table, run_id, expiry)
        lease = held.lease
        if table.on_demand:
            return Raise.REFUSED, held, "switched to on-demand"
        if table.status != "ACTIVE" or lease.state is LeaseState.LOWERING:
            # what is being given back is raised again when it is released
            return Raise.PENDING, held, ""
        if table.read_capacity == lease.target:
            if lease.state is LeaseState.INTENDED:
                self._write(held, state=LeaseState.RAISED)
            return Raise.READY, held, ""
        if lease.state is LeaseState.INTENDED and table.read_capacity == lease.before:
            if not self._intent_is_over(lease):
                return Raise.PENDING, held, ""
            self._write(held, intent_at=iso(clock.now()), intent_by=self.me)
            return self._raise(held, table)
        return Raise.REFUSED, held, f"somebody set its read capacity to {table.read_capacity}"

    def give_back(self, held: Held, ended: datetime | None = None) -> bool:
        """Move a lease one step towards released; True when it is. The export must be dead.

        Lowers only where the table is still ours: the same table, at the capacity we set. `ended`
        is when the export ended (None: it never ran): its reads are not the application's.
        """
        step, why, table = self.next_step(held)
        if step is Step.LOWER:
            assert table is not None
            return self._lower(held, table, ended)
        if step is Step.RESTORE:
            return self._restore(held, why)
        return step is Step.RELEASE and self._release(held, why)

    def next_step(self, held: Held) -> tuple[Step, str, Table | None]:
        """Look what giving a lease back does next: (step, why, the table); changes nothing."""
        lease = held.lease
        if not self._settled(lease):
            return Step.WAIT, "its last change may not be seen yet", None
        table = self.describe(lease.table)
        if table is None or table.table_id != lease.table_id:
            why = "the table is gone or was recreated: nothing to lower"
            return Step.RELEASE, why, table
        if table.status != "ACTIVE":
            return Step.WAIT, f"the table is {table.status}", table
        if table.on_demand:
            return Step.RESTORE, "switched to on-demand by somebody: that stands", table
        capacity = table.read_capacity
        if lease.state is not LeaseState.INTENDED and capacity in (lease.before, lease.lower_to):
            return Step.RESTORE, lease.note, table
        if capacity in (lease.before, lease.target) and not self._intent_is_over(lease):
            return Step.WAIT, "another invocation may be about to change it", table
        if capacity == lease.before:
            return Step.RESTORE, "never raised", table
        if capacity == lease.target:
            return Step.LOWER, "", table
        if capacity > lease.target and lease.scale_in_suspended is not None:
            return Step.RESTORE, "the application scaled out: scale-in is resumed", table
        return Step.RESTORE, f"somebody set its read capacity to {capacity}: that stands", table

    def goal(self, lease: Lease, ended: datetime | None) -> int:
        """Return the capacity a raised table is lowered to, in read capacity units per second."""
        scaling = ReadScaling(self.clients)
        if lease.scale_in_suspended is None or not (target := scaling.target(lease.table)):
            return lease.before
        needed = scaling.needed(lease.table, lease.rate, ended, clock.now())
        return min(lease.target, max(lease.before, target.min_capacity, needed))

    def describe(self, name: str) -> Table | None:
        """Describe a table now; None if it is gone."""
        try:
            return table_of(self.clients.dynamodb.describe_table(TableName=name)["Table"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise

    def _begin(
        self, job: Job, table: Table, run_id: str, expiry: datetime
    ) -> tuple[Raise, Held | None, str]:
        if table.status != "ACTIVE":
            return Raise.PENDING, None, ""
        target = ReadScaling(self.clients).target(job.table)
        raise_to = self._raise_to(job, table, target)
        if raise_to is None:
            return Raise.REFUSED, None, "its capacity was changed since the night was planned"
        if target and raise_to > target.max_capacity:
            return Raise.REFUSED, None, "its scaling target's maximum was lowered"
        if target and table.read_capacity < target.min_capacity:
            # suspending scale-in would pull it up to there, and nobody could give that back
            return Raise.REFUSED, None, "its capacity is below its scaling target's minimum"
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
            intent_by=self.me,
        )
        held = self._record(lease)
        if held is None:
            return Raise.PENDING, None, ""
        return self._raise(held, table)

    def _raise_to(self, job: Job, table: Table, target: Scaling | None) -> int | None:
        """Return what to raise to; None if the table is not as planned, and must be left alone.

        Between plan and raise an autoscaled table moves by itself: the same rate is put on top of
        the application's part of what it has now.
        """
        if table.on_demand or job.raise_to is None or table.read_capacity == job.capacity:
            return None if table.on_demand else job.raise_to
        if target is None:
            return None
        wanted = raised_capacity(table.read_capacity, self.settings.consumed_fraction, job.rate)
        bounds = [wanted, target.max_capacity]
        if self.settings.max_read_capacity is not None:
            bounds.append(self.settings.max_read_capacity)
        return min(bounds) if min(bounds) > table.read_capacity else None

    def ratio(self, job: Job, lease: Lease) -> float:
        """Return the ratio of a job whose table is at the lease's target."""
        if (lease.before, lease.target) == (job.capacity, job.raise_to):
            return job.ratio
        share = self.settings.consumed_fraction
        return ratio(min(job.rate, reachable_rate(lease.before, share, lease.target)), lease.target)

    def _record(self, lease: Lease) -> Held | None:
        """Write a new lease over a released one; None if an open one is in the way."""
        key = self.key(lease.table)
        found = self.store.read(key)
        if found is None:
            etag = self.store.create(key, asdict(lease))
            return Held(lease, etag) if etag else None
        if Lease.from_record(found[0]).state is not LeaseState.RELEASED:
            return None
        return Held(lease, self.store.replace(key, asdict(lease), found[1]))

    def _raise(self, held: Held, table: Table) -> tuple[Raise, Held, str]:
        lease = held.lease
        scaling = ReadScaling(self.clients)
        try:
            if lease.scale_in_suspended is False and (target := scaling.target(lease.table)):
                scaling.set_scale_in_suspended(lease.table, target, True)
            changed = self._update(held, table, lease.target)
        except ClientError as error:
            if not passes(error):
                return Raise.REFUSED, held, str(error)
            changed = False
        if not changed:
            self._write(held, intent_by="")
        return Raise.PENDING, held, ""

    def _lower(self, held: Held, table: Table, ended: datetime | None) -> bool:
        goal = self.goal(held.lease, ended)
        if goal == table.read_capacity:
            return self._restore(held, f"the application needs its {goal} units: scale-in resumes")
        self._write(
            held,
            state=LeaseState.LOWERING,
            lower_to=goal,
            intent_at=iso(clock.now()),
            intent_by=self.me,
        )
        try:
            if not self._update(held, table, goal):
                self._write(held, intent_by="")
        except ClientError as error:
            self._write(held, intent_by="", note=f"not lowered yet: {error}")
            # the decreases of the day are used up, or somebody is changing it: stays open
            if not passes(error) and error.response["Error"]["Code"] != "LimitExceededException":
                raise
        return False

    def _update(self, held: Held, judged: Table, capacity: int) -> bool:
        """Set the read capacity; False if the table is not any more what it was judged as.

        Or if that was long ago: a laptop may sleep until the next night has raised the table. The
        write capacity is echoed as it is at this moment: a change of it takes longer than the time
        between the two calls, and keeps UpdateTable out.
        """
        table = self.describe(judged.name)
        if clock.now() - when(held.lease.intent_at) >= _CARRIED_OUT:
            return False
        if table is None or replace(judged, write_capacity=table.write_capacity) != replace(
            table, size_bytes=judged.size_bytes, item_count=judged.item_count
        ):
            return False
        self.clients.dynamodb_once.update_table(
            TableName=table.name,
            ProvisionedThroughput={
                "ReadCapacityUnits": capacity,
                "WriteCapacityUnits": table.write_capacity,
            },
        )
        return True

    def _restore(self, held: Held, note: str) -> bool:
        lease = held.lease
        if lease.scale_in_suspended is False:
            scaling = ReadScaling(self.clients)
            target = scaling.target(lease.table)
            if target and target.suspended[0]:
                self._confirm(held)
                scaling.set_scale_in_suspended(lease.table, target, False)
        return self._release(held, note)

    def _confirm(self, held: Held) -> None:
        """Look whether the lease is as it was read: no other run may have taken it meanwhile."""
        key = self.key(held.lease.table)
        found = self.store.read(key)
        if found is None or found[1] != held.etag:
            raise ConflictError(f"{key} was written by another invocation")

    def _release(self, held: Held, note: str) -> bool:
        self._write(held, state=LeaseState.RELEASED, note=note)
        return True

    def _write(self, held: Held, **changes: Any) -> None:
        lease = replace(held.lease, **changes)
        held.etag = self.store.replace(self.key(lease.table), asdict(lease), held.etag)
        held.lease = lease

    def _settled(self, lease: Lease) -> bool:
        """Say whether DescribeTable may be believed about the last change."""
        return clock.now() - when(lease.intent_at) >= _SETTLED

    def _intent_is_over(self, lease: Lease) -> bool:
        """Say whether nobody is still about to carry out the lease's intent."""
        if lease.state is LeaseState.RAISED or lease.intent_by in ("", self.me):
            return self._settled(lease)
        return clock.now() - when(lease.intent_at) >= INTENT_LIFE
