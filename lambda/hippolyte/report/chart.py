"""The night as a Gantt chart: inline SVG, made from a report alone.

A row a batch, the time of its cluster or worker as a band; the tables' exports are bars inside,
each in a lane of its own or, for more than `LANES` tables, all in the batch's row. Under them the
time a table was raised for. Colours are classes, set by the page's style sheet.

Names and hours are pictures of their own, which stay where they are when the plot is scrolled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from hippolyte.record_form import when
from hippolyte.report.scale import WIDTH, Scale, scale_of
from hippolyte.report.texts import count_of, duration, shown
from hippolyte.report.times import Times

Row = Mapping[str, Any]
Address = Callable[[Mapping[str, Any]], str]

LANES = 100
"""Up to this many exported tables get a lane with a name each."""

_GUTTER = 214
_ROW = 24
_LANE = 17
_CHARACTER = 6.8
# bars that say what they are, where many share a row
_MOST_TITLES = 100


def _nowhere(handle: Mapping[str, Any]) -> str:
    return ""


def chart(report: Mapping[str, Any], times: Times | None = None, host: Address = _nowhere) -> str:
    """Return the chart, empty if no batch was ever started. `host`: a console, by handle."""
    batches = [b for b in report["batches"] if b["started_at"]]
    if not batches:
        return ""
    times = times or Times()
    scale = scale_of(report)
    drawing = _Drawing(report, scale, times, host)
    members: dict[str, list[tuple[str, Row]]] = {b["batch_id"]: [] for b in batches}
    for name, table in report["tables"].items():
        for attempt in [*table["earlier_attempts"], table]:
            if attempt["batch"] in members and attempt["started_at"]:
                members[attempt["batch"]].append((name, attempt))
    lanes = sum(map(len, members.values())) <= LANES
    for batch in sorted(batches, key=lambda b: (b["started_at"], b["batch_id"])):
        rows = sorted(members[batch["batch_id"]], key=lambda r: (r[1]["started_at"], r[0]))
        drawing.batch(batch, rows, lanes)
    return drawing.whole()


class _Drawing:
    """What is drawn so far: names at the left, the plot beside them, both down to `y`."""

    def __init__(self, report: Row, scale: Scale, times: Times, host: Address) -> None:
        self.scale, self.times, self.host = scale, times, host
        self.closed_at: str = report["closed_at"]
        self.deadline: str = report["deadline"]
        self.raised = {r["table"]: r for r in report["raised"]}
        self.names: list[str] = []
        self.plot: list[str] = []
        self.titles = 0
        self.y = 6.0

    def batch(self, batch: Row, rows: list[tuple[str, Row]], lanes: bool) -> None:
        """Draw a batch and its exports, below what is drawn."""
        height = _ROW + (len(rows) * _LANE + 4 if lanes else 0)
        self._band(batch, len(rows), height)
        if lanes:
            for number, (name, row) in enumerate(rows):
                top = self.y + _ROW + number * _LANE
                self.plot.append(self._export(name, row, top) + self._raise(name, row, top))
                self._label(name, row, top)
        else:
            self._together(rows)
        self.y += height + 6

    def _together(self, rows: list[tuple[str, Row]]) -> None:
        """Draw the exports of a row: as one where they are alike, those that went wrong on top."""
        alike: dict[str, list[tuple[float, float]]] = {}
        apart = []
        for name, row in rows:
            if _kind(row) in ("failed", "timed_out", "late") and self.titles < _MOST_TITLES:
                self.titles += 1
                # taller, for who does not tell green from red
                apart.append(self._export(name, row, self.y + 2, 14))
            else:
                spans = alike.setdefault(_kind(row), [])
                spans.append(self._span(row["started_at"], row["finished_at"]))
        for kind, spans in sorted(alike.items()):
            self.plot.append(_path(f"bar {kind}", spans, self.y + 7, 9))
        self.plot += apart
        tracks: dict[str, list[tuple[float, float]]] = {}
        for name, row in rows:
            if raised := self._raised(name, row):
                left = "raise" if raised["given_back_at"] else "raise left"
                tracks.setdefault(left, []).append(
                    self._span(raised["raised_at"], raised["given_back_at"])
                )
        for kind, spans in tracks.items():
            self.plot.append(_path(kind, spans, self.y + 17, 3))

    def _span(self, begin: str, end: str | None) -> tuple[float, float]:
        x, width = self.scale.span(begin, end or self.closed_at)
        return x, x + width

    def whole(self) -> str:
        """Return all that is drawn as one box, which scrolls."""
        zone = (
            f'<text class="axis strong" x="8" y="17">{shown(self.times.name or "UTC", 30)}</text>'
            + ('<text class="axis" x="8" y="33">UTC</text>' if self.times.name else "")
        )
        grid, hours = self._frame()
        bottom, high = self.y + 12, 44 if self.times.name else 28
        return (
            '<div class="chart" tabindex="0" role="group" '
            'aria-label="The night as a chart over time; the tables below say the same in words">'
            '<div class="plan">'
            + _svg("zone", _GUTTER, high, zone)
            + _svg("hours", WIDTH, high, hours)
            + _svg("names", _GUTTER, bottom, "".join(self.names))
            + _svg("night", WIDTH, bottom, grid + "".join(self.plot))
            + "</div></div>"
        )

    def _frame(self) -> tuple[str, str]:
        grid, hours = [], []
        bottom = self.y + 4
        for tick in self.scale.ticks(self.times.zone):
            x = self.scale.x(tick)
            grid.append(f"M{x:.1f} 0V{bottom:.0f}")
            local = f"{tick.astimezone(self.times.zone):%H:%M}"
            hours.append(f'<text class="axis strong" x="{x:.1f}" y="17">{local}</text>')
            if self.times.name:
                hours.append(f'<text class="axis" x="{x:.1f}" y="33">{tick:%H:%M}</text>')
        x = self.scale.x(when(self.deadline))
        ends = f"The window ends: {shown(self.times.moment(self.deadline), 80)}"
        return (
            f'<path class="grid" d="{"".join(grid)}"/>'
            f'<rect class="after" x="{x:.1f}" y="0" width="{WIDTH - x:.1f}" height="{bottom:.0f}"/>'
            f'<path class="deadline" d="M{x:.1f} 0V{bottom:.0f}"><title>{ends}</title></path>'
            f'<text class="axis strong" x="{x - 5:.1f}" y="{bottom + 4:.0f}" text-anchor="end">'
            "window ends</text>"
        ), f'<g text-anchor="middle">{"".join(hours)}</g>'

    def _band(self, batch: Row, exports: int, height: float) -> None:
        begin, end = batch["started_at"], batch["ended_at"]
        x, width = self.scale.span(begin, end or self.closed_at)
        seconds = (when(end or self.closed_at) - when(begin)).total_seconds()
        facts = [
            f"batch {batch['batch_id']}, {count_of(len(batch['tables']), 'table')}",
            *([f"{batch['workers']:,} workers"] if batch["workers"] > 1 else []),
            f"{self.times.between(begin, end)}, {duration(seconds)}",
            *(f"{kind} {name}" for kind, name in batch["handle"].items() if isinstance(name, str)),
            *([batch["error"]] if batch["error"] else []),
            *([f"cancelled: {batch['cancel_reason']}"] if batch["cancel_reason"] else []),
        ]
        wrong = " wrong" if batch["error"] or batch["cancel_reason"] else ""
        ran = ""
        if x + width < WIDTH - 60:
            at = f'x="{x + width + 5:.1f}" y="{self.y + 15:.0f}"'
            ran = f'<text class="axis" {at}>{duration(seconds)}</text>'
        self.plot.append(
            f"<g><title>{shown('; '.join(facts), 600)}</title>"
            f'<rect class="host{wrong}" x="{x:.1f}" y="{self.y:.0f}" width="{width:.1f}" '
            f'height="{height:.0f}" rx="3"/>{ran}</g>'
        )
        what = "export" if batch["workers"] else "native export"
        name = f"{batch['batch_id']} · {count_of(exports, what)}"
        label = f'<text class="batch" x="8" y="{self.y + 16:.0f}">{shown(name, 26)}</text>'
        if address := self.host(batch["handle"]):
            label = f'<a href="{escape(address)}">{label}</a>'
        self.names.append(label)

    def _export(self, name: str, row: Row, top: float, height: int = 9) -> str:
        x, end = self._span(row["started_at"], row["finished_at"])
        facts = [
            f"{name}: {_kind(row).replace('_', ' ')}",
            f"attempt {row['attempt']}",
            self.times.between(row["started_at"], row["finished_at"]),
        ]
        if "verdict" in row:
            facts.append(duration(row["duration_seconds"]))
            facts += [count_of(row["items"], "item")] if row["items"] is not None else []
            facts += [row["reason"]] if row["reason"] else []
        else:
            facts.append(row["outcome"])
        return (
            f'<rect class="bar {escape(_kind(row))}" x="{x:.1f}" y="{top + 2:.1f}" '
            f'width="{end - x:.1f}" height="{height}">'
            f"<title>{shown(', '.join(facts), 400)}</title></rect>"
        )

    def _raised(self, name: str, row: Row) -> Row | None:
        """Return the raise that is drawn below the last attempt of its table."""
        raised = self.raised.get(name)
        return raised if raised and raised["raised_at"] and "verdict" in row else None

    def _raise(self, name: str, row: Row, top: float) -> str:
        if (raised := self._raised(name, row)) is None:
            return ""
        back = raised["given_back_at"]
        x, end = self._span(raised["raised_at"], back)
        text = (
            f"{name}: raised from {raised['from']:,} to {raised['to']:,} units, "
            f"{self.times.between(raised['raised_at'], back)}{'' if back else ', not given back'}"
        )
        return (
            f'<rect class="raise{"" if back else " left"}" x="{x:.1f}" y="{top + 12:.1f}" '
            f'width="{end - x:.1f}" height="3"><title>{shown(text, 400)}</title></rect>'
        )

    def _label(self, name: str, row: Row, top: float) -> None:
        x, end = self._span(row["started_at"], row["finished_at"])
        until = when(row["finished_at"] or self.closed_at)
        words = duration((until - when(row["started_at"])).total_seconds())
        if _kind(row) not in ("backed_up", "planned"):
            words += " " + (row.get("outcome") or _kind(row)).replace("_", " ")
        anchor, at = "start", end + 5
        if at + len(words) * _CHARACTER > WIDTH:
            anchor, at = "end", x - 5
        self.names.append(
            f'<text class="table" x="18" y="{top + 12:.1f}">{shown(name, 27)}'
            f"<title>{shown(name, 255)}</title></text>"
        )
        self.plot.append(
            f'<text class="axis" x="{at:.1f}" y="{top + 11:.1f}" text-anchor="{anchor}">'
            f"{shown(words)}</text>"
        )


def _svg(kind: str, width: float, height: float, inside: str) -> str:
    # who hears a page has the tables, and of the chart the links
    hidden = "" if kind == "names" else ' aria-hidden="true"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" width="{width:.0f}" '
        f'height="{height:.0f}"{hidden}>{inside}</svg>'
    )


def _kind(row: Row) -> str:
    """The class of an export's bar: the table's verdict, or that of an attempt before the last."""
    return str(row["verdict"]) if "verdict" in row else "earlier"


def _path(kind: str, spans: Iterable[tuple[float, float]], top: float, height: int) -> str:
    drawn = "".join(
        f"M{x:.1f} {top:.0f}h{end - x:.1f}v{height}H{x:.1f}z" for x, end in _joined(spans)
    )
    return f'<path class="{escape(kind)}" d="{drawn}"/>'


def _joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return spans as drawn: those that touch within half a pixel are one."""
    made: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if made and begin <= made[-1][1] + 0.5:
            made[-1] = made[-1][0], max(made[-1][1], end)
        else:
            made.append((begin, end))
    return made
