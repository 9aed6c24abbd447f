"""A plan as a chart over time, in lines of text. Pure.

A row a table under its batch; of many tables a row a host. Plain letters where the output is no
terminal, or one that knows no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from hippolyte.planning.host import noun_of
from hippolyte.record_form import when
from hippolyte.report.texts import duration
from hippolyte.words import count_of
from hippolyte_cli.planning.forecast import Record, Slot, ends_of, slots, window_seconds

LANES = 40
"""Up to this many tables get a row each."""

WIDTH = 80
_LABEL = 24
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Letters:
    """What a chart is drawn with."""

    reading: str
    raised: str
    late: str
    host: str
    end: str


PLAIN = Letters("#", "+", "!", ".", "|")
DRAWN = Letters("█", "▓", "▚", "░", "│")


def gantt(plan: Record, letters: Letters = PLAIN, width: int = WIDTH) -> list[str]:
    """Return a plan's chart; only a name may be longer than `width`. None: nothing is read."""
    found = slots(plan)
    if not found:
        return []
    window = window_seconds(plan)
    # the window, and what comes after it, but no more than it once again
    span = max(1.0, window, min(ends_of(plan), 2.0 * window))
    chart = _Chart(plan, letters, width - _LABEL - 1, window, span)
    rows = _by_table(plan, found, chart) if len(found) <= LANES else _by_host(plan, found, chart)
    key = f"{letters.reading} read  {letters.raised} read at raised capacity  "
    key += f"{letters.late} after the window  {letters.host} {noun_of(plan['engine'])}"
    return [chart.axis(), *rows, key]


@dataclass(frozen=True, slots=True)
class _Chart:
    plan: Record
    letters: Letters
    columns: int
    window: int
    # the time drawn
    span: float

    def column(self, seconds: float) -> int:
        return min(self.columns, max(0, round(seconds / self.span * self.columns)))

    def lines(self, label: str, bars: list[tuple[float, float, str]]) -> list[str]:
        """Return a row: a label, above if it is long, and bars over each other."""
        cells = [" "] * self.columns
        edge = self.column(self.window)
        if edge < self.columns:
            cells[edge] = self.letters.end
        for begins, ends, letter in bars:
            first = min(self.column(begins), self.columns - 1)
            for at in range(first, max(first + 1, self.column(ends))):
                cells[at] = (
                    self.letters.late if at >= edge and letter != self.letters.host else letter
                )
        above, beside = ([label], "") if len(label) > _LABEL else ([], label)
        return [*above, f"{beside:<{_LABEL}} {''.join(cells)}".rstrip()]

    def axis(self) -> str:
        """Return the hours above it, UTC."""
        start, cells = when(self.plan["start"]), [" "] * (self.columns + 5)
        for tick in range(_TICKS):
            at = self.columns * tick // _TICKS
            moment = start + timedelta(seconds=self.span * at / self.columns)
            cells[at : at + 5] = f"{moment:%H:%M}"
        return f"{'UTC':<{_LABEL}} {''.join(cells[: self.columns])}".rstrip()


def _bar(slot: Slot, letters: Letters) -> tuple[float, float, str]:
    raised = slot.job["raise_to"]
    return slot.begins, slot.ends, letters.raised if raised else letters.reading


def _by_table(plan: Record, found: list[Slot], chart: _Chart) -> Iterator[str]:
    for batch in plan["batches"]:
        own = [slot for slot in found if slot.batch == batch["batch_id"]]
        begins = batch.get("begins") or 0
        ends = batch.get("ends") or max((slot.ends for slot in own), default=0)
        host = [(begins, ends, chart.letters.host)]
        took = duration(ends - begins)
        yield from chart.lines(f"{batch['batch_id']} {len(own)} in {took}", host)
        for slot in own:
            yield from chart.lines(f"  {slot.table}", [_bar(slot, chart.letters)])


def _by_host(plan: Record, found: list[Slot], chart: _Chart) -> Iterator[str]:
    noun = noun_of(plan["engine"])
    by_batch: dict[str, list[Slot]] = {}
    for slot in found:
        by_batch.setdefault(slot.batch, []).append(slot)
    rows: dict[int, list[Record]] = {}
    for batch in plan["batches"]:
        rows.setdefault(batch["timeline"], []).append(batch)
    for number, batches in rows.items():
        own = [slot for batch in batches for slot in by_batch.get(batch["batch_id"], [])]
        bars = [(b.get("begins") or 0, b.get("ends") or 0, chart.letters.host) for b in batches]
        bars += [_bar(slot, chart.letters) for slot in own]
        yield from chart.lines(f"{noun} {number + 1}: {count_of(len(own), 'table')}", bars)
