"""`hippolyte restore`: a table as it was in a night, beside the live one or into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from hippolyte.errors import HippolyteError
from hippolyte_cli import console
from hippolyte_cli.backups import LATEST
from hippolyte_cli.backups_place import (
    Account,
    AsJson,
    Bucket,
    Conditions,
    Function,
    KeysFile,
    OfRegion,
    Prefix,
    Region,
    backups_in,
    is_place,
)
from hippolyte_cli.deployment import MONITOR
from hippolyte_cli.restore.record import record_of
from hippolyte_cli.restore.source import lying, night
from hippolyte_cli.restore.target import Asked, Target
from hippolyte_cli.restore.task import Task
from hippolyte_cli.troubles import remedied

_VIAS = ("put", "import")


def restore(
    source: Annotated[
        str,
        typer.Argument(
            metavar="TABLE", help="A table's name; or where a backup lies: s3://..., ./folder."
        ),
    ],
    at: Annotated[
        str,
        typer.Option(
            metavar="WHEN",
            help="The newest backup that began by then: a day, a time, a night's id, or latest.",
        ),
    ] = LATEST,
    to: Annotated[
        str | None, typer.Option("--to", metavar="NEW", help="Make a table of this name.")
    ] = None,
    into: Annotated[
        str | None,
        typer.Option("--into", metavar="TABLE", help="Write into this table, which is there."),
    ] = None,
    only_missing: Annotated[
        bool, typer.Option("--only-missing", help="With --into: what the table has not.")
    ] = False,
    only_changed: Annotated[
        bool,
        typer.Option("--only-changed", help="With --into: what it has not, or has otherwise."),
    ] = False,
    where: Conditions = None,
    keys: KeysFile = None,
    map_file: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="Drop, hash or replace attributes, by its rules."
        ),
    ] = None,
    via: Annotated[
        str, typer.Option(metavar="put|import", help="import: by ImportTable, a new table only.")
    ] = "put",
    settings_from: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Make the table by another night's definition."),
    ] = None,
    on_demand: Annotated[
        bool, typer.Option("--on-demand", help="Make it on-demand, whatever it was.")
    ] = False,
    streams: Annotated[
        bool, typer.Option("--streams", help="Turn on its streams as well, if it had some.")
    ] = False,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="ARN", help="Encrypt it with another key; aws-managed, aws-owned: AWS's."
        ),
    ] = None,
    share: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            metavar="PERCENT",
            help="Of its write capacity. Default: all of a new table's, half of one that is there.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, max=1e6, metavar="UNITS", help="Write units a second, instead."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    account: Account = None,
    of_region: OfRegion = None,
    function: Function = MONITOR,
    bucket: Bucket = None,
    prefix: Prefix = "",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Restore a table's backup: beside the live table (--to), or into one that is there (--into).

    The new table is made as it was that night: keys, indexes, capacity, encryption; then its items
    are written, then come tags, scaling, recovery, and last of all time to live. What will not be
    as it was is said first. Killed or stopped, the same command goes on where it was.

    Exit code 0: all of it is there; 1: it began and is not complete, or something was not put back,
    and what to do is said; 2: nothing was done, and why, or nobody said yes.
    """
    asked = Asked(
        to=to,
        into=into,
        mode="only-missing" if only_missing else "only-changed" if only_changed else "all",
        where=tuple(where or ()),
        keys=keys,
        map=map_file,
        via=via,
        on_demand=on_demand,
        streams=streams,
        key=key,
        share=share / 100 if share else None,
        rate=rate,
        dry_run=dry_run,
        yes=yes,
        region=region,
        as_json=as_json,
    )
    _refuse(asked, only_missing and only_changed)
    with console.told():
        if not is_place(source):
            backups = backups_in(function, bucket, prefix, region, account, of_region)
            found = night(backups, source, at, settings_from)
        elif at == LATEST and not settings_from:
            found = lying(source, region)
        else:
            console.refuse(
                "--at and --settings-from are of a table's nights: a place is one backup"
            )
        task = Task(Target(asked, found))
        task.offer()
    error = None
    if dry_run:
        task.out.print("Nothing was changed.")
    else:
        task.agree()
        error = _run(task)
    if as_json:
        console.record(record_of(task, error))
    if task.whole is False:
        raise typer.Exit(1)


def _run(task: Task) -> str | None:
    """Do it; say what it failed for, and return that."""
    try:
        with console.closed_pipe_is_an_error():
            task.run()
    except (HippolyteError, ClientError, BotoCoreError, OSError) as error:
        said = remedied(error)
        if not task.begun:
            console.refuse(said)
        out = console.console(stderr=True)
        out.print(f"[red]NOT COMPLETE:[/red] {escape(said)}", soft_wrap=True)
        out.print(task.state())
        return said
    return None


def _refuse(asked: Asked, both: bool) -> None:
    """Refuse options that contradict each other."""
    made_only = [
        name
        for name, given in (
            ("--on-demand", asked.on_demand),
            ("--streams", asked.streams),
            ("--key", asked.key),
            ("--via import", asked.via == "import"),
        )
        if given
    ]
    part = asked.where or asked.keys
    if (asked.to is None) == (asked.into is None):
        console.refuse("Give --to NEW to make a table, or --into TABLE to write into one.")
    if asked.via not in _VIAS:
        console.refuse(f"--via {asked.via}: it is put or import.")
    if both:
        console.refuse("--only-missing or --only-changed: give one of them.")
    if asked.into and made_only:
        console.refuse(f"{', '.join(made_only)}: only for a table that is made (--to).")
    if asked.to and asked.mode != "all":
        console.refuse(f"--{asked.mode} goes with --into: a new table has nothing.")
    if asked.via == "import" and part:
        console.refuse("--where and --keys: an import is of all items; use --via put.")
    if asked.via == "import" and asked.map:
        console.refuse("--map: an import is of the items as they are; use --via put.")
    if asked.via == "import" and asked.rate:
        console.refuse("--rate: an import takes no write capacity.")
