"""The items of a Scan's answer, cut out of its body as text: they are never parsed.

A backup keeps the items as the service spells them, so that parsing 1 MB into Python's objects
and writing it again would be work for nothing. Two ways lead to the same items: a text rule, exact
wherever it applies, and json's scanner, which takes all that is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from json.decoder import JSONDecoder
from typing import Any

from hippolyte.errors import HippolyteError

_ITEMS = b'"Items":['
# between two items; between two maps of a list as well
_BETWEEN = b'}},{"'
_MARKS = b'"{}[]'
_CONTROLS = bytes(range(32))
_ALL_BUT_MARKS = bytes(set(range(256)) - set(_MARKS) - set(_CONTROLS))
_WHITE = " \t\n\r"

_scan: Any = JSONDecoder().scan_once  # type: ignore[attr-defined]


class ScanError(HippolyteError):
    """When a table is not read on; what asking again can change is a kind of `reading.Passing`."""


class Nonsense(ScanError):
    """When an answer is none that DynamoDB gives."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A Scan's answer in two: its items, and all the rest.

    Attributes:
        items: each item's JSON text as it came (without line breaks, which only ever stand between
            its tokens).
        rest: the answer with an empty list of items.
        parsed: json's scanner had to find the items, at a third of the speed.
    """

    items: list[bytes]
    rest: bytes
    parsed: bool


def cut(body: bytes) -> Cut:
    """Cut the items out of a Scan's answer.

    Raises:
        Nonsense: no JSON object, no `Items`, or another number of them than `Count` says.
    """
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _nonsense(body, str(error)) from None
    found = _by_text(body)
    return found if found else _by_json(body)


def _by_text(body: bytes) -> Cut | None:
    """Find the items by their braces; None where that could go wrong.

    No brace is inside a string, so that their depth tells which `}},{"` ends an item: nothing is
    taken for an end that is none. One that is missed, such as `} }, {"`, makes fewer items than
    `Count` says.
    """
    structure = _structure(body)
    if structure is None:
        return None
    start = structure.find(_ITEMS) + len(_ITEMS)
    # an attribute's list ends with `]}`
    end = structure.find(b"],", start)
    end = end if end >= 0 else len(structure) - len(b"]}")
    spans = _spans(structure[start:end], start)
    rest = body[:start] + body[end:]
    if spans is None or not _agree(rest, len(spans)):
        return None
    return Cut([body[a:b] for a, b in spans], rest, parsed=False)


def _structure(body: bytes) -> bytes | None:
    """Return the body, as long as it was, with only such quotes as begin and end a string.

    None if a string holds a brace or bracket, or if blanks or line breaks stand where they count.
    """
    if b"\\" in body:
        # pairs from the left: what is left of a run of backslashes is an escape's
        body = body.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    marks = body.translate(None, _ALL_BUT_MARKS)
    # of a string without them only its two quotes are left, side by side
    if b'"' in marks.replace(b'""', b"") or marks.translate(None, _MARKS) or b"] " in body:
        return None
    return body


def _spans(items: bytes, start: int) -> list[tuple[int, int]] | None:
    """Return where each item begins and ends, `start` being where the first one does."""
    if not items.startswith(b'{"'):
        return None if items else []
    spans, begin, place, depth = [], start, start, 0
    *pieces, last = items.split(_BETWEEN)
    for piece in pieces:
        depth += piece.count(b"{") - piece.count(b"}")
        place += len(piece)
        # the item's own brace and its last value's
        if depth == 2:
            spans.append((begin, place + 2))
            begin = place + 3
        depth -= 1
        place += len(_BETWEEN)
    spans.append((begin, place + len(last)))
    return spans


def _agree(rest: bytes, items: int) -> bool:
    """Say whether an answer without its items is whole, and counts that many."""
    try:
        answer = json.loads(rest)
    except ValueError:
        return False
    return bool(answer.get("Items") == [] and answer.get("Count") == items)


def _by_json(body: bytes) -> Cut:
    """Find the items with json's scanner, member by member of the answer."""
    try:
        text = body.decode("utf-8")
        members = {name: (begin, end) for name, begin, end in _members(text)}
        if "Items" not in members:
            raise Nonsense("it has no Items")
        begin, end = members["Items"]
        items = list(_elements(text, begin))
        rest = text[:begin] + "[]" + text[end:]
        counted = json.loads(rest).get("Count")
    except (ValueError, RecursionError, IndexError) as error:
        raise _nonsense(body, f"it is no JSON object ({type(error).__name__}: {error})") from error
    except Nonsense as error:
        raise _nonsense(body, str(error)) from None
    if counted != len(items):
        raise _nonsense(body, f"Count is {counted!r}, and Items has {len(items)}")
    one_line = [item.replace("\n", " ").replace("\r", " ").encode() for item in items]
    return Cut(one_line, rest.encode(), parsed=True)


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the members of the object that a text is: name, and where the value begins and ends."""
    place = _expect(text, _skip(text, 0), "{")
    if text[place] != "}":
        while True:
            name, after = _value(text, place)
            if not isinstance(name, str):
                raise ValueError(f"a name is wanted at {place}")
            begin = _expect(text, _skip(text, after), ":")
            _, end = _value(text, begin)
            yield name, begin, end
            place = _skip(text, end)
            if text[place] != ",":
                break
            place = _skip(text, place + 1)


def _elements(text: str, begin: int) -> Iterator[str]:
    """Yield the text of each item of the list that begins there and is known to be JSON."""
    if text[begin] != "[":
        raise Nonsense("Items is no list")
    place = _skip(text, begin + 1)
    while text[place] != "]":
        item, end = _value(text, place)
        if not isinstance(item, dict):
            raise Nonsense(f"what stands at {place} is no item")
        yield text[place:end]
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)


def _value(text: str, place: int) -> tuple[Any, int]:
    """Return the value that begins there, and the place after it."""
    try:
        value, end = _scan(text, place)
    except StopIteration:
        raise ValueError(f"a value is wanted at {place}") from None
    return value, end


def _skip(text: str, place: int) -> int:
    while text[place] in _WHITE:
        place += 1
    return place


def _expect(text: str, place: int, mark: str) -> int:
    """Return the place of the token after the mark that stands there."""
    if text[place] != mark:
        raise ValueError(f"{mark} is wanted at {place}")
    return _skip(text, place + 1)


def _nonsense(body: bytes, why: str) -> Nonsense:
    return Nonsense(f"not a Scan's answer: {why}; it begins {body[:80]!r}")
