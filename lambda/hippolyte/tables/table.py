"""What AWS says of tables: a table, its scaling target, its tags, and the account's quotas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hippolyte.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """When a scheduled action happens: at(...), cron(...) or rate(...), at(...) in its zone.

    Application Auto Scaling takes UTC where an action has no Timezone, and lets none happen before
    its StartTime or after its EndTime (API PutScheduledAction); None: no such bound.
    """

    schedule: str
    timezone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scaling:
    """A table's scaling target for reads. Capacities in read capacity units per second."""

    min_capacity: int
    max_capacity: int
    # (scale in, scale out, scheduled), as SuspendedState has them
    suspended: tuple[bool, bool, bool] = (False, False, False)
    scheduled: tuple[ScheduledAction, ...] = ()


@dataclass(frozen=True, slots=True)
class Recovery:
    """A table's point-in-time recovery, as DescribeContinuousBackups tells it.

    `earliest` and `latest` are the moments it can be restored to; `error`: why it is not known.
    """

    on: bool = False
    earliest: datetime | None = None
    latest: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What DescribeTable and Application Auto Scaling say of a table."""

    name: str
    table_id: str
    status: str
    size_bytes: int
    item_count: int
    on_demand: bool = False
    read_capacity: int = 0
    write_capacity: int = 0
    # read capacity of its global secondary indexes, for the account's headroom
    index_read_capacity: int = 0
    on_demand_max_read: int | None = None
    warm_read: int | None = None
    replicated: bool = False
    scaling: Scaling | None = None
    # probed: no item and no LastEvaluatedKey
    empty: bool = False
    created_at: datetime | None = None
    # asked only of tables that are to be exported by it
    recovery: Recovery | None = None

    @property
    def exportable(self) -> bool:
        """Data operations work in ACTIVE and UPDATING (API TableDescription)."""
        return self.status in ("ACTIVE", "UPDATING")


@dataclass(frozen=True, slots=True)
class Limits:
    """Read capacity quotas, units per second (DescribeLimits); and Lambda's, if asked for.

    `unreserved_concurrency` is of invocations at once (GetAccountSettings); None: not known.
    """

    account_max_read: int = 80_000
    table_max_read: int = 40_000
    unreserved_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Tags:
    """The tables' tags. `error` says why not all could be read, if so."""

    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    error: str = ""

    def of(self, table: str) -> Mapping[str, str] | None:
        """Return a table's tags, None if they are not known; the service names tagged ones only."""
        return self.known.get(table, None if self.error else {})


@dataclass(frozen=True, slots=True)
class Inventory:
    """All tables of the account and region.

    `undescribed` gives, for tables that were listed but not described, verdict and reason, `later`
    why not for those that a later try may describe;
    `definitions` holds DescribeTable's answers for the catalogue.
    """

    tables: tuple[Table, ...]
    limits: Limits
    undescribed: Mapping[str, tuple[Verdict, str]] = field(default_factory=dict)
    later: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: Tags = field(default_factory=Tags)
    # False: of some tables it is only supposed that they are replicas, and of others that they are
    # none
    replicas_known: bool = True

    @property
    def names(self) -> list[str]:
        """All tables' names."""
        return [*(t.name for t in self.tables), *self.undescribed, *self.later]
