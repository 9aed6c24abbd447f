"""What is shown of open runs: tables with bars on a terminal, plain lines on a pipe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hippolyte.record_form import iso
from hippolyte.words import count_of
from hippolyte_cli.export_offer import duration, size
from hippolyte_cli.progress import RunProgress, TableProgress

# columns that the table needs for names of usual length
_WIDE = 120
_BAR = 40
# more open tables than these are counted, not named
_NAMED = 30


def headline(run: RunProgress) -> str:
    """Return the one line that says how a run is."""
    decided = sum(run.verdicts.values())
    counts = ", ".join(
        f"{count} {verdict.replace('_', ' ')}" for verdict, count in sorted(run.verdicts.items())
    )
    part = f" (part: {', '.join(run.plan.part)})" if run.plan.part else ""
    facts = [
        f"{decided} of {count_of(run.plan.discovered, 'table')} decided"
        + (f": {counts}" if counts else ""),
        f"{sum(t.reading for t in run.tables)} being read",
        *([f"{run.raised} raised"] if run.raised else []),
        f"until {iso(run.plan.deadline)}",
        f"about {run.plan.cost_usd:.2f} USD",
        *([run.cancelled] if run.cancelled else []),
    ]
    return f"{run.plan.run_id}{part} by {run.plan.engine}: {'; '.join(facts)}"


def lines(run: RunProgress, now: datetime) -> Iterable[str]:
    """Yield a run's lines for a pipe or a log."""
    yield headline(run)
    for table in run.tables[:_NAMED]:
        yield f"  {table.name}: {_said(table, now)}"
    more = len(run.tables) - _NAMED
    if more > 0:
        yield f"  and {more} more"


def panel(run: RunProgress, now: datetime, width: int = _WIDE) -> RenderableType:
    """Return a run for a terminal of so many columns; of few each table's name has its own line."""
    if width < _WIDE:
        return Group(*_paragraphs(run, now))
    rows = Table(title=escape(headline(run)), title_justify="left", show_edge=False)
    rows.add_column("table", overflow="fold")
    rows.add_column("state")
    rows.add_column("read", width=20)
    for name in ("segments", "items", "size", "units/s", "for"):
        rows.add_column(name, justify="right")
    for table in run.tables[:_NAMED]:
        rows.add_row(
            escape(table.name),
            table.state,
            ProgressBar(total=table.segments, completed=table.ended) if table.segments else "",
            f"{table.ended}/{table.segments}" if table.segments else "",
            f"{table.items:,}" if table.segments else "",
            size(table.size) if table.segments else "",
            f"{table.rate:,.1f}" if table.rate else "",
            duration((now - table.since).total_seconds()) if table.since else "",
        )
    more = len(run.tables) - _NAMED
    return Group(rows, f"and {more} more") if more > 0 else rows


def _paragraphs(run: RunProgress, now: datetime) -> Iterable[RenderableType]:
    yield Text(headline(run))
    for table in run.tables[:_NAMED]:
        yield Text(table.name, overflow="fold")
        yield Padding(Text(_said(table, now)), (0, 0, 0, 2))
        if table.segments:
            bar = ProgressBar(total=table.segments, completed=table.ended, width=_BAR)
            yield Padding(bar, (0, 0, 0, 2))
    more = len(run.tables) - _NAMED
    if more > 0:
        yield Text(f"and {more} more")


def record_of(run: RunProgress) -> dict[str, Any]:
    """Return a run as `--json` prints it."""
    return {
        "run": run.plan.run_id,
        "engine": run.plan.engine,
        "part": list(run.plan.part),
        "deadline": iso(run.plan.deadline),
        "cost_usd": run.plan.cost_usd,
        "tables": run.plan.discovered,
        "verdicts": dict(run.verdicts),
        "raised": run.raised,
        "cancelled": run.cancelled or None,
        "records": run.where,
        "undecided": [
            asdict(table) | {"since": iso(table.since) if table.since else None}
            for table in run.tables
        ],
    }


def _said(table: TableProgress, now: datetime) -> str:
    parts = [table.state]
    if table.segments:
        parts += [
            f"{table.ended} of {count_of(table.segments, 'segment')}",
            count_of(table.items, "item"),
            size(table.size),
        ]
    if table.rate:
        parts.append(f"{table.rate:,.1f} units/s")
    if table.reading and table.since:
        parts.append(f"for {duration((now - table.since).total_seconds())}")
        if table.estimate:
            parts.append(f"about {duration(table.estimate)} in all")
    return ", ".join(parts)
