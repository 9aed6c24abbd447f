"""One unit: some files of either side, read side by side. What is the same in both goes at once.

What is left goes to disk by partition, and of all items the numbers of their keys, by which
keys that stand twice are found. Text of some MB is in memory, whatever the files' size.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hippolyte.exports.manifest import FormatError
from hippolyte_cli.compare import spill
from hippolyte_cli.compare.difference import Judge
from hippolyte_cli.compare.keys import Keys
from hippolyte_cli.compare.plan import Plan
from hippolyte_cli.compare.reading import CompareError, find_wrong, texts
from hippolyte_cli.compare.sides import Side
from hippolyte_cli.compare.spill import Spill

SIDES = ("left", "right")
RESULT = "result.json"
# of text that waits for the other side; of text and of keys in the buffers to disk
_WINDOW_BYTES, _BUFFER_BYTES, _BUFFER_KEYS = 4 << 20, 2 << 20, 1 << 15


class StoppedError(Exception):
    """When somebody wants it to end."""


@dataclass(frozen=True, slots=True)
class Read:
    """What came of a unit: items by side, pairs that are the same, and pairs that are left out."""

    items: tuple[int, int]
    equal: int
    left_out: int = 0


def folder_of(work: Path, number: int) -> Path:
    """Return where a unit's results lie once it is read."""
    return work / f"unit-{number:05}"


def result(work: Path, number: int) -> Read | None:
    """Return what came of a unit, None if it has not been read."""
    try:
        record = json.loads((folder_of(work, number) / RESULT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Read(tuple(record["items"]), record["equal"], record["left_out"])


def read_unit(
    plan: Plan, work: Path, number: int, told: Callable[[int], object], stopped: Callable[[], bool]
) -> None:
    """Read a unit; its folder is there when it is whole.

    Raises:
        CompareError: a file is not as it should be; with file and line.
        StoppedError: it was stopped.
        OSError, ClientError, BotoCoreError: the disk, the network.
    """
    folder = folder_of(work, number)
    aside = folder.with_suffix(".new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    unit = plan.units[number]
    keys = Keys(plan.keys, plan.modulus)
    with ExitStack() as opened:
        sides = [
            _Reading(side, files, keys, aside / name, plan.parts, opened)
            for side, files, name in zip(plan.sides, (unit.left, unit.right), SIDES, strict=True)
        ]
        window = _Window(sides, Judge(plan.options))
        for count in window.run():
            told(count)
            if stopped():
                raise StoppedError
    left, right = sides
    record = {
        "items": [left.items, right.items],
        "equal": window.equal,
        "left_out": window.left_out,
    }
    (aside / RESULT).write_text(json.dumps(record), encoding="utf-8")
    aside.replace(folder)


class _Reading:
    """A side's files of a unit, and what of them is not yet found on the other side."""

    def __init__(
        self,
        side: Side,
        files: Sequence[int],
        keys: Keys,
        path: Path,
        parts: int,
        opened: ExitStack,
    ) -> None:
        self.items = self.held = 0
        # the number of the key by the item's text
        self.waiting: dict[bytes, int] = {}
        self._side, self._keys = side, keys
        self._files = [side.backup.files[index] for index in files]
        rest = path.with_suffix(".items")
        self._rest: Spill[bytes] = opened.enter_context(
            Spill(rest, parts, spill.lines, _BUFFER_BYTES)
        )
        numbers = path.with_suffix(".keys")
        self._numbers: Spill[int] = opened.enter_context(
            Spill(numbers, parts, spill.numbers, _BUFFER_KEYS)
        )
        self.blocks = self._read()

    def _read(self) -> Iterator[dict[bytes, int]]:
        for file in self._files:
            try:
                for spans in texts(self._side.backup, file):
                    numbers = self._keys.numbers(self._keys.of(spans))
                    self._numbers.add(numbers, numbers, len(numbers))
                    self.items += len(spans)
                    yield dict(zip(spans, numbers, strict=True))
            except FormatError as error:
                raise CompareError(f"{self._side.name}: {error}") from error
            # what is no item at all is found wherever it is looked at
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                find_wrong(self._side, [file], self._keys)
                raise CompareError(f"{self._side.name}: {file.name}: {error}") from error

    def put_aside(self) -> None:
        """Write to disk what waits for the other side."""
        self._rest.add(self.waiting.values(), self.waiting, self.held)
        self.waiting.clear()
        self.held = 0


@dataclass(slots=True)
class _Window:
    """Both sides' texts that have not come on the other side."""

    sides: Sequence[_Reading]
    judge: Judge
    equal: int = 0
    left_out: int = 0
    _open: list[int] = field(default_factory=lambda: [0, 1])

    def run(self) -> Iterator[int]:
        """Read both to their ends; yield how many items came now and then."""
        while self._open:
            # whichever is behind
            at = min(self._open, key=lambda n: self.sides[n].held)
            found = next(self.sides[at].blocks, None)
            if found is None:
                self._open.remove(at)
                continue
            count = len(found)
            self._take(self.sides[at], self.sides[1 - at], found)
            yield count
        for side in self.sides:
            side.put_aside()

    def _take(self, side: _Reading, other: _Reading, new: dict[bytes, int]) -> None:
        both = new.keys() & other.waiting.keys()
        if both:
            for span in both:
                del other.waiting[span], new[span]
            other.held -= sum(map(len, both))
            chosen = count_chosen(self.judge, both)
            self.equal += chosen
            self.left_out += len(both) - chosen
        side.waiting |= new
        side.held += sum(map(len, new))
        if side.held + other.held > _WINDOW_BYTES:
            side.put_aside()
            other.put_aside()


def count_chosen(judge: Judge, spans: Collection[bytes]) -> int:
    """Return how many of the items, each the same on both sides, are looked at."""
    if not judge.options.chooses:
        return len(spans)
    parsed: Iterator[Any] = map(json.loads, spans)
    return sum(map(judge.chosen, parsed))
