"""A comparison from its beginning to its end: `for difference in compare(...)`, then `.totals`.

First every file is read once, unit by unit; then what was left is paired, partition by partition.
What is done lies in a work folder, so that the same comparison goes on after it was ended.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hippolyte_cli.compare import crew, pairing, unit
from hippolyte_cli.compare.crew import Order
from hippolyte_cli.compare.difference import Difference, Judge, Options
from hippolyte_cli.compare.keys import Keys
from hippolyte_cli.compare.plan import PLAN, Plan, identity, keys_of, load, planned
from hippolyte_cli.compare.reading import texts
from hippolyte_cli.compare.sides import Side

# of text; less is compared at once by this process
_SMALL_BYTES = 16 << 20
_MOST_PROCESSES = 4


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a comparison is; `of`: items, None: not known."""

    doing: str
    items: int
    of: int | None


@dataclass(slots=True)
class Totals:
    """What came of a comparison, in items.

    Attributes:
        left_items, right_items: that the sides have, chosen or not.
        left_only, right_only, different, equal: of those that were chosen.
        left_out: by conditions, or past their time to live.
        written_since: of those that are only on one side or different, see `Options.written`.
        left_twice, right_twice: keys that a side has more than once, which no table has: the
            backup is damaged. They are not compared.
        examples: of them, as text.
        same_files: not read, for both sides have them with the same MD5.
    """

    left_items: int = 0
    right_items: int = 0
    left_only: int = 0
    right_only: int = 0
    different: int = 0
    equal: int = 0
    left_out: int = 0
    written_since: int = 0
    left_twice: int = 0
    right_twice: int = 0
    examples: list[str] = field(default_factory=list)
    same_files: int = 0

    @property
    def differ(self) -> bool:
        """Whether anything does."""
        return bool(self.left_only or self.right_only or self.different)

    @property
    def damaged(self) -> bool:
        """Whether a side has a key twice."""
        return bool(self.left_twice or self.right_twice)


def compare(
    left: Side,
    right: Side,
    options: Options,
    work: Path,
    progress: Callable[[Progress], object] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Return a comparison to be iterated over, once; after it `totals` is filled.

    Args:
        left, right: the sides.
        options: how.
        work: a folder that is this comparison's own; it goes on with what lies there. Remove it
            at the end, not before.
        progress: told how far it is.
        stopped: asked whether it is to end.

    Raises:
        ConfigurationError: the two cannot be compared.
    """
    return Comparison(left, right, options, work, progress, stopped)


class Comparison:
    """A comparison; iterating does it. `totals` is whole after the last difference.

    Raises:
        CompareError: a side is damaged or gone, or the disk is full: said with what to do.
        StoppedError: it was stopped; the same goes on.
    """

    def __init__(
        self,
        left: Side,
        right: Side,
        options: Options,
        work: Path,
        progress: Callable[[Progress], object],
        stopped: Callable[[], bool],
    ) -> None:
        Judge(options)
        self.totals = Totals()
        self._work, self._progress, self._stopped = work, progress, stopped
        work.mkdir(parents=True, exist_ok=True)
        self._plan = _plan(work, (left, right), options)
        self._seen = 0
        counts = (left.items, right.items)
        self._of = None if None in counts else sum(count or 0 for count in counts)

    @property
    def keys(self) -> tuple[str, ...]:
        """The attributes of the key."""
        return self._plan.keys

    def __iter__(self) -> Iterator[Difference]:
        plan, work, totals = self._plan, self._work, self.totals
        # few items are compared before another process has begun
        small = plan.text_bytes < _SMALL_BYTES
        processes = 1 if small else min(_MOST_PROCESSES, os.cpu_count() or 1)
        self._read(processes)
        for number in range(len(plan.units)):
            read = unit.result(work, number)
            assert read
            totals.left_items += read.items[0]
            totals.right_items += read.items[1]
            totals.equal += read.equal
            totals.left_out += read.left_out
        totals.left_items += plan.same_items
        totals.right_items += plan.same_items
        totals.equal += plan.same_items
        totals.same_files = plan.same_files
        if self._rest_bytes() < _SMALL_BYTES:
            processes = 1
        examples: list[set[int]] = [set(), set()]
        for part in self._paired(processes):
            paired = pairing.result(work, part)
            assert paired
            yield from pairing.differences(plan, work, part)
            self._add(paired)
            for some, more in zip(examples, paired.examples, strict=True):
                some.update(more)
        for side, some in zip(plan.sides, examples, strict=True):
            if some:
                totals.examples.append(_twice(side, Keys(plan.keys, plan.modulus), some))

    def _read(self, processes: int) -> None:
        plan, work = self._plan, self._work
        done = [unit.result(work, number) for number in range(len(plan.units))]
        self._seen = 2 * plan.same_items + sum(sum(read.items) for read in done if read)
        orders = [Order("read", number) for number, read in enumerate(done) if not read]
        self._tell(0)
        processes = min(processes, len(orders))
        for _ in crew.done(orders, plan, work, processes, self._tell, self._stopped):
            pass

    def _paired(self, processes: int) -> Iterator[int]:
        plan, work = self._plan, self._work
        done = {part for part in range(plan.parts) if pairing.result(work, part)}
        orders = [Order("pair", part) for part in range(plan.parts) if part not in done]
        processes = min(processes, len(orders))
        self._progress(Progress("comparing", self._seen, self._of))
        rest = crew.done(orders, plan, work, processes, lambda _: None, self._stopped)
        for part in range(plan.parts):
            # in one order, whoever is ready first
            while part not in done:
                done.add(next(rest).number)
            yield part

    def _tell(self, items: int) -> None:
        self._seen += items
        self._progress(Progress("reading", self._seen, self._of))

    def _rest_bytes(self) -> int:
        return sum(path.stat().st_size for path in self._work.glob("unit-*/*.items"))

    def _add(self, paired: pairing.Paired) -> None:
        totals = self.totals
        totals.left_only += paired.left
        totals.right_only += paired.right
        totals.different += paired.different
        totals.equal += paired.equal
        totals.left_out += paired.left_out
        totals.written_since += paired.written_since
        totals.left_twice += paired.twice[0]
        totals.right_twice += paired.twice[1]


def _plan(work: Path, sides: tuple[Side, Side], options: Options) -> Plan:
    """Return the plan that lies in a folder if it is of the same, else a new one."""
    if (work / PLAN).exists():
        found = load(work, sides)
        if found.of == identity(sides, keys_of(*sides), options):
            return found
    for path in [*work.glob("unit-*"), *work.glob("part-*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    plan = planned(sides, options)
    plan.save(work)
    return plan


def _twice(side: Side, keys: Keys, numbers: set[int]) -> str:
    """Return which key stands twice, with the files."""
    seen: dict[bytes, str] = {}
    for file in side.backup.files:
        for spans in texts(side.backup, file):
            found = keys.of(spans)
            for key, number, span in zip(found, keys.numbers(found), spans, strict=True):
                if number in numbers and key in seen:
                    return f"{side.name}: {_shown(keys, span)} in {seen[key]} and in {file.name}"
                if number in numbers:
                    seen[key] = file.name
    return f"{side.name}: a key that was not found again"


def _shown(keys: Keys, span: bytes) -> str:
    item = json.loads(span)
    return json.dumps({name: item[name] for name in keys.names}, ensure_ascii=False)
