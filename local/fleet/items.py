"""Items of the demo's fleet: every type, every edge the service accepts. The same at each call."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from functools import partial
from typing import Any

from local.fleet.table_spec import Item

Factory = Callable[[], list[Item]]

MAX_ITEM_BYTES = 400 * 1024
"""The most the service takes of an item, names and values (service quotas: 400 KB)."""


def plain(count: int, seed: str) -> Factory:
    """Make `count` ordinary items: an order each, with a few attributes of the common types."""
    return partial(_plain, count, seed)


def _plain(count: int, seed: str) -> list[Item]:
    source = random.Random(seed)
    return [
        {
            "pk": {"S": f"{seed}#{number:06d}"},
            "customer": {"S": "".join(source.choices(string.ascii_lowercase, k=12))},
            "total": {"N": str(source.randint(1, 10**6)) + ".5"},
            "paid": {"BOOL": source.random() < 0.5},
            "tags": {"SS": sorted(source.sample(["new", "gift", "fragile", "eu", "us"], 2))},
            "address": {"M": {"city": {"S": "Zürich"}, "zip": {"N": str(8000 + number % 60)}}},
            "lines": {"L": [{"N": str(source.randint(1, 9))} for _ in range(number % 4)]},
        }
        for number in range(count)
    ]


def key_of(kind: str, number: int) -> dict[str, Any]:
    """Return the `number`-th key of a type."""
    match kind:
        case "S":
            return {"S": f"key {number} ü/#"}
        case "N":
            return {"N": str(number - 3)}
        case _:
            return {"B": bytes([0, 255, number % 256]) + number.to_bytes(2, "big")}


def keyed(partition: str, sort: str | None) -> Factory:
    """Make items with keys of these types; with a sort key, several share a partition key."""
    return partial(_keyed, partition, sort)


def _keyed(partition: str, sort: str | None) -> list[Item]:
    if sort is None:
        return [{"pk": key_of(partition, n), "n": {"N": str(n)}} for n in range(30)]
    return [
        {"pk": key_of(partition, n // 5), "sk": key_of(sort, n % 5), "n": {"N": str(n)}}
        for n in range(30)
    ]


def _numbered(values: list[dict[str, Any]]) -> list[Item]:
    return [{"pk": {"S": f"item {n}"}, "value": value} for n, value in enumerate(values)]


def every_type() -> list[Item]:
    """Return items with one attribute of each type."""
    return [
        {
            "pk": {"S": f"item {number}"},
            "string": {"S": "text"},
            "number": {"N": str(number)},
            "binary": {"B": bytes([number, 0, 255])},
            "yes": {"BOOL": True},
            "no": {"BOOL": False},
            "null": {"NULL": True},
            "strings": {"SS": ["a", "b"]},
            "numbers": {"NS": ["1", "2.5", "-3"]},
            "binaries": {"BS": [b"\x00", b"\xff"]},
            "map": {"M": {"inner": {"S": "text"}, "list": {"L": [{"N": "1"}]}}},
            "list": {"L": [{"S": "text"}, {"NULL": True}, {"M": {"k": {"B": b"\x01"}}}]},
        }
        for number in range(10)
    ]


def largest() -> list[Item]:
    """Return items of 400 KB: of text, of what grows most by escapes, of binary."""
    room = MAX_ITEM_BYTES - len("pk" + "item0" + "value")
    values: list[dict[str, Any]] = [
        {"S": "x" * room},
        {"S": "\x01" * room},
        {"B": (bytes(range(256)) * (room // 256 + 1))[:room]},
    ]
    return [{"pk": {"S": f"item{n}"}, "value": value} for n, value in enumerate(values)]


def nested() -> list[Item]:
    """Return items nested 32 deep, the service's most: of maps, of lists, of both in turn."""
    maps: dict[str, Any] = {"S": "innermost"}
    lists: dict[str, Any] = {"N": "0"}
    both: dict[str, Any] = {"NULL": True}
    for level in range(32):
        maps = {"M": {f"level {level}": maps}}
        lists = {"L": [lists]}
        both = {"L": [both]} if level % 2 else {"M": {"m": both}}
    return _numbered([maps, lists, both])


def empties() -> list[Item]:
    """Return items with every empty value the service takes (an empty set is none)."""
    values: list[dict[str, Any]] = [{"S": ""}, {"B": b""}, {"L": []}, {"M": {}}]
    inside: list[dict[str, Any]] = [{"L": values}, {"M": {str(n): v for n, v in enumerate(values)}}]
    sets: list[dict[str, Any]] = [{"SS": ["", "x"]}, {"BS": [b"", b"x"]}]
    return _numbered(values + inside + sets)


def sets() -> list[Item]:
    """Return items with sets of one and of many."""
    return _numbered(
        [
            {"SS": ["one"]},
            {"SS": [f"tag {n}" for n in range(100)]},
            {"SS": ["s", "n", "zürich", "\u2028", '"', "😀"]},
            {"NS": ["0"]},
            {"NS": [str(n) for n in range(-50, 50)]},
            {"NS": ["1E+125", "-1E-130", "0.1"]},
            {"BS": [b"\x00"]},
            {"BS": [bytes([n]) * n for n in range(1, 50)]},
        ]
    )


def numbers() -> list[Item]:
    """Return items with numbers at the edges: 38 digits, the largest, the smallest."""
    digits = "12345678901234567890123456789012345678"
    spelt = [
        digits,
        f"-{digits}",
        f"0.{digits}",
        f"{digits[:20]}.{digits[20:]}",
        "9.9999999999999999999999999999999999999E+125",
        "-9.9999999999999999999999999999999999999E+125",
        "1E-130",
        "-1E-130",
        "0",
        "0.1",
        "100000000000000000000",
        "9007199254740993",  # the first integer a double cannot hold
    ]
    return _numbered([{"N": number} for number in spelt])


def _text(*texts: str) -> list[Item]:
    plain_and_nested = _numbered([{"S": text} for text in texts])
    as_names: list[Item] = [
        {"pk": {"S": f"name {n}"}, text: {"S": text}} for n, text in enumerate(texts) if text
    ]
    return plain_and_nested + as_names


def control_characters() -> list[Item]:
    """Return items with each control character, in values and in names."""
    return _text(*[f"before{chr(code)}after" for code in [*range(32), 127, *range(128, 160)]])


def line_separators() -> list[Item]:
    """Return items with what some readers take for the end of a line."""
    return _text("\u2028", "\u2029", "a\u2028b\u2029c", "\n", "\r\n", "\x0b\x0c\x1c\x1d\x1e\x85")


def emoji() -> list[Item]:
    """Return items with characters outside the basic plane, joined and combined ones."""
    return _text(
        "😀", "👩‍👩‍👧‍👦", "🇨🇭", "\U0001d518\U0001d52b", "e\u0301", "\ufeff", "\uffff", "\U0010ffff"
    )


def quoting() -> list[Item]:
    """Return items with what has a meaning in JSON, HTML, paths and the oldest export form."""
    return _text('"', "\\", "\\u2028", "</script>&amp;'=", '{"s":"x"}', "\x02\x03", "a:b,c", " x ")


def lookalikes() -> list[Item]:
    """Return items whose attributes are called like types of the export format."""
    names = ["s", "n", "b", "sS", "m", "l", "bOOL", "nULL", "S", "M", "NULL", "nULLValue", "Item"]
    inner: dict[str, Any] = {"M": {name: {"S": name} for name in names}}
    return [
        {"pk": {"S": "flat"}, **{name: {"S": name} for name in names}},
        {"pk": {"S": "maps"}, **{name: {"M": {name: {"N": "1"}}} for name in names}},
        {"pk": {"S": "deep"}, "m": {"M": {"m": {"M": {"m": inner}}}}, "l": {"L": [inner]}},
    ]


def binaries() -> list[Item]:
    """Return items with binaries of every length up to 70 and every byte."""
    return _numbered([{"B": bytes((7 * n + i) % 256 for i in range(n))} for n in range(70)])


def anything(count: int, seed: str) -> Factory:
    """Make `count` random items of every type, nested."""
    return partial(_anything, count, seed)


def _anything(count: int, seed: str) -> list[Item]:
    source = random.Random(seed)
    return [
        {"pk": {"S": f"item {n}"}, **{f"a{i}": _any(source) for i in range(source.randint(1, 8))}}
        for n in range(count)
    ]


_ALPHABET = string.printable + "äé\u2028\u2029😀\x00\x1f"


def _any(source: random.Random, depth: int = 0) -> dict[str, Any]:
    def text() -> str:
        return "".join(source.choices(_ALPHABET, k=source.randint(0, 12)))

    def several(make: Callable[[], Any]) -> list[Any]:
        return [make() for _ in range(source.randint(0, 3))]

    makers: dict[str, Callable[[], Any]] = {
        "S": text,
        "N": lambda: str(source.randint(-(10**37), 10**37)),
        "B": lambda: source.randbytes(source.randint(0, 20)),
        "BOOL": lambda: source.random() < 0.5,
        "NULL": lambda: True,
        "SS": lambda: sorted({"x", *several(text)}),
        "NS": lambda: sorted({"1", *several(lambda: str(source.randint(-99, 99)))}),
        "BS": lambda: sorted({b"x", *several(lambda: source.randbytes(3))}),
        "M": lambda: {text() or "-": _any(source, depth + 1) for _ in range(3)},
        "L": lambda: several(lambda: _any(source, depth + 1)),
    }
    kinds = list(makers) if depth < 5 else list(makers)[:-2]
    kind = source.choice(kinds)
    return {kind: makers[kind]()}


def expiring(count: int) -> Factory:
    """Make items with a time to live, half of it past: expired items are still the table's."""
    return partial(_expiring, count)


def _expiring(count: int) -> list[Item]:
    return [
        {
            "pk": {"S": f"session {n}"},
            "expires": {"N": str(1_700_000_000 if n % 2 else 4_000_000_000)},
        }
        for n in range(count)
    ]


def indexed(count: int, seed: str) -> Factory:
    """Make items for tables with indexes: `pk`, `sk`, `city` and `total`, some without `city`."""
    return partial(_indexed, count, seed)


def _indexed(count: int, seed: str) -> list[Item]:
    source = random.Random(seed)
    return [
        {
            "pk": {"S": f"customer {n // 4}"},
            "sk": {"N": str(n % 4)},
            "total": {"N": str(source.randint(1, 1000))},
            **({} if n % 5 == 0 else {"city": {"S": source.choice(["Bern", "Zürich", "Genève"])}}),
        }
        for n in range(count)
    ]
