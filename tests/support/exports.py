"""Exports of a few items in the formats that are read, as files in memory."""

from __future__ import annotations

import gzip
import itertools
import json
from typing import Any

from hippolyte.exports import native
from hippolyte.exports.dynamodbexport import write_export
from hippolyte.exports.lines import Item
from tools.tf import REPOSITORY

REAL = REPOSITORY / "tests" / "data" / "native-export"

ITEMS: list[Item] = [{"pk": {"N": str(n)}, "text": {"S": "x" * (n % 7)}} for n in range(10)]


def native_lines(items: list[Item]) -> bytes:
    return b"".join(
        json.dumps({"Item": item}, separators=(",", ":")).encode() + b"\n" for item in items
    )


SUMMARY = (REAL / "manifest-summary.json").read_bytes()


def native_export(
    parts: list[list[Item]],
    at: str = "AWSDynamoDB/01-ab/",
    root: str = "old/place/AWSDynamoDB/01-ab/",
) -> dict[str, bytes]:
    """Return the files of a native export that has been copied from its `root`."""
    files = {f"{at}{native.STARTED}": b""}
    listed = []
    for number, part in enumerate(parts):
        packed = gzip.compress(native_lines(part), mtime=0)
        files[f"{at}data/{number}.json.gz"] = packed
        key = f"{root}data/{number}.json.gz"
        listed.append(native.DataFile(key, len(part), native.checksum(packed), "etag"))
    summary = json.loads(SUMMARY) | {"itemCount": sum(map(len, parts))}
    files[f"{at}{native.FILES}"] = native.files_bytes(listed)
    files[f"{at}{native.SUMMARY}"] = json.dumps(summary).encode()
    return files


def tool_export(items: list[Item], **options: Any) -> dict[str, bytes]:
    """Return the files of a DynamoDBExport that has been copied from elsewhere."""
    files: dict[str, bytes] = {}
    # random ones would name the tests differently in each process
    names = (f"{number:08}" for number in itertools.count())

    def put(name: str, body: Any) -> None:
        files[name] = body.read()

    write_export(items, "s3://old/place", put, items_per_file=3, names=names, **options)
    return files
