"""Sides of comparisons: backups of a few items in a folder, in either format."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from hippolyte.exports.lines import Item
from hippolyte.exports.reader import Folder, find
from hippolyte_cli.compare.difference import Difference, Options
from hippolyte_cli.compare.run import Totals, compare
from hippolyte_cli.compare.sides import Side
from tests.support.exports import native_export, tool_export

FORMATS = ("native", "tool")


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def exported(items: Sequence[Item], form: str, files: int = 3) -> dict[str, bytes]:
    """Return the files of a backup of these items."""
    if form == "native":
        return native_export([list(items[n::files]) for n in range(files)])
    return tool_export([{n: _binaries(v) for n, v in item.items()} for item in items])


def _binaries(value: Any) -> Any:
    import base64

    ((kind, content),) = value.items()
    if kind == "B":
        return {kind: base64.b64decode(content)}
    if kind == "BS":
        return {kind: [base64.b64decode(one) for one in content]}
    if kind == "M":
        return {kind: {name: _binaries(one) for name, one in content.items()}}
    return {kind: [_binaries(one) for one in content]} if kind == "L" else value


def side(
    folder: Path, items: Sequence[Item], form: str = "native", keys: Sequence[str] = ("pk",)
) -> Side:
    """Write a backup of these items into a folder, and return it as a side."""
    written(folder, exported(items, form))
    return Side(folder.name, str(folder), find(Folder(folder)), tuple(keys))


def compared(
    left: Side, right: Side, work: Path, options: Options | None = None
) -> tuple[list[Difference], Totals]:
    """Compare two sides to the end."""
    comparison = compare(left, right, options or Options(), work)
    return list(comparison), comparison.totals


def respelt(item: Item, source: random.Random) -> Item:
    """Return an equal item: its attributes and sets in another order, numbers spelt otherwise."""
    names = list(item)
    source.shuffle(names)
    return {name: _respelt(item[name], source) for name in names}


def _respelt(value: Any, source: random.Random) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return {kind: _number(content, source)}
        case "SS" | "BS" | "NS":
            shuffled = list(content)
            source.shuffle(shuffled)
            if kind == "NS":
                shuffled = [_number(one, source) for one in shuffled]
            return {kind: shuffled}
        case "L":
            return {kind: [_respelt(one, source) for one in content]}
        case "M":
            return {kind: respelt(content, source)}
        case _:
            return value


def _number(text: str, source: random.Random) -> str:
    number = Decimal(text)
    spellings = [text, f"{number:E}", f"{number:f}"]
    if number == number.to_integral():
        spellings += [f"{number:f}.0" if "." not in f"{number:f}" else text, f"{number:f}E0"]
    return source.choice(spellings)


def named(differences: Sequence[Difference]) -> dict[str, list[str]]:
    """Return the keys by kind, as text."""
    found: dict[str, list[str]] = {"left": [], "right": [], "different": []}
    for one in differences:
        found[one.kind].append(json.dumps(one.key, sort_keys=True))
    return {kind: sorted(keys) for kind, keys in found.items()}
