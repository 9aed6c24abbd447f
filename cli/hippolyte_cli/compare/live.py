"""A live table as a side: read at its pace into a folder, in the form of a backup.

Read as `hippolyte export` reads it, so it is resumable and slows down for the application. Of a
sample only some segments are read, and no manifest is written of those.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from hippolyte.exports.lines import Form
from hippolyte.exports.native import DATA, STARTED
from hippolyte.exports.place import Folder
from hippolyte.exports.reader import Backup, DataFile, find
from hippolyte.scan.begin import highest, written
from hippolyte.scan.state import State
from hippolyte.scan.table import ALL, Part
from hippolyte_cli.compare.opening import Live
from hippolyte_cli.compare.reading import CompareError
from hippolyte_cli.compare.sides import Side
from hippolyte_cli.compare.unit import StoppedError
from hippolyte_cli.export import is_other_table, scanned
from hippolyte_cli.export_place import FolderPlace
from hippolyte_cli.export_prepare import Asked, Scan, prepared
from hippolyte_cli.session import credentials_of

GONE = (
    "The table that was read is gone, so this cannot go on, and what was kept of it on this disk "
    "is removed. Its backups: `hippolyte list`"
)


class GoneError(CompareError):
    """When a live table was deleted while it was read: the same command cannot go on."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How live tables are read.

    Attributes:
        percent: of the read capacity.
        rate: units a second, instead.
        segments: into how many it is cut; None: by size.
        part: of them, that is read.
    """

    percent: int
    rate: float | None = None
    segments: int | None = None
    part: Part = ALL


def read(
    live: Live, folder: Path, reading: Reading, out: Console, stopped: Callable[[], bool]
) -> Side:
    """Say what it takes to read a live table, read it, and return what was read as a side.

    Raises:
        GoneError: the table vanished; CompareError: it could not be read to its end for another
            reason; StoppedError: it was stopped.
        HippolyteError, ValueError, OSError, ClientError, BotoCoreError: it cannot be read.
    """
    place = FolderPlace(folder)
    goes_on = any(place.sink(scan).read(STARTED) for scan in place.exports())
    if not goes_on:
        # it was ended before it had written anything
        shutil.rmtree(folder, ignore_errors=True)
    asked = Asked(
        table=live.arn,
        dest=str(folder),
        percent=reading.percent,
        rate=reading.rate,
        segments=None if goes_on else reading.segments,
        consistent=False,
        resume=goes_on,
        region=live.region,
    )
    with credentials_of(live.profile):
        scan = prepared(asked)
    wanted = replace(scan.wanted, part=reading.part)
    scan = replace(scan, wanted=wanted)
    begun = scan.beside or f"Kept in {folder} until it is compared"
    end = scanned(scan, out, stopped, f"{begun.strip()}. Ctrl-C ends it; the same command goes on.")
    if end.state is State.MORE:
        raise StoppedError
    if end.state is State.FAILED and is_other_table(scan):
        raise GoneError(f"{live.name}: {end.reason.rstrip('.')}. {GONE}")
    if end.state is State.FAILED:
        raise CompareError(f"{live.name}: {end.reason}")
    backup = find(Folder(folder)) if end.state is State.DONE else _part(scan, folder)
    began = backup.summary.start if backup.summary else None
    return Side(live.name, live.location, backup, live.keys, began, live.ttl)


def _part(scan: Scan, folder: Path) -> Backup:
    """Return some segments of a table as a backup, by the metadata of their files."""
    wanted = scan.wanted
    sink, segments = wanted.sink, wanted.part.segments(wanted.segments)
    root = FolderPlace(folder).sink(wanted.scan).prefix
    files = []
    for segment, last in sorted(highest(sink, wanted.segments).items()):
        for number in range(last + 1 if segment in segments else 0):
            one = written(sink, segment, number)
            name = one.stored.name
            assert name.startswith(DATA)
            files.append(DataFile(root + name, one.facts.items, one.facts.md5))
    return Backup(Folder(folder), Form.NATIVE, tuple(files))
