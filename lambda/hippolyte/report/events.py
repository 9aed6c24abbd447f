"""What other programs are told: events on EventBridge's default bus, see docs/events.md.

At least once, and never in a night's way: what cannot be put is a line for the report.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.clients import Clients
from hippolyte.records.ledger import TableEntry
from hippolyte.records.raised import raises
from hippolyte.report.message import needs_attention
from hippolyte.settings import Settings

SOURCE = "hippolyte"
VERSION = 1

VERDICT, LEASE = "Hippolyte Table Verdict", "Hippolyte Capacity Lease"
RUN, DRILL = "Hippolyte Run Closed", "Hippolyte Restore Drill"

# PutEvents takes ten entries, and 256 KB of them: with the longest reason one has 7 KB
_AT_ONCE = 10
_LONGEST_REASON = 1000

_log = logging.getLogger(__name__)

Event = tuple[str, dict[str, Any]]
"""The detail's type, and the detail."""


def of_table(
    where: Mapping[str, Any], name: str, entry: TableEntry, now: str
) -> Iterator[tuple[str, Event]]:
    """Yield what a table's night has come to so far: what tells it from its others, and the event.

    `where` has what every event says. `now`: of a verdict that no export has led to.
    """
    for before, to, at, back in raises(entry):
        yield f"raised/{at}", _lease(where, name, "raised", at, at, **{"from": before, "to": to})
        if back:
            yield f"given_back/{at}", _lease(where, name, "given_back", at, back)
    if entry.verdict:
        yield (
            "verdict",
            (
                VERDICT,
                _of_run(where, f"verdict/{name}", entry.finished_at or now)
                | {"table": name, "verdict": entry.verdict.value, "reason": _cut(entry.reason)}
                | {"location": entry.location or None, "items": entry.items, "bytes": entry.bytes},
            ),
        )


def of_end(report: Mapping[str, Any], where: str) -> Iterator[Event]:
    """Yield the events of a run's end; `where` is the address of its report.

    The run's own comes last: who has it has been sent the others.
    """
    closed_at = report["closed_at"]
    raised_at = {row["table"]: row["raised_at"] for row in report["raised"]}
    for table in report["left_raised"]:
        yield _lease(report, table, "left_raised", raised_at.get(table), closed_at)
    totals = {key: report[key] for key in ("discovered", "totals", "items", "bytes", "cost_usd")}
    yield (
        RUN,
        _of_run(report, "closed", closed_at)
        | {"part": bool(report["part"]), "needs_attention": needs_attention(report)}
        | {"alerts": len(report["alerts"]), "left_raised": len(report["left_raised"])}
        | {**totals, "report": where},
    )


def given_back(settings: Settings, run_id: str, table: str, at: str) -> Event:
    """Return the event of a lease that was given back, of a run whose records are lost."""
    return _lease(home(settings, run_id), table, "given_back", None, at)


def drilled(settings: Settings, entry: Mapping[str, Any], at: str) -> Event:
    """Return the event of a restore drill that is over, of its entry in the record."""
    of = _of_run(home(settings, entry["run_id"]), f"drill/{entry['name']}", at)
    said = _cut(str(entry.get("said", "")))
    return DRILL, of | {"table": entry["table"], "ok": bool(entry["ok"]), "said": said}


def put(
    clients: Clients,
    settings: Settings,
    events: Iterable[Event],
    enough: Callable[[], bool] = lambda: False,
    *,
    test: bool = False,
) -> tuple[list[bool], str]:
    """Put events, where that is enabled: which of them were, and why some were not.

    `enough` says when there is no time for more.
    """
    if not settings.events:
        return [], ""
    all_of_them = [_entry(*event, test=test) for event in events]
    done: list[bool] = []
    why = ""
    for begin in range(0, len(all_of_them), _AT_ONCE):
        try:
            if enough():
                raise TimeoutError("there was no time left")
            taken, words = _put(clients, all_of_them[begin : begin + _AT_ONCE])
        except (ClientError, BotoCoreError, TimeoutError) as error:
            # a service that cannot be reached is not asked for each ten of 2,500
            why = str(error)
            break
        done, why = done + taken, words or why
    done += [False] * (len(all_of_them) - len(done))
    if all(done):
        return done, ""
    trouble = f"{done.count(False)} of {len(done)} events are not on EventBridge: {why}"
    _log.warning("%s", trouble)
    return done, trouble


def try_put(clients: Clients) -> None:
    """Ask for what the bus refuses after IAM has let it through: an event without a detail."""
    entry = {"Source": SOURCE, "DetailType": RUN, "Detail": ""}
    clients.seldom("events").put_events(Entries=[entry])


def _put(clients: Clients, entries: list[Any]) -> tuple[list[bool], str]:
    """Put entries, once more those the service refused; say which were taken, and why not all."""
    taken, why = [False] * len(entries), ""
    for _ in range(2):
        asked = [number for number, done in enumerate(taken) if not done]
        answer = clients.seldom("events").put_events(Entries=[entries[n] for n in asked])
        for number, result in zip(asked, answer["Entries"], strict=True):
            taken[number] = not result.get("ErrorCode")
            if not taken[number]:
                why = f"{result['ErrorCode']}: {result.get('ErrorMessage', '')}"
        if all(taken):
            return taken, ""
    return taken, why


def _entry(kind: str, detail: Mapping[str, Any], *, test: bool) -> dict[str, Any]:
    text = json.dumps({**detail, "test": test}, ensure_ascii=False)
    return {"Source": SOURCE, "DetailType": kind, "Detail": text}


def _lease(
    where: Mapping[str, Any], table: str, state: str, raised_at: str | None, at: str, **more: Any
) -> Event:
    """Return the event of a lease; capacities in read capacity units per second.

    A table may be raised several times in a run: the id has when.
    """
    made = _of_run(where, "/".join(filter(None, ("lease", table, state, raised_at))), at)
    return LEASE, made | {"table": table, "state": state, "from": None, "to": None} | more


def home(settings: Settings, run_id: str) -> dict[str, Any]:
    """Return what every event of a run says of its deployment."""
    account = {"account": settings.account, "region": settings.region}
    return {"deployment": settings.name, **account, "run_id": run_id}


def _of_run(where: Mapping[str, Any], what: str, at: str) -> dict[str, Any]:
    """Return what every event says; its id is the same each time it is put."""
    said = {key: where[key] for key in ("deployment", "account", "region", "run_id")}
    return {"version": VERSION, "id": "/".join([*said.values(), what]), **said, "at": at}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"
