"""The items that an undo replaces or deletes, kept as a backup of their own before it does.

In the layout of DynamoDB's own exports, so every verb reads it. The same plan gives the same files,
each made once: whoever goes on finds what is there, and nothing is written over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from hippolyte import __version__
from hippolyte.errors import HippolyteError
from hippolyte.exports import native
from hippolyte.exports.lines import Item, text_of
from hippolyte.exports.native import DATA, STARTED
from hippolyte.scan import datafile
from hippolyte.scan.begin import Started, Written
from hippolyte.scan.reading import Page
from hippolyte.scan.sink import Sink, Stored
from hippolyte.scan.table import look_of
from hippolyte.scan.whole import documents

ENGINE = "undo"
# in memory, unpacked
_FILE_BYTES = 16 << 20
_ITEMS_AT_ONCE = 25


class NotKeptError(HippolyteError):
    """When the items cannot be kept."""


def keep(
    sink: Sink,
    description: Any,
    items: Iterable[Item],
    made: datetime,
    told: Callable[[int], object] = lambda _: None,
) -> None:
    """Write items as a backup, or what is not written of it yet.

    Args:
        sink: its place.
        description: DescribeTable's `Table` of the table that they are of.
        items: the same each time.
        made: the moment that they are of; the same each time.
        told: is told after each file how many items are kept.

    Raises:
        NotKeptError: something else lies there, or it is refused.
    """
    look = look_of(description)
    started = Started(
        scan=sink.prefix.rstrip("/").rpartition("/")[2],
        engine=ENGINE,
        package=__version__,
        table=look.table,
        arn=look.arn,
        table_id=look.table_id,
        segments=1,
        consistent=False,
        capacity=look.read_capacity,
        begun=made,
    )
    try:
        _put(sink, STARTED, started.to_bytes())
        files: list[Written] = []
        for number, (buffer, last) in enumerate(_filled(iter(items))):
            before = sum(one.facts.items for one in files)
            data = datafile.sealed(buffer)
            facts = datafile.facts(buffer, data, before, made, last)
            name = DATA + native.data_name(0, number)
            files.append(Written(_put(sink, name, data, facts.metadata()), facts))
            told(before + facts.items)
        for name, data in documents(started, sink, files):
            _put(sink, name, data)
    except NotKeptError:
        raise
    except HippolyteError as error:
        raise NotKeptError(
            f"the items that are replaced cannot be kept: {error}. Name another place by "
            "--keep, a folder too"
        ) from error


def _filled(items: Iterator[Item]) -> Iterator[tuple[datafile.Buffer, bool]]:
    """Yield a file's worth of items, and whether it is the last."""
    buffer, following = datafile.Buffer(), list(islice(items, _ITEMS_AT_ONCE))
    while following:
        texts = [text_of(item) for item in following]
        buffer = datafile.add(buffer, Page(texts, len(texts), 0.0, None))
        following = list(islice(items, _ITEMS_AT_ONCE))
        if buffer.text >= _FILE_BYTES and following:
            yield buffer, False
            buffer = datafile.Buffer()
    yield buffer, True


def _put(sink: Sink, name: str, data: bytes, metadata: dict[str, str] | None = None) -> Stored:
    """Write a file, or find it written; another of its name is not taken for it."""
    stored = sink.create(name, data, metadata)
    if stored:
        return stored
    head = sink.head(name)
    if head is None or sink.read(name) != data:
        raise NotKeptError(
            f"{sink}{name} lies there with other content: name another place by --keep"
        )
    return head.stored
