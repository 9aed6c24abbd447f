"""One scan of `benchmarks.scan`, measured in this process: its CPU seconds, memory, items.

`python _scan_runs.py RUN URL FOLDER`. What a run needs is imported and its client made before the
measuring begins. It needs nothing of this repository but for our own run.
"""

from __future__ import annotations

import gzip
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import boto3

Measured = Callable[[], int]
TABLE = "bench"


def _client(url: str) -> Any:
    made = boto3.client(
        "dynamodb",
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    made.list_tables()
    return made


def _opened(folder: Path, zipped: bool) -> IO[bytes]:
    if zipped:
        return gzip.open(folder / "0.json.gz", "wb", compresslevel=1)  # type: ignore[return-value]
    return (folder / "0.json").open("wb")


def ours(url: str, folder: Path, zipped: bool) -> Measured:
    """Scan by `hippolyte.scan.reading`."""
    reading = importlib.import_module("hippolyte.scan.reading")
    client = reading.scan_client(_client(url))

    def run() -> int:
        count, request = 0, {"TableName": TABLE}
        with _opened(folder, zipped) as file:
            while True:
                page = reading.scan_page(client, request)
                if page.items:
                    file.write(b'{"Item":' + b'}\n{"Item":'.join(page.items) + b"}\n")
                count += page.count
                if page.parsed:
                    raise RuntimeError("the text rule did not apply")
                if not page.last_key:
                    return count
                request["ExclusiveStartKey"] = page.last_key

    return run


def loop(url: str, folder: Path, _: bool, tables: int = 1, segments: int = 4) -> Measured:
    """Scan by the whole of `hippolyte.scan`: 4 threads, into folders; as many tables as said."""
    parts = {
        name: importlib.import_module(f"hippolyte.scan.{name}")
        for name in ("loop", "pace", "runner", "table")
    }
    share = importlib.import_module("hippolyte.share").Share
    sink = importlib.import_module("hippolyte_cli.folder").FolderSink
    source = parts["table"].TableSource(_client(url), TABLE)

    def wanted(number: int) -> tuple[str, Any]:
        return f"{TABLE}-{number}", parts["table"].Wanted(
            source=source,
            sink=sink(folder / str(number), "AWSDynamoDB/1/"),
            scan="1",
            engine="bench",
            segments=segments,
            # nothing is to wait
            pace=lambda _, __, n, now: parts["pace"].Pace.start(share(1.0, 1e6), n, now),
        )

    def run() -> int:
        with parts["runner"].Threads(4) as threads:
            ends = parts["loop"].Loop([wanted(n) for n in range(tables)], runner=threads).run()
        if reasons := [end.reason for end in ends if end.reason]:
            raise RuntimeError(reasons[0])
        (items,) = {end.items for end in ends}
        return int(items)

    return run


def _write(file: IO[bytes], items: list[Any]) -> int:
    lines = [
        json.dumps({"Item": item}, separators=(",", ":"), ensure_ascii=False) for item in items
    ]
    file.write(("\n".join(lines) + "\n").encode() if lines else b"")
    return len(items)


def sdk(url: str, folder: Path, zipped: bool) -> Measured:
    """Scan by boto3 and write the same lines."""
    client = _client(url)

    def pages() -> Iterator[Any]:
        yield from client.get_paginator("scan").paginate(TableName=TABLE)

    def run() -> int:
        with _opened(folder, zipped) as file:
            return sum(_write(file, page["Items"]) for page in pages())

    return run


def parallel_scan(url: str, folder: Path, zipped: bool) -> Measured:
    """Scan by aws-dynamodb-parallel-scan, 4 segments, and write the same lines."""
    made = importlib.import_module("aws_dynamodb_parallel_scan").get_paginator(_client(url))

    def run() -> int:
        with _opened(folder, zipped) as file:
            pages = made.paginate(TableName=TABLE, TotalSegments=4)
            return sum(_write(file, page["Items"]) for page in pages)

    return run


def dynamodump(url: str, folder: Path, _: bool) -> Measured:
    """Back up by dynamodump, which writes indented JSON, a file a page."""
    module = importlib.import_module("dynamodump.dynamodump")
    _client(url)
    host, port = url.removeprefix("http://").split(":")
    sys.argv = ["dynamodump", "-m", "backup", "-r", "local", "-s", TABLE, "--dumpPath", str(folder)]
    sys.argv += ["--host", host, "--port", port, "--accessKey", "x", "--secretKey", "x"]
    sys.argv += ["--log", "ERROR"]

    def run() -> int:
        module.main()
        return 0

    return run


def count_dumped(folder: Path) -> int:
    """Return how many items dynamodump wrote."""
    files = folder.glob(f"{TABLE}/data/*.json")
    return sum(len(json.loads(file.read_bytes())["Items"]) for file in files)


RUNS: dict[str, Callable[[str, Path, bool], Measured]] = {
    "ours": ours,
    "ours, the loop": loop,
    "ours, 40 tables": partial(loop, tables=40, segments=8),
    "ours, 64 segments": partial(loop, segments=64),
    "boto3": sdk,
    "aws-dynamodb-parallel-scan": parallel_scan,
    "dynamodump": dynamodump,
}


def _peak_bytes() -> int:
    """Return the most this program had resident; a child of a large process is no smaller by it."""
    status = Path("/proc/self/status").read_text()
    high_water = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(high_water.split()[1]) * 1024


def main(name: str, url: str, place: str, form: str) -> None:
    """Run one and print its CPU seconds, the bytes resident above what there was, its items."""
    run = RUNS[name](url, Path(place), form == "gzip 1")
    before, start = _peak_bytes(), time.process_time()
    count = run()
    seconds = time.process_time() - start
    peak = _peak_bytes() - before
    print(seconds, peak, count or count_dumped(Path(place)))


if __name__ == "__main__":
    main(*sys.argv[1:])
