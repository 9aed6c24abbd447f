"""What a night kept of a table's settings, read: the services' raw answers, by operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

MARKER = "hippolyte:restoring"
"""The tag of a table that a restore has begun; its value says which. Taken off at the end."""
# an item whose time is longer ago is never deleted (Developer Guide, "Time to Live")
_TTL_REACH = timedelta(days=5 * 365)
ON = ("ENABLED", "ENABLING", "ACTIVE", "UPDATING")
"""The states of what is turned on."""


def name_of(arn: str) -> str:
    """Return the name in a table's ARN."""
    return arn.partition(":table/")[2]


def renamed(value: Any, old: str, new: str) -> Any:
    """Return a JSON value in which what names the old table, by ARN or name, names the new one."""
    if isinstance(value, Mapping):
        return {key: renamed(each, old, new) for key, each in value.items()}
    if isinstance(value, list):
        return [renamed(each, old, new) for each in value]
    if not isinstance(value, str):
        return value
    before, after = name_of(old), name_of(new)
    if value == before:
        return after
    value = re.sub(re.escape(old) + r"(?![\w.-])", lambda _: new, value)
    return re.sub(rf"(?<![\w.-])table/{re.escape(before)}(?![\w.-])", f"table/{after}", value)


def tags_of(settings: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Return a table's tags that may be put on another: those of `aws:` are the services'."""
    pages = answers(settings, "ListTagsOfResource")
    tags = [tag for page in pages for tag in page.get("Tags", [])]
    return [tag for tag in tags if not is_reserved(tag)]


def ttl_attribute(settings: Mapping[str, Any] | None) -> str | None:
    """Return the attribute by which a table's items expired, None if they did not."""
    for answer in answers(settings, "DescribeTimeToLive"):
        told = answer.get("TimeToLiveDescription", {})
        if told.get("TimeToLiveStatus") in ON:
            return str(told["AttributeName"])
    return None


def past_ttl(item: Mapping[str, Any], attribute: str, now: datetime) -> bool:
    """Say whether time to live would delete an item (DynamoDB JSON) soon after it is turned on.

    A number of seconds since 1970 that is past, but not by more than five years (Developer Guide,
    "Using time to live").
    """
    value = item.get(attribute)
    try:
        seconds = float(value["N"]) if isinstance(value, Mapping) and "N" in value else None
    except ValueError:
        return False
    if seconds is None:
        return False
    return (now - _TTL_REACH).timestamp() < seconds < now.timestamp()


def answers(settings: Mapping[str, Any] | None, operation: str) -> list[Mapping[str, Any]]:
    """Return what was answered, none if it was not read."""
    return list(((settings or {}).get("answers") or {}).get(operation) or [])


def is_reserved(tag: Mapping[str, str]) -> bool:
    """Say whether only AWS may set a tag; the marker of an earlier restore is no tag to keep."""
    return tag["Key"].lower().startswith("aws:") or tag["Key"] == MARKER


def targets(settings: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the scalable targets of the table and its indexes."""
    return listed(settings, "DescribeScalableTargets", "ScalableTargets")


def listed(settings: Mapping[str, Any] | None, operation: str, of: str) -> list[Mapping[str, Any]]:
    """Return a member of every page of an operation."""
    return [each for page in answers(settings, operation) for each in page.get(of, [])]


def destinations(settings: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the Kinesis streams that changes were sent to."""
    found = listed(settings, "DescribeKinesisStreamingDestination", "KinesisDataStreamDestinations")
    return [each for each in found if each.get("DestinationStatus") in ON]


def policies(settings: Mapping[str, Any] | None) -> list[str]:
    """Return the resource policy as JSON text, none if there was none."""
    pages = answers(settings, "GetResourcePolicy")
    return [answer["Policy"] for answer in pages if answer.get("Policy")]
