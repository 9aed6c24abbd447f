"""Which tables DynamoDB itself exports tonight, in which batches, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hippolyte.planning.plan import NATIVE, Batch, Job
from hippolyte.planning.selection import is_native
from hippolyte.settings import Settings
from hippolyte.tables.names import first_names
from hippolyte.tables.table import Table

# of a batch: only how much the ledger holds in one place, no host has them
TABLES_PER_BATCH = 100
# of a small table, and from then on; nobody states them: a real export of 133,199 items, 45 MB,
# took nine minutes, and a table is exported by its partitions side by side
_SECONDS = 900
# the newest moment that can be restored is "typically five minutes before" now (Developer Guide)
BEHIND_SECONDS = 300
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Chosen:
    """Tables by who exports them; `warnings` name those that cannot be exported natively."""

    native: tuple[Table, ...]
    others: tuple[Table, ...]
    warnings: tuple[str, ...] = ()


def named(tables: Iterable[Table], plans: Iterable[Settings]) -> list[str]:
    """Return the tables that any of some settings wants exported natively."""
    rules = [settings.native_export for settings in plans]
    return [t.name for t in tables if any(is_native(t.name, each) for each in rules)]


def choose(tables: Iterable[Table], settings: Settings) -> Chosen:
    """Take the tables that `native_export` names and whose point-in-time recovery is on."""
    native: list[Table] = []
    others: list[Table] = []
    off: list[str] = []
    unknown: dict[str, list[str]] = {}
    for table in tables:
        named = is_native(table.name, settings.native_export)
        if named and table.recovery and table.recovery.on:
            native.append(table)
            continue
        others.append(table)
        if named and (error := _unknown(table)):
            unknown.setdefault(error, []).append(table.name)
        elif named:
            off.append(table.name)
    warnings = [
        f"native_export names {first_names(off)}, whose point-in-time recovery is off: read by "
        f"{settings.engine}. Switch it on, or exclude them"
    ] * bool(off)
    warnings += [
        f"native_export names {first_names(names)}, and whether point-in-time recovery is on is "
        f"not known ({error}): read by {settings.engine}"
        for error, names in unknown.items()
    ]
    return Chosen(tuple(native), tuple(others), tuple(warnings))


def why_not(table: Table, settings: Settings) -> str:
    """Return why a table that `native_export` names is read; empty: it does not name it."""
    on = table.recovery is not None and table.recovery.on
    if on or not is_native(table.name, settings.native_export):
        return ""
    error = _unknown(table)
    why = f"not known ({error})" if error else "off"
    return f"not exported natively: its point-in-time recovery is {why}"


def _unknown(table: Table) -> str:
    """Return why it is not known whether a table's recovery is on; empty: it is known."""
    return table.recovery.error if table.recovery else "a table's description does not say it"


def export_usd(job: Job, settings: Settings) -> float:
    """Return what an export of a table costs, by its size; of local indexes it is not known."""
    return job.size_bytes / _GB * settings.prices.export_gb


def job(table: Table, settings: Settings, scan_usd: float | None) -> Job:
    """Return a table's export; it reads no capacity. `scan_usd`: what reading it would cost."""
    made = Job(
        table=table.name,
        table_id=table.table_id,
        size_bytes=table.size_bytes,
        item_count=table.item_count,
        capacity=0 if table.on_demand else table.read_capacity,
        ratio=0.0,
        plain_ratio=0.0,
        rate=0.0,
        estimate_seconds=_SECONDS,
        # nobody says how long an export takes
        estimated=False,
        own_engine=NATIVE,
    )
    basis = (
        "native export: native_export names it and its point-in-time recovery is on; "
        f"{export_usd(made, settings):.4f} USD"
    )
    beside = "" if scan_usd is None else f", a scan would be {scan_usd:.4f} USD"
    return replace(made, basis=basis + beside)


def batches(jobs: Sequence[Job], first: int, timeline: int) -> tuple[Batch, ...]:
    """Return the batches of native exports, numbered on; all begin at once."""
    end = BEHIND_SECONDS + _SECONDS
    return tuple(
        Batch(f"b{first + n:03d}", timeline + n, tuple(jobs[at : at + TABLES_PER_BATCH]), 0, end)
        for n, at in enumerate(range(0, len(jobs), TABLES_PER_BATCH))
    )
