"""The items of a backup in batches to be sent: files mixed, keys once, bytes and units bounded.

The files of a backup are parts of the hash space. Written one after another they would be written
to one partition at a time, which takes 1,000 units/s whatever the table has; so that an item of
each of many is taken in turn, from files that lie far apart.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import HippolyteError
from hippolyte.exports.lines import Item, text_of
from hippolyte.exports.reader import Backup, DataFile, FormatError
from hippolyte_cli.masking.change import NotMappedError
from hippolyte_cli.restore.journal import Done
from hippolyte_cli.restore.keys import Key, NoKeyError, key_finder
from hippolyte_cli.restore.sending import body_bytes
from hippolyte_cli.restore.values import MOST_ITEM_BYTES, item_bytes, write_units
from hippolyte_cli.troubles import remedied

# of BatchWriteItem; of BatchGetItem
MOST_PUTS, MOST_GETS = 25, 100
# the service takes 16 MB; with one much of the cost is the items' own, and many are in memory. An
# item that is longer as text is sent alone
_BATCH_BYTES = 1024 * 1024
# lines without one to be written, after which how far it is can be told
_MOST_SKIPPED = 2000


@dataclass(slots=True)
class Batch:
    """Items to be sent together.

    Attributes:
        spans: their text.
        keys: theirs, in the same order; none twice.
        places: theirs, each the number of its file and its line.
        bytes: of a request of them.
        units: what they cost at most, in write capacity units.
        reached: the line that each file is at when all up to here is written.
        ended: files that are then whole.
        skipped: lines that were left out by a filter.
    """

    spans: list[bytes] = field(default_factory=list)
    keys: dict[Key, int] = field(default_factory=dict)
    places: list[tuple[int, int]] = field(default_factory=list)
    bytes: int = 0
    units: int = 0
    reached: dict[int, int] = field(default_factory=dict)
    ended: list[int] = field(default_factory=list)
    skipped: int = 0

    def forget(self) -> None:
        """Keep only how far it reaches: it has been sent."""
        self.spans, self.keys, self.places = [], {}, []


@dataclass(frozen=True, slots=True)
class Cutting:
    """How batches are cut.

    Attributes:
        key_names: the table's key attributes.
        items: most of a batch.
        units: most that a batch is to cost; an item that costs more is alone.
        at_once: files that are read side by side.
        where: only these items.
        change: makes of each what is written.
    """

    key_names: Sequence[str]
    items: int = MOST_PUTS
    units: float = float("inf")
    at_once: int = 8
    where: Callable[[Item], bool] | None = None
    change: Callable[[Item], Item] | None = None


def spread(files: Sequence[DataFile], at_once: int) -> list[int]:
    """Return the files' numbers in the order of reading: neighbours far from each other.

    Neighbours in a manifest are parts of one segment.
    """
    parts = list(pairwise(part * len(files) // at_once for part in range(at_once + 1)))
    longest = max(end - first for first, end in parts)
    return [first + n for n in range(longest) for first, end in parts if first + n < end]


def batches(backup: Backup, done: Mapping[str, Done], cutting: Cutting) -> Iterator[Batch]:
    """Yield a backup's items in batches, but for the lines that are done.

    Raises:
        FormatError: an item is too large, has not the key, cannot be changed, or see
            `Backup.spans`; with file and line. Nothing of its batch has been yielded.
    """
    find = key_finder(cutting.key_names)
    batch = Batch()
    for number, line, span in _mixed(backup, done, cutting.at_once):
        if span is None:
            batch.ended.append(number)
            batch.reached[number] = line
            continue
        if cutting.where is not None and not cutting.where(json.loads(span)):
            batch.skipped += 1
            batch.reached[number] = line
            if batch.skipped >= _MOST_SKIPPED:
                yield batch
                batch = Batch()
            continue
        try:
            if cutting.change is not None:
                span = text_of(cutting.change(json.loads(span)))
            key = find(span)
            if len(span) > MOST_ITEM_BYTES:
                _check_size(span)
        except (NoKeyError, NotMappedError, _TooLargeError) as error:
            raise FormatError(str(error), backup.files[number].name, line) from error
        # of the text, which is never shorter than what is counted
        units, size = write_units(len(span)), body_bytes((span,))
        if batch.spans and (
            len(batch.spans) == cutting.items
            or key in batch.keys
            or batch.bytes + size > _BATCH_BYTES
            or batch.units + units > cutting.units
        ):
            yield batch
            batch = Batch()
        batch.keys[key] = len(batch.spans)
        batch.spans.append(span)
        batch.places.append((number, line))
        batch.reached[number] = line
        batch.bytes += size
        batch.units += units
    if batch.reached:
        yield batch


class ReadError(HippolyteError):
    """When a file of the backup cannot be read: no permission, no connection, no room for it."""


class _TooLargeError(ValueError):
    """When an item is larger than DynamoDB has them."""


def _check_size(span: bytes) -> None:
    size = item_bytes(json.loads(span))
    if size > MOST_ITEM_BYTES:
        raise _TooLargeError(
            f"an item of {size:,} bytes, DynamoDB takes {MOST_ITEM_BYTES:,}: leave it out with a "
            "filter, and write it in parts"
        )


def _mixed(
    backup: Backup, done: Mapping[str, Done], at_once: int
) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield (file, line, text), an item of each open file in turn; None: the file has ended."""
    at_once = max(1, at_once)
    rest = iter(
        number
        for number in spread(backup.files, at_once)
        if not done.get(backup.files[number].name, Done()).whole
    )

    def opened(number: int) -> tuple[int, Iterator[tuple[int, bytes]]]:
        file = backup.files[number]
        before = done.get(file.name, Done()).lines
        return number, islice(enumerate(backup.spans_of(file), 1), before, None)

    lines = {number: done.get(file.name, Done()).lines for number, file in enumerate(backup.files)}
    turn = deque(map(opened, islice(rest, at_once)))
    while turn:
        number, spans = turn[0]
        try:
            found = next(spans, None)
        except (ClientError, BotoCoreError, OSError, EOFError) as error:
            raise ReadError(
                f"{backup.files[number].name} cannot be read: {remedied(error).rstrip('.')}. What "
                "is written stays: see to it, and run it again"
            ) from error
        if found is not None:
            lines[number] = found[0]
            yield number, *found
            turn.rotate(-1)
            continue
        turn.popleft()
        yield number, lines[number], None
        if (following := next(rest, None)) is not None:
            turn.append(opened(following))
