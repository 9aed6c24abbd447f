"""An undo: CPU seconds, wall time and memory, at two sizes of which one item in ten has changed.

The whole program, with its imports and all its processes, against a server whose answers are
made as they are asked for: the table is read, compared with a backup in a folder, what is replaced
is kept in another, and each change is read once more and written.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import compare
from benchmarks._cost import MB, Cost, cost
from benchmarks._live_table import TABLE
from benchmarks._served import environment, served

ITEMS, FEW_ITEMS = 1_000_000, 3_000
# one item of so many has changed
EACH = 10
# wanted: bytes at the most, and times those of a tenth
MOST_BYTES, TENTH = 300 * MB, 1.2


def _undone(backup: Path, place: Path, items: int) -> Cost:
    """Undo, and hold what the program says against what there was to be done."""
    command = [sys.executable, "-m", "hippolyte_cli", "undo", TABLE, "--at", backup, "--yes"]
    more = ["--keep", place / "kept", "--work", place / "work", "--json"]
    fast = ["--rate", "1e6", "--read-rate", "1e6"]
    out = place / "out"
    with served("_live_table", items, EACH) as (url, _), out.open("wb") as file:
        found = cost(
            [*command, *more, *fast], environment(url), output=file, errors=subprocess.DEVNULL
        )
    said = json.loads(out.read_bytes())
    if (said["complete"], said["done"]["change"]) != (True, items // EACH):
        raise RuntimeError(f"that is wrong: {said['done']} of {items // EACH:,}")
    return found


def main(small: bool = False) -> None:
    """Print the table."""
    count = FEW_ITEMS if small else ITEMS
    print(f"Undo where one item of {EACH} has changed, of about 400 bytes of JSON each:")
    print(f"{'items':>10}{'changed':>9}{'CPU s':>8}{'wall s':>8}{'ms a change':>13}{'MB':>6}")
    found = []
    for items in (count // 10, count):
        with tempfile.TemporaryDirectory() as name:
            lines = (f'{{"Item":{compare.text(n, 1)}}}\n' for n in range(items))
            compare.write(Path(name) / "backup", items, lines)
            one = _undone(Path(name) / "backup", Path(name), items)
        found.append(one)
        each = one.cpu_seconds * 1000 / (items // EACH)
        print(
            f"{items:10,}{items // EACH:9,}{one.cpu_seconds:8.1f}{one.seconds:8.1f}{each:13.2f}"
            f"{one.bytes / MB:6.0f}",
            flush=True,
        )
    few, ours = found
    print(
        f"At most {MOST_BYTES / MB:.0f} MB was wanted, and {TENTH:.1f} times those of a tenth: it "
        f"is {ours.bytes / few.bytes:.2f} times."
    )


if __name__ == "__main__":
    main("--small" in sys.argv)
