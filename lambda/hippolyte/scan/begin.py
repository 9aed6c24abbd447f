"""How a scan begins, or is gone on with: what `_started` says, and which files lie there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hippolyte import __version__
from hippolyte.errors import HippolyteError
from hippolyte.exports import native
from hippolyte.exports.manifest import FormatError
from hippolyte.exports.native import DATA, STARTED, SUMMARY
from hippolyte.record_form import known_form, when
from hippolyte.scan.datafile import Facts, last_key
from hippolyte.scan.sink import Sink, Stored
from hippolyte.scan.table import Look, Wanted

_FORM = 1
# of a Scan (API TotalSegments)
_MOST_SEGMENTS = 1_000_000


class UnfitError(HippolyteError):
    """When the place of an export holds something else than this scan."""


@dataclass(frozen=True, slots=True)
class Started:
    """What a scan is, said once by whoever began it; everybody who goes on with it obeys it."""

    scan: str
    engine: str
    package: str
    table: str
    arn: str
    table_id: str
    segments: int
    consistent: bool
    capacity: int | None  # units a second that the table had; None: on demand
    begun: datetime

    def to_bytes(self) -> bytes:
        """Return the content of `_started`. The service's own is empty, and nobody reads it."""
        begun = self.begun.astimezone(UTC).isoformat(timespec="milliseconds")
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({"form": _FORM, **fields, "begun": begun}).encode()

    @classmethod
    def of(cls, data: bytes, where: str) -> Started:
        """Parse a `_started`.

        Raises:
            UnfitError: it is not of a scan.
            ConfigurationError: a newer version wrote it.
        """
        try:
            fields: dict[str, Any] = json.loads(data)
            form = fields.pop("form")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise UnfitError(
                f"{where} is not of a scan of this product: the place holds another export"
            ) from error
        with known_form(where):
            if form != _FORM:
                raise ValueError(f"form {form!r}")
            started = cls(**{**fields, "begun": when(fields["begun"])})
            if type(started.segments) is not int or not 1 <= started.segments <= _MOST_SEGMENTS:
                raise ValueError(f"segments {started.segments!r}")
            if not isinstance(started.scan, str) or not isinstance(started.arn, str):
                raise ValueError(f"scan {started.scan!r} of {started.arn!r}")
            return started


@dataclass(frozen=True, slots=True)
class Begun:
    """What lies at an export's place.

    Attributes:
        started: what the scan is.
        highest: by segment, the number of its last file; a segment without any is not in it.
        summary: of a scan that is whole already.
    """

    started: Started
    highest: Mapping[int, int]
    summary: native.Summary | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A file of a segment: as the sink has it, and what its metadata say."""

    stored: Stored
    facts: Facts


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment is.

    Attributes:
        number: of its next file.
        key: the item that it goes on after, as the SDK takes it; None: at its beginning.
        items: in its files so far.
        ended: nothing is left to be read.
    """

    number: int = 0
    key: Mapping[str, Any] | None = None
    items: int = 0
    ended: bool = False


def begin(wanted: Wanted, look: Look, now: datetime) -> Begun:
    """Begin a scan, or find out how far it is.

    Raises:
        UnfitError: other content lies there, or a scan of another table.
        Passing, Refused: of the sink.
    """
    sink = wanted.sink
    started = _started(wanted, look, now)
    if started.table_id != look.table_id:
        raise UnfitError(
            f"{sink}{STARTED} is of the table {started.table} with id {started.table_id}, "
            f"and {look.table} now has {look.table_id}"
        )
    summary = sink.read(SUMMARY)
    if summary is not None:
        return Begun(started, {}, native.parse_summary(summary))
    return Begun(started, highest(sink, started.segments))


def _started(wanted: Wanted, look: Look, now: datetime) -> Started:
    sink = wanted.sink
    found = sink.read(STARTED)
    if found is None:
        other = next(iter(sink.listed()), None)
        # whoever began it meanwhile wrote this first
        found = sink.read(STARTED) if other else None
        if other and found is None:
            raise UnfitError(f"{sink}{other.name} lies where the scan is to be written")
    if found is None:
        mine = Started(
            scan=wanted.scan,
            engine=wanted.engine,
            package=__version__,
            table=look.table,
            arn=look.arn,
            table_id=look.table_id,
            segments=wanted.segments,
            consistent=wanted.consistent,
            capacity=look.read_capacity,
            begun=now,
        )
        if sink.create(STARTED, mine.to_bytes()):
            return mine
        found = sink.read(STARTED)
    return Started.of(found or b"", f"{sink}{STARTED}")


def highest(sink: Sink, segments: int, segment: int | None = None) -> dict[int, int]:
    """Return the number of each segment's last file; of one segment if it is named.

    Raises:
        UnfitError: a file is none of the scan's.
    """
    found: dict[int, int] = {}
    start = DATA if segment is None else f"{DATA}{native.data_name(segment, 0).split('-')[0]}-"
    for stored in sink.listed(start):
        place = native.parse_data_name(stored.name[len(DATA) :])
        if place is None or place[0] >= segments:
            raise UnfitError(f"{sink}{stored.name} is no file of the scan")
        found[place[0]] = max(found.get(place[0], 0), place[1])
    return found


def resume(sink: Sink, segment: int, number: int | None, keys: tuple[str, ...]) -> Place:
    """Return where a segment is whose last file has this number; None: it has none.

    Raises:
        FormatError: the file is not what its metadata say.
    """
    if number is None:
        return Place()
    last = written(sink, segment, number)
    name, facts = last.stored.name, last.facts
    items = facts.before + facts.items
    if facts.end:
        return Place(number + 1, None, items, ended=True)
    data = sink.read(name) or b""
    if native.checksum(data) != facts.md5:
        raise FormatError("its content is not what was written (MD5)", f"{sink}{name}")
    return Place(number + 1, last_key(data, keys, f"{sink}{name}"), items)


def written(sink: Sink, segment: int, number: int) -> Written:
    """Return what is known of a segment's file.

    Raises:
        FormatError: it is gone, or not a scan's.
    """
    name = DATA + native.data_name(segment, number)
    head = sink.head(name)
    if head is None:
        raise FormatError("it is gone", f"{sink}{name}")
    facts = Facts.of(head.metadata, f"{sink}{name}")
    if head.stored.size != facts.size:
        raise FormatError(
            f"{facts.size} bytes were written, not {head.stored.size}", str(sink) + name
        )
    return Written(head.stored, facts)
