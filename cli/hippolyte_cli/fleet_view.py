"""A fleet's nights as the command line shows them, in 80 columns, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from textwrap import fill
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from hippolyte.record_form import iso
from hippolyte.report.fleet import Cell, Deployment, Fleet, State
from hippolyte.report.fleet_message import (
    cost_line,
    first_line,
    nowhere_lines,
    oldest_line,
    sections,
    silent,
)
from hippolyte.report.fleet_page import SIGNS, WORDS
from hippolyte.report.fleet_tables import Bare
from hippolyte.report.texts import size
from hippolyte_cli.terminal import show_rows

# a name is not parted
_wrapped = partial(
    fill,
    initial_indent="  - ",
    subsequent_indent="    ",
    break_on_hyphens=False,
    break_long_words=False,
)
# columns that are enough for nights beside a name
_ROOM = 10
_STYLES = {
    State.GOOD: "green",
    State.LOOK: "yellow",
    State.FAILED: "bold red",
    State.UNREADABLE: "bold red",
    State.RUNNING: "cyan",
    State.UNCLOSED: "bold red",
    State.MISSING: "bold red",
    State.NONE: "",
}


def show(out: Console, fleet: Fleet) -> None:
    """Print a fleet."""
    mood = "bold green" if fleet.good else "bold yellow"
    if fleet.needs_attention:
        mood = "bold red"
    out.print(Text(first_line(fleet), style=mood))
    out.print(Text(f"{fleet.place}, {iso(fleet.at)}"), soft_wrap=True)
    if fleet.deployments:
        out.print()
        _grid(out, fleet)
        out.print()
        _figures(out, fleet)
    for title, rows in [*sections(fleet), *_more(fleet)]:
        if rows:
            out.print()
            out.print(Text(f"{title}:", style="bold"))
            for row in rows:
                out.print(Text(_wrapped(row, out.width)))
    out.print()
    out.print(Text(cost_line(fleet)))


def _more(fleet: Fleet) -> Iterator[tuple[str, list[str]]]:
    yield "Backed up nowhere, or not any more", nowhere_lines(fleet)
    yield (
        "Newest good backups, the oldest of each",
        [oldest_line(one) for one in fleet.expected],
    )
    yield "Not heard of for long, and not expected any more", silent(fleet)


def _grid(out: Console, fleet: Fleet) -> None:
    """Print the nights, one character each, the newest first as on the page; in blocks if many."""
    names = [str(one.home) for one in fleet.deployments]
    left = max(map(len, names)) + 2
    beside = left + _ROOM <= out.width
    # a date stands above the nights
    left = left if beside else len("01 Jan back (UTC)  ")
    room = max(_ROOM, out.width - left)
    dates = fleet.dates[::-1]
    for begin in range(0, len(dates), room):
        block = dates[begin : begin + room]
        since = f"{block[0]:%d %b} back (UTC)"
        out.print(Text(since.ljust(left) + _tens(block), style="dim"))
        out.print(Text(" " * left + _units(block), style="dim"))
        for name, one in zip(names, fleet.deployments, strict=True):
            if not beside:
                out.print(Text(name))
            line = Text((name if beside else "").ljust(left))
            for cell in one.cells[::-1][begin : begin + room]:
                line.append(SIGNS[cell.state], style=_STYLES[cell.state])
            out.print(line)
    present = {cell.state for one in fleet.deployments for cell in one.cells}
    keys = [f"{SIGNS[state]} {words}" for state, words in WORDS.items() if state in present]
    out.print(Text(", ".join(keys), style="dim"))


def _tens(dates: tuple[date, ...]) -> str:
    """Return the tens of days where they change."""
    tens = [str(day.day // 10) for day in dates]
    return "".join(
        ten if number == 0 or ten != tens[number - 1] else " " for number, ten in enumerate(tens)
    )


def _units(dates: tuple[date, ...]) -> str:
    return "".join(str(day.day % 10) for day in dates)


def _figures(out: Console, fleet: Fleet) -> None:
    rows = []
    for one in fleet.deployments:
        head = one.last.head
        rows.append(
            (
                escape(str(one.home)),
                f"{head.backed_up:,}" if head else "",
                f"{head.not_backed_up:,}" if head else "",
                size(head.bytes) if head else "",
                f"{one.oldest[0].days:.1f} d" if one.oldest else "",
                f"{one.cost_usd:,.2f}",
            )
        )
    columns = ("deployment", "backed up", "failed", "size", "oldest", "USD")
    show_rows(out, columns, rows, numbers=columns[1:], ruled=False)


def record_of(fleet: Fleet) -> dict[str, Any]:
    """Return a fleet as `--json` prints it."""
    return {
        "place": fleet.place,
        "at": iso(fleet.at),
        "said": first_line(fleet),
        "needs_attention": fleet.needs_attention,
        "deployments": [_deployment(one, fleet) for one in fleet.deployments],
        "nowhere": [_bare(bare) for bare in fleet.nowhere],
    }


def _deployment(one: Deployment, fleet: Fleet) -> dict[str, Any]:
    return {
        "account": one.home.account,
        "region": one.home.region,
        "prefix": one.home.prefix or fleet.records.prefix,
        "name": one.name or None,
        "expected": one.expected,
        "needs_attention": one.needs_attention,
        "last": _cell(one.last),
        "running": one.running.run_id if one.running else None,
        "nights": {
            day.isoformat(): _cell(cell)
            for day, cell in zip(fleet.dates, one.cells, strict=True)
            if cell.state is not State.NONE
        },
        "failed": [_bare(bare) for bare in one.failed],
        "oldest": [
            {"table": age.table, "days": age.days, "last_good": age.last_good or None}
            for age in one.oldest
        ],
        "raised": list(one.kept.raised),
        "unreadable": sorted(one.kept.unreadable),
        "ahead": one.ahead or None,
        "cost_usd": round(one.cost_usd, 4),
        "storage_usd": one.storage_usd,
        "not_seen": list(one.kept.trouble),
    }


def _cell(cell: Cell) -> dict[str, Any]:
    head, night = cell.head, cell.night
    return {
        "state": cell.state.value,
        "run": night.run_id if night else None,
        "why": (night.trouble or None) if night else None,
        "backed_up": head.backed_up if head else None,
        "not_backed_up": head.not_backed_up if head else None,
        "bytes": head.bytes if head else None,
        "cost_usd": head.cost_usd if head else None,
        "alerts": list(head.alerts) if head else [],
    }


def _bare(bare: Bare) -> dict[str, Any]:
    return {
        "table": bare.table,
        "account": bare.home.account,
        "region": bare.home.region,
        "verdict": bare.verdict,
        "reason": bare.reason,
        "last_good": bare.last_good or None,
        "replica": bare.replica,
    }
