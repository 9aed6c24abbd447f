"""The events that a rule on the default bus lets through, each looked at in its documented form."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from local.world import World
from tests.support.report_schema import EVENTS, faults

_QUEUE = "seen"


def listen(world: World) -> str:
    """Let a queue have every event of the product from now on; return its ARN."""
    sqs = world.client("sqs")
    url = sqs.create_queue(QueueName=_QUEUE)["QueueUrl"]
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    events = world.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["hippolyte"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
    return arn


def heard(world: World, queue: str) -> list[tuple[str, dict[str, Any]]]:
    """Return (detail-type, detail) of the events so far, in the order in which they came."""
    found = [each for each in world.queue(queue) if each.get("source") == "hippolyte"]
    for event in found:
        assert list(faults(event["detail"], EVENTS[event["detail-type"]], "event")) == []
    return [(event["detail-type"], event["detail"]) for event in found]


def said(details: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return them in short: a lease's state, a verdict, or `closed`, with the table."""
    words = {"Hippolyte Run Closed": "closed", "Hippolyte Restore Drill": "drill"}
    return [
        " ".join(
            filter(None, (d.get("state") or d.get("verdict") or words[kind], d.get("table", "")))
        )
        for kind, d in details
    ]


def once(details: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Drop repetitions, as a program is told to: by the id."""
    return list({detail["id"]: (kind, detail) for kind, detail in details}.values())


def problems(
    details: list[tuple[str, dict[str, Any]]], ledger: dict[str, Any], report: dict[str, Any]
) -> list[str]:
    """Say what a closed run's events have too much, too little, or otherwise than its records."""
    told = Counter(_fact(kind, detail) for kind, detail in once(details))
    known = Counter(_known(ledger, report))
    wrong = [f"no event of {fact}" for fact in (known - told).elements()]
    wrong += [f"an event of {fact}, which is not so" for fact in (told - known).elements()]
    said: dict[str, tuple[object, ...]] = {}
    for kind, detail in details:
        if said.setdefault(detail["id"], _fact(kind, detail)) != _fact(kind, detail):
            wrong.append(f"{detail['id']} is told in two ways")
    return wrong


def _fact(kind: str, detail: dict[str, Any]) -> tuple[object, ...]:
    if state := detail.get("state"):
        at = () if state == "left_raised" else (detail["at"], detail["from"], detail["to"])
        return state, detail["table"], *at
    if kind.endswith("Run Closed"):
        return "closed", detail["discovered"]
    of = ("table", "verdict", "reason", "location", "items", "bytes")
    return tuple(detail[key] for key in of)


def _known(ledger: dict[str, Any], report: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    for name, entry in ledger["tables"].items():
        at = entry.get("raised_at"), entry.get("given_back_at")
        last = [entry.get("raised_from"), entry.get("raised_to"), *at]
        certain = at[1] or entry.get("raise_known")
        for before, to, raised, back in [*entry.get("raised_before", ()), *[last] * bool(certain)]:
            yield "raised", name, raised, before, to
            if back:
                yield "given_back", name, back, None, None
        place = entry.get("location") or None
        read = entry.get("items"), entry.get("bytes", 0)
        yield name, entry["verdict"], entry.get("reason", ""), place, *read
    yield from (("left_raised", name) for name in report["left_raised"])
    yield "closed", report["discovered"]
