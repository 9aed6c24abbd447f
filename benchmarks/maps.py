"""Maps: what `--map` adds to an export, at two sizes: CPU seconds, wall time and memory.

The whole program, with its imports, against a server whose pages are made as they are asked for;
without a map an item's text is copied as it came, by one it is parsed, changed and written again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks._cost import MB, Cost, cost
from benchmarks._live_table import TABLE
from benchmarks._served import environment, served

ITEMS, FEW_ITEMS = 300_000, 3_000
RULES = {
    "salt": "a salt of the benchmark",
    "rules": [
        {"attribute": "email", "do": "hash"},
        {"attribute": "token", "do": "drop"},
        {"attribute": "address.street", "do": "replace", "by": "none"},
        {"attribute": "lines[*].sku", "do": "hash"},
    ],
}
# wanted: times the memory of a tenth
TENTH = 1.2


def _exported(folder: Path, items: int, options: tuple[object, ...]) -> Cost:
    command = [sys.executable, "-m", "hippolyte_cli", "export", TABLE, folder / "export"]
    more = ["--rate", "1e6", "--segments", "4", "--json"]
    out = folder / "out"
    with served("_live_table", items, 0) as (url, _), out.open("wb") as file:
        found = cost(
            [*command, *more, *options], environment(url), output=file, errors=subprocess.DEVNULL
        )
    said = json.loads(out.read_bytes())
    if (said["whole"], said["items"]) != (True, items):
        raise RuntimeError(f"that is wrong: {said}")
    return found


def main(small: bool = False) -> None:
    """Print the table."""
    count = FEW_ITEMS if small else ITEMS
    print("Export of items of about 400 bytes of JSON, of which a map changes four attributes:")
    print(f"{'':16}{'items':>9}{'CPU s':>8}{'us an item':>12}{'wall s':>8}{'MB':>6}")
    taken: dict[bool, list[int]] = {True: [], False: []}
    for items in (count // 10, count):
        for has_map in (False, True):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                (folder / "map.json").write_text(json.dumps(RULES), encoding="utf-8")
                options = ("--map", folder / "map.json") if has_map else ()
                one = _exported(folder, items, options)
            taken[has_map].append(one.bytes)
            print(
                f"{'by a map' if has_map else 'as they are':16}{items:9,}{one.cpu_seconds:8.2f}"
                f"{one.cpu_seconds / items * 1e6:12.1f}{one.seconds:8.1f}{one.bytes / MB:6.0f}",
                flush=True,
            )
    few, many = taken[True]
    print(f"At most {TENTH:.1f} times the memory of a tenth was wanted: it is {many / few:.2f}.")


if __name__ == "__main__":
    main("--small" in sys.argv)
