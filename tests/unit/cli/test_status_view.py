"""Open runs as people see them: a table on a terminal, plain lines on a pipe."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from rich.console import Console

from hippolyte.planning.plan import Plan
from hippolyte_cli.progress import RunProgress, TableProgress
from hippolyte_cli.status_view import headline, lines, panel
from tests.support.builders import START, plan, table

NOW = START + timedelta(minutes=30)


def reading(name: str = "orders") -> TableProgress:
    return TableProgress(
        name,
        "reading",
        reading=True,
        ended=3,
        segments=8,
        items=1234,
        size=3 << 20,
        rate=12.5,
        since=START,
        estimate=7200,
    )


def run(*tables: TableProgress, cancelled: str = "", made: Plan | None = None) -> RunProgress:
    made = made or plan(table("orders"), table("users"))
    return RunProgress(made, {"backed_up": 1}, tables, raised=1, cancelled=cancelled)


def test_the_lines_of_a_pipe() -> None:
    found = list(lines(run(reading(), TableProgress("users", "waits for its turn")), NOW))
    assert found[0].startswith(
        "2026-11-24T00-00Z by datapipeline: 1 of 2 tables decided: 1 backed up; "
        "1 being read; 1 raised; until 2026-11-24T07:00:00Z; about "
    )
    assert found[1:] == [
        "  orders: reading, 3 of 8 segments, 1,234 items, 3.0 MiB, 12.5 units/s, "
        "for 30 minutes, about 2.0 hours in all",
        "  users: waits for its turn",
    ]


def test_a_terminal_has_a_table_with_bars() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=160, color_system=None)
    console.print(panel(run(reading("[bold]"), TableProgress("users", "waits")), NOW))
    text = out.getvalue()
    (row,) = [line for line in text.splitlines() if "[bold]" in line]
    for cell in ("reading", "3/8", "1,234", "3.0 MiB", "12.5", "30 minutes", "━"):
        assert cell in row
    assert "users" in text


@pytest.mark.parametrize("many", [31, 500])
def test_many_tables_are_counted_not_named(many: int) -> None:
    waiting = [TableProgress(f"t{n:03d}", "waits") for n in range(many)]
    found = list(lines(run(*waiting), NOW))
    assert len(found) == 32
    assert found[-1] == f"  and {many - 30} more"
    out = io.StringIO()
    Console(file=out, width=160).print(panel(run(*waiting), NOW))
    assert f"and {many - 30} more" in out.getvalue()


def test_who_cancelled_it_is_said() -> None:
    assert headline(run(cancelled="cancelled by alice at noon")).endswith("by alice at noon")
