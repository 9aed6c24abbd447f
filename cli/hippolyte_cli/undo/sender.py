"""Makes changes: pays, looks at each item once more, writes on condition, asks again when refused.

Used by many threads at once. Done twice is done once: what is already as it is to be is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import code_of
from hippolyte.exports.lines import Item, dynamodb_json
from hippolyte.scan.reading import Passing, Throttled, answered
from hippolyte_cli.restore import sending
from hippolyte_cli.restore.keys import Key, key_of
from hippolyte_cli.restore.pace import Pace
from hippolyte_cli.restore.patience import Patience, Tries
from hippolyte_cli.troubles import in_words
from hippolyte_cli.undo.change import Change
from hippolyte_cli.undo.requests import requests

# what was read just before may be another thing when its turn comes: few wait
BATCH = 25
_NOT_AS_SHOWN, _BUSY = "ConditionalCheckFailedException", "TransactionConflictException"
_OF_THE_ITEM = ("ValidationException", "ItemCollectionSizeLimitExceededException")
CHANGED = "it has changed since it was shown"


@dataclass(slots=True)
class Sent:
    """What became of some changes.

    Attributes:
        done: how many were made, by what is done.
        already: of those, that were made before.
        left: those that were not made, each with its number among them and the reason.
        units: write capacity units.
        throttled: requests refused for want of capacity.
    """

    done: dict[str, int] = field(default_factory=dict)
    already: int = 0
    left: list[tuple[int, Change, str]] = field(default_factory=list)
    units: float = 0.0
    throttled: int = 0


@dataclass
class Undoer:
    """Makes changes in one table; `client` is of `sending.raw_client`."""

    client: Any
    table: str
    key_names: tuple[str, ...]
    writes: Pace
    reads: Pace
    patience: Patience
    # whether anything was written, also of changes that failed together with others
    wrote: bool = False

    def send(self, changes: Sequence[Change]) -> Sent:
        """Make some changes, none of them of an item of another.

        Raises:
            Stopped: it is to end.
            HippolyteError: the table is gone, or refuses for good, or for too long.
        """
        sent = Sent()
        there = self._read(changes, sent)
        for number, change in enumerate(changes):
            now = there.get(key_of(change.key, self.key_names))
            why = ""
            if change.is_done(now):
                sent.already += 1
            elif not change.is_as_shown(now):
                why = CHANGED
            else:
                why = self._make(change, sent)
            if why:
                sent.left.append((number, change, why))
            else:
                sent.done[change.do] = sent.done.get(change.do, 0) + 1
        return sent

    def _make(self, change: Change, sent: Sent) -> str:
        """Make one change; return why not, empty: it is made."""
        for operation, parameters in requests(change, self.table):
            try:
                old = self._write(operation, parameters, change.units, sent)
            except _NotAsShownError:
                # perhaps by an answer that was lost
                (now,) = self._read([change], sent).values() or (None,)
                return "" if change.is_done(now) else CHANGED
            except _UnfitError as error:
                return f"{self.table} does not take it: {in_words(str(error))}"
            if change.do == "delete" and not change.is_as_shown(old):
                return self._put_back(change, old, sent)
        return ""

    def _put_back(self, change: Change, old: Item | None, sent: Sent) -> str:
        """Write again what was deleted a moment after somebody added to it."""
        (request,) = requests(Change("put", change.key, None, old or {}), self.table)
        try:
            self._write(*request, change.units, sent)
        except _NotAsShownError:
            return f"{CHANGED}, and was written anew while it was deleted"
        return CHANGED

    def _write(
        self, operation: str, parameters: Mapping[str, Any], units: float, sent: Sent
    ) -> Item | None:
        """Return the item that was deleted, if that was asked for."""
        tries = Tries()
        while True:
            self.patience.pay(self.writes, units)
            cost = 0.0
            try:
                with answered(operation):
                    answer = getattr(self.client, operation)(
                        **parameters, ReturnConsumedCapacity="INDEXES"
                    )
                    cost = _consumed(answer, units)
                    found = answer.get("Attributes")
                sent.units += cost
                self.wrote = True
                self.patience.answered()
                return dynamodb_json(found) if found else None
            except ClientError as error:
                code = code_of(error)
                if code == _NOT_AS_SHOWN:
                    # it is paid for all the same, and not told
                    cost = units
                    sent.units += cost
                    self.patience.answered()
                    raise _NotAsShownError from error
                if code in _OF_THE_ITEM:
                    raise _UnfitError(str(error)) from error
                meant = Passing(str(error)) if code == _BUSY else sending.meant(error)
            except BotoCoreError as error:
                meant = sending.meant(error)
            finally:
                self.writes.ended(units, cost)
            self._wait(self.writes, tries, meant, sent)

    def _read(self, changes: Sequence[Change], sent: Sent) -> dict[Key, Item]:
        """Return the items that are there now, by their keys."""
        # the keys as the SDK's text has them
        wanted: list[Mapping[str, Any]] = [change.key for change in changes]
        found: dict[Key, Item] = {}
        tries = Tries()
        while wanted:
            self.patience.pay(self.reads, len(wanted))
            try:
                answer = sending.read(self.client, self.table, wanted, ())
            except Passing as error:
                self.reads.ended(len(wanted), 0)
                self._wait(self.reads, tries, error, sent)
                continue
            cost = len(wanted) if answer.units is None else answer.units
            self.reads.ended(len(wanted), cost)
            self.patience.answered()
            found |= {key_of(item, self.key_names): dict(item) for item in answer.items}
            if len(answer.refused) == len(wanted):
                self._wait(self.reads, tries, Throttled("no key was read"), sent)
            wanted = list(answer.refused)
        return found

    def _wait(self, pace: Pace, tries: Tries, error: Exception, sent: Sent) -> None:
        if not isinstance(error, Passing):
            raise error
        sent.throttled += isinstance(error, Throttled)
        self.patience.refused(pace, tries, error)


class _NotAsShownError(Exception):
    """When the condition does not hold."""


class _UnfitError(Exception):
    """When the table will never take the item as it would be."""


def _consumed(answer: Mapping[str, Any], units: float) -> float:
    consumed = answer.get("ConsumedCapacity") or {}
    told = consumed.get("Table", consumed).get("CapacityUnits")
    return float(told) if isinstance(told, int | float) else units
