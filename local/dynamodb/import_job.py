"""An import into a table of the local AWS: what is told of it, and reading an object."""

from __future__ import annotations

import gzip
import json
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_KINDS = frozenset(("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "M", "L"))


@dataclass
class Import:
    """An import, as DescribeImport tells of it."""

    arn: str
    asked: dict[str, Any]
    name: str
    table_arn: str
    began: datetime
    table_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    table: Table | None = None
    # the objects as they were when it began to read, by name
    objects: dict[str, str] = field(default_factory=dict)
    status: str = "IN_PROGRESS"
    ended: datetime | None = None
    bytes: int = 0
    items: int = 0
    imported: int = 0
    errors: int = 0
    failure: tuple[str, str] | None = None
    log: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return an ImportSummary."""
        out = {
            "ImportArn": self.arn,
            "ImportStatus": self.status,
            "TableArn": self.table_arn,
            "S3BucketSource": self.asked["S3BucketSource"],
            "CloudWatchLogGroupArn": f"{self.arn.split(':dynamodb:')[0]}:logs:"
            f"{':'.join(self.arn.split(':')[3:5])}:log-group:/aws-dynamodb/imports:*",
            "InputFormat": self.asked["InputFormat"],
            "StartTime": self.began,
            "EndTime": self.ended,
        }
        return {name: value for name, value in out.items() if value is not None}

    def description(self) -> dict[str, Any]:
        """Return an ImportTableDescription."""
        out = {
            **self.summary(),
            "TableId": self.table_id,
            "ClientToken": self.asked.get("ClientToken"),
            "InputCompressionType": self.asked.get("InputCompressionType", "NONE"),
            "TableCreationParameters": self.asked["TableCreationParameters"],
            "ErrorCount": self.errors,
            "ProcessedSizeBytes": self.bytes,
            "ProcessedItemCount": self.items,
            "ImportedItemCount": self.imported,
        }
        if self.failure:
            out["FailureCode"], out["FailureMessage"] = self.failure
        return {name: value for name, value in out.items() if value is not None}


def read(one: Import, table: Table, name: str, stored: bytes) -> None:
    """Read an object; the rest of one that is malformed is left out (quotas and validation)."""
    try:
        for line in _lines(one, stored):
            one.items += 1
            document = json.loads(line)
            if not isinstance(document, dict) or list(document) != ["Item"]:
                raise ValueError('not {"Item": ...}')
            try:
                _put(table, document["Item"])
            except (JsonRESTError, ValueError) as error:
                one.errors += 1
                one.log.append(f"{name}: {error}")
            else:
                one.imported += 1
    except (ValueError, OSError, EOFError, zlib.error) as error:
        one.errors += 1
        one.log.append(f"{name}: {error}")


def _lines(one: Import, stored: bytes) -> Iterator[bytes]:
    compression = one.asked.get("InputCompressionType", "NONE")
    if compression == "ZSTD":
        raise ValueError("the local AWS has no Zstandard")
    data = gzip.decompress(stored) if compression == "GZIP" else stored
    one.bytes += len(data)
    return iter([line for line in data.split(b"\n") if line.strip()])


def _put(table: Table, item: Any) -> None:
    """Put an item, over another of the same key: that is neither counted nor logged."""
    if not isinstance(item, dict):
        raise ValueError("an item is an object")
    for name, value in item.items():
        if not isinstance(value, dict) or len(value) != 1 or not _KINDS.issuperset(value):
            raise ValueError(f"{name} has not one type")
    kinds = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
    for key in filter(None, (table.hash_key_attr, table.range_key_attr)):
        if list(item.get(key, ())) != [kinds[key]]:
            raise ValueError(f"the key {key} is missing or of another type")
        if not DynamoType(item[key]).size():
            raise ValueError(f"the key {key} is empty")
    table.put_item(item)
