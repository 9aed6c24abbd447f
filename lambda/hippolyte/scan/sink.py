"""Where a scan writes: objects made once, never overwritten, never deleted.

A scan is handed its sink, so that the same loop writes to S3 and to a folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError

from hippolyte.errors import code_of
from hippolyte.scan.reading import NO_ANSWER, Passing, Refused, told

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_THERE, _AGAIN, _NONE = "PreconditionFailed", "ConditionalRequestConflict", ("NoSuchKey", "404")


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as a listing has it: name below the sink's prefix, bytes, ETag without quotes."""

    name: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Head:
    """An object without its content; metadata as `create` was given them."""

    stored: Stored
    metadata: Mapping[str, str]


class Sink(Protocol):
    """The place of one export. All of it may be called by several threads at once.

    Raises:
        Passing: the call may be made again; it may have taken effect.
        Refused: it stays refused.
    """

    # of the bucket, None for a folder
    @property
    def bucket(self) -> str | None: ...

    # what stands before a name in `manifest-files.json`; empty, or a slash at its end
    @property
    def prefix(self) -> str: ...

    def create(
        self, name: str, data: bytes, metadata: Mapping[str, str] | None = None
    ) -> Stored | None:
        """Write an object whole; None: there is one of this name already, it is left alone."""

    def read(self, name: str) -> bytes | None:
        """Return an object's content, None if there is none."""

    def head(self, name: str) -> Head | None:
        """Return what is known of an object, None if there is none."""

    def listed(self, start: str = "") -> Iterator[Stored]:
        """Yield the objects whose names start so."""


class S3Sink:
    """A prefix of a bucket. `clients` makes the client and sets its retries."""

    def __init__(self, s3: S3Client, bucket: str, prefix: str) -> None:
        self._s3 = s3
        self.bucket = bucket
        self.prefix = prefix

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def create(
        self, name: str, data: bytes, metadata: Mapping[str, str] | None = None
    ) -> Stored | None:
        """Write by PutObject with `If-None-Match: *`: 412 is there is one, 409 is ask again.

        A put whose answer was lost, and that is made again, finds its own first try: that is an
        object like any other's.
        """
        try:
            with self._told(name):
                answer = self._s3.put_object(
                    Bucket=self.bucket,
                    Key=self.prefix + name,
                    Body=data,
                    Metadata=dict(metadata or {}),
                    IfNoneMatch="*",
                )
                return Stored(name, len(data), answer["ETag"].strip('"'))
        except _ThereError:
            return None

    def read(self, name: str) -> bytes | None:
        """Read by GetObject."""
        try:
            with self._told(name):
                answer = self._s3.get_object(Bucket=self.bucket, Key=self.prefix + name)
                return answer["Body"].read()
        except _NoneError:
            return None

    def head(self, name: str) -> Head | None:
        """Look by HeadObject."""
        try:
            with self._told(name):
                answer = self._s3.head_object(Bucket=self.bucket, Key=self.prefix + name)
                stored = Stored(name, answer["ContentLength"], answer["ETag"].strip('"'))
                return Head(stored, answer["Metadata"])
        except _NoneError:
            return None

    def listed(self, start: str = "") -> Iterator[Stored]:
        """List by ListObjectsV2, in the order of names."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + start
        )
        with self._told(start):
            for page in pages:
                # whatever else answers with XML, or HTML, is an empty page to the SDK
                _ = page["IsTruncated"]
                for entry in page.get("Contents", []):
                    name = entry["Key"][len(self.prefix) :]
                    yield Stored(name, entry["Size"], entry["ETag"].strip('"'))

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Tell a failed call by what can be done about it."""
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            code = code_of(error) if isinstance(error, ClientError) else ""
            if code in (_THERE, "412"):
                raise _ThereError(f"{self}{name}: {error}") from error
            if code in _NONE:
                raise _NoneError(f"{self}{name}: {error}") from error
            again = code == _AGAIN or isinstance(error, IncompleteReadError)
            kind = Passing if again else type(told(error))
            raise kind(f"{self}{name}: {error}") from error
        except NO_ANSWER as error:
            raise Refused(f"{self}{name}: no answer of S3's: {error!r}") from error


class _ThereError(Refused):
    """There is an object of this name."""


class _NoneError(Refused):
    """There is no object of this name."""
