"""Reads and writes DynamoDBExport directories: one item a line, files, manifest, `_SUCCESS`.

Source: awslabs/emr-dynamodb-connector (ExportMapper, ExportOutputFormat). Works on streams and
holds one chunk and one line of a file at a time. The items' own form: exportitems.py.
"""

from __future__ import annotations

import gzip
import io
import itertools
import tempfile
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, cast

from hippolyte.exports.dynamodbexport_items import AttributeValue, Item, decode_item, encode_item
from hippolyte.exports.manifest import (
    MANIFEST,
    SUCCESS,
    FormatError,
    data_files,
    manifest_bytes,
    parse_manifest,
    relocate,
)
from hippolyte.exports.streams import Readable

__all__ = [
    "MANIFEST",
    "SUCCESS",
    "AttributeValue",
    "FormatError",
    "Item",
    "data_files",
    "decode_item",
    "encode_item",
    "manifest_bytes",
    "parse_manifest",
    "read_items",
    "relocate",
    "write_export",
]

ITEMS_PER_FILE = 100_000
# a 400 KB item of empty strings in a list takes 9 bytes a byte; anything near this is no item
MAX_LINE_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_SPOOL_BYTES = 16 * 1024 * 1024


def write_export(
    items: Iterable[Mapping[str, AttributeValue]],
    directory: str,
    put: Callable[[str, IO[bytes]], object],
    *,
    items_per_file: int = ITEMS_PER_FILE,
    compress: bool = False,
    names: Iterator[str] | None = None,
) -> int:
    """Write a whole export: the data files, then the manifest, then `_SUCCESS`.

    Each file is spooled (to disk above 16 MiB), so memory stays bounded; if `items` or `put`
    raises, no manifest is written.

    Args:
        items: in the low-level form; read once.
        directory: where the files will lie, `s3://bucket/prefix`; must be new.
        put: stores one file, given its name and a seekable binary file open at its start (fit
            for `Body=`), which is closed when `put` returns.
        items_per_file: the tool's own is 100,000.
        compress: gzip the data files, named `.gz`.
        names: names of the data files; random UUIDs if None.

    Returns:
        The number of items written.
    """
    names = names if names is not None else (str(uuid.uuid4()) for _ in itertools.count())
    written, urls, rest = 0, list[str](), iter(items)
    for first in rest:  # so that no file is begun without an item for it
        name = next(names) + (".gz" if compress else "")
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as body:
            part = itertools.chain([first], itertools.islice(rest, items_per_file - 1))
            written += _write_lines(part, cast(IO[bytes], body), compress=compress)
            body.seek(0)
            put(name, cast(IO[bytes], body))
        urls.append(relocate(name, directory))
    put(MANIFEST, io.BytesIO(manifest_bytes(urls)))
    put(SUCCESS, io.BytesIO())
    return written


def _write_lines(
    items: Iterable[Mapping[str, AttributeValue]], body: IO[bytes], *, compress: bool
) -> int:
    count = 0
    if compress:
        with gzip.GzipFile(fileobj=body, mode="wb", compresslevel=6, mtime=0) as packed:
            for count, item in enumerate(items, start=1):  # noqa: B007 - the last is the count
                packed.write(encode_item(item))
        return count
    for count, item in enumerate(items, start=1):  # noqa: B007
        body.write(encode_item(item))
    return count


def read_items(stream: Readable, name: str, compressed: bool | None = None) -> Iterator[Item]:
    """Yield the items of one data file.

    A blank line is an error, as it is for the import tool, except a last one. A last line without
    its line feed is an error: the file was cut off.

    Args:
        stream: the file's content; only `read(size)` is used.
        name: the file's name; errors say it, and `.gz` means gzip.
        compressed: to overrule the name.

    Raises:
        FormatError: with file and line.
    """
    if compressed if compressed is not None else name.endswith(".gz"):
        stream = cast(Readable, gzip.GzipFile(fileobj=cast(IO[bytes], stream), mode="rb"))
    blank = None
    for number, line in enumerate(_lines(stream, name), start=1):
        if blank is not None:
            raise FormatError("blank line", name, blank)
        if line.isspace() or not line:
            blank = number
        else:
            yield decode_item(line, name, number)


def _lines(stream: Readable, name: str) -> Iterator[bytes]:
    """Yield the lines without their line feeds."""
    rest, count, empty = b"", 0, True
    while chunk := _read(stream, name):
        empty = False
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        count += len(lines)
        yield from lines
        if len(rest) > MAX_LINE_BYTES:
            raise FormatError(f"longer than {MAX_LINE_BYTES} bytes, no item is", name, count + 1)
    if empty:  # the tool begins no file without an item for it
        raise FormatError("empty", name)
    if rest:
        raise FormatError("no line feed at the end: the file is cut off", name, count + 1)


def _read(stream: Readable, name: str) -> bytes:
    try:
        return stream.read(_CHUNK_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"damaged gzip: {error}", name) from error
