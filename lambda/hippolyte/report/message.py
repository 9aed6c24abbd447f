"""The message a night ends with: its subject, and the text a person reads first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hippolyte.verdicts import ALERTING_VERDICTS, OVER_BUDGET, Verdict

# a message names this many tables of a kind, the report all
_NAMED_IN_MESSAGE = 50


def needs_attention(report: Mapping[str, Any]) -> bool:
    """Say whether a person must act on a report."""
    told = any(report["totals"][v.value] for v in ALERTING_VERDICTS)
    return bool(told or report["alerts"] or report["left_raised"])


def summary(report: Mapping[str, Any]) -> str:
    """Return the one line that adds up: discovered = the verdicts' counts."""
    totals = report["totals"]
    parts = " + ".join(f"{totals[v.value]} {v.value.replace('_', ' ')}" for v in Verdict)
    return (
        f"{report['discovered']} tables discovered = {parts}; "
        f"{len(report['left_raised'])} left raised"
    )


def subject(report: Mapping[str, Any]) -> str:
    """Return the message's subject; SNS takes 100 characters."""
    totals = report["totals"]
    run = f"part {report['run_id']}" if report["part"] else report["run_id"]
    if not needs_attention(report):
        return f"OK {run}: {totals['backed_up']} tables backed up"
    wrong = sum(totals[v.value] for v in ALERTING_VERDICTS)
    wrong += sum(t["reason"].startswith(OVER_BUDGET) for t in report["tables"].values())
    return f"ATTENTION {run}: {wrong} of {report['discovered']} tables not backed up"


def text(report: Mapping[str, Any], where: str) -> str:
    """Return the report as plain text; `where` is the address of the whole."""
    minutes, window = report["duration_seconds"] // 60, report["window_seconds"] // 60
    lines = [
        f"Run {report['run_id']}: {summary(report)}",
        *([f"A part, {of_part(report)}"] if report.get("part") else []),
        f"{report['items']} items, {report['bytes']} bytes, {minutes} of {window} minutes, "
        f"{money(report)}",
        "",
    ]
    lines += _section("To be looked at", report["alerts"])
    for verdict in sorted(ALERTING_VERDICTS):
        rows = [
            f"{name}: {t['reason']}" + (f" (log: {t['log']})" if t["log"] else "")
            for name, t in report["tables"].items()
            if t["verdict"] == verdict.value
        ]
        lines += _section(verdict.value.replace("_", " ").capitalize(), rows)
    lines += _section("LEFT RAISED, given back by the next passes", report["left_raised"])
    raised = [_raised(r) for r in report["raised"]]
    lines += _section("Raised for the night", raised)
    wishes = [f"{r['table']}: {r['from']} -> {r['to']}" for r in report.get("would_raise", ())]
    lines += _section('Would have been raised (raise_capacity is "plan")', wishes)
    lines += _section("Restore drills", report.get("drills", ()))
    lines += _section("Warnings", report["warnings"])
    changes = [
        f"{kind}: {', '.join(names[:_NAMED_IN_MESSAGE])}"
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
    storage = "" if kept is None else f", and about {kept:.2f} USD a month for what is kept"
    return f"about {made['cost_usd']:.2f} USD{storage}"


def of_part(report: Mapping[str, Any]) -> str:
    """Say what a part answers for."""
    return f"asked for by hand: tables {', '.join(report['part'])}; of the others it says nothing"


def _raised(row: Mapping[str, Any]) -> str:
    back = "not given back yet"
    if row["given_back_at"]:
        minutes = round(row["duration_seconds"] / 60)
        back = f"given back {row['given_back_at']}, after {minutes} minutes"
    return f"{row['table']}: {row['from']} -> {row['to']} at {row['raised_at']}, {back}"


def _section(title: str, rows: Iterable[str]) -> list[str]:
    rows = list(rows)
    if not rows:
        return []
    named = [f"  - {row}" for row in rows[:_NAMED_IN_MESSAGE]]
    more = len(rows) - _NAMED_IN_MESSAGE
    return [f"{title}:", *named, *([f"  and {more} more"] if more > 0 else []), ""]
