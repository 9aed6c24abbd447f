"""What is restored: a table's night in the catalogue, or a backup that lies anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hippolyte.errors import ConfigurationError
from hippolyte.exports.manifest import FormatError
from hippolyte.exports.place import Folder, Prefix
from hippolyte.exports.reader import Backup, find
from hippolyte.store import Store
from hippolyte_cli.backups import LATEST, Backups, Kept


@dataclass(frozen=True, slots=True)
class Found:
    """A backup to be restored.

    Attributes:
        name: of it, for people.
        location: where it lies; one backup has always the same.
        definition, settings: of the table, where they are known.
        kept: its entry in the catalogue, if that is where it was found.
        beside: where a journal may be kept in the bucket, without a slash at its end.
    """

    name: str
    location: str
    backup: Backup
    definition: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] | None = None
    kept: Kept | None = None
    beside: tuple[Store, str] | None = None


def is_place(source: str) -> bool:
    """Say whether a source is no table's name but a place: s3://..., or with a slash or dot."""
    return source.startswith("s3://") or "/" in source or source.startswith(".")


def place(source: str, s3: Any) -> Found:
    """Return the backup that lies in a folder or below a prefix.

    Raises:
        FormatError: there is none, or it is not whole.
        ConfigurationError: it is no place.
    """
    if not source.startswith("s3://"):
        folder = Path(source).expanduser()
        if not folder.is_dir():
            raise ConfigurationError(f"there is no folder {folder}")
        return Found(source, str(folder.resolve()), find(Folder(folder)))
    bucket, _, key = source.removeprefix("s3://").partition("/")
    if not bucket:
        raise ConfigurationError(f"{source} names no bucket: s3://bucket/prefix")
    prefix = f"{key.rstrip('/')}/" if key.rstrip("/") else ""
    return Found(source, f"s3://{bucket}/{prefix}", find(Prefix(Store(s3, bucket), prefix)))


def night(backups: Backups, table: str, at: str, settings_from: str | None) -> Found:
    """Return a table's backup, and what is known of the table, that night or another.

    Raises:
        NoBackupError: there is none.
        FormatError: it is not whole; with the file.
    """
    kept = backups.find(table, at)
    of = backups.find(table, settings_from) if settings_from else kept
    store = backups.store
    try:
        backup = kept.open(store)
    except FormatError as error:
        raise FormatError(f"{kept.location}: {error}") from error
    below = [backups.prefix] if backups.prefix else []
    parts = [*below, "restores", kept.home.account, kept.home.region, table, kept.run]
    return Found(
        name=f"{table} of {kept.run}",
        location=kept.location,
        backup=backup,
        definition=of.definition,
        settings=of.settings,
        kept=kept,
        beside=(store, "/".join(parts)),
    )


__all__ = ["LATEST", "Found", "is_place", "night", "place"]
