"""`--where` and `--keys`: which items of a backup are meant."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from hippolyte.errors import ConfigurationError
from hippolyte.exports.lines import Item
from hippolyte_cli.restore.keys import Key, key_of

Condition = Callable[[Item], bool]

_FORM = re.compile(
    r"\s*(?P<name>\"[^\"]+\"|[^\s=<>!]+)\s*(?P<how>!=|<=|>=|=|<|>|begins_with)\s*(?P<value>.+?)\s*"
)
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_HOW_TO = (
    "a condition is ATTRIBUTE OP VALUE, where OP is one of = != < <= > >= begins_with and VALUE is "
    """JSON: --where 'status = "open"', --where 'total >= 12.5', --where 'id begins_with "a#"'"""
)


def where(text: str) -> Condition:
    """Return a condition over one attribute, such as `status = "open"`.

    Numbers are compared by value, texts by their code points; of an item without the attribute, or
    with one of another type, only `!=` is true. Booleans and null can be asked for by = and !=.

    Raises:
        ConfigurationError: it is no condition.
    """
    found = _FORM.fullmatch(text)
    if not found:
        raise ConfigurationError(f"--where {text!r}: {_HOW_TO}")
    name, how = found["name"].strip('"'), found["how"]
    try:
        wanted = json.loads(found["value"], parse_float=Decimal, parse_int=Decimal)
    except ValueError as error:
        raise ConfigurationError(f"--where {text!r}: {found['value']} is no JSON; {_HOW_TO}") from (
            error
        )
    if isinstance(wanted, dict | list):
        raise ConfigurationError(f"--where {text!r}: a map or list is not compared; {_HOW_TO}")
    if how == "begins_with" and not isinstance(wanted, str):
        raise ConfigurationError(f"--where {text!r}: begins_with wants a text; {_HOW_TO}")
    if how in _ORDERS and not isinstance(wanted, str | Decimal):
        raise ConfigurationError(f"--where {text!r}: {how} wants a number or a text; {_HOW_TO}")
    return lambda item: _is_so(_plain(item.get(name)), how, wanted)


def _is_so(value: Any, how: str, wanted: Any) -> bool:
    alike = type(value) is type(wanted)
    if how in ("=", "!="):
        return (alike and value == wanted) == (how == "=")
    if not alike:
        return False
    return value.startswith(wanted) if how == "begins_with" else _ORDERS[how](value, wanted)


class _Nothing:
    """An attribute that is not there, or of a type that is not compared."""


def _plain(value: Any) -> Any:
    match value:
        case {"S": str(text)} | {"B": str(text)}:
            return text
        case {"N": str(text)}:
            return Decimal(text)
        case {"BOOL": bool(is_true)}:
            return is_true
        case {"NULL": _}:
            return None
        case _:
            return _Nothing()


@dataclass
class Keys:
    """A condition that holds for some keys; it knows which of them it has not seen.

    Attributes:
        names: of the key's attributes.
        wanted: the lines that ask for them, by key.
        seen: those that an item had.
    """

    names: Sequence[str]
    wanted: Mapping[Key, str]
    seen: set[Key] = field(default_factory=set)

    def __call__(self, item: Item) -> bool:
        """Say whether an item has one of the keys."""
        key = key_of(item, self.names)
        if key not in self.wanted:
            return False
        self.seen.add(key)
        return True

    @property
    def unseen(self) -> list[str]:
        """The lines of which no item was seen."""
        return [line for key, line in self.wanted.items() if key not in self.seen]


def keys(path: Path, key_schema: Sequence[str]) -> Keys:
    """Return a condition that holds for the keys of a file: one a line, as JSON.

    Each in DynamoDB JSON, `{"pk": {"S": "a"}}`, or plain, `{"pk": "a", "sk": 7}`.

    Raises:
        ConfigurationError: it cannot be read, or a line is no such key; with the line.
    """
    wanted: dict[Key, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"--keys {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"--keys {path}: no text in UTF-8 ({error})") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            wanted[key_of(_key(path, number, line, key_schema), key_schema)] = line.strip()
    if not wanted:
        raise ConfigurationError(f"--keys {path}: no key is in it")
    return Keys(key_schema, wanted)


def _key(path: Path, number: int, line: str, key_schema: Sequence[str]) -> Item:
    where = f"--keys {path}, line {number}"
    try:
        found = json.loads(line, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, InvalidOperation) as error:
        raise ConfigurationError(f"{where}: no JSON ({error})") from error
    if not isinstance(found, dict) or set(found) != set(key_schema):
        names = ", ".join(key_schema)
        raise ConfigurationError(f"{where}: an object with just {names} is wanted, not {line[:80]}")
    return {name: _typed(where, value) for name, value in found.items()}


def _typed(where: str, value: Any) -> dict[str, str]:
    match value:
        case {"S": str()} | {"N": str()} | {"B": str()} if len(value) == 1:
            return dict(value)
        case str():
            return {"S": value}
        case Decimal():
            return {"N": str(value)}
        case _:
            raise ConfigurationError(f"{where}: a key is a text or a number, not {value!r:.60}")
