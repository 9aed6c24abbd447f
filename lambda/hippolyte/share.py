"""What a backup may read of a table's capacity: one rule for the plan and for the scan's pace.

Rates and capacities in read capacity units per second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

# what one partition gives, whatever its table has (developer guide, "Partitions and data
# distribution")
PARTITION_RATE = 3000.0


@dataclass(frozen=True, slots=True)
class Share:
    """A backup's share of a table.

    Attributes:
        fraction: of the capacity, above 0 and at most 1.
        capacity: the table's now; None: on demand.
        before, raised_to: of a table that is raised for the backup: what it had, and what it was
            given. The application keeps (1 - fraction) of what it had.
        autoscaled: the table's capacity follows its consumption, so the backup follows it down
            only: else each would have the other grow.
        start: capacity when the scan began, for `autoscaled`; None: `capacity`.
        most: the rate is never above it; on demand, the rate that is wanted.
        ceilings: of a table on demand: its own maximum, its warm throughput; None where not known.
    """

    fraction: float
    capacity: float | None
    before: float | None = None
    raised_to: float | None = None
    autoscaled: bool = False
    start: float | None = None
    most: float | None = None
    ceilings: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise ValueError(f"a share of {self.fraction} is not above 0 and at most 1")
        if not self.rate > 0:
            raise ValueError(f"nothing may be read at {self.rate} units/s")

    @property
    def is_raised(self) -> bool:
        """Say whether the table has the capacity that the backup gave it."""
        return self.raised_to is not None and self.capacity == self.raised_to

    @property
    def rate(self) -> float:
        """The rate that the backup may read at."""
        bounds = [] if self.most is None else [self.most]
        if self.capacity is None:
            bounds += ceiling_shares(self.fraction, self.ceilings)
            if not bounds:
                raise ValueError("a table on demand needs a rate to be read at")
        elif self.is_raised and self.before is not None:
            bounds.append(reachable_rate(self.before, self.fraction, self.capacity))
        else:
            start = self.capacity if self.start is None else self.start
            least = min(self.capacity, start) if self.autoscaled else self.capacity
            bounds.append(self.fraction * least)
        return min(bounds)

    def seen(self, capacity: float | None) -> Share:
        """Return the share now that the table has this capacity."""
        start = self.capacity if self.start is None else self.start
        return replace(self, capacity=capacity, start=start)


def reachable_rate(capacity: float, share: float, raised: float) -> float:
    """Return the rate the backup may read at when `capacity` is raised to `raised`."""
    return raised - (1 - share) * capacity


def ceiling_shares(share: float, ceilings: Iterable[float | None]) -> list[float]:
    """Return the share of each ceiling of a table on demand that is known."""
    return [share * ceiling for ceiling in ceilings if ceiling is not None and ceiling > 0]
