"""Reads tables from a file of DescribeTable's answers, one at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from hippolyte.errors import ConfigurationError, RefusedError
from hippolyte.record_form import when
from hippolyte.tables.discovery import table_of
from hippolyte.tables.table import Table

MOST_TABLES = 100_000
"""More in one account and region there are not (quota by default: 2,500)."""

# characters: read at once; and of one description, which AWS keeps far below
_CHUNK = 1 << 18
_LONGEST = 4 << 20
# faults of a file that are named
_NAMED = 10
# API CreateTable, TableName
_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_MOST = 1 << 60
# what is read of a description: a kind, or what is in it; of numbers the least
_FORM: Mapping[str, Any] = {
    "TableId": str,
    "TableStatus": str,
    "TableSizeBytes": 0,
    "ItemCount": 0,
    "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
    "BillingModeSummary": {"BillingMode": str},
    "GlobalSecondaryIndexes": [{"ProvisionedThroughput": {"ReadCapacityUnits": 0}}],
    "OnDemandThroughput": {"MaxReadRequestUnits": -1},
    "WarmThroughput": {"ReadUnitsPerSecond": 1},
    "GlobalTableVersion": str,
    "Replicas": [{}],
}


def read_tables(stream: TextIO, source: str) -> tuple[Table, ...]:
    """Return the tables that a file describes; `source` is how errors name it.

    It holds DescribeTable's answers, `{"Table": {...}}` or what is in it: in a list, or one after
    the other as `aws dynamodb describe-table` prints them. A size that is missing counts as 0,
    "not counted yet"; a capacity that is missing or 0 is an on-demand table's; fields that are not
    known are left alone.

    Raises:
        RefusedError: it is no such file; up to ten faults are named.
    """
    tables: dict[str, tuple[int, Table]] = {}
    faults: list[str] = []
    number, text = 0, _Text(stream)
    try:
        for number, value in enumerate(_values(text), start=1):
            if number > MOST_TABLES:
                faults.append(f"it holds more than {MOST_TABLES:,} tables")
                break
            try:
                table = described(value)
            except RefusedError as error:
                faults.append(f"number {number}: {error}")
                continue
            if table.name in tables:
                first = tables[table.name][0]
                faults.append(f"number {number}: {table.name} is there already, as number {first}")
            tables[table.name] = number, table
    except ValueError as error:
        faults.append(f"after {number} tables: {error}")
    if not text.begun and not faults:
        faults.append("it is empty; an account without tables is []")
    if faults:
        more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise RefusedError(
            f"{source} cannot be planned with: {'; '.join(faults[:_NAMED])}{more}. It must hold "
            "DescribeTable's answers as JSON (docs/planning.md)"
        )
    return tuple(table for _, table in tables.values())


def described(value: object) -> Table:
    """Return the table that one of DescribeTable's answers describes.

    Raises:
        RefusedError: it describes none.
    """
    if isinstance(value, dict) and isinstance(value.get("Table"), dict):
        value = value["Table"]
    if not isinstance(value, dict):
        raise RefusedError(f'an object like {{"Table": ...}} is wanted, got {_short(value)}')
    if "TableName" not in value:
        hint = ": ask `aws dynamodb describe-table` of each" if "TableNames" in value else ""
        raise RefusedError(f"it has no TableName{hint}, got {_short(value)}")
    name = value["TableName"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RefusedError(f"TableName is no table's name, got {_short(name)}")
    if faults := list(_faults(value, _FORM, "")):
        raise RefusedError(f"{name}: {', '.join(faults)}")
    made = value.get("CreationDateTime")
    return table_of(
        {"TableStatus": "ACTIVE", **value, "CreationDateTime": _time(name, made) if made else None}
    )


def _faults(value: Any, form: Any, path: str) -> Iterator[str]:
    """Yield what is wrong with a value, if it is there."""
    if isinstance(form, dict):
        if not isinstance(value, dict):
            yield f"{path} must be an object, got {_short(value)}"
            return
        for key in form.keys() & value.keys():
            yield from _faults(value[key], form[key], f"{path}.{key}" if path else key)
    elif isinstance(form, list):
        if not isinstance(value, list):
            yield f"{path} must be a list, got {_short(value)}"
            return
        for index, each in enumerate(value):
            yield from _faults(each, form[0], f"{path}[{index}]")
    elif form is str:
        if not isinstance(value, str):
            yield f"{path} must be a string, got {_short(value)}"
    elif isinstance(value, bool) or not isinstance(value, int) or not form <= value <= _MOST:
        yield f"{path} must be a whole number from {form}, got {_short(value)}"


def _time(name: str, value: object) -> datetime:
    """Return a time as the command line of AWS prints it: text, of old versions seconds."""
    try:
        if isinstance(value, str):
            return when(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ConfigurationError, ValueError, OverflowError, OSError):
        pass
    raise RefusedError(f"{name}: CreationDateTime must be a time, got {_short(value)}")


def _short(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


class _Text:
    """A stream's text from where it was read to; never more than a description is held."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.text = ""
        self.at = 0
        self.before = 0
        self.begun = self.ended = False

    def more(self) -> bool:
        """Read on; False at the end."""
        # as much again: or a long value would be looked at again and again
        read = "" if self.ended else self.stream.read(max(_CHUNK, len(self.text) - self.at))
        self.before += self.at
        self.text, self.at = self.text[self.at :] + read, 0
        self.ended = not read
        return not self.ended

    def peek(self) -> str:
        """Return the next character that is no white space, empty at the end."""
        while True:
            rest = len(self.text)
            while self.at < rest and self.text[self.at] in " \t\r\n":
                self.at += 1
            if self.at < rest or not self.more():
                return self.text[self.at : self.at + 1]

    def value(self) -> object:
        """Return the JSON value that comes next, and go on after it."""
        self.peek()
        while True:
            try:
                value, self.at = _DECODER.raw_decode(self.text, self.at)
                return value
            except (ValueError, RecursionError) as error:
                if len(self.text) - self.at > _LONGEST:
                    raise self.wrong(f"no value ends within {_LONGEST:,} characters") from error
                if isinstance(error, RecursionError) or not self.more():
                    why = getattr(error, "msg", "too deep")
                    raise self.wrong(f"this is not JSON ({why})") from error

    def wrong(self, what: str) -> ValueError:
        """Return an error that says where."""
        return ValueError(f"at character {self.before + self.at:,}: {what}")


_DECODER = json.JSONDecoder()


def _values(text: _Text) -> Iterator[object]:
    """Yield the values of a JSON text: those of its lists, or those that follow one another."""
    while first := text.peek():
        text.begun = True
        if first != "[":
            yield text.value()
            continue
        text.at += 1
        if text.peek() == "]":
            text.at += 1
            continue
        while True:
            yield text.value()
            if text.peek() not in (",", "]"):
                raise text.wrong("a list goes on with a comma or ends with ]")
            text.at += 1
            if text.text[text.at - 1] == "]":
                break
