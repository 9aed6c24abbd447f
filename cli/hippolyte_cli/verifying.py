"""`hippolyte verify`: is a backup whole, and is every line of it an item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from hippolyte import clock
from hippolyte.errors import HippolyteError
from hippolyte.exports import verified
from hippolyte.exports.filters import is_filter
from hippolyte.exports.findings import PLAUSIBLE, READ, RESTORED, Checked, Seen
from hippolyte.exports.gather import Gather
from hippolyte.exports.levels import check
from hippolyte.exports.manifest import FormatError
from hippolyte.exports.place import Folder
from hippolyte.record_form import iso
from hippolyte.records.homes import Home
from hippolyte.words import count_of
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
from hippolyte_cli.export_offer import size
from hippolyte_cli.get.beside import Beside
from hippolyte_cli.get.key import schema_of
from hippolyte_cli.get.watched import Watched
from hippolyte_cli.kept import Kept
from hippolyte_cli.restore.source import night
from hippolyte_cli.trial import Trial
from hippolyte_cli.troubles import remedied
from hippolyte_cli.verifying_result import Backup, Result, lines_of
from hippolyte_cli.waiting import working

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
            min=1,
            max=4,
            help="1: every file is there as listed; 2: and every line is an item; 4: and restored "
            "into a table that is made for it, it is the same.",
        ),
    ] = 2,
    all_: Annotated[bool, typer.Option("--all", help="The newest backup of every table.")] = False,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="ARN",
            help="Level 4: encrypt its table with another key; aws-managed, aws-owned: AWS's.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Level 4: do not ask.")] = False,
    account: Account = None,
    of_region: OfRegion = None,
    function: Function = MONITOR,
    bucket: Bucket = None,
    prefix: Prefix = "",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Verify a backup: that it is whole (level 1), that every line of it is an item (level 2).

    Level 4 restores it into a table hippolyte-verify-<table>-..., compares the two, and deletes
    that table whatever happens; what it costs is said first, and asked.

    Says all that is wrong, a line each: file, line, what. The catalogue's entry keeps the level
    that was reached, where it may be written.

    Exit code 0: all is well; 1: something is damaged; 2: it could not be (wholly) looked at, and
    what to do is said, or nobody said yes.
    """
    _refuse(source, level, all_=all_, only_restored=bool(key or yes))
    trial = None
    with console.told():
        if source and is_place(source):
            if at != LATEST:
                console.refuse("--at is of a table; this names one backup already.")
            backups: Iterator[Backup] = iter(
                [Backup(source, source, place_of(source, region), {"table": None})]
            )
        else:
            kept = backups_in(function, bucket, prefix, region, account, of_region)
            one = kept.find(source, at) if source else None
            backups = iter([_kept(kept, one)]) if one else _newest(kept)
            if one and level == RESTORED:
                trial = _trial(kept, one, region, key)
                if trial:
                    trial.agree(yes)
        results = _looked_at(backups, level, as_json, trial)
    if as_json:
        console.record([result.record() for result in results])
    if not results:
        console.refuse("No backup is kept there: look at bucket and --prefix.")
    if any(result.checked and result.checked.findings for result in results):
        raise typer.Exit(1)
    if any(result.failure for result in results):
        raise typer.Exit(2)


def _refuse(source: str | None, level: int, *, all_: bool, only_restored: bool) -> None:
    """Refuse options that contradict each other."""
    if (source is None) != all_:
        console.refuse("Name one: a table, a folder (./...), s3://...; or --all for every table.")
    if level == PLAUSIBLE:
        console.refuse("--level 3: only the night has the counts that it compares; take 1, 2 or 4.")
    if level == RESTORED and (source is None or is_place(source)):
        console.refuse("--level 4 is of one table's backup: only the catalogue says what it was.")
    if level != RESTORED and only_restored:
        console.refuse("--key and --yes go with --level 4.")


def _kept(backups: Backups, kept: Kept) -> Backup:
    def note(checked: Checked) -> str:
        key = backups.key(kept.home, kept.table, kept.run)
        try:
            return verified.record(
                backups.store, key, kept.recorded, checked, iso(clock.now()), "command"
            )
        except (HippolyteError, ClientError, BotoCoreError) as error:
            return remedied(error)

    about = {
        "table": kept.table,
        "account": kept.home.account,
        "region": kept.home.region,
        "run": kept.run,
    }
    what = f"{kept.table}, night {kept.run}"
    place = kept.place(backups.store)

    def gather() -> Gather | None:
        schema, watched = schema_of(kept.definition), Watched(place)
        if schema is None or any(map(is_filter, watched.names())):
            return None
        return Gather(schema.names[0], Beside(watched).put)

    return Backup(what, kept.location, place, about, kept.expected, note, gather=gather)


def _newest(backups: Backups) -> Iterator[Backup]:
    for home in backups.homes():
        for table in backups.tables(home):
            if run := next(backups.nights(home, table), None):
                yield _entry(backups, home, table, run)


def _entry(backups: Backups, home: Home, table: str, run: str) -> Backup:
    try:
        return _kept(backups, backups.read(home, table, run))
    # one entry's trouble must not keep the others from being looked at
    except HippolyteError as error:
        about = {"table": table, "account": home.account, "region": home.region, "run": run}
        what, nowhere = f"{table}, night {run}", Folder(Path())
        return Backup(what, "", nowhere, about, failure=remedied(error))


def _trial(backups: Backups, kept: Kept, region: str | None, key: str | None) -> Trial | None:
    """Say what level 4 takes; None: the backup is not whole, which is told by its first level."""
    try:
        found = night(backups, kept.table, kept.run, None)
    except FormatError:
        return None
    trial = Trial(found, kept.table, region, console.console(stderr=True), key)
    trial.offer()
    return trial


def _looked_at(
    backups: Iterator[Backup], level: int, as_json: bool, trial: Trial | None
) -> list[Result]:
    results: list[Result] = []
    while True:
        with working("reading the catalogue"):
            backup = next(backups, None)
        if backup is None:
            return results
        with _bar(backup.what) as look:
            result = _result(backup, level, look)
        if trial and result.checked and not result.checked.findings:
            result = _tried(trial, result)
        if result.checked:
            result = replace(result, unrecorded=backup.note(result.checked))
        results.append(result)
        if not as_json:
            for line in lines_of(result):
                console.console().print(line, soft_wrap=True)
        if result.failure or result.unrecorded:
            why = result.failure or f"not noted in the catalogue: {result.unrecorded}"
            console.console(stderr=True).print(escape(f"{backup.what}: {why}"), soft_wrap=True)


def _result(backup: Backup, level: int, look: _Look) -> Result:
    if backup.failure:
        return Result(backup, level, None, failure=f"cannot be verified: {backup.failure}")
    try:
        gather = backup.gather() if level >= READ else None
        checked = check(backup.place, min(level, READ), backup.expected, look, gather=gather)
        if gather:
            gather.write()
    # a folder's file that may not be read, a disk without room for a copy
    except (HippolyteError, ClientError, BotoCoreError, OSError) as error:
        return Result(backup, level, None, failure=_failure(error, "cannot be verified"))
    return Result(backup, level, checked)


def _tried(trial: Trial, result: Result) -> Result:
    """Restore what passed the levels below, and return what both came to."""
    assert result.checked
    failure = ""
    checked = result.checked
    try:
        checked = trial.run(checked)
    except (HippolyteError, ClientError, BotoCoreError, OSError, ValueError) as error:
        failure = _failure(error, "cannot be verified to level 4")
    left = "its table is left, see above" if trial.kept_back else ""
    return replace(result, checked=checked, failure="; ".join(filter(None, (failure, left))))


def _failure(error: Exception, what: str) -> str:
    return f"{what}: {remedied(error)}"


@contextmanager
def _bar(what: str) -> Iterator[_Look]:
    """Show how far it is where there is a terminal."""
    with working(f"verifying {what}") as step:

        def look(seen: Seen) -> None:
            of = f" of {size(seen.of)}" if seen.of else ""
            step(f"{size(seen.bytes)}{of}, {count_of(seen.items, 'item')}", seen.bytes, seen.of)

        yield look
