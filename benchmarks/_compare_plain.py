"""What most people would write: both backups into dictionaries, for `benchmarks.compare`.

`python -m benchmarks._compare_plain LEFT RIGHT [BYTES]`, with a limit of memory if one is given.
Ends with 1 if anything differs, with 3 if it does not fit.
"""

from __future__ import annotations

import gzip
import json
import resource
import sys
from pathlib import Path
from typing import Any

NO_ROOM = 3


def load(folder: Path) -> dict[str, Any]:
    """Return the items of a native backup by key."""
    found = {}
    for path in sorted((folder / "data").iterdir()):
        with gzip.open(path, "rb") as lines:
            for line in lines:
                item = json.loads(line)["Item"]
                found[item["pk"]["S"]] = item
    return found


def main(left: str, right: str, limit: str = "") -> int:
    """Compare, and print how many items differ."""
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (int(limit), int(limit)))
    try:
        one, other = load(Path(left)), load(Path(right))
    except MemoryError:
        return NO_ROOM
    differ = sum(one.get(key) != other.get(key) for key in one.keys() | other.keys())
    print(differ)
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
