"""Look-ups: what filters cost the reading back, and what the history of one item reads with them.

First, of a backup in a folder, the CPU of level 2 with and without leaving filters, and how large
these are. Then a model of 100 nights of 10 GB by those figures. Then `hippolyte get --history`
itself, twice, over some nights on the local AWS: bytes of content it read, and its CPU, imports
and all.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks import _get_backup
from hippolyte.exports.filters import File as FilteredFile
from hippolyte.exports.filters import head_end, key_hash, keys_of, packed, parse_head
from hippolyte.exports.findings import READ, Expected
from hippolyte.exports.gather import Gather
from hippolyte.exports.keys import spelling
from hippolyte.exports.levels import check
from hippolyte.exports.native import root
from hippolyte.exports.place import Folder
from local.core.clock import Clock
from local.world import World

FILE_BYTES, SMALL_FILE_BYTES = 4 << 20, 32 << 10
MB, GB = 1_000_000, 1_000_000_000
NIGHTS, NIGHT_BYTES = 100, 10 * GB
WANTED_SHARE = 0.02
# keys of one filter, as `gather` has it
_KEYS = 2_000_000
_ACCOUNT, _REGION = "123456789012", "us-east-1"


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one shape of items; bytes, CPU seconds."""

    items: int
    text: int
    bytes: int
    files: int
    manifests: int
    filters: int
    without: float
    with_: float


def _level_two(folder: Path, gather: Gather | None) -> float:
    start = time.process_time()
    checked = check(Folder(folder), READ, Expected(), gather=gather)
    if gather:
        gather.write()
    assert READ in checked.levels, checked.findings
    return time.process_time() - start


def _measure(folder: Path, shape: str, file_bytes: int, files: int) -> Measured:
    items, text = _get_backup.write(folder, shape, file_bytes, files)
    left: list[int] = []
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for gathers in (False, True, False, True):
        left.clear()
        gather = Gather("pk", lambda _, data: left.append(len(data))) if gathers else None
        seconds[gathers].append(_level_two(folder, gather))
    lying = [path.stat().st_size for path in (folder / "data").iterdir()]
    return Measured(
        items=items,
        text=text,
        bytes=sum(lying),
        files=len(lying),
        manifests=sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
        filters=sum(left),
        without=min(seconds[False]),
        with_=min(seconds[True]),
    )


def _of_a_full_filter(shape: str, keys_a_file: int) -> tuple[int, float]:
    """Return the bytes that a look-up reads of a filter, and how often it says yes wrongly."""
    numbers = iter(range(10**9))
    files = []
    for number in range(max(1, _KEYS // keys_a_file)):
        texts = (_get_backup.key(shape, next(numbers)) for _ in range(keys_a_file))
        hashes = {key_hash(spelling({"S": text}) or b"") for text in texts}
        file = FilteredFile(f"{number:04}-000000.json.gz", FILE_BYTES, "x" * 24, "y" * 32)
        files.append(keys_of(file, hashes))
    data = packed("pk", files)
    head, read, wrong, asked = parse_head(data), 0, 0, 0
    for number in range(200):
        key = spelling({"S": _get_backup.key(shape, 900_000_000 + number)}) or b""
        begin, end = head.place(key)
        read += max(head_end(data), 16 << 10) + end - begin
        wrong += sum(head.may_hold(key, data[begin:end]))
        asked += len(files)
    # keys in a row are told apart better than any
    return read // 200, max(wrong / asked, 2**-8)


def _model(shape: str, m: Measured, night_bytes: float) -> float:
    """Return the share of all bytes that the history of one item reads."""
    file_bytes = m.bytes / m.files
    files = night_bytes / file_bytes
    keys_a_file = m.items // m.files
    of_filter, wrong = _of_a_full_filter(shape, keys_a_file)
    filters = ceil(files * keys_a_file / _KEYS)
    night = files * m.manifests / m.files + filters * of_filter + (1 + wrong * files) * file_bytes
    print(
        f"{shape:20}{NIGHTS:7} x {night_bytes / GB:5.1f} GB{files:9,.0f}{filters:9,}"
        f"{filters * of_filter / MB:9.2f}{wrong * 100:10.2f}"
        f"{NIGHTS * night / MB:12,.0f}{100 * night / night_bytes:9.2f} %",
        flush=True,
    )
    return night / night_bytes


@contextmanager
def _kept(folder: Path, nights: int) -> Iterator[dict[str, str]]:
    """Serve a bucket in which a table has so many nights, each the same files."""
    world = World(Clock(datetime(2026, 11, 28, tzinfo=UTC)), _ACCOUNT, _REGION)
    with world.served():
        s3 = world.client("s3")
        s3.create_bucket(Bucket="backups")
        for night in range(nights):
            run = f"2026-{1 + night // 28:02}-{1 + night % 28:02}T00-00Z"
            directory = f"backups/{_ACCOUNT}/{_REGION}/orders/{run}-1"
            for path in folder.rglob("*"):
                if path.is_file():
                    key = root(directory, "01-ab") + path.relative_to(folder).as_posix()
                    s3.put_object(Bucket="backups", Key=key, Body=path.read_bytes())
            definition = {
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            }
            entry = {
                "version": 1,
                "table": "orders",
                "run_id": run,
                "location": f"s3://backups/{directory}",
                **dict.fromkeys(("items", "bytes", "files")),
                "definition": definition,
            }
            key = f"catalog/{_ACCOUNT}/{_REGION}/orders/{run}.json"
            s3.put_object(Bucket="backups", Key=key, Body=json.dumps(entry).encode())
        yield world.environment()


def _get(key: str, environment: dict[str, str]) -> tuple[dict[str, Any], float, float]:
    """Return what `get --history --json` prints, its CPU and its wall time in seconds."""
    command = [sys.executable, "-m", "hippolyte_cli", "get", "orders", key, "--history", "--json"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*command, "--bucket", "backups", "--yes"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout), cpu, time.monotonic() - start


def _run(folder: Path, shape: str, items: int, nights: int) -> None:
    # another key each time: what is read of the first file is not what the second reads
    keys = (_get_backup.key(shape, items - 5), _get_backup.key(shape, items // 2))
    with tempfile.TemporaryDirectory() as home, _kept(folder, nights) as environment:
        for name, key in zip(("first", "second"), keys, strict=True):
            found, cpu, wall = _get(key, environment | {"HOME": home})
            read = found["read"]
            assert len(found["items"]) == 1, found
            print(
                f"{name:8}{read['files']:7,}{read['bytes'] / MB:12.1f}{read['of'] / MB:10.1f}"
                f"{100 * read['bytes'] / read['of']:9.2f} %{cpu:9.2f}{wall:9.2f}",
                flush=True,
            )


def main(small: bool = False) -> None:
    """Print the tables."""
    file_bytes = SMALL_FILE_BYTES if small else FILE_BYTES
    files, nights = (4, 2) if small else (16, 4)
    print("Filters: CPU of reading a backup back to level 2, without leaving them and with it;")
    print("seconds for a GB of lines, and what the filters take beside the files.")
    print(f"{'items':20}{'MB':>7}{'files':>7}{'without':>9}{'with':>9}{'more':>8}{'size':>9}")
    with tempfile.TemporaryDirectory() as place:
        measured: dict[str, Measured] = {}
        for shape in _get_backup.SHAPES:
            folder = Path(place) / shape[:6]
            m = measured[shape] = _measure(folder, shape, file_bytes, files)
            print(
                f"{shape:20}{m.text / MB:7.0f}{m.files:7}{m.without / m.text * GB:9.2f}"
                f"{m.with_ / m.text * GB:9.2f}{100 * (m.with_ / m.without - 1):6.0f} %"
                f"{100 * m.filters / m.bytes:7.2f} %",
                flush=True,
            )
        print()
        print("Model: the history of one item in all nights, filters there; by those figures.")
        print(
            f"{'items':20}{'nights':>17}{'files':>10}{'filters':>9}{'MB read':>9}{'wrong %':>10}"
            f"{'MB in all':>12}{'share':>11}"
        )
        shares = []
        for shape, m in measured.items():
            # as the files lie, and as the lines in them would be 10 GB
            for night_bytes in (NIGHT_BYTES, NIGHT_BYTES * m.bytes / m.text):
                shares.append(_model(shape, m, night_bytes))
        print(f"Reach: under {WANTED_SHARE:.0%}: {max(shares):.2%} at most.")
        print()
        shape = list(measured)[-1]
        print(f"Real: {nights} nights of {measured[shape].bytes / MB:.0f} MB on the local AWS.")
        print(
            f"{'look-up':8}{'files':>7}{'MB read':>12}{'of MB':>10}{'share':>11}"
            f"{'CPU s':>9}{'wall s':>9}"
        )
        _run(Path(place) / shape[:6], shape, measured[shape].items, nights)


if __name__ == "__main__":
    main("--small" in sys.argv)
