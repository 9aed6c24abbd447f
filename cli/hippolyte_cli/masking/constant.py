"""A constant in a map: plain JSON, or DynamoDB JSON where that cannot say its type."""

from __future__ import annotations

import json
from binascii import Error, a2b_base64
from decimal import Decimal, InvalidOperation
from typing import Any

from hippolyte.errors import ConfigurationError
from hippolyte.exports.keys import spelling

# significant digits, and the magnitude of numbers (Developer Guide, "Supported data types")
_DIGITS, _LARGEST, _SMALLEST = 38, 125, -130


def value_of(where: str, found: Any) -> dict[str, Any]:
    """Return a value in DynamoDB JSON; numbers of `found` are Decimals.

    Raises:
        ConfigurationError: it is none.
    """
    match found:
        case bool():
            return {"BOOL": found}
        case str():
            return {"S": found}
        case Decimal():
            return {"N": str(found)} if _is_number(str(found)) else _refuse(where, found)
        case None:
            return {"NULL": True}
        case dict() if len(found) == 1 and _is_value(*next(iter(found.items()))):
            return found
        case _:
            return _refuse(where, found)


def _refuse(where: str, found: Any) -> dict[str, Any]:
    raise ConfigurationError(
        f"{where}: {json.dumps(found, default=str)[:60]} is no value: a text, a number, true, "
        'false or null is wanted, or DynamoDB JSON such as {"S": "none"}'
    )


def _is_value(kind: str, content: Any) -> bool:
    match kind, content:
        case "S", str():
            return True
        case "N", str():
            return _is_number(content)
        case "B", str():
            return _is_binary(content)
        case "BOOL", bool():
            return True
        case "NULL", True:
            return True
        case (("SS" | "NS" | "BS"), list()):
            return bool(content) and _is_set(kind[0], content)
        case "L", list():
            return all(_is_inner(each) for each in content)
        case "M", dict():
            return all(_is_inner(each) for each in content.values())
        case _:
            return False


def _is_set(kind: str, content: list[Any]) -> bool:
    """Say whether each is a value, and no two are equal: numbers by value, binaries by bytes."""
    if not all(_is_value(kind, each) for each in content):
        return False
    return len({spelling({kind: each}) for each in content}) == len(content)


def _is_inner(found: Any) -> bool:
    return isinstance(found, dict) and len(found) == 1 and _is_value(*next(iter(found.items())))


def _is_number(text: str) -> bool:
    # Decimal takes them, DynamoDB does not
    if not text.isascii() or "_" in text or text != text.strip():
        return False
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    if not number.is_finite():
        return False
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return len(digits) <= _DIGITS and (not digits or _SMALLEST <= number.adjusted() <= _LARGEST)


def _is_binary(text: str) -> bool:
    try:
        a2b_base64(text, strict_mode=True)
    except (Error, ValueError):
        return False
    return True
