"""What changed from one plan to another. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hippolyte.report.texts import duration
from hippolyte_cli.planning.forecast import Record, Slot, slots

# a time that differs by less is none that people look for
_MUCH = 0.1


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one table: the kind of change, and the change in words."""

    kind: str
    table: str
    what: str


def differences(before: Record, after: Record) -> list[Difference]:
    """Return what changed, by kind in a fixed order, then by table."""
    old, new = _tables(before), _tables(after)
    found = [
        each
        for name in sorted(old.keys() | new.keys())
        for each in _of(name, old.get(name), new.get(name))
    ]
    return sorted(found, key=lambda each: (_KINDS.index(each.kind), each.table))


_KINDS = (
    "No longer read in time",
    "Read in time again",
    "New",
    "Gone",
    "Raised",
    "No longer raised",
    "Raised otherwise",
    "Not read any more",
    "Takes another time",
)


def _tables(plan: Record) -> dict[str, Any]:
    """Return a plan's tables: their slots, or why they have none."""
    made: dict[str, Any] = {slot.table: slot for slot in slots(plan)}
    made |= dict.fromkeys(plan["empty"], "empty")
    made |= {name: f"{verdict}: {why}" for name, (verdict, why) in plan["verdicts"].items()}
    return made | dict(plan["undescribed"])


def _of(name: str, old: Any, new: Any) -> Iterator[Difference]:
    if old is None or new is None:
        there, kind = (new, "New") if old is None else (old, "Gone")
        said = duration(there.ends - there.begins) if isinstance(there, Slot) else there
        yield Difference(kind, name, said)
    elif not isinstance(old, Slot) or not isinstance(new, Slot):
        if isinstance(old, Slot):
            yield Difference("Not read any more", name, str(new))
        elif isinstance(new, Slot):
            yield Difference("New", name, f"was {old}")
    else:
        yield from _of_slots(name, old, new)


def _of_slots(name: str, old: Slot, new: Slot) -> Iterator[Difference]:
    before, after = old.job["raise_to"], new.job["raise_to"]
    if old.late != new.late:
        kind = "No longer read in time" if new.late else "Read in time again"
        yield Difference(kind, name, f"ends after {duration(new.ends)}, was {duration(old.ends)}")
    if before != after:
        kind = "Raised otherwise" if before and after else "Raised" if after else "No longer raised"
        was = f"{before:,}" if before else f"{old.job['capacity']:,}, not raised"
        to = f"{after:,}" if after else f"{new.job['capacity']:,}, not raised"
        yield Difference(kind, name, f"{was} -> {to}")
    took, takes = old.job["estimate_seconds"], new.job["estimate_seconds"]
    if abs(takes - took) > _MUCH * max(took, 1):
        yield Difference("Takes another time", name, f"{duration(took)} -> {duration(takes)}")
