"""The export format: MB/s written and read, and the memory a whole directory takes.

`python -m benchmarks.exportformat [megabytes]`: the size of the first directory, 1,000 by default;
the others are a fifth of it. Each direction runs in a process of its own, so that its peak memory
is its own.
"""

from __future__ import annotations

import random
import resource
import shutil
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from hippolyte.exports.dynamodbexport import Item, data_files, encode_item, read_items, write_export

MB = 1_000_000
DIRECTORY = "s3://bucket/directory"
_DISTINCT = 200


def _orders(source: random.Random, number: int) -> Item:
    return {
        "pk": {"S": f"customer#{number}"},
        "sk": {"S": f"order#{source.randrange(10**9)}"},
        "total": {"N": str(source.randrange(10**6))},
        "paid": {"BOOL": source.random() < 0.5},
        "tags": {"SS": ["gift", "new"]},
        "address": {"M": {"city": {"S": "Zürich"}, "zip": {"N": "8001"}}},
        **{
            f"attribute{i}": {"S": "".join(source.choices(string.ascii_letters, k=60))}
            for i in range(10)
        },
    }


def _counters(source: random.Random, number: int) -> Item:
    return {
        "pk": {"S": f"k{number}"},
        **{f"c{i}": {"N": str(source.randrange(10**4))} for i in range(12)},
    }


def _documents(source: random.Random, number: int) -> Item:
    text = "".join(source.choices(string.printable + "äöü", k=20_000))
    return {"pk": {"S": f"doc{number}"}, "text": {"S": text}, "raw": {"B": source.randbytes(9_000)}}


SHAPES: dict[str, Callable[[random.Random, int], Item]] = {
    "orders (1 KB, strings)": _orders,
    "counters (0.3 KB, numbers)": _counters,
    "documents (33 KB, text and binary)": _documents,
}


def _items(shape: str, wanted_bytes: int) -> Iterator[Item]:
    """Yield items until their lines make `wanted_bytes`; the same few hundred over and over."""
    source = random.Random(shape)
    items = [SHAPES[shape](source, number) for number in range(_DISTINCT)]
    sizes = [len(encode_item(item)) for item in items]
    done = 0
    while done < wanted_bytes:
        for item, size in zip(items, sizes, strict=True):
            yield item
            done += size


def _write(shape: str, wanted_bytes: int, place: Path) -> float:
    """Write a directory and return its bytes; storing a file is a copy on this disk."""
    sizes: list[int] = []

    def put(name: str, body: IO[bytes]) -> None:
        with (place / name).open("wb") as file:
            shutil.copyfileobj(body, file)
            sizes.append(file.tell())

    write_export(_items(shape, wanted_bytes), DIRECTORY, put)
    return sum(sizes)


def _manifest(place: Path) -> bytes:
    return (place / "manifest").read_bytes()


def _read(place: Path) -> float:
    total = 0
    for name in data_files([path.name for path in place.iterdir()], _manifest(place)):
        with (place / name).open("rb") as file:
            for _item in read_items(file, name):
                pass
        total += (place / name).stat().st_size
    return total


def _measure(run: Callable[[], float]) -> None:
    """Run in this process and print bytes, CPU seconds, peak MB: `_child` reads it."""
    start = time.process_time()
    done = run()
    seconds = time.process_time() - start
    print(done, seconds, _peak_bytes() / MB)


def _peak_bytes() -> int:
    """Return the most this program had resident.

    Linux keeps ru_maxrss over exec, so a child of a large process would show its parent's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        high_water = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        return int(high_water.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _child(*arguments: Any) -> tuple[float, float, float]:
    """Measure in a process of its own: MB, MB a CPU second, peak MB resident."""
    command = [sys.executable, "-m", "benchmarks.exportformat", *map(str, arguments)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    done, seconds, peak = map(float, output.split())
    return done / MB, done / MB / seconds, peak


def main() -> None:
    """Print the table."""
    megabytes = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else 1000
    print("Export format: one core, CPU time; the memory includes Python itself (about 15 MB).")
    print("What limits it is a microsecond of Python an attribute, so small ones read slower.")
    print(f"{'items':36}{'MB':>6}{'write MB/s':>12}{'peak MB':>9}{'read MB/s':>11}{'peak MB':>9}")
    for number, shape in enumerate(SHAPES):
        wanted = megabytes * MB // (5 if number else 1)
        with tempfile.TemporaryDirectory() as place:
            size, written, write_peak = _child("write", shape, wanted, place)
            _, read, read_peak = _child("read", place)
        print(
            f"{shape:36}{size:6.0f}{written:12.0f}{write_peak:9.0f}{read:11.0f}{read_peak:9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", shape, wanted, place]:
            _measure(partial(_write, shape, int(wanted), Path(place)))
        case ["read", place]:
            _measure(partial(_read, Path(place)))
        case _:
            main()
