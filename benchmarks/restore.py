"""Restores: client CPU seconds, memory and wall time, ours beside carica-dynamodb-tools' `load`.

60,000 mixed items into a server that takes all at once, then into dynalite. Ours reads a native
backup, packed and with checksums; the other plain lines. Both are whole programs, with their
imports and all their processes. The other is one of `requirements/judges.txt`.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks import _restore_run, _scan_table
from benchmarks._cost import MB, Cost, cost
from benchmarks._served import environment, served
from hippolyte.exports import native
from local.fleet.table_spec import TableSpec
from tests.support.exports import SUMMARY
from tests.support.real_dynamodb import dynalite
from tools import real_servers

REPOSITORY = Path(__file__).resolve().parent.parent
CARICA = REPOSITORY / "build" / "judges" / "bin" / "carica-dynamodb-load"
ITEMS, FEW_ITEMS = 60_000, 2_000
FILES = 8
# how many times our CPU it is to take at least
WANTED = 3


def write(folder: Path, count: int) -> Path:
    """Write a native backup of so many items, and plain lines of them; return these."""
    (folder / "data").mkdir(parents=True)
    plain = folder / "lines"
    texts = [
        json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode()
        for item in _scan_table.items(count)
    ]
    plain.write_bytes(b"".join(text + b"\n" for text in texts))
    listed = []
    for number in range(FILES):
        part = texts[number::FILES]
        packed = gzip.compress(b"".join(b'{"Item":' + text + b"}\n" for text in part), 1, mtime=0)
        name = native.DATA + native.data_name(number, 0)
        (folder / name).write_bytes(packed)
        listed.append(native.DataFile(name, len(part), native.checksum(packed), "none"))
    (folder / native.FILES).write_bytes(native.files_bytes(listed))
    summary = json.loads(SUMMARY) | {"itemCount": count}
    (folder / native.SUMMARY).write_text(json.dumps(summary))
    return plain


def _cost(command: list[Any], url: str, stdin: Path | None = None) -> Cost:
    """Run a program to its end."""
    # carica's options are declared twice
    return cost(command, environment(url) | {"PYTHONWARNINGS": "ignore"}, stdin)


def _both(backup: Path, plain: Path, url: str) -> dict[str, Cost]:
    journal = backup / "journal"
    ours = [sys.executable, "-m", _restore_run.__name__, backup, url, journal]
    theirs = [CARICA, "--procs", "4", _restore_run.TABLE]
    found = {"ours": _cost(ours, url)}
    _check(url, backup)
    found["carica load, 4 processes"] = _cost(theirs, url, plain)
    _check(url, backup)
    return found


def _check(url: str, backup: Path) -> None:
    """Fail if the server of the canned answers did not take every item."""
    wanted = json.loads((backup / native.SUMMARY).read_bytes())["itemCount"]
    with suppress(OSError), urllib.request.urlopen(url) as answer:
        text = answer.read()
        if text.isdigit() and int(text) != wanted:
            raise RuntimeError(f"{int(text):,} items came of {wanted:,}")


def _print(found: dict[str, Cost]) -> None:
    ours = found["ours"]
    print(f"{'':28}{'CPU s':>8}{'times':>7}{'wall s':>8}{'MB':>6}")
    for name, one in found.items():
        times = one.cpu_seconds / ours.cpu_seconds
        print(
            f"{name:28}{one.cpu_seconds:8.2f}{times:7.1f}{one.seconds:8.1f}{one.bytes / MB:6.0f}",
            flush=True,
        )


def main(small: bool = False) -> None:
    """Print the tables."""
    count = FEW_ITEMS if small else ITEMS
    if not CARICA.exists():
        print(f"Restore: not measured, {CARICA.name} is not installed (`make test` does).")
        return
    with tempfile.TemporaryDirectory() as folder:
        backup = Path(folder) / "backup"
        plain = write(backup, count)
        print(f"Restore of {count:,} mixed items, {plain.stat().st_size / MB:.1f} MB of JSON.")
        with served("_restore_server") as (url, _):
            _print(_both(backup, plain, url))
        print(f"Of CPU, at least {WANTED} times ours was wanted, and no more memory than theirs.")
        if why := real_servers.missing():
            print(f"Not into dynalite: {why}.")
            return
        print("Into dynalite, which takes most of the time itself:")
        with dynalite() as server:
            server.create([TableSpec(_restore_run.TABLE, on_demand=True)])
            _print(_both(backup, plain, server.url))


if __name__ == "__main__":
    main()
