"""The bytes of a data file: unpacked by its suffix, in blocks that end with a line."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from hippolyte.exports.manifest import FormatError

# a 400 KB item of empty strings in a list takes 9 bytes a byte; anything near this is no item
MAX_LINE_BYTES = 16 * 1024 * 1024
# what json makes of 64 KiB no longer fits the processor's cache: half as slow again
_BLOCK_BYTES = 16 * 1024

# the window bits that zlib knows a form by; .deflate is Hadoop's DefaultCodec, which means zlib
_GZIP, _ZLIB = 31, 15
_WINDOWS = {".gz": _GZIP, ".deflate": _ZLIB}
# what a name of a packed file ends with
PACKED = tuple(_WINDOWS)
# others that Hadoop and people pack files by
_UNKNOWN = (".bz2", ".lz4", ".lzo", ".snappy", ".xz", ".zip", ".zst", ".zstd")


class Readable(Protocol):
    """What is read from: a binary file, or the body of an S3 answer."""

    def read(self, size: int, /) -> bytes: ...


def whole_lines(stream: Readable, name: str) -> Iterator[bytes]:
    """Yield the file's unpacked content in blocks of whole lines, 16 KiB or one line long.

    Args:
        stream: the content as it lies there; only `read(size)` is used.
        name: the file's name; its suffix says how it is packed.

    Raises:
        FormatError: packed in an unknown way, damaged, or cut off (without the file's name).
    """
    parts: list[bytes] = []
    for block in _unpacked(stream, name):
        end = block.rfind(b"\n") + 1
        if end:
            yield b"".join([*parts, block[:end]])
            parts = []
        parts.append(block[end:])
        if sum(map(len, parts)) > MAX_LINE_BYTES:
            raise FormatError(f"longer than {MAX_LINE_BYTES} bytes, no item is")
    if any(parts):
        raise FormatError("no line feed at the end: the file is cut off")


def _unpacked(stream: Readable, name: str) -> Iterator[bytes]:
    if name.endswith(_UNKNOWN):
        suffix = name.rpartition(".")[2]
        raise FormatError(f"packed as .{suffix}, only .gz and .deflate are read: unpack it first")
    window = next((bits for suffix, bits in _WINDOWS.items() if name.endswith(suffix)), None)
    if window is None:
        while block := stream.read(_BLOCK_BYTES):
            yield block
        return
    try:
        yield from _inflated(stream, window)
    except zlib.error as error:
        raise FormatError(f"damaged, or not packed as its name says ({error})") from error


def _inflated(stream: Readable, window: int) -> Iterator[bytes]:
    """Unpack one member after the other; zeros after one are padding."""
    engine = zlib.decompressobj(window)
    while packed := stream.read(_BLOCK_BYTES):
        while packed:
            if engine.eof:
                packed = packed.lstrip(b"\0")
                if not packed:
                    break
                engine = zlib.decompressobj(window)
            if block := engine.decompress(packed, _BLOCK_BYTES):
                yield block
            packed = engine.unused_data if engine.eof else engine.unconsumed_tail
    if not engine.eof:
        raise FormatError("the packed data ends too early: the file is cut off")
