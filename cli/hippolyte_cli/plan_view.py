"""What is shown of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from hippolyte.report.message import money
from hippolyte_cli import console
from hippolyte_cli.export_offer import duration, size


def show_plan(plan: Mapping[str, Any]) -> None:
    """Print a plan as the scheduler answers it."""
    out = console.console()
    tables = plan["tables"]
    rows = Table(title=f"What a run would read, by {plan['engine']}", title_justify="left")
    rows.add_column("table", overflow="fold")
    rows.add_column("batch")
    for name in ("size", "units/s", "raised to", "takes about"):
        rows.add_column(name, justify="right")
    for name, table in sorted(tables.items()):
        # a function of an older version does not say it
        split = f" by {table['workers']} workers" if table.get("workers", 1) > 1 else ""
        rows.add_row(
            escape(name),
            table["batch"] + split,
            size(table["bytes"]),
            f"{table['rate']:,.1f}",
            f"{table['raise_to']:,}" if table["raise_to"] else "",
            "?" if table["seconds"] is None else duration(table["seconds"]),
        )
    if tables:
        out.print(rows)
    for title, lines in (
        ("Empty, backed up without being read", plan["empty"]),
        ("Without a backup", [f"{n}: {why}" for n, why in plan["verdicts"].items()]),
        ("Not described yet", [f"{n}: {why}" for n, why in plan["undescribed"].items()]),
        ("To be looked at", plan["alerts"]),
        ("Warnings", plan["warnings"]),
    ):
        if lines:
            out.print(f"{title}:")
            for line in lines:
                out.print(f"  - {escape(line)}")
    count, read = len(tables), sum(table["bytes"] for table in tables.values())
    out.print(
        f"{count} tables, {size(read)}, until {plan['deadline']} at the latest; "
        f"{money(plan)}. Nothing was recorded or changed."
    )
