"""The record of a capacity lease: an object a table on S3, never deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from math import inf
from typing import Any, get_args, get_type_hints

from hippolyte.record_form import known_form
from hippolyte.records.runs import is_run
from hippolyte.tables.table import Table


class LeaseState(StrEnum):
    """Where a lease is; all but released are open."""

    INTENDED = "intended"
    RAISED = "raised"
    LOWERING = "lowering"
    RELEASED = "released"


class Raise(StrEnum):
    """What became of a wish to raise a table."""

    READY = "ready"  # ACTIVE at the raised capacity, just seen
    PENDING = "pending"
    REFUSED = "refused"  # stays as it is: the job gets its plain share


class Step(StrEnum):
    """What giving a lease back does next."""

    WAIT = "wait"
    LOWER = "lower"
    RESTORE = "restore"  # put scale-in's flag back, then release
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Lease:
    """A table's lease. Capacities in read capacity units per second, `rate` is the export's."""

    table: str
    table_id: str
    run_id: str
    state: LeaseState
    before: int
    target: int
    rate: float
    # scale-in's flag as it was; None: the table has no scaling target
    scale_in_suspended: bool | None
    expiry: str
    intent_at: str
    # the invocation that carries the intent out; empty: it was refused, anybody may try again
    intent_by: str
    lower_to: int | None = None
    # open: why the last try to lower it failed, at `intent_at`; released: what is to be said of it
    note: str = ""

    @property
    def released(self) -> bool:
        """Whether nothing is left to give back."""
        return self.state is LeaseState.RELEASED

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Lease:
        """Build the lease from its JSON form.

        A table's capacity is set by what it says: it is believed whole, or not at all.

        Raises:
            ConfigurationError: it is no whole lease, or another version's.
        """
        with known_form("the lease"):
            data = {k: v for k, v in record.items() if k not in ("version", "nonce")}
            lease = cls(**{**data, "state": LeaseState(data["state"])})
            for name, kinds in _kinds().items():
                if type(value := getattr(lease, name)) not in kinds:
                    raise TypeError(f"{name} is {value!r}")
                if isinstance(value, str):
                    # half of a letter can be read, and never be written again
                    value.encode()
            if not 0 < lease.before <= lease.target:
                raise ValueError(f"before is {lease.before}, target {lease.target}")
            if not 0 <= float(lease.rate) < inf:
                raise ValueError(f"rate is {lease.rate}")
            for time in (lease.expiry, lease.intent_at):
                # with room to reckon from it
                moment = datetime.fromisoformat(time)
                _ = moment - timedelta(days=1), moment + timedelta(days=1)
            if not is_run(lease.run_id):
                raise ValueError(f"run_id is {lease.run_id!r}")
        return lease


@cache
def _kinds() -> dict[str, tuple[type, ...]]:
    """Return the types of each field; a flag is no number, and a whole number is one."""
    found = {name: get_args(hint) or (hint,) for name, hint in get_type_hints(Lease).items()}
    return {name: (*kinds, int) if float in kinds else kinds for name, kinds in found.items()}


def as_it_was(table: Table, lease: Lease | None) -> Table:
    """Return a table with its own read capacity, where an open lease has it raised.

    A night is planned with what the table has without us.
    """
    if lease and (lease.table_id, lease.target) == (table.table_id, table.read_capacity):
        return replace(table, read_capacity=lease.before)
    return table


@dataclass(slots=True)
class Held:
    """An open lease as it was last read or written."""

    lease: Lease
    etag: str
