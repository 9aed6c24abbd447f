"""Values of DynamoDB JSON: what the service counts of them, and whether two are the same."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hippolyte.exports.keys import number

# 400 KB (quotas of DynamoDB, "Items")
MOST_ITEM_BYTES = 400 * 1024
_UNIT_BYTES = 1024


def item_bytes(item: Mapping[str, Any]) -> int:
    """Return what DynamoDB counts of an item (developer guide, "Item sizes and formats").

    Numbers are "approximately" what is said there; its text is never shorter than what is counted.
    """
    return sum(len(utf8(name)) + _value_bytes(value) for name, value in item.items())


def write_units(size: int) -> int:
    """Return the write capacity units of an item of so many bytes."""
    return max(1, -(-size // _UNIT_BYTES))


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(utf8(content))
        case "N":
            return _number_bytes(content)
        case "B":
            return len(binary(content))
        case "SS":
            return sum(len(utf8(each)) for each in content)
        case "NS":
            return sum(map(_number_bytes, content))
        case "BS":
            return sum(len(binary(each)) for each in content)
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
        case "M":
            return 3 + item_bytes(content) + len(content)
        case _:
            return 1


def _number_bytes(text: str) -> int:
    significant = len("".join(map(str, Decimal(text).as_tuple().digits)).strip("0"))
    return (significant + 1) // 2 + 1


def binary(content: str | bytes) -> bytes:
    """Return the bytes of a binary, in DynamoDB JSON or as the SDK has it."""
    return content if isinstance(content, bytes) else a2b_base64(content)


def utf8(text: str) -> bytes:
    """Return a text as the service counts it."""
    return text.encode("utf-8", "surrogatepass")


def canonical(value: Mapping[str, Any]) -> Any:
    """Return what is equal for equal values: numbers by value, sets without order, bytes."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return kind, number(content)
        case "NS":
            return kind, frozenset(map(number, content))
        case "SS":
            return kind, frozenset(content)
        case "B":
            return kind, binary(content)
        case "BS":
            return kind, frozenset(map(binary, content))
        case "L":
            return kind, [canonical(each) for each in content]
        case "M":
            return kind, canonical_item(content)
        case _:
            return kind, content


def canonical_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item's attributes, each `canonical`."""
    return {name: canonical(value) for name, value in item.items()}
