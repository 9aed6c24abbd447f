"""What a table's read or write capacity lets through, as arithmetic on seconds.

As DynamoDB gives it (developer guide, "Burst and adaptive capacity", "Read and write operations"):
a table has a bucket that fills by its capacity and holds what was not used for up to 300 s, each
partition one of 3,000 read units and one of 1,000 write units; a request goes through while there
is anything in both, and may leave them in debt.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

PARTITION_UNITS, PARTITION_WRITE_UNITS = 3000.0, 1000.0
BURST_SECONDS = 300.0


@dataclass
class Bucket:
    """Units: `rate` a second come in, `most` are held, `level` are there at second `at`."""

    rate: float
    most: float
    level: float
    at: float = 0.0

    def until(self, now: float) -> float:
        """Let it fill until `now`; return what is in it."""
        self.level = min(self.most, self.level + self.rate * max(0.0, now - self.at))
        self.at = max(now, self.at)
        return self.level


class ReadCapacity:
    """A table's bucket and its partitions', which hold parts of the hash space.

    `burst` is how many seconds' worth the table has saved at the beginning, `kept` how many it
    saves at most; below a second nothing could ever be read. `partitions` are their weights,
    `each` the units/s that one gives.
    """

    def __init__(
        self,
        units: float,
        partitions: Sequence[float] = (1.0,),
        burst: float = BURST_SECONDS,
        kept: float = BURST_SECONDS,
        now: float = 0.0,
        each: float = PARTITION_UNITS,
    ) -> None:
        self.kept = kept
        self.table = Bucket(units, units * kept, units * burst, now)
        # parts of the hash space, and where each ends; the data are spread evenly over it
        self.widths = [width / sum(partitions) for width in partitions]
        self.ends = list(accumulate(self.widths))
        self.partitions = [Bucket(each, each, each, now) for _ in partitions]

    @property
    def units(self) -> float:
        """The table's capacity in units/s."""
        return self.table.rate

    def set(self, units: float, now: float) -> None:
        """Change the table's capacity."""
        self.table.until(now)
        self.table.rate, self.table.most = units, units * self.kept

    def until(self, now: float) -> None:
        """Let all fill until `now`."""
        for bucket in (self.table, *self.partitions):
            bucket.until(now)

    def partition(self, place: float) -> Bucket:
        """Return the bucket of a place in the hash space, from 0 to 1."""
        return self.partitions[min(bisect_left(self.ends, place), len(self.ends) - 1)]

    def take(self, partition: Bucket, units: float, now: float) -> bool:
        """Let a request through, or refuse it and take nothing."""
        if min(self.table.until(now), partition.until(now)) <= 0:
            return False
        self.table.level -= units
        partition.level -= units
        return True
