"""The lines of data files: blocks of them into items, as text or parsed, in DynamoDB JSON.

Most lines are as the service, this product or the export tool writes them. Those are checked by one
regular expression and cut, renamed and parsed a block at a time. What it does not take is
looked at line by line, at a third of the speed: the same item comes of it, or an error.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain
from typing import Any, NamedTuple

from hippolyte.exports import item_pattern
from hippolyte.exports.dynamodbexport_items import checked, decode_item
from hippolyte.exports.json_numbers import parse_strictly
from hippolyte.exports.manifest import FormatError

# DynamoDB JSON: {"pk": {"S": "x"}, "blob": {"B": "AAE="}}
Item = dict[str, Any]


class Form(Enum):
    """What stands around an item's attributes in its line: the text before and after them."""

    NATIVE = ('{"Item":', "}")
    DYNAMODBEXPORT = ("", "")

    @property
    def head(self) -> str:
        """The text before an item."""
        return self.value[0]

    @property
    def member(self) -> str | None:
        """The line's member that is the item; None: the line is it."""
        return "Item" if self is Form.NATIVE else None

    @property
    def tail(self) -> str:
        """The text after an item."""
        return self.value[1]


class Text(NamedTuple):
    """Whole lines of items, each compact DynamoDB JSON in UTF-8 between its form's head and tail.

    Attributes:
        lines: each with its line feed.
        items: how many.
    """

    lines: bytes
    items: int


# how the export tool spells types, and how DynamoDB does. With what follows, each can only be a
# type: the value of an attribute is an object. {"m":{ alone may be an attribute called m
_SPELLINGS = {
    b'{"s":"': b'{"S":"',
    b'{"n":"': b'{"N":"',
    b'{"m":{': b'{"M":{',
    b'{"l":[': b'{"L":[',
    b'{"b":"': b'{"B":"',
    b'{"bOOL":': b'{"BOOL":',
    b'{"nULL":': b'{"NULL":',
    b'{"nULLValue":': b'{"NULL":',
    b'{"sS":[': b'{"SS":[',
    b'{"nS":[': b'{"NS":[',
    b'{"bS":[': b'{"BS":[',
}
_M = b'{"m":{'
# where it may be: first of an item's attributes, or of a map's
_CALLED_M = (b'\n{"m":', b'"m":{"m":')


@dataclass(slots=True)
class Lines:
    """Reads the lines of one file. It remembers which types came, to look for no others."""

    form: Form
    _types: dict[bytes, bytes] = field(default_factory=dict)

    def spans(self, block: bytes, number: int) -> list[bytes]:
        """Return the text of each item, compact DynamoDB JSON in UTF-8.

        The line is not parsed if it need not be: then a name that stands twice in it is kept.

        Args:
            block: whole lines, each with its line feed.
            number: of the first line, from 1.

        Raises:
            FormatError: a line is no item; with its number.
        """
        found: list[bytes] = []
        for run, item in self._runs(block, number):
            found += self._cut(run) if item is None else [text_of(item)]
        return found

    def texts(self, block: bytes, number: int) -> list[Text]:
        """Return runs of lines as `spans` would cut them; for who looks for something in many."""
        found = []
        for run, item in self._runs(block, number):
            if item is None:
                found.append(Text(run, run.count(b"\n")))
            else:
                head, tail = self.form.head.encode(), self.form.tail.encode()
                found.append(Text(b"%b%b%b\n" % (head, text_of(item), tail), 1))
        return found

    def items(self, block: bytes, number: int) -> list[Item]:
        """Return each item parsed; else as `spans`, but a name that stands twice is an error."""
        if (quickly := self._quickly(block)) is not None:
            return quickly
        found: list[Item] = []
        for run, item in self._runs(block, number):
            if item is not None:
                found.append(item)
                continue
            items = self.parsed(run)
            if not _names_once(run, items, len(items) if self.form is Form.NATIVE else 0):
                lines = block.split(b"\n")[len(found) : len(found) + len(items)]
                items = [self._look(line, number + len(found) + n) for n, line in enumerate(lines)]
            found += items
        return found

    def written(self, block: bytes, number: int) -> list[Item]:
        """Return each item of lines that are known to be as they were written; else as `items`."""
        try:
            items = self.parsed(block)
        except (ValueError, LookupError, TypeError, RecursionError):
            return self.items(block, number)
        return items if len(items) == block.count(b"\n") else self.items(block, number)

    def _quickly(self, block: bytes) -> list[Item] | None:
        """Return the items of a block of common lines, None if it may be another."""
        text = self._replaced(block)
        string = item_pattern.CHECKED if b"\\" in text else item_pattern.BARE
        if not item_pattern.lines(*self.form.value, string).fullmatch(text):
            return None
        try:
            items = self.parsed(text)
        except ValueError:
            return None
        once = _names_once(text, items, len(items) if self.form is Form.NATIVE else 0)
        # a line feed inside a string has become a comma
        return items if once and len(items) == text.count(b"\n") else None

    def _runs(self, block: bytes, number: int) -> Iterator[tuple[bytes, Item | None]]:
        """Yield runs of lines that the pattern takes, and each other line with its item."""
        text, end = self._respelt(block)
        lines: list[bytes] = []
        at, done = 0, 0
        while at < len(text):
            if end > at:
                yield text[at:end], None
                done += text.count(b"\n", at, end)
            else:
                lines = lines or block.split(b"\n")
                end = text.index(b"\n", at) + 1
                yield text[at:end], self._look(lines[done], number + done)
                done += 1
            at, end = end, self._end(text, end)

    def _respelt(self, block: bytes) -> tuple[bytes, int]:
        """Return the block with DynamoDB JSON's types, and where its first run ends."""
        text = self._replaced(block)
        end = self._end(text, 0)
        if end == len(text) or self.form is Form.NATIVE:
            return text, end
        # mostly a type that has not come before
        self._types |= {old: new for old, new in _SPELLINGS.items() if old in text}
        text = self._replaced(block)
        return text, self._end(text, 0)

    def _replaced(self, block: bytes) -> bytes:
        if _M in self._types and (
            block.startswith(_CALLED_M[0][1:]) or any(where in block for where in _CALLED_M)
        ):
            # then the pattern does not take the lines with a map
            return _replaced(block, {old: new for old, new in self._types.items() if old != _M})
        return _replaced(block, self._types)

    def _end(self, text: bytes, at: int) -> int:
        """Return where the lines end that the pattern takes, from there on."""
        found = item_pattern.lines(self.form.head, self.form.tail).match(text, at)
        end = found.end() if found else at
        return end if end == at or _is_utf8(text[at:end]) else at

    def _cut(self, run: bytes) -> list[bytes]:
        head, tail = self.form.head.encode(), self.form.tail.encode()
        # no string holds a line feed
        return run[len(head) : -1 - len(tail)].split(tail + b"\n" + head)

    def parsed(self, run: bytes) -> list[Item]:
        """Return the items of lines as `texts` gives them; ValueError: they are others."""
        # decoded here: json takes bytes that are not UTF-8, halves of surrogate pairs
        text = run[:-1].replace(b"\n", b",").decode("utf-8")
        parsed: list[Any] = json.loads(f"[{text}]")
        return [line["Item"] for line in parsed] if self.form is Form.NATIVE else parsed

    def _look(self, line: bytes, number: int) -> Item:
        if self.form is Form.DYNAMODBEXPORT:
            item = decode_item(line, None, number)
        else:
            item = _native(line, number)
        return {name: dynamodb_json(value) for name, value in item.items()}


def _is_utf8(text: bytes) -> bool:
    try:
        return text.isascii() or bool(text.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _replaced(text: bytes, spellings: dict[bytes, bytes]) -> bytes:
    for old, new in spellings.items():
        text = text.replace(old, new)
    return text


def _names_once(run: bytes, items: Sequence[Item], heads: int) -> bool:
    """Say whether no attribute's name stands twice in one object; False if strings hide it.

    The same text stands after each attribute's name and before each map that holds something.
    Strings may hold it too, so as often as it was parsed means that nothing was lost.

    Args:
        run: lines that the pattern takes.
        items: what was parsed from them.
        heads: objects that stand around items.
    """
    found = run.count(b'":{"') - heads
    return found == sum(map(len, items)) or found == _objects(items, b'{"L":[{' in run)


def _objects(items: Sequence[Item], listed: bool) -> int:
    """Return how many objects with something in them have a name before them.

    Args:
        items: as parsed.
        listed: whether there is any in a list.
    """
    maps, lists, count = list(items), list[list[Any]](), 0
    while maps or lists:
        count += sum(map(len, maps))
        values = list(chain(chain.from_iterable(map(dict.values, maps)), *lists))
        maps = [value["M"] for value in values if "M" in value]
        count += sum(map(bool, maps))
        lists = [value["L"] for value in values if "L" in value] if listed else []
    return count


def _native(line: bytes, number: int) -> Item:
    try:
        text = line.decode("utf-8")
        if not text.strip():
            raise FormatError("blank line")
        parsed = parse_strictly(text)
        if not isinstance(parsed, dict) or list(parsed) != ["Item"]:
            raise FormatError(f"no Item: {text[:60]!r}")
        if not isinstance(parsed["Item"], dict):
            raise FormatError(f"Item is no object: {text[:60]!r}")
        return checked(parsed["Item"], text)
    except FormatError as error:
        raise FormatError(str(error), line=number) from None
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not an item: {error}", line=number) from error


def dynamodb_json(value: Any) -> Any:
    """Return a value of the low-level form as DynamoDB JSON: binaries in base64."""
    if isinstance(value, bytes):
        return b2a_base64(value, newline=False).decode("ascii")
    if isinstance(value, dict):
        return {name: dynamodb_json(inner) for name, inner in value.items()}
    return [dynamodb_json(inner) for inner in value] if isinstance(value, list) else value


def text_of(item: Item) -> bytes:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
