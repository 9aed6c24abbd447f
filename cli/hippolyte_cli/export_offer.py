"""What `hippolyte export` says before it starts: how fast, how long, what it costs. Pure.

Rates in read capacity units per second, sizes in bytes, times in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from hippolyte.planning import sizing
from hippolyte.planning.cost import ON_DEMAND_UNIT_USD
from hippolyte.settings import Planning
from hippolyte.share import Share
from hippolyte.tables.table import Table
from hippolyte.words import count_of

# one alone reads one partition at a time, and waits for each answer
_LEAST_SEGMENTS = 4
_MIB, _GIB = 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class Offer:
    """A scan as it would be made.

    Attributes:
        wish: how its rate was asked for, in words.
        unit_bytes: of what is read for a unit.
        rest: only what is left of a scan is to be read.
    """

    table: Table
    share: Share
    wish: str
    segments: int
    unit_bytes: int
    rest: bool = False

    @property
    def units(self) -> int:
        """Units that it costs, if the table has the size it was counted at."""
        return scan_units(self.table.size_bytes, self.unit_bytes)

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.units / self.share.rate

    @property
    def usd(self) -> float:
        """What it costs on demand (us-east-1); nothing where the capacity is paid for anyhow."""
        return self.units * ON_DEMAND_UNIT_USD if self.table.on_demand else 0.0

    def lines(self) -> list[str]:
        """Return what is said of it."""
        table, has = self.table, "on demand"
        if not table.on_demand:
            has = f"{table.read_capacity:,} read capacity units"
        kind = "strongly" if self.unit_bytes < 8192 else "eventually"
        speed = f"{self.share.rate:,.4g} units/s ({self.wish})"
        return [
            f"{table.name}: {counted(table)}, {has}.",
            f"Reads {speed}, {count_of(self.segments, 'segment')}, {kind} consistent: "
            f"{self._time()}.",
            self._cost(),
        ]

    def _time(self) -> str:
        if not self.table.size_bytes:
            return "how long is not known"
        return f"{self._most}about {duration(self.seconds)}"

    @property
    def _most(self) -> str:
        return "at most " if self.rest else ""

    def _cost(self) -> str:
        if not self.table.on_demand:
            return "Cost: none beyond the capacity that the table is billed for anyhow."
        if not self.table.size_bytes:
            return f"Cost: {ON_DEMAND_UNIT_USD * 1e6:.3f} USD for a million units (us-east-1)."
        money = f"{self.usd:,.2f} USD" if self.usd >= 0.01 else "less than 0.01 USD"
        return f"Cost: {self._most}about {self.units:,} units on demand, {money} (us-east-1)."


def share_of(table: Table, autoscaled: bool, percent: int, rate: float | None) -> tuple[Share, str]:
    """Return what a scan may consume, and how that was asked for.

    Args:
        table: as it is now.
        autoscaled: its read capacity is scaled, or nobody knows.
        percent: of its capacity; on demand, of the least of its ceilings.
        rate: units/s instead of a share.

    Raises:
        ValueError: there is nothing to have a share of.
    """
    fraction = percent / 100 if rate is None else 1.0
    wish = f"{percent} % of its capacity" if rate is None else "as asked for by --rate"
    if not table.on_demand:
        share = Share(fraction, table.read_capacity, autoscaled=autoscaled, most=rate)
        return share, wish if rate is None or share.rate == rate else "ALL of its capacity"
    ceilings = (table.on_demand_max_read, table.warm_read)
    wanted = rate or float(Planning().on_demand_read_rate)
    share = Share(fraction, None, most=wanted, ceilings=ceilings)
    if share.rate < wanted:
        what = "" if rate is None else "as asked for, but at most "
        return share, f"{what}{fraction * 100:.0f} % of its maximum or warm throughput"
    return share, wish if rate else "the default for tables on demand"


def scan_units(size_bytes: int, unit_bytes: int) -> int:
    """Return about how many read units it takes to scan a table of a size.

    A unit is `unit_bytes` (strongly consistent: 4 KB) of a page's items together, not of each
    item: only a page is rounded up, by a block of 4 KB at most, which is left out here.
    """
    return ceil(size_bytes / unit_bytes)


def segments_of(table: Table, share: Share) -> int:
    """Return into how many segments a table is cut, if nobody says it."""
    return sizing.segments(table.size_bytes, share.rate, share.fraction, _LEAST_SEGMENTS)


def counted(table: Table) -> str:
    """Return how large a table is, as far as that is known."""
    if not table.size_bytes and not table.item_count:
        return "empty when it was last counted (that may be six hours ago)"
    return f"about {count_of(table.item_count, 'item')}, {size(table.size_bytes)}"


def size(count: float) -> str:
    """Return bytes for people."""
    if count >= _GIB:
        return f"{count / _GIB:,.1f} GiB"
    return f"{count / _MIB:,.1f} MiB" if count >= _MIB / 10 else f"{count:,.0f} bytes"


def duration(seconds: float) -> str:
    """Return a time for people."""
    if seconds < 90:
        return count_of(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:,.1f} hours"
