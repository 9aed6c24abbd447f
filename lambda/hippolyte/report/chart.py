"""The night as a Gantt chart: inline SVG, made from a report alone.

A row a batch, the time of its cluster or worker as a band; the tables' exports are bars inside,
each in a lane of its own or, for more than `LANES` tables, all in the batch's row. Under them the
time a table was raised for. Colours are classes, set by the page's style sheet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from hippolyte.record_form import when

Row = Mapping[str, Any]

LANES = 100
"""Up to this many exported tables get a lane with a name each."""

_WIDTH = 1120
_GUTTER = 210
_PLOT = _WIDTH - _GUTTER - 16
_TOP = 34
_ROW = 24
_LANE = 17
# pixels: an export of seconds in a night of hours is still to be seen
_LEAST = 2.5
_CHARACTER = 6.4
_STEPS_MINUTES = (5, 10, 15, 30, 60, 120, 180, 360, 720)
_MOST_TICKS = 13

# neither XML nor UTF-8 takes them
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def clock_time(text: str) -> str:
    """Return a recorded time as `02:05`."""
    return f"{when(text):%H:%M}"


def duration(seconds: float | None) -> str:
    """Return a duration as people say it: `45 s`, `12 min`, `2 h 05`."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"


def said(text: str, length: int) -> str:
    """Escape a text that is data; cut it if it is too long for its place."""
    cut = text if len(text) <= length else text[: length - 1] + "…"
    return escape(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", cut))


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        part = (moment - self.start) / (self.end - self.start)
        return _GUTTER + _PLOT * min(1.0, max(0.0, part))

    def span(self, begin: str, end: str) -> tuple[float, float]:
        """Return (x, width) of a time in the night."""
        left, right = self.x(when(begin)), self.x(when(end))
        return left, max(_LEAST, right - left)

    def ticks(self) -> Iterable[datetime]:
        minutes = (self.end - self.start) / timedelta(minutes=1)
        step = next((s for s in _STEPS_MINUTES if minutes / s <= _MOST_TICKS), _STEPS_MINUTES[-1])
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        tick = midnight + timedelta(
            minutes=step * math.ceil((self.start - midnight) / timedelta(minutes=step))
        )
        while tick <= self.end:
            yield tick
            tick += timedelta(minutes=step)


def chart(report: Mapping[str, Any]) -> str:
    """Return the SVG; empty if no batch was ever started."""
    tables: Mapping[str, Row] = report["tables"]
    batches = [b for b in report["batches"] if b["started_at"]]
    if not batches:
        return ""
    scale = _scale(report)
    raised = {r["table"]: r for r in report["raised"]}
    members: dict[str, list[tuple[str, Row]]] = {b["batch_id"]: [] for b in batches}
    for name, table in tables.items():
        for attempt in [*table["earlier_attempts"], table]:
            if attempt["batch"] in members and attempt["started_at"]:
                members[attempt["batch"]].append((name, attempt))
    single = sum(map(len, members.values())) <= LANES
    parts: list[str] = []
    y = float(_TOP)
    for batch in sorted(batches, key=lambda b: (b["started_at"], b["batch_id"])):
        rows = sorted(members[batch["batch_id"]], key=lambda r: (r[1]["started_at"], r[0]))
        height = _ROW + (len(rows) * _LANE + 4 if single else 0)
        parts.append(_batch(batch, len(rows), y, height, scale, report["closed_at"]))
        for number, (name, row) in enumerate(rows):
            top = y + _ROW + number * _LANE if single else y + 5
            parts.append(_export(name, row, top, scale, report["closed_at"]))
            if name in raised and "verdict" in row:
                parts.append(_raise(raised[name], top + 11, scale, report["closed_at"]))
            if single:
                parts.append(_label(name, row, top, scale, report["closed_at"]))
        y += height + 6
    frame = _frame(scale, report, y)
    size = f'viewBox="0 0 {_WIDTH} {y + 10:.0f}" width="{_WIDTH}" height="{y + 10:.0f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="night" {size} role="img" '
        f'aria-label="The night as a chart over time">{frame}{"".join(parts)}</svg>'
    )


def _scale(report: Mapping[str, Any]) -> _Scale:
    """The window, and what came after it; a night that went well is not squeezed by its report."""
    ends = [report["deadline"]]
    ends += [b["ended_at"] or report["closed_at"] for b in report["batches"] if b["started_at"]]
    ends += [r["given_back_at"] or report["closed_at"] for r in report["raised"]]
    start, end = when(report["start"]), max(map(when, ends))
    return _Scale(start, start + max(timedelta(minutes=10), (end - start) * 1.03))


def _frame(scale: _Scale, report: Mapping[str, Any], bottom: float) -> str:
    parts = []
    for tick in scale.ticks():
        x = scale.x(tick)
        parts.append(
            f'<path class="grid" d="M{x:.1f} {_TOP - 8}V{bottom:.0f}"/>'
            f'<text class="axis" x="{x:.1f}" y="{_TOP - 20}" text-anchor="middle">'
            f"{tick:%H:%M}</text>"
        )
    x, edge = scale.x(when(report["deadline"])), _GUTTER + _PLOT
    parts.append(
        f'<rect class="after" x="{x:.1f}" y="{_TOP - 8}" width="{edge - x:.1f}" '
        f'height="{bottom - _TOP + 8:.0f}"/>'
        f'<path class="deadline" d="M{x:.1f} {_TOP - 12}V{bottom:.0f}">'
        f"<title>The window ends at {escape(report['deadline'])}</title></path>"
        f'<text class="axis strong" x="{x - 5:.1f}" y="{bottom + 4:.0f}" text-anchor="end">'
        "window ends</text>"
    )
    return "".join(parts)


def _batch(batch: Row, exports: int, y: float, height: float, scale: _Scale, closed_at: str) -> str:
    x, width = scale.span(batch["started_at"], batch["ended_at"] or closed_at)
    ended = clock_time(batch["ended_at"]) if batch["ended_at"] else "?"
    seconds = (when(batch["ended_at"] or closed_at) - when(batch["started_at"])).total_seconds()
    ran = duration(seconds) if x + width < _WIDTH - 60 else ""
    facts = [
        f"batch {batch['batch_id']}, {len(batch['tables'])} tables",
        *([f"{batch['workers']} workers"] if batch["workers"] > 1 else []),
        f"{clock_time(batch['started_at'])} to {ended} UTC ({duration(seconds)})",
        *(f"{kind} {name}" for kind, name in batch["handle"].items()),
        *([batch["error"]] if batch["error"] else []),
        *([f"cancelled: {batch['cancel_reason']}"] if batch["cancel_reason"] else []),
    ]
    wrong = " wrong" if batch["error"] or batch["cancel_reason"] else ""
    name = f"{batch['batch_id']} · {exports} export{'' if exports == 1 else 's'}"
    return (
        f"<g><title>{said('; '.join(facts), 600)}</title>"
        f'<rect class="host{wrong}" x="{x:.1f}" y="{y:.0f}" width="{width:.1f}" '
        f'height="{height:.0f}" rx="3"/>'
        f'<text class="batch" x="0" y="{y + 16:.0f}">{said(name, 26)}</text>'
        f'<text class="axis" x="{x + width + 5:.1f}" y="{y + 15:.0f}">{ran}</text></g>'
    )


def _kind(row: Row) -> str:
    """The class of an export's bar: the table's verdict, or that of an attempt before the last."""
    return str(row["verdict"]) if "verdict" in row else "earlier"


def _export(name: str, row: Row, top: float, scale: _Scale, closed_at: str) -> str:
    x, width = scale.span(row["started_at"], row["finished_at"] or closed_at)
    facts = [
        f"{name}: {_kind(row).replace('_', ' ')}",
        f"attempt {row['attempt']}",
        f"{clock_time(row['started_at'])} to "
        + (clock_time(row["finished_at"]) if row["finished_at"] else "?"),
    ]
    if "verdict" in row:
        facts.append(duration(row["duration_seconds"]))
        facts += [f"{row['items']:,} items"] if row["items"] is not None else []
        facts += [row["reason"]] if row["reason"] else []
    else:
        facts.append(row["outcome"])
    return (
        f'<rect class="bar {escape(_kind(row))}" x="{x:.1f}" y="{top + 2:.1f}" '
        f'width="{width:.1f}" height="9"><title>{said(", ".join(facts), 400)}</title>'
        "</rect>"
    )


def _raise(row: Row, top: float, scale: _Scale, closed_at: str) -> str:
    left = "" if row["given_back_at"] else " left"
    x, width = scale.span(row["raised_at"], row["given_back_at"] or closed_at)
    back = clock_time(row["given_back_at"]) if row["given_back_at"] else "not given back"
    text = (
        f"{row['table']}: raised from {row['from']:,} to {row['to']:,} units, "
        f"{clock_time(row['raised_at'])} to {back}"
    )
    return (
        f'<rect class="raise{left}" x="{x:.1f}" y="{top + 1:.1f}" width="{width:.1f}" height="3">'
        f"<title>{said(text, 400)}</title></rect>"
    )


def _label(name: str, row: Row, top: float, scale: _Scale, closed_at: str) -> str:
    x, width = scale.span(row["started_at"], row["finished_at"] or closed_at)
    seconds = (when(row["finished_at"] or closed_at) - when(row["started_at"])).total_seconds()
    words = duration(seconds)
    if _kind(row) not in ("backed_up", "planned"):
        words += " " + (row.get("outcome") or _kind(row)).replace("_", " ")
    anchor, at = "start", x + width + 5
    if at + len(words) * _CHARACTER > _WIDTH:
        anchor, at = "end", x - 5
    return (
        f'<text class="table" x="14" y="{top + 11:.1f}">{said(name, 30)}'
        f"<title>{said(name, 255)}</title></text>"
        f'<text class="axis" x="{at:.1f}" y="{top + 10:.1f}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )
