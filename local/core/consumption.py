"""What a running export consumes of a table's capacity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Consumption:
    """One export's reading of a table: from when to when, and how much it took.

    `read_units_per_second` is the rate the tool set itself; `read_capacity` is what DescribeTable
    said when it did (None: on-demand); `bursts` are the units that were read at once beyond that
    rate, one figure for each start of its tasks.
    """

    table: str
    account: str
    region: str
    start: datetime
    end: datetime
    read_units_per_second: float
    read_capacity: int | None
    bursts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RunningStep:
    """An export that reads a table right now, or is about to: its rate is set."""

    table: str
    account: str
    region: str
    start: datetime
    read_units_per_second: float
    read_capacity: int | None
    cluster_id: str
    step_id: str
