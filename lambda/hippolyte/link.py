"""One link of a worker: takes the worker over, reads its tables for as long as it may, and leaves.

A link may be started by anybody, any number of times. It reads nothing while its predecessor may,
nothing that is not ordered (any more), and what was read lies in files that the next one goes on
after: so it may also end anywhere.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.engines import workers as forms
from hippolyte.engines.workers import LOOK_EVERY, OVER, Order, Orders, Record, TableRecord, Workers
from hippolyte.errors import ConflictError
from hippolyte.exports.native import root
from hippolyte.record_form import iso, when
from hippolyte.scan.cutting import ScanError
from hippolyte.scan.loop import Loop
from hippolyte.scan.pace import CONSISTENT, EVENTUAL, Pace
from hippolyte.scan.sink import S3Sink
from hippolyte.scan.state import Progress
from hippolyte.scan.table import Look, Part, TableSource, Wanted

if TYPE_CHECKING:
    from hippolyte.clients import ExporterClients
    from hippolyte.scan.runner import Runner

# of the invocation's time: what was read is put away in it, and said
HAND_OVER_SECONDS = 60.0
# of the invocation's time: who wrote after that share of it had it run out, whatever it read
_SPENT = 0.8
# a predecessor that lives looks within LOOK_EVERY, and reads nothing after
SEE_OFF_SECONDS = LOOK_EVERY + 5
# between two records that nothing but time asks for
_SAVE_EVERY = 30.0
# without a look, which S3 refuses, a link may not be wanted any more
_BLIND_SECONDS = 60.0
# suspects are read apart for so long; then whoever waits is read again
_TRIAL_SECONDS = 300.0
# between two looks for further orders, when there is nothing else to do
_IDLE_SECONDS = 5.0
_CLAIMS = 5
_POISON = (
    "a function ended without a word while it read this table alone, as others did before: it is "
    "not read again by this worker (memory, or a fault of this product: see the exporter's log)"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a link says at its end: whether another is to follow, and why it ended."""

    more: bool
    why: str


@dataclass(slots=True)
class Link:
    """A link at work. `timeout` is the function's, in seconds; `remaining` what is left of it."""

    workers: Workers
    worker: str
    me: str
    clients: ExporterClients
    bucket: str
    runner: Runner
    remaining: Callable[[], float]
    timeout: float
    orders: Orders = field(init=False)
    record: Record = field(init=False)
    etag: str | None = field(init=False, default=None)
    loop: Loop = field(init=False)
    tables: dict[str, TableRecord] = field(init=False, default_factory=dict)
    former: Mapping[str, TableRecord] = field(init=False, default_factory=dict)  # of links before
    reading: set[str] = field(init=False, default_factory=set)
    trial: bool = field(init=False, default=False)
    why: str = field(init=False, default="")
    last: bool = field(init=False, default=False)  # no link is to follow
    taken_over: bool = field(init=False, default=False)
    began: float = field(init=False, default=0.0)
    looked: float = field(init=False, default=0.0)
    saved: float = field(init=False, default=0.0)

    def work(self) -> Answer:
        """Read what is ordered until all is done, or this link must end."""
        found = self.workers.orders(self.worker)
        if found is None:
            return Answer(False, "there are no orders for this worker")
        self.orders = found[0]
        if why := self._over():
            return Answer(False, why)
        self._claim()
        self.former, self.tables = self.record.tables, dict(self.record.tables)
        self.began = self.looked = self.saved = _now()
        # whoever ended the worker meanwhile did not see it taken over
        self._look()
        self.loop = Loop((), runner=self.runner, progress=self._told, go_on=self._go_on)
        self._begin()
        while self.loop.step() or self._is_waiting():
            pass
        return self._leave()

    # --- beginning

    def _over(self) -> str:
        if clock.now() >= when(self.orders.deadline):
            return "the deadline has passed"
        return self.orders.ended

    def _claim(self) -> None:
        """Take the worker over, and wait until the predecessor reads nothing for certain."""
        for _ in range(_CLAIMS):
            found = self.workers.record(self.worker)
            before, etag = found or (Record(), None)
            self.record = forms.claimed(before, self.me, iso(clock.now()))
            try:
                self.etag = self.workers.write(self.worker, self.record, etag)
            except ConflictError:
                continue
            if self.etag:
                break
        else:
            raise ConflictError(f"worker {self.worker} is taken over by others all the time")
        if before.open and before.link != self.me:
            self._see_off(before)

    def _see_off(self, before: Record) -> None:
        ended = when(before.claimed) + timedelta(seconds=self.timeout + HAND_OVER_SECONDS)
        if clock.now() < ended:
            time.sleep(SEE_OFF_SECONDS)
            if self.workers.has_left(self.worker, before.link):
                return
        _log.warning("link %s of worker %s ended without a word", before.link, self.worker)
        spent = when(before.claimed) + timedelta(seconds=_SPENT * self.timeout)
        if when(before.alive) >= spent:
            return
        self.record = forms.died(self.record)

    def _begin(self) -> None:
        """Choose what this link reads, and begin it."""
        names, guilty = forms.to_read(self.record, self._left())
        if guilty:
            known = self.tables.get(guilty, TableRecord("failed"))
            failed = replace(known, state="failed", reason=_POISON, at=iso(clock.now()))
            self.tables[guilty] = failed
            # it was the one: the others were only there
            self.record = replace(self.record, deaths={}, suspects=())
        self.trial = bool(self.record.suspects) and bool(names)
        self._read(names)
        self._save()

    def _left(self) -> list[str]:
        """Return what is ordered and not over, in the order of the plan."""
        known, part = self.tables, self._part
        tables = sorted(self.orders.tables.items(), key=lambda each: each[1].number)
        mine = [name for name, order in tables if part < order.parts]
        return [n for n in mine if n not in known or known[n].state not in OVER]

    @property
    def _part(self) -> int:
        return forms.part_of(self.worker)[1]

    def _read(self, names: list[str]) -> None:
        self.reading |= set(names)
        self.record = replace(self.record, reading=tuple(sorted(self.reading)))
        for name in names:
            self.loop.add(name, self._wanted(name, self.orders.tables[name]))

    def _wanted(self, table: str, order: Order) -> Wanted:
        unit_bytes = CONSISTENT if order.consistent else EVENTUAL
        part = Part(self._part, order.parts)

        def pace(look: Look, begun: int | None, segments: int, now: float) -> Pace:
            try:
                share = order.share(look.read_capacity, begun)
            except ValueError as error:
                raise ScanError(f"{table} is not as it was planned: {error}") from error
            return Pace.start(share, segments, now, unit_bytes, part.segments(segments))

        return Wanted(
            source=TableSource(self.clients.dynamodb, table),
            sink=S3Sink(self.clients.s3_once, self.bucket, root(order.directory, order.scan)),
            scan=order.scan,
            engine="lambda",
            segments=order.segments,
            pace=pace,
            table_id=order.table_id or None,
            consistent=order.consistent,
            part=part,
        )

    # --- while it reads

    def _go_on(self, now: float) -> bool:
        if not self.why and self.remaining() < HAND_OVER_SECONDS:
            self.why = "its time is nearly up"
        if not self.why and now >= when(self.orders.deadline).timestamp():
            self.why, self.last = "the deadline has passed", True
        if not self.why and self.trial and now - self.began >= _TRIAL_SECONDS:
            self.why = "these tables were read apart for long enough"
        if not self.why and now - self.looked >= LOOK_EVERY:
            self._look()
            if not self.why and now - self.saved >= _SAVE_EVERY:
                self._save()
        return not self.why

    def _is_waiting(self) -> bool:
        """Wait for further orders, or not."""
        if self.why or self.trial or not self.orders.more or not self._go_on(_now()):
            return False
        time.sleep(_IDLE_SECONDS)
        return True

    def _look(self) -> None:
        """See whether this link is still wanted, and take further orders."""
        now = _now()
        try:
            found, kept = self.workers.orders(self.worker), self.workers.record(self.worker)
        except (ClientError, BotoCoreError) as error:
            _log.warning("worker %s cannot look at its records: %s", self.worker, error)
            if now - self.looked >= _BLIND_SECONDS:
                self.why = f"its records cannot be read: {error}"
            return
        self.looked = now
        if kept and kept[0].link != self.me:
            self.why, self.taken_over = f"link {kept[0].link} took the worker over", True
        elif found is None or found[0].ended:
            self.why = found[0].ended if found else "its orders are gone"
            self.last = True
        else:
            self.orders = found[0]
            if self.reading and not self.trial:
                self._read([name for name in self._left() if name not in self.reading])

    def _told(self, progress: Progress) -> None:
        unread = TableRecord("opening")
        before = self.tables.get(progress.table, unread)
        # items are counted from the files; of text and units a link knows its own
        former = self.former.get(progress.table, unread)
        now = iso(clock.now())
        grew = (progress.items, progress.ended) != (before.items, before.ended)
        state = progress.state.value
        self.tables[progress.table] = TableRecord(
            state=state,
            items=progress.items,
            text=former.text + progress.text,
            units=former.units + progress.units,
            files=progress.files,
            segments=progress.segments,
            ended=progress.ended,
            reason=progress.reason,
            begun=before.begun or now,
            # that a link ends, and another opens the table, is no progress
            at=now if grew or state in OVER else before.at,
        )

    def _save(self) -> None:
        """Write the record; one that another link wrote says that this one is not wanted."""
        self.record = replace(self.record, alive=iso(clock.now()), tables=self.tables)
        try:
            self.etag = self.workers.write(self.worker, self.record, self.etag)
        except ConflictError:
            self.why, self.taken_over = "another link took the worker over", True
        except (ClientError, BotoCoreError) as error:
            # progress is losable; the next look says whether to go on
            _log.warning("the record of worker %s cannot be written: %s", self.worker, error)
            return
        self.saved = _now()

    # --- ending

    def _leave(self) -> Answer:
        if self.taken_over:
            self.workers.leave(self.worker, self.me)
            return Answer(True, self.why)
        if self.trial:
            self.record = forms.cleared(self.record, list(self.reading))
        more = not self.last and (self.orders.more or bool(self._left()))
        why = self.why or ("all tables are over" if not more else "others are to be read now")
        self.record = replace(self.record, open=False, stopped=not more, why=why, reading=())
        self._save()
        if self.taken_over:
            self.workers.leave(self.worker, self.me)
        return Answer(more or self.taken_over, why)


def _now() -> float:
    return clock.now().timestamp()
