"""The formulas: how long a table takes, what capacity it needs, which ratio the job is given.

Units: sizes in bytes, times in seconds, rates and capacities in read capacity units per second.
The exporter reads floor(capacity x ratio) units/s, at least 1 (emr-dynamodb-connector,
AbstractDynamoDBInputFormat and ReadIopsCalculator).
"""

from __future__ import annotations

import math

from hippolyte.share import PARTITION_RATE, ceiling_shares

# what the exporter assumes as the capacity of an on-demand table, whatever its ceilings are
ON_DEMAND_ASSUMED_CAPACITY = 40_000
# of a segment; and how many there are at the most
_SEGMENT_BYTES, _MOST_SEGMENTS = 256 << 20, 64
# units a second that pages asked for one after the other come to: 1 MB each, 120 ms or more
_ONE_READER = 500


def plain_rate(capacity: int, share: float) -> int:
    """Return the rate the exporter reads at: floor(capacity x share), at least 1 unit/s."""
    return max(1, math.floor(round(capacity * share, 9)))


def seconds_to_read(size_bytes: int, rate: float, bytes_per_unit: float) -> float:
    """Return the seconds a scan of `size_bytes` takes at `rate` units/s, without any bootstrap."""
    return size_bytes / (rate * bytes_per_unit)


def segments(size_bytes: int, rate: float, share: float, least: int = 1) -> int:
    """Return into how many segments a table is cut that is read at `rate`.

    Enough that the partitions of a large table are read side by side (see `scan.pace`); each more
    costs a few small pages and a file.
    """
    by_rate = 2 * math.ceil(rate / (share * PARTITION_RATE)) if rate > _ONE_READER else 1
    by_size = math.ceil(size_bytes / _SEGMENT_BYTES)
    return min(_MOST_SEGMENTS, max(least, by_rate, by_size))


def needed_rate(size_bytes: int, seconds: float, bytes_per_unit: float) -> float:
    """Return the rate that reads `size_bytes` in `seconds`; `seconds` must be above 0."""
    if seconds <= 0:
        raise ValueError(f"no time to read in: {seconds} s after the bootstraps")
    return size_bytes / (bytes_per_unit * seconds)


def raised_capacity(capacity: int, share: float, rate: float) -> int:
    """Return the capacity at which the backup reads `rate` and the application keeps its part.

    The application's part is what it had beside the backup: (1 - share) x capacity.
    """
    return max(capacity, math.ceil(round((1 - share) * capacity + rate, 9)))


def ratio(rate: float, capacity: int) -> float:
    """Return rate / capacity, rounded down so that the share is never passed."""
    scale = 1_000_000
    # as a float 0.29 x 100 / 100 is a hair below 0.29
    return math.floor(rate / capacity * scale * (1 + 1e-12)) / scale


def ratio_text(value: float) -> str:
    """Return the ratio as the job's literal argument, e.g. "0.680841"."""
    return f"{value:.6f}"


def on_demand_rate(wanted: float, share: float, ceilings: tuple[int | None, ...]) -> float:
    """Return the rate for an on-demand table: `wanted`, at most share x its least ceiling."""
    return max(1.0, min([wanted, *ceiling_shares(share, ceilings)]))
