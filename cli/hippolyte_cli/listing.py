"""`hippolyte list`: what can be restored."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from hippolyte.planning.keeping import kept_as
from hippolyte.words import count_of
from hippolyte_cli import console
from hippolyte_cli.backups import Backups, Kept, NoBackupError, Row
from hippolyte_cli.backups_place import (
    Account,
    AsJson,
    Bucket,
    Function,
    OfRegion,
    Prefix,
    Region,
    backups_in,
)
from hippolyte_cli.deployment import MONITOR
from hippolyte_cli.export_offer import size
from hippolyte_cli.terminal import show_rows
from hippolyte_cli.waiting import working

_FORMATS = {"native": "DynamoDB's export", "dynamodbexport": "DynamoDBExport", "": "not said"}


def list_(
    table: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="One table's backups, newest first.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="Of a table: no more than the newest N.")
    ] = 30,
    account: Account = None,
    of_region: OfRegion = None,
    function: Function = MONITOR,
    bucket: Bucket = None,
    prefix: Prefix = "",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """List what can be restored: every table's newest backup, or the nights of one table.

    Also of tables that are deleted by now, and of every account and region in the bucket.

    Exit code 0: listed; 1: nothing is kept; 2: the bucket cannot be found or read, and what to do
    is said.
    """
    with console.told():
        kept = backups_in(function, bucket, prefix, region, account, of_region)
        if table is None:
            with working("reading what is kept"):
                rows = kept.overview()
            _overview(kept, rows, as_json)
        else:
            _nights(kept, table, limit, as_json)


def _overview(kept: Backups, rows: list[Row], as_json: bool) -> None:
    out = console.console()
    if as_json:
        console.record([_row_record(row) for row in rows])
    elif rows:
        show_rows(out, _OF_TABLES, map(_cells, rows), numbers=_NUMBERS)
        gone = sum(row.gone for row in rows)
        said = f", {count_of(gone, 'table')} not in the newest night" if gone else ""
        out.print(f"{count_of(len(rows), 'table')}{said}. One table's nights: hippolyte list TABLE")
        for home, run in kept.not_told():
            out.print(
                f"Run {run} of {home} has no report yet: what it has backed up so far is shown by "
                "hippolyte list TABLE"
            )
        for home, run in kept.unread():
            out.print(f"The report of run {run} of {home} cannot be read: this is what is kept")
    else:
        out.print(f"No backup is kept in s3://{kept.store.bucket}/{kept.prefix}")
    if not rows:
        raise typer.Exit(1)


def _nights(kept: Backups, table: str, limit: int, as_json: bool) -> None:
    try:
        found = kept.of(table)
        if not found:
            kept.find(table)
    except NoBackupError as error:
        if as_json:
            console.record([])
        console.console(stderr=True).print(escape(f"{error}."))
        raise typer.Exit(1) from error
    with working(f"reading the nights of {table}"):
        entries = [kept.read(home, table, run) for home, runs in found for run in runs[:limit]]
    out = console.console()
    if as_json:
        console.record([record_of(entry) for entry in entries])
        return
    show_rows(
        out,
        _OF_NIGHTS,
        map(_cells_of_a_night, entries),
        title=f"Backups of {escape(table)}",
        numbers=_NUMBERS,
    )
    if more := sum(len(runs[limit:]) for _, runs in found):
        out.print(f"{count_of(more, 'older backup')} not shown: --limit {limit + more}")


def record_of(entry: Kept) -> dict[str, Any]:
    """Return a backup as `--json` prints it."""
    return {
        "table": entry.table,
        "account": entry.home.account,
        "region": entry.home.region,
        "run": entry.run,
        "kept": kept_as(entry.location),
        "began_at": entry.began,
        "finished_at": entry.finished,
        "items": entry.items,
        "bytes": entry.bytes,
        "files": entry.files,
        "format": entry.format or None,
        "engine": entry.engine or None,
        "verified_level": entry.level,
        "verified_levels": list(entry.levels),
        "damage": list(entry.damage),
        "location": entry.location,
        "notes": list(entry.notes),
    }


def _row_record(row: Row) -> dict[str, Any]:
    return {
        "table": row.table,
        "account": row.home.account,
        "region": row.home.region,
        "newest": row.last_good,
        "run": row.run,
        "items": row.items,
        "bytes": row.bytes,
        "gone": row.gone,
        "unread": row.unread,
    }


_OF_TABLES = ("table", "account", "region", "newest backup", "items", "size", "note")
_OF_NIGHTS = ("night", "kept", "finished", "items", "size", "verified", "format", "where")
_NUMBERS = ("items", "size")


def _cells(row: Row) -> tuple[str, ...]:
    notes = ["not in the newest night"] if row.gone else []
    notes += ["may not be read"] if row.unread else []
    return (
        escape(row.table),
        row.home.account,
        row.home.region,
        row.last_good or "",
        "" if row.items is None else f"{row.items:,}",
        "" if row.bytes is None else size(row.bytes),
        ", ".join(notes),
    )


def _cells_of_a_night(entry: Kept) -> tuple[str, ...]:
    return (
        entry.run,
        kept_as(entry.location),
        entry.finished or "",
        "" if entry.items is None else f"{entry.items:,}",
        size(entry.bytes or 0),
        _verified(entry),
        _FORMATS.get(entry.format, entry.format),
        escape(entry.location),
    )


def _verified(entry: Kept) -> str:
    levels = ", ".join(map(str, entry.levels))
    if entry.damage:
        return f"[red]DAMAGED[/red], level {levels or 0}"
    return f"level {levels}"
