"""The fleet as a page: accounts x nights, what needs a person, ages, cost; in one small file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

from hippolyte.record_form import iso
from hippolyte.report.consoles import Consoles
from hippolyte.report.document import Column, document, fold, link, table, what_to_do
from hippolyte.report.fleet import Cell, Deployment, Fleet, State
from hippolyte.report.fleet_message import (
    ENTRIES,
    age_line,
    by_reason,
    first_line,
    nowhere_lines,
    said,
    sections,
    silent,
    titled,
)
from hippolyte.report.texts import count_of, named, shown, size
from hippolyte.report.times import Times

SIGNS = {
    State.GOOD: ".",
    State.LOOK: "!",
    State.FAILED: "F",
    State.UNREADABLE: "?",
    State.RUNNING: "~",
    State.UNCLOSED: "u",
    State.MISSING: "-",
    State.NONE: " ",
}
"""What stands for a night in a grid, where there is room for one character."""

WORDS = {
    State.GOOD: "all backed up",
    State.LOOK: "all backed up, something to look at",
    State.FAILED: "tables not backed up",
    State.UNREADABLE: "a report that cannot be read",
    State.RUNNING: "still running",
    State.UNCLOSED: "begun, and without a report",
    State.MISSING: "no night",
}

_STYLE = """<style>
.nights{width:auto;font-size:13px}.nights th,.nights td{padding:2px;border:0;text-align:center}
.nights tbody th{position:sticky;left:0;background:var(--bg);text-align:left;min-width:124px;
padding:0 8px;line-height:1.25;overflow-wrap:normal}
.nights thead th{font-weight:400;white-space:nowrap}.nights td{min-width:24px}
.nights td>*{display:block;border-radius:4px;padding:3px 0;color:var(--on);font-weight:600;
text-decoration:none;white-space:nowrap;background:var(--ok)}
.nights .failed>*,.nights .missing>*,.nights .unreadable>*,.nights .not>*{background:var(--bad)}
.nights .to>*{background:var(--late)}.nights .running>*{background:var(--quiet)}
@media(max-width:700px),(pointer:coarse){.nights td>*{padding:12px 0;min-width:44px;
min-height:44px}
.nights tbody th{min-width:104px;padding-left:4px}}
i.good{background:var(--ok)}i.to{background:var(--late)}i.running{background:var(--quiet)}
</style>"""
_COLUMNS = (
    Column("deployment"),
    Column("last night"),
    Column("backed up", "n"),
    Column("failed", "n"),
    Column("size", "n"),
    Column("nights, USD", "n"),
    Column("storage, USD a month", "n"),
    Column("newest backups, oldest first", "why"),
)
# what needs attention is told first, and must not hide the nights
_FIRST, _LISTED = 20, 200


def render(fleet: Fleet, runbook: str | None = None) -> str:
    """Return the page of a fleet; `runbook` is the runbook's address, None: it has none."""
    bad = fleet.needs_attention
    state = '<span class="state">OK</span>' if fleet.good else ""
    if bad:
        state = '<span class="state bad">ATTENTION</span>'
    body = "".join(
        [
            f"{_STYLE}<h1>{count_of(len(fleet.deployments), 'deployment')} {state}</h1>",
            f'<p class="muted">{shown(fleet.place)} · {shown(Times().moment(iso(fleet.at)))}</p>',
            f'<p class="lead">{shown(", ".join(said(fleet)))}.</p>',
            f'<div class="tiles">{"".join(_tiles(fleet))}</div>',
            _attention(fleet, runbook),
            _grid(fleet),
            f"<h2>Deployments</h2>{_deployments(fleet)}",
            _failed(fleet),
            _lines("Backed up nowhere, or not any more", nowhere_lines(fleet), len(fleet.nowhere)),
            _lines("Not heard of for long, not expected any more", silent(fleet)),
        ]
    )
    foot = "Made from the reports in the bucket. Dates and times are UTC. Costs are estimates."
    return document(f"Fleet: {first_line(fleet)}", body, foot)


def _tiles(fleet: Fleet) -> Iterable[str]:
    states = [deployment.last.state for deployment in fleet.expected]
    heads = [d.last.head for d in fleet.expected if d.last.head]
    away = states.count(State.MISSING) + states.count(State.UNCLOSED)
    figures = (
        (away, "nights missing", True),
        (sum(head.backed_up for head in heads), "tables backed up", False),
        (sum(head.not_backed_up for head in heads), "not backed up", True),
        (sum(len(d.kept.raised) for d in fleet.deployments), "left raised", True),
        (len(fleet.uncopied), "replicas not copied", True),
    )
    for count, words, is_bad in figures:
        mood = "zero" if not count else ("wrong" if is_bad else "")
        yield f'<div class="{mood}"><b>{count:,}</b>{words}</div>'
    cost = sum(deployment.cost_usd for deployment in fleet.deployments)
    yield f"<div><b>{cost:,.2f}</b>USD, {count_of(len(fleet.dates), 'night')}</div>"


def _attention(fleet: Fleet, runbook: str | None) -> str:
    made = "".join(
        f"<li><b>{escape(title)}</b><ul>{_items(rows, _FIRST)}</ul>"
        f"{what_to_do(ENTRIES[title], runbook)}</li>"
        for title, rows in sections(fleet)
        if rows
    )
    if not made:
        return "<h2>Needs attention</h2><p>Nothing.</p>"
    return f'<h2>Needs attention</h2><div class="attention"><ul>{made}</ul></div>'


def _items(rows: Sequence[str], most: int = _LISTED) -> str:
    more = len(rows) - most
    items = "".join(f"<li>{shown(row, 2000)}</li>" for row in rows[:most])
    return items + (f"<li>and {more:,} more</li>" if more > 0 else "")


def _grid(fleet: Fleet) -> str:
    """Return the nights, the newest first: that is what a phone shows without scrolling."""
    dates = "".join(
        f'<th scope="col" title="{day}">{day.day}<br>{_month(number, fleet.dates)}</th>'
        for number, day in reversed(list(enumerate(fleet.dates)))
    )
    rows = "".join(
        f'<tr><th scope="row">{named(one.home.account)}<br><span class="muted">'
        f"{shown(str(one.home).partition(' ')[2])}</span></th>{''.join(_cells(one, fleet))}</tr>"
        for one in fleet.deployments
    )
    keys = "".join(
        f"<span><b>{_sign(state)}</b> {text}</span>"
        for state, text in WORDS.items()
        if state is not State.FAILED
    )
    keys += "<span><b>7</b> so many tables not backed up</span>"
    return (
        '<h2>Nights</h2><div class="chart" tabindex="0"><table class="nights" aria-label="Nights">'
        f'<thead><tr><th scope="col"></th>{dates}</tr></thead><tbody>{rows}</tbody></table></div>'
        f'<div class="legend">{keys}</div>'
    )


def _month(number: int, dates: Sequence[Any]) -> str:
    """Return the month where it begins for who reads from the newest date on."""
    day = dates[number]
    newest = number == len(dates) - 1
    return f"{day:%b}" if newest or dates[number + 1].month != day.month else ""


def _cells(one: Deployment, fleet: Fleet) -> Iterable[str]:
    address = _addresses(one, fleet)
    for day, cell in reversed(list(zip(fleet.dates, one.cells, strict=True))):
        if cell.state is State.NONE:
            yield "<td></td>"
            continue
        at = address(cell)
        tag, where = ("a", f' href="{escape(at)}"') if at else ("span", "")
        sign = _count(cell) or _sign(cell.state)
        said = shown(f"{one.home}, {day}: {WORDS[cell.state]}")
        yield (
            f'<td class="{cell.state.value}"><{tag}{where} title="{said}" aria-label="{said}">'
            f"{sign}</{tag}></td>"
        )


def _sign(state: State) -> str:
    return "&#10003;" if state is State.GOOD else SIGNS[state]


def _count(cell: Cell) -> str:
    """Return how many tables a night did not back up, in the room of three digits."""
    failed = cell.head.not_backed_up if cell.head else 0
    return f"{failed}" if 0 < failed < 1000 else f"{failed // 1000}k" if failed else ""


def _addresses(one: Deployment, fleet: Fleet) -> Callable[[Cell], str]:
    """Return what gives the address of a night's records in S3's console; empty: no knowing."""
    told = {key: str(one.kept.report.get(key) or "") for key in ("partition", "bucket_region")}
    region = told["bucket_region"] or one.home.region
    consoles = Consoles(told["partition"], one.home.region, region, one.home.account, one.name)
    place = fleet.folder(one.home)
    return lambda cell: consoles.folder(f"{place}/{cell.night.run_id}/") if cell.night else ""


def _deployments(fleet: Fleet) -> str:
    return table(_COLUMNS, [_row(one, fleet) for one in fleet.deployments], "fleet", "Deployments")


def _row(one: Deployment, fleet: Fleet) -> tuple[str, ...]:
    head = one.last.head
    name = f" <small>{shown(one.name)}</small>" if one.name else ""
    night = shown(one.last.night.run_id) if one.last.night else ""
    words = WORDS.get(one.last.state, "none yet")
    if one.running and one.last.night is not one.running:
        words += ", the next one is running"
    return (
        f"{shown(str(one.home))}{name}",
        f"{link(_addresses(one, fleet)(one.last), night)} {words}",
        f"{head.backed_up:,}" if head else "",
        f"{head.not_backed_up:,}" if head else "",
        size(head.bytes) if head else "",
        f"{one.cost_usd:,.2f}",
        "" if one.storage_usd is None else f"{one.storage_usd:,.2f}",
        shown(age_line(one)),
    )


def _failed(fleet: Fleet) -> str:
    """Return the tables of the newest reports that are not backed up, by deployment and reason."""
    made = [f"{titled(one)}: {line}" for one in fleet.expected for line in by_reason(one.failed)]
    return _lines("Not backed up, by the newest report", made)


def _lines(title: str, rows: Sequence[str], count: int | None = None) -> str:
    if not rows:
        return ""
    return fold(title, len(rows) if count is None else count, f"<ul>{_items(rows)}</ul>")
