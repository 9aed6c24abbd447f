"""The items of a side as text, block by block, each file looked at once.

A file whose MD5 its manifest has is not checked by line: it is what was written, or an error at
its end. Others are, as the reader of backups does.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from hippolyte.errors import HippolyteError
from hippolyte.exports.lines import Form, Lines
from hippolyte.exports.manifest import FormatError
from hippolyte.exports.reader import COPY, Backup, DataFile
from hippolyte.exports.streams import Readable, whole_lines
from hippolyte_cli.compare.keys import Keys, NoKeyError
from hippolyte_cli.compare.sides import Side

_HEAD, _TAIL = Form.NATIVE.head, Form.NATIVE.tail


class CompareError(HippolyteError):
    """When a comparison cannot go on; the message says what to do."""


def texts(backup: Backup, file: DataFile) -> Iterator[list[bytes]]:
    """Yield the items of a file as compact DynamoDB JSON, some at a time.

    Raises:
        FormatError: the file is missing, not whole or not as it was written, or a line no item.
    """
    lines, cut, count = Lines(backup.form), _cutter(backup.form, file), 0
    try:
        stream = backup.place.open(file.name)
    except FileNotFoundError as error:
        raise FormatError(f"is missing; {COPY}", file.name) from error
    with closing(stream):
        source = _Digested(stream)
        blocks = whole_lines(source, file.name)
        while True:
            try:
                block = next(blocks, None)
                if block is None:
                    break
                found = cut(block) or lines.spans(block, count + 1)
            except FormatError as error:
                line = error.line or count + 1
                raise FormatError(f"{error.problem}; {COPY}", file.name, line) from error
            count += len(found)
            yield found
    if file.md5 and (md5 := source.md5()) != file.md5:
        said = f"its MD5 is {md5}, its manifest says {file.md5}: not as it was written; {COPY}"
        raise FormatError(said, file.name)
    if file.items is not None and count != file.items:
        raise FormatError(f"{count} items, its manifest says {file.items}; {COPY}", file.name)
    if backup.form is Form.DYNAMODBEXPORT and not count:
        raise FormatError(f"empty; {COPY}", file.name)


def _cutter(form: Form, file: DataFile) -> Callable[[bytes], list[bytes]]:
    """Return what cuts a block of common lines into items; it returns none of others."""
    head, tail = form.head.encode(), form.tail.encode()
    between = tail + b"\n" + head

    def cut(block: bytes) -> list[bytes]:
        if not (block.startswith(head + b"{") and block.endswith(tail + b"\n")):
            return []
        found = block[len(head) : -1 - len(tail)].split(between)
        # no string holds a line feed: a line that stands otherwise leaves one over
        return found if len(found) == block.count(b"\n") else []

    return cut if form is Form.NATIVE and file.md5 else lambda _: []


class _Digested:
    """A stream, and the MD5 of what was read of it."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self._digest = stream, hashlib.md5(usedforsecurity=False)

    def read(self, size: int, /) -> bytes:
        part = self._stream.read(size)
        self._digest.update(part)
        return part

    def md5(self) -> str:
        return b64encode(self._digest.digest()).decode()


def checked(side: Side, files: Iterable[DataFile], keys: Keys, spans: list[bytes]) -> list[bytes]:
    """Return items' texts now that each is to be parsed: of files as written none was checked.

    Raises:
        CompareError: one is no item; with file and line.
    """
    if not spans:
        return spans
    between = f"{_TAIL}\n{_HEAD}".encode()
    text = b"".join((_HEAD.encode(), between.join(spans), f"{_TAIL}\n".encode()))
    try:
        return Lines(Form.NATIVE).spans(text, 1)
    except FormatError as error:
        find_wrong(side, files, keys)
        raise CompareError(f"{side.name}: {error.problem}") from error


def find_wrong(side: Side, files: Iterable[DataFile], keys: Keys) -> None:
    """Look at files line by line for what is no item of the table.

    Raises:
        CompareError: it is found; with file and line.
    """
    for file in files:
        number = 0
        try:
            for span in side.backup.spans_of(file):
                number += 1
                keys.of([span])
        except NoKeyError as error:
            raise CompareError(
                f"{side.name}: {file.name}, line {number}: {error}. Is it of the same table?"
            ) from error
        except (FormatError, ValueError) as error:
            raise CompareError(f"{side.name}: {error}") from error
