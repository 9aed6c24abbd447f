"""Where `hippolyte export` writes: a folder or a prefix of a bucket, and what lies there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import boto3
from botocore.exceptions import ClientError

from hippolyte.clients import configuration
from hippolyte.errors import HippolyteError, code_of
from hippolyte.exports.native import FOLDER, STARTED, root
from hippolyte.scan.begin import Started, UnfitError
from hippolyte.scan.reading import answered
from hippolyte.scan.sink import S3Sink, Sink
from hippolyte_cli.folder import FolderSink

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class PlaceError(HippolyteError):
    """When a place cannot be written to; the message says what to do."""


class Place(Protocol):
    """A destination."""

    def holds_anything(self) -> bool:
        """Say whether there is anything at all."""

    def exports(self) -> list[str]:
        """Return the ids of the exports that lie there, whoever made them."""

    def sink(self, scan: str) -> Sink:
        """Return the place of an export."""


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A folder, which need not exist yet."""

    folder: Path

    def __str__(self) -> str:
        return str(self.folder)

    def holds_anything(self) -> bool:
        return self.folder.exists() and any(self.folder.iterdir())

    def exports(self) -> list[str]:
        below = self.folder / FOLDER
        return sorted(p.name for p in below.iterdir() if p.is_dir()) if below.is_dir() else []

    def sink(self, scan: str) -> Sink:
        return FolderSink(self.folder, root("", scan))


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """A prefix of a bucket: empty, or without a slash at its end."""

    s3: S3Client
    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def holds_anything(self) -> bool:
        with answered("ListObjectsV2"):
            found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=self._below(), MaxKeys=1)
            return found["IsTruncated"] or bool(found.get("Contents"))

    def exports(self) -> list[str]:
        start = self._below() + FOLDER
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=start, Delimiter="/"
        )
        with answered("ListObjectsV2"):
            folders = [
                one["Prefix"]
                for page in pages
                if page["IsTruncated"] in (True, False)
                for one in page.get("CommonPrefixes", [])
            ]
        return [folder.removeprefix(start).rstrip("/") for folder in folders]

    def sink(self, scan: str) -> Sink:
        return S3Sink(self.s3, self.bucket, root(self.prefix, scan))

    def _below(self) -> str:
        return f"{self.prefix}/" if self.prefix else ""


def place_of(dest: str, region: str | None) -> tuple[Place, str]:
    """Return the place that is meant, and a bucket's region ("": a folder).

    Raises:
        PlaceError: it is none, or there is no such bucket.
    """
    scheme, separator, rest = dest.partition("://")
    # with a slash too few the files would lie in a folder called s3:
    if not separator and dest and not dest.lower().startswith("s3:"):
        folder = Path(dest).expanduser()
        there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        if not there.is_dir():
            raise PlaceError(f"{there} is a file: give a folder, or s3://bucket/prefix.")
        if not os.access(there, os.W_OK | os.X_OK):
            raise PlaceError(f"{there} may not be written into: give another folder.")
        return FolderPlace(folder), ""
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise PlaceError(
            f"{dest or 'An empty DEST'} is no place to write to: give a folder, or s3://bucket/prefix."
        )
    where = _bucket_region(bucket, region)
    s3 = boto3.client("s3", region_name=where or region, config=configuration())
    return BucketPlace(s3, bucket, prefix.strip("/")), where


def _bucket_region(bucket: str, region: str | None) -> str:
    """Return a bucket's region, "" if it may not be asked for."""
    s3 = boto3.client("s3", region_name=region, config=configuration())
    try:
        headers = s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    except ClientError as error:
        answer = error.response
        if code_of(error) in ("404", "NoSuchBucket"):
            raise PlaceError(
                f"There is no bucket {bucket}: make it first, or check the name."
            ) from error
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return str(headers.get("x-amz-bucket-region", ""))


def begun_scan(place: Place, table: str) -> Started:
    """Return the scan of a table that lies at a place, to be gone on with.

    Raises:
        PlaceError: there is none, or more than one.
    """
    found: list[Started] = []
    others = 0
    for scan in place.exports():
        sink = place.sink(scan)
        try:
            started = Started.of(sink.read(STARTED) or b"", f"{sink}{STARTED}")
        except UnfitError:
            others += 1
            continue
        if table in (started.table, started.arn):
            found.append(started)
        else:
            others += 1
    if len(found) == 1:
        return found[0]
    if found:
        raise PlaceError(f"{place} holds {len(found)} scans of {table}: leave one of them.")
    beside = f" (but {others} other exports)" if others else ""
    raise PlaceError(
        f"{place} holds no scan of {table} to go on with{beside}. Leave --resume out to begin one "
        "in an empty place."
    )
