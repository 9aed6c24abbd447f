"""One restore of `benchmarks.restore`: `python -m benchmarks._restore_run BACKUP URL JOURNAL`."""

from __future__ import annotations

import sys
from pathlib import Path

import boto3

from hippolyte.exports.reader import Folder, find
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.writer import CONFIG, load

TABLE = "bench"


def main(backup: str, url: str, journal: str) -> None:
    """Load a backup as fast as it goes, and print how many items were written."""
    client = boto3.client("dynamodb", endpoint_url=url, config=CONFIG)
    kept = Journal(Path(journal), {"backup": backup, "table": TABLE})
    whole = find(Folder(Path(backup)))
    print(load(client, TABLE, ["pk"], whole, rate=Rate(1e6), journal=kept).written)


if __name__ == "__main__":
    main(*sys.argv[1:])
