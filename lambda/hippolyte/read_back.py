"""One link of the worker that reads backups back, to level 2; which of them: `night.read_back`.

Its orders and its record are of the others' form; a table's record counts files as segments. It
may end anywhere, and the next link goes on after the last file that was read to its end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.engines import workers as forms
from hippolyte.engines.workers import (
    DAMAGED,
    UNREAD,
    WHOLE,
    Order,
    Orders,
    Record,
    TableRecord,
    Workers,
)
from hippolyte.errors import ConflictError, HippolyteError
from hippolyte.exports.findings import READ, Checked, Expected, Seen
from hippolyte.exports.gather import Gather
from hippolyte.exports.levels import check
from hippolyte.exports.native import root
from hippolyte.exports.place import Prefix
from hippolyte.link import HAND_OVER_SECONDS, Answer
from hippolyte.record_form import iso, when
from hippolyte.scan.table import Look

# links that ended over a backup without a word, until it is left alone
_DEATHS = 2
# of a backup, that its record keeps
_FINDINGS = 5
_TOO_LARGE = "one of its files takes a function longer than it may run"
_DEADLY = "functions end without a word while they read it (memory?)"

_log = logging.getLogger(__name__)


class _StopError(Exception):
    """When this link's time is up."""


@dataclass(slots=True)
class ReadBack:
    """A link at work.

    Attributes:
        remaining: what is left of its time, in seconds.
        look: what a table is by now, for the filters that a later look-up goes by; None: none.
    """

    workers: Workers
    worker: str
    me: str
    remaining: Callable[[], float]
    look: Callable[[str], Look] | None = None
    orders: Orders = field(init=False)
    record: Record = field(init=False, default_factory=Record)
    etag: str | None = field(init=False, default=None)
    last: Seen = field(init=False, default_factory=Seen)

    def work(self) -> Answer:
        """Read what is ordered until all is read, or this link must end."""
        found = self.workers.orders(self.worker)
        if found is None:
            return Answer(False, "there are no orders for this worker")
        self.orders = found[0]
        try:
            self._claim()
            for number, name in enumerate(self._left()):
                self._table(name, self.orders.tables[name], alone=not number)
            return self._leave("all is read", more=False)
        except _StopError:
            past = self._is_past()
            why = "the deadline has passed" if past else "its time is nearly up"
            return self._leave(why, more=not past)
        except ConflictError:
            return Answer(True, "another link took the worker over")

    def _claim(self) -> None:
        found = self.workers.record(self.worker)
        before, self.etag = found or (Record(), None)
        if before.open:
            before = forms.died(before)
        self._write(forms.claimed(before, self.me, iso(clock.now())))

    def _left(self) -> list[str]:
        known = self.record.tables
        tables = sorted(self.orders.tables, key=lambda name: self.orders.tables[name].number)
        over = (WHOLE, DAMAGED, UNREAD)
        return [name for name in tables if name not in known or known[name].state not in over]

    def _table(self, name: str, order: Order, alone: bool) -> None:
        """Read a backup. `alone`: it has the whole of this link's time."""
        before = self.record.tables.get(name, TableRecord("reading"))
        if self.record.deaths.get(name, 0) >= _DEATHS:
            return self._keep(name, replace(before, state=UNREAD, reason=_DEADLY))
        self._go_on()
        self._write(replace(self.record, reading=(name,)))
        begun = self.last = Seen(before.ended, before.items, before.text)
        store = self.workers.store
        # a cluster's files lie in the directory itself
        at = root(order.directory, order.scan) if order.scan else f"{order.directory}/"
        place = Prefix(store, at)
        gather = self._gather(name, order, place)
        try:
            expected = Expected(table_id=order.table_id)
            found = check(place, READ, expected, self._seen, begun, gather)
        except _StopError:
            after = self._after(before)
            if alone and self.last.files == begun.files and not self._is_past():
                after = replace(after, state=UNREAD, reason=_TOO_LARGE)
            self._keep(name, after)
            raise
        except (HippolyteError, ClientError, BotoCoreError, OSError) as error:
            if isinstance(error, ConflictError):
                raise
            _log.exception("the backup of %s is not read", name)
            return self._keep(name, replace(before, state=UNREAD, reason=f"{error}"[:400]))
        finally:
            if gather:
                gather.write()
        return self._keep(name, _over(before, found))

    def _gather(self, name: str, order: Order, place: Prefix) -> Gather | None:
        """Return what leaves filters beside the backup; None: its key's name is not known."""
        if self.look is None:
            return None
        try:
            seen = self.look(name)
        except HippolyteError as error:
            _log.warning("no filters for look-ups in %s: %s", name, error)
            return None
        if seen.table_id != order.table_id:
            return None

        def put(filter_name: str, data: bytes) -> None:
            key = place.prefix + filter_name
            try:
                place.store.s3.put_object(
                    Bucket=place.store.bucket, Key=key, Body=data, IfNoneMatch="*"
                )
            except (ClientError, BotoCoreError) as error:
                # a look-up makes them itself
                _log.warning("no filter for look-ups at %s: %s", key, error)

        return Gather(seen.keys[0], put)

    def _after(self, before: TableRecord) -> TableRecord:
        """Return what is known at the end of the last file that was read to its end."""
        last = self.last
        reason = before.reason or _told(last)
        return replace(before, ended=last.files, items=last.items, text=last.bytes, reason=reason)

    def _seen(self, seen: Seen) -> None:
        if seen.files != self.last.files:
            self.last = seen
        self._go_on()

    def _go_on(self) -> None:
        if self.remaining() < HAND_OVER_SECONDS or self._is_past():
            raise _StopError

    def _is_past(self) -> bool:
        return clock.now() >= when(self.orders.deadline)

    def _keep(self, name: str, table: TableRecord) -> None:
        tables = {**self.record.tables, name: replace(table, at=iso(clock.now()))}
        self._write(replace(self.record, tables=tables, reading=()))

    def _write(self, record: Record) -> None:
        """Write the record over that which this link wrote last.

        Raises:
            ConflictError: another link did.
        """
        self.record = replace(record, alive=iso(clock.now()))
        self.etag = self.workers.write(self.worker, self.record, self.etag)
        if self.etag is None:
            raise ConflictError(f"worker {self.worker} is taken over")

    def _leave(self, why: str, more: bool) -> Answer:
        self._write(replace(self.record, open=False, stopped=not more, why=why, reading=()))
        return Answer(more, why)


def _told(seen: Seen | Checked) -> str:
    return "; ".join(str(finding) for finding in seen.findings[:_FINDINGS])


def _over(before: TableRecord, found: Checked) -> TableRecord:
    # what an earlier link found is not found again
    reason = "; ".join(filter(None, (before.reason, _told(found))))
    return replace(
        before,
        state=DAMAGED if reason else WHOLE,
        reason=reason,
        items=found.items or 0,
        text=found.bytes,
        files=found.files,
        segments=found.files,
        ended=found.files,
    )
