"""What is waited for: one line on stderr of a terminal, from a verb's first moment to its last.

It comes when nothing was printed for a moment, and goes before anything is. What it says: the step
that is under way (`working`), or the latest call to AWS. Nothing of it is on a pipe, nor with
`--json`; there a long step is told by a line of words now and then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from hippolyte import clock

# seconds without a word until it comes, and from one look at it to the next
_DELAY, _EACH_LOOK = 0.5, 0.1
# seconds from one line to the next where nothing can be drawn
_EACH_LINE = 30.0
# a step that tells nothing of itself says how long it takes by then
_LONG = 5.0
_BAR = 16
# of a terminal that is gone, or a stream that was closed: none to be told
_GONE = (OSError, ValueError)


@dataclass(eq=False)
class Step:
    """Something that may take long; called, it takes note of how far it is.

    Attributes:
        doing: in words.
        log: where a line is printed now and then, if nothing is drawn; None: nowhere.
    """

    doing: str
    log: Console | None = None

    def __post_init__(self) -> None:
        self.said = ""
        self.done, self.of = 0.0, 0.0
        self.began = time.monotonic()
        self._logged = clock.now().timestamp()

    def __call__(self, said: str, done: float = 0, of: float | None = None) -> None:
        """Take note of how far it is, in words, and of a bar if `of` is known."""
        self.said, self.done, self.of = said, done, of or 0
        if self.log is None or _line is not None:
            return
        if (now := clock.now().timestamp()) - self._logged >= _EACH_LINE:
            self._logged = now
            self.log.print(Text(self.words), soft_wrap=True)

    @property
    def words(self) -> str:
        """What is shown."""
        return f"{self.doing}: {self.said}" if self.said else self.doing

    def __rich__(self) -> Table:
        words, seconds = self.words, time.monotonic() - self.began
        if not self.said and seconds >= _LONG:
            words += f" ({seconds:.0f} s)"
        grid = Table.grid(padding=(0, 1, 0, 0))
        bar = [ProgressBar(total=self.of, completed=self.done, width=_BAR)] if self.of else []
        grid.add_row(*bar, Text("".join(c for c in words if c.isprintable())))
        return grid


class _Line:
    """The line; all of it under one lock, for threads print too."""

    def __init__(self, out: Console) -> None:
        self.steps = [Step("working")]
        self.lock = threading.RLock()
        self._out, self._spinner = out, Spinner("dots")
        self._live: Live | None = None
        self._quiet = time.monotonic()
        self.hidden = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def away(self) -> None:
        """Take it off, for a moment at least; the lock is held."""
        self._quiet = time.monotonic()
        if self._live:
            self._live.stop()
            self._live = None

    def end(self) -> None:
        """Take it off for good."""
        self._ended.set()
        self._thread.join()
        with suppress(*_GONE):
            self.away()

    def _run(self) -> None:
        with suppress(*_GONE):
            while not self._ended.wait(_EACH_LOOK):
                with self.lock:
                    if time.monotonic() - self._quiet >= _DELAY:
                        self._draw()

    def _draw(self) -> None:
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row(self._spinner, self.steps[-1])
        if self._live is None:
            # what others print goes where they print it
            self._live = Live(
                grid,
                console=self._out,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(grid, refresh=True)


_line: _Line | None = None


def moves(out: Console) -> bool:
    """Say whether something can be drawn and wiped away there: colours alone can be forced."""
    return out.is_interactive and out.file.isatty()


@contextmanager
def waits(quiet: bool) -> Iterator[None]:
    """Have what a verb waits for be shown; `quiet`: nothing is."""
    global _line
    out = Console(stderr=True, highlight=False, emoji=False)
    if quiet or _line is not None or not moves(out):
        yield
        return
    _line = _Line(out)
    try:
        yield
    finally:
        _line.end()
        _line = None


@contextmanager
def working(doing: str, log: Console | None = None) -> Iterator[Step]:
    """Say what is being done; what is given says how far it is.

    Args:
        doing: in words.
        log: where nothing is drawn, a line is printed there each half minute; None: nowhere.
    """
    step, line = Step(doing, log), _line
    if line is None:
        yield step
        return
    with line.lock:
        line.steps.append(step)
    try:
        yield step
    finally:
        with line.lock:
            line.steps.remove(step)


def calls(what: str) -> None:
    """Take note of a call to AWS, for steps that have no words of their own."""
    if line := _line:
        line.steps[0].doing = what


def shown() -> str:
    """Return what the line says, or would in a moment; empty: there is none."""
    return _line.steps[-1].words if _line and not _line.hidden else ""


@contextmanager
def away() -> Iterator[None]:
    """Keep the line away while something is printed, drawn or asked for."""
    line = _line
    if line is None:
        yield
        return
    with line.lock:
        line.away()
        line.hidden += 1
        try:
            yield
        finally:
            line.hidden -= 1
            line.away()
