"""The native layout: what DynamoDB's own full export leaves in a bucket, read and written.

Below `<directory>/AWSDynamoDB/<id>/` lie `_started`, `manifest-summary.json`,
`manifest-files.json`, the MD5 of each, and `data/*.json.gz`. Sources: a real export (the service
of May 2024) and the Developer Guide, "DynamoDB table export output format". Our own scans write
the same, so that whatever reads the service's exports reads ours; the member `hippolyte` of the
summary says that it is ours. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hippolyte.exports.manifest import FormatError, file_name

FOLDER = "AWSDynamoDB/"
DATA = "data/"
STARTED = "_started"
SUMMARY, SUMMARY_MD5 = "manifest-summary.json", "manifest-summary.md5"
FILES, FILES_MD5 = "manifest-files.json", "manifest-files.md5"

DYNAMODB_JSON = "DYNAMODB_JSON"
# of a full export; incremental ones are "2023-08-01" and hold no whole items
VERSION = "2020-06-30"

# segment and number of one of our own data files; the service's names are random
_NAME = re.compile(r"([0-9]{4,})-([0-9]{6,})\.json\.gz")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A line of `manifest-files.json`."""

    key: str  # from the bucket's root, so stale in a copy: see `places`
    items: int
    md5: str  # base64 of the MD5 of the bytes as they lie there
    etag: str  # without quotes; no MD5 where the upload was in parts or the key is of KMS


@dataclass(frozen=True, slots=True)
class Scanned:
    """Our own member of the summary: a scan took its time, so the items are of no one moment."""

    scan: str  # its id
    begun: datetime
    ended: datetime
    engine: str
    version: str  # of this package


@dataclass(frozen=True, slots=True)
class Summary:
    """The content of `manifest-summary.json`; None is what an export may lack or have as null."""

    table_arn: str
    table_id: str
    export_arn: str
    start: datetime
    end: datetime
    export_time: datetime | None  # the items' moment; of our own scans only their start
    bucket: str | None
    prefix: str | None
    manifest_key: str  # of `manifest-files.json`, from the bucket's root
    items: int
    billed_bytes: int = 0
    sse_algorithm: str | None = None
    sse_key: str | None = None
    output_format: str = DYNAMODB_JSON
    export_type: str | None = None  # only exports of the newer version say it
    version: str = VERSION
    scanned: Scanned | None = None


def root(directory: str, export: str) -> str:
    """Return the prefix of one export below a directory (a key without a slash at its end)."""
    return f"{directory}/{FOLDER}{export}/" if directory else f"{FOLDER}{export}/"


def export_id(begun: datetime, seed: str) -> str:
    """Return an id in the service's form: milliseconds of the start, eight hexadecimal digits."""
    digits = hashlib.sha256(seed.encode()).hexdigest()[:8]
    return f"0{int(begun.timestamp() * 1000)}-{digits}"


def data_name(segment: int, number: int) -> str:
    """Return the name below `data/` of a segment's file; the numbers of a segment begin at 0."""
    return f"{segment:04}-{number:06}.json.gz"


def parse_data_name(name: str) -> tuple[int, int] | None:
    """Return (segment, number) of a name that `data_name` gave, None for any other."""
    found = _NAME.fullmatch(name)
    pair = (int(found[1]), int(found[2])) if found else None
    return pair if pair and data_name(*pair) == name else None


def places(key: str, prefix: str) -> tuple[str, ...]:
    """Return where a data file may lie, best first: beside its manifest, then where it was.

    Args:
        key: `DataFile.key`.
        prefix: where its manifest lies now, a slash at its end. An incremental export's data lie
            in the folder beside it.
    """
    name = file_name(key)
    above = prefix.rstrip("/").rpartition("/")[0]
    beside = f"{above}/{DATA}{name}" if above else f"{DATA}{name}"
    return tuple(dict.fromkeys((f"{prefix}{DATA}{name}", beside, key)))


def checksum(data: bytes) -> str:
    """Return the content of an `.md5` file, and a data file's `md5`: base64, no line feed."""
    return b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def files_bytes(files: Iterable[DataFile]) -> bytes:
    """Return `manifest-files.json`: a JSON object a line, a line feed after each."""
    return b"".join(
        _dumped(
            {
                "itemCount": one.items,
                "md5Checksum": one.md5,
                "etag": one.etag,
                "dataFileS3Key": one.key,
            }
        )
        + b"\n"
        for one in files
    )


def parse_files(data: bytes) -> list[DataFile]:
    """Return the files that a `manifest-files.json` lists, in its order.

    Raises:
        FormatError: a line is no JSON object or lacks a member; a file is listed twice.
    """
    files: list[DataFile] = []
    names: set[str] = set()
    for number, line in enumerate(data.splitlines(), start=1):
        members = _Members(_parsed(line, FILES, number), FILES, number)
        one = DataFile(
            key=members.text("dataFileS3Key"),
            items=members.count("itemCount"),
            md5=members.text("md5Checksum"),
            etag=members.text("etag"),
        )
        name = file_name(one.key)
        if not name or name in names:
            raise FormatError(f"file {one.key!r} is listed twice or no file", FILES, number)
        names.add(name)
        files.append(one)
    return files


def summary_bytes(summary: Summary) -> bytes:
    """Return `manifest-summary.json`."""
    members: dict[str, Any] = {
        "version": summary.version,
        "exportArn": summary.export_arn,
        "startTime": _iso(summary.start),
        "endTime": _iso(summary.end),
        "tableArn": summary.table_arn,
        "tableId": summary.table_id,
        **({"exportTime": _iso(summary.export_time)} if summary.export_time else {}),
        "s3Bucket": summary.bucket,
        "s3Prefix": summary.prefix,
        "s3SseAlgorithm": summary.sse_algorithm,
        "s3SseKmsKeyId": summary.sse_key,
        "manifestFilesS3Key": summary.manifest_key,
        "billedSizeBytes": summary.billed_bytes,
        "itemCount": summary.items,
        "outputFormat": summary.output_format,
        **({"exportType": summary.export_type} if summary.export_type else {}),
    }
    if own := summary.scanned:
        members["hippolyte"] = {
            "scan": own.scan,
            "from": _iso(own.begun),
            "to": _iso(own.ended),
            "engine": own.engine,
            "version": own.version,
        }
    return _dumped(members)


def parse_summary(data: bytes) -> Summary:
    """Return what a `manifest-summary.json` says; members that are not known are left out.

    Raises:
        FormatError: not JSON, or a member that a reader needs is missing or of another kind.
    """
    document = _parsed(data, SUMMARY)
    members = _Members(document, SUMMARY)
    own = document.get("hippolyte")
    return Summary(
        table_arn=members.text("tableArn"),
        table_id=members.text("tableId"),
        export_arn=members.text("exportArn"),
        start=members.moment("startTime"),
        end=members.moment("endTime"),
        export_time=members.moment("exportTime") if document.get("exportTime") else None,
        bucket=members.optional("s3Bucket"),
        prefix=members.optional("s3Prefix"),
        manifest_key=members.text("manifestFilesS3Key"),
        items=members.count("itemCount"),
        billed_bytes=members.count("billedSizeBytes"),
        sse_algorithm=members.optional("s3SseAlgorithm"),
        sse_key=members.optional("s3SseKmsKeyId"),
        output_format=members.text("outputFormat"),
        export_type=members.optional("exportType"),
        version=members.text("version"),
        scanned=None if own is None else _scanned(own),
    )


def _scanned(own: Any) -> Scanned:
    if not isinstance(own, dict):
        raise FormatError(f"hippolyte is {own!r:.60}, not an object", SUMMARY)
    members = _Members(own, f"{SUMMARY}, hippolyte")
    return Scanned(
        scan=members.text("scan"),
        begun=members.moment("from"),
        ended=members.moment("to"),
        engine=members.text("engine"),
        version=members.text("version"),
    )


@dataclass(frozen=True, slots=True)
class _Members:
    """The members of a JSON object, each of the kind that is wanted."""

    members: Mapping[str, Any]
    name: str
    line: int | None = None

    def text(self, key: str) -> str:
        value = self.members.get(key)
        if not isinstance(value, str) or not value:
            raise FormatError(f"{key} is {value!r:.60}, not a text", self.name, self.line)
        return value

    def optional(self, key: str) -> str | None:
        return None if self.members.get(key) in (None, "") else self.text(key)

    def count(self, key: str) -> int:
        value = self.members.get(key)
        if type(value) is not int or value < 0:
            raise FormatError(f"{key} is {value!r:.60}, not a count", self.name, self.line)
        return value

    def moment(self, key: str) -> datetime:
        text = self.text(key)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise FormatError(f"{key} is {text!r:.60}, not a time", self.name, self.line) from error
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso(moment: datetime) -> str:
    """Return a time as the service writes it: UTC, milliseconds."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _dumped(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def _parsed(data: bytes, name: str, line: int | None = None) -> dict[str, Any]:
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}", name, line) from error
    if not isinstance(document, dict):
        raise FormatError("not a JSON object", name, line)
    return document
