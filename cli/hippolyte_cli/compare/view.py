"""What a comparison says: a line a difference, and what it comes to. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from hippolyte.words import count_of
from hippolyte_cli.compare.difference import Difference
from hippolyte_cli.compare.run import Totals

# characters of a value; `--json` has all of it
_MOST = 100
_SINCE = "written since"
_KINDS = {"left": "only left ", "right": "only right", "different": "different "}


def line_of(difference: Difference) -> str:
    """Return a difference as a line for people."""
    key = ", ".join(f"{name}={value_text(value)}" for name, value in difference.key.items())
    said = f"{_KINDS[difference.kind]}  {key}"
    if difference.kind == "different":
        changes = difference.attributes().items()
        shown = (
            f"{name}: {value_text(one.left)} -> {value_text(one.right)}" for name, one in changes
        )
        said += f"  {'; '.join(shown)}"
    return f"{said}  ({_SINCE})" if difference.written_since else said


def record_of(difference: Difference) -> dict[str, Any]:
    """Return a difference as `--json` prints it."""
    record: dict[str, Any] = {"kind": difference.kind, "key": difference.key}
    if difference.kind == "different":
        record["attributes"] = {
            name: {"from": one.left, "to": one.right}
            for name, one in difference.attributes().items()
        }
    else:
        record["item"] = difference.left or difference.right
    return record | ({"written_since": True} if difference.written_since else {})


def value_text(value: Mapping[str, Any] | None) -> str:
    """Return a value for people; None: there is none."""
    match value:
        case None:
            text = "(none)"
        case {"S": str(content)}:
            text = json.dumps(content, ensure_ascii=False)
        case {"N": str(content)}:
            text = content
        case {"BOOL": bool(content)}:
            text = json.dumps(content)
        case {"NULL": _}:
            text = "null"
        case _:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _MOST else f"{text[:_MOST]}... ({len(text)} characters)"


def summary_lines(totals: Totals, left: str, right: str) -> Iterator[str]:
    """Yield what a comparison came to.

    Args:
        totals: of it.
        left, right: names of the sides.
    """
    yield f"Left is {left}, {count_of(totals.left_items, 'item')}."
    yield f"Right is {right}, {count_of(totals.right_items, 'item')}."
    if totals.same_files:
        files = count_of(totals.same_files, "file")
        yield f"{files} with the same MD5 in both manifests: not read, taken as equal."
    counts = (
        f"{totals.equal:,} equal",
        f"{totals.left_only:,} only left",
        f"{totals.right_only:,} only right",
        f"{totals.different:,} different",
    )
    yield f"{', '.join(counts)}."
    if totals.written_since:
        yield f"{totals.written_since:,} of those that differ were {_SINCE} the backup was begun."
    if totals.left_out:
        yield f"{totals.left_out:,} left out, as asked for."
    for name, count in (("left", totals.left_twice), ("right", totals.right_twice)):
        if count:
            keys = count_of(count, "key")
            yield f"DAMAGED: {name} has {keys} more than once; what they have is not compared."
    yield from (f"  {example}" for example in totals.examples)


def summary_record(totals: Totals, left: str, right: str) -> dict[str, Any]:
    """Return the same as `--json --summary` prints it."""
    return {"left": left, "right": right, "differ": totals.differ, **asdict(totals)}
