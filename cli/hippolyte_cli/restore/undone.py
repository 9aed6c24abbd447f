"""Which steps of a restore are yet to be done, as the table is now: of one that is done again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hippolyte.tables.settings_of import settings_of
from hippolyte_cli.restore.answers import MARKER, listed
from hippolyte_cli.restore.steps import DYNAMODB, Step, Wanted, elsewhere, steps_of

# what is asked, by the call whose result it shows
_SHOWN_BY = {
    "TagResource": "ListTagsOfResource",
    "UntagResource": "ListTagsOfResource",
    "UpdateTimeToLive": "DescribeTimeToLive",
    "UpdateContinuousBackups": "DescribeContinuousBackups",
    "UpdateContributorInsights": "DescribeContributorInsights",
    "PutResourcePolicy": "GetResourcePolicy",
    "EnableKinesisStreamingDestination": "DescribeKinesisStreamingDestination",
    "RegisterScalableTarget": "DescribeScalableTargets",
    "PutScalingPolicy": "DescribeScalingPolicies",
    "PutScheduledAction": "DescribeScheduledActions",
}


@dataclass(frozen=True, slots=True)
class _Clients:
    dynamodb_once: Any
    scaling_once: Any


def undone(
    dynamodb: Any,
    scaling: Any,
    table: str,
    steps: Sequence[Step],
    *,
    expected: str,
    told: Callable[[str], object],
) -> list[Step]:
    """Return the steps whose result the table does not show; what cannot be read is among them.

    Args:
        dynamodb: the client of the table's account and Region.
        scaling: that of Application Auto Scaling.
        table: its name.
        steps: of its plan.
        expected: the ARN that the steps were planned for.
        told: is told what cannot be read, and why.
    """
    now = dynamodb.describe_table(TableName=table)["Table"]
    clients: Any = _Clients(dynamodb, scaling)
    found = settings_of(clients, now["TableArn"], {})
    asked = {_SHOWN_BY.get(step.operation, "") for step in steps}
    for operation in asked & found.unread.keys():
        told(f"{operation}: {found.unread[operation]}; what it would tell is put back again")
    settings = {"answers": found.answers}
    tags = None
    if "ListTagsOfResource" not in found.unread:
        pages = listed(settings, "ListTagsOfResource", "Tags")
        tags = {tag["Key"]: tag["Value"] for tag in pages}
    there = {_seen(step) for step in _present(now, settings)}
    planned = [elsewhere(step, expected, now["TableArn"]) for step in steps]
    return [step for step in planned if not _is_done(step, there, tags)]


def _present(now: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Step]:
    """Yield the steps that would make the table what it is."""
    arn, stream = now["TableArn"], now.get("StreamSpecification") or {}
    wanted = Wanted(
        old=arn,
        new=arn,
        indexes=frozenset(index["IndexName"] for index in now.get("GlobalSecondaryIndexes", [])),
        stream=stream if stream.get("StreamEnabled") else None,
        kinesis=True,
        protected=bool(now.get("DeletionProtectionEnabled")),
    )
    yield from steps_of(settings, wanted)
    of_class = (now.get("TableClassSummary") or {}).get("TableClass")
    asked = {"TableName": now["TableName"], "TableClass": of_class}
    yield Step("its class", DYNAMODB, "UpdateTable", asked)


def _is_done(step: Step, there: set[tuple[str, str]], tags: Mapping[str, str] | None) -> bool:
    match step.operation:
        case "TagResource":
            wanted = ((tag["Key"], tag["Value"]) for tag in step.asked["Tags"])
            return tags is not None and all(tags.get(key) == value for key, value in wanted)
        case "UntagResource":
            return tags is not None and MARKER not in tags
    return _seen(step) in there


def _seen(step: Step) -> tuple[str, str]:
    """Return what is compared of a step; a policy is JSON in whatever spelling."""
    asked = dict(step.asked)
    if "Policy" in asked:
        asked["Policy"] = json.loads(asked["Policy"])
    return step.operation, json.dumps(asked, sort_keys=True)
