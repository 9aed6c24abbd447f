"""Two backups compared: CPU seconds, wall time and memory, beside two dictionaries of their items.

1,000,000 items of about 400 bytes of JSON, of which 1 % differ: changed, only left and only right.
Both are whole programs, with their imports and all their processes. The right backup is in the
order of the left one, as two scans are; then in another, as an export by DynamoDB itself may be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from hashlib import md5
from itertools import islice
from pathlib import Path

from benchmarks import _compare_plain
from benchmarks._cost import MB, Cost, cost
from hippolyte.exports import native
from tests.support.exports import SUMMARY

ITEMS, FEW_ITEMS = 1_000_000, 3_000
SEGMENTS, FILES = 8, 4
# what the dictionaries may take
ROOM = 2 << 30
# wanted: times as fast, bytes of ours at the most, and of a tenth of the items
TIMES, MOST_BYTES, TENTH = 5, 300 * MB, 1.1
# one item of so many differs
_EACH = 100


def text(number: int, edition: int) -> str:
    """Return an item; two editions of a number differ in an attribute."""
    digest = md5(b"%d" % number, usedforsecurity=False).hexdigest()
    return (
        f'{{"pk":{{"S":"customer#{number:08d}"}},"email":{{"S":"{digest[:12]}@example.org"}},'
        f'"total":{{"N":"{number % 9973}.{number % 89}"}},"edition":{{"N":"{edition}"}},'
        f'"paid":{{"BOOL":{"true" if number % 3 else "false"}}},"note":{{"NULL":true}},'
        f'"tags":{{"SS":["eu","gift","{digest[:3]}"]}},"address":{{"M":{{"city":{{"S":"Zürich"}},'
        f'"street":{{"S":"{digest} {number % 97}"}}}}}},"lines":{{"L":[{{"M":{{"sku":{{"S":'
        f'"{digest[5:15]}"}},"n":{{"N":"{number % 7}"}}}}}}]}},"token":{{"S":"{digest[::-1]}"}}}}'
    )


def lines(numbers: Iterable[int], is_right: bool) -> Iterator[str]:
    """Yield the lines of a side: of each hundred items one differs, in turn in three ways."""
    for number in numbers:
        way = (number // _EACH) % 3 if number % _EACH == 0 else None
        if way == (1 if is_right else 2):
            continue
        yield f'{{"Item":{text(number, 2 if is_right and way == 0 else 1)}}}\n'


def write(folder: Path, count: int, all_lines: Iterator[str]) -> int:
    """Write a native backup of lines as a scan leaves it; return the bytes of its items."""
    (folder / "data").mkdir(parents=True)
    listed, size, total = [], 0, 0
    files = SEGMENTS * FILES
    for number in range(files):
        part = list(islice(all_lines, -(-count // files)))
        content = "".join(part).encode()
        size, total = size + len(content), total + len(part)
        packer = zlib.compressobj(1, wbits=31)
        packed = packer.compress(content) + packer.flush()
        name = native.DATA + native.data_name(number // FILES, number % FILES)
        (folder / name).write_bytes(packed)
        listed.append(native.DataFile(name, len(part), native.checksum(packed), "none"))
    (folder / native.FILES).write_bytes(native.files_bytes(listed))
    summary = json.loads(SUMMARY) | {"itemCount": total}
    (folder / native.SUMMARY).write_text(json.dumps(summary))
    return size


def _ours(left: Path, right: Path, count: int) -> Cost:
    command = [sys.executable, "-m", "hippolyte_cli", "compare", left, right]
    more = ["--key-attributes", "pk", "--json", "--summary", "--work", left.parent / "work"]
    out = left.parent / "out"
    with out.open("wb") as file:
        found = cost([*command, *more], os.environ, codes=(1,), output=file)
    said = json.loads(out.read_bytes())
    differ = said["left_only"] + said["right_only"] + said["different"]
    if differ != -(-count // _EACH) or said["equal"] + differ != count:
        raise RuntimeError(f"that is wrong: {said}")
    return found


def _plain(left: Path, right: Path, limit: int) -> Cost:
    command = [
        sys.executable,
        "-m",
        _compare_plain.__name__,
        left,
        right,
        *([limit] if limit else []),
    ]
    return cost(command, os.environ, codes=(1, _compare_plain.NO_ROOM), output=subprocess.DEVNULL)


def _row(name: str, found: Cost, ours: Cost | None = None) -> None:
    times = ["", ""]
    if ours:
        times = [
            f"{found.cpu_seconds / ours.cpu_seconds:.1f}x",
            f"{found.seconds / ours.seconds:.1f}x",
        ]
    print(
        f"{name:40}{found.cpu_seconds:8.1f}{times[0]:>7}{found.seconds:8.1f}{times[1]:>7}"
        f"{found.bytes / MB:8.0f}",
        flush=True,
    )


def _measured(items: int, tenth: Cost | None) -> tuple[Cost, Cost]:
    """Print a table; return what ours took, and what the dictionaries did, as far as they fit."""
    with tempfile.TemporaryDirectory() as name:
        left, right, other = (Path(name) / side for side in ("left", "right", "other"))
        size = write(left, items, lines(range(items), False))
        write(right, items, lines(range(items), True))
        # each number once: the factor has no divisor with the count in common
        mixed = (number * 7_368_787 % items for number in range(items))
        write(other, items, lines(mixed, True))
        print(f"Compare of {items:,} items with as many, {size / MB:.0f} MB of JSON each:")
        print(f"{'':40}{'CPU s':>8}{'':7}{'wall s':>8}{'':7}{'MB':>8}")
        ours = _ours(left, right, items)
        _row("hippolyte compare", ours)
        mixed = _ours(left, other, items)
        _row("the same, right in another order", mixed)
        plain = _plain(left, right, ROOM)
    name = "two dictionaries"
    if plain.code == _compare_plain.NO_ROOM and tenth:
        print(f"{name} do not fit in {ROOM >> 30} GiB")
        name = "ten times what they took of a tenth"
        plain = Cost(tenth.cpu_seconds * 10, tenth.seconds * 10, tenth.bytes * 10)
    _row(name, plain, ours)
    _row("  beside ours in another order", plain, mixed)
    print()
    return ours, plain


def main(small: bool = False) -> None:
    """Print the tables."""
    count = FEW_ITEMS if small else ITEMS
    few, plain = _measured(count // 10, None)
    ours, _ = _measured(count, plain)
    print(
        f"At least {TIMES} times as fast was wanted, at most {MOST_BYTES / MB:.0f} MB, and at most "
        f"{TENTH:.1f} times those of a tenth: it is {ours.bytes / few.bytes:.2f} times."
    )


if __name__ == "__main__":
    main()
