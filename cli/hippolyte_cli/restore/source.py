"""What is restored: a table's night in the catalogue, or a backup that lies anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hippolyte.exports.manifest import FormatError
from hippolyte.exports.place import Folder
from hippolyte.exports.reader import Backup, find
from hippolyte.store import Store
from hippolyte_cli.backups import Backups
from hippolyte_cli.backups_place import place_of
from hippolyte_cli.kept import Kept
from hippolyte_cli.waiting import working


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


@working("looking at the backup")
def lying(source: str, region: str | None) -> Found:
    """Return the backup that lies in a folder or below a prefix.

    Raises:
        FormatError: there is none, or it is not whole.
        ConfigurationError: it is no place.
    """
    place = place_of(source, region)
    if isinstance(place, Folder):
        location = str(place.path.resolve())
    else:
        location = f"s3://{place.store.bucket}/{place.prefix}"
    try:
        return Found(source, location, find(place))
    except FormatError as error:
        raise FormatError(f"{location}: {error}") from error


@working("looking for the backup")
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
