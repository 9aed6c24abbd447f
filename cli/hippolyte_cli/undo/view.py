"""What an undo shows: its changes by key, how far it is, what it came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hippolyte.exports.lines import Item
from hippolyte.planning.cost import ON_DEMAND_UNIT_USD
from hippolyte.words import count_of
from hippolyte_cli.compare.run import Totals
from hippolyte_cli.compare.view import value_text
from hippolyte_cli.export_offer import duration
from hippolyte_cli.restore.offer import WRITE_UNIT_USD
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.undo.change import Change, Do
from hippolyte_cli.undo.plan import Counts
from hippolyte_cli.undo.run import Made

_DO: Mapping[Do, str] = {"change": "change back", "put": "put back", "delete": "DELETE"}
_DONE: Mapping[Do, str] = {"change": "changed back", "put": "put back", "delete": "deleted"}


def key_text(key: Item) -> str:
    """Return a key for people."""
    return ", ".join(f"{name}={value_text(value)}" for name, value in key.items())


def line_of(change: Change) -> str:
    """Return a change: of what is changed back, each attribute as it is and as it will be."""
    said = f"  {_DO[change.do]}  {key_text(change.key)}"
    if change.do != "change":
        return said
    was = change.was or {}
    shown = (
        f"{name}: {value_text(was.get(name))} -> {value_text(value)}"
        for name, value in change.to.items()
    )
    return f"{said}  {'; '.join(shown)}"


def change_lines(counts: Counts, path: str) -> Iterator[str]:
    """Yield the first changes of each kind, and how many there are."""
    for do in _DO:
        examples = counts.examples.get(do, [])
        yield from map(line_of, examples)
        if more := counts.changes[do] - len(examples):
            yield f"  ... and {more:,} more to {_DO[do]}: all are in {path}"
    yield f"{counts_text(counts.changes, _DO)}."


def counts_text(counts: Mapping[str, int], words: Mapping[Do, str] = _DONE) -> str:
    """Return how many of each."""
    said = [f"{counts.get(do, 0):,} {word}" for do, word in words.items() if counts.get(do, 0)]
    return ", ".join(said) or "nothing"


def cost_line(units: int, reads: int, rate: Rate, on_demand: bool, indexes: str) -> str:
    """Return what the changes cost and how long they take; each item is read once more before."""
    said = f"{units:,} write units or more, at {rate.writes:,.0f} a second: about "
    said += duration(max(units / rate.writes, reads / rate.reads))
    if on_demand:
        said += f" and {usd(units, reads):,.2f} USD"
    return f"{said}{indexes}. Each is read once more before: {count_of(reads, 'read unit')}."


def usd(units: int, reads: int) -> float:
    """Return what units of writes and of consistent reads cost on demand (us-east-1)."""
    return units * WRITE_UNIT_USD + reads * ON_DEMAND_UNIT_USD


def made_line(made: Made) -> str:
    """Return how far it is."""
    parts = [f"{made.before + made.seen:,} of {count_of(made.of, 'item')}"]
    if made.seconds > 0:
        parts.append(f"{made.units / made.seconds:,.0f} units/s")
    if made.throttled:
        parts.append(f"throttled {made.throttled:,} times")
    if made.left:
        parts.append(f"{made.left:,} left alone")
    return ", ".join(parts)


def left_lines(left: Iterable[Mapping[str, Any]], most: int) -> Iterator[str]:
    """Yield the first items that were left alone."""
    for number, one in enumerate(left):
        if number == most:
            return
        yield f"  LEFT ALONE: {key_text(one['key'])}: {one['why']}"


def found_lines(totals: Totals, only: Sequence[str], delete_added: bool) -> Iterator[str]:
    """Yield what a comparison of a night (left) with a table now (right) came to."""
    yield (
        f"{count_of(totals.left_items, 'item')} that night, {totals.right_items:,} now: "
        f"{totals.equal:,} equal, {totals.different:,} different, {totals.left_only:,} only "
        f"that night, {totals.right_only:,} only now."
    )
    if totals.left_out:
        yield f"{totals.left_out:,} left out: by --where, or past their time to live."
    if only and totals.left_only:
        yield f"--only is of items that are there: {totals.left_only:,} stay vanished."
    if totals.right_only and not delete_added:
        added = count_of(totals.right_only, "item")
        yield f"{added} added since: left there (--delete-added deletes them)."
