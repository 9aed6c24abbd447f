"""A file of a segment: lines gathered and compressed page by page, and read back to go on from.

Pure: bytes in, bytes out. A segment keeps no compressor between pages (that would be 256 KB each):
every chunk is deflated by itself and ends at a byte, and all of them together are one ordinary
gzip file (RFC 1951, 3.2.4: an empty stored block aligns; RFC 1952).
"""

from __future__ import annotations

import json
import zlib
from binascii import a2b_base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hippolyte.exports.manifest import FormatError
from hippolyte.exports.native import checksum
from hippolyte.scan.reading import Page

# smaller chunks compress badly; bytes of text
CHUNK = 64 << 10
LEVEL = 1

# no name, no time: the same items give the same bytes
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x03\x00"
_PIECE = 64 << 10


@dataclass(frozen=True, slots=True)
class Buffer:
    """What a segment has read since its last file."""

    chunks: tuple[bytes, ...] = ()  # deflated
    pending: bytes = b""  # text that is yet too little to deflate
    crc: int = 0
    text: int = 0  # bytes of all the text, deflated or not
    items: int = 0
    units: float = 0.0

    @property
    def holds(self) -> int:
        """Bytes in memory."""
        return sum(map(len, self.chunks)) + len(self.pending)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file's metadata say of it.

    Attributes:
        items: its lines.
        size: its bytes.
        text: the same, unpacked.
        units: read capacity units that its items cost.
        md5: as `native.checksum` gives it.
        before: the items of the segment's files before it.
        written: when.
        end: it is the segment's last file.
    """

    items: int
    size: int
    text: int
    units: float
    md5: str
    before: int
    written: datetime
    end: bool

    def metadata(self) -> dict[str, str]:
        """Return them as an object's metadata."""
        written = self.written.astimezone(UTC).isoformat(timespec="milliseconds")
        facts = {
            "items": str(self.items),
            "size": str(self.size),
            "text": str(self.text),
            "units": str(self.units),
            "md5": self.md5,
            "before": str(self.before),
            "written": written,
        }
        return facts | ({"end": "true"} if self.end else {})

    @classmethod
    def of(cls, metadata: Mapping[str, str], name: str) -> Facts:
        """Return what an object's metadata say.

        Raises:
            FormatError: they are not of a scan's file.
        """
        try:
            return cls(
                items=int(metadata["items"]),
                size=int(metadata["size"]),
                text=int(metadata["text"]),
                units=float(metadata["units"]),
                md5=metadata["md5"],
                before=int(metadata["before"]),
                written=datetime.fromisoformat(metadata["written"]).astimezone(UTC),
                end=metadata.get("end") == "true",
            )
        except (KeyError, ValueError, TypeError) as error:
            raise FormatError(f"its metadata are not a scan's: {error}", name) from error


def add(buffer: Buffer, page: Page, level: int = LEVEL) -> Buffer:
    """Return a buffer with a page's items added, a line each."""
    lines = b'{"Item":' + b'}\n{"Item":'.join(page.items) + b"}\n" if page.items else b""
    pending = buffer.pending + lines
    chunks = buffer.chunks
    if len(pending) >= CHUNK:
        chunks, pending = (*chunks, _deflated(pending, level)), b""
    return replace(
        buffer,
        chunks=chunks,
        pending=pending,
        crc=zlib.crc32(lines, buffer.crc),
        text=buffer.text + len(lines),
        items=buffer.items + page.count,
        units=buffer.units + page.units,
    )


def sealed(buffer: Buffer, level: int = LEVEL) -> bytes:
    """Return the whole file of a buffer; of an empty one an empty file, a gzip of nothing."""
    rest = (_deflated(buffer.pending, level),) if buffer.pending else ()
    size = (buffer.text & 0xFFFFFFFF).to_bytes(4, "little")
    trailer = _LAST_BLOCK + buffer.crc.to_bytes(4, "little") + size
    return b"".join((_HEADER, *buffer.chunks, *rest, trailer))


def facts(buffer: Buffer, data: bytes, before: int, written: datetime, end: bool) -> Facts:
    """Return what is to be said of a buffer's file."""
    return Facts(
        items=buffer.items,
        size=len(data),
        text=buffer.text,
        units=buffer.units,
        md5=checksum(data),
        before=before,
        written=written,
        end=end,
    )


def last_key(data: bytes, keys: Sequence[str], name: str) -> dict[str, Any]:
    """Return the key of a file's last item, as the SDK takes it; the scan goes on after it.

    Args:
        data: the file.
        keys: names of the table's key attributes.
        name: for the error.

    Raises:
        FormatError: it is no whole gzip file of items, or holds none.
    """
    line = b""
    for piece in _unpacked(data, name):
        line = _last_line(line + piece)
    try:
        item = json.loads(line)["Item"]
        return {key: as_the_sdk(*item[key].items()) for key in keys}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(f"its last line is no item of the table: {line[:80]!r}", name) from error


def _last_line(text: bytes) -> bytes:
    """Return the last line of a text, with its line feed if it has one."""
    return text[text.rfind(b"\n", 0, len(text) - 1) + 1 :]


def _unpacked(data: bytes, name: str) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for start in range(0, len(data), _PIECE):
            packed = data[start : start + _PIECE]
            while packed and not unpacker.eof:
                yield unpacker.decompress(packed, _PIECE)
                packed = unpacker.unconsumed_tail
    except zlib.error as error:
        raise FormatError(f"not a gzip file: {error}", name) from error
    if not unpacker.eof:
        raise FormatError("not one whole gzip file", name)


def as_the_sdk(value: tuple[str, Any]) -> dict[str, Any]:
    """Return a value of a key, given as its type and content, as the SDK takes it."""
    kind, content = value
    return {kind: _binary(content) if kind == "B" else content}


def _binary(text: str) -> bytes:
    return a2b_base64(text, strict_mode=True)


def _deflated(text: bytes, level: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
