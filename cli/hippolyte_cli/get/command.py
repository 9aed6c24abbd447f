"""`hippolyte get`: one item from one night, or what became of it in all nights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from hippolyte.errors import ConfigurationError, HippolyteError
from hippolyte.exports.place import Folder
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
from hippolyte_cli.get import view
from hippolyte_cli.get.beside import cache
from hippolyte_cli.get.history import Night, stories
from hippolyte_cli.get.key import Schema, parse, schema_of
from hippolyte_cli.get.look import Look
from hippolyte_cli.kept import Kept
from hippolyte_cli.troubles import remedied
from hippolyte_cli.waiting import working

# nights that are looked into side by side: they wait for S3, and then for the processor
_AT_ONCE = 8
# more than that is not read unasked
_UNASKED_BYTES = 1 << 30
# us-east-1, 2026-11: a GB out of AWS to the internet, of the first 10 TB of a month
_OUT_USD = 0.09
_GB = 1_000_000_000
_NOT_THERE, _NOT_ALL = 1, 3


def get(
    source: Annotated[
        str,
        typer.Argument(metavar="TABLE", help="A table's name; or one backup: s3://..., ./folder."),
    ],
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="""The partition key's value; or JSON: '{"pk": "a", "sk": 7}'. Without the sort """
            "key: all items of the partition.",
        ),
    ],
    at: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help="A day, a time, a night's id: its newest by then (default: now)."
        ),
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="In which nights it changed, and from what to what.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before more than 1 GiB is read.")
    ] = False,
    account: Account = None,
    of_region: OfRegion = None,
    function: Function = MONITOR,
    bucket: Bucket = None,
    prefix: Prefix = "",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Get an item by its key from a backup, or its history from all of them, without a restore.

    No table is read or written. Files of which it is not known what keys they hold are read whole,
    once; what a later look-up needs is left beside them.

    Exit code 0: found; 1: it is not there; 2: not possible, and why, or nobody said yes; 3:
    some night is damaged or cannot be read (it is named), or it was stopped, so that this may not
    be all.
    """
    if history and at is not None:
        console.refuse("--at is one night, --history all of them: give one.")
    if is_place(source) and (history or at is not None):
        console.refuse("--at and --history are of a table; this names one backup already.")
    with console.told():
        if is_place(source):
            looks = [Look(source, place_of(source, region), parse(key, None))]
            schemas: list[Schema | None] = [None]
        else:
            kept = backups_in(function, bucket, prefix, region, account, of_region)
            with working("looking for its backups"):
                nights = _nights(kept, source) if history else [kept.find(source, at or LATEST)]
            looks, schemas = _looks(kept, nights, key)
        _look(looks, yes)
    # whoever reads may have seen enough: what was found stays found
    with suppress(BrokenPipeError), console.closed_pipe_is_an_error():
        if history:
            _tell_history(looks, schemas, as_json)
        else:
            _tell(looks[0], as_json)
    _tell_rest(looks)
    found = any(look.items for look in looks)
    if not found:
        _tell_none(looks, history)
    if code := _code(looks, found):
        raise typer.Exit(code)


def _nights(backups: Backups, table: str) -> list[Kept | Look]:
    """Return the nights of a table, the oldest first; in place of an entry, why it is not read."""
    kept = backups.of(table)
    if len(kept) != 1:
        # says why there is not one
        backups.find(table)
    ((home, runs),) = kept

    def read(run: str) -> Kept | Look:
        try:
            return backups.read(home, table, run)
        except (HippolyteError, ClientError, BotoCoreError) as error:
            return Look(run, Folder(Path()), None, troubles=[remedied(error)])

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(read, reversed(runs)))


def _looks(
    backups: Backups, nights: Sequence[Kept | Look], key: str
) -> tuple[list[Look], list[Schema | None]]:
    """Return a look into each night, and the table's key then.

    Raises:
        ConfigurationError: the key is none of the newest night's table.
    """
    schemas = [schema_of(one.definition) if isinstance(one, Kept) else None for one in nights]
    known = [schema for schema in schemas if schema]
    newest = known[-1] if known else None
    # the first thing to be said is that there is no such key
    parse(key, newest)
    looks = []
    for number, one in enumerate(nights):
        if isinstance(one, Look):
            looks.append(one)
            continue
        schemas[number] = schemas[number] or newest
        look = Look(one.run, one.place(backups.store), None, one.expected)
        try:
            look.key = parse(key, schemas[number])
        except ConfigurationError as error:
            look.troubles.append(f"its table had another key that night: {error}")
        looks.append(look)
    return looks, schemas


def _look(looks: Sequence[Look], yes: bool) -> None:
    with console.stopped_by_ctrl_c() as stopped, ThreadPoolExecutor(_AT_ONCE) as threads:
        with working(f"looking which files of {count_of(len(looks), 'backup')} may hold it"):
            list(threads.map(lambda look: stopped() or look.begin(), looks))
        _ask(looks, yes or stopped())
        with _bar(sum(map(_wanted, looks))) as seen:
            list(threads.map(partial(_finish, seen=seen, stopped=stopped), looks))


def _finish(look: Look, seen: Any, stopped: Any) -> None:
    look.finish(seen, stopped)


def _wanted(look: Look) -> int:
    return look.to_read + sum(look.watched.there[file.name].size for file in look.likely)


def _ask(looks: Sequence[Look], yes: bool) -> None:
    """Say what is to be read, and ask where it is much."""
    nights = [look for look in looks if look.to_read]
    whole = sum(look.to_read for look in nights)
    if whole <= _UNASKED_BYTES:
        return
    said = (
        f"{count_of(len(nights), 'backup')} of {len(looks)} have files without a filter: "
        f"{size(whole)} are read, once (free within the region, about "
        f"{whole / _GB * _OUT_USD:,.2f} USD out of AWS)."
    )
    console.console(stderr=True).print(escape(said), soft_wrap=True)
    if yes:
        return
    console.agree("Read them?", "Nobody is there to be asked: --yes reads them.")


def _tell(look: Look, as_json: bool) -> None:
    """Print what was found in one backup."""
    out = console.console()
    if as_json:
        record = view.look_record(look) | {"items": look.items, "read": view.read_record([look])}
        out.print_json(json.dumps(record))
    else:
        for table in view.items_table(look):
            out.print(table)


def _tell_history(looks: Sequence[Look], schemas: Sequence[Schema | None], as_json: bool) -> None:
    nights = [
        Night(look.what, look.items, look.is_known, schema.names if schema else ())
        for look, schema in zip(looks, schemas, strict=True)
    ]
    told = stories(nights)
    out = console.console()
    if as_json:
        record = {
            "nights": list(map(view.look_record, looks)),
            "items": list(map(view.story_record, told)),
            "read": view.read_record(looks),
        }
        out.print_json(json.dumps(record))
    else:
        for story in told:
            out.print(escape(view.summary(story)), soft_wrap=True)
            out.print(view.story_table(story))


def _tell_none(looks: Sequence[Look], history: bool) -> None:
    known = sum(look.is_known for look in looks)
    if history:
        said = f"In {count_of(known, 'night')} of {len(looks)} it is not there."
    elif known:
        said = f"{looks[0].what}: it is not there."
    else:
        return
    console.console(stderr=True).print(escape(said))


def _tell_rest(looks: Sequence[Look]) -> None:
    """Say what could not be looked into, where filters are kept, and what was read."""
    err = console.console(stderr=True)
    for look in looks:
        for trouble in look.troubles:
            err.print(f"[red]{escape(look.what)}:[/red] {escape(trouble)}", soft_wrap=True)
    if any(look.stopped for look in looks):
        err.print("Stopped: the same command goes on; what was read is not read again.")
    for why in {look.beside.aside for look in looks if look.beside.aside}:
        lost = next((look.beside.lost for look in looks if look.beside.lost), "")
        where = f"not kept: {lost}" if lost else f"kept on this machine ({cache()})"
        said = f"The filters for later look-ups are {where}, not beside the backup: {why}"
        err.print(escape(said), soft_wrap=True)
        break
    err.print(view.read_line(looks), soft_wrap=True)


def _code(looks: Sequence[Look], found: bool) -> int:
    if all(look.is_known for look in looks):
        return 0 if found else _NOT_THERE
    return _NOT_ALL


@contextmanager
def _bar(whole: int) -> Iterator[Callable[[int], object]]:
    """Show how far the reading is where there is a terminal."""
    read, lock = 0, Lock()
    with working("reading") as step:

        def seen(count: int) -> None:
            nonlocal read
            with lock:
                read += count
                step(f"{size(read)} of {size(whole)}", read, whole)

        yield seen
