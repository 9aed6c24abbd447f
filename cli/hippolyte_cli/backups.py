"""What can be restored: the backups that a bucket keeps, of every account and region in it.

Found by listing with delimiters and by the newest reports, so that what is asked of S3 grows with
what is shown, not with the nights that are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from hippolyte.errors import ConfigurationError, HippolyteError, code_of
from hippolyte.planning.keeping import KEPT, part
from hippolyte.record_form import when
from hippolyte.records.homes import Home
from hippolyte.records.runs import is_night, is_run, start_of
from hippolyte.store import Store
from hippolyte_cli.kept import Kept, kept_of, rows_of
from hippolyte_cli.troubles import remedied

__all__ = ["LATEST", "Backups", "Home", "Kept", "NoBackupError", "Row", "kept_of", "moment_of"]

LATEST = "latest"
_JSON = ".json"
# reports that are read until one is a night's
_MOST_REPORTS = 100


class NoBackupError(HippolyteError):
    """When what is asked for is not kept; the message says what is."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of a table: its newest backup, as far as the newest report tells of it."""

    table: str
    home: Home
    run: str | None
    last_good: str | None
    items: int | None
    bytes: int | None
    # not in the newest report: deleted since, or left out by now
    gone: bool = False
    # why its entries cannot be read: they may be another's
    unread: str | None = None


@dataclass(slots=True)
class _Told:
    """What reports say of tables, each with its run; runs without one, newest first."""

    tables: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    has_night: bool = False


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups below a prefix of a bucket; of one account and region where these are given."""

    store: Store
    prefix: str = ""
    account: str | None = None
    region: str | None = None
    _homes: list[Home] = field(default_factory=list, init=False, repr=False)
    _parts: list[str] = field(default_factory=list, init=False, repr=False)
    _listed: dict[tuple[Home, str], dict[str, str]] = field(
        default_factory=dict, init=False, repr=False
    )
    _reports: dict[Home, _Told] = field(default_factory=dict, init=False, repr=False)

    def homes(self) -> list[Home]:
        """Return the accounts and regions that have a catalogue here."""
        if not self._homes:
            accounts = [self.account] if self.account else self._in_catalogues()
            for account in accounts:
                regions = [self.region] if self.region else self._in_catalogues(account)
                self._homes.extend(Home(account, region) for region in regions)
        return self._homes

    def overview(self) -> list[Row]:
        """Return a row for each table that has a backup, by account, region and name."""
        return [row for home in self.homes() for row in self._overview(home)]

    def not_told(self) -> list[tuple[Home, str]]:
        """Return the runs whose backups `overview` may not show: begun since, without a report."""
        return [(home, run) for home in self.homes() for run in self._told(home).without]

    def unread(self) -> list[tuple[Home, str]]:
        """Return the runs whose reports `overview` could not read."""
        return [(home, run) for home in self.homes() for run in self._told(home).unread]

    def _overview(self, home: Home) -> Iterator[Row]:
        told = self._told(home)
        for table in self.tables(home):
            run, one = told.tables.get(table, (None, {}))
            if not one.get("last_good"):
                gone = told.has_night and not one
                if row := self._newest(home, table, gone):
                    yield row
            elif one["verdict"] == "backed_up":
                yield Row(table, home, run, one["last_good"], one.get("items"), one.get("bytes"))
            else:
                yield Row(table, home, None, one["last_good"], one.get("last_items"), None)

    def _newest(self, home: Home, table: str, gone: bool) -> Row | None:
        try:
            newest = next(self.nights(home, table), None)
            return self._row(self.read(home, table, newest), gone) if newest else None
        except (ClientError, ConfigurationError) as error:
            # who may read some tables is told of those, as of the others of a damaged entry
            if isinstance(error, ClientError) and "Denied" not in code_of(error):
                raise
            return Row(table, home, None, None, None, None, gone, remedied(error))

    def _row(self, kept: Kept, gone: bool) -> Row:
        night = kept.finished or kept.night.strftime("%Y-%m-%dT%H:%M:%SZ")
        return Row(kept.table, kept.home, kept.run, night, kept.items, kept.bytes, gone)

    def _told(self, home: Home) -> _Told:
        """Return what the newest night's report says, and of what was backed up by hand since."""
        if home not in self._reports:
            self._reports[home] = told = _Told()
            runs = filter(is_run, self._below("runs", home.account, home.region))
            # after so many, what is not told by then is looked for table by table
            for run in sorted(runs, key=start_of, reverse=True)[:_MOST_REPORTS]:
                night = is_night(run)
                try:
                    rows = self._rows(home, run)
                except ConfigurationError:
                    # all that is not told by then is looked for table by table
                    told.unread.append(run)
                    break
                if rows is None:
                    told.without.append(run)
                    continue
                for table, one in rows.items():
                    # one that failed by hand has its newest backup of a night
                    if night or one["verdict"] == "backed_up":
                        told.tables.setdefault(table, (run, one))
                if night:
                    told.has_night = True
                    break
        return self._reports[home]

    def _rows(self, home: Home, run: str) -> dict[str, Any] | None:
        found = self.store.read_as(self._key("runs", home, run, "report.json"), rows_of, None)
        return found[0] if found else None

    def tables(self, home: Home) -> list[str]:
        """Return the names of the tables that are kept of an account and region."""
        return self._in_catalogues(home.account, home.region)

    def of(self, table: str) -> list[tuple[Home, list[str]]]:
        """Return the homes that keep a table, each with its nights' ids, newest first."""
        found = [(home, list(self.nights(home, table))) for home in self.homes()]
        return [(home, nights) for home, nights in found if nights]

    def nights(self, home: Home, table: str) -> Iterator[str]:
        """Yield the ids of the runs that keep a table, newest first."""
        yield from self._nights(home, table)

    def _nights(self, home: Home, table: str) -> dict[str, str]:
        """Return the runs that keep a table, newest first, each with the catalogue's key of it."""
        found = {
            run: self._key(part, home, table, name)
            for part in self._catalogues()
            for name in self.store.names(self._key(part, home, table, ""))
            if name.endswith(_JSON) and is_run(run := name.removesuffix(_JSON))
        }
        found = dict(sorted(found.items(), key=lambda item: start_of(item[0]), reverse=True))
        self._listed[home, table] = found
        return found

    def read(self, home: Home, table: str, run: str) -> Kept:
        """Return one backup's entry.

        Raises:
            NoBackupError: there is none.
            ConfigurationError: another version wrote it.
        """
        key = self.key(home, table, run)
        found = self.store.read(key)
        if found is None:
            raise NoBackupError(f"s3://{self.store.bucket}/{key} is not there any more")
        return kept_of(home, found[0], self.store.bucket)

    def key(self, home: Home, table: str, run: str) -> str:
        """Return where a backup's entry is."""
        plain = self._key("catalog", home, table, run + _JSON)
        if len(self._catalogues()) == 1:
            return plain
        known = self._listed.get((home, table)) or self._nights(home, table)
        return known.get(run, plain)

    def find(self, table: str, at: str = LATEST) -> Kept:
        """Return the backup of a table that was made last, or last before a moment.

        Args:
            table: its name.
            at: `latest`, a run's id, a day or a time (UTC where no zone is said): the newest that
                began by then; of a day, by its end.

        Raises:
            NoBackupError: there is none, or several accounts or regions have one.
            ConfigurationError: `at` is no time.
        """
        kept = self.of(table)
        if not kept:
            raise NoBackupError(self._unknown(table))
        if len(kept) > 1:
            where = ", ".join(f"{home.account} {home.region}" for home, _ in kept)
            raise NoBackupError(
                f"{table} is kept of several accounts or regions ({where}): "
                "name one with --account and --of-region"
            )
        ((home, nights),) = kept
        until = moment_of(at)
        for run in nights:
            if run == at or (until and start_of(run) <= until) or at == LATEST:
                return self.read(home, table, run)
        if verdict := self._verdict(home, table, at):
            raise NoBackupError(f"{table} is kept of other nights: in that one it was {verdict}")
        asked = f"of the night {at} is kept" if is_run(at) else f"was begun by {at}"
        raise NoBackupError(
            f"no backup of {table} {asked}: there are {len(nights)}, from {nights[-1]} "
            f"to {nights[0]} (`hippolyte list {table}`)"
        )

    def _verdict(self, home: Home, table: str, run: str) -> str:
        """Return how a table ended a night without a backup, as its report says."""
        one = None
        with suppress(ConfigurationError):
            one = ((is_run(run) and self._rows(home, run)) or {}).get(table)
        return f"{one['verdict']} ({one.get('reason', '')})" if one else ""

    def _unknown(self, table: str) -> str:
        where = f"s3://{self.store.bucket}/{self.prefix}"
        homes = self.homes()
        if not homes:
            return f"{where} has no catalogue of backups: look at bucket and --prefix"
        names = [n for home in homes for n in self.tables(home)]
        near = [name for name in names if table.lower() in name.lower()][:5]
        like = f"; there are {', '.join(near)}" if near else f"; {len(names)} others have (`list`)"
        return f"no backup of a table {table} is kept in {where}{like}"

    def _in_catalogues(self, *parts: str) -> list[str]:
        """Return the names of the next level below a place of any catalogue."""
        return sorted({name for part in self._catalogues() for name in self._below(part, *parts)})

    def _catalogues(self) -> list[str]:
        """Return the parts with catalogues: that of every day, those of what is kept longer if any.

        Who may not list those is told of the others: roles of before had no right to them.
        """
        if not self._parts:
            longer = (part("catalog", kept) for kept in KEPT)
            self._parts.extend(["catalog", *filter(self._is_there, longer)])
        return self._parts

    def _is_there(self, part: str) -> bool:
        try:
            return bool(self._below(part))
        except ClientError as error:
            if "Denied" not in code_of(error):
                raise
            return False

    def _below(self, *parts: str) -> list[str]:
        """Return the names of the next level below a place."""
        prefix = "/".join([*([self.prefix] if self.prefix else []), *parts, ""])
        return self.store.level(prefix).below

    def _key(self, kind: str, home: Home, *parts: str) -> str:
        below = [*([self.prefix] if self.prefix else []), kind, home.account, home.region, *parts]
        return "/".join(below)


def moment_of(at: str) -> datetime | None:
    """Return the last moment that `--at` means, None if it is no moment (`latest`, a run's id).

    Raises:
        ConfigurationError: it is none of these.
    """
    if at == LATEST or is_run(at):
        return None
    try:
        day = datetime.strptime(at, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return when(at)
    return day + timedelta(days=1) - timedelta(seconds=1)
