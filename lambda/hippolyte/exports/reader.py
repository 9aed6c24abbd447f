"""The one door to the items of a backup, whatever its format and wherever it lies.

Reads DynamoDB's own full exports and ours (`AWSDynamoDB/<id>/`), and what DynamoDBExport wrote
(4.x to 6.x, and the oldest form), plain, `.gz` or `.deflate`. Streams: of each open file some
blocks of 16 KiB are in memory. A backup may be copied: files are looked for beside their manifest.
A file whose MD5 the manifest has is looked at whole before its first item: as it was written, its
lines are items, and are only parsed; else each line is looked at, so that the error names it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from io import IOBase
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import Any, TypeVar

from hippolyte.exports import native
from hippolyte.exports.lines import Form, Item, Lines, Text
from hippolyte.exports.manifest import (
    MANIFEST,
    FormatError,
    data_files,
    file_name,
    parse_manifest,
)
from hippolyte.exports.place import Folder, Place, Prefix, Source
from hippolyte.exports.streams import whole_lines

__all__ = ["Backup", "DataFile", "Folder", "FormatError", "Item", "Prefix", "find"]

# what to do about a damaged file
COPY = "copy this file again from where the backup was made, or read another night's"
_PART_BYTES = 1024 * 1024
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of items."""

    name: str  # in its place
    items: int | None = None  # as the manifest says; DynamoDBExport's does not
    md5: str | None = None  # as there, of its bytes as they lie there, in base64
    key: str = ""  # as there, from the bucket's root; stale in a copy
    etag: str = ""  # as there


@dataclass(frozen=True, slots=True)
class Backup:
    """What a manifest lists. `summary` is a native export's own."""

    place: Place
    form: Form
    files: Sequence[DataFile]
    summary: native.Summary | None = None
    missing: Sequence[str] = ()  # listed and not there; see `find`

    def items(self, at_once: int = 1) -> Iterator[Item]:
        """Yield the items in DynamoDB JSON, parsed; binaries are base64 text.

        Args:
            at_once: files read side by side, an item of each in turn; 1: in the manifest's order.

        Raises:
            FormatError: a file is not whole or not as it was written, or a line no item; with
                file and line.
        """
        return self._mixed(self.items_of, at_once)

    def spans(self, at_once: int = 1) -> Iterator[bytes]:
        """Yield the items in DynamoDB JSON as compact text in UTF-8, else as `items`.

        Checked, but seldom parsed: twice as fast and more. A name that stands twice in an object
        is not found, which no service or tool writes.
        """
        return self._mixed(self.spans_of, at_once)

    def items_of(self, file: DataFile) -> Iterator[Item]:
        """Yield the items of one file, for callers that read several in threads of their own."""
        lines = Lines(self.form)
        return chain.from_iterable(self._read(file, lines.items, lines.written))

    def spans_of(self, file: DataFile) -> Iterator[bytes]:
        """Yield the items' text of one file."""
        spans = Lines(self.form).spans
        return chain.from_iterable(self._read(file, spans, spans))

    def texts_of(self, file: DataFile) -> Iterator[Text]:
        """Yield the text of one file's items, many at once: checked as `spans`, and not cut."""
        texts = Lines(self.form).texts
        return chain.from_iterable(self._read(file, texts, texts, _counted))

    def _read(
        self,
        file: DataFile,
        cut: Callable[[bytes, int], list[_T]],
        written: Callable[[bytes, int], list[_T]],
        counted: Callable[[list[_T]], int] = len,
    ) -> Iterator[list[_T]]:
        """Yield what `cut` makes of a file's lines, or `written` of a file that is as written."""
        count = 0
        with ExitStack() as opened:
            stream = opened.enter_context(closing(_opened(self.place, file.name)))
            md5 = None
            if file.md5:
                try:
                    stream, md5 = _looked_through(stream, opened)
                except FormatError as error:
                    raise FormatError(f"{error.problem}; {COPY}", file.name) from error
                cut = written if md5 == file.md5 else cut
            blocks = whole_lines(stream, file.name)
            while True:
                try:
                    block = next(blocks, None)
                    found = cut(block, count + 1) if block is not None else None
                except FormatError as error:
                    line = error.line or count + 1
                    raise FormatError(f"{error.problem}; {COPY}", file.name, line) from error
                if found is None:
                    break
                # a line, an item
                count += counted(found)
                yield found
        if file.items is not None and count != file.items:
            said = f"{count} items, its manifest says {file.items}; {COPY}"
            raise FormatError(said, file.name, count)
        if self.form is Form.DYNAMODBEXPORT and not count:
            # the tool begins no file without an item for it
            raise FormatError(f"empty; {COPY}", file.name)
        if md5 != file.md5:
            said = f"its MD5 is {md5}, its manifest says {file.md5}: not as it was written; {COPY}"
            raise FormatError(said, file.name)

    def _mixed(self, read: Callable[[DataFile], Iterator[_T]], at_once: int) -> Iterator[_T]:
        rest = iter(self.files)
        if at_once <= 1:
            for file in rest:
                yield from read(file)
            return
        turn = deque(read(file) for file in islice(rest, at_once))
        while turn:
            one = turn.popleft()
            item = next(one, None)
            if item is not None:
                yield item
                turn.append(one)
            elif (following := next(rest, None)) is not None:
                turn.append(read(following))


def _counted(texts: list[Text]) -> int:
    return sum(text.items for text in texts)


class OtherFormError(FormatError):
    """When a backup is of a kind that is not read, however whole it is."""


def find(place: Place, *, allow_missing_manifest: bool = False, whole: bool = True) -> Backup:
    """Return the backup that lies in a place: what its manifest lists, all of it there.

    Args:
        place: of a native export, the folder of its manifests or one above.
        allow_missing_manifest: read every file of a DynamoDBExport without one, also what failed
            attempts left.
        whole: False: take also one that lacks files, for who wants to know all that is wrong.

    Raises:
        FormatError: there is none or not one alone, it is not finished, or it lacks a file.
    """
    names = sorted(place.names())
    summaries = [name for name in names if name.rpartition("/")[2] == native.SUMMARY]
    manifests = [name for name in (MANIFEST,) if name in names] + summaries
    if len(manifests) > 1:
        some = ", ".join(manifests[:3])
        raise FormatError(f"{len(manifests)} exports lie here ({some}, ...): name one of them")
    if MANIFEST in names:
        return _of_the_tool(place, names, content(place, MANIFEST), whole)
    if summaries:
        return _native(place, names, summaries[0].removesuffix(native.SUMMARY), whole)
    if begun := [name for name in names if name.rpartition("/")[2] == native.STARTED]:
        raise FormatError(
            f"no {native.SUMMARY} beside it: the export has not ended, or failed;"
            " read another night's",
            begun[0],
        )
    if not names:
        raise FormatError("nothing lies here: look the place up in the catalogue")
    if allow_missing_manifest:
        return _of_the_tool(place, names, None, whole)
    raise FormatError(
        f"neither {MANIFEST} nor {native.SUMMARY} lies here: no backup, or not the whole of it"
    )


def _of_the_tool(place: Place, names: Sequence[str], manifest: bytes | None, whole: bool) -> Backup:
    missing: list[str] = []
    try:
        if not whole and manifest is not None:
            there = frozenset(names)
            missing = [n for url in parse_manifest(manifest) if (n := file_name(url)) not in there]
        files = data_files([*names, *missing], manifest, allow_missing_manifest=True)
    except FormatError as error:
        raise FormatError(f"{error.problem}; {COPY}", error.name) from error
    present = (name for name in files if name not in missing)
    return Backup(place, Form.DYNAMODBEXPORT, tuple(map(DataFile, present)), missing=tuple(missing))


def _native(place: Place, names: Sequence[str], prefix: str, whole: bool) -> Backup:
    summary = _parsed(place, prefix + native.SUMMARY, native.parse_summary)
    if (summary.export_type or "").startswith("INCREMENTAL"):
        raise OtherFormError(
            "an incremental export holds changes, not items: read the full export before it",
            prefix + native.SUMMARY,
        )
    if summary.output_format != native.DYNAMODB_JSON:
        raise OtherFormError(
            f"the format is {summary.output_format}, only {native.DYNAMODB_JSON} is read:"
            " export the table again",
            prefix + native.SUMMARY,
        )
    there = frozenset(names)
    listing = prefix + native.FILES
    files: list[DataFile] = []
    missing: list[str] = []
    for line, one in enumerate(_parsed(place, listing, native.parse_files), start=1):
        name = next((n for n in native.places(one.key, prefix) if n in there), None)
        if name is None and not whole:
            missing.append(native.places(one.key, prefix)[0])
            continue
        if name is None:
            raise FormatError(
                f"{native.places(one.key, prefix)[0]} is missing; {COPY}", listing, line
            )
        files.append(DataFile(name, one.items, one.md5, one.key, one.etag))
    if (counted := sum(file.items or 0 for file in files)) != summary.items and not missing:
        raise FormatError(
            f"its files hold {counted} items, {native.SUMMARY} says {summary.items}; {COPY}",
            listing,
            len(files) or None,
        )
    return Backup(place, Form.NATIVE, tuple(files), summary, tuple(missing))


def _parsed(place: Place, name: str, parse: Callable[[bytes], _T]) -> _T:
    data = content(place, name)
    try:
        return parse(data)
    except FormatError as error:
        raise FormatError(f"{error.problem}; {COPY}", name, error.line) from error


def content(place: Place, name: str) -> bytes:
    """Return the whole of a file, such as a manifest.

    Raises:
        FormatError: it is missing.
    """
    parts = []
    with closing(_opened(place, name)) as stream:
        while part := stream.read(_PART_BYTES):
            parts.append(part)
    return b"".join(parts)


def _looked_through(stream: Source, opened: ExitStack) -> tuple[Source, str]:
    """Return a file's content, to be read from its start, and its MD5 as a manifest has it."""
    digest = hashlib.md5(usedforsecurity=False)
    rewound: Any = stream
    is_local = isinstance(stream, IOBase) and stream.seekable()
    if not is_local:
        # without a name: gone when it is closed
        rewound = opened.enter_context(TemporaryFile())  # noqa: SIM115 (the caller's stack closes it)
    while part := stream.read(_PART_BYTES):
        digest.update(part)
        if not is_local:
            rewound.write(part)
    rewound.seek(0)
    return rewound, b64encode(digest.digest()).decode()


def _opened(place: Place, name: str) -> Source:
    try:
        return place.open(name)
    except FileNotFoundError as error:
        raise FormatError(f"is missing; {COPY}", name) from error
