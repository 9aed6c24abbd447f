"""Which tables may be raised, and how far, whatever they need."""

from __future__ import annotations

import math
from datetime import timedelta

from hippolyte.planning.rates import PARTITION_BYTES
from hippolyte.planning.window import Night
from hippolyte.settings import Settings
from hippolyte.share import PARTITION_RATE
from hippolyte.tables.autoscaling import ACTION_IS_DUE, may_happen
from hippolyte.tables.table import Table

# a lease's, for what is given back after the deadline
LEASE_OUTLIVES_WINDOW = timedelta(hours=1)
# of a partition
_PARTITION_WRITES = 1000


def never_raised(table: Table, settings: Settings, night: Night) -> str | None:
    """Return why a table is never raised, None if it may be."""
    if table.on_demand:
        return "an on-demand table has no capacity to raise; raise planning.on_demand_read_rate"
    if settings.raise_capacity is not True:
        return f"raise_capacity is {settings.raise_capacity or 'false'}"
    if table.replicated:
        return "a global table's replica is never raised"
    end = night.deadline + LEASE_OUTLIVES_WINDOW
    if table.scaling and any(may_happen(a, night.now, end) for a in table.scaling.scheduled):
        return ACTION_IS_DUE
    return None


def bounds(table: Table, settings: Settings) -> list[int]:
    """Return what else than quotas bounds a raise: the user's ceiling, scaling, the partitions."""
    found = []
    if settings.max_read_capacity is not None:
        found.append(settings.max_read_capacity)
    if table.scaling:
        found.append(table.scaling.max_capacity)
    warm = warm_capacity(table)
    if warm is not None and not settings.raise_above_warm_throughput:
        found.append(warm)
    return found


def warm_capacity(table: Table) -> int | None:
    """Return the capacity that a table serves without its partitions growing; None: not known.

    Its warm throughput; but of a table that was never raised AWS reports no more than it has, and
    it splits none for what they serve anyway. So at least that: 3,000 read units each, or 1,000
    write units, of at most 10 GB (Developer Guide, "Designing partition keys").
    """
    if not table.warm_read:
        return None
    written = table.write_capacity / _PARTITION_WRITES
    busy = table.read_capacity / PARTITION_RATE + written
    partitions = max(1, math.ceil(busy), math.ceil(table.size_bytes / PARTITION_BYTES))
    return max(table.warm_read, int((partitions - written) * PARTITION_RATE))


def short_of(table: Table, least: int, raised: int, settings: Settings) -> str:
    """Say that a table may not be raised as far as it must."""
    what = "quotas, headroom, max_read_capacity or its scaling maximum"
    if raised == warm_capacity(table) and not settings.raise_above_warm_throughput:
        what = "its warm throughput; see raise_above_warm_throughput"
    return (
        f"{table.name} does not fit the window: it needs {least} read capacity units and may have "
        f"{raised} ({what})"
    )
