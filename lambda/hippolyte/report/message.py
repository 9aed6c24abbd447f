"""The message a night ends with: the words of its first line, and the text after it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from hippolyte.record_form import when
from hippolyte.report.groups import Group, by_reason
from hippolyte.report.kinds import Kind, Message
from hippolyte.report.remedies import LEFT_RAISED, of_alert, of_reason, told
from hippolyte.report.texts import a_line, ago, count_of, section, size
from hippolyte.verdicts import ALERTING_VERDICTS, OVER_BUDGET, Verdict

# a message names this many tables of a kind, the report all
_NAMED_IN_MESSAGE = 50
_section = partial(section, most=_NAMED_IN_MESSAGE)
# one line each, whatever a service or a tag says
_line = partial(a_line, length=2000)


def needs_attention(report: Mapping[str, Any]) -> bool:
    """Say whether a person must act on a report."""
    told = any(report["totals"][v.value] for v in ALERTING_VERDICTS)
    return bool(told or report["alerts"] or report["left_raised"])


def not_backed_up(report: Mapping[str, Any]) -> int:
    """Return how many tables should be backed up and are not."""
    over = sum(str(t["reason"]).startswith(OVER_BUDGET) for t in report["tables"].values())
    return over + sum(int(report["totals"][v.value]) for v in ALERTING_VERDICTS)


def summary(report: Mapping[str, Any]) -> str:
    """Return the one line that adds up: discovered = the verdicts' counts."""
    totals = report["totals"]
    parts = " + ".join(f"{totals[v.value]:,} {v.value.replace('_', ' ')}" for v in Verdict)
    return (
        f"{count_of(report['discovered'], 'table')} discovered = {parts}; "
        f"{len(report['left_raised']):,} left raised"
    )


def forms(report: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words of the first line: what is wrong, longest form first.

    What harms production stands first. A `+` says that there is more than the form has room for.
    """
    totals = report["totals"]
    part = " part" if report["part"] else ""
    if not needs_attention(report):
        return (f"OK{part} {totals['backed_up']:,} backed up",)
    wrong = not_backed_up(report)
    counts = {
        f"{len(report['left_raised']):,} left raised": report["left_raised"],
        f"{wrong:,} of {report['discovered']:,} failed": wrong,
        f"{len(report['alerts']):,} to look at": report["alerts"],
    }
    told = [words for words, count in counts.items() if count]
    return tuple(
        f"ATTENTION{part} {', '.join(told[:most])}{' +' if told[most:] else ''}"
        for most in range(len(told), 0, -1)
    )


def of_run(report: Mapping[str, Any], where: str) -> Message:
    """Return the message of a run that is over; `where` is the address of the whole."""
    good, bad = Kind.NIGHT_GOOD, Kind.NIGHT_ATTENTION
    if report["part"]:
        good, bad = Kind.PART_GOOD, Kind.PART_ATTENTION
    kind = Kind.LEFT_RAISED if report["left_raised"] else bad if needs_attention(report) else good
    return Message(kind, forms(report), text(report, where), report["run_id"])


def text(report: Mapping[str, Any], where: str) -> str:
    """Return the report as plain text; `where` is the address of the whole."""
    minutes, window = report["duration_seconds"] // 60, report["window_seconds"] // 60
    lines = [
        f"Run {_line(report['run_id'])}: {summary(report)}",
        *([f"A part, {of_part(report)}"] if report.get("part") else []),
        f"{count_of(report['items'], 'item')}, {size(report['bytes'])}, {minutes:,} of "
        f"{count_of(window, 'minute')}, {money(report)}",
        *_oldest(report),
        "",
    ]
    runbook = report.get("runbook_url")
    left = [(_line(name), LEFT_RAISED) for name in report["left_raised"][:_NAMED_IN_MESSAGE]]
    more = len(report["left_raised"]) - len(left)
    left += [(f"and {more:,} more", LEFT_RAISED)] if more else []
    # first of all: it costs money by the hour
    before = _section("LEFT RAISED, given back by the next passes", told(left, runbook))
    lines = [*before, *lines]
    alerts = ((_line(alert), of_alert(alert)) for alert in report["alerts"])
    for verdict in sorted(ALERTING_VERDICTS):
        title = verdict.value.replace("_", " ").capitalize()
        lines += _section(title, _failures(report, verdict))
    lines += _section("To be looked at", told(alerts, runbook))
    raised = [_raised(r) for r in report["raised"]]
    lines += _section("Raised for the night", raised)
    wishes = [
        f"{_line(r['table'])}: {r['from']:,} -> {r['to']:,}" for r in report.get("would_raise", ())
    ]
    lines += _section('Would have been raised (raise_capacity is "plan")', wishes)
    lines += _section("Restore drills", map(_line, report.get("drills", ())))
    lines += _section("Warnings", map(_line, report["warnings"]))
    changes = [
        f"{kind}: {', '.join(map(_line, names[:_NAMED_IN_MESSAGE]))}"
        for kind, names in report["changes"].items()
        if names
    ]
    lines += _section("Since the night before", changes)
    lines += [f"As a page: {where.removesuffix('json')}html", f"Report: {where}"]
    return "\n".join(lines)


def money(made: Mapping[str, Any]) -> str:
    """Say what a run is estimated to cost, and the month's storage; of a report, or a plan."""
    # the command line may read a report of an older package
    kept = made.get("storage_usd")
    storage = "" if kept is None else f", and about {kept:,.2f} USD a month for what is kept"
    return f"about {made['cost_usd']:,.2f} USD{storage}"


def of_part(report: Mapping[str, Any]) -> str:
    """Say what a part answers for."""
    tables = ", ".join(map(_line, report["part"]))
    return f"asked for by hand: tables {tables}; of the others it says nothing"


def _oldest(report: Mapping[str, Any]) -> list[str]:
    """Return the line on the table that has been longest without a good backup."""
    found = report.get("oldest_good")
    if not found:
        return []
    name, age = _line(found["table"]), ago(found["age_days"])
    if found["last_good"]:
        return [f"Oldest good backup: {name}, {age}"]
    return [f"Oldest good backup: {name} has none, first wanted {age}"]


def _failures(report: Mapping[str, Any], verdict: Verdict) -> list[str]:
    """Return the tables of a verdict, by reason; of each the longest without a backup first."""
    rows = {n: t for n, t in report["tables"].items() if t["verdict"] == verdict.value}
    ordered = sorted(rows, key=lambda name: (rows[name].get("last_good") or "", name))
    groups = by_reason({name: str(rows[name]["reason"]) for name in ordered})
    # of many reasons a few names each, or the message would be too long for SNS
    room = max(3, _NAMED_IN_MESSAGE // max(1, len(groups)))
    return told(
        (
            (_group(group, rows, room, report["closed_at"]), of_reason(verdict, group.reason))
            for group in groups
        ),
        report.get("runbook_url"),
    )


def _group(group: Group, rows: Mapping[str, Any], room: int, now: str) -> str:
    name, *more = group.reasons
    log = f" (log: {_line(rows[name]['log'])})" if rows[name]["log"] else ""
    reason = f"{_line(name)}: {_line(group.reason)}"
    if not more:
        return f"{reason}{log}\n      newest good backup: {_age(rows[name], now)}"
    named = ", ".join(f"{_line(n)} ({_age(rows[n], now)})" for n in list(group.reasons)[:room])
    others = len(group.reasons) - room
    named += f" and {others:,} more" if others > 0 else ""
    alike = "" if group.alike else " (or alike)"
    head = f"{len(group.reasons):,} tables, their newest good backups in brackets"
    return f"{head}: {named}\n      {reason}{alike}{log}"


def _age(row: Mapping[str, Any], now: str) -> str:
    """Say how old a table's newest good backup is."""
    if not row.get("last_good"):
        return "none"
    return ago((when(now) - when(row["last_good"])).total_seconds() / 86_400)


def _raised(row: Mapping[str, Any]) -> str:
    back = "not given back yet"
    if row["given_back_at"]:
        minutes = round(row["duration_seconds"] / 60)
        back = f"given back {row['given_back_at']}, after {count_of(minutes, 'minute')}"
    return f"{_line(row['table'])}: {row['from']:,} -> {row['to']:,} at {row['raised_at']}, {back}"
