"""A plan as a page for people, with the report's parts: one file that fetches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from html import escape
from typing import Any

from hippolyte.planning.host import noun_of
from hippolyte.planning.plan import NATIVE
from hippolyte.record_form import iso, when
from hippolyte.report.chart import LANES, chart
from hippolyte.report.document import Column, document, first_of, fold, table, table_of_rows
from hippolyte.report.texts import duration, named, shown, size
from hippolyte_cli.planning.compare import Difference
from hippolyte_cli.planning.forecast import (
    Record,
    Slot,
    exported,
    learned,
    remedies,
    slots,
    totals,
    why_late,
    why_raised,
    window_seconds,
    wishes,
)
from hippolyte_cli.planning.view import beside

# windows after its start that a chart shows at the most: what takes years is not drawn
_MOST_WINDOWS = 10
_ROWS = 2_000
# and lines at a look
_FIRST = 8

_RAISES = (Column("table"), Column("from", "n"), Column("to", "n"), Column("why", "why"))
_DIFFERENCES = (Column("table"), Column("change"), Column("what", "why"))
_TABLES = (
    Column("table"),
    Column("batch"),
    Column("size", "n"),
    Column("units/s", "n"),
    Column("takes about", "n"),
    Column("ends after", "n"),
)


def render(
    plan: Record,
    plans: Mapping[str, Record] | None = None,
    differences: Sequence[Difference] = (),
) -> str:
    """Return a plan as one HTML page; `plans` are shown beside each other, by their names."""
    found = slots(plan)
    body = "".join(
        [
            _header(plan),
            _beside(plans or {}),
            _chart(plan, found),
            _late(plan, found),
            _raised(plan, found),
            _lists(plan),
            _differences(differences),
            _tables(plan, found),
        ]
    )
    return document(f"Plan of {plan['run_id']}", body, "Made by hippolyte plan. All times are UTC.")


def _header(plan: Record) -> str:
    figures = totals(plan)
    late = figures["too late for it"] != "0"
    state = (
        '<span class="state bad">DOES NOT FIT</span>' if late else '<span class="state">FITS</span>'
    )
    tiles = "".join(
        f'<div class="{"wrong" if what == "too late for it" and late else ""}">'
        f"<b>{escape(value)}</b>{escape(what)}</div>"
        for what, value in figures.items()
    )
    prices = f" Prices of {escape(plan['prices'])}." if plan.get("prices") else ""
    return (
        f"<h1>Plan {shown(plan['run_id'])}{state}</h1>"
        f'<p class="muted">window {escape(plan["start"])} to {escape(plan["deadline"])}. '
        f"Nothing was recorded or changed.{prices}</p>"
        f'<div class="tiles">{tiles}</div>'
    )


def _beside(plans: Mapping[str, Record]) -> str:
    if len(plans) < 2:
        return ""
    columns = [Column(""), *(Column(shown(name), "n") for name in plans)]
    rows = [(escape(what), *map(escape, values)) for what, values in beside(plans).items()]
    return table_of_rows("Side by side", columns, rows, "beside")


def _chart(plan: Record, found: list[Slot]) -> str:
    drawn = chart(_as_report(plan, found))
    if not drawn:
        return "<h2>The night</h2><p>Nothing is read.</p>"
    noun = noun_of(plan["engine"])
    keys = "".join(
        f'<span><i class="{kind}"></i>{words}</span>'
        for kind, words in (
            ("host", f"a {noun}'s time"),
            ("planned", "a table is read"),
            ("late", "it ends after the window"),
            ("raise", "read capacity raised"),
        )
    )
    words = f"Each row is a {noun}; point at a bar for more." if len(found) > LANES else ""
    return f'<h2>The night</h2>{drawn}<div class="legend">{keys}</div>' + (
        f'<p class="muted">{words}</p>' if words else ""
    )


def _workers(batch: Record) -> int:
    """Return how many workers a batch is to have; DynamoDB's own exports have none."""
    if any(job.get("own_engine") == NATIVE for job in batch["jobs"]):
        return 0
    return max((job.get("parts", 1) for job in batch["jobs"]), default=1)


def _as_report(plan: Record, found: Iterable[Slot]) -> dict[str, Any]:
    """Return a plan in the form of a report, as if it had come true."""
    start, most = when(plan["start"]), float(_MOST_WINDOWS * window_seconds(plan))

    def at(seconds: float | None) -> str:
        return iso(start + timedelta(seconds=min(most, seconds or 0.0)))

    found = list(found)
    ends: dict[str, float] = {}
    for slot in found:
        ends[slot.batch] = max(ends.get(slot.batch, 0.0), slot.ends)
    return {
        "start": plan["start"],
        "deadline": plan["deadline"],
        "closed_at": plan["deadline"],
        "tables": {
            slot.table: {
                "earlier_attempts": [],
                "batch": slot.batch,
                "verdict": "late" if slot.late else "planned",
                "attempt": 1,
                "started_at": at(slot.begins),
                "finished_at": at(slot.ends),
                "duration_seconds": slot.ends - slot.begins,
                "items": slot.job["item_count"],
                "reason": why_raised(slot.job, plan) if slot.job["raise_to"] else "",
            }
            for slot in found
        },
        "batches": [
            {
                "batch_id": batch["batch_id"],
                "tables": [job["table"] for job in batch["jobs"]],
                "workers": _workers(batch),
                "started_at": at(batch.get("begins")),
                "ended_at": at(batch.get("ends") or ends.get(batch["batch_id"])),
                "handle": {},
                "error": "",
                "cancel_reason": "",
            }
            for batch in plan["batches"]
        ],
        "raised": [
            {
                "table": slot.table,
                "from": slot.job["capacity"],
                "to": slot.job["raise_to"],
                "raised_at": at(slot.begins),
                "given_back_at": at(slot.ends),
            }
            for slot in found
            if slot.job["raise_to"]
        ],
    }


def _late(plan: Record, found: Iterable[Slot]) -> str:
    late = sorted((slot for slot in found if slot.late), key=lambda s: (-s.ends, s.table))
    if not late:
        return ""
    rows = [f"<li><b>{shown(slot.table)}</b> {shown(why_late(slot, plan))}</li>" for slot in late]
    rows[_ROWS:] = [f"<li>and {len(late) - _ROWS:,} more</li>"] if len(late) > _ROWS else []
    found_late = "".join(first_of(rows, _FIRST, "table"))
    help_ = "".join(f"<li>{escape(line)}</li>" for line in remedies(plan))
    return (
        f'<h2>Does not fit the window</h2><div class="attention"><ul>{found_late}</ul></div>'
        f"<h2>What would help</h2><ul>{help_}</ul>"
    )


def _raised(plan: Record, found: Iterable[Slot]) -> str:
    rows = [
        (
            named(slot.table),
            f"{slot.job['capacity']:,}",
            f"{slot.job['raise_to']:,}",
            shown(why_raised(slot.job, plan)),
        )
        for slot in found
        if slot.job["raise_to"]
    ]
    title = "Raised for the night"
    return fold(title, len(rows), table(_RAISES, rows, "raises", title)) if rows else ""


def _lists(plan: Record) -> str:
    made = ""
    for title, lines in (
        ("Would be raised (raise_capacity is &quot;plan&quot;)", wishes(plan)),
        ("Exported by DynamoDB itself, without being read", exported(plan)),
        ("Why as it is", learned(plan)),
        ("To be looked at", plan["alerts"]),
        ("Warnings", plan["warnings"]),
        ("Without a backup", [f"{n}: {v}: {why}" for n, (v, why) in plan["verdicts"].items()]),
        ("Empty, backed up without being read", plan["empty"]),
        ("Not described yet", [f"{n}: {why}" for n, why in plan["undescribed"].items()]),
    ):
        if lines:
            rows = first_of([f"<li>{shown(line)}</li>" for line in lines], _FIRST, "line")
            made += f"<h2>{title}</h2><ul>{''.join(rows)}</ul>"
    return made


def _differences(differences: Sequence[Difference]) -> str:
    rows = [(named(each.table), escape(each.kind), shown(each.what)) for each in differences]
    return table_of_rows("What changed", _DIFFERENCES, rows, "changed") if rows else ""


def _tables(plan: Record, found: list[Slot]) -> str:
    rows = [
        (
            named(slot.table),
            escape(slot.batch),
            size(slot.job["size_bytes"]),
            f"{slot.job['rate']:,.1f}",
            _takes(slot),
            duration(slot.ends),
        )
        for slot in sorted(found, key=lambda slot: (slot.begins - slot.ends, slot.table))
    ]
    inside = table(_TABLES, rows, "tables", "Tables")
    return '<div id="tools"></div>' + fold("Tables", len(rows), inside)


def _takes(slot: Slot) -> str:
    return duration(slot.job["estimate_seconds"]) if slot.job.get("estimated", True) else "?"
