"""`hippolyte verify`: is a backup whole, and is every line of it an item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from hippolyte import clock
from hippolyte.errors import HippolyteError
from hippolyte.exports import verified
from hippolyte.exports.findings import Checked, Expected, Seen
from hippolyte.exports.levels import check
from hippolyte.exports.place import Folder, Listing
from hippolyte.record_form import iso
from hippolyte_cli import console
from hippolyte_cli.backups import LATEST, Backups
from hippolyte_cli.backups_place import (
    Account,
    AsJson,
    Bucket,
    Function,
    OfRegion,
    Prefix,
    Region,
    backups_in,
    is_place,
    place_of,
)
from hippolyte_cli.deployment import MONITOR
from hippolyte_cli.export_offer import plural, size
from hippolyte_cli.kept import Home, Kept

_Look = Callable[[Seen], None]


def verify(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[TABLE]", help="A table's name; or a backup itself: s3://..., ./folder."
        ),
    ] = None,
    at: Annotated[
        str, typer.Option(metavar="WHEN", help="A day, a time, a night's id: its newest by then.")
    ] = LATEST,
    level: Annotated[
        int,
        typer.Option(
            min=1, max=2, help="1: every file is there as listed; 2: and every line is an item."
        ),
    ] = 2,
    all_: Annotated[bool, typer.Option("--all", help="The newest backup of every table.")] = False,
    account: Account = None,
    of_region: OfRegion = None,
    function: Function = MONITOR,
    bucket: Bucket = None,
    prefix: Prefix = "",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Verify a backup: that it is whole (level 1), and that every line of it is an item (level 2).

    Says all that is wrong, a line each: file, line, what. The catalogue's entry keeps the level
    that was reached, where it may be written.

    Exit code 0: all is well; 1: something is damaged; 2: it could not be (wholly) looked at, and
    what to do is said.
    """
    if (source is None) != all_:
        console.refuse("Name one: a table, a folder (./...), s3://...; or --all for every table.")
    with console.told():
        if source and is_place(source):
            if at != LATEST:
                console.refuse("--at is of a table; this names one backup already.")
            backups: Iterator[_Backup] = iter(
                [_Backup(source, source, place_of(source, region), {"table": None})]
            )
        else:
            kept = backups_in(function, bucket, prefix, region, account, of_region)
            backups = (
                _newest(kept) if source is None else iter([_kept(kept, kept.find(source, at))])
            )
        results = _looked_at(backups, level, as_json)
    if as_json:
        console.record([result.record() for result in results])
    if not results:
        console.refuse("No backup is kept there: look at bucket and --prefix.")
    if any(result.checked and result.checked.findings for result in results):
        raise typer.Exit(1)
    if any(result.failure for result in results):
        raise typer.Exit(2)


@dataclass(frozen=True, slots=True)
class _Backup:
    """A backup that is to be looked at.

    `note`: keep what came of it, or say why that is not. `failure`: why it cannot be looked at.
    """

    what: str
    location: str
    place: Listing
    about: dict[str, Any]
    expected: Expected | None = None
    note: Callable[[Checked], str] = lambda _: ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class _Result:
    backup: _Backup
    asked: int
    checked: Checked | None
    failure: str = ""
    unrecorded: str = ""

    def record(self) -> dict[str, Any]:
        """Return what `--json` prints of a backup."""
        found = self.checked or Checked(())
        return self.backup.about | {
            "location": self.backup.location,
            "asked_level": self.asked,
            "verified_level": found.level,
            "ok": not self.failure and not found.findings,
            "files": found.files,
            "bytes": found.bytes,
            "items": found.items,
            "findings": [asdict(finding) for finding in found.findings],
            "more_findings": found.more,
            "failure": self.failure or None,
            "unrecorded": self.unrecorded or None,
        }


def _kept(backups: Backups, kept: Kept) -> _Backup:
    def note(checked: Checked) -> str:
        key = backups.key(kept.home, kept.table, kept.run)
        try:
            return verified.record(
                backups.store, key, kept.location, checked, iso(clock.now()), "command"
            )
        except (HippolyteError, ClientError, BotoCoreError) as error:
            return str(error)

    about = {
        "table": kept.table,
        "account": kept.home.account,
        "region": kept.home.region,
        "run": kept.run,
    }
    what = f"{kept.table}, night {kept.run}"
    place = kept.place(backups.store)
    return _Backup(what, kept.location, place, about, kept.expected, note)


def _newest(backups: Backups) -> Iterator[_Backup]:
    for home in backups.homes():
        for table in backups.tables(home):
            if run := next(backups.nights(home, table), None):
                yield _entry(backups, home, table, run)


def _entry(backups: Backups, home: Home, table: str, run: str) -> _Backup:
    try:
        return _kept(backups, backups.read(home, table, run))
    # one entry's trouble must not keep the others from being looked at
    except HippolyteError as error:
        about = {"table": table, "account": home.account, "region": home.region, "run": run}
        what, nowhere = f"{table}, night {run}", Folder(Path())
        return _Backup(what, "", nowhere, about, failure=str(error))


def _looked_at(backups: Iterator[_Backup], level: int, as_json: bool) -> list[_Result]:
    results = []
    for backup in backups:
        with _bar(backup.what) as look:
            result = _result(backup, level, look)
        results.append(result)
        if not as_json:
            for line in _lines(result):
                console.console().print(line, soft_wrap=True)
        if result.failure or result.unrecorded:
            why = result.failure or f"not noted in the catalogue: {result.unrecorded}"
            console.console(stderr=True).print(escape(f"{backup.what}: {why}"), soft_wrap=True)
    return results


def _result(backup: _Backup, level: int, look: _Look) -> _Result:
    if backup.failure:
        return _Result(backup, level, None, failure=f"cannot be verified: {backup.failure}")
    try:
        checked = check(backup.place, level, backup.expected, look)
    # a folder's file that may not be read, a disk without room for a copy
    except (HippolyteError, ClientError, BotoCoreError, OSError) as error:
        failure = f"cannot be verified: {console.remedied(error)}"
        return _Result(backup, level, None, failure=failure)
    return _Result(backup, level, checked, unrecorded=backup.note(checked))


def _lines(result: _Result) -> Iterator[str]:
    found = result.checked
    if found is None:
        return
    what = escape(result.backup.what)
    if not found.findings:
        items = "" if found.items is None else f"{plural(found.items, 'item')} in "
        files = f"{items}{plural(found.files, 'file')}, {size(found.bytes)}"
        yield f"{what}: level {found.level}, {files}"
        return
    holds = f"level {found.level} holds" if found.level else "not even level 1 holds"
    yield f"{what}: [red]DAMAGED[/red], {holds}"
    yield from (f"  {escape(str(finding))}" for finding in found.findings)
    if found.more:
        yield f"  and {found.more:,} more"


@contextmanager
def _bar(what: str) -> Iterator[_Look]:
    """Show how far it is where there is a terminal."""
    out = console.console(stderr=True)
    if not out.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    items = TextColumn("{task.fields[items]:,} items")
    with Progress(*columns, items, TimeRemainingColumn(), console=out, transient=True) as bar:
        task = bar.add_task(escape(what), total=None, items=0)
        yield lambda s: bar.update(task, completed=s.bytes, total=s.of, items=s.items)
