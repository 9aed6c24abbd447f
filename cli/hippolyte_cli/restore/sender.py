"""Sends a batch until the table has it: pays, compares if asked, sends again what is refused.

Used by many threads at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from hippolyte.errors import code_of
from hippolyte.exports.reader import FormatError
from hippolyte.scan.reading import Passing, Refused, Throttled
from hippolyte_cli.restore import sending
from hippolyte_cli.restore.batches import MOST_PUTS, Batch
from hippolyte_cli.restore.keys import key_of
from hippolyte_cli.restore.pace import Pace
from hippolyte_cli.restore.patience import Patience, Tries
from hippolyte_cli.restore.sending import OfSomeKeys
from hippolyte_cli.restore.values import canonical_item, write_units
from hippolyte_cli.troubles import in_words

Mode = Literal["all", "only-missing", "only-changed"]
_HALVED_AFTER = 3
# of a batch, where it may be that one item is to blame
_OF_ITEMS = (
    "ValidationException",
    "SerializationException",
    "ItemCollectionSizeLimitExceededException",
)


@dataclass(slots=True)
class Sent:
    """What became of a batch: items written, and left alone; units; requests throttled."""

    written: int = 0
    same: int = 0
    new: int = 0
    units: float = 0.0
    throttled: int = 0


@dataclass
class Sender:
    """Writes into one table. `files` are the names of the backup's, for what is said of an item."""

    client: Any
    table: str
    key_names: tuple[str, ...]
    mode: Mode
    writes: Pace
    reads: Pace
    patience: Patience
    files: Sequence[str]
    # only count what would be written
    dry: bool = False
    # something was written, be it a part of a batch
    wrote: bool = False

    def send(self, batch: Batch) -> Sent:
        """Write a batch, or of it what the mode says.

        Raises:
            Stopped: the load has ended.
            FormatError: the table refuses an item; with file and line.
            HippolyteError: the table is gone, or refuses for good, or for too long.
        """
        sent = Sent()
        chosen = list(range(len(batch.spans)))
        if self.mode != "all" and chosen:
            chosen = self._differing(batch, sent)
            sent.same = len(batch.spans) - len(chosen)
        if self.dry:
            sent.written = len(chosen)
            return sent
        for first in range(0, len(chosen), MOST_PUTS):
            self._put(batch, chosen[first : first + MOST_PUTS], sent)
        return sent

    def _put(self, batch: Batch, chosen: list[int], sent: Sent) -> None:
        tries, parts = Tries(), [chosen]
        while parts:
            part = parts.pop()
            spans = [batch.spans[number] for number in part]
            paid = sum(write_units(len(span)) for span in spans)
            self.patience.pay(self.writes, paid)
            try:
                answer = sending.write(self.client, self.table, spans)
            except Passing as error:
                self.writes.ended(paid, 0)
                sent.throttled += isinstance(error, Throttled)
                self.patience.refused(self.writes, tries, error)
                # one that is refused as a whole again and again may go in halves
                parts += _halves(part) if tries.count % _HALVED_AFTER == 0 else [part]
                continue
            except Refused as error:
                self.writes.ended(paid, 0)
                if not _is_of_items(error):
                    raise
                if len(part) == 1:
                    number, line = batch.places[part[0]]
                    said = f"{self.table} does not take this item: {in_words(str(error))}"
                    raise FormatError(said, self.files[number], line) from error
                parts += _halves(part)
                continue
            except BaseException:
                self.writes.ended(paid, 0)
                raise
            cost = paid if answer.units is None else answer.units
            self.writes.ended(paid, cost)
            left = self._left(batch, part, answer.refused)
            sent.units += cost
            sent.written += len(part) - len(left)
            self.wrote = self.wrote or len(left) < len(part)
            self.patience.answered()
            if left:
                sent.throttled += 1
                tries.count = tries.count if len(left) == len(part) else 0
                # of some keys, for the others were written
                some = len(left) < len(part)
                why = (OfSomeKeys if some else Throttled)("items were sent back")
                self.patience.refused(self.writes, tries, why)
                parts.append(left)

    def _left(
        self, batch: Batch, part: list[int], refused: Sequence[Mapping[str, Any]]
    ) -> list[int]:
        """Return which items the service sent back; all, where it is not clear."""
        if not refused:
            return []
        found = {batch.keys.get(key_of(item, self.key_names)) for item in refused}
        return [n for n in part if n in found] if found <= set(part) else part

    def _differing(self, batch: Batch, sent: Sent) -> list[int]:
        """Return which items the table has not, or has otherwise if the mode asks for that."""
        items = [json.loads(span) for span in batch.spans]
        wanted: list[Mapping[str, Any]]
        wanted = [{name: item[name] for name in self.key_names} for item in items]
        only = self.key_names if self.mode == "only-missing" else ()
        there: dict[int, Mapping[str, Any]] = {}
        tries = Tries()
        while wanted:
            paid = len(wanted)
            self.patience.pay(self.reads, paid)
            try:
                answer = sending.read(self.client, self.table, wanted, only)
            except Passing as error:
                self.reads.ended(paid, 0)
                sent.throttled += isinstance(error, Throttled)
                self.patience.refused(self.reads, tries, error)
                continue
            self.reads.ended(paid, paid if answer.units is None else answer.units)
            self.patience.answered()
            for item in answer.items:
                there[batch.keys[key_of(item, self.key_names)]] = item
            # also what does not fit into an answer of 16 MB
            if len(answer.refused) == len(wanted):
                sent.throttled += 1
                self.patience.refused(self.reads, tries, Throttled("no key was read"))
            wanted = list(answer.refused)
        missing = [n for n in range(len(items)) if n not in there]
        sent.new += len(missing)
        if self.mode == "only-missing":
            return missing
        return [
            n
            for n, item in enumerate(items)
            if n not in there or canonical_item(there[n]) != canonical_item(item)
        ]


def _halves(part: list[int]) -> list[list[int]]:
    middle = len(part) // 2
    return [half for half in (part[middle:], part[:middle]) if half]


def _is_of_items(error: Refused) -> bool:
    cause = error.__cause__
    return isinstance(cause, ClientError) and code_of(cause) in _OF_ITEMS
