"""A folder as the place of an export: a file is whole or absent, and never overwritten."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hippolyte.scan.reading import Refused
from hippolyte.scan.sink import Head, Stored

# what S3 keeps as an object's metadata, and files on their way; no reader looks at it
_ASIDE = ".scan"
_PIECE = 1 << 20


class FolderSink:
    """The files below `<folder>/<prefix>`; see `hippolyte.scan.sink`.

    A file is written aside, its metadata too, and then given its name by a hard link, which fails
    where there is one. Metadata are named after the content's MD5, so that those of a file that
    came too late are not taken for those of the one that is there.
    """

    bucket = None

    def __init__(self, folder: Path, prefix: str) -> None:
        self.prefix = prefix
        self._root = folder / prefix
        self._aside = self._root / _ASIDE

    def __str__(self) -> str:
        return f"{self._root}/"

    def create(
        self, name: str, data: bytes, metadata: Mapping[str, str] | None = None
    ) -> Stored | None:
        """Write a file whole; None: there is one of this name already.

        Raises:
            Refused: the folder takes no file: it is full, not ours, without hard links.
        """
        path = self._root / name
        with self._told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            etag = _etag(data)
            aside = self._metadata(name, etag)
            aside.parent.mkdir(parents=True, exist_ok=True)
            if metadata is not None:
                self._link(json.dumps(dict(metadata)).encode(), aside)
            written = self._link(data, path)
        return Stored(name, len(data), etag) if written else None

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        path = self._root / name
        with self._told(path):
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def head(self, name: str) -> Head | None:
        """Return a file's size and metadata, None if there is none."""
        with self._told(self._root / name):
            stored = self._stored(name)
            if stored is None:
                return None
            metadata = self._metadata(name, stored.etag)
            found = json.loads(metadata.read_bytes()) if metadata.exists() else {}
        return Head(stored, found)

    def listed(self, start: str = "") -> Iterator[Stored]:
        """Yield the files whose names start so, in the order of names."""
        with self._told(self._root):
            paths = (path for path in self._root.rglob("*") if not path.is_dir())
            names = sorted(path.relative_to(self._root).as_posix() for path in paths)
        for name in names:
            if name.startswith(start) and not name.startswith(f"{_ASIDE}/"):
                with self._told(self._root / name):
                    stored = self._stored(name)
                if stored:
                    yield stored

    def _stored(self, name: str) -> Stored | None:
        path = self._root / name
        try:
            size = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        known = list(self._metadata(name, "").parent.glob("*.json"))
        # a file is read only where that is the only way to tell
        etag = known[0].stem if len(known) == 1 else _etag_of(path)
        return Stored(name, size, etag)

    def _metadata(self, name: str, etag: str) -> Path:
        return self._aside / name / f"{etag}.json"

    def _link(self, data: bytes, path: Path) -> bool:
        """Make a file of this name and content; False: there is one."""
        written = self._aside / f"{uuid.uuid4().hex}.part"
        try:
            with written.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            path.hardlink_to(written)
        except FileExistsError:
            return False
        finally:
            written.unlink(missing_ok=True)
        return True

    @contextmanager
    def _told(self, path: Path) -> Iterator[None]:
        try:
            yield
        # a name that cannot be one, metadata that are none
        except ValueError as error:
            raise Refused(f"{path}: {error}") from error
        except OSError as error:
            why = error.strerror or str(error)
            if error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                why += " (the folder must be on a file system that has hard links)"
            raise Refused(f"{path}: {why}") from error


def _etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _etag_of(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
