"""Filters over the partition keys of a backup's files: which of them may hold a key.

Written while files are read, as small objects in `_filters/` beside the manifest. A look-up reads
the head of each and the one block that its key is in. A filter never says no to a key that its
file holds; it says yes to another in about 1 of 300. docs/get.md has the format. Pure.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate, chain, repeat
from operator import rshift, sub

from hippolyte.exports.keys import Spelling
from hippolyte.exports.manifest import FormatError

FOLDER = "_filters"
SUFFIX = ".keys"
VERSION = 1
# what is read first of a filter: mostly its head, and of a small one all
FIRST_BYTES = 16 << 10

_MAGIC = b"hippolyte filter\n"
_LENGTH = 4
_LEVEL = 1
# bits of a key's hash beyond those that tell a file's keys apart: 1 of 256 or less is taken for
# another
_MORE_BITS = 8
_HASH_BITS = 32
# keys of a block, about 10 bits each, and the most blocks that there are
_BLOCK_KEYS, _MOST_BLOCK_BITS = 16 << 10, 10


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was when its keys were gathered: another one is not meant.

    Attributes:
        name: without the folders before it.
        size: bytes.
        md5: as its manifest has it; empty: that has none.
        etag: as S3's listing has it, or what stands for it; only looked at without an MD5.
    """

    name: str
    size: int
    md5: str = ""
    etag: str = ""

    @property
    def mark(self) -> tuple[str, int, str]:
        """What must be the same; none without checksum and ETag."""
        return self.name, self.size, self.md5 or self.etag


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a file, as sorted hashes. `bits`: of each."""

    file: File
    hashes: array[int] = field(repr=False)
    bits: int


key_hash: Callable[[Spelling], int] = zlib.crc32
"""Return what a filter knows a key by, 32 bits."""


def keys_of(file: File, hashes: set[int]) -> Keys:
    """Return a file's keys; `hashes` as `key_hash` gives them."""
    bits = min(_HASH_BITS, max(len(hashes) - 1, 0).bit_length() + _MORE_BITS)
    # one that stands twice takes a bit or two, and to find it out more than that is worth
    short = sorted(map(rshift, hashes, repeat(_HASH_BITS - bits)))
    return Keys(file, array("I", short), bits)


def packed(attribute: str, files: Sequence[Keys]) -> bytes:
    """Return a filter over the keys of some files.

    Args:
        attribute: that the keys are values of.
        files: with their keys.
    """
    count = sum(len(one.hashes) for one in files)
    # no hash has less bits than a block's number
    most = min([_MOST_BLOCK_BITS, *(one.bits for one in files)])
    block_bits = min(most, max(0, (count // _BLOCK_KEYS).bit_length()))
    blocks = [_block(files, number, block_bits) for number in range(1 << block_bits)]
    head = {
        "version": VERSION,
        "attribute": attribute,
        "files": [asdict(one.file) | {"bits": one.bits} for one in files],
        "ends": list(accumulate(map(len, blocks))),
    }
    told = zlib.compress(json.dumps(head, separators=(",", ":")).encode())
    return b"".join([_MAGIC, len(told).to_bytes(_LENGTH, "little"), told, *blocks])


def _block(files: Sequence[Keys], number: int, block_bits: int) -> bytes:
    """Return how many keys each file has in a block, and the steps from one to the next."""
    counts, steps = array("I"), array("I")
    for one in files:
        low, high = (n << (one.bits - block_bits) for n in (number, number + 1))
        part = one.hashes[bisect_left(one.hashes, low) : bisect_left(one.hashes, high)]
        counts.append(len(part))
        steps.extend(map(sub, part, chain([low], part)))
    data = _little(steps).tobytes()
    # first bytes do not compress, second ones do, the others are zeros
    planes = [data[at :: steps.itemsize] for at in range(steps.itemsize)]
    return zlib.compress(b"".join([_little(counts).tobytes(), *planes]), _LEVEL)


@dataclass(frozen=True, slots=True)
class Head:
    """What a filter begins with. `start`: where its blocks do."""

    attribute: str
    files: tuple[File, ...]
    bits: tuple[int, ...]
    ends: tuple[int, ...]
    start: int

    def place(self, key: Spelling) -> tuple[int, int]:
        """Return where the block of a key begins and ends in the object."""
        number = self._number(key)
        before = self.ends[number - 1] if number else 0
        return self.start + before, self.start + self.ends[number]

    def may_hold(self, key: Spelling, block: bytes) -> Iterator[bool]:
        """Yield, of each of the files, whether it may hold a key.

        Raises:
            FormatError: that is not the block of the key.
        """
        try:
            data = zlib.decompress(block)
        except zlib.error as error:
            raise FormatError(f"damaged: {error}") from error
        counts = _array(data[: 4 * len(self.files)])
        total = sum(counts)
        if len(data) != 4 * (len(counts) + total):
            raise FormatError("damaged: a block that is too short")
        planes = bytearray(4 * total)
        for at in range(4):
            begin = 4 * len(counts) + at * total
            planes[at::4] = data[begin : begin + total]
        steps, done = _array(bytes(planes)), 0
        number, block_bits = self._number(key), self._block_bits
        for count, bits in zip(counts, self.bits, strict=True):
            low = number << (bits - block_bits)
            wanted = key_hash(key) >> (_HASH_BITS - bits)
            yield wanted in accumulate(chain([low], steps[done : done + count])) and (
                # the block's beginning is a key only if it stands there
                wanted != low or (count > 0 and steps[done] == 0)
            )
            done += count

    @property
    def _block_bits(self) -> int:
        return len(self.ends).bit_length() - 1

    def _number(self, key: Spelling) -> int:
        return key_hash(key) >> (_HASH_BITS - self._block_bits)


def head_end(start: bytes) -> int:
    """Return where the head ends of a filter, by its first bytes.

    Raises:
        FormatError: it is none.
    """
    at = len(_MAGIC) + _LENGTH
    if len(start) < at or not start.startswith(_MAGIC):
        raise FormatError("no filter")
    return at + int.from_bytes(start[len(_MAGIC) : at], "little")


def parse_head(start: bytes) -> Head:
    """Return the head of a filter; `start` is all up to `head_end`, or more.

    Raises:
        FormatError: it is none, damaged, or of another version.
    """
    end = head_end(start)
    try:
        found = json.loads(zlib.decompress(start[len(_MAGIC) + _LENGTH : end]))
        if found["version"] != VERSION:
            raise FormatError(f"a filter of version {found['version']}, {VERSION} is known")
        bits = tuple(int(one.pop("bits")) for one in found["files"])
        head = Head(
            str(found["attribute"]),
            tuple(File(**one) for one in found["files"]),
            bits,
            tuple(map(int, found["ends"])),
            end,
        )
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"damaged: {error!r}") from error
    if len(head.ends).bit_count() != 1:
        raise FormatError("damaged: its blocks are no power of two")
    return head


def _array(data: bytes) -> array[int]:
    return _little(array("I", data))


def _little(numbers: array[int]) -> array[int]:
    """Return numbers of this machine as they are written, or the other way round."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


def is_filter(name: str) -> bool:
    """Say whether a name below a backup's place is a filter's."""
    folder, _, last = name.rpartition("/")
    return last.endswith(SUFFIX) and folder.rpartition("/")[2] == FOLDER
