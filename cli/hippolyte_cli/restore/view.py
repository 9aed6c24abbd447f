"""What a restore shows while it runs: a bar on a terminal, a line now and then on a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from hippolyte.words import count_of
from hippolyte_cli.export_offer import duration
from hippolyte_cli.restore.importing import Progress as Importing
from hippolyte_cli.restore.writer import Loaded
from hippolyte_cli.waiting import working


@contextmanager
def shown(out: Console, doing: str) -> Iterator[Callable[[Loaded | Importing], None]]:
    """Show what it is called with."""
    with working(doing, out) as step:
        yield lambda told: step(line(told), *reached(told))


def reached(told: Loaded | Importing) -> tuple[int, int | None]:
    """Return how many items are done, and of how many; None: not known."""
    if isinstance(told, Importing):
        return told.items, told.of
    return told.before + told.read, told.of


def line(told: Loaded | Importing) -> str:
    """Return how far it is."""
    done, of = reached(told)
    parts = [f"{count_of(done, 'item')}{f' of {of:,}' if of else ''}"]
    if isinstance(told, Importing):
        return f"{told.doing}, {parts[0]}"
    if told.same:
        parts.append(f"{told.same:,} left as they are")
    if told.seconds > 0:
        parts.append(f"{told.read / told.seconds:,.0f} items/s")
        parts.append(f"{told.units / told.seconds:,.0f} units/s")
    if told.throttled:
        parts.append(f"throttled {told.throttled:,} times")
    if told.left_seconds:
        parts.append(f"about {duration(told.left_seconds)} left")
    return ", ".join(parts)
