"""The key of an item, found in its text: no item is parsed for it that need not be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hippolyte.exports.keys import number

# equal for equal keys of one table, and for no others
Key = tuple[bytes, ...]


def key_names(schema: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the names of the attributes of a KeySchema, the partition key first."""
    keys = sorted(schema, key=lambda key: key["KeyType"] != "HASH")
    return tuple(key["AttributeName"] for key in keys)


class NoKeyError(ValueError):
    """When an item lacks an attribute of the key, or it is no string, number or binary."""


def key_finder(names: Sequence[str]) -> Callable[[bytes], Key]:
    """Return what finds the key of an item's compact text; it raises NoKeyError.

    An attribute's name with what stands around it can be nowhere but in its place, for quotes in
    strings are escaped. Where it stands twice (in a map, too), or something in the item or the key
    may be spelt in several ways, the item is parsed.
    """
    needles = [json.dumps(name, ensure_ascii=False).encode() + b':{"' for name in names]

    def find(span: bytes) -> Key:
        if b"\\u" in span:
            return key_of(json.loads(span), names)
        parts = []
        for needle in needles:
            at = span.find(needle) + len(needle)
            # the type, and what it begins with: S":"
            value = at + 4
            end = span.find(b'"', value)
            part = span[at:end]
            if (
                at < len(needle)
                or span[at + 1 : value] != b'":"'
                or b"\\" in part
                or (part[:1] == b"N" and not is_plain(part[4:]))
                or span.find(needle, at) >= 0
            ):
                return key_of(json.loads(span), names)
            parts.append(part)
        return tuple(parts)

    return find


def key_of(item: Mapping[str, Any], names: Sequence[str]) -> Key:
    """Return the key of an item.

    Raises:
        NoKeyError: see there.
    """
    parts = []
    for name in names:
        value = item.get(name)
        if value is None:
            raise NoKeyError(f"it has no attribute {name}, which is in the key of the table")
        ((kind, text),) = value.items()
        if kind not in ("S", "N", "B"):
            raise NoKeyError(f"its attribute {name}, of the table's key, is of type {kind}")
        text = number(text) if kind == "N" else text
        # a number that is only digits without zeros at either end is spelt so in both ways
        parts.append(f'{kind}":"{text}'.encode("utf-8", "surrogatepass"))
    return tuple(parts)


def is_plain(digits: bytes) -> bool:
    """Say whether a number has this one spelling, and `number` gives it as well."""
    return digits.isdigit() and digits[:1] != b"0" and digits[-1:] != b"0"
