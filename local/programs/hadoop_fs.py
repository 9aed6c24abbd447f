"""Hadoop's file system over S3 on a cluster's nodes: EMRFS, or S3A as of emr-7.10.0.

They differ in how a directory shows on S3. EMRFS writes an object beside it (`dir_$folder$`); S3A
writes one inside it (`dir/`) and keeps it (Hadoop 3.4, "S3A Directory Marker Behavior").

Source: EMR Release Guide, "Migration Guide: EMRFS to S3A Filesystem". Which calls S3A makes of
those its own policy lists is not confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.programs.release import version_of
from local.s3.as_role import RoleS3

S3A_SINCE = (7, 10)
_EMRFS_CLASS = "com.amazon.ws.emr.hadoop.fs.EmrFileSystem"
_EMRFS_ERROR = "com.amazon.ws.emr.hadoop.fs.shaded.com.amazonaws.services.s3.model"


def uses_s3a(release: str | None, configurations: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether `s3://` is S3A's on this release, configured so."""
    for one in configurations:
        properties = one.get("Properties") or {}
        if one.get("Classification") == "core-site" and properties.get("fs.s3.impl"):
            return bool(properties["fs.s3.impl"] != _EMRFS_CLASS)
    return version_of(release) >= S3A_SINCE


@dataclass(frozen=True, slots=True)
class FileSystem:
    """The file system a step writes with."""

    s3: RoleS3
    s3a: bool = False

    @property
    def denied_class(self) -> str:
        """The Java class of what S3 refuses."""
        if self.s3a:
            return "java.nio.file.AccessDeniedException"
        return f"{_EMRFS_ERROR}.AmazonS3Exception"

    def look(self, bucket: str, directory: str) -> None:
        """Make the calls that go before the first write."""
        if self.s3a:
            self.s3.head(bucket, directory)
        else:
            self.s3.find(bucket, directory)
            self.s3.tidy_uploads(bucket, directory)

    def exists(self, bucket: str, directory: str) -> bool:
        """Return whether there is such a directory; S3A knows nothing of EMRFS's markers."""
        marker = None if self.s3a else f"{directory}_$folder$"
        return self.s3.directory_exists(bucket, directory, marker)

    def make(self, bucket: str, directory: str) -> None:
        """Make the output directory, and the one its tasks work in."""
        for name in (directory, self._temporary(directory)):
            self.s3.put(bucket, self._marker(name), b"")

    def tidy(self, bucket: str, directory: str) -> None:
        """Remove what the tasks worked in; the directory's own marker stays."""
        self.s3.delete(bucket, self._marker(self._temporary(directory)))

    def _temporary(self, directory: str) -> str:
        return f"{directory}/_temporary"

    def _marker(self, directory: str) -> str:
        return f"{directory}/" if self.s3a else f"{directory}_$folder$"
