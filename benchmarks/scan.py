"""Scans: client CPU seconds and memory, ours beside what people use, from the same server.

60,000 mixed items from a server that has its pages ready, then ours and boto3 from DynamoDB Local.
The others are installed into `build/bench`, pinned by `requirements/bench.txt`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import _scan_table
from benchmarks._served import served
from local.fleet.table_spec import TableSpec
from tests.support.real_dynamodb import RealDynamoDB, dynamodb_local
from tools import real_servers

REPOSITORY = Path(__file__).resolve().parent.parent
OTHERS = REPOSITORY / "build" / "bench"
MB = 1_000_000
MOST_MEMORY_MB = 96
ITEMS, FEW_ITEMS = 60_000, 2_000

# (whose, what is written on both sides, how many times our CPU it is to take at least)
REACH = (
    ("boto3", "gzip 1", 7),
    ("boto3", "plain", 12),
    ("dynamodump", "gzip 1", 11),
    ("aws-dynamodb-parallel-scan", "gzip 1", 7),
)


def _python_of_others() -> Path:
    """Install the others if needed, and return their interpreter."""
    pins, done = REPOSITORY / "requirements" / "bench.txt", OTHERS / "installed"
    python = OTHERS / "bin" / "python"
    if not done.exists() or done.read_bytes() != pins.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", OTHERS], check=True)
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", pins], check=True)
        done.write_bytes(pins.read_bytes())
    return python


def _measure(name: str, form: str, url: str, items: int, times: int) -> tuple[float, float]:
    """Scan in a process of its own, the best of some times: CPU seconds, MB above botocore's."""
    ours = name.startswith("ours") or name == "boto3"
    python = sys.executable if ours else str(_python_of_others())
    found: list[tuple[float, float]] = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            script = REPOSITORY / "benchmarks" / "_scan_runs.py"
            output = subprocess.run(
                [python, script, name, url, folder, form],
                env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true"},
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            ).stdout
        seconds, peak, count = map(float, output.split())
        if count != items:
            raise RuntimeError(f"{name} read {count:.0f} items of {items}")
        found.append((seconds, peak / MB))
    return min(found)


def _table(url: str, reach: tuple[tuple[str, str, int], ...], items: int, times: int) -> None:
    forms = dict.fromkeys(form for _, form, _ in reach)
    ours = {form: _measure("ours", form, url, items, times) for form in forms}
    print(f"{'against':28}{'written':>9}{'CPU s':>8}{'ours':>7}{'times':>7}{'wanted':>8}{'MB':>6}")
    for name, form, wanted in reach:
        seconds, peak = _measure(name, form, url, items, times)
        mine = ours[form][0]
        compared = f"{seconds / mine:7.1f}{wanted:8}"
        print(f"{name:28}{form:>9}{seconds:8.2f}{mine:7.2f}{compared}{peak:6.0f}", flush=True)
    memory = ", ".join(f"{form} {peak:.0f} MB" for form, (_, peak) in ours.items())
    print(f"Our memory above the interpreter with botocore: {memory} (at most {MOST_MEMORY_MB}).")


def _fill(server: RealDynamoDB, count: int) -> None:
    """Put the items, 25 a call."""
    server.create([TableSpec(_scan_table.TABLE)])
    client = server.client(max_pool_connections=4)

    def put(some: tuple[Any, ...]) -> None:
        puts = [{"PutRequest": {"Item": item}} for item in some]
        client.batch_write_item(RequestItems={_scan_table.TABLE: puts})

    items = iter(_scan_table.items(count))
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(put, iter(lambda: tuple(islice(items, 25)), ())):
            pass


def main(small: bool = False) -> None:
    """Print the tables."""
    items, most = (FEW_ITEMS, 1) if small else (ITEMS, 2)
    print("Scan: client CPU seconds of one process, its imports and its client's making left out.")
    with served("_scan_table", items) as (url, (pages, size)):
        print(f"{items:,} items, {size / MB:.1f} MB of JSON in {pages} pages.")
        _table(url, REACH, items, times=most)
        print("The whole loop, 4 threads, into folders:")
        for name, what, times in (
            ("ours, the loop", "1 table of 4 segments", most),
            ("ours, 64 segments", "1 table of 64", 1),
            ("ours, 40 tables", "40 tables of 8 each", 1),
        ):
            seconds, peak = _measure(name, "gzip 1", url, items, times)
            print(f"  {what}: {seconds:.2f} s, {peak:.0f} MB (at most {MOST_MEMORY_MB})")
    if why := real_servers.missing():
        print(f"Not from DynamoDB Local: {why}.")
        return
    print("\nFrom DynamoDB Local, which takes most of the minutes itself.")
    with dynamodb_local() as server:
        _fill(server, items)
        _table(server.url, REACH[:1], items, times=1)


if __name__ == "__main__":
    main()
