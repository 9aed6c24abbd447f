"""The report as a page for people: one file, no script, nothing fetched, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from hippolyte.planning.host import noun_of
from hippolyte.report.chart import LANES, chart, duration, said
from hippolyte.report.message import money, needs_attention, of_part, summary
from hippolyte.verdicts import ALERTING_VERDICTS, Verdict

_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--panel:#f5f6f8;--text:#1b1f24;--muted:#5c6670;
--line:#d9dee3;--band:#e6eaef;--ok:#2f7d5b;--bad:#c0392b;--late:#c9720a;--quiet:#7d8894;
--earlier:#d98880;--raise:#6f42c1}
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--panel:#1d2125;--text:#e6e9ec;
--muted:#98a2ac;--line:#343a41;--band:#272d33;--ok:#4bab83;--bad:#ef6b5b;--late:#e8a23d;
--quiet:#86919c;--earlier:#8f4a43;--raise:#b392f0}}
*{box-sizing:border-box}
body{margin:0 auto;padding:28px 24px 60px;max-width:1170px;background:var(--bg);
color:var(--text);font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:24px;margin:0 0 2px}h2{font-size:16px;margin:34px 0 8px}
p{margin:4px 0}.muted{color:var(--muted)}code{font:11.5px ui-monospace,Menlo,Consolas,monospace;
overflow-wrap:anywhere}
.state{display:inline-block;font-size:13px;font-weight:600;padding:2px 10px;border-radius:10px;
color:var(--bg);background:var(--ok);vertical-align:4px;margin-left:10px}.state.bad{
background:var(--bad)}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:16px 0 10px;padding:0}
.tiles div{background:var(--panel);border-radius:6px;padding:8px 14px;min-width:104px}
.tiles b{display:block;font-size:20px;line-height:1.3}.tiles .zero{color:var(--muted)}
.tiles .zero b{font-weight:400}.tiles .wrong b{color:var(--bad)}
.chart{overflow-x:auto}.night{display:block;max-width:100%;height:auto}
.night text{fill:var(--text);font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.night .axis{fill:var(--muted);font-size:10.5px}.night .strong{fill:var(--text)}
.night .batch{font-weight:600}.night .grid{stroke:var(--line);stroke-width:1}
.night .deadline{stroke:var(--text);stroke-width:1.5;stroke-dasharray:5 3}
.night .after{fill:var(--bad);opacity:.09}
.night .host{fill:var(--band);opacity:.75}.night .host.wrong{stroke:var(--bad)}
.night .raise,i.raise{fill:var(--raise);background:var(--raise)}.night .raise.left{fill:var(--bad)}
.bar{stroke:var(--bg);stroke-width:.5;fill:var(--quiet)}
.bar.backed_up{fill:var(--ok)}.bar.failed{fill:var(--bad)}.bar.timed_out{fill:var(--late)}
.bar.earlier{fill:var(--earlier)}.bar.planned{fill:var(--ok)}.bar.late{fill:var(--late)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:6px 0;font-size:12px;color:var(--muted)}
.legend i{display:inline-block;width:18px;height:9px;margin-right:5px}
.legend i.raise{height:3px;vertical-align:3px}
i.backed_up,i.planned{background:var(--ok)}i.late{background:var(--late)}
i.failed{background:var(--bad)}i.timed_out{background:var(--late)}
i.vanished{background:var(--quiet)}i.earlier{background:var(--earlier)}i.host{
background:var(--band)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px}
th{text-align:left;font-weight:600;color:var(--muted);border-bottom:1px solid var(--line)}
th,td{padding:4px 12px 4px 0;vertical-align:top}td{border-bottom:1px solid var(--line)}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.name{font-weight:600;overflow-wrap:anywhere;min-width:150px;max-width:260px}
.v{white-space:nowrap;font-weight:600;color:var(--quiet)}
.v.backed_up{color:var(--ok);font-weight:400}
.v.failed,.v.unsupported{color:var(--bad)}.v.timed_out{color:var(--late)}
.why{min-width:220px;width:58%;overflow-wrap:anywhere}summary{cursor:pointer;color:var(--muted)}
.attention{border-left:4px solid var(--bad);padding:2px 0 2px 16px}
ul{margin:4px 0;padding-left:20px}
"""

_CHANGES = {
    "empty": "empty tonight, not the night before",
    "broken": "backed up the night before, not tonight",
    "recovered": "backed up again",
    "new": "new",
    "gone": "gone",
}
# what comes first in the list of tables
_ORDER = ("failed", "timed_out", "unsupported", "vanished", "backed_up", "skipped")
# what needs attention is told first, and must not hide the chart
_FIRST = 30
# a text of a service may be long; report.json has all of it
_LONG = 600


def render(report: Mapping[str, Any]) -> str:
    """Return a report (as `reporting.make_report` makes it) as one HTML page."""
    title = f"{report['deployment']}: night {report['run_id']}"
    body = "".join(
        [
            _header(report),
            _attention(report),
            _night(report),
            _raises(report["raised"]),
            _wishes(report["would_raise"]),
            _lists(report),
            _tables(report["tables"]),
        ]
    )
    return document(title, body, "Made from report.json, beside this file. All times are UTC.")


def document(title: str, body: str, foot: str) -> str:
    """Return a page: nothing in it is ever run or fetched, whatever a table is called."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}"
        f'<p class="muted">{escape(foot)}</p></body></html>\n'
    )


def size(count: float) -> str:
    """Return a number of bytes as people say it: `512 B`, `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _header(report: Mapping[str, Any]) -> str:
    bad = needs_attention(report)
    state = '<span class="state bad">ATTENTION</span>' if bad else '<span class="state">OK</span>'
    told = {v.value for v in ALERTING_VERDICTS}
    tiles = [(f"{report['discovered']:,}", "discovered", "")]
    for verdict in Verdict:
        count = report["totals"][verdict.value]
        mood = "zero" if not count else ("wrong" if verdict.value in told else "")
        tiles.append((f"{count:,}", verdict.value.replace("_", " "), mood))
    kind = "Part" if report["part"] else "Night"
    part = f"<p>A part, {shown(of_part(report))}</p>" if report["part"] else ""
    left = len(report["left_raised"])
    tiles.append((f"{left:,}", "left raised", "wrong" if left else "zero"))
    started = sum(b["workers"] for b in report["batches"] if b["started_at"])
    hosts = f"{started} {noun_of(report['engine'])}{'' if started == 1 else 's'}"
    facts = (
        f"{duration(report['duration_seconds'])} of a window of "
        f"{duration(report['window_seconds'])} · {report['items']:,} items · "
        f"{size(report['bytes'])} · {hosts} · {len(report['raised'])} tables raised · "
        f"{money(report)}"
    )
    return (
        f"<h1>{kind} {escape(report['run_id'])}{state}</h1>"
        f'<p class="muted">{escape(report["deployment"])} · account {escape(report["account"])} · '
        f"{escape(report['region'])} · window {escape(report['start'])} to "
        f"{escape(report['deadline'])}, closed {escape(report['closed_at'])}</p>"
        '<div class="tiles">'
        + "".join(f'<div class="{mood}"><b>{n}</b>{what}</div>' for n, what, mood in tiles)
        + f"</div><p>{escape(summary(report))}</p>{part}<p>{facts}</p>"
    )


def _attention(report: Mapping[str, Any]) -> str:
    told = {v.value for v in ALERTING_VERDICTS}
    rows = [f"<li>{shown(alert)}</li>" for alert in report["alerts"]]
    rows += [f"<li><b>{shown(name)}</b> is left raised</li>" for name in report["left_raised"]]
    rows += [
        f"<li><b>{shown(name)}</b> {t['verdict'].replace('_', ' ')}: {shown(t['reason'])}"
        + (f"<br>log <code>{shown(t['log'])}</code>" if t["log"] else "")
        + "</li>"
        for name, t in report["tables"].items()
        if t["verdict"] in told
    ]
    if not rows:
        return "<h2>Needs attention</h2><p>Nothing.</p>"
    if (more := len(rows) - _FIRST) > 0:
        rows[_FIRST:] = [f"<li>and {more:,} more: see the tables below</li>"]
    return f'<h2>Needs attention</h2><div class="attention"><ul>{"".join(rows)}</ul></div>'


def _night(report: Mapping[str, Any]) -> str:
    drawn = chart(report)
    noun = noun_of(report["engine"])
    shown = sum(1 for t in report["tables"].values() if t["batch"] and t["started_at"])
    without = report["discovered"] - shown
    legend = [
        ("host", f"a {noun}'s time"),
        ("backed_up", "backed up"),
        ("failed", "failed"),
        ("timed_out", "timed out"),
        ("vanished", "vanished"),
        ("earlier", "an attempt that was repeated"),
        ("raise", "read capacity raised"),
    ]
    words = "Nothing was started this night." if not drawn else ""
    if drawn and without:
        words = f"{without} tables are not in the chart: they needed no {noun}, or got none. "
    if shown > LANES:
        words += f"Each row is a {noun} with its exports; point at one for more."
    keys = "".join(f'<span><i class="{c}"></i>{text}</span>' for c, text in legend)
    return (
        f'<h2>The night</h2><div class="chart">{drawn}</div>'
        + (f'<div class="legend">{keys}</div>' if drawn else "")
        + (f'<p class="muted">{words}</p>' if words else "")
    )


def _raises(raised: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        f'<tr><td class="name">{shown(r["table"])}</td><td class="n">{r["from"]:,}</td>'
        f'<td class="n">{r["to"]:,}</td><td>{escape(r["raised_at"] or "-")}</td>'
        f"<td>{escape(r['given_back_at'] or 'not given back')}</td>"
        f'<td class="n">{duration(r["duration_seconds"])}</td></tr>'
        for r in raised
    ]
    head = (
        '<tr><th>table</th><th class="n">from</th><th class="n">to</th><th>raised</th>'
        '<th>given back</th><th class="n">raised for</th></tr>'
    )
    return table_of_rows("Raised for the night", head, rows) if rows else ""


def _wishes(wished: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        f'<tr><td class="name">{shown(r["table"])}</td><td class="n">{r["from"]:,}</td>'
        f'<td class="n">{r["to"]:,}</td></tr>'
        for r in wished
    ]
    head = '<tr><th>table</th><th class="n">from</th><th class="n">to</th></tr>'
    title = "Would have been raised (raise_capacity is &quot;plan&quot;)"
    return table_of_rows(title, head, rows) if rows else ""


def _lists(report: Mapping[str, Any]) -> str:
    made = ""
    if drills := report.get("drills"):
        rows = "".join(f"<li>{shown(d)}</li>" for d in drills)
        made += f"<h2>Restore drills</h2><ul>{rows}</ul>"
    if warnings := report["warnings"]:
        rows = "".join(f"<li>{shown(w)}</li>" for w in warnings)
        made += f"<h2>Warnings</h2><ul>{rows}</ul>"
    rows = "".join(
        f"<li>{text}: {shown(', '.join(report['changes'][kind]), 4000)}</li>"
        for kind, text in _CHANGES.items()
        if report["changes"][kind]
    )
    before = report["previous_run"]
    if before:
        made += f"<h2>Since the night before ({shown(before)})</h2>"
        made += f"<ul>{rows}</ul>" if rows else "<p>No change.</p>"
    return made


def _tables(tables: Mapping[str, Mapping[str, Any]]) -> str:
    order = {verdict: number for number, verdict in enumerate(_ORDER)}
    rows = [
        _row(name, table)
        for name, table in sorted(
            tables.items(), key=lambda nt: (order.get(nt[1]["verdict"], -1), nt[0])
        )
    ]
    head = (
        '<tr><th>table</th><th>verdict</th><th class="n">items</th><th class="n">size</th>'
        '<th class="n">duration</th><th>reason, checks, place</th></tr>'
    )
    return table_of_rows("Tables", head, rows)


def _row(name: str, table: Mapping[str, Any]) -> str:
    verdict = str(table["verdict"])
    items = "-" if table["items"] is None else f"{table['items']:,}"
    held = size(table["bytes"]) if table["location"] and verdict == "backed_up" else "-"
    why = f"{shown(table['reason'])}<br>" if table["reason"] else ""
    if table["location"]:
        why += f"<code>{shown(table['location'], 2000)}</code>"
    details = [*table["errors"], *table["notes"]]
    if details:
        rows = "".join(f"<li>{shown(d)}</li>" for d in details)
        words = "errors and checks" if table["errors"] else "checks"
        why += f"<details><summary>{words}</summary><ul>{rows}</ul></details>"
    return (
        f'<tr><td class="name">{shown(name)}</td>'
        f'<td class="v {escape(verdict)}">{escape(verdict.replace("_", " "))}</td>'
        f'<td class="n">{items}</td><td class="n">{held}</td>'
        f'<td class="n">{duration(table["duration_seconds"])}</td><td class="why">{why}</td></tr>'
    )


def table_of_rows(title: str, head: str, rows: Iterable[str]) -> str:
    """Return a table under its title."""
    return (
        f'<h2>{title}</h2><div class="wide"><table><thead>{head}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def shown(text: str, length: int = _LONG) -> str:
    """Escape a text that is data, and cut it where it would burst the page."""
    return said(text, length)
