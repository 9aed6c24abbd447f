"""What the command line prints, and how its verbs end."""

from __future__ import annotations

import errno
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from hippolyte_cli.given import is_of_sdk
from hippolyte_cli.release import Row
from hippolyte_cli.terminal import console as console
from hippolyte_cli.terminal import show_rows
from hippolyte_cli.troubles import TROUBLES, remedied
from hippolyte_cli.waiting import away


def record(value: object) -> None:
    """Print what `--json` asks for: one JSON value on stdout.

    What is for people goes to `console(stderr=True)` then, and stdout has nothing else.
    """
    out = console()
    # where a letter cannot be shown, its escape says the same
    out.print_json(json.dumps(value), ensure_ascii=not out.encoding.startswith("utf"))


def refuse(message: str) -> NoReturn:
    """Say why a command cannot be done, and end it."""
    console(stderr=True).print(f"[red]Error:[/red] {escape(message)}")
    raise typer.Exit(2)


def confirm(question: str) -> bool:
    """Ask a person; what is waited for meanwhile is they. Who ends the input says no."""
    try:
        with away():
            return typer.confirm(question, err=True)
    except typer.Abort as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        # the cursor stands behind the question
        console(stderr=True).print()
        return False


def agree(question: str, unasked: str) -> None:
    """Ask before anything is done; end the command with 2 unless a person says yes.

    `unasked` is said where nobody is there to be asked.
    """
    if not sys.stdin.isatty():
        refuse(unasked)
    if not confirm(question):
        console(stderr=True).print("Nothing was done.")
        raise typer.Exit(2)


def show_leases(out: Console, rows: list[Row]) -> None:
    """Print the leases."""
    show_rows(
        out,
        ("table", "from", "to", "since", "run", "state", "export", "what is done"),
        (
            (
                escape(row.name),
                *(str(row.lease.before), str(row.lease.target), row.since, row.lease.run_id),
                *(row.lease.state.value, row.export.value, escape(row.said)),
            )
            for row in rows
        ),
        title="Read capacity that was raised",
        numbers=("from", "to"),
        prose=("what is done",),
    )


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
def heard_or_not() -> Iterator[None]:
    """Print what is only said: who does not hear it keeps nothing from being done."""
    with suppress(OSError), closed_pipe_is_an_error():
        yield


@contextmanager
def told() -> Iterator[None]:
    """Say what goes wrong, with what to do about it, and end the command."""
    try:
        yield
    except TROUBLES as error:
        refuse(remedied(error))
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        if not is_of_sdk(error):
            raise
        refuse(
            f"AWS's SDK cannot use a setting of this machine: {error}. Look at the variables that "
            "begin with AWS_, at HTTPS_PROXY, and at ~/.aws/config."
        )


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
