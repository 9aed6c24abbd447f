"""What a plan's record says will be: when each table is read, which come too late, and why. Pure.

Times are seconds after the window's start, sizes bytes, capacities read capacity units per second.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hippolyte.planning.host import WORKER_BOOTSTRAP, noun_of
from hippolyte.planning.plan import NATIVE
from hippolyte.planning.sizer import RAISED_AT_ONCE
from hippolyte.record_form import when
from hippolyte.report.texts import duration, size
from hippolyte.words import count_of

Record = Mapping[str, Any]

PARTS = {
    "hosts": "workers or clusters",
    "raised": "raised read capacity",
    "reads": "on-demand reads",
    "exports": "native exports",
    "drills": "restore drills, at the most",
    "activities": "Data Pipeline's activities",
}
"""The parts of a plan's cost, as people say them."""

# a window is no longer than a day
_QUARTER, _DAY = 900, 86_400


@dataclass(frozen=True, slots=True)
class Slot:
    """A table's time by the plan. `late`: it ends after the window."""

    table: str
    batch: str
    begins: float
    ends: float
    job: Record
    late: bool


def window_seconds(plan: Record) -> int:
    """Return how long a plan's window is."""
    return int((when(plan["deadline"]) - when(plan["start"])).total_seconds())


def is_by_workers(plan: Record) -> bool:
    """Say whether tables of a batch are read side by side."""
    return noun_of(plan["engine"]) == "worker"


def slots(plan: Record) -> list[Slot]:
    """Return the tables' times, batch by batch, in the plan's order."""
    window = window_seconds(plan)
    return [
        Slot(job["table"], batch["batch_id"], begins, ends, job, ends > window)
        for batch in plan["batches"]
        for job, begins, ends in _times(batch, is_by_workers(plan))
    ]


def _times(batch: Record, side_by_side: bool) -> Iterator[tuple[Record, float, float]]:
    jobs = batch["jobs"]
    begins = float(batch.get("begins") or 0)
    if not side_by_side:
        work = sum(job["estimate_seconds"] for job in jobs)
        ends = batch.get("ends")
        at = begins if ends is None else ends - work
        for job in jobs:
            yield job, at, at + job["estimate_seconds"]
            at += job["estimate_seconds"]
        return
    begins += WORKER_BOOTSTRAP
    # those that are raised wait for their turn
    turns = [begins] * RAISED_AT_ONCE
    for job in jobs:
        at = begins
        if job["raise_to"]:
            at = heapq.heappop(turns)
            heapq.heappush(turns, at + job["estimate_seconds"])
        yield job, at, at + job["estimate_seconds"]


def ends_of(plan: Record) -> float:
    """Return when the last batch ends."""
    known = [slot.ends for slot in slots(plan)]
    known += [batch["ends"] for batch in plan["batches"] if batch.get("ends")]
    return max(known, default=0.0)


def at_once(plan: Record) -> int:
    """Return how many hosts the plan has side by side."""
    most: dict[int, int] = {}
    for batch in plan["batches"]:
        parts = max((job.get("parts", 1) for job in batch["jobs"]), default=1)
        most[batch["timeline"]] = max(most.get(batch["timeline"], 0), parts)
    return sum(most.values())


def totals(plan: Record) -> dict[str, str]:
    """Return a plan in figures, by what they are, in words; the same figures of every plan."""
    found = slots(plan)
    late = [slot for slot in found if slot.late]
    raised = [slot.job for slot in found if slot.job["raise_to"]]
    units = sum(job["raise_to"] - job["capacity"] for job in raised)
    made = {
        "window": duration(window_seconds(plan)),
        "engine": str(plan["engine"]),
        "tables read": f"{len(found):,}",
        "bytes read": size(sum(slot.job["size_bytes"] for slot in found)),
        "within the window": f"{len(found) - len(late):,}",
        "too late for it": f"{len(late):,}",
        "left out": f"{len(plan['verdicts']):,}",
        "ends after": duration(ends_of(plan)),
        "workers or clusters at once": f"{at_once(plan):,}",
        "workers or clusters in all": f"{len(plan['batches']):,}",
        "tables raised": f"{len(raised):,}" + (f" by {units:,} units" if raised else ""),
    }
    for part, usd in plan.get("cost", {}).items():
        made[f"USD, {PARTS.get(part, part)}"] = f"{usd:,.2f}"
    made["USD a night"] = f"{plan['cost_usd']:,.2f}"
    if plan.get("storage_usd") is not None:
        made["USD a month for storage"] = f"{plan['storage_usd']:,.2f}"
    return made


def why_raised(job: Record, plan: Record) -> str:
    """Say in a sentence why a table is to be raised, and what that gives."""
    plain = max(job["capacity"] * job["plain_ratio"], 1e-9)
    alone = job["estimate_seconds"] * job["rate"] / plain
    kept = job["capacity"] - plain
    return (
        f"at its share of {job['capacity']:,} units ({_units(plain)}) its "
        f"{size(job['size_bytes'])} take {duration(alone)}, and the window has "
        f"{duration(window_seconds(plan))}; at {job['raise_to']:,} it is read at "
        f"{_units(job['rate'])} in {duration(job['estimate_seconds'])}, and the application "
        f"keeps {_units(kept)}"
    )


def _units(value: float) -> str:
    """Return read units a second in words: of a few, tenths are told, for 0.5 is not none."""
    return f"{value:,.1f}".removesuffix(".0") if value < 10 else f"{value:,.0f}"


def wishes(plan: Record) -> list[str]:
    """Return what would be raised, were it allowed: with raise_capacity = "plan"."""
    jobs = [slot.job for slot in slots(plan) if slot.job.get("would_raise_to")]
    return [
        f"{job['table']}: {job['capacity']:,} to {job['would_raise_to']:,}"
        for job in sorted(jobs, key=lambda job: str(job["table"]))
    ]


def learned(plan: Record) -> list[str]:
    """Return which tables are not planned by the formula, or not by what was measured, and why."""
    return [
        f"{s.table}: {basis}"
        for s in slots(plan)
        if (basis := s.job.get("basis")) and not is_native(s)
    ]


def is_native(slot: Slot) -> bool:
    """Say whether DynamoDB itself exports a table; a plan of an older version does not say it."""
    return slot.job.get("own_engine") == NATIVE


def exported(plan: Record) -> list[str]:
    """Return which tables DynamoDB itself exports, why, and what that costs beside a scan."""
    return [f"{s.table}: {s.job['basis']}" for s in slots(plan) if is_native(s)]


def why_late(slot: Slot, plan: Record) -> str:
    """Say in a sentence why a table is not read by the window's end, and what would help it."""
    window, noun = window_seconds(plan), noun_of(plan["engine"])
    takes, longer = slot.job["estimate_seconds"], _rounded(slot.ends)
    if takes > window - WORKER_BOOTSTRAP:
        need = math.ceil(slot.job["rate"] * takes / max(1, window - WORKER_BOOTSTRAP))
        return (
            f"takes {duration(takes)} at {_units(slot.job['rate'])} units/s, longer than the "
            f"window ({duration(window)}): {need:,} units/s would do"
            + (f", or a window of {duration(longer)}" if longer <= _DAY else "")
        )
    return (
        f"no {noun} has time for it before the window ends: it would end after "
        f"{duration(slot.ends)}"
    )


def remedies(plan: Record) -> list[str]:
    """Say what would take in the tables that come too late; nothing if none does."""
    found = slots(plan)
    late = [slot for slot in found if slot.late]
    if not late:
        return []
    window, longer = window_seconds(plan), _rounded(ends_of(plan))
    said = []
    if longer <= _DAY:
        said.append(
            f"a window of {duration(longer)} (it is {duration(window)}) takes in all as it is "
            "planned now"
        )
    wait = [slot for slot in late if slot.job["estimate_seconds"] <= window - WORKER_BOOTSTRAP]
    if wait:
        busy = sum((b["ends"] or 0) - (b["begins"] or 0) for b in plan["batches"])
        least = max(at_once(plan) + 1, math.ceil(busy / max(1, window)))
        knob = "exporter.max_workers" if is_by_workers(plan) else "planning.max_clusters"
        said.append(
            f"{knob} = {least} or somewhat more (now {at_once(plan)} run at once) for the "
            f"{count_of(len(wait), 'table')} that wait for others"
        )
    if len(wait) < len(late):
        said.append(
            f"more read capacity for {count_of(len(late) - len(wait), 'table')} longer than "
            "the window alone: raise_capacity and max_read_capacity, the account's quotas, or "
            "planning.on_demand_read_rate; the warnings say what binds"
        )
    return said


def _rounded(seconds: float) -> int:
    """Return a time rounded up to a quarter of an hour."""
    return math.ceil(seconds / _QUARTER) * _QUARTER
