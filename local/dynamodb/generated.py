"""Pages of items that are nowhere stored: a large table's scan for little time and no memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.dynamodb.table_settings import Generated

_DIGITS = 12


def keys(number: int, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the item of a number; it is its key only, `names` being the key's types by name."""
    text = f"{number:0{_DIGITS}d}"
    # DynamoDB's numbers have no zeros in front; binaries are sent as base64: digits are that
    made = {"S": text, "N": str(number), "B": text}
    return {name: {kind: made[kind]} for name, kind in names.items()}


def span(made: Generated, segment: int, segments: int) -> tuple[int, int]:
    """Return the first item of a segment, and the one after its last."""
    return made.items * segment // segments, made.items * (segment + 1) // segments


def start(made: Generated, body: Mapping[str, Any], name: str) -> int:
    """Return the number of the first item of the page that a Scan asks for."""
    if last := body.get("ExclusiveStartKey"):
        return int(next(iter(last[name].values()))) + 1
    return span(made, body.get("Segment") or 0, body.get("TotalSegments") or 1)[0]


def page(
    made: Generated, body: Mapping[str, Any], names: Mapping[str, str]
) -> tuple[dict[str, Any], int]:
    """Return the answer to a Scan, and the bytes it counts as."""
    first = start(made, body, next(iter(names)))
    end = span(made, body.get("Segment") or 0, body.get("TotalSegments") or 1)[1]
    fit = max(1, made.page_bytes // made.item_bytes)
    count = max(0, min(end - first, fit, body.get("Limit") or fit))
    answer: dict[str, Any] = {"Count": count, "ScannedCount": count}
    if body.get("Select") != "COUNT":
        answer["Items"] = [keys(number, names) for number in range(first, first + count)]
    # a page that ended by its Limit has one though nothing may be left
    if first + count < end or (count and count == body.get("Limit")):
        answer["LastEvaluatedKey"] = keys(first + count - 1, names)
    return answer, count * made.item_bytes
