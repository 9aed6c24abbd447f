"""DynamoDB's rules for changing a table's throughput, and what a table is in the meantime.

Rules and texts: reference/dynamodb.md section 3 (Developer Guide, ServiceQuotas; UpdateTable).
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.dynamodb.exceptions import MockValidationException, ResourceInUseException
from moto.dynamodb.models.table import Table

from local.core.errors import LimitExceeded
from local.dynamodb.buckets import ReadCapacity
from local.dynamodb.table_settings import TableSettings

if TYPE_CHECKING:
    from local.core.aws import Aws

ON_DEMAND = "PAY_PER_REQUEST"
DECREASES_FREE = 4
DECREASES_A_DAY = 27
DECREASE_PAUSE = timedelta(hours=1)


@dataclass
class ReadLedger:
    """What was read of a table: units, and refusals, by second (Unix time); what is left to read.

    Of writes, the same.

    `scaled` is whether auto scaling looks at the table each minute.
    """

    units: dict[int, float] = field(default_factory=dict)
    throttled: dict[int, int] = field(default_factory=dict)
    left: ReadCapacity | None = None
    scaled: bool = False


@dataclass
class Pending:
    """A change of throughput or billing mode on its way."""

    until: datetime
    throughput: dict[str, int] | None
    billing_mode: str | None


@dataclass
class TableState:
    """What the local AWS knows of a table beside moto's object; dies with the table."""

    table_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    settings: TableSettings = field(default_factory=TableSettings)
    pending: Pending | None = None
    decreases: list[datetime] = field(default_factory=list)
    last_increase: datetime | None = None
    on_demand_since: datetime | None = None
    history: list[tuple[datetime, str, int, int]] = field(default_factory=list)
    measured: tuple[int, int] | None = None
    on_demand_max_write: int | None = None
    # Kinesis streams by ARN, and Contributor Insights by index ("" is the table itself)
    destinations: dict[str, dict[str, Any]] = field(default_factory=dict)
    insights: dict[str, dict[str, Any]] = field(default_factory=dict)
    reads: ReadLedger = field(default_factory=ReadLedger)
    writes: ReadLedger = field(default_factory=ReadLedger)
    # when, which item, and what it was before; see `history`
    undo: list[tuple[datetime, str, dict[str, Any] | None]] = field(default_factory=list)

    def decreases_today(self, now: datetime) -> list[datetime]:
        """Return the times of the decreases of this UTC day."""
        return [at for at in self.decreases if at.date() == now.date()]


def state_of(table: Table) -> TableState:
    """Return the table's state, made at the first look."""
    found = table.__dict__.get("local_state")
    if found is None:
        found = table.__dict__["local_state"] = TableState()
    return found


def settle(table: Table, now: datetime) -> TableState:
    """Let a pending change take effect if its time has come."""
    state = state_of(table)
    pending = state.pending
    if pending is None or now < pending.until:
        return state
    state.pending = None
    if pending.throughput is not None:
        table.throughput = dict(pending.throughput)
    if pending.billing_mode is not None:
        table.billing_mode = pending.billing_mode
    warm = table.warm_throughput
    for unit, kind in (("ReadUnitsPerSecond", "Read"), ("WriteUnitsPerSecond", "Write")):
        warm[unit] = max(warm[unit], table.throughput[f"{kind}CapacityUnits"])
    record(table, state, pending.until)
    return state


def record(table: Table, state: TableState, at: datetime) -> None:
    """Remember what the table is from `at` on, for stale describes."""
    status = "UPDATING" if state.pending else "ACTIVE"
    read, write = units(table.throughput)
    state.history.append((at, status, read, write))
    del state.history[:-50]


def units(throughput: dict[str, Any] | None) -> tuple[int, int]:
    """Return read and write capacity units."""
    if not throughput:
        return 0, 0
    return int(throughput["ReadCapacityUnits"]), int(throughput["WriteCapacityUnits"])


def refuse_if_busy(table: Table, state: TableState) -> None:
    """Raise ResourceInUseException unless the table is ACTIVE."""
    status = state.settings.status or ("UPDATING" if state.pending else "ACTIVE")
    if status != "ACTIVE":
        raise ResourceInUseException(
            "Attempt to change a resource which is still in use: Table is being "
            f"{status.lower()}: {table.name}"
        )


def start_change(
    world: Aws,
    table: Table,
    throughput: dict[str, int] | None,
    billing_mode: str | None,
    account_tables: list[Table],
) -> None:
    """Check a change of throughput or mode against the rules and begin it."""
    now = world.clock.now()
    state = settle(table, now)
    mode = billing_mode or table.billing_mode
    if throughput is not None and mode == ON_DEMAND:
        raise MockValidationException(
            "One or more parameter values were invalid: Neither ReadCapacityUnits nor "
            "WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )
    if billing_mode == "PROVISIONED" and table.billing_mode == ON_DEMAND and throughput is None:
        raise MockValidationException(
            "One or more parameter values were invalid: ProvisionedThroughput must be specified "
            "when BillingMode is PROVISIONED"
        )
    if throughput is not None and table.billing_mode != ON_DEMAND:
        _check_throughput(world, table, state, throughput, account_tables)
    if billing_mode == ON_DEMAND and table.billing_mode != ON_DEMAND:
        state.on_demand_since = now
        throughput = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    if throughput is None:
        return
    if not state.history:
        record(table, state, table.created_at.replace(tzinfo=now.tzinfo))
    until = now + timedelta(seconds=state.settings.update_seconds)
    state.pending = Pending(until, dict(throughput), billing_mode)
    record(table, state, now)
    settle(table, now)


def _check_throughput(
    world: Aws,
    table: Table,
    state: TableState,
    throughput: dict[str, int],
    account_tables: list[Table],
) -> None:
    now = world.clock.now()
    read, write = units(table.throughput)
    new_read, new_write = units(throughput)
    if (read, write) == (new_read, new_write):
        raise MockValidationException(
            "The provisioned throughput for the table will not change. The requested value equals "
            f"the current value. Current ReadCapacityUnits provisioned for the table: {read}. "
            f"Requested ReadCapacityUnits: {new_read}. "
            f"Current WriteCapacityUnits provisioned for the table: {write}. "
            f"Requested WriteCapacityUnits: {new_write}. Refer to the Amazon DynamoDB Developer "
            "Guide for current limits and how to request higher limits."
        )
    if min(new_read, new_write) < 1:
        raise MockValidationException(
            "1 validation error detected: Value at 'provisionedThroughput' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1"
        )
    _check_quotas(world, table, (new_read - read, new_write - write), throughput, account_tables)
    _check_changing(world, now, account_tables)
    if new_read < read or new_write < write:
        _check_decrease(state, now)
        state.decreases.append(now)
    if new_read > read or new_write > write:
        state.last_increase = now


def _check_quotas(
    world: Aws,
    table: Table,
    change: tuple[int, int],
    throughput: dict[str, int],
    account_tables: list[Table],
) -> None:
    limits = world.limits
    new_read, new_write = units(throughput)
    for kind, new, grown, table_limit, account_limit, index in (
        ("read", new_read, change[0], limits.table_read, limits.account_read, 0),
        ("write", new_write, change[1], limits.table_write, limits.account_write, 1),
    ):
        if grown <= 0:
            continue
        if new > table_limit:
            raise LimitExceeded(
                f"Subscriber limit exceeded: Provisioned throughput exceeds the {kind} capacity "
                f"limit of {table_limit} units of a table ({table.name}: {new} requested)"
            )
        total = sum(provisioned(other)[index] for other in account_tables) + grown
        if total > account_limit:
            raise LimitExceeded(
                f"Subscriber limit exceeded: Provisioned throughput exceeds the {kind} capacity "
                f"limit of {account_limit} units of the account ({total} would be provisioned)"
            )


def _check_changing(world: Aws, now: datetime, account_tables: list[Table]) -> None:
    changing = 0
    for table in account_tables:
        settle(table, now)
        changing += state_of(table).pending is not None
    if changing >= world.limits.changing_tables:
        # the service's words, quoted in hashicorp/terraform-provider-aws issue 1776
        raise LimitExceeded(
            "Subscriber limit exceeded: Only "
            f"{world.limits.changing_tables} tables can be created, updated, or deleted "
            "simultaneously"
        )


def provisioned(table: Table) -> tuple[int, int]:
    """Return what a table and its indexes count against the account's quota."""
    state = state_of(table)
    read, write = units(table.throughput)
    if state.pending and state.pending.throughput:
        pending_read, pending_write = units(state.pending.throughput)
        read, write = max(read, pending_read), max(write, pending_write)
    for index in table.global_indexes:
        index_read, index_write = units(index.throughput)
        read, write = read + index_read, write + index_write
    return read, write


def _check_decrease(state: TableState, now: datetime) -> None:
    today = state.decreases_today(now)
    if len(today) < DECREASES_FREE:
        return
    next_allowed = today[-1] + DECREASE_PAUSE
    if len(today) >= DECREASES_A_DAY:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        next_allowed = midnight + timedelta(days=1)
    if now >= next_allowed:
        return
    # the service's words, quoted in ansible-collections/community.aws issue 1558
    raise LimitExceeded(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given "
        f"UTC day. After the first {DECREASES_FREE} decreases, each subsequent decrease in the "
        "same UTC day can be performed at most once every 3600 seconds. "
        f"Number of decreases today: {len(today)}. Last decrease at {_long(today[-1])}. "
        f"Next decrease can be made at {_long(next_allowed)}"
    )


def _long(when: datetime) -> str:
    clock = when.strftime("%I:%M:%S %p").lstrip("0")
    day = when.strftime("%A, %B {} %Y").format(f"{when.day},")
    return f"{day} at {clock} Coordinated Universal Time"


def read_units(size_bytes: int, consistent: bool) -> float:
    """Return the read capacity that reading `size_bytes` in one page costs (4,096 B a unit)."""
    blocks = max(1, math.ceil(size_bytes / 4096))
    return float(blocks) if consistent else blocks / 2


def write_units(size_bytes: int) -> float:
    """Return the write capacity that writing an item costs (1,024 B a unit)."""
    return float(max(1, math.ceil(size_bytes / 1024)))
