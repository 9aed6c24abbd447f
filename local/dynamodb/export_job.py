"""An export of a table of the local AWS: what is told of it, and the files it writes."""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# a file holds about so many items; the service writes one a partition at least, empty ones too
_ITEMS_A_FILE = 50_000


@dataclass
class Export:
    """An export, as DescribeExport tells of it."""

    arn: str
    asked: dict[str, Any]
    table_arn: str
    table_id: str
    size_bytes: int
    began: datetime
    moment: datetime
    items: list[dict[str, Any]]
    partitions: int = 1
    status: str = "IN_PROGRESS"
    ended: datetime | None = None
    failure: tuple[str, str] | None = None

    @property
    def number(self) -> str:
        """The id, as it stands in the ARN and in S3."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def prefix(self) -> str:
        """Where its files lie in the bucket, a slash at the end."""
        above = self.asked.get("S3Prefix") or ""
        return f"{above.rstrip('/')}/AWSDynamoDB/{self.number}/".lstrip("/")

    @property
    def encryption(self) -> str:
        """The algorithm of S3's encryption."""
        return str(self.asked.get("S3SseAlgorithm") or "AES256")

    def summary(self) -> dict[str, Any]:
        """Return an ExportSummary."""
        return {
            "ExportArn": self.arn,
            "ExportStatus": self.status,
            "ExportType": self.asked.get("ExportType", "FULL_EXPORT"),
        }

    def description(self) -> dict[str, Any]:
        """Return an ExportDescription."""
        out: dict[str, Any] = {
            **self.summary(),
            "StartTime": self.began,
            "EndTime": self.ended,
            "TableArn": self.table_arn,
            "TableId": self.table_id,
            "ExportTime": self.moment,
            "ExportFormat": self.asked.get("ExportFormat", "DYNAMODB_JSON"),
        }
        for name in ("ClientToken", "S3Bucket", "S3BucketOwner", "S3Prefix", "S3SseKmsKeyId"):
            out[name] = self.asked.get(name)
        out["S3SseAlgorithm"] = self.encryption
        if self.status == "COMPLETED":
            out["ExportManifest"] = f"{self.prefix}manifest-summary.json"
            out["BilledSizeBytes"], out["ItemCount"] = self.size_bytes, len(self.items)
        if self.failure:
            out["FailureCode"], out["FailureMessage"] = self.failure
        return {name: value for name, value in out.items() if value is not None}


def data_files(export: Export) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Yield (key, content, line of `manifest-files.json`) of each data file."""
    count = max(1, export.partitions, -(-len(export.items) // _ITEMS_A_FILE))
    for number in range(count):
        items = export.items[number::count]
        body = gzip.compress(_lines(items), mtime=0)
        md5 = hashlib.md5(body, usedforsecurity=False).digest()
        key = f"{export.prefix}data/{uuid.uuid4().hex[:26]}.json.gz"
        yield (
            key,
            body,
            {
                "itemCount": len(items),
                "md5Checksum": b64encode(md5).decode(),
                # an upload in one part
                "etag": f"{hashlib.md5(md5, usedforsecurity=False).hexdigest()}-1",
                "dataFileS3Key": key,
            },
        )


def manifests(export: Export, files: Iterable[dict[str, Any]]) -> dict[str, bytes]:
    """Return the manifests and their sums, by name, in the order they are written."""
    listed = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in files)
    summary = {
        "version": "2020-06-30",
        "exportArn": export.arn,
        "startTime": _iso(export.began),
        "endTime": _iso(export.ended or export.began),
        "tableArn": export.table_arn,
        "tableId": export.table_id,
        "exportTime": _iso(export.moment),
        "s3Bucket": export.asked["S3Bucket"],
        "s3Prefix": export.asked.get("S3Prefix"),
        "s3SseAlgorithm": export.encryption,
        "s3SseKmsKeyId": export.asked.get("S3SseKmsKeyId"),
        "manifestFilesS3Key": f"{export.prefix}manifest-files.json",
        "billedSizeBytes": export.size_bytes,
        "itemCount": len(export.items),
        "outputFormat": "DYNAMODB_JSON",
    }
    text = json.dumps(summary, indent=2).encode()
    return {
        "manifest-files.json": listed,
        "manifest-files.md5": _sum(listed),
        "manifest-summary.md5": _sum(text),
        "manifest-summary.json": text,
    }


def _lines(items: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(
        json.dumps({"Item": item}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        for item in items
    )


def _sum(content: bytes) -> bytes:
    return b64encode(hashlib.md5(content, usedforsecurity=False).digest())


def _iso(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
