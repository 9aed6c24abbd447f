"""The report as a page for people: one file that fetches nothing, everything in it escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from hippolyte.planning.host import noun_of
from hippolyte.report.attention import attention
from hippolyte.report.chart import LANES, chart
from hippolyte.report.consoles import FUNCTIONS, Consoles
from hippolyte.report.document import Column, document, first_of, fold, link, table
from hippolyte.report.listing import hosts, tables
from hippolyte.report.message import (
    money,
    needs_attention,
    not_backed_up,
    of_part,
    summary,
)
from hippolyte.report.older import filled
from hippolyte.report.since import since_the_night_before
from hippolyte.report.texts import change, count_of, duration, named, shown, size
from hippolyte.report.times import Times
from hippolyte.verdicts import ALERTING_VERDICTS, Verdict

Row = Mapping[str, Any]

_RAISES = (
    Column("table"),
    Column("from", "n"),
    Column("to", "n"),
    Column("raised (UTC)"),
    Column("given back (UTC)"),
    Column("raised for", "n"),
)
# the others have a tile if there are any; the sentence below counts all
_ALWAYS = (Verdict.BACKED_UP, Verdict.SKIPPED, Verdict.FAILED)
# so many lines are read at a look
_LINES = 3


def render(report: Row) -> str:
    """Return a report, as `content.make_report` makes it or an older version did, as HTML."""
    report = filled(report)
    consoles, times = Consoles.of(report), Times.of(report["timezone"])
    body = "".join(
        [
            _header(report, consoles, times),
            attention(report, consoles, times),
            _night(report, consoles, times),
            since_the_night_before(report),
            _lists(report),
            '<div id="tools"></div><h2>All tables</h2>'
            '<p class="muted">Those that need attention are above.</p>',
            tables(report, consoles, times),
            _raises(report["raised"], times),
            _wishes(report["would_raise"]),
            hosts(report, consoles, times),
        ]
    )
    zone = f"in {times.name}, UTC beside" if times.name else "UTC"
    foot = f"Made from the run's report.json. All times are {zone}. Costs are estimates."
    title = f"{report['deployment']}: night {report['run_id']}"
    return document(title, body, foot)


def _header(report: Row, consoles: Consoles, times: Times) -> str:
    bad = needs_attention(report)
    state = '<span class="state bad">ATTENTION</span>' if bad else '<span class="state">OK</span>'
    kind = "Part" if report["part"] else "Night"
    part = f"<p>A part, {shown(of_part(report))}</p>" if report["part"] else ""
    window = shown(times.span(report["start"], report["deadline"]))
    return (
        f"<h1>{kind} {shown(report['run_id'])} {state}</h1>"
        f'<p class="muted">{shown(report["deployment"])} · account {shown(report["account"])} · '
        f"{shown(report['region'])} · window {window}"
        f" · closed {times.clock(report['closed_at'])}</p>"
        f'<p class="lead">{_lead(report)}</p>'
        f'<div class="tiles">{"".join(_tiles(report))}</div>'
        f"{part}"
    )


def _facts(report: Row) -> str:
    started = sum(b["workers"] for b in report["batches"] if b["started_at"])
    facts = (
        f"{duration(report['duration_seconds'])} of a window of "
        f"{duration(report['window_seconds'])} · {count_of(report['items'], 'item')} · "
        f"{count_of(started, noun_of(report['engine']))} · "
        f"{count_of(len(report['raised']), 'table')} raised · {money(report)}"
    )
    return f'<p class="muted">{escape(summary(report))}</p><p class="muted">{facts}</p>'


def _lead(report: Row) -> str:
    """Say it all in a sentence."""
    wrong, left, alerts = not_backed_up(report), len(report["left_raised"]), len(report["alerts"])
    good = report["totals"][Verdict.BACKED_UP.value]
    said = f"{count_of(good, 'table')} backed up, none failed"
    if wrong:
        verb = "is" if wrong == 1 else "are"
        said = f"{wrong:,} of {count_of(report['discovered'], 'table')} {verb} not backed up"
    more = [f"{left:,} left raised" if left else "", f"{alerts:,} to look at" if alerts else ""]
    return f"{', '.join(filter(None, [said, *more]))}."


def _tiles(report: Row) -> Iterable[str]:
    told = {v.value for v in ALERTING_VERDICTS}
    before = report["before"] or {}

    def tile(value: str, words: str, mood: str = "", more: str = "") -> str:
        small = f" <small>{more}</small>" if more else ""
        return f'<div class="{mood}"><b>{value}</b>{words}{small}</div>'

    yield tile(f"{report['discovered']:,}", "discovered")
    for verdict in Verdict:
        count = report["totals"][verdict.value]
        mood = "zero" if not count else ("wrong" if verdict.value in told else "")
        if not count and verdict not in _ALWAYS:
            continue
        yield tile(f"{count:,}", verdict.value.replace("_", " "), mood)
    left = len(report["left_raised"])
    yield tile(f"{left:,}", "left raised", "wrong" if left else "zero")
    for words, key, value in (
        ("backups", "bytes", size(report["bytes"])),
        ("took", "duration_seconds", duration(report["duration_seconds"])),
        ("cost, USD", "cost_usd", f"{report['cost_usd']:,.2f}"),
    ):
        yield tile(value, words, "", change(before.get(key), report[key]))


def _links(report: Row, consoles: Consoles) -> str:
    """Return links to where the night left something, in AWS's consoles."""
    if not consoles.function("x"):
        return ""
    begin, end = report["start"], report["closed_at"]
    functions = (link(consoles.function(name), name) for name in FUNCTIONS)
    logs = (link(consoles.log(name, begin, end), name) for name in FUNCTIONS)
    return (
        f'<nav aria-label="AWS consoles">AWS console: functions {", ".join(functions)} · '
        f"logs of this night {', '.join(logs)}</nav>"
    )


def _night(report: Row, consoles: Consoles, times: Times) -> str:
    drawn = chart(report, times, consoles.host)
    noun = noun_of(report["engine"])
    drawn_tables = sum(1 for t in report["tables"].values() if t["batch"] and t["started_at"])
    without = report["discovered"] - drawn_tables
    native = any(b["started_at"] and not b["workers"] for b in report["batches"])
    mixed = ", or that of native exports" if native else ""
    legend = [
        ("host", f"a {noun}'s time{mixed}"),
        ("backed_up", "backed up"),
        ("failed", "failed"),
        ("timed_out", "timed out"),
        ("vanished", "vanished"),
        ("earlier", "an attempt that was repeated"),
        ("raise", "read capacity raised"),
    ]
    words = "Nothing was started this night." if not drawn else ""
    if drawn and without:
        words = f"{count_of(without, 'table')} not in the chart: needed no {noun}, or got none. "
    if drawn_tables > LANES:
        words += f"Each row is a {noun} with its exports; the list below says more."
    keys = "".join(f'<span><i class="{c}"></i>{text}</span>' for c, text in legend)
    return (
        f"<h2>The night</h2>{_facts(report)}{_links(report, consoles)}{drawn}"
        + (f'<div class="legend">{keys}</div>' if drawn else "")
        + (f'<p class="muted">{words}</p>' if words else "")
    )


def _raises(raised: Iterable[Row], times: Times) -> str:
    rows = [
        (
            named(r["table"]),
            f"{r['from']:,}",
            f"{r['to']:,}",
            times.short(r["raised_at"]) if r["raised_at"] else "-",
            times.short(r["given_back_at"]) if r["given_back_at"] else "not yet",
            duration(r["duration_seconds"]),
        )
        for r in raised
    ]
    if not rows:
        return ""
    title = "Raised for the night"
    return fold(title, len(rows), table(_RAISES, rows, "raises", title))


def _wishes(wished: Iterable[Row]) -> str:
    rows = [(named(r["table"]), f"{r['from']:,}", f"{r['to']:,}") for r in wished]
    if not rows:
        return ""
    title = "Would have been raised (raise_capacity is &quot;plan&quot;)"
    return fold(title, len(rows), table(_RAISES[:3], rows, "wishes", title))


def _lists(report: Row) -> str:
    made = ""
    for title, rows in (("Restore drills", report["drills"]), ("Warnings", report["warnings"])):
        if rows:
            listed = first_of([f"<li>{shown(row)}</li>" for row in rows], _LINES, "line")
            made += f"<h2>{title}</h2><ul>{''.join(listed)}</ul>"
    return made
