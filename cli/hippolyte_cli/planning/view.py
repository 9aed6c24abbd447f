"""A plan as people see it in a terminal, or on a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hippolyte.report.message import money
from hippolyte.report.texts import duration, size
from hippolyte.words import count_of
from hippolyte_cli.planning.compare import Difference
from hippolyte_cli.planning.forecast import (
    PARTS,
    Record,
    Slot,
    exported,
    is_native,
    learned,
    remedies,
    slots,
    totals,
    why_late,
    why_raised,
    wishes,
)
from hippolyte_cli.planning.gantt import DRAWN, PLAIN, gantt
from hippolyte_cli.terminal import show_rows

MOST = 20
"""Rows of a kind: --json and --html have all."""


def show_plan(out: Console, plan: Record) -> None:
    """Print what a run would do, where it falls short, and what it costs."""
    found = slots(plan)
    _table(out, plan, found)
    _reasons(out, "Raised for the night", _raised(plan, found))
    _list(out, 'Would be raised (raise_capacity is "plan")', wishes(plan))
    _late(out, plan, found)
    _list(out, "Exported by DynamoDB itself, without being read", exported(plan))
    _list(out, "Why as it is", learned(plan))
    for title, lines in (
        ("Empty, backed up without being read", plan["empty"]),
        ("Without a backup", [f"{n}: {v}: {why}" for n, (v, why) in plan["verdicts"].items()]),
        ("Not described yet", [f"{n}: {why}" for n, why in plan["undescribed"].items()]),
        ("To be looked at", plan["alerts"]),
        ("Warnings", plan["warnings"]),
    ):
        _list(out, title, lines)
    _chart(out, plan)
    _cost(out, plan)
    read = sum(slot.job["size_bytes"] for slot in found)
    out.print(
        f"{count_of(len(found), 'table')}, {size(read)}, until {plan['deadline']} at the latest; "
        f"{money(plan)}. Nothing was recorded or changed."
    )


def show_beside(out: Console, plans: Mapping[str, Record]) -> None:
    """Print some plans' figures side by side, by what the plans are called."""
    rows = Table(title="Side by side", title_justify="left")
    rows.add_column("", overflow="fold")
    for name in plans:
        rows.add_column(escape(name), justify="right", overflow="fold")
    for what, values in beside(plans).items():
        rows.add_row(escape(what), *map(escape, values))
    out.print(rows)


def beside(plans: Mapping[str, Record]) -> dict[str, list[str]]:
    """Return the figures of some plans: what each is, and its values plan by plan."""
    figures = [totals(plan) for plan in plans.values()]
    names = dict.fromkeys(name for each in figures for name in each)
    return {name: [each.get(name, "-") for each in figures] for name in names}


def show_differences(out: Console, differences: Sequence[Difference], other: str) -> None:
    """Print what changed since another plan, the tables by what happened to them."""
    if not differences:
        out.print(f"Nothing changed since {escape(other)}.")
        return
    by_kind: dict[str, list[str]] = {}
    for each in differences:
        by_kind.setdefault(each.kind, []).append(f"{each.table}: {each.what}")
    out.print(f"Since {escape(other)}:")
    for kind, lines in by_kind.items():
        _list(out, f"{kind}, {len(lines)}", lines)


def _table(out: Console, plan: Record, found: list[Slot]) -> None:
    """Print the tables that take longest."""
    if not found:
        return
    longest = sorted(found, key=lambda slot: (slot.begins - slot.ends, slot.table))[:MOST]
    more = f", the {MOST} longest of {len(found):,} tables" if len(found) > MOST else ""
    show_rows(
        out,
        ("table", "batch", "size", "units/s", "raised to", "time"),
        map(_cells, longest),
        title=f"What a run would read, by {plan['engine']}{more}",
        numbers=("size", "units/s", "raised to", "time"),
    )


def takes(slot: Slot) -> str:
    """Return how long a table is read, in words."""
    # of a table that no night has read, and DynamoDB says no size of
    known = slot.job.get("estimated", True)
    return f"about {duration(slot.job['estimate_seconds'])}" if known else "not known"


def _cells(slot: Slot) -> tuple[str, ...]:
    job = slot.job
    # a plan of an older version does not say it
    split = f" by {job['parts']} workers" if job.get("parts", 1) > 1 else ""
    return (
        escape(slot.table),
        slot.batch + split,
        size(job["size_bytes"]),
        "native" if is_native(slot) else f"{job['rate']:,.1f}",
        f"{job['raise_to']:,}" if job["raise_to"] else "",
        takes(slot),
    )


def _raised(plan: Record, found: list[Slot]) -> list[tuple[str, str]]:
    raised = [slot for slot in found if slot.job["raise_to"]]
    raised.sort(key=lambda slot: (slot.job["capacity"] - slot.job["raise_to"], slot.table))
    return [
        (f"{s.table}: {s.job['capacity']:,} to {s.job['raise_to']:,}", why_raised(s.job, plan))
        for s in raised
    ]


def _late(out: Console, plan: Record, found: list[Slot]) -> None:
    late = sorted((s for s in found if s.late), key=lambda s: (-s.ends, s.table))
    of = count_of(len(found), "table")
    title = f"[yellow]Does not fit the window:[/yellow] {len(late)} of {of}"
    _reasons(out, title, [(slot.table, why_late(slot, plan)) for slot in late])
    _list(out, "What would help", remedies(plan))


def _reasons(out: Console, title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print what, and why in a sentence."""
    shown = [(escape(what), escape(why)) for what, why in rows[:MOST]]
    show_rows(out, ("table", "why"), shown, title=title, prose=("why",))
    if more := len(rows) - MOST if len(rows) > MOST else 0:
        out.print(f"and {more:,} more: --json or --html has all")


def _list(out: Console, title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if not lines:
        return
    out.print(f"{escape(title)}:")
    for line in lines[:MOST]:
        out.print(f"  - {escape(line)}", soft_wrap=True)
    if len(lines) > MOST:
        out.print(f"  and {len(lines) - MOST:,} more: --json or --html has all")


def _chart(out: Console, plan: Record) -> None:
    drawn = out.is_terminal and out.encoding.lower().startswith("utf")
    for line in gantt(plan, DRAWN if drawn else PLAIN):
        # it has a width of its own
        out.print(escape(line), soft_wrap=True)


def _cost(out: Console, plan: Record) -> None:
    parts = [f"{PARTS.get(part, part)} {usd:,.2f}" for part, usd in plan.get("cost", {}).items()]
    if parts:
        of = f" (prices of {escape(plan['prices'])})" if plan.get("prices") else ""
        out.print(f"Cost in USD{of}: {', '.join(parts)}")
