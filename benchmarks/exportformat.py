"""The export format: MB/s written and read, and the memory a whole directory takes.

Then one reader beside the other on the same items: line by line (dynamodbexport.read_items), and
by the door to all formats (exports/reader.py).

`python -m benchmarks.exportformat [megabytes]`: the size of the first directory, 1,000 by default;
the others are a fifth of it. Each direction runs in a process of its own, so that its peak memory
is its own.
"""

from __future__ import annotations

import gzip
import random
import resource
import shutil
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from hippolyte.exports import native
from hippolyte.exports.dynamodbexport import Item, data_files, encode_item, read_items, write_export
from hippolyte.exports.reader import Folder, find
from tools.tf import REPOSITORY

MB = 1_000_000
DIRECTORY = "s3://bucket/directory"
_DISTINCT = 200
_REAL = REPOSITORY / "tests" / "data" / "native-export"
# how the door is asked, the directory it reads, and the column's head
_READERS = (
    ("text", "tool", "same files: text"),
    ("items", "tool", "parsed"),
    ("text", "native", "native: text"),
    ("items", "native", "parsed"),
    ("text", "packed", ".gz: text"),
)
_AT_LEAST = 2.0


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


def _write_native(place: Path, into: Path, packed: bool) -> None:
    """Write what lies in a directory as a native export, plain or packed as the scan does."""
    (into / native.DATA).mkdir(parents=True)
    backup, files = find(Folder(place)), []
    for number, file in enumerate(backup.files):
        name = native.DATA + native.data_name(0, number).removesuffix("" if packed else ".gz")
        spans = list(backup.spans_of(file))
        content = b"".join(b'{"Item":' + span + b"}\n" for span in spans)
        content = gzip.compress(content, 1, mtime=0) if packed else content
        (into / name).write_bytes(content)
        files.append(native.DataFile(name, len(spans), native.checksum(content), "none"))
    (into / native.FILES).write_bytes(native.files_bytes(files))
    summary = native.parse_summary((_REAL / native.SUMMARY).read_bytes())
    counted = replace(summary, items=sum(file.items for file in files))
    (into / native.SUMMARY).write_bytes(native.summary_bytes(counted))


def _by_the_door(how: str, place: Path) -> float:
    backup = find(Folder(place))
    for _item in backup.spans() if how == "text" else backup.items():
        pass
    # a rate is of the same bytes for all: those of the plain directory
    return 0


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
    done, seconds, peak = map(float, _run(*arguments).split())
    return done / MB, done / MB / seconds, peak


def _run(*arguments: Any) -> str:
    command = [sys.executable, "-m", "benchmarks.exportformat", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _seconds(*arguments: Any) -> float:
    """Return CPU seconds in a process of its own."""
    return float(_run(*arguments).split()[1])


def _pairs(megabytes: int) -> None:
    """Print how fast the door reads, and how many times as fast as line by line."""
    print(
        "Read on one core, MB of plain DynamoDBExport a CPU second, and how many times the first."
    )
    print(f"{'items':36}{'by line':>9}" + "".join(f"{head:>18}" for _, _, head in _READERS))
    sums = [0.0] * (1 + len(_READERS))
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            places = {name: Path(folder) / name for name in ("tool", "native", "packed")}
            places["tool"].mkdir()
            size = _write(shape, megabytes * MB, places["tool"]) / MB
            for name in ("native", "packed"):
                _write_native(places["tool"], places[name], packed=name == "packed")
            seconds = [_seconds("read", places["tool"])]
            seconds += [_seconds(how, places[name]) for how, name, _ in _READERS]
        _print_pair(shape, size, seconds)
        sums = [a + b for a, b in zip(sums, seconds, strict=True)]
    _print_pair("all, as many bytes of each", len(SHAPES) * megabytes, sums)
    text, parsed = sums[0] / sums[3], sums[0] / sums[4]
    print(
        f"Reach: of a native backup at least {_AT_LEAST:g} times: "
        f"text {text:.1f}, parsed {parsed:.1f}."
    )


def _print_pair(name: str, size: float, seconds: list[float]) -> None:
    first, *others = seconds
    columns = "".join(f"{size / one:11.0f} {first / one:5.1f}x" for one in others)
    print(f"{name:36}{size / first:9.0f}{columns}", flush=True)


def main(small: bool = False, megabytes: int = 1000) -> None:
    """Print the table."""
    megabytes = 5 if small else megabytes
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
    print()
    _pairs(megabytes // 5)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", shape, wanted, place]:
            _measure(partial(_write, shape, int(wanted), Path(place)))
        case ["read", place]:
            _measure(partial(_read, Path(place)))
        case [("text" | "items") as how, place]:
            _measure(partial(_by_the_door, how, Path(place)))
        case [megabytes]:
            main(megabytes=int(megabytes))
        case _:
            main()
