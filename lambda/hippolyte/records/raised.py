"""What a table's entry says of its raises: the last one, and those before it in the same run."""

from __future__ import annotations

from collections.abc import Iterator

from hippolyte.records.ledger import TableEntry


def note_raised(entry: TableEntry, before: int, to: int, at: str, *, known: bool) -> None:
    """Note a raise that is on record in a lease, capacities in read capacity units per second.

    `known`: DynamoDB has taken it, or it was seen; otherwise it may still be refused.
    """
    if entry.given_back_at and at >= entry.given_back_at:
        # once more, for another attempt
        former = [entry.raised_from, entry.raised_to, entry.raised_at, entry.given_back_at]
        entry.raised_before.append(former)
        entry.raised_at = entry.given_back_at = None
        entry.raise_known = False
    entry.raised_from, entry.raised_to = before, to
    entry.raised_at = entry.raised_at or at
    entry.raise_known = entry.raise_known or known


def note_given_back(entry: TableEntry, at: str, *, never_raised: bool) -> None:
    """Note when a table was given back; a raise that never was is none.

    One that others were told of was: whoever heard of its begin hears of its end.
    """
    if not never_raised or entry.raise_known:
        entry.given_back_at = at
    elif not entry.given_back_at:
        former = entry.raised_before.pop() if entry.raised_before else [None] * 4
        entry.raised_from, entry.raised_to, entry.raised_at, entry.given_back_at = former


def raises(entry: TableEntry) -> Iterator[tuple[int | None, int | None, str, str | None]]:
    """Yield the raises that are certain: from, to, when, and when given back; None: not yet."""
    yield from entry.raised_before
    if entry.raised_at and (entry.raise_known or entry.given_back_at):
        yield entry.raised_from, entry.raised_to, entry.raised_at, entry.given_back_at
