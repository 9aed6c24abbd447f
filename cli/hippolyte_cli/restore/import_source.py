"""What ImportTable reads: a backup's files where they lie, or a conversion of them.

Those of DynamoDBExport become lines of `{"Item": ...}`, as a stream: of each file that is being
written a part is in memory, and one file on this machine's disk.
"""

from __future__ import annotations

import errno
import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from hippolyte.errors import HippolyteError
from hippolyte.exports.lines import Form
from hippolyte.exports.place import Prefix
from hippolyte.exports.reader import Backup
from hippolyte_cli.restore.definition import TablePlan
from hippolyte_cli.troubles import of_file

_COMPRESSIONS = {".json.gz": "GZIP", ".json": "NONE"}
PUT = "use --via put"
"""What to do where an import cannot."""
OBJECTS = 50_000
"""The most that an import takes (Developer Guide, "Import format quotas and validation")."""
ITEMS_A_FILE = 100_000
# a PUT takes 5 GB; this much of the disk is used
_BYTES_A_FILE = 256 << 20
# of a backup read side by side: in the order of the files the service would write one partition
# at a time
_AT_ONCE = 16
_NAME = re.compile(r"\d{6}\.json\.gz")
# DeleteObjects takes this many
_KEYS_A_CALL = 1000
# they lie there for hours at most
_LEVEL = 1


class NotImportedError(HippolyteError):
    """When an import is refused or fails; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """What ImportTable reads: every object below a prefix.

    Attributes:
        place: with a slash at its end.
        compression: GZIP or NONE.
        items: that it holds; None: it is yet to be converted.
    """

    place: Prefix
    compression: str
    items: int | None = None


def source_of(plan: TablePlan, backup: Backup, scratch: Prefix) -> Source:
    """Return what an import of a backup into a plan's table would read.

    Args:
        plan: of the table.
        backup: of any format.
        scratch: where it is converted to, if it must be.

    Raises:
        NotImportedError: ImportTable cannot make this table, or not of this; or the scratch prefix
            holds something else.
    """
    if lost := plan.not_imported():
        raise NotImportedError(f"ImportTable cannot make {', '.join(lost)}: {PUT}")
    lying = _as_it_lies(backup)
    if lying is not None:
        return lying
    _check(scratch)
    return Source(scratch, "GZIP")


def _check(scratch: Prefix) -> None:
    """Refuse a prefix that holds what no conversion wrote.

    Raises:
        NotImportedError: it does, or it is the whole bucket.
    """
    if not scratch.prefix.endswith("/") or scratch.prefix == "/":
        raise NotImportedError(f"{scratch.prefix!r} is no prefix for scratch files: end it with /")
    foreign = [name for name in scratch.names() if not _NAME.fullmatch(name)]
    if foreign:
        raise NotImportedError(
            f"{address(scratch)} holds {foreign[0]}, which is no scratch file: ImportTable would "
            "read it; name another prefix"
        )


def convert(
    backup: Backup,
    scratch: Prefix,
    *,
    items_a_file: int = ITEMS_A_FILE,
    told: Callable[[int], object] = lambda _: None,
) -> int:
    """Write a backup's items below a prefix, in place of what lies there; return their number.

    Args:
        backup: of any format.
        scratch: where to, nothing else lies there.
        items_a_file: the most of them.
        told: is told after each file how many items are written.

    Raises:
        FormatError: the backup is not whole; with file and line.
        NotImportedError: it needs too many files, or this machine's disk is full.
    """
    remove(scratch)
    items, spans = 0, backup.spans(_AT_ONCE)
    for number in range(1, OBJECTS + 1):
        try:
            with TemporaryFile() as file:
                count = _write(spans, file, items_a_file)
                if count or number == 1:
                    file.seek(0)
                    _put(scratch, f"{number:06}.json.gz", file)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise NotImportedError(
                f"a scratch file cannot be written on this machine: {of_file(error)}; make room "
                f"for {_BYTES_A_FILE >> 20} MiB where TMPDIR points to"
            ) from error
        items += count
        told(items)
        if not count:
            return items
    if next(spans, None) is None:
        return items
    raise NotImportedError(
        f"the backup needs more than {OBJECTS:,} files of {items_a_file:,} items, and an import "
        "takes no more: use --via put"
    )


def remove(scratch: Prefix) -> None:
    """Remove what conversions wrote below a prefix, and nothing else."""
    keys = [scratch.prefix + name for name in scratch.names() if _NAME.fullmatch(name)]
    for first in range(0, len(keys), _KEYS_A_CALL):
        some = keys[first : first + _KEYS_A_CALL]
        answer = scratch.store.s3.delete_objects(
            Bucket=scratch.store.bucket,
            Delete={"Objects": [{"Key": key} for key in some], "Quiet": True},
        )
        if errors := answer.get("Errors"):
            raise NotImportedError(
                f"{errors[0].get('Key')} cannot be removed: {errors[0].get('Message')}"
            )


def address(place: Prefix) -> str:
    """Return a place's s3:// address."""
    return f"s3://{place.store.bucket}/{place.prefix}"


def _write(spans: Iterator[bytes], file: IO[bytes], most: int) -> int:
    """Write the next items into a file; return how many."""
    count = 0
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:
        while count < most and file.tell() < _BYTES_A_FILE:
            span = next(spans, None)
            if span is None:
                break
            packed.write(b'{"Item":%b}\n' % span)
            count += 1
    return count


def _put(scratch: Prefix, name: str, file: IO[bytes]) -> None:
    scratch.store.s3.put_object(Bucket=scratch.store.bucket, Key=scratch.prefix + name, Body=file)


def _as_it_lies(backup: Backup) -> Source | None:
    """Return the folder of a native backup's files; None: it must be converted."""
    place = backup.place
    if backup.form is not Form.NATIVE or not isinstance(place, Prefix):
        return None
    folders = {file.name.rpartition("/")[0] for file in backup.files}
    endings = {"." + file.name.rpartition("/")[2].partition(".")[2] for file in backup.files}
    compression = _COMPRESSIONS.get(endings.pop()) if len(endings) == 1 else None
    if len(folders) != 1 or compression is None or len(backup.files) > OBJECTS:
        return None
    folder = folders.pop()
    data = Prefix(place.store, f"{place.prefix}{folder}/" if folder else place.prefix)
    listed = {file.name.rpartition("/")[2] for file in backup.files}
    if foreign := next((name for name in data.names() if name not in listed), None):
        raise NotImportedError(
            f"{address(data)} holds {foreign}, which the backup's manifest does not "
            f"list, and ImportTable reads every object below a prefix: take it away, or {PUT}"
        )
    return Source(data, compression, sum(file.items or 0 for file in backup.files))
