"""One message of each kind, and one event, each marked as a test: do they arrive?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.night.one_pass import Pass
from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from hippolyte.records.homes import Home, Kept, Records
from hippolyte.records.ledger import TableEntry
from hippolyte.records.raised import note_raised
from hippolyte.records.runs import start_of
from hippolyte.report import events, messages
from hippolyte.report.first_line import FIRST_LINE
from hippolyte.report.fleet import Cell, Deployment, Fleet, State
from hippolyte.report.fleet_message import of_fleet, of_unreadable
from hippolyte.report.kinds import Kind, Message
from hippolyte.report.message import of_run
from hippolyte.report.notify import own_topic, publish
from hippolyte.verdicts import Verdict

ASKED = "test-alert"
"""What the monitor is asked with: `{"run": "test-alert"}`."""

_NOTE = (
    "THIS IS A TEST, asked for by `hippolyte test-alert`. Nothing has happened: no run, no table "
    "and no failure named here is real.\n\n"
)
_DOES_NOT_END = "batch b001 does not end (cancelled: the window is over)"
_REASON = "still running at the deadline"
_WHERE = "s3://test/report.json"

_Sample = Callable[[Pass, str], Message]
"""Makes a message of a deployment's own, of a run."""


def send(p: Pass) -> dict[str, Any]:
    """Send them; return what was sent, and who has confirmed that he wants to be told."""
    now = clock.now()
    run = run_id(now)
    sent = []
    for kind in Kind:
        message = SAMPLES[kind](p, run)
        marked = [f"TEST {form}" for form in message.forms]
        marked = [form if message.placed else form[:FIRST_LINE] for form in marked]
        trial = replace(message, forms=marked, text=f"{_NOTE}{message.text}")
        error = None
        try:
            line = publish(p.clients, p.settings, trial)
        except (ClientError, BotoCoreError) as refused:
            line, error = marked[0], str(refused)
        sent.append({"kind": kind.value, "message": line, "error": error})
    report = _made_up(run, bad=True, left=True) | events.home(p.settings, run)
    made = [*_of_tables(report), *events.of_end(report, _WHERE)]
    drill: dict[str, Any] = {"run_id": run, "name": "hippolyte-drill-test", "table": "orders"}
    drill |= {"ok": True, "said": "3 items, as in its backup"}
    made.append(events.drilled(p.settings, drill, iso(now)))
    _, trouble = events.put(p.clients, p.settings, made, test=True)
    return {
        "topics": topics(p),
        "messages": sent,
        "events": {"asked": len(made) if p.settings.events else 0, "error": trouble or None},
    }


def _night(bad: bool = False, left: bool = False, part: bool = False) -> _Sample:
    def made(p: Pass, run: str) -> Message:
        report = _made_up(run, bad=bad, left=left, part=part)
        return of_run(report | {"runbook_url": p.settings.runbook_url}, _WHERE)

    return made


def _fleet(missing: bool) -> _Sample:
    def made(p: Pass, run: str) -> Message:
        at = start_of(run)
        state = State.MISSING if missing else State.GOOD
        kept = Kept(Home("111111111111", p.settings.region), since=at - timedelta(days=3))
        one = Deployment(kept, (Cell(state),), Cell(state), True, (), ())
        fleet = Fleet(at, Records.below(p.store, [""]), (at.date(),), (one,), ())
        return of_fleet(fleet, "s3://test/fleet/report.html", p.settings.runbook_url)

    return made


SAMPLES: Mapping[Kind, _Sample] = {
    Kind.NIGHT_GOOD: _night(),
    Kind.NIGHT_ATTENTION: _night(bad=True),
    Kind.LEFT_RAISED: _night(bad=True, left=True),
    Kind.PART_GOOD: _night(part=True),
    Kind.PART_ATTENTION: _night(bad=True, part=True),
    Kind.MID_NIGHT: lambda p, run: messages.mid_night(p.settings, run, [_DOES_NOT_END]),
    Kind.NOT_RECORDED: lambda p, run: messages.not_recorded(p.settings, run, "AccessDenied"),
    Kind.LATE: lambda p, run: messages.too_late(p.settings, run, start_of(run)),
    Kind.PRICE: lambda p, run: messages.price(p.settings, run, 2, {"cost_usd": 60.0}),
    Kind.DENIED: lambda p, run: messages.denied(p.settings, "monitor", ["s3:PutObject backups/"]),
    Kind.UNFIT: lambda p, run: messages.unfit(
        p.settings, ["emr.jar (s3://test/emr.jar): there is no such object. Upload it"]
    ),
    Kind.MENDED: lambda p, run: messages.denied(p.settings, "monitor", []),
    Kind.DRILL_GOOD: lambda p, run: messages.drilled(
        p.settings, run, "orders: 3 items, as in its backup", ok=True
    ),
    Kind.DRILL_ATTENTION: lambda p, run: messages.drilled(
        p.settings, run, "orders: 2 of 3 items", ok=False
    ),
    Kind.FLEET_GOOD: _fleet(missing=False),
    Kind.FLEET_ATTENTION: _fleet(missing=True),
    Kind.FLEET_UNREADABLE: lambda p, run: of_unreadable("AccessDenied", p.settings.runbook_url),
}
"""A message of each kind, by what makes the real ones."""


def _made_up(
    run: str, *, bad: bool = False, left: bool = False, part: bool = False
) -> dict[str, Any]:
    """Return so much of a report as messages and events are made of; capacities in units.

    `bad`: a table is not backed up; `left`: its capacity is not given back; `part`: it is no night.
    """
    at, before = iso(start_of(run)), iso(start_of(run) - timedelta(days=2))
    verdicts = {"orders": Verdict.BACKED_UP, "users": Verdict.BACKED_UP}
    if bad:
        verdicts["users"] = Verdict.TIMED_OUT
    good = list(verdicts.values()).count(Verdict.BACKED_UP)
    raised = {"table": "users", "from": 100, "to": 400, "raised_at": at, "duration_seconds": 3600}
    return {
        "run_id": run,
        "part": ["orders", "users"] if part else [],
        "closed_at": at,
        "discovered": len(verdicts),
        "totals": {each.value: list(verdicts.values()).count(each) for each in Verdict},
        "items": 3 * good,
        "bytes": 300 * good,
        "duration_seconds": 3600,
        "window_seconds": 25_200,
        "cost_usd": 0.01,
        "alerts": [],
        "warnings": [],
        "changes": {},
        "oldest_good": {"table": "users", "last_good": before, "age_days": 2.0},
        "left_raised": ["users"] if left else [],
        "raised": [{**raised, "given_back_at": None if left else at}],
        "tables": {
            name: {
                "verdict": verdict.value,
                "reason": "" if verdict is Verdict.BACKED_UP else _REASON,
                "log": "",
                "finished_at": at,
                "last_good": at if verdict is Verdict.BACKED_UP else before,
                "location": f"s3://test/{name}/" if verdict is Verdict.BACKED_UP else "",
                "items": 3 if verdict is Verdict.BACKED_UP else None,
                "bytes": 300 if verdict is Verdict.BACKED_UP else 0,
            }
            for name, verdict in verdicts.items()
        },
    }


def _of_tables(report: Mapping[str, Any]) -> Iterator[events.Event]:
    for name, row in report["tables"].items():
        made = {key: row[key] for key in ("reason", "finished_at", "location", "items", "bytes")}
        entry = TableEntry(verdict=Verdict(row["verdict"]), **made)
        for lease in report["raised"]:
            if lease["table"] == name:
                note_raised(entry, lease["from"], lease["to"], lease["raised_at"], known=True)
        for _, event in events.of_table(report, name, entry, row["finished_at"]):
            yield event


def topics(p: Pass) -> list[dict[str, Any]]:
    """Return what each topic is for, and how many subscriptions of it are confirmed."""
    own, settings = own_topic(p.settings), p.settings
    of = {settings.topic_arn: ["messages"]}
    of.setdefault(own, []).append("alarms")
    found = []
    for arn, what in of.items():
        client = p.clients.sns if arn == settings.topic_arn else p.clients.own_sns or p.clients.sns
        row: dict[str, Any] = {"topic": arn, "for": what}
        try:
            said = client.get_topic_attributes(TopicArn=arn)["Attributes"]
        except (ClientError, BotoCoreError) as error:
            found.append({**row, "confirmed": None, "pending": None, "error": str(error)})
            continue
        counts = (int(said.get(f"Subscriptions{kind}", 0)) for kind in ("Confirmed", "Pending"))
        found.append({**row, **dict(zip(("confirmed", "pending"), counts, strict=True))})
        found[-1]["error"] = None
    return found
