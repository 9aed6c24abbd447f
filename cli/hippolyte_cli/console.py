"""What the command line prints."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hippolyte_cli.release import Row
from hippolyte_cli.troubles import TROUBLES, remedied

# a log or a pipe has no width of its own
_WIDTH_OF_A_FILE = 160


def console(stderr: bool = False) -> Console:
    """Return a console; what is piped is not squeezed into 80 columns."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else shutil.get_terminal_size((_WIDTH_OF_A_FILE, 0)).columns
    return Console(stderr=stderr, width=width, highlight=False)


def record(value: object) -> None:
    """Print what `--json` asks for: one JSON value on stdout.

    What is for people goes to `console(stderr=True)` then, and stdout has nothing else.
    """
    console().print_json(json.dumps(value))


def refuse(message: str) -> NoReturn:
    """Say why a command cannot be done, and end it."""
    console(stderr=True).print(f"[red]Error:[/red] {escape(message)}")
    raise typer.Exit(2)


def leases(rows: list[Row]) -> Table:
    """Return the leases as a table."""
    table = Table(title="Read capacity that was raised", title_justify="left")
    table.add_column("table", overflow="fold")
    for name in ("from", "to"):
        table.add_column(name, justify="right")
    for name in ("since", "run", "state", "export"):
        table.add_column(name)
    table.add_column("what is done", overflow="fold")
    for row in rows:
        lease = row.lease
        capacities = (str(lease.before), str(lease.target))
        states = (row.since, lease.run_id, lease.state.value, row.export.value)
        table.add_row(row.name, *capacities, *states, row.said)
    return table


def lease_record(row: Row) -> dict[str, Any]:
    """Return a lease as `--json` prints it."""
    lease = row.lease
    return {
        "table": lease.table,
        "place": row.place or None,
        "from": lease.before,
        "to": lease.target,
        "since": row.since,
        "run": lease.run_id,
        "state": lease.state.value,
        "export": row.export.value,
        "said": row.said,
        "left": row.left,
    }


@contextmanager
def closed_pipe_is_an_error() -> Iterator[None]:
    """Have a pipe that nobody reads any more end a command as any other trouble does.

    The console ends the process then, without a word of what is done and how to go on.

    Raises:
        BrokenPipeError: in place of that.
    """
    try:
        yield
    except SystemExit as error:
        raise BrokenPipeError(errno.EPIPE, "nobody reads any more what it says") from error


@contextmanager
def told() -> Iterator[None]:
    """Say what goes wrong, with what to do about it, and end the command."""
    try:
        yield
    except TROUBLES as error:
        refuse(remedied(error))


@contextmanager
def stopped_by_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Have the first ctrl-c or SIGTERM end the loop, and a second one the process."""
    stopped = False

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        signal.signal(number, signal.default_int_handler)

    numbers = (signal.SIGINT, signal.SIGTERM)
    old = [signal.signal(number, stop) for number in numbers]
    try:
        yield lambda: stopped
    finally:
        for number, handler in zip(numbers, old, strict=True):
            signal.signal(number, handler)
