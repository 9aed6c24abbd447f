"""A backup's place that is listed once, and that counts what is read of it."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from functools import cached_property
from threading import Lock

from hippolyte.exports.listed import Listed
from hippolyte.exports.manifest import MANIFEST, is_marker
from hippolyte.exports.native import FILES, FILES_MD5, SUMMARY, SUMMARY_MD5
from hippolyte.exports.place import Folder, Prefix, Source

_MANIFESTS = (MANIFEST, FILES, FILES_MD5, SUMMARY, SUMMARY_MD5)
_PART = 1 << 20


class Watched:
    """See the module. `read`: bytes of content, not of listings."""

    def __init__(self, place: Folder | Prefix) -> None:
        self.place, self.read = place, 0
        self._lock = Lock()
        self._kept: dict[str, bytes] = {}

    @cached_property
    def there(self) -> Mapping[str, Listed]:
        """All files, by name. On this machine the time of its last change is a file's ETag."""
        found = (one for one in self.place.listed() if not is_marker(one.name))
        if isinstance(self.place, Prefix):
            return {one.name: one for one in found}
        path = self.place.path
        return {
            one.name: Listed(one.name, one.size, f"at {(path / one.name).stat().st_mtime_ns}")
            for one in found
        }

    @property
    def location(self) -> str:
        """Where it is; one place has always the same."""
        if isinstance(self.place, Prefix):
            return self.place.where("")
        return str(self.place.path.resolve())

    def where(self, name: str) -> str:
        """Return a file's address."""
        return self.place.where(name)

    def names(self) -> Iterable[str]:
        """Return the names of all files."""
        return self.there

    def listed(self) -> Iterator[Listed]:
        """Return all files, as the place has them: without ETags on this machine."""
        for one in self.there.values():
            etag = one.etag if isinstance(self.place, Prefix) else ""
            yield Listed(one.name, one.size, etag)

    def open(self, name: str) -> Source:
        """Open a file; a manifest is read once."""
        if name.rpartition("/")[2] not in _MANIFESTS:
            return _Counted(self, self.place.open(name))
        if name not in self._kept:
            parts = []
            with closing(self.place.open(name)) as source:
                while part := source.read(_PART):
                    parts.append(part)
            self._kept[name] = b"".join(parts)
            self.count(len(self._kept[name]))
        return io.BytesIO(self._kept[name])

    def part(self, name: str, begin: int, end: int) -> bytes:
        """Return some bytes of a file.

        Raises:
            OSError, ClientError, BotoCoreError: it cannot be read, or is another by now.
        """
        if isinstance(self.place, Prefix):
            store = self.place.store
            answer = store.s3.get_object(
                Bucket=store.bucket,
                Key=self.place.prefix + name,
                Range=f"bytes={begin}-{end - 1}",
                IfMatch=f'"{self.there[name].etag}"',
            )
            data = answer["Body"].read()
        else:
            with (self.place.path / name).open("rb") as file:
                file.seek(begin)
                data = file.read(end - begin)
        self.count(len(data))
        return data

    def forget(self, names: Collection[str]) -> None:
        """Forget the manifests, and the listing but for some files."""
        self._kept.clear()
        self.there = {name: self.there[name] for name in names}

    def count(self, size: int) -> None:
        """Take note of what was read."""
        with self._lock:
            self.read += size


class _Counted:
    def __init__(self, watched: Watched, source: Source) -> None:
        self._watched, self._source = watched, source

    def read(self, size: int, /) -> bytes:
        part = self._source.read(size)
        self._watched.count(len(part))
        return part

    def close(self) -> None:
        self._source.close()
