"""Items and their lines in DynamoDBExport files: type keys, escapes, and what other versions wrote.

Source: awslabs/emr-dynamodb-connector 5.x/6.x (AttributeValueSerializer and -Deserializer,
DynamoDBItemWritable). Items are in the low-level form of boto3's client: `{"pk": {"S": "x"}}`,
numbers as strings, binaries as bytes, sets as lists.
"""

from __future__ import annotations

import json
import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hippolyte.exports.json_numbers import parse_item, parse_strictly, unique
from hippolyte.exports.manifest import FormatError

AttributeValue = Mapping[str, Any]
Item = dict[str, AttributeValue]

_NAME_SEPARATOR, _ATTRIBUTE_SEPARATOR = "\x03", "\x02"  # of the oldest, Hive-based form


# --- writing

_quote = json.encoder.encode_basestring


def _encode_binary(content: Any) -> str:
    return '"' + b2a_base64(content, newline=False).decode("ascii") + '"'


def _encode_null(content: Any) -> str:
    if content is not True:
        raise TypeError(f"NULL is only ever true, not {content!r}")
    return "true"


def _encode_bool(content: Any) -> str:
    if content is not True and content is not False:
        raise TypeError(f"BOOL is true or false, not {content!r}")
    return "true" if content else "false"


def _encode_map(content: Mapping[str, AttributeValue]) -> str:
    pairs = [_quote(name) + ":" + _encode(value) for name, value in content.items()]
    return "{" + ",".join(pairs) + "}"


def _list_encoder(element: Callable[[Any], str]) -> Callable[[Any], str]:
    def encode(content: Iterable[Any]) -> str:
        if isinstance(content, str | bytes | Mapping):  # iterable too, and never meant
            raise TypeError(f"a list is wanted, not {type(content).__name__}")
        return "[" + ",".join([element(one) for one in content]) + "]"

    return encode


def _encode(value: AttributeValue) -> str:
    if len(value) != 1:
        raise FormatError(f"a value has exactly one type, not {sorted(value)}")
    for kind, content in value.items():
        if kind == "S":  # the two commonest kinds by a shorter way
            return '{"s":' + _quote(content) + "}"
        if kind == "N":
            return '{"n":' + _quote(content) + "}"
        if kind not in _ENCODERS:
            raise FormatError(f"unknown type {kind!r}")
        key, encode = _ENCODERS[kind]
        return key + encode(content) + "}"
    raise AssertionError("unreachable")


_ENCODERS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "B": ('{"b":', _encode_binary),
    "BOOL": ('{"bOOL":', _encode_bool),
    "NULL": ('{"nULL":', _encode_null),
    "M": ('{"m":', _encode_map),
    "L": ('{"l":', _list_encoder(_encode)),
    "SS": ('{"sS":', _list_encoder(_quote)),
    "NS": ('{"nS":', _list_encoder(_quote)),
    "BS": ('{"bS":', _list_encoder(_encode_binary)),
}


def encode_item(item: Mapping[str, AttributeValue]) -> bytes:
    """Return the line of an item, line feed included, byte for byte as the export tool's.

    Raises:
        FormatError: not an item of the low-level client (numbers as str, binaries as bytes).
    """
    if not item:
        raise FormatError("an item without attributes")
    try:
        line = _encode_map(item)
        # Gson writes these two as escapes; they can only stand inside strings
        if "\u2028" in line or "\u2029" in line:
            line = line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        return line.encode("utf-8") + b"\n"
    except (AttributeError, TypeError, UnicodeEncodeError) as error:
        raise FormatError(f"not an item of the low-level client: {error}") from error


# --- reading


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def _string(content: Any) -> str:
    if type(content) is not str:
        raise FormatError(f"a string is wanted, not {content!r:.60}")
    return content


def _number(content: Any) -> str:
    if not isinstance(content, str) or not _NUMBER.fullmatch(content):
        raise FormatError(f"a number is wanted, not {content!r:.60}")
    return str(content)


def _binary(content: Any) -> bytes:
    text = _string(content)
    try:
        return a2b_base64(text, strict_mode=True) if text else b""
    except (Base64Error, ValueError) as error:
        raise FormatError(f"not base64 ({error}): {content!r:.60}") from error


def _bool(content: Any) -> bool:
    if content is True or content is False:
        return content
    spelling = content.lower() if type(content) is str else None
    if spelling not in ("true", "false"):
        raise FormatError(f"true or false is wanted, not {content!r:.60}")
    return spelling == "true"


def _null(content: Any) -> bool:
    if not _bool(content):
        raise FormatError("NULL is only ever true")
    return True


def _map(content: Any) -> Item:
    if not isinstance(content, dict):
        raise FormatError(f"an object is wanted, not {content!r:.60}")
    item: Item = {}
    for name, value in content.items():
        # the two commonest kinds without a call: half of the reading time is here
        if type(value) is dict and len(value) == 1:
            for key, inner in value.items():
                if key == "s" and type(inner) is str:
                    item[name] = {"S": inner}
                elif key == "n" and type(inner) is str and inner.isdigit() and inner.isascii():
                    item[name] = {"N": inner}
                else:
                    item[name] = _decode(value)
        else:
            item[name] = _decode(value)
    return item


def _list(content: Any) -> list[AttributeValue]:
    if not isinstance(content, list):
        raise FormatError(f"an array is wanted, not {content!r:.60}")
    return [_decode(value) for value in content]


def _set_decoder(element: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def decode(content: Any) -> list[Any]:
        if not isinstance(content, list) or not content:
            raise FormatError(f"a set is an array and never empty, not {content!r:.60}")
        return [element(one) for one in content]

    return decode


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "S": _string, "N": _number, "B": _binary, "BOOL": _bool, "NULL": _null, "M": _map, "L": _list,
    "SS": _set_decoder(_string), "NS": _set_decoder(_number), "BS": _set_decoder(_binary),
}  # fmt: skip
# the tool's own spelling first: the first letter lower, the rest upper case
_KINDS = {kind[0].lower() + kind[1:]: kind for kind in _DECODERS}


def _kind(key: str) -> str:
    """Return the type that an unusual type key means: any letter case, `nULLValue`."""
    upper = key.upper() if key.isascii() else key
    kind = "NULL" if upper == "NULLVALUE" else upper  # 4.x wrote the field name of SDK v1
    if kind not in _DECODERS:
        raise FormatError(f"unknown type {key!r:.60}")
    return kind


def _decode(value: Any) -> AttributeValue:
    if not isinstance(value, dict):
        raise FormatError(f"a value is an object with a type, not {value!r:.60}")
    if len(value) != 1:
        raise FormatError(f"a value has exactly one type, not {sorted(value)!r:.60}")
    for key, content in value.items():
        kind = _KINDS.get(key) or _kind(key)
        return {kind: _DECODERS[kind](content)}
    raise AssertionError("unreachable")


def _old_form(line: str) -> dict[str, Any]:
    """Parse the oldest form: no braces, 0x03 after names, 0x02 between attributes."""
    pairs = []
    for attribute in line.split(_ATTRIBUTE_SEPARATOR):
        name, separator, value = attribute.partition(_NAME_SEPARATOR)
        if not separator:
            raise FormatError(f"neither a JSON object nor the old form: {attribute!r:.60}")
        pairs.append((name, parse_strictly(value)))
    return unique(pairs)


def checked(parsed: Any, text: str) -> Item:
    """Return what was parsed from a text as an item, in the low-level form.

    Raises:
        FormatError: it is none.
        ValueError: it holds half a surrogate pair, which is not Unicode text.
    """
    if not parsed:
        raise FormatError("an item without attributes")
    if "\\" in text and "\\ud" in text.lower():
        json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    return _map(parsed)


def decode_item(line: bytes, name: str | None = None, number: int | None = None) -> Item:
    """Return the item of one line, in the low-level form.

    Takes what any version of the tool wrote or reads: type keys in any letter case, `nULLValue`,
    JSON numbers for N, "true" for BOOL, the 0x02/0x03 form.

    Args:
        line: with or without its line feed.
        name: the file's name, for the error.
        number: the line's number, for the error.

    Raises:
        FormatError: anything else; nothing is skipped or guessed.
    """
    try:
        text = line.decode("utf-8")
        start = text.lstrip(" \t\r\n")
        if not start:
            raise FormatError("blank line")
        parsed = parse_item(start) if start[0] == "{" else _old_form(text.rstrip("\r\n"))
        return checked(parsed, text)
    except FormatError as error:
        raise FormatError(str(error), name, number) from None
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not an item: {error}", name, number) from error
