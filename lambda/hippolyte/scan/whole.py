"""The story of a table: looked at, begun, read in segments, judged, and only then called whole.

The manifests are made from what lies there alone (`_started`, the files and their metadata), so
that whoever finishes a scan writes the same bytes, and nobody has to be first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from hippolyte.exports import native
from hippolyte.exports.manifest import FormatError
from hippolyte.exports.native import DATA, DataFile, Scanned
from hippolyte.scan.begin import Place, Started, UnfitError, Written, begin, highest, written
from hippolyte.scan.cutting import ScanError
from hippolyte.scan.segment import Changed, look_again, read_segment
from hippolyte.scan.sink import Sink, Stored
from hippolyte.scan.state import Reading, Segment, State, least_file
from hippolyte.scan.story import Call, Story, Together


def scan_table(table: Reading) -> Story:
    """Scan a table, or go on with it; `table.state` says how far it came.

    Raises:
        ScanError, UnfitError, FormatError: why it failed.
    """
    wanted, sink = table.wanted, table.wanted.sink
    yield from look_again(table)
    assert table.look
    if wanted.table_id not in (None, table.look.table_id):
        raise Changed(f"{table.name} was deleted and made anew before it was read")
    needs = least_file(table.look.size_bytes)
    if needs > table.room:
        raise ScanError(
            f"{table.name} needs files of {needs >> 20} MiB, for an import takes 50,000, and there "
            f"is room for {table.room >> 20} MiB: give more memory"
        )
    begun = yield Call(partial(begin, wanted, table.look, table.now()))
    table.begin(begun)
    if begun.summary:
        table.whole, table.state = begun.summary.items, State.DONE
        return
    if table.own:
        reading = [read_segment(table, one, begun.highest.get(one)) for one in table.own]
        yield Together(reading, needs)
    if not all(table.segments[one].place.ended for one in table.own):
        table.state = State.MORE
        return
    yield from _see_others(table)
    if not all(one.place.ended for one in table.segments):
        table.state = State.READ
        return
    table.state = State.FINISHING
    yield Together([_know_files(table, one) for one in range(len(table.segments))])
    listed = yield Call(lambda: list(sink.listed(DATA)))
    files = [[one.files[n] for n in range(one.place.number)] for one in table.segments]
    complain(listed, files)
    # last: all that was read until now was read of this table
    yield from look_again(table)
    assert table.started
    for name, data in documents(table.started, sink, [one for some in files for one in some]):
        yield Call(partial(_put_same, sink, name, data))
    table.state = State.DONE


def _see_others(table: Reading) -> Story:
    """See whether others have read their segments to the end, up to the first that is not.

    Each looks after the last file of its own part was put, so whoever puts the last one sees all.
    """
    own, count = table.own, len(table.segments)
    if len(own) == count:
        return
    last = yield Call(partial(highest, table.wanted.sink, count))
    for one in [*range(own.start), *range(own.stop, count)]:
        if one not in last:
            return
        found = yield Call(partial(written, table.wanted.sink, one, last[one]))
        if not found.facts.end:
            return
        items = found.facts.before + found.facts.items
        table.segments[one].files[last[one]] = found
        table.segments[one].place = Place(last[one] + 1, None, items, ended=True)


def _know_files(table: Reading, segment: int) -> Story:
    """Look at the files that others wrote."""
    known: Segment = table.segments[segment]
    for number in range(known.place.number):
        if number not in known.files:
            known.files[number] = yield Call(partial(written, table.wanted.sink, segment, number))


def complain(listed: Sequence[Stored], segments: Sequence[Sequence[Written]]) -> None:
    """See that what lies there is exactly what was written, and all of it.

    Args:
        listed: the listing of `data/`.
        segments: the files of each segment, in their order.

    Raises:
        FormatError: it is not.
    """
    wanted = {one.stored.name: one.stored for files in segments for one in files}
    found = {one.name: one for one in listed}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise FormatError(f"{found.get(name)} was listed, {wanted.get(name)} written", name)
    for files in segments:
        before = 0
        for one in files:
            if one.facts.before != before or one.facts.end != (one is files[-1]):
                raise FormatError(f"it does not follow on {before} items", one.stored.name)
            before += one.facts.items


def documents(
    started: Started, sink: Sink, files: Sequence[Written]
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the manifests, in the order of their writing; the summary last."""
    listed = native.files_bytes(
        DataFile(
            key=sink.prefix + one.stored.name,
            items=one.facts.items,
            md5=one.facts.md5,
            etag=one.stored.etag,
        )
        for one in files
    )
    end = max(one.facts.written for one in files)
    directory = sink.prefix.rpartition(native.FOLDER)[0].rstrip("/")
    summary = native.summary_bytes(
        native.Summary(
            table_arn=started.arn,
            table_id=started.table_id,
            # in the service's form; there is no such export to ask the service for
            export_arn=f"{started.arn}/export/{started.scan}",
            start=started.begun,
            end=end,
            export_time=started.begun,
            bucket=sink.bucket,
            prefix=directory or None,
            manifest_key=sink.prefix + native.FILES,
            items=sum(one.facts.items for one in files),
            scanned=Scanned(started.scan, started.begun, end, started.engine, started.package),
        )
    )
    yield native.FILES, listed
    yield native.FILES_MD5, native.checksum(listed).encode()
    yield native.SUMMARY_MD5, native.checksum(summary).encode()
    yield native.SUMMARY, summary


def _put_same(sink: Sink, name: str, data: bytes) -> None:
    if sink.create(name, data) is None and sink.read(name) != data:
        raise UnfitError(f"{sink}{name} lies there with other content")
