"""How fast a restore may write: a bucket of write units that many threads take from.

Rates in write (or read) capacity units a second, times in seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# of a table on demand that was never used (developer guide, "On-demand capacity mode")
ON_DEMAND_WRITES, ON_DEMAND_READS = 4000.0, 12000.0
_ON_DEMAND = "PAY_PER_REQUEST"
_CUT, _LEAST, _BACK_PER_SECOND = 0.7, 0.02, 0.02
# refusals closer together than that are of one cause
_TOGETHER = 0.5


@dataclass(frozen=True, slots=True)
class Rate:
    """What may be taken of a table: write units a second, and read units for what compares."""

    writes: float
    reads: float = ON_DEMAND_READS

    def __post_init__(self) -> None:
        if not (self.writes > 0 and self.reads > 0):
            raise ValueError(f"nothing is written at {self.writes} or read at {self.reads} units/s")

    @classmethod
    def of(
        cls, description: Mapping[str, Any], *, share: float = 1.0, writes: float | None = None
    ) -> Rate:
        """Return a share of what a table gives, as its DescribeTable says.

        Args:
            description: DescribeTable's `Table`.
            share: of the table's capacity; on demand, of its warm throughput, or of what a new
                table gives, and never more than its own maximum.
            writes: write units a second, instead of the share.
        """
        given = description.get("ProvisionedThroughput") or {}
        billing = (description.get("BillingModeSummary") or {}).get("BillingMode")
        if billing == _ON_DEMAND or not given.get("WriteCapacityUnits"):
            warm = description.get("WarmThroughput") or {}
            most = description.get("OnDemandThroughput") or {}
            table_writes = _bounded(
                warm.get("WriteUnitsPerSecond") or ON_DEMAND_WRITES,
                most.get("MaxWriteRequestUnits"),
            )
            table_reads = _bounded(
                warm.get("ReadUnitsPerSecond") or ON_DEMAND_READS, most.get("MaxReadRequestUnits")
            )
        else:
            table_writes = float(given["WriteCapacityUnits"])
            table_reads = float(given["ReadCapacityUnits"])
        return cls(share * table_writes if writes is None else writes, share * table_reads)


def _bounded(units: float, most: float | None) -> float:
    # -1: none
    return float(min(units, most) if most and most > 0 else units)


class Pace:
    """A bucket of units, filled by a rate, that holds a second's worth and may be in debt.

    A request goes while there is anything in it. It is paid by what it may cost at most, and gets
    back what it did not. Where the service refuses, the rate falls, and comes back by itself.
    """

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._level, self._at = min(rate, 1.0), now
        self._factor, self._cut_at = 1.0, float("-inf")
        self._lock = threading.Lock()

    def begin(self, units: float, now: float) -> float:
        """Pay for a request and return 0; or return in how many seconds to ask again."""
        with self._lock:
            self._fill(now)
            if self._level > 0:
                self._level -= units
                return 0.0
            return max(0.001, -self._level / (self.rate * self._factor))

    def ended(self, paid: float, cost: float) -> None:
        """Give back what a request did not cost, or pay what it cost beyond."""
        with self._lock:
            self._level += paid - cost

    def refused(self, now: float) -> None:
        """Have the rate fall, for the table gave less."""
        with self._lock:
            self._fill(now)
            if now - self._cut_at >= _TOGETHER:
                self._factor = max(_LEAST, self._factor * _CUT)
                self._cut_at = now

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._at = max(now, self._at)
        self._factor = min(1.0, self._factor + _BACK_PER_SECOND * passed)
        rate = self.rate * self._factor
        self._level = min(max(rate, 1.0), self._level + rate * passed)
