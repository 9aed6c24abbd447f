"""What a person must look at, first on the page: alerts, and the tables by why they failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hippolyte.planning.host import noun_of
from hippolyte.report.consoles import Consoles
from hippolyte.report.document import first_of, link, what_to_do
from hippolyte.report.groups import Group, by_reason
from hippolyte.report.remedies import LEFT_RAISED, of_alert, of_reason
from hippolyte.report.texts import count_of, named, shown
from hippolyte.report.times import Times
from hippolyte.verdicts import ALERTING_VERDICTS

Row = Mapping[str, Any]

# what is told at once: the rest is folded, so that no night is longer than a look
_ALERTS = 8
_GROUPS = 8
# so many reasons of a verdict have a group, the others share one
_APART = 50
# so few tables are shown without a click, each with its links
_OPEN = 3
# of so many tables all is said, of those after them the name; report.json has all of it
_TOLD = 100
_SHORT = 160
_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Night:
    """What every row's links are made of."""

    report: Row
    consoles: Consoles
    times: Times
    batches: Mapping[str, Row]


def attention(report: Row, consoles: Consoles, times: Times) -> str:
    """Return the section; it says so if there is nothing."""
    night = _Night(report, consoles, times, {b["batch_id"]: b for b in report["batches"]})
    told = {v.value for v in ALERTING_VERDICTS}
    wrong = {n: t for n, t in report["tables"].items() if t["verdict"] in told}
    # first what costs money by the hour
    items = [_left_raised(left, night)] if (left := report["left_raised"]) else []
    items += _groups(wrong, night)
    items += first_of(_alerts(report["alerts"], night), _ALERTS, "alert")
    if not items:
        return "<h2>Needs attention</h2><p>Nothing.</p>"
    return f'<h2>Needs attention</h2><div class="attention"><ul>{"".join(items)}</ul></div>'


def _alerts(alerts: Sequence[str], night: _Night) -> list[str]:
    """Return them with what to do: once after the last of those that it is of."""
    entries = [*map(of_alert, alerts), ""]
    return [
        f"<li>{shown(alert)}{_do(entry, night) if entry != following else ''}</li>"
        for alert, (entry, following) in zip(alerts, pairwise(entries), strict=True)
    ]


def _do(anchor: str, night: _Night) -> str:
    return what_to_do(anchor, night.report["runbook_url"])


def _left_raised(names: Sequence[str], night: _Night) -> str:
    rows = "".join(
        f"<li>{link(night.consoles.table(name) if number < _TOLD else '', named(name))}</li>"
        for number, name in enumerate(names)
    )
    verb = "is" if len(names) == 1 else "are"
    what = f"<b>{count_of(len(names), 'table')} {verb} left raised</b>"
    return _fold(what, names, rows, len(names) <= _OPEN, _do(LEFT_RAISED, night))


def _fold(what: str, names: Sequence[str], rows: str, is_open: bool, do: str) -> str:
    """Return tables under what is said of all of them, the first named if they are folded."""
    some = "" if is_open else f' <span class="muted">{_some(names)}</span>'
    return (
        f'<li><details class="group"{" open" if is_open else ""}><summary>{what}{some}</summary>'
        f"<ul>{rows}</ul></details>{do}</li>"
    )


def _groups(wrong: Mapping[str, Row], night: _Night) -> list[str]:
    groups: list[tuple[str, Group]] = []
    for verdict in sorted(ALERTING_VERDICTS):
        reasons = {n: str(t["reason"]) for n, t in wrong.items() if t["verdict"] == verdict.value}
        found = by_reason(reasons)
        groups += [(verdict.value, group) for group in found[:_APART]]
        rest = {name: why for group in found[_APART:] for name, why in group.reasons.items()}
        groups += [(verdict.value, Group("for other reasons", rest))] if rest else []
    groups.sort(key=lambda one: -len(one[1].reasons))
    made = []
    told = 0
    for verdict_name, group in groups:
        rows = [
            _table(name, wrong[name], group, told + number < _TOLD, night)
            for number, name in enumerate(group.reasons)
        ]
        told += len(rows)
        do = _do(of_reason(verdict_name, group.reason), night)
        made.append(_group(verdict_name, group, rows, len(wrong), do))
    return first_of(made, _GROUPS, "reason")


def _group(verdict: str, group: Group, rows: Sequence[str], wrong: int, do: str) -> str:
    names = list(group.reasons)
    reason = f': <span class="what">{shown(group.reason)}</span>' if group.reason else ""
    alike = "" if group.alike else ' <span class="muted">(or alike)</span>'
    what = f'<span class="what">{verdict.replace("_", " ")}</span>'
    said = f"<b>{len(names):,} {what}</b>{reason}{alike}"
    return _fold(said, names, "".join(rows), wrong <= _OPEN, do)


def _some(names: Sequence[str]) -> str:
    """Name the first few: a name may have 255 characters, so cut."""
    some = ", ".join(named(name, 60) for name in names[:_NAMED])
    more = len(names) - _NAMED
    return f"{some} and {more:,} more" if more > 0 else some


def _table(name: str, row: Row, group: Group, is_told: bool, night: _Night) -> str:
    own = str(row["reason"])
    differs = f": {shown(own) if is_told else shown(own, _SHORT)}" if own != group.reason else ""
    made = f"<b>{named(name)}</b>{differs}"
    if not is_told:
        return f"<li>{made}</li>"
    good = row["last_good"]
    last = f"last good backup {night.times.moment(good)}" if good else "no good backup known"
    parts = [f'<span class="muted">{last}</span>', *_places(name, row, night)]
    details = _details([*row["errors"], *row["notes"]])
    return f"<li>{made}<br>{' · '.join(parts)}{details}</li>"


def _places(name: str, row: Row, night: _Night) -> Iterable[str]:
    """Return the links of a table that has no backup: itself, what it left, who read it, logs."""
    consoles = night.consoles
    batch = night.batches.get(row["batch"] or "", {})
    begun = batch if batch.get("started_at") else {}
    found = {
        "table": consoles.table(name),
        "what was written": consoles.folder(row["location"] or ""),
        "log": consoles.folder(row["log"] or ""),
        noun_of(night.report["engine"]): consoles.host(begun.get("handle", {})),
        "function's log": consoles.exporter_log(begun, night.report["closed_at"]),
    }
    yield from (link(address, words) for words, address in found.items() if address)
    yield from (
        f"{words} <code>{shown(row[key], 2000)}</code>"
        for words, key in (("written", "location"), ("log", "log"))
        if row[key] and not consoles.folder(row[key])
    )


def _details(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    rows = "".join(f"<li>{shown(line)}</li>" for line in lines)
    return f"<details><summary>errors and checks</summary><ul>{rows}</ul></details>"
