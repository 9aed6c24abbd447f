"""How fast a table is really read: the least of all that may bind it.

What may be taken of it (its share; on demand its ceilings and what its partitions serve), and what
its reader comes to. Of a raised table quotas and partitions bind the raise (`planning.raising`),
and so the rate. Rates in read capacity units a second.
"""

from __future__ import annotations

import math

from hippolyte.planning import sizing
from hippolyte.planning.host import Host
from hippolyte.settings import Settings
from hippolyte.share import PARTITION_RATE
from hippolyte.tables.table import Table

PARTITION_BYTES = 10 << 30
"""Of a partition, at the most (Developer Guide, "Partitions and data distribution")."""
# a new table on demand serves 12,000 read units at once (Developer Guide, "On-demand mode")
_FIRST_PARTITIONS = 4
# a job's rate is rounded
_ROUNDED = 1e-6


def allowed(table: Table, settings: Settings, host: Host) -> float:
    """Return the rate that a backup may take of a table that is not raised."""
    share = settings.consumed_fraction
    if not table.on_demand:
        # the floor is the export tool's
        plain = sizing.plain_rate(table.read_capacity, share)
        return table.read_capacity * share if host.side_by_side else float(plain)
    served = table.warm_read
    if not served:
        partitions = max(_FIRST_PARTITIONS, math.ceil(table.size_bytes / PARTITION_BYTES))
        served = int(partitions * PARTITION_RATE)
    ceilings = (table.on_demand_max_read, served)
    return sizing.on_demand_rate(settings.planning.on_demand_read_rate, share, ceilings)


def reached(rate: float, host: Host, unit_bytes: float, parts: int = 1) -> float:
    """Return the rate that a table is read at by `parts` hosts if `rate` may be taken of it."""
    return min(rate, host.throughput * parts / unit_bytes)


def binds(rate: float, host: Host, unit_bytes: float, parts: int = 1) -> bool:
    """Say whether it is the host that binds, so that more capacity buys nothing."""
    return rate * unit_bytes >= host.throughput * parts * (1 - _ROUNDED)
