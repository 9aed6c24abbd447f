"""A side of a comparison: a backup, and what is known of its table; for other processes as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3

from hippolyte.clients import configuration
from hippolyte.exports.lines import Form
from hippolyte.exports.place import Folder, Place, Prefix
from hippolyte.exports.reader import Backup, DataFile
from hippolyte.store import Store


@dataclass(frozen=True, slots=True)
class Side:
    """A side. A live table is one when it has been read into a folder.

    Attributes:
        name: of it, for people.
        location: where its backup lies.
        backup: its items.
        keys: the attributes of its key, the partition key first; none: nothing says it.
        began: when its reading was begun; None: nothing says it.
        ttl: the attribute of time to live, "" if it has none; None: nothing says it.
        profile: of the credentials that read it; None: those of the environment.
    """

    name: str
    location: str
    backup: Backup
    keys: tuple[str, ...] = ()
    began: datetime | None = None
    ttl: str | None = None
    profile: str | None = None

    @property
    def text_bytes(self) -> int:
        """About how long its items are as text, at the most."""
        wanted = {file.name for file in self.backup.files}
        place: Any = self.backup.place
        sizes = ((one.name, one.size) for one in place.listed() if one.name in wanted)
        return sum(size * (1 if _is_plain(name) else _PACKED) for name, size in sizes)

    @property
    def items(self) -> int | None:
        """How many items it has; None: its manifest does not say it."""
        counts = [file.items for file in self.backup.files]
        return None if None in counts else sum(count or 0 for count in counts)

    def record(self) -> dict[str, Any]:
        """Return what another process needs to read it, as JSON takes it."""
        place = self.backup.place
        if isinstance(place, Folder):
            where: dict[str, Any] = {"folder": str(place.path.resolve())}
        else:
            assert isinstance(place, Prefix)
            where = {
                "bucket": place.store.bucket,
                "prefix": place.prefix,
                "region": place.store.s3.meta.region_name,
                "profile": self.profile,
            }
        return {
            "name": self.name,
            "location": self.location,
            "form": self.backup.form.name,
            "where": where,
            "files": [[file.name, file.items, file.md5] for file in self.backup.files],
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Side:
        """Return the side that a record says, for reading."""
        where = record["where"]
        place: Place
        if "folder" in where:
            place = Folder(Path(where["folder"]))
        else:
            session = boto3.Session(profile_name=where["profile"], region_name=where["region"])
            store = Store(session.client("s3", config=configuration()), where["bucket"])
            place = Prefix(store, where["prefix"])
        files = tuple(DataFile(*file) for file in record["files"])
        backup = Backup(place, Form[record["form"]], files)
        return cls(record["name"], record["location"], backup)

    def only(self, files: Sequence[DataFile]) -> Side:
        """Return the side with some of its files only."""
        return replace(self, backup=replace(self.backup, files=tuple(files)))


# items' text shrinks to a fifth or so, seldom to a tenth
_PACKED = 8


def _is_plain(name: str) -> bool:
    return not name.endswith((".gz", ".deflate"))
