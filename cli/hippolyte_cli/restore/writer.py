"""Loads the items of a backup into a table that is there, by BatchWriteItem from many threads.

One thread reads, cuts batches and keeps the journal; the others send. All that a table or the
network may refuse for a while is sent again; anything else ends the load, with what is written
kept in the journal. Items of the backup that have one key twice, which no export of a whole table
has, are written in no certain order.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from hippolyte.clients import configuration
from hippolyte.exports.lines import Item
from hippolyte.exports.reader import Backup
from hippolyte_cli.restore.batches import MOST_GETS, MOST_PUTS, Batch, Cutting, batches
from hippolyte_cli.restore.course import Course
from hippolyte_cli.restore.crew import Crew
from hippolyte_cli.restore.journal import Done, Journal
from hippolyte_cli.restore.pace import Pace, Rate
from hippolyte_cli.restore.patience import Clockwork, Patience
from hippolyte_cli.restore.sender import Mode, Sender, Sent
from hippolyte_cli.restore.sending import raw_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

THREADS = 16
# of the client: refusals are met here, and each thread has a connection
CONFIG = configuration(connections=THREADS, tries=1)
_PARTITION_UNITS = 1000


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load has done so far, or at its end.

    Attributes:
        read: items read, without those that an earlier load had written.
        written: items written.
        same: items left alone, for the table has them.
        new: items that the table had not; only where it is compared with.
        skipped: items that `where` left out.
        units: write capacity units consumed, without indexes'.
        seconds: since it began.
        throttled: requests that the table refused, wholly or in part, for want of capacity.
        before: items that an earlier load had read and written.
        of: items of the backup; None: its manifest does not say.
        complete: all is written; else it was stopped.
        wrote: something was written, be it a part of a batch that is not counted.
    """

    read: int = 0
    written: int = 0
    same: int = 0
    new: int = 0
    skipped: int = 0
    units: float = 0.0
    seconds: float = 0.0
    throttled: int = 0
    before: int = 0
    of: int | None = None
    complete: bool = False
    wrote: bool = False

    @property
    def left_seconds(self) -> float | None:
        """How long it takes still, at the rate so far; None: not known."""
        if self.of is None or not self.read or self.seconds <= 0:
            return None
        return max(0, self.of - self.before - self.read) * self.seconds / self.read


def load(
    client: DynamoDBClient,
    table: str,
    key_schema: Sequence[str],
    backup: Backup,
    *,
    rate: Rate,
    journal: Journal,
    mode: Mode = "all",
    where: Callable[[Item], bool] | None = None,
    change: Callable[[Item], Item] | None = None,
    progress: Callable[[Loaded], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    threads: int = THREADS,
    at_once: int | None = None,
    clockwork: Clockwork | None = None,
    dry: bool = False,
) -> Loaded:
    """Write a backup's items into a table that is ACTIVE.

    The modes that compare read each item by a strongly consistent BatchGetItem before it is
    written. BatchWriteItem has no conditions: what somebody writes to the same key between the
    two is written over, so let nobody write to the table meanwhile, or to other keys only.

    Args:
        client: made with `CONFIG`; its batches are sent and answered as text from then on.
        table: its name or ARN.
        key_schema: the names of its key attributes.
        backup: what is read.
        rate: what may be taken of the table.
        journal: has been read; is kept up to date, and left when all is written.
        mode: write all, only what the table does not have, or only what it has not or has
            otherwise (numbers by value, sets without order).
        where: only items for which it is true, in DynamoDB JSON.
        change: makes of each what is written; see `hippolyte_cli.masking.change`.
        progress: called several times a second, and at the end, also before an error is raised.
        stopped: looked at as often; the load then ends when what is under way is written.
        threads: requests under way; 0: one, by the calling thread.
        at_once: files read side by side; None: by the rate, so that enough partitions are.
        clockwork: for tests.
        dry: write nothing: `written` is what would be; give it a journal of its own.

    Raises:
        FormatError: the backup is not whole, or an item cannot be in the table; with file, line.
        HippolyteError: the table is gone, or refuses for good; or see `Journal`.
    """
    if at_once is None:
        at_once = min(64, max(8, 4 * ceil(rate.writes / _PARTITION_UNITS)))
    ended = threading.Event()
    clock = clockwork or Clockwork(time.monotonic, lambda s: bool(ended.wait(s)), random.random)
    began = clock.now()
    cutting = Cutting(
        key_schema,
        items=MOST_PUTS if mode == "all" else MOST_GETS,
        units=max(1.0, rate.writes),
        at_once=at_once,
        where=where,
        change=change,
    )
    sender = Sender(
        client=raw_client(client),
        table=table,
        key_names=tuple(key_schema),
        mode=mode,
        writes=Pace(rate.writes, began),
        reads=Pace(rate.reads, began),
        patience=Patience(table, clock, ended),
        files=[file.name for file in backup.files],
        dry=dry,
    )
    counts = [file.items for file in backup.files]
    of = None if None in counts else sum(count or 0 for count in counts)
    told = Loaded(before=journal.lines, of=of)
    crew = Crew(sender.send, threads, ended)
    running = _Load(crew, journal, clock, stopped, backup, sender, progress, began, told)
    complete = running.run(batches(backup, dict(journal.done), cutting), threads)
    return running.end(complete=complete)


class _Load(Course[Batch, Sent]):
    """A load as its one thread sees it."""

    def __init__(
        self,
        crew: Crew[Batch, Sent],
        journal: Journal,
        clock: Clockwork,
        stopped: Callable[[], bool],
        backup: Backup,
        sender: Sender,
        progress: Callable[[Loaded], None],
        began: float,
        loaded: Loaded,
    ) -> None:
        super().__init__(crew, journal, clock, stopped)
        self._backup, self._sender, self._progress = backup, sender, progress
        self._began, self._loaded = began, loaded
        # by the order of reading: batches that are not in the journal
        self._behind: deque[Batch] = deque()

    def begins(self, batch: Batch) -> None:
        self._behind.append(batch)

    def came(self, place: int, sent: Sent) -> None:
        batch, before = self._behind[place], self._loaded
        self._loaded = replace(
            before,
            read=before.read + len(batch.spans) + batch.skipped,
            written=before.written + sent.written,
            same=before.same + sent.same,
            new=before.new + sent.new,
            skipped=before.skipped + batch.skipped,
            units=before.units + sent.units,
            throttled=before.throttled + sent.throttled,
        )
        # only how far it goes is needed of it
        batch.forget()

    def passed(self, sent: Sent) -> None:
        batch = self._behind.popleft()
        for number, line in batch.reached.items():
            name = self._backup.files[number].name
            self.journal.done[name] = Done(line, number in batch.ended)

    def end(self, *, complete: bool) -> Loaded:
        self._loaded = replace(self._loaded, complete=complete)
        self.tell()
        return self._loaded

    def tell(self) -> None:
        seconds = self.clock.now() - self._began
        self._loaded = replace(self._loaded, seconds=seconds, wrote=self._sender.wrote)
        self._progress(self._loaded)
