"""One message of each kind, and one event, each marked as a test: do they arrive?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.night.one_pass import Pass
from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from hippolyte.records.ledger import TableEntry
from hippolyte.records.raised import note_raised
from hippolyte.report import events
from hippolyte.report.message import forms, text
from hippolyte.report.notify import own_topic, publish
from hippolyte.report.remedies import DRILL, RUNBOOK, of_alert, told
from hippolyte.verdicts import Verdict

ASKED = "test-alert"
"""What the monitor is asked with: `{"run": "test-alert"}`."""

_NOTE = (
    "THIS IS A TEST, asked for by `hippolyte test-alert`. Nothing has happened: no run, no table "
    "and no failure named here is real.\n\n"
)
_DOES_NOT_END = "batch b001 does not end (cancelled: the window is over)"


def send(p: Pass) -> dict[str, Any]:
    """Send them; return what was sent, and who has confirmed that he wants to be told."""
    now = clock.now()
    run = run_id(now)
    sent = []
    for words, body in _messages(run, iso(now)):
        marked = [f"TEST {form}" for form in words]
        error = None
        try:
            line = publish(p.clients, p.settings, marked, f"{_NOTE}{body}", run)
        except (ClientError, BotoCoreError) as refused:
            line, error = marked[0], str(refused)
        sent.append({"message": line, "error": error})
    report = _made_up(run, iso(now), bad=True) | events.home(p.settings, run)
    made = [*_of_tables(report), *events.of_end(report, "s3://test/report.json")]
    drill: dict[str, Any] = {"run_id": run, "name": "hippolyte-drill-test", "table": "orders"}
    drill |= {"ok": True, "said": "3 items, as in its backup"}
    made.append(events.drilled(p.settings, drill, iso(now)))
    _, trouble = events.put(p.clients, p.settings, made, test=True)
    return {
        "topics": topics(p),
        "messages": sent,
        "events": {"asked": len(made) if p.settings.events else 0, "error": trouble or None},
    }


def _messages(run: str, at: str) -> Iterator[tuple[Sequence[str], str]]:
    """Yield the words of each kind's first line, and its text."""
    where = "s3://test/report.json"
    for bad in (False, True):
        report = _made_up(run, at, bad)
        yield forms(report), text(report, where)
    yield ("ATTENTION in mid-night",), told([(_DOES_NOT_END, of_alert(_DOES_NOT_END))])[0]
    yield (
        ("NO BACKUP, not recorded",),
        f"Run {run} cannot be recorded.\nwhat to do: {RUNBOOK}#run-a-night-now",
    )
    yield (
        ("PREFLIGHT: 1 denied",),
        f"s3:PutObject backups/\nwhat to do: {RUNBOOK}#before-the-first-night",
    )
    yield ("ATTENTION restore drill",), f"orders: 2 of 3 items\nwhat to do: {DRILL}"


def _made_up(run: str, at: str, bad: bool) -> dict[str, Any]:
    """Return so much of a report as messages and events are made of; capacities in units."""
    verdicts = {"orders": Verdict.BACKED_UP, "users": Verdict.BACKED_UP}
    reason, left = "", []
    if bad:
        verdicts["users"] = Verdict.TIMED_OUT
        reason, left = "still running at the deadline", ["users"]
    good = list(verdicts.values()).count(Verdict.BACKED_UP)
    raised = {"table": "users", "from": 100, "to": 400, "raised_at": at, "duration_seconds": 3600}
    return {
        "run_id": run,
        "part": [],
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
        "left_raised": left,
        "raised": [{**raised, "given_back_at": None if bad else at}],
        "tables": {
            name: {
                "verdict": verdict.value,
                "reason": "" if verdict is Verdict.BACKED_UP else reason,
                "log": "",
                "finished_at": at,
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
