"""`hippolyte list` over 2,500 tables of 90 nights: CPU seconds, and calls to S3, canned ones.

With the SDK's own making of requests and parsing of answers; no time of a network.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import boto3
from botocore.awsrequest import AWSResponse
from rich.console import Console
from rich.table import Table

from benchmarks.planning import TABLES
from hippolyte.clients import configuration
from hippolyte.store import Store
from hippolyte_cli.backups import Backups

NIGHTS, SHOWN = 90, 30
ACCOUNT, REGION = "111122223333", "us-east-1"
WANTED_SECONDS = 2.0
_PAGE = 1000


@dataclass
class Bucket:
    """Answers as S3 does; it keeps so many tables of so many nights, and counts its calls."""

    tables: int
    nights: int
    calls: int = 0
    below: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first = datetime(2026, 8, 25, tzinfo=UTC)
        runs = [f"{first + timedelta(days=n):%Y-%m-%dT00-00Z}" for n in range(self.nights)]
        names = [f"table-{n:04}" for n in range(self.tables)]
        home = f"{ACCOUNT}/{REGION}/"
        self.below = {
            "catalog/": [ACCOUNT],
            f"catalog/{ACCOUNT}/": [REGION],
            f"catalog/{home}": names,
            f"runs/{home}": runs,
        }
        self.runs = runs
        told = {"verdict": "backed_up", "last_good": runs[-1], "items": 7, "bytes": 700}
        tables = dict.fromkeys(names, told)
        self.report = json.dumps({"version": 1, "run_id": runs[-1], "tables": tables}).encode()

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """Answer a request of the SDK."""
        self.calls += 1
        url = urlsplit(request.url)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = self._listed(asked) if "list-type" in asked else self._object(url.path)
        headers = {"ETag": '"x"', "Content-Length": str(len(body))}
        return AWSResponse(request.url, 200, headers, _Raw(body))

    def _listed(self, asked: dict[str, str]) -> bytes:
        prefix, after = asked["prefix"], int(asked.get("continuation-token", "0"))
        if "delimiter" in asked:
            names = self.below.get(prefix, [])  # of none kept longer
            some = [
                f"<CommonPrefixes><Prefix>{escape(prefix + name)}/</Prefix></CommonPrefixes>"
                for name in names[after : after + _PAGE]
            ]
        else:
            names = [f"{run}.json" for run in self.runs]
            some = [
                f'<Contents><Key>{escape(prefix + name)}</Key><ETag>"x"</ETag></Contents>'
                for name in names[after : after + _PAGE]
            ]
        more = after + _PAGE < len(names)
        rest = f"<NextContinuationToken>{after + _PAGE}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{rest}"
            f"{''.join(some)}</ListBucketResult>"
        ).encode()

    def _object(self, path: str) -> bytes:
        if path.endswith("/report.json"):
            return self.report
        table, name = path.rsplit("/", 2)[1:]
        run = name.removesuffix(".json")
        at = f"s3://backups/backups/{ACCOUNT}/{REGION}/{table}/{run}-1"
        entry = {"version": 1, "table": table, "run_id": run, "location": at}
        return json.dumps(entry | {"items": 7, "bytes": 700, "files": 1}).encode()


class _Raw:
    """A response's body as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._left = body

    def read(self, amount: int | None = None, **_: Any) -> bytes:
        """Return the next bytes."""
        some, self._left = self._left[:amount], self._left[len(self._left[:amount]) :]
        return some

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield what is left, once."""
        yield self.read()


def cost(bucket: Bucket, what: Callable[[Backups], object]) -> tuple[float, int]:
    """Return the CPU seconds and the calls of something done with the backups in a bucket."""
    os.environ.update(AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local")
    s3 = boto3.client("s3", region_name=REGION, config=configuration())
    s3.meta.events.register("before-send", bucket.answer)
    bucket.calls, began = 0, time.process_time()
    what(Backups(Store(s3, "backups")))
    return time.process_time() - began, bucket.calls


def nights(backups: Backups) -> int:
    """Read the newest nights of a table, as `list TABLE` does; return how many."""
    ((home, runs),) = backups.of("table-0007")
    return len([backups.read(home, "table-0007", run) for run in runs[:SHOWN]])


def main(small: bool = False) -> None:
    """Print the table; fail where the list of all tables takes longer than is wanted."""
    tables = 150 if small else TABLES
    bucket = Bucket(tables, NIGHTS)
    out = Console()
    shown = Table(title=f"hippolyte list: {tables:,} tables of {NIGHTS} nights are kept")
    for column in ("what", "CPU s", "calls to S3"):
        shown.add_column(column, justify="left" if column == "what" else "right")
    rows: dict[str, Callable[[Backups], object]] = {
        "list": Backups.overview,
        f"list TABLE, {SHOWN} nights": nights,
        "one backup by its day": lambda backups: backups.find("table-0007", "2026-09-01"),
    }
    seconds = {}
    for name, what in rows.items():
        seconds[name], calls = cost(bucket, what)
        shown.add_row(name, f"{seconds[name]:.2f}", f"{calls:,}")
    out.print(shown)
    if seconds["list"] >= WANTED_SECONDS:
        raise SystemExit(f"list took {seconds['list']:.2f} s, {WANTED_SECONDS} were wanted")


if __name__ == "__main__":
    main()
