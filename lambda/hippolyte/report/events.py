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


def of_report(report: Mapping[str, Any], where: str) -> Iterator[Event]:
    """Yield the events of a run's end; `where` is the address of its report.

    The run's own comes last: who has it has been sent the others.
    """
    closed_at = report["closed_at"]
    for table, row in report["tables"].items():
        yield (
            VERDICT,
            _of_run(report, f"verdict/{table}", row["finished_at"] or closed_at)
            | {"table": table, "verdict": row["verdict"], "reason": _cut(row["reason"])}
            | {"location": row["location"] or None, "items": row["items"], "bytes": row["bytes"]},
        )
    for row in report["raised"]:
        capacity = {"from": row["from"], "to": row["to"]}
        yield _lease(report, row["table"], "raised", row["raised_at"] or closed_at, **capacity)
        if row["given_back_at"]:
            yield _lease(report, row["table"], "given_back", row["given_back_at"])
    for table in report["left_raised"]:
        yield _lease(report, table, "left_raised", closed_at)
    totals = {key: report[key] for key in ("discovered", "totals", "items", "bytes", "cost_usd")}
    yield (
        RUN,
        _of_run(report, "closed", closed_at)
        | {"part": bool(report["part"]), "needs_attention": needs_attention(report)}
        | {"alerts": len(report["alerts"]), "left_raised": len(report["left_raised"])}
        | {**totals, "report": where},
    )


def given_back(settings: Settings, run_id: str, table: str, at: str) -> Event:
    """Return the event of a lease that was given back after its run's report."""
    return _lease(_where(settings, run_id), table, "given_back", at)


def drilled(settings: Settings, entry: Mapping[str, Any], at: str) -> Event:
    """Return the event of a restore drill that is over, of its entry in the record."""
    of = _of_run(_where(settings, entry["run_id"]), f"drill/{entry['name']}", at)
    said = _cut(str(entry.get("said", "")))
    return DRILL, of | {"table": entry["table"], "ok": bool(entry["ok"]), "said": said}


def put(
    clients: Clients,
    settings: Settings,
    events: Iterable[Event],
    enough: Callable[[], bool] = lambda: False,
    *,
    test: bool = False,
) -> str:
    """Put events, where that is enabled; say what was not put, nothing if all were.

    `enough` says when there is no time for more.
    """
    if not settings.events:
        return ""
    all_of_them = [_entry(*event, test=test) for event in events]
    lost, why = 0, ""
    for begin in range(0, len(all_of_them), _AT_ONCE):
        try:
            if enough():
                raise TimeoutError("there was no time left")
            failed, words = _put(clients, all_of_them[begin : begin + _AT_ONCE])
        except (ClientError, BotoCoreError, TimeoutError) as error:
            # a service that cannot be reached is not asked for each ten of 2,500
            lost, why = lost + len(all_of_them) - begin, str(error)
            break
        lost, why = lost + failed, words or why
    if not lost:
        return ""
    trouble = f"{lost} of {len(all_of_them)} events are not on EventBridge: {why}"
    _log.warning("%s", trouble)
    return trouble


def try_put(clients: Clients) -> None:
    """Ask for what the bus refuses after IAM has let it through: an event without a detail."""
    entry = {"Source": SOURCE, "DetailType": RUN, "Detail": ""}
    clients.seldom("events").put_events(Entries=[entry])


def _put(clients: Clients, entries: list[Any]) -> tuple[int, str]:
    """Put entries, once more those the service refused; say how many were not, and why."""
    why = ""
    for _ in range(2):
        answer = clients.seldom("events").put_events(Entries=entries)
        refused = [
            (entry, result)
            for entry, result in zip(entries, answer["Entries"], strict=True)
            if result.get("ErrorCode")
        ]
        if not refused:
            return 0, ""
        entries = [entry for entry, _ in refused]
        why = f"{refused[0][1]['ErrorCode']}: {refused[0][1].get('ErrorMessage', '')}"
    return len(entries), why


def _entry(kind: str, detail: Mapping[str, Any], *, test: bool) -> dict[str, Any]:
    text = json.dumps({**detail, "test": test}, ensure_ascii=False)
    return {"Source": SOURCE, "DetailType": kind, "Detail": text}


def _lease(where: Mapping[str, Any], table: str, state: str, at: str, **more: Any) -> Event:
    """Return the event of a lease; capacities in read capacity units per second."""
    made = _of_run(where, f"lease/{table}/{state}", at)
    return LEASE, made | {"table": table, "state": state, "from": None, "to": None} | more


def _where(settings: Settings, run_id: str) -> dict[str, Any]:
    home = {"account": settings.account, "region": settings.region}
    return {"deployment": settings.name, **home, "run_id": run_id}


def _of_run(where: Mapping[str, Any], what: str, at: str) -> dict[str, Any]:
    """Return what every event says; its id is the same each time it is put."""
    said = {key: where[key] for key in ("deployment", "account", "region", "run_id")}
    return {"version": VERSION, "id": "/".join([*said.values(), what]), **said, "at": at}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"
