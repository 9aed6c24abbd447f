"""`hippolyte undo`: what changed in a table since a night, put back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from hippolyte.errors import HippolyteError
from hippolyte_cli import console
from hippolyte_cli.backups_place import (
    SHARE,
    Account,
    AsJson,
    Bucket,
    Function,
    KeysFile,
    OfRegion,
    Prefix,
    Region,
    Share,
    backups_in,
    is_place,
    share_of_backups,
)
from hippolyte_cli.compare.live import GoneError
from hippolyte_cli.compare.unit import StoppedError
from hippolyte_cli.deployment import MONITOR
from hippolyte_cli.restore.source import lying, night
from hippolyte_cli.restore.target import Asked as Into
from hippolyte_cli.restore.target import Target
from hippolyte_cli.troubles import remedied
from hippolyte_cli.undo.record import write_record
from hippolyte_cli.undo.task import Asked, Task

_TROUBLE = (HippolyteError, ClientError, BotoCoreError, OSError, ValueError)


def undo(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    at: Annotated[
        str,
        typer.Option(
            metavar="WHEN",
            help="The newest backup that began by then: a day, a time, a night's id, or latest; "
            "or where a backup lies: s3://..., ./folder.",
        ),
    ],
    delete_added: Annotated[
        bool, typer.Option("--delete-added", help="Delete what that night did not have.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="ATTRIBUTE", help="Put back only this of items that changed."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="""Only some items: 'status = "open"', that night or now; several: all hold.""",
        ),
    ] = None,
    keys: KeysFile = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Where items are kept before they are replaced: s3://..., a folder. Default: "
            "beside the backups, below undone/.",
        ),
    ] = None,
    share: Share = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, max=1e6, metavar="UNITS", help="Write units a second, instead."),
    ] = None,
    read_rate: Annotated[
        float | None,
        typer.Option(min=0.1, max=1e6, metavar="UNITS", help="Read units a second, instead."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare and show; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    work: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where it works: the table's size on disk is needed."),
    ] = None,
    account: Account = None,
    of_region: OfRegion = None,
    function: Function = MONITOR,
    bucket: Bucket = None,
    prefix: Prefix = "",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Put back the items of a table that changed or vanished since a night.

    The table is read at a share of its capacity and compared with that night's backup; what would
    be done is shown by key and by count, and asked for. What is replaced or deleted is kept first,
    as a backup of its own. An item that changes after it was shown is left alone. Killed or
    stopped, the same command goes on where it was.

    Exit code 0: all is put back, or nothing was to be; 1: it began and is not complete, or items
    were left alone, and which; 2: nothing was done, and why, or nobody said yes.
    """
    if is_place(table):
        console.refuse(
            f"{table} is a place, no table. What has changed in a table since the backup that lies "
            f"there: `hippolyte undo TABLE --at {table}`."
        )
    if only and delete_added:
        console.refuse("--only and --delete-added: an item that is deleted has no attributes left.")
    try:
        if is_place(at):
            found = lying(at, region)
        else:
            found = night(
                backups_in(function, bucket, prefix, region, account, of_region), table, at, None
            )
        percent = share or share_of_backups(function, bucket, region)
        into = Into(
            to=None,
            into=table,
            mode="only-changed",
            where=tuple(where or ()),
            keys=keys,
            map=None,
            via="put",
            on_demand=False,
            streams=False,
            key=None,
            # writes cost the application more: half of the capacity, unless more is asked for
            share=(share or min(percent, SHARE)) / 100,
            rate=rate,
            dry_run=dry_run,
            yes=yes,
            region=region,
            as_json=as_json,
        )
        asked = Asked(tuple(only or ()), delete_added, keep, percent, read_rate, work)
        task = Task(asked, Target(into, found))
        with console.stopped_by_ctrl_c() as stopped, console.closed_pipe_is_an_error():
            something = task.look(stopped)
        if does := something and not dry_run:
            task.agree()
    except StoppedError:
        console.refuse("Stopped. Nothing was changed; the same command goes on comparing.")
    except _TROUBLE as error:
        if isinstance(error, GoneError):
            task.forget()
        console.refuse(remedied(error))
    failed = _run(task) if does else None
    if not does:
        task.out.print("Nothing was changed.")
    if as_json:
        _record(task, failed)
    if task.ended or not task.agreed:
        task.forget()
    if task.whole is False:
        raise typer.Exit(1)


def _record(task: Task, failed: str | None) -> None:
    """Print what `--json` asks for, as far as somebody reads it."""
    try:
        write_record(sys.stdout, task, failed)
    except BrokenPipeError:
        # nothing more may be written, not even at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(task: Task) -> str | None:
    """Do it; say what it failed for, and return that."""
    try:
        with console.stopped_by_ctrl_c() as stopped, console.closed_pipe_is_an_error():
            task.run(stopped)
    except _TROUBLE as error:
        if task.ended:
            # only nobody read of it
            return None
        said = remedied(error)
        if not task.begun:
            console.refuse(
                f"{said.rstrip('.')}. Nothing was changed in {task.target.name}; the same command "
                "goes on."
            )
        out = console.console(stderr=True)
        out.print(f"[red]NOT COMPLETE:[/red] {escape(said)}", soft_wrap=True)
        out.print(escape(task.state()), soft_wrap=True)
        return said
    return None
