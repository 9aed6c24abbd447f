"""The morning's message of many deployments: a first line that says it all, then what and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from hippolyte.record_form import iso
from hippolyte.records.homes import Home
from hippolyte.report.first_line import FIRST_LINE
from hippolyte.report.fleet import Deployment, Fleet, State
from hippolyte.report.fleet_tables import Bare
from hippolyte.report.groups import pattern
from hippolyte.report.kinds import Kind, Message
from hippolyte.report.remedies import LEFT_RAISED, do
from hippolyte.report.texts import a_line, count_of, section
from hippolyte.tables.names import first_names
from hippolyte.verdicts import Verdict

# a section has so many lines at the most, the page has all
_LINES = 40
_section = partial(section, most=_LINES)
_MORE = ", ..."

_RECORDS = "message-on-records-or-replicas-of-all-deployments"
ENTRIES = {
    "LEFT RAISED": LEFT_RAISED,
    "Nights missing": "message-nights-missing-of-all-deployments",
    "Reports that cannot be read": _RECORDS,
    "Not backed up": "alarm-tables-failed",
    "To be looked at": "message-attention-tables-not-backed-up",
    "Replicas that are left out, and that nobody backs up": _RECORDS,
    "Reports of the future": _RECORDS,
    "Not seen": _RECORDS,
}
"""The runbook's entry, by the title of what needs a person."""
_AWAY = (State.MISSING, State.UNCLOSED)
_FINE = (State.GOOD, State.LOOK)


def first_line(fleet: Fleet) -> str:
    """Return the line that says it all, of at most 60 characters, ASCII."""
    first, *more = said(fleet)
    return _fitting(first, [f", {part}" for part in more])


def said(fleet: Fleet) -> list[str]:
    """Return the parts of what is said of a fleet first, the worst first."""
    due = fleet.expected
    if not due:
        return ["ATTENTION: no deployment has reported"]
    states = [deployment.last.state for deployment in due]
    missing = sum(map(states.count, _AWAY))
    running = sum(deployment.running is not None for deployment in due)
    tables = sum(len(d.failed) + d.unnamed for d in due if d.last.state is State.FAILED)
    raised = sum(len(deployment.kept.raised) for deployment in fleet.deployments)
    if not fleet.needs_attention:
        if not fleet.good:
            return [f"NOTHING YET: 0 of {count_of(len(due), 'night')}", *_more_running(running)]
        backed_up = sum(d.last.head.backed_up for d in due if d.last.head)
        line = f"OK: {fleet.good:,} of {count_of(len(due), 'night')}, "
        line += f"{count_of(backed_up, 'table')} backed up"
        return [line, *_more_running(running)]
    parts = [
        _counted(raised, "table left raised", "tables left raised"),
        f"{missing:,} of {count_of(len(due), 'night')} missing" if missing else "",
        _counted(states.count(State.UNREADABLE), "report unreadable", "reports unreadable"),
        _counted(tables, "table failed", "tables failed"),
        _counted(len(fleet.uncopied), "replica not copied", "replicas not copied"),
        _counted(sum(map(_has_alerts, due)), "night to look at", "nights to look at"),
        _counted(sum(bool(d.ahead) for d in fleet.deployments), "clock ahead", "clocks ahead"),
        "records that cannot be read" if any(d.kept.trouble for d in due) else "",
        f"{running} running" if running else "",
    ]
    first, *more = [part for part in parts if part]
    return [f"ATTENTION: {first}", *more]


def _more_running(running: int) -> list[str]:
    return [f"{running} still running"] if running else []


def _counted(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}" if number else ""


def _fitting(line: str, parts: Sequence[str]) -> str:
    """Return a line with the parts that it has room for, and a sign if there are more."""
    for number, part in enumerate(parts):
        room = FIRST_LINE - len(_MORE) * (number + 1 < len(parts))
        if len(line) + len(part) > room:
            return line + _MORE
        line += part
    return line


def of_fleet(fleet: Fleet, page: str, runbook: str | None = None) -> Message:
    """Return the morning's message.

    `page` is the address of the whole, `runbook` the runbook's, as `remedies.at` has it.
    """
    kind = Kind.FLEET_ATTENTION if fleet.needs_attention else Kind.FLEET_GOOD
    return Message(kind, (first_line(fleet),), _text(fleet, page, runbook), placed=False)


def of_unreadable(error: object, runbook: str | None = None) -> Message:
    """Return that nothing is known of any deployment."""
    line = "ATTENTION: the bucket of all backups cannot be read"
    text = f"{error}\n{do(runbook, _RECORDS)}"
    return Message(Kind.FLEET_UNREADABLE, (line,), text, placed=False)


def _text(fleet: Fleet, page: str, runbook: str | None) -> str:
    due = fleet.expected
    lines: list[str] = []
    for title, rows in sections(fleet):
        if found := _section(title, rows):
            lines += [*found[:-1], f"  {do(runbook, ENTRIES[title])}", ""]
    lines += _section("Still running", [titled(d) for d in due if d.running])
    lines += _section("Good", [good_line(d) for d in due if d.last.state in _FINE])
    lines += _section("Newest good backups, the oldest of each", [oldest_line(d) for d in due])
    lines += _section("Not heard of for long, and not expected any more", silent(fleet))
    lines += [cost_line(fleet), *([f"As a page: {page}"] if page else [])]
    return "\n".join(lines)


def sections(fleet: Fleet) -> list[tuple[str, list[str]]]:
    """Return what needs a person: titles and lines, the worst first."""
    due = fleet.expected
    unread = [d for d in due if d.last.state is State.UNREADABLE]
    alerts = [(d, alert) for d in due if d.last.head for alert in d.last.head.alerts]
    return [
        ("LEFT RAISED", [raised(d) for d in fleet.deployments if d.kept.raised]),
        ("Nights missing", [_missing(d) for d in due if d.last.state in _AWAY]),
        ("Reports that cannot be read", [f"{titled(d)}: {_trouble(d)}" for d in unread]),
        ("Not backed up", [line for d in due for line in _failed(d)]),
        ("To be looked at", [f"{titled(d)}: {a_line(alert)}" for d, alert in alerts]),
        ("Replicas that are left out, and that nobody backs up", copies(fleet)),
        ("Reports of the future", [_ahead(d) for d in fleet.deployments if d.ahead]),
        ("Not seen", [f"{titled(d)}: {a_line(why)}" for d in due for why in d.kept.trouble]),
    ]


def _has_alerts(deployment: Deployment) -> bool:
    return bool(deployment.last.head and deployment.last.head.alerts)


def titled(deployment: Deployment) -> str:
    """Return how a deployment is called: account, region, and its name if it is known."""
    name = f" ({a_line(deployment.name, 40)})" if deployment.name else ""
    return f"{deployment.home}".strip() + name


def _missing(deployment: Deployment) -> str:
    last = deployment.last
    if last.state is State.UNCLOSED and last.night:
        return f"{titled(deployment)}: {last.night.run_id} was begun and has no report"
    if under_way := deployment.running:
        return f"{titled(deployment)}: the night before {under_way.run_id}, which is running"
    return since_line(deployment)


def _ahead(deployment: Deployment) -> str:
    late = "is not due yet: its clock is ahead, or ours is behind"
    return f"{titled(deployment)}: {deployment.ahead} {late}"


def since_line(deployment: Deployment) -> str:
    """Say since when nothing was heard of a deployment."""
    kept = deployment.kept
    if kept.nights:
        return f"{titled(deployment)}: no night since {kept.nights[0].run_id}"
    if kept.first_run:
        return f"{titled(deployment)}: no night for long"
    if deployment.ahead:
        return f"{titled(deployment)}: no night but of the future, {deployment.ahead}"
    if kept.since:
        return f"{titled(deployment)}: no night yet, deployed {iso(kept.since)}"
    return f"{titled(deployment)}: nothing of it is in the bucket"


def _trouble(deployment: Deployment) -> str:
    night = deployment.last.night
    return f"{night.run_id}: {a_line(night.trouble)}" if night else ""


def _failed(deployment: Deployment) -> list[str]:
    """Return a line a reason: the same one may be that of 900 tables."""
    if deployment.last.state is not State.FAILED:
        return []
    number = deployment.unnamed
    more = [f"{count_of(number, 'table')} that its report does not name"] if number else []
    return [f"{titled(deployment)}: {line}" for line in [*by_reason(deployment.failed), *more]]


def by_reason(tables: Sequence[Bare]) -> list[str]:
    """Return a line for each verdict and reason, of most tables first.

    The longest without a good backup come first; of the first one its date is said.
    """
    groups: dict[tuple[str, str], list[Bare]] = {}
    for bare in tables:
        groups.setdefault((bare.verdict, pattern(bare.reason, bare.table)), []).append(bare)
    for members in groups.values():
        members.sort(key=lambda bare: (bare.last_good, bare.table))
    ordered = sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [
        f"{len(members):,} {verdict.replace('_', ' ')}: "
        + first_names([_aged(members[0]), *(a_line(bare.table, 255) for bare in members[1:])])
        + _reason({bare.reason: "" for bare in members})
        for (verdict, _), members in ordered
    ]


def _aged(bare: Bare) -> str:
    """Return a table's name, with its newest good backup's date if a new one is missing."""
    name = a_line(bare.table, 255)
    if bare.verdict == Verdict.SKIPPED:
        return name
    return f"{name} [{f'last good {bare.last_good[:10]}' if bare.last_good else 'none good'}]"


def _reason(reasons: Mapping[str, str]) -> str:
    """Say the first of reasons that are alike."""
    first, *more = reasons
    return f" ({a_line(first)}{', or alike' if more else ''})" if first else ""


def raised(deployment: Deployment) -> str:
    """Say which tables of a deployment are raised."""
    kept = deployment.kept
    names = [
        a_line(t, 255) + " (maybe: its lease is unreadable)" * (t in kept.unreadable)
        for t in kept.raised
    ]
    return f"{titled(deployment)}: {first_names(names)}"


def copies(fleet: Fleet) -> list[str]:
    """Return a line for each replica that is left out and of which there is no other copy."""
    return [
        f"{bare.home}: {a_line(bare.table, 255)}, "
        + ("a replica whose others nobody backs up" if bare.replica else "a replica no more")
        + f" ({a_line(bare.reason)})"
        for bare in fleet.uncopied
    ]


def nowhere_lines(fleet: Fleet) -> list[str]:
    """Return the tables that nobody backs up, or not any more: a line a deployment and reason."""
    by_home: dict[Home, list[Bare]] = {}
    for bare in fleet.nowhere:
        by_home.setdefault(bare.home, []).append(bare)
    called = {deployment.home: titled(deployment) for deployment in fleet.deployments}
    return [f"{called[home]}: {line}" for home, bare in by_home.items() for line in by_reason(bare)]


def good_line(deployment: Deployment) -> str:
    """Say what the last night of a deployment came to."""
    head = deployment.last.head
    return f"{titled(deployment)}: {count_of(head.backed_up, 'table')} backed up" if head else ""


def age_line(deployment: Deployment) -> str:
    """Say which newest good backups are the oldest."""
    ages = [
        f"{a_line(age.table, 255)} {_days(age.days)}" + ("" if age.last_good else ", never yet")
        for age in deployment.oldest
    ]
    return "; ".join(ages) or "not known"


def _days(days: float) -> str:
    return f"{days:.1f} day{'' if f'{days:.1f}' == '1.0' else 's'}"


def oldest_line(deployment: Deployment) -> str:
    """Say whose newest good backups are how old."""
    return f"{titled(deployment)}: {age_line(deployment)}"


def silent(fleet: Fleet) -> list[str]:
    """Return a line for each deployment of which no night is expected any more."""
    return [since_line(deployment) for deployment in fleet.deployments if not deployment.expected]


def cost_line(fleet: Fleet) -> str:
    """Say what the nights that have reported cost, and the month's storage."""
    spent = sum(deployment.cost_usd for deployment in fleet.deployments)
    kept = [d.storage_usd for d in fleet.deployments if d.storage_usd is not None]
    storage = f", and about {sum(kept):,.2f} USD a month for what is kept" if kept else ""
    nights = len(
        {
            day
            for deployment in fleet.deployments
            for day, cell in zip(fleet.dates, deployment.cells, strict=True)
            if cell.head
        }
    )
    return f"{count_of(nights, 'night')}: about {spent:,.2f} USD{storage}"
