"""What the last nights measured of a table, for the estimate of the next one. Pure.

How many bytes a read capacity unit brings depends on the items, so the formula takes a careful
figure for all. A night that read a table says what it was: size / (rate x seconds). It is kept in
the report's row of the table, as a mean that the last nights weigh most in; the next plan reads
that one record, whatever the number of tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hippolyte.planning.host import Host
from hippolyte.planning.plan import Job
from hippolyte.settings import Settings
from hippolyte.tables.table import Table

# an eventually consistent unit brings no more; a night that seems to say so read an older size
_MOST_UNIT_BYTES = 8192
# a night slower than this part of the formula was throttled, or held up otherwise: it says nothing
_SLOWEST = 0.5
# of a host's power, from which on it is that which bound
_FULL = 0.9
# shorter ones are starts and ends, not reading; seconds
_SHORTEST_SECONDS = 300
# a table that has changed its size by more is another one
_GREW = 2.0
# nights that a mean is of at the most
_NIGHTS = 5

Row = Mapping[str, Any]


def measure(
    job: Job,
    rate: float,
    seconds: int,
    items: int | None,
    engine: str,
    host: Host,
    former: Row | None,
) -> Row | None:
    """Return what is known of a table after a night that read it at `rate` in `seconds`.

    `former`: what was known before; it stays where this night says nothing.
    """
    former = _sound(former)
    reading = seconds - host.job_bootstrap
    if not job.estimated or reading < _SHORTEST_SECONDS or rate <= 0 or not job.size_bytes:
        return former
    seen = job.size_bytes / (rate * reading)
    full = host.throughput * job.parts
    if rate * host.unit_bytes > full * _FULL or _FULL <= seen * rate / full <= 1 / _FULL:
        # the host was the limit, by the formula or by its pace, not the capacity. A much faster
        # one is faster than it was taken for
        return former
    if not _SLOWEST * host.unit_bytes <= seen:
        return {**former, "slow_seconds": seconds} if former else None
    seen = min(seen, float(_MOST_UNIT_BYTES))
    nights = 0
    if former and former.get("engine") == engine and _is_alike(former, job.size_bytes):
        nights = min(_NIGHTS - 1, int(former["nights"]))
        seen = (float(former["unit_bytes"]) * nights + seen) / (nights + 1)
    return {
        "engine": engine,
        "unit_bytes": round(seen, 1),
        "nights": nights + 1,
        "seconds": seconds,
        "items": items,
        "table_bytes": job.size_bytes,
    }


def unit_bytes(
    table: Table, settings: Settings, host: Host, before: Mapping[str, Row]
) -> tuple[float, str]:
    """Return how many bytes a unit of a table brings, and why so if not by formula.

    A figure of the user's own (`planning.bytes_per_read_unit`) stands, and so does the formula if
    it is asked for. Else what was measured of this very table by this engine, at about its size.
    """
    planning = settings.planning
    if planning.estimates == "formula" or planning.bytes_per_read_unit is not None:
        return host.unit_bytes, ""
    row = before.get(table.name) or {}
    known = _sound(row.get("measured"))
    same = not table.table_id or row.get("table_id") in (None, table.table_id)
    if known is None or not same or known["engine"] != settings.engine:
        return host.unit_bytes, ""
    if not _is_alike(known, table.size_bytes):
        return host.unit_bytes, (
            f"by formula: measured at {known['table_bytes']} bytes, it has {table.size_bytes}"
        )
    low = _SLOWEST * host.unit_bytes
    unit = min(float(_MOST_UNIT_BYTES), max(low, float(known["unit_bytes"])))
    return unit, (
        f"measured: {unit:.0f} bytes a unit over {known['nights']} nights, the last "
        f"{known['seconds']} s for {known['items']} items{_said_slow(known)}"
    )


def _said_slow(known: Row) -> str:
    slow = known.get("slow_seconds")
    if not isinstance(slow, int) or isinstance(slow, bool) or slow <= 0:
        return ""
    return f"; a night of {slow} s since then is left aside: it was throttled, or held up otherwise"


def _is_alike(known: Row, size: int) -> bool:
    held = int(known["table_bytes"])
    return size > 0 and held / _GREW <= size <= held * _GREW


def _sound(known: Any) -> Row | None:
    """Return a record's part if it is what `measure` makes: a report may be of any version."""
    if not isinstance(known, Mapping) or not isinstance(known.get("engine"), str):
        return None
    numbers = [known.get(name) for name in ("unit_bytes", "nights", "seconds", "table_bytes")]
    good = all(isinstance(n, int | float) and not isinstance(n, bool) and n > 0 for n in numbers)
    return known if good else None
