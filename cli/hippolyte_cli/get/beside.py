"""The filters of one backup: beside it, or in a folder of this program where it takes none."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import typer
from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import code_of
from hippolyte.exports import filters
from hippolyte.exports.filters import FIRST_BYTES, is_filter
from hippolyte.exports.manifest import FormatError
from hippolyte.exports.place import Folder, Prefix
from hippolyte_cli.get.key import Key
from hippolyte_cli.get.watched import Watched
from hippolyte_cli.troubles import of_file, remedied

# what names a file, its size and its content
Mark = tuple[str, int, str]


def cache() -> Path:
    """Return the folder of this program where filters are kept."""
    return Path(typer.get_app_dir("hippolyte")) / "filters"


@dataclass
class Beside:
    """The filters of one backup.

    Attributes:
        place: of the backup.
        made: filters that were written.
        aside: why they are not beside the backup; empty: they are.
        lost: why they could not be kept at all.
    """

    place: Watched
    made: int = 0
    aside: str = ""
    lost: str = ""
    _cache: Path = field(init=False)

    def __post_init__(self) -> None:
        name = hashlib.sha256(self.place.location.encode()).hexdigest()[:24]
        self._cache = cache() / name

    def answers(self, key: Key) -> Mapping[Mark, bool]:
        """Return which files may hold a key, of those that a filter is over."""
        found: dict[Mark, bool] = {}
        for place, name, size in self._lying():
            try:
                for mark, may in _asked(place, name, size, key):
                    found[mark] = may and found.get(mark, True)
            except (FormatError, OSError, ClientError, BotoCoreError):
                # none that can be gone by: the files are read
                continue
        return found

    def _lying(self) -> Iterator[tuple[Watched, str, int]]:
        kept = Watched(Folder(self._cache))
        for place in (self.place, kept) if self._cache.is_dir() else (self.place,):
            yield from (
                (place, one.name, one.size) for one in place.there.values() if is_filter(one.name)
            )

    def put(self, name: str, data: bytes) -> None:
        """Keep a filter, beside the backup if that may be."""
        try:
            if not self.aside:
                _put(self.place.place, name, data)
                self.made += 1
                return
        except (ClientError, BotoCoreError, OSError) as error:
            self.aside = remedied(error)
        try:
            _write(self._cache / filters.FOLDER / name.rpartition("/")[2], data)
            self.made += 1
        except OSError as error:
            self.lost = of_file(error)


def _asked(place: Watched, name: str, size: int, key: Key) -> Iterator[tuple[Mark, bool]]:
    data = place.part(name, 0, min(size, FIRST_BYTES))
    end = filters.head_end(data)
    if end > len(data):
        data += place.part(name, len(data), min(size, end))
    head = filters.parse_head(data)
    if head.attribute != key.attribute:
        return
    begin, end = head.place(key.partition)
    block = data[begin:end] if end <= len(data) else place.part(name, begin, end)
    for file, may in zip(head.files, head.may_hold(key.partition, block), strict=True):
        yield file.mark, may


def _put(place: Folder | Prefix, name: str, data: bytes) -> None:
    if isinstance(place, Folder):
        _write(place.path / name, data)
        return
    key = place.prefix + name
    try:
        place.store.s3.put_object(Bucket=place.store.bucket, Key=key, Body=data, IfNoneMatch="*")
    except ClientError as error:
        # named after what it holds: it is there
        if code_of(error) not in ("PreconditionFailed", "412"):
            raise


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{uuid.uuid4().hex}")
    try:
        aside.write_bytes(data)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
