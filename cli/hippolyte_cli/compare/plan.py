"""How a comparison is cut: into units of files that are read side by side, and into partitions.

Items are found again by partition, so any cut is right. A good one reads each item's two copies
at about the same time: two scans give the same order, for segments are ranges of it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hippolyte.errors import ConfigurationError
from hippolyte.exports import native
from hippolyte.exports.reader import DataFile
from hippolyte_cli.compare.difference import Options
from hippolyte_cli.compare.sides import Side

PLAN = "plan.json"
# of text: of both sides, in a unit and in a partition
_UNIT_BYTES, _PART_BYTES = 16 << 20, 16 << 20
_MOST_UNITS, _MOST_PARTS = 128, 1 << 14
_FORM = 1

Sides = tuple[Side, Side]


@dataclass(frozen=True, slots=True)
class Unit:
    """What is read at one go: numbers of files of either side."""

    left: tuple[int, ...]
    right: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A comparison.

    Attributes:
        of: what is compared with what; a digest.
        sides: left and right.
        keys: the attributes of the key.
        options: how.
        units: of reading.
        parts: how many partitions.
        modulus: of the keys' numbers.
        same_files, same_items: with the same MD5 on both sides, and not read.
        text_bytes: about how much is read.
    """

    of: str
    sides: Sides
    keys: tuple[str, ...]
    options: Options
    units: tuple[Unit, ...]
    parts: int
    modulus: int
    same_files: int = 0
    same_items: int = 0
    text_bytes: int = 0

    def save(self, work: Path) -> None:
        """Write it for the other processes, and for the same command."""
        record = {
            "form": _FORM,
            "of": self.of,
            "sides": [side.record() for side in self.sides],
            "keys": self.keys,
            "options": self.options.record(),
            "units": [[unit.left, unit.right] for unit in self.units],
            "parts": self.parts,
            "modulus": self.modulus,
            "same": [self.same_files, self.same_items],
            "text_bytes": self.text_bytes,
        }
        aside = work / f"{PLAN}.new"
        aside.write_text(json.dumps(record), encoding="utf-8")
        aside.replace(work / PLAN)


def load(work: Path, sides: Sides | None = None) -> Plan:
    """Return the plan in a folder; its sides are opened anew unless they are given."""
    record: Mapping[str, Any] = json.loads((work / PLAN).read_text(encoding="utf-8"))
    if record["form"] != _FORM:
        raise ConfigurationError(f"{work} is of another version: remove it, and begin again")
    left, right = record["sides"]
    return Plan(
        of=record["of"],
        sides=sides or (Side.of(left), Side.of(right)),
        keys=tuple(record["keys"]),
        options=Options.of(record["options"]),
        units=tuple(Unit(tuple(left), tuple(right)) for left, right in record["units"]),
        parts=record["parts"],
        modulus=record["modulus"],
        same_files=record["same"][0],
        same_items=record["same"][1],
        text_bytes=record["text_bytes"],
    )


def planned(sides: Sides, options: Options) -> Plan:
    """Return a new plan.

    Raises:
        ConfigurationError: the two have other keys, or nobody knows which.
    """
    keys = keys_of(*sides)
    # conditions are looked at by item, so all are read
    same = frozenset() if options.chooses else _same(sides)
    kept = [[n for n, file in enumerate(s.backup.files) if file.md5 not in same] for s in sides]
    text = sum(
        side.only([side.backup.files[n] for n in some]).text_bytes
        for side, some in zip(sides, kept, strict=True)
    )
    count = min(_MOST_UNITS, max(1, text // _UNIT_BYTES))
    cut = [_cut(s.backup.files, count, some) for s, some in zip(sides, kept, strict=True)]
    units = (Unit(*(tuple(one.get(unit, ())) for one in cut)) for unit in range(count))
    left_files = [file for file in sides[0].backup.files if file.md5 in same]
    parts = 1
    while parts < _MOST_PARTS and parts * _PART_BYTES < text:
        parts *= 2
    return Plan(
        of=identity(sides, keys, options),
        sides=sides,
        keys=keys,
        options=options,
        units=tuple(unit for unit in units if unit.left or unit.right),
        parts=parts,
        # odd, and of 62 bits
        modulus=secrets.randbits(61) | (1 << 61) | 1,
        same_files=len(left_files),
        same_items=sum(file.items or 0 for file in left_files),
        text_bytes=text,
    )


class Keyed(Protocol):
    """A side, of whose key something is known."""

    @property
    def name(self) -> str: ...

    @property
    def keys(self) -> tuple[str, ...]: ...


def keys_of(left: Keyed, right: Keyed) -> tuple[str, ...]:
    """Return the key that both have.

    Raises:
        ConfigurationError: they have not, or nobody knows it.
    """
    if not (left.keys or right.keys):
        raise ConfigurationError(
            f"nothing says what the key is, neither of {left.name} nor of {right.name}: name its "
            "attributes, the partition key first (--key-attributes pk,sk)"
        )
    if left.keys and right.keys and left.keys != right.keys:
        raise ConfigurationError(
            f"{left.name} has the key {', '.join(left.keys)}, {right.name} has "
            f"{', '.join(right.keys)}: items of one cannot be found in the other"
        )
    return left.keys or right.keys


def identity(sides: Sides, keys: Sequence[str], options: Options) -> str:
    """Return a digest of what is compared, and how."""
    record = [[side.record() for side in sides], list(keys), options.record()]
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _same(sides: Sides) -> frozenset[str | None]:
    """Return the MD5s of all files if each side has the same ones, once each, else none.

    Where some differ all are read: a key of one file may stand in another, too.
    """
    if len({side.backup.form for side in sides}) > 1:
        return frozenset()
    left, right = (
        Counter((file.md5, file.name.rpartition(".")[2]) for file in side.backup.files)
        for side in sides
    )
    is_same = left == right and all(md5 and left[md5, name] == 1 for md5, name in left)
    return frozenset(md5 for md5, _ in left) if is_same else frozenset()


def _cut(files: Sequence[DataFile], count: int, kept: Iterable[int]) -> dict[int, list[int]]:
    """Return the numbers of the kept files by unit, in their items' order if that is known."""
    found: dict[int, list[int]] = defaultdict(list)
    positions = _positions(files)
    for number in sorted(kept, key=positions.__getitem__):
        found[int(positions[number] * count)].append(number)
    return found


def _positions(files: Sequence[DataFile]) -> list[float]:
    """Return where in the table each file's items begin, from 0 to 1, as far as is known."""
    places = [native.parse_data_name(file.name.rpartition("/")[2]) for file in files]
    known = [place for place in places if place]
    if len(known) < len(files):
        return [number / len(files) for number in range(len(files))]
    segments = max((segment for segment, _ in known), default=0) + 1
    counts = Counter(segment for segment, _ in known)
    return [
        (segment + min(number / counts[segment], 0.999)) / segments for segment, number in known
    ]
