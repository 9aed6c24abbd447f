"""Records on disk by partition: written in any order, and read one partition at a time.

Beside the records is a table for each time that the buffer was written: where each partition of it
begins, eight bytes each.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")
_INDEX = ".index"
_ENTRY = 8


class Spill(Generic[_T]):
    """Writes records to a file.

    Args:
        path: the file; another of the same name with `.index` lies beside it.
        parts: how many partitions there are.
        packed: makes bytes of some records.
        most: the buffer is written when it holds so much of what `add` says.
    """

    def __init__(
        self, path: Path, parts: int, packed: Callable[[list[_T]], bytes], most: int
    ) -> None:
        self._data = path.open("wb")
        self._index = path.with_name(path.name + _INDEX).open("wb")
        self._parts, self._packed, self._most = parts, packed, most
        self._buckets: list[list[_T]] = [[] for _ in range(parts)]
        self._held = self._at = 0

    def add(self, numbers: Iterable[int], records: Iterable[_T], held: int) -> None:
        """Add records, each to the partition of its number.

        Args:
            numbers: one a record; the partition is the rest of its division by their count.
            records: to be added.
            held: how much they are.
        """
        buckets, parts = self._buckets, self._parts
        for number, record in zip(numbers, records, strict=True):
            buckets[number % parts].append(record)
        self._held += held
        if self._held >= self._most:
            self.write()

    def write(self) -> None:
        """Write what is in the buffer."""
        if not self._held:
            return
        table = array("Q", [self._at])
        for number, bucket in enumerate(self._buckets):
            if bucket:
                self._at += self._data.write(self._packed(bucket))
                self._buckets[number] = []
            table.append(self._at)
        self._index.write(table.tobytes())
        self._held = 0

    def __enter__(self) -> Spill[_T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.write()
        finally:
            self._data.close()
            self._index.close()


def read(path: Path, part: int, parts: int) -> bytes:
    """Return the records of one partition, as they were packed, one after the other."""
    found: list[bytes] = []
    width = (parts + 1) * _ENTRY
    with path.open("rb") as data, path.with_name(path.name + _INDEX).open("rb") as index:
        at = part * _ENTRY
        while True:
            index.seek(at)
            pair: Any = array("Q", index.read(2 * _ENTRY))
            if not pair:
                return b"".join(found)
            start, end = pair
            if end > start:
                data.seek(start)
                found.append(data.read(end - start))
            at += width


def lines(records: list[bytes]) -> bytes:
    """Pack texts without line feeds."""
    return b"\n".join(records) + b"\n"


def numbers(records: list[int]) -> bytes:
    """Pack numbers below 2 to the power of 64."""
    return array("Q", records).tobytes()
