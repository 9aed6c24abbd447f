"""Where a backup lies: a folder on this machine, or a prefix on S3. Files are opened by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

from hippolyte.exports.listed import Listed
from hippolyte.exports.manifest import FormatError
from hippolyte.exports.streams import Readable

if TYPE_CHECKING:
    from hippolyte.store import Store

# in a row, without a byte between them; the client waits between those of its own
_TRIES = 5


class Source(Readable, Protocol):
    """A file that is being read."""

    def close(self) -> object: ...


class Place(Protocol):
    """Where a backup lies: names are relative to it, with slashes."""

    def names(self) -> Iterable[str]:
        """Return the names of all files below."""
        ...

    def open(self, name: str) -> Source:
        """Open a file; FileNotFoundError if it is not there."""
        ...


class Listing(Place, Protocol):
    """A place that also tells how large its files are."""

    def where(self, name: str) -> str:
        """Return a file's address: of an object s3://bucket/key."""
        ...

    def listed(self) -> Iterable[Listed]:
        """Return all files below; the ETag is empty where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A place on this machine."""

    path: Path

    def where(self, name: str) -> str:
        """Return a file's path."""
        return str(self.path / name)

    def names(self) -> Iterator[str]:
        """Return the names of all files below."""
        files = (path for path in self.path.rglob("*") if path.is_file())
        return (path.relative_to(self.path).as_posix() for path in files)

    def listed(self) -> Iterator[Listed]:
        """Return all files below, without ETags."""
        for name in self.names():
            yield Listed(name, (self.path / name).stat().st_size, "")

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""
        return (self.path / name).open("rb")


@dataclass(frozen=True, slots=True)
class Prefix:
    """A place on S3."""

    store: Store
    prefix: str  # with a slash at its end, or empty

    def where(self, name: str) -> str:
        """Return an object's address."""
        return f"s3://{self.store.bucket}/{self.prefix}{name}"

    def names(self) -> Iterator[str]:
        """Return the names of all objects below."""
        return self.store.names(self.prefix)

    def listed(self) -> Iterator[Listed]:
        """Return all objects below."""
        pages = self.store.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.store.bucket, Prefix=self.prefix
        )
        for page in pages:
            for one in page.get("Contents", []):
                name = one["Key"][len(self.prefix) :]
                yield Listed(name, one["Size"], one["ETag"].strip('"'))

    def open(self, name: str) -> Source:
        """Open an object."""
        return _Object(self.store, self.prefix + name)


class _Object:
    """An object's content. Where the connection breaks off, the rest is asked for."""

    def __init__(self, store: Store, key: str) -> None:
        self._store, self._key = store, key
        self._at = 0
        answer = self._get()
        self._body, self._etag = answer["Body"], answer["ETag"]

    def read(self, size: int, /) -> bytes:
        for tries_left in reversed(range(_TRIES)):
            try:
                part: bytes = self._body.read(size)
            except (HTTPClientError, IncompleteReadError):
                if not tries_left:
                    raise
                self._body.close()
                # the same object, not one that was written over it meanwhile
                rest = self._get(Range=f"bytes={self._at}-", IfMatch=self._etag)
                self._body = rest["Body"]
                continue
            self._at += len(part)
            return part
        raise AssertionError("unreachable")

    def close(self) -> None:
        self._body.close()

    def _get(self, **only: Any) -> Any:
        try:
            return self._store.s3.get_object(Bucket=self._store.bucket, Key=self._key, **only)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("NoSuchKey", "404"):
                raise FileNotFoundError(f"s3://{self._store.bucket}/{self._key}") from error
            if code in ("PreconditionFailed", "412"):
                raise FormatError("was written over while it was read") from error
            raise
