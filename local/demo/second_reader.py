"""A second, independent reader of backups, in either format: the demo's check on the product.

It shares no code with `hippolyte` on purpose, and knows only what the present tool writes: a fault
in the product's own writer must not be read back as right.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

Item = Mapping[str, Mapping[str, Any]]

_TYPES = {
    "s": "S", "n": "N", "b": "B", "sS": "SS", "nS": "NS", "bS": "BS", "m": "M", "l": "L",
    "bOOL": "BOOL", "nULL": "NULL", "nULLValue": "NULL",
}  # fmt: skip


def read_backup(s3: Any, bucket: str, directory: str) -> list[Item]:
    """Return all items of the export in `directory` (key prefix without a slash at the end).

    Raises:
        ValueError: the export is not whole: no `_SUCCESS`, another version, a cut file.
    """
    native = f"{directory}/AWSDynamoDB/"
    if found := s3.list_objects_v2(Bucket=bucket, Prefix=native).get("Contents"):
        return _read_native(s3, bucket, native + found[0]["Key"].removeprefix(native).split("/")[0])
    s3.head_object(Bucket=bucket, Key=f"{directory}/_SUCCESS")
    manifest = json.loads(_body(s3, bucket, f"{directory}/manifest"))
    if manifest["name"] != "DynamoDB-export" or manifest["version"] != 3:
        raise ValueError(f"{directory}: not a manifest of version 3: {manifest}")
    items: list[Item] = []
    for entry in manifest["entries"]:
        place = f"s3://{bucket}/{directory}/"
        if not entry["url"].startswith(place):
            raise ValueError(f"{directory}: the manifest lists {entry['url']}, which is elsewhere")
        body = _body(s3, bucket, entry["url"].removeprefix(f"s3://{bucket}/"))
        if entry["url"].endswith(".gz"):
            body = gzip.decompress(body)
        if not body.endswith(b"}\n"):
            raise ValueError(f"{entry['url']}: cut off")
        items += [
            {name: _value(value) for name, value in json.loads(line).items()}
            for line in body[:-1].split(b"\n")
        ]
    return items


def _read_native(s3: Any, bucket: str, directory: str) -> list[Item]:
    """Return all items of an export in DynamoDB's own format: types as the service spells them."""
    summary = json.loads(_body(s3, bucket, f"{directory}/manifest-summary.json"))
    files = _body(s3, bucket, f"{directory}/manifest-files.json").splitlines()
    items: list[Item] = []
    for entry in map(json.loads, files):
        key = entry["dataFileS3Key"]
        if not key.startswith(f"{directory}/data/"):
            raise ValueError(f"{directory}: the manifest lists {key}, which is elsewhere")
        lines = gzip.decompress(_body(s3, bucket, key)).splitlines()
        if len(lines) != entry["itemCount"]:
            raise ValueError(f"{key}: {len(lines)} items, {entry['itemCount']} in the manifest")
        items += [_decoded(json.loads(line)["Item"]) for line in lines]
    if len(items) != summary["itemCount"]:
        raise ValueError(f"{directory}: {len(items)} items, {summary['itemCount']} in the summary")
    return items


def _decoded(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members with binary values as bytes, as the SDK gives them."""
    found = {}
    for name, value in members.items():
        ((kind, content),) = value.items()
        if kind == "B":
            content = base64.b64decode(content, validate=True)
        elif kind == "BS":
            content = [base64.b64decode(one, validate=True) for one in content]
        elif kind == "M":
            content = _decoded(content)
        elif kind == "L":
            content = [_decoded({"": one})[""] for one in content]
        found[name] = {kind: content}
    return found


def _body(s3: Any, bucket: str, key: str) -> bytes:
    body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def _value(value: Mapping[str, Any]) -> Mapping[str, Any]:
    ((key, content),) = value.items()
    kind = _TYPES[key]
    if kind == "B":
        content = base64.b64decode(content, validate=True)
    elif kind == "BS":
        content = [base64.b64decode(one, validate=True) for one in content]
    elif kind == "M":
        content = {name: _value(inner) for name, inner in content.items()}
    elif kind == "L":
        content = [_value(inner) for inner in content]
    return {kind: content}


def comparable(value: Mapping[str, Any]) -> tuple[str, Any]:
    """Return a hashable form of a value: numbers by decimal value, sets and maps without order."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return kind, Decimal(content)
        case "NS":
            return kind, frozenset(Decimal(one) for one in content)
        case "SS" | "BS":
            return kind, frozenset(content)
        case "L":
            return kind, tuple(comparable(one) for one in content)
        case "M":
            return kind, frozenset((name, comparable(one)) for name, one in content.items())
        case _:
            return kind, content


def differences(expected: Iterable[Item], found: Iterable[Item]) -> list[str]:
    """Return what differs between two tables' items, one sentence each; none if they are equal."""
    wanted = Counter(comparable({"M": item}) for item in expected)
    read = Counter(comparable({"M": item}) for item in found)
    return [
        f"{count} time(s) {which}: {str(sorted(item[1]))[:200]}"
        for which, items in (("missing", wanted - read), ("not expected", read - wanted))
        for item, count in items.items()
    ]
