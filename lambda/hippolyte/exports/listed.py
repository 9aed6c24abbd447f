"""An object as S3's listing has it, and one text for what all objects of a backup are."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing has it: name below the backup's place, bytes, ETag unquoted."""

    name: str
    size: int
    etag: str


def files_md5(files: Iterable[Listed]) -> str:
    """Return the MD5, in base64, of a line a file by name: name, bytes and ETag, tabs between.

    As short for many files as for one: DynamoDBExport's manifest has no checksum of its files.
    """
    lines = sorted(f"{one.name}\t{one.size}\t{one.etag}\n" for one in files)
    digest = hashlib.md5("".join(lines).encode(), usedforsecurity=False)
    return b64encode(digest.digest()).decode()
