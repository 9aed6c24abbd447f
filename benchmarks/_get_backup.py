"""A native backup for `benchmarks.get`, as a scan leaves it: files of 4 MiB, packed."""

from __future__ import annotations

import gzip
import json
import random
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hippolyte.exports import native
from tests.support.exports import SUMMARY

Row = dict[str, Any]


def _counter(source: random.Random, number: int) -> Row:
    counts = {f"c{i}": {"N": str(source.randrange(10**4))} for i in range(12)}
    return {"pk": {"S": f"k{number}"}, **counts}


def _order(source: random.Random, number: int) -> Row:
    def text(length: int) -> str:
        return "".join(source.choices(string.ascii_letters, k=length))

    return {
        "pk": {"S": f"customer#{number:07d}"},
        "total": {"N": str(source.randrange(10**6))},
        "paid": {"BOOL": source.random() < 0.5},
        "tags": {"SS": ["gift", "new"]},
        "address": {"M": {"city": {"S": "Zürich"}, "zip": {"N": "8001"}, "street": {"S": text(9)}}},
        **{f"attribute{i}": {"S": f"{text(12)} the same words in each of them"} for i in range(10)},
    }


SHAPES: dict[str, Callable[[random.Random, int], Row]] = {
    "counters, 0.3 KB": _counter,
    "orders, 0.9 KB": _order,
}


_KEYS = dict(zip(SHAPES, ("k{}", "customer#{:07d}"), strict=True))
# items by which the size of a packed line is measured, and that are in no backup
_SAMPLE = 2000


def write(folder: Path, shape: str, file_bytes: int, files: int) -> tuple[int, int]:
    """Write a backup; return its items and the bytes of their lines."""
    (folder / native.DATA).mkdir(parents=True)
    rows, listed, items, text = _lines(shape), [], 0, 0
    sample = [next(rows) for _ in range(_SAMPLE)]
    packed_line = len(gzip.compress(b"".join(sample), 1)) / len(sample)
    each = max(10, round(file_bytes / packed_line))
    for number in range(files):
        lines = b"".join(next(rows) for _ in range(each))
        name = native.DATA + native.data_name(number % 16, number // 16)
        packed = gzip.compress(lines, 1, mtime=0)
        (folder / name).write_bytes(packed)
        listed.append(native.DataFile(name, each, native.checksum(packed), "none"))
        items, text = items + each, text + len(lines)
    (folder / native.FILES).write_bytes(native.files_bytes(listed))
    summary = json.loads(SUMMARY) | {"itemCount": items}
    (folder / native.SUMMARY).write_text(json.dumps(summary))
    return items, text


def key(shape: str, number: int) -> str:
    """Return the partition key of an item of a backup, by its number there."""
    return _KEYS[shape].format(number + _SAMPLE)


def _lines(shape: str) -> Iterator[bytes]:
    source, number = random.Random(shape), 0
    while True:
        row = json.dumps(SHAPES[shape](source, number), ensure_ascii=False, separators=(",", ":"))
        yield b'{"Item":%b}\n' % row.encode()
        number += 1
