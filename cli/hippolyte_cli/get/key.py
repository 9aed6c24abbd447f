"""KEY of the command line: which items are asked for."""

from __future__ import annotations

import json
import re
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hippolyte.errors import ConfigurationError
from hippolyte.exports.json_numbers import unique
from hippolyte.exports.keys import Spelling, spelling
from hippolyte.exports.lines import Item
from hippolyte.exports.manifest import FormatError
from hippolyte_cli.restore.keys import key_names

# DynamoDB takes 38 digits and exponents to 125 (developer guide, "Data types")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_KINDS = {"S": "a text", "N": "a number", "B": "binary, in base64"}
_HOW = 'such as {"pk": "a", "sk": 7} or {"pk": {"S": "a"}, "sk": {"N": "7"}}'


@dataclass(frozen=True, slots=True)
class Schema:
    """The key of a table: names, the partition key's first, and their types."""

    names: tuple[str, ...]
    types: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Key:
    """What is asked for.

    Attributes:
        wanted: values in DynamoDB JSON by name; of the partition key first.
        whole: it is the whole key of a table, so that there is one such item at most.
    """

    wanted: Mapping[str, Mapping[str, str]]
    whole: bool

    @property
    def attribute(self) -> str:
        """The name of the partition key; of a table that is not known, of the first attribute."""
        return next(iter(self.wanted))

    @property
    def partition(self) -> Spelling:
        """Its value, as filters know it."""
        return _spelt(self.wanted[self.attribute])

    def is_of(self, item: Item) -> bool:
        """Say whether an item has it: numbers by value, binaries by their bytes."""
        return all(
            spelling(item.get(name) or {}) == _spelt(value) for name, value in self.wanted.items()
        )

    def __str__(self) -> str:
        return json.dumps(self.wanted, ensure_ascii=False)


def schema_of(definition: Mapping[str, Any] | None) -> Schema | None:
    """Return the key of a table by DescribeTable's `Table`; None: it is not known."""
    if not definition or not definition.get("KeySchema"):
        return None
    types = {
        one["AttributeName"]: one["AttributeType"]
        for one in definition.get("AttributeDefinitions", [])
    }
    return Schema(key_names(definition["KeySchema"]), types)


def parse(text: str, schema: Schema | None) -> Key:
    """Return the key that a text means.

    Args:
        text: an object of the key's attributes, plain or DynamoDB JSON, or the partition key's
            value alone. Without the sort key all items of that partition are meant.
        schema: of the table; None: it is not known, and the object says all.

    Raises:
        ConfigurationError: it is none of this table.
    """
    try:
        found = json.loads(text, object_pairs_hook=unique, parse_int=Decimal, parse_float=Decimal)
    except FormatError as error:
        raise ConfigurationError(f"KEY {text:.80}: {error}") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        if schema is None and text.startswith("{"):
            raise ConfigurationError(f"KEY {text:.80} is no JSON ({error}): {_HOW}") from error
        found = None
    if schema is None:
        if not isinstance(found, dict) or not found:
            raise ConfigurationError(
                f"KEY {text:.80}: which attributes are the key is not known here: give an object, "
                f"{_HOW}"
            )
        return Key({name: _value(name, value, None) for name, value in found.items()}, False)
    first = schema.names[0]
    if not isinstance(found, dict):
        # as it is written: quotes and zeros before a text are part of it
        return Key({first: _checked(first, schema.types.get(first, "S"), text)}, _is_one(schema))
    if first not in found or not set(found) <= set(schema.names):
        names = " and ".join(schema.names)
        alone = f", or {first} alone" if len(schema.names) > 1 else ""
        raise ConfigurationError(f"KEY {text:.80}: the key is {names}{alone}: an object, {_HOW}")
    wanted = {
        name: _value(name, found[name], schema.types.get(name))
        for name in schema.names
        if name in found
    }
    return Key(wanted, len(wanted) == len(schema.names))


def _is_one(schema: Schema) -> bool:
    return len(schema.names) == 1


def _value(name: str, value: Any, kind: str | None) -> dict[str, str]:
    match value:
        case {"S": str(text)} | {"N": str(text)} | {"B": str(text)} if len(value) == 1:
            (said,) = value
        case str(text):
            said = kind or "S"
        case Decimal():
            said, text = "N", str(value)
        case _:
            raise ConfigurationError(
                f"KEY: {name} is a text, a number or binary in base64, not {value!r:.60}"
            )
    if kind not in (None, said):
        raise ConfigurationError(f"KEY: {name} is {_KINDS[str(kind)]}, not {_KINDS[said]}")
    return _checked(name, said, text)


def _checked(name: str, kind: str, text: str) -> dict[str, str]:
    """Return a value in DynamoDB JSON.

    Raises:
        ConfigurationError: no key can be that.
    """
    if not text:
        raise ConfigurationError(f"KEY: {name} is empty, which no key is")
    try:
        if kind == "N" and not _NUMBER.fullmatch(text):
            raise ValueError("no number")
        if kind == "B":
            a2b_base64(text, strict_mode=True)
        text.encode()
    except ValueError as error:
        said = f"KEY: {name} is {_KINDS.get(kind, kind)}, and {text[:60]!r} is none ({error})"
        raise ConfigurationError(said) from error
    return {kind: text}


def _spelt(value: Mapping[str, str]) -> Spelling:
    found = spelling(value)
    assert found is not None
    return found
