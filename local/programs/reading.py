"""What a running export takes of its table: its rate, and what its tasks take as they start."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.core.consumption import Consumption, RunningStep
from local.programs.source_table import Source

BYTES_PER_READ_UNIT = 8192
ON_DEMAND_READ_CAPACITY = 40_000
FULL_BUCKETS_SECONDS = 5
"""A task's token bucket holds so much of its rate, and starts full (seen: 6.1.0-SNAPSHOT, 4.11)."""
# a second, of a mapper (DynamoDB guide of 2023, "Performance tuning: mappers"); one for 100
_MAPPER_BYTES, _UNITS_A_MAPPER = 1 << 20, 100


@dataclass
class Reading:
    """One export's, with the share `ratio` of the capacity and room for `slots` mappers.

    Attributes:
        since: when it described the table; None: not yet.
    """

    source: Source
    ratio: float
    slots: int
    since: datetime | None = None
    _rate: float = 0.0
    _capacity: int | None = None
    _bursts: list[float] = field(default_factory=list)

    def fix_rate(self, table: dict[str, Any]) -> None:
        """Take the rate from the capacity that the described table has now."""
        on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
        provisioned = int(table.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0))
        self._capacity = None if on_demand else provisioned
        capacity = ON_DEMAND_READ_CAPACITY if on_demand else provisioned
        rate = max(1.0, math.floor(capacity * self.ratio))
        mappers = min(self.slots, max(1, rate // _UNITS_A_MAPPER))
        self._rate = min(rate, mappers * _MAPPER_BYTES / BYTES_PER_READ_UNIT)

    def begin(self, table: dict[str, Any]) -> float:
        """Start all tasks, with full buckets; return the seconds until the table is read."""
        units = self.source.bytes_to_read(table) / BYTES_PER_READ_UNIT
        burst = self.source.take(min(FULL_BUCKETS_SECONDS * self._rate, units))
        self._bursts.append(burst)
        return (units - burst) / self._rate

    def until(self, end: datetime) -> Consumption:
        """Return what it took until then."""
        return Consumption(**self._taken(), end=end, bursts=tuple(self._bursts))

    def running(self) -> RunningStep:
        """Return what it takes, from which table."""
        context = self.source.context
        return RunningStep(**self._taken(), cluster_id=context.cluster_id, step_id=context.step_id)

    def _taken(self) -> dict[str, Any]:
        assert self.since is not None
        return {
            "table": self.source.name,
            "account": self.source.context.account,
            "region": self.source.region,
            "start": self.since,
            "read_units_per_second": self._rate,
            "read_capacity": self._capacity,
        }
