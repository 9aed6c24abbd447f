"""Records on S3: written once or by compare-and-swap; a lost answer is not a lost race."""

from __future__ import annotations

import gzip
import json
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from hippolyte.errors import ConfigurationError, ConflictError
from hippolyte.record_form import VERSION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_Form = TypeVar("_Form")

Kept = dict[tuple[str, str], tuple[Any, str]]
"""(bucket, key) -> what a process made of a record, and the record's etag."""

_CONFLICT_TRIES = 4
# characters; of some two hundred tables, so that a small deployment's records are plain text
_PACKED_FROM = 100_000
_GZIP = b"\x1f\x8b"
# what reading a body raises that holds anything at all
_NO_RECORD = (
    *(ValueError, KeyError, TypeError, OverflowError, RecursionError),
    *(EOFError, OSError, zlib.error),
)


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a bucket: the names of what has more below, and when each object was written."""

    below: list[str]
    written: dict[str, datetime]


class Store:
    """JSON records in one bucket.

    Each write carries a nonce: after a 412, which a retried PUT may earn by its own first try, the
    record is read back, and our own nonce means that we wrote it.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self.s3 = s3
        self.bucket = bucket

    def read(self, key: str) -> tuple[dict[str, Any], str] | None:
        """Return (record, etag), None if there is none.

        Raises:
            ConfigurationError: the record is no JSON, or a newer version wrote it; names the key.
        """
        return self.read_as(key, dict, None)

    def read_as(
        self, key: str, form: Callable[[dict[str, Any]], _Form], before: tuple[_Form, str] | None
    ) -> tuple[_Form, str] | None:
        """Return what `form` makes of a record, with its etag; None if there is none.

        As `read`; `before` is what was returned earlier: it is again if nobody wrote since.
        """
        try:
            unless = {"IfNoneMatch": before[1]} if before else {}
            answer = self.s3.get_object(Bucket=self.bucket, Key=key, **unless)  # type: ignore[arg-type]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if before and code in ("304", "NotModified"):
                return before
            if code in ("NoSuchKey", "404"):
                return None
            raise
        record = self._parsed(key, answer["Body"].read())
        try:
            return form(record), answer["ETag"]
        except ConfigurationError as error:
            raise ConfigurationError(f"s3://{self.bucket}/{key}: {error}") from error

    def read_kept(
        self, key: str, form: Callable[[dict[str, Any]], _Form], kept: Kept, most: int
    ) -> tuple[_Form, str] | None:
        """Return as `read_as` does, and keep it for the next time; nobody may change it."""
        place = self.bucket, key
        found = self.read_as(key, form, kept.get(place))
        if found:
            keep(kept, place, found, most)
        return found

    def _parsed(self, key: str, body: bytes) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads(unpacked(body))
            version = int(record["version"])
        except _NO_RECORD as error:
            raise ConfigurationError(
                f"s3://{self.bucket}/{key} is not a record of this product ({error}); "
                "restore its former version"
            ) from error
        if version > VERSION:
            raise ConfigurationError(
                f"s3://{self.bucket}/{key} was written by a newer version ({version}, this one "
                f"knows {VERSION}): deploy that version again"
            )
        return record

    def create(self, key: str, record: Mapping[str, Any] | str) -> str | None:
        """Write a record, or its `text`, that must not exist yet; return its etag.

        A long text is packed: what is written again and again all night. None if one is there
        already.
        """
        return self._put(key, record, IfNoneMatch="*")

    def replace(self, key: str, record: Mapping[str, Any] | str, etag: str) -> str:
        """Write a record, or its `text`, over the one with `etag`; return the new etag.

        Raises:
            ConflictError: somebody else wrote it meanwhile.
        """
        new = self._put(key, record, IfMatch=etag)
        if new is None:
            raise ConflictError(f"s3://{self.bucket}/{key} was written by another invocation")
        return new

    def put(self, key: str, record: Mapping[str, Any]) -> None:
        """Write a record whatever is there (only for content that is the same each time)."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=_with_nonce(text(record), "-"))

    def names(self, prefix: str, start_after: str = "") -> Iterator[str]:
        """Yield all keys below `prefix` (which ends with a slash), without the prefix."""
        for name, _ in self.listed(prefix, start_after):
            yield name

    def listed(self, prefix: str, start_after: str = "") -> Iterator[tuple[str, str]]:
        """Yield (key, etag) as `names` does; an etag is that of `read` as long as nobody writes."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, StartAfter=prefix + start_after
        )
        for page in pages:
            for entry in page.get("Contents", []):
                yield entry["Key"][len(prefix) :], entry["ETag"]

    def level(self, prefix: str) -> Level:
        """Return what lies directly below `prefix` (which ends with a slash), whatever below it."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, Delimiter="/"
        )
        below: list[str] = []
        written: dict[str, datetime] = {}
        for page in pages:
            below += [each["Prefix"][len(prefix) : -1] for each in page.get("CommonPrefixes", [])]
            for entry in page.get("Contents", []):
                written[entry["Key"][len(prefix) :]] = entry["LastModified"]
        return Level(below, written)

    def written_at(self, prefix: str) -> datetime | None:
        """Return when the newest object below `prefix` was written, None if there is none."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return max(
            (entry["LastModified"] for page in pages for entry in page.get("Contents", [])),
            default=None,
        )

    def _put(self, key: str, record: Mapping[str, Any] | str, **condition: str) -> str | None:
        nonce = uuid.uuid4().hex
        body = _with_nonce(record if isinstance(record, str) else text(record), nonce)
        if isinstance(record, str) and len(record) >= _PACKED_FROM:
            body, condition["ContentEncoding"] = gzip.compress(body, 1), "gzip"
        for attempt in range(1, _CONFLICT_TRIES + 1):
            try:
                answer = self.s3.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=body,
                    ContentType="application/json",
                    **condition,  # type: ignore[arg-type]
                )
                return answer["ETag"]
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "ConditionalRequestConflict" and attempt < _CONFLICT_TRIES:
                    continue
                # IfMatch on a key that is gone answers 404
                if code not in ("PreconditionFailed", "412", "NoSuchKey"):
                    raise
            found = self.read(key)
            return found[1] if found and found[0].get("nonce") == nonce else None
        raise AssertionError("unreachable")


def keep(kept: dict[tuple[str, str], _Form], place: tuple[str, str], it: _Form, most: int) -> None:
    """Keep something in a process, beside the latest others; `most` in all."""
    kept.pop(place, None)
    kept[place] = it
    while len(kept) > most:
        kept.pop(next(iter(kept)), None)


def text(record: Mapping[str, Any]) -> str:
    """Return a record's JSON, for who wants it packed if it is long."""
    # definitions hold times
    return json.dumps(
        {"version": VERSION, **record}, separators=(",", ":"), ensure_ascii=False, default=str
    )


def is_packed(body: bytes) -> bool:
    """Say whether a record begins as a packed one does."""
    return body.startswith(_GZIP)


def unpacked(body: bytes) -> bytes:
    """Return a record's JSON as it is stored, packed or not."""
    return gzip.decompress(body) if is_packed(body) else body


def _with_nonce(record: str, nonce: str) -> bytes:
    # of half a letter, as others' JSON may have, the escape is what JSON calls it too
    return f'{record[:-1]},"nonce":"{nonce}"}}'.encode(errors="backslashreplace")
