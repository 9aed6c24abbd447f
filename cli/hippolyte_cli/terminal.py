"""How words and rows are put on a terminal: nothing is cut, and what is to be copied stays whole.

On a pipe a line is a line, however long, for programs that read lines; unless COLUMNS is set.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hippolyte_cli.waiting import away

# a log or a pipe has no width of its own
_WIDTH_OF_A_FILE, _HEIGHT_OF_A_FILE = 160, 25
# columns, so that a table says how wide it would like to be
_UNBOUNDED = 10_000
# a sentence in a cell is read in so many columns at least
_PROSE = 36


class Words(Console):
    """A console that breaks lines between words alone."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; a word that is longer than the line is left to the terminal, which copies it."""
        with away():
            self._print(*objects, **options)

    def _print(self, *objects: Any, **options: Any) -> None:
        if len(objects) == 1 and isinstance(objects[0], str | Text):
            given = objects[0]
            text = self.render_str(given) if isinstance(given, str) else given.copy()
            # as long as it was, so that styles stay where they are
            text.plain = _safe(text.plain)
            objects = (text,)
            # a caller's line for programs is one on any pipe
            whole = options.get("soft_wrap") or not os.environ.get("COLUMNS")
            options["soft_wrap"] = True
            if not options.get("no_wrap") and (self.is_terminal or not whole):
                for line in broken(text, self.width):
                    super().print(line, **options)
                return
        if options.get("no_wrap"):
            options["soft_wrap"] = True
        super().print(*objects, **options)


def _safe(text: str) -> str:
    """Return a text without what a terminal obeys: names and messages are others' words."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def broken(text: Text, width: int, indent: int = 0) -> Iterator[Text]:
    """Yield a text's lines of so many columns; a longer word has a line of its own, and is whole.

    Args:
        text: which may have lines of its own.
        width: of a line, with its indent.
        indent: columns of blanks before each.
    """
    for line in text.split(allow_blank=True):
        plain, begin, cuts = line.plain, 0, []
        for word in re.finditer(r"\S+", plain):
            is_long = cell_len(plain[begin : word.end()]) > width - indent
            # what stands before it may be blank: its own indent
            if is_long and plain[begin : word.start()].strip():
                begin = word.start()
                cuts.append(begin)
        for part in line.divide(cuts):
            if cuts:
                part.rstrip()
            yield Text(" " * indent) + part


def console(stderr: bool = False) -> Console:
    """Return a console; what is piped is not squeezed into 80 columns."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else shutil.get_terminal_size((_WIDTH_OF_A_FILE, 0)).columns
    # without a height rich does not heed the width where TERM is dumb
    height = _HEIGHT_OF_A_FILE if width else None
    # what stands in colons is no picture, but as it was written
    return Words(stderr=stderr, width=width, height=height, highlight=False, emoji=False)


def show_rows(
    out: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    title: str = "",
    numbers: Collection[str] = (),
    prose: Collection[str] = (),
    ruled: bool = True,
) -> None:
    """Print rows as a table; where it would be squeezed, each as a paragraph, or a line on a pipe.

    Args:
        out: where.
        columns: their names; of the first each row has another value.
        rows: their cells, in rich's markup.
        title: what is above.
        numbers: columns whose cells are aligned to the right.
        prose: columns whose cells are sentences, which may be broken between words.
        ruled: with lines around cells.
    """
    rows = [[_safe(cell) for cell in row] for row in rows]
    if not rows:
        return
    form: dict[str, Any] = {}
    if not ruled:
        form = {"box": None, "padding": (0, 2, 0, 0), "header_style": "dim"}
    table = Table(title=title or None, title_justify="left", **form)
    wished = Table(**form)
    for name, cells in zip(columns, zip(*rows, strict=True), strict=True):
        side: Any = "right" if name in numbers else "left"
        # a path is for copying, in a sentence too
        longest = max((_longest(cell) for cell in cells), default=0) if name in prose else None
        table.add_column(
            name, justify=side, no_wrap=name not in prose, overflow="fold", min_width=longest
        )
        wished.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(*row)
        named = zip(columns, row, strict=True)
        wished.add_row(*(_least(cell) if name in prose else cell for name, cell in named))
    if out.measure(wished, options=out.options.update_width(_UNBOUNDED)).maximum <= out.width:
        out.print(table)
        return
    if title:
        out.print(title, soft_wrap=True)
    for first, *rest in rows:
        facts = [(n, c) for n, c in zip(columns[1:], rest, strict=True) if c]
        if not out.is_terminal:
            out.print(f"{first}: {', '.join(f'{n} {c}'.strip() for n, c in facts)}", soft_wrap=True)
            continue
        # what has no name says what the whole row is
        out.print(": ".join([first, *(c for n, c in facts if not n)]))
        said = [f"{n} {c}" for n, c in facts if n and n not in prose]
        for line in _lines(said, out.width - 2):
            out.print(f"  {line}", no_wrap=True)
        for _, cell in (fact for fact in facts if fact[0] in prose):
            for part in broken(Text.from_markup(cell, emoji=False), out.width, 2):
                out.print(part)


def _least(cell: str) -> str:
    whole = Text.from_markup(cell, emoji=False).cell_len
    return "x" * max(_longest(cell), min(_PROSE, whole))


def _longest(cell: str) -> int:
    words = Text.from_markup(cell, emoji=False).plain.split()
    return max(map(cell_len, words), default=0)


def _lines(facts: Iterable[str], width: int) -> Iterator[str]:
    """Yield facts side by side, as many as a line has room for; none is broken."""
    line = ""
    for fact in facts:
        longer = f"{line}, {fact}" if line else fact
        if line and Text.from_markup(longer, emoji=False).cell_len > width:
            yield f"{line},"
            longer = fact
        line = longer
    if line:
        yield line
