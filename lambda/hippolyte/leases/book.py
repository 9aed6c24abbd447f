"""The leases of a deployment on S3, and what taking and giving back share.

A raise is recorded before it is made, and exactly that is given back. A lease is one object a
table, never deleted; it moves by compare-and-swap through intended, raised, lowering,
released. DescribeTable is eventually consistent, so a table is judged only when it is ACTIVE and
the last intent is two minutes old.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hippolyte import clock
from hippolyte.errors import ConfigurationError, passes
from hippolyte.leases.lease import Held, Lease, LeaseState
from hippolyte.record_form import when
from hippolyte.records.intents import INTENT_LIFE
from hippolyte.tables.discovery import table_of
from hippolyte.tables.table import Table

if TYPE_CHECKING:
    from hippolyte.clients import Clients
    from hippolyte.settings import Settings
    from hippolyte.store import Store

_log = logging.getLogger(__name__)

_SETTLED = timedelta(minutes=2)
# an intent older than that is not carried out: others are about to take it for over
_CARRIED_OUT = INTENT_LIFE - timedelta(minutes=1)

# (bucket, key) -> etag of leases seen released: they are never deleted, and a night that raises
# thousands of tables would leave thousands to be read again at each pass
_released: dict[tuple[str, str], str] = {}


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases of a deployment, as one invocation (`me`) sees and moves them.

    `take` and `give_back`, in the modules of these names, move a lease. `damaged`: what is told of
    those that cannot be read, by address and table; of all places, if there are several.
    """

    clients: Clients
    store: Store
    settings: Settings
    me: str
    damaged: dict[tuple[str, str], str] = field(default_factory=dict)

    def key(self, table: str) -> str:
        """Return the key of a table's lease."""
        return self.settings.place("leases", f"{table}.json")

    def all_open(self) -> dict[str, Held]:
        """Return the open leases by table; reads what this process has not seen released.

        One that cannot be read, or is not handed out, is noted in `damaged`, and keeps no other
        from being given back.
        """
        found: dict[str, Held] = {}
        here = f"s3://{self.store.bucket}/{self.settings.place('leases', '')}"
        for at in [at for at in self.damaged if at[0] == here]:
            del self.damaged[at]
        for name, etag in self.store.listed(self.settings.place("leases", "")):
            table = name.removesuffix(".json")
            # no table's name has a slash: somebody's copy
            if (
                table == name
                or "/" in table
                or _released.get((self.store.bucket, self.key(table))) == etag
            ):
                continue
            try:
                held = self._held(table)
            except (ConfigurationError, ClientError) as error:
                if isinstance(error, ClientError) and passes(error):
                    raise
                said = str(error)
                if isinstance(error, ClientError):
                    # the list is handed out, and this of it is not: archived, or under another key
                    said = f"s3://{self.store.bucket}/{self.key(table)}: {said}"
                told = f"{table} may be raised, and nobody gives it back: {said}"
                self.damaged[here, table] = told
                _log.error("%s", told)
                continue
            if held and not held.lease.released:
                found[table] = held
            elif held:
                _released[self.store.bucket, self.key(table)] = held.etag
        return found

    def may_be_raised(self, table: str) -> bool:
        """Say whether a table has a lease that cannot be read."""
        return any(table == name for _, name in self.damaged)

    def read(self, table: str) -> Lease | None:
        """Return a table's lease as it is on record, open or released; None: it never had one."""
        held = self._held(table)
        return held.lease if held else None

    def _held(self, table: str) -> Held | None:
        def form(record: dict[str, Any]) -> Lease:
            lease = Lease.from_record(record)
            if lease.table != table:
                raise ConfigurationError(
                    f"it is the lease of {lease.table}; restore its former version"
                )
            return lease

        found = self.store.read_as(self.key(table), form, None)
        return Held(*found) if found else None

    def describe(self, name: str) -> Table | None:
        """Describe a table now; None if it is gone."""
        try:
            return table_of(self.clients.dynamodb.describe_table(TableName=name)["Table"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise

    def settled(self, lease: Lease) -> bool:
        """Say whether DescribeTable may be believed about the last change."""
        return clock.now() - when(lease.intent_at) >= _SETTLED

    def intent_has_expired(self, lease: Lease) -> bool:
        """Say whether nobody is still about to carry out the lease's intent."""
        if lease.state is LeaseState.RAISED or lease.intent_by in ("", self.me):
            return self.settled(lease)
        return clock.now() - when(lease.intent_at) >= INTENT_LIFE

    def record(self, lease: Lease) -> Held | None:
        """Write a new lease over a released one; None if an open one is in the way."""
        key = self.key(lease.table)
        found = self._held(lease.table)
        if found is None:
            etag = self.store.create(key, asdict(lease))
            return Held(lease, etag) if etag else None
        if not found.lease.released:
            return None
        return Held(lease, self.store.replace(key, asdict(lease), found.etag))

    def write(self, held: Held, **changes: Any) -> None:
        """Move a lease on; ConflictError if another invocation wrote it first."""
        lease = replace(held.lease, **changes)
        held.etag = self.store.replace(self.key(lease.table), asdict(lease), held.etag)
        held.lease = lease

    def set_capacity(self, held: Held, judged: Table, capacity: int) -> bool:
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
