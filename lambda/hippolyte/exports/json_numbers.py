"""JSON as the export format has it: numbers as they are spelt, no name twice in one object."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hippolyte.exports.manifest import FormatError


class JsonNumber(str):
    """A JSON number as it was spelt, so that it never goes through a float."""

    __slots__ = ()


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as a dict; raise FormatError if a name stands twice."""
    content = dict(pairs)
    if len(content) != len(pairs):
        twice = next(name for n, (name, _) in enumerate(pairs) if name in dict(pairs[:n]))
        raise FormatError(f"name {twice!r} stands twice in one object")
    return content


def _constant(spelling: str) -> Any:
    raise FormatError(f"{spelling} is not JSON")


def _decoder(**options: Any) -> Callable[[str], Any]:
    return json.JSONDecoder(
        parse_int=JsonNumber,
        parse_float=JsonNumber,
        parse_constant=_constant,
        strict=False,  # Gson takes raw control characters inside strings
        **options,
    ).decode


_parse_quickly = _decoder()
parse_strictly = _decoder(object_pairs_hook=unique)


def parse_item(text: str) -> dict[str, Any]:
    """Parse a JSON object and refuse names that stand twice in one object.

    Without a blank before a colon, each name adds one `":` to the text, and so may a string. A
    flat item has two names an attribute, its own and its type's. As many in the text as that, or
    as were parsed: none was lost (unless a value has no type, which the caller refuses).
    Otherwise look closely, at half the speed.
    """
    parsed: dict[str, Any] = _parse_quickly(text)
    if not ("\t" in text or "\r" in text or (" " in text and " :" in text)):
        names = text.count('":')
        if names == 2 * len(parsed) or names == _count_names(parsed):
            return parsed
    strictly: dict[str, Any] = parse_strictly(text)
    return strictly


def _count_names(value: Any) -> int:
    """Return how many names all objects in `value` have."""
    count, todo = 0, [value]
    for one in todo:  # grows on the way
        if type(one) is dict:
            count += len(one)
            todo += one.values()
        elif type(one) is list:
            todo += one
    return count
