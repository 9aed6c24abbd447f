"""The events that a rule on the default bus lets through, each looked at in its documented form."""

from __future__ import annotations

import json
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
