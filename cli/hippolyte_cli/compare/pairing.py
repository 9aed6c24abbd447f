"""One partition: what was left of both sides, paired by key, and the keys that stand twice."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from hippolyte_cli.compare import spill
from hippolyte_cli.compare.difference import Difference, Judge
from hippolyte_cli.compare.keys import Keys
from hippolyte_cli.compare.plan import Plan
from hippolyte_cli.compare.reading import checked
from hippolyte_cli.compare.unit import SIDES, StoppedError, count_chosen, folder_of

# of keys that stand twice, that are kept of a partition
_EXAMPLES = 3
# pairs between two looks whether it is to end
_LOOK = 1000


@dataclass(frozen=True, slots=True)
class Paired:
    """What came of a partition: of what was left, not of what was the same at once.

    Attributes:
        twice: by side, how many keys stand there more than once.
        examples: by side, the numbers of some.
    """

    left: int = 0
    right: int = 0
    different: int = 0
    written_since: int = 0
    equal: int = 0
    left_out: int = 0
    twice: tuple[int, int] = (0, 0)
    examples: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())


def _paths(work: Path, part: int) -> tuple[Path, Path]:
    return work / f"part-{part:05}.differences", work / f"part-{part:05}.json"


def result(work: Path, part: int) -> Paired | None:
    """Return what came of a partition, None if it has not been paired."""
    try:
        record = json.loads(_paths(work, part)[1].read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    (left, right), (some, more) = record.pop("twice"), record.pop("examples")
    return Paired(**record, twice=(left, right), examples=(tuple(some), tuple(more)))


def differences(plan: Plan, work: Path, part: int) -> Iterator[Difference]:
    """Yield what differs in a partition that has been paired, by key."""
    judge = Judge(plan.options)
    with _paths(work, part)[0].open("rb") as lines:
        for line in lines:
            left, right = (json.loads(text) if text else None for text in line[:-1].split(b"\t"))
            found = judge.difference(left, right, plan.keys)
            assert found
            yield found


def pair(plan: Plan, work: Path, part: int, stopped: Any = lambda: False) -> None:
    """Pair a partition; its result is there when that is whole.

    Raises:
        StoppedError: it was stopped.
    """
    keys, judge = Keys(plan.keys, plan.modulus), Judge(plan.options)
    twice = [_twice(plan, work, part, name) for name in SIDES]
    counts: Counter[str] = Counter()
    rest = [_rest(plan, work, part, name) for name in SIDES]
    if not any(twice):
        # most are the same where the sides come in different orders: nothing of them is looked at
        both = set(chain(*rest[0])) & set(chain(*rest[1]))
        counts["equal"] = count_chosen(judge, both)
        counts["left_out"] = len(both) - counts["equal"]
        rest = [[[one for one in spans if one not in both] for spans in side] for side in rest]
    left, right = (_by_key(plan, side, rest[side], keys, twice) for side in range(2))
    out, told = _paths(work, part)
    with out.open("wb") as file:
        for number, key in enumerate(sorted(left.keys() | right.keys())):
            if not number % _LOOK and stopped():
                raise StoppedError
            one, other = left.get(key, b""), right.get(key, b"")
            kind, since = _kind(judge, one, other, plan.keys)
            counts[kind] += 1
            if kind in ("left", "right", "different"):
                counts["written_since"] += since
                file.write(b"%s\t%s\n" % (one, other))
    some = tuple(tuple(sorted(numbers))[:_EXAMPLES] for numbers in twice)
    paired = Paired(**counts, twice=(len(twice[0]), len(twice[1])), examples=(some[0], some[1]))
    aside = told.with_suffix(".new")
    aside.write_text(json.dumps(asdict(paired)), encoding="utf-8")
    aside.replace(told)


def _kind(judge: Judge, left: bytes, right: bytes, keys: tuple[str, ...]) -> tuple[str, bool]:
    """Return under what a pair is counted, and whether it was written since."""
    if left == right and not judge.options.chooses:
        return "equal", False
    one, other = (json.loads(text) if text else None for text in (left, right))
    if not judge.chosen(one, other):
        return "left_out", False
    found = judge.difference(one, other, keys)
    return (found.kind, found.written_since) if found else ("equal", False)


def _twice(plan: Plan, work: Path, part: int, name: str) -> set[int]:
    """Return the numbers of the keys of one side that stand there more than once."""
    numbers: array[int] = array("Q")
    for unit in range(len(plan.units)):
        path = folder_of(work, unit) / f"{name}.keys"
        numbers.frombytes(spill.read(path, part, plan.parts))
    if len(set(numbers)) == len(numbers):
        return set()
    return {number for number, count in Counter(numbers).items() if count > 1}


def _rest(plan: Plan, work: Path, part: int, name: str) -> list[list[bytes]]:
    """Return what was left of a side, by unit."""
    paths = (folder_of(work, unit) / f"{name}.items" for unit in range(len(plan.units)))
    return [spill.read(path, part, plan.parts).split(b"\n")[:-1] for path in paths]


def _by_key(
    plan: Plan, side: int, rest: list[list[bytes]], keys: Keys, twice: list[set[int]]
) -> dict[bytes, bytes]:
    """Return what was left of a side by key, without keys that stand twice on either."""
    found: dict[bytes, bytes] = {}
    for unit, spans in zip(plan.units, rest, strict=True):
        one = plan.sides[side]
        files = (one.backup.files[index] for index in (unit.left, unit.right)[side])
        good = checked(one, files, keys, spans)
        found.update(zip(keys.of(good), good, strict=True))
    if any(twice):
        numbers = zip(found, keys.numbers(list(found)), strict=True)
        for key in [key for key, number in numbers if number in twice[0] | twice[1]]:
            del found[key]
    return found
