"""A backup of a table, as the catalogue has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hippolyte.errors import ConfigurationError
from hippolyte.exports.findings import Expected, level_of
from hippolyte.exports.place import Prefix
from hippolyte.exports.reader import Backup, find
from hippolyte.exports.verified import expected
from hippolyte.record_form import known_form
from hippolyte.records.homes import Home
from hippolyte.records.runs import start_of
from hippolyte.store import Store


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup of a table, as the catalogue has it.

    Attributes:
        table: its name then.
        run: id of the night.
        location: s3:// address of its directory, without a slash at its end.
        items: None: the night did not count them.
        bytes: of its files as they lie there.
        format: `native` or `dynamodbexport`; empty: an older night did not say.
        began, finished: of the copy; ISO texts, None in older nights' entries.
        engine: who copied it; empty: an older night did not say.
        levels: that it has passed, see `hippolyte.exports.findings`.
        damage: what was found to be wrong with it since.
        expected: what the entry says that its files are.
        recorded: `location` as the entry has it, which in a copy of the bucket names the other.
        definition: DescribeTable's `Table`, None if it was lost.
        settings: raw answers, see `hippolyte.tables.settings_of`; None if they were not read.
    """

    table: str
    home: Home
    run: str
    location: str
    items: int | None
    bytes: int
    files: int
    format: str = ""
    began: str | None = None
    finished: str | None = None
    engine: str = ""
    levels: tuple[int, ...] = (1,)
    damage: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    definition: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] | None = None
    expected: Expected = field(default_factory=Expected)
    recorded: str = ""

    @property
    def level(self) -> int:
        """How far it is verified as a whole: 0, 1, 2 or 4."""
        return level_of(self.levels)

    @property
    def night(self) -> datetime:
        """When the night's window began."""
        return start_of(self.run)

    def place(self, store: Store) -> Prefix:
        """Return where the backup lies; `store` is the catalogue's."""
        bucket, _, key = self.location.removeprefix("s3://").partition("/")
        return Prefix(store if store.bucket == bucket else Store(store.s3, bucket), f"{key}/")

    def open(self, store: Store) -> Backup:
        """Return the backup itself; `store` is the catalogue's.

        Raises:
            FormatError: it is not whole, or none of the formats that are read.
        """
        return find(self.place(store))


# of what every version's entry has
_TEXT, _COUNT = (str,), (int, type(None))
_KINDS = {"table": _TEXT, "run_id": _TEXT, "location": _TEXT, "items": _COUNT, "bytes": _COUNT}


def kept_of(home: Home, record: Mapping[str, Any], bucket: str = "") -> Kept:
    """Return a catalogue's entry; those of older versions lack some members.

    Args:
        bucket: where the entry lies: its backup lies there too, also in a copy of the bucket that
            the entry names.
    """
    try:
        verified = record.get("verified") or {}
        for name, kind in _KINDS.items():
            if not isinstance(record[name], kind):
                raise TypeError(f"{name} is {record[name]!r}")
        return Kept(
            table=record["table"],
            home=home,
            run=record["run_id"],
            location=_here(record["location"], bucket),
            recorded=record["location"],
            items=record["items"],
            bytes=record["bytes"],
            files=record["files"],
            format=record.get("format", ""),
            began=record.get("began_at"),
            finished=record.get("finished_at"),
            engine=record.get("engine", ""),
            levels=tuple(verified.get("levels") or range(1, verified.get("level", 1) + 1)),
            damage=tuple(verified.get("damage") or ()),
            notes=tuple(record.get("notes") or ()),
            definition=record.get("definition"),
            settings=record.get("settings"),
            expected=expected(record),
        )
    except KeyError as error:
        raise ConfigurationError(
            f"the catalogue's entry of {record.get('table', 'a table')} lacks {error}: another "
            "version wrote it, use that one"
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(
            f"the catalogue's entry of {record.get('table', 'a table')} is damaged ({error}): "
            "restore its former version"
        ) from error


def _here(location: str, bucket: str) -> str:
    recorded, slash, key = location.removeprefix("s3://").partition("/")
    return f"s3://{bucket or recorded}{slash}{key}"


def rows_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report says of its tables, if it is one."""
    with known_form("the report"):
        return {name: {**row, "verdict": row["verdict"]} for name, row in report["tables"].items()}
