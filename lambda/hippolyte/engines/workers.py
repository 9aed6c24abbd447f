"""What the engine `lambda` and its exporter functions tell each other, by two objects a worker.

`orders.json`: what is to be read, and whether it still is; the night writes it. `record.json`:
how far it is, and which link has it in hand; that link writes it. What is done does not hang on
it: the files do. Workers that read parts of one table have the orders of the first. Below
`<prefix>/runs/<account>/<region>/<run>/workers/<worker>/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hippolyte.errors import ConflictError
from hippolyte.record_form import known_form
from hippolyte.settings import Settings
from hippolyte.share import Share
from hippolyte.store import Kept, Store

# settings that say where a worker's records and backups lie, as its input has them
PLACE = ("bucket", "prefix", "bucket_region", "sse_header", "sse_key_arn")
# the worker that reads backups, not tables; no batch is called so
READER = "check"
# what it says of a table in the end: read and whole, read and damaged, not read
WHOLE, DAMAGED, UNREAD = "done", "damaged", "failed"
# a link asks so often whether it is still wanted, before a page; seconds
LOOK_EVERY = 15.0
# states of a table of which a worker has nothing left to read
OVER = ("done", "failed", "read")
# what follows a worker's name in that of its second, third ... part
_PART = re.compile(r"(.+)-p([2-9]|[1-9][0-9]+)")
# orders that a process keeps: of so many workers, each at most some 200 KB of text
_MOST_KEPT = 32
_orders: Kept = {}
# orders that somebody else writes at the same moment are looked at again
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Order:
    """A table that is to be read, by number in its batch. Capacities and rates in units/s.

    Attributes:
        directory: S3 key of the backup, without a slash at its end.
        scan: id of the export; empty: one of a cluster is read back, which has none.
        fraction, before, raised_to, autoscaled, most: see `share.Share`.
        parts: over how many workers it is split; those above read nothing of it.
        planned: the capacity it had; its share of that is read if it is on demand since.
    """

    number: int
    table_id: str
    directory: str
    scan: str
    segments: int
    fraction: float
    before: int | None = None
    raised_to: int | None = None
    autoscaled: bool = False
    most: float | None = None
    consistent: bool = False
    parts: int = 1
    planned: int | None = None

    def share(self, capacity: int | None, begun: int | None) -> Share:
        """Return what may be read of the table: capacity now, and when its scan began.

        Raises:
            ValueError: the table is not as it was planned.
        """
        most = self.most
        had = [each for each in (begun, self.planned) if each]
        if capacity is None and most is None and had:
            # switched, it gives at least what it had (developer guide, "On-demand capacity mode")
            most = self.fraction * min(had)
        return Share(
            self.fraction,
            capacity,
            before=self.before,
            raised_to=self.raised_to,
            autoscaled=self.autoscaled,
            start=begun,
            most=most,
        )


@dataclass(frozen=True, slots=True)
class Orders:
    """Of one worker.

    Attributes:
        deadline: when it ends by itself; ISO text.
        tables: by name, those that are to be read by now.
        more: further tables will be ordered: they are raised in their turn.
        ended: why nothing is to be read any more; empty: it is.
        parts: how many workers there are; said once.
    """

    run: str
    worker: str
    deadline: str
    tables: Mapping[str, Order] = field(default_factory=dict)
    more: bool = False
    ended: str = ""
    parts: int = 1


def part_name(worker: str, number: int) -> str:
    """Return the name of the worker that reads a part; the first has the batch's own."""
    return f"{worker}-p{number + 1}" if number else worker


def part_of(name: str) -> tuple[str, int]:
    """Return the first worker's name, and the number of the part that this one reads."""
    found = _PART.fullmatch(name)
    return (found[1], int(found[2]) - 1) if found else (name, 0)


@dataclass(frozen=True, slots=True)
class TableRecord:
    """How far a table is, as `scan.state.Progress` has it. `at`: when that last grew; ISO text."""

    state: str
    items: int = 0
    text: int = 0
    units: float = 0.0
    files: int = 0
    segments: int = 0
    ended: int = 0
    reason: str = ""
    begun: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Of one worker.

    Attributes:
        link: who has it in hand; a link that reads another's name here ends.
        links: how many there were.
        claimed, alive: when the link took it, when it last wrote; ISO texts.
        open: the link has not said its last word.
        stopped: that word was that no link is to follow.
        reading: tables that the link reads.
        deaths: by table, links that ended over it without a word.
        suspects: tables that wait to be read apart, as links died over them.
    """

    link: str = ""
    links: int = 0
    claimed: str = ""
    alive: str = ""
    open: bool = False
    stopped: bool = False
    why: str = ""
    tables: Mapping[str, TableRecord] = field(default_factory=dict)
    reading: tuple[str, ...] = ()
    deaths: Mapping[str, int] = field(default_factory=dict)
    suspects: tuple[str, ...] = ()


class Workers:
    """The records of a run's workers."""

    def __init__(self, store: Store, settings: Settings, run: str) -> None:
        self.store = store
        self._below = settings.place("runs", run, "workers")

    def orders(self, worker: str) -> tuple[Orders, str] | None:
        """Return a worker's orders and their ETag, None if there are none.

        Raises:
            ConfigurationError: another version wrote them.
        """
        key = self._key(part_of(worker)[0], "orders")

        def form(record: dict[str, Any]) -> Orders:
            with known_form("this record"):
                members = _members(record)
                tables = {name: Order(**one) for name, one in members.pop("tables").items()}
                return Orders(**members, tables=tables)

        return self.store.read_kept(key, form, _orders, _MOST_KEPT)

    def change(self, worker: str, to: Callable[[Orders | None], Orders | None]) -> bool:
        """Write the orders that `to` makes of those there are, if it makes others.

        `to` is asked again when somebody else writes meanwhile; False: that was so all the time.
        """
        for _ in range(_TRIES):
            found = self.orders(worker)
            before, etag = found or (None, None)
            orders = to(before)
            if orders in (None, before):
                return True
            assert orders
            try:
                if self.order(orders, etag):
                    return True
            except ConflictError:
                continue
        return False

    def order(self, orders: Orders, etag: str | None) -> str | None:
        """Write orders over those with an ETag, or the first; None: there are some already.

        Raises:
            ConflictError: somebody else wrote them meanwhile.
        """
        return self._write(self._key(orders.worker, "orders"), orders, etag)

    def record(self, worker: str) -> tuple[Record, str] | None:
        """Return a worker's record and its ETag, None if there is none.

        Raises:
            ConfigurationError: another version wrote it.
        """
        found = self.store.read(self._key(worker, "record"))
        if found is None:
            return None
        with known_form(self._key(worker, "record")):
            members = _members(found[0])
            tables = {name: TableRecord(**one) for name, one in members.pop("tables").items()}
            for name in ("reading", "suspects"):
                members[name] = tuple(members[name])
            return Record(**members, tables=tables), found[1]

    def write(self, worker: str, record: Record, etag: str | None) -> str | None:
        """Write a record, as `order` does orders."""
        return self._write(self._key(worker, "record"), record, etag)

    def _write(self, key: str, what: Orders | Record, etag: str | None) -> str | None:
        written = asdict(what)
        return self.store.replace(key, written, etag) if etag else self.store.create(key, written)

    def leave(self, worker: str, link: str) -> None:
        """Say, as a link whose worker another took over, that it was alive and has left."""
        self.store.put(self._key(worker, f"left-{link}"), {"link": link})

    def has_left(self, worker: str, link: str) -> bool:
        """Look whether a link said so."""
        return self.store.read(self._key(worker, f"left-{link}")) is not None

    def _key(self, worker: str, name: str) -> str:
        return f"{self._below}/{worker}/{name}.json"


def _members(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("version", "nonce")}


def claimed(record: Record | None, link: str, now: str) -> Record:
    """Return the record as a new link takes it over."""
    before = record or Record()
    return replace(
        before, link=link, links=before.links + 1, claimed=now, alive=now, open=True, stopped=False
    )


def died(record: Record) -> Record:
    """Return the record after a link ended without a word of its own.

    What it read is counted. Tables over which two links died are read apart: half of them, then
    half of those, until one is left; which is the one that a link reads alone when it dies.
    """
    deaths = dict(record.deaths)
    for table in record.reading:
        deaths[table] = deaths.get(table, 0) + 1
    suspects = [t for t in record.reading if deaths[t] >= 2]
    waiting = [t for t in record.suspects if t not in suspects]
    return replace(record, deaths=deaths, suspects=(*suspects, *waiting))


def to_read(record: Record, wanted: list[str]) -> tuple[list[str], str | None]:
    """Return which of the wanted tables the next link reads, and which one is not to be read again.

    Suspects first, and nothing beside them. Of those that were read together when the last link
    died, the first half; one that was read alone then is the one.
    """
    suspects = [t for t in record.suspects if t in wanted]
    if not suspects:
        return wanted, None
    together = [t for t in suspects if t in record.reading]
    if len(together) == 1 and record.reading == (together[0],):
        return [t for t in wanted if t != together[0]], together[0]
    # if those lived, it is among the rest of the last group that died
    most = max(record.deaths.get(t, 0) for t in suspects)
    group = together or [t for t in suspects if record.deaths.get(t, 0) == most]
    return group[: max(1, len(group) // 2)], None


def cleared(record: Record, tables: list[str]) -> Record:
    """Return the record after a link read suspects and lived."""
    deaths = {t: n for t, n in record.deaths.items() if t not in tables}
    return replace(
        record, deaths=deaths, suspects=tuple(t for t in record.suspects if t not in tables)
    )
