"""`hippolyte compare`: what differs between two tables, two backups, or a backup and a table."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from hippolyte.errors import HippolyteError
from hippolyte.words import count_of
from hippolyte_cli import console
from hippolyte_cli.backups_place import (
    Account,
    Bucket,
    Conditions,
    Function,
    OfRegion,
    Prefix,
    Rate,
    Region,
    Share,
)
from hippolyte_cli.compare import view
from hippolyte_cli.compare.live import GoneError
from hippolyte_cli.compare.opening import Where
from hippolyte_cli.compare.run import Comparison, Progress
from hippolyte_cli.compare.task import Asked, Task
from hippolyte_cli.compare.unit import StoppedError
from hippolyte_cli.deployment import MONITOR
from hippolyte_cli.session import profile
from hippolyte_cli.troubles import remedied
from hippolyte_cli.waiting import away, working

EQUAL, DIFFERENT, TROUBLE = 0, 1, 2


def compare(
    left: Annotated[
        str,
        typer.Argument(
            help="A live table (name or ARN), a night of one (TABLE@WHEN, TABLE@latest), or where "
            "a backup lies: s3://..., ./folder."
        ),
    ],
    right: Annotated[str, typer.Argument(help="What it is compared with, named likewise.")],
    keys_only: Annotated[
        bool, typer.Option("--keys-only", help="Only whether an item of the key is there.")
    ] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="ATTRIBUTE", help="Do not compare this attribute; repeatable."),
    ] = None,
    ignore_expired: Annotated[
        bool, typer.Option("--ignore-expired", help="Leave out what is past its time to live.")
    ] = False,
    where: Conditions = None,
    written_at: Annotated[
        str | None,
        typer.Option(
            metavar="ATTRIBUTE",
            help="It says when an item was written: tell apart those since the backup was begun.",
        ),
    ] = None,
    sample: Annotated[
        float | None,
        typer.Option(min=0.1, max=100, metavar="PERCENT", help="Only some segments of both."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, a line a difference.")
    ] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Only say what it comes to.")] = False,
    share: Share = None,
    rate: Rate = None,
    key_attributes: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="The key, as `pk` or `pk,sk`, where nothing else says it."
        ),
    ] = None,
    right_profile: Annotated[
        str | None, typer.Option(help="RIGHT is read with this profile's credentials.")
    ] = None,
    right_region: Annotated[str | None, typer.Option(help="RIGHT's region, if another.")] = None,
    work: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where it keeps what it needs meanwhile."),
    ] = None,
    account: Account = None,
    of_region: OfRegion = None,
    function: Function = MONITOR,
    bucket: Bucket = None,
    prefix: Prefix = "",
    region: Region = None,
) -> None:
    """Compare two tables, two backups, or a backup with a table: say which items differ, and how.

    Numbers are compared by value, sets without order, binaries by their bytes. A live table is
    read at a share of its capacity; speed, time and cost are said before. Killed or stopped, the
    same command goes on where it was.

    Exit code 0: equal; 1: something differs; 2: trouble, and what to do is said.
    """
    # the processes that read are told whose credentials
    on_left = Where(function, bucket, prefix, region, account, of_region, profile())
    on_right = replace(
        on_left, region=right_region or region, profile=right_profile or on_left.profile
    )
    asked = Asked(
        left=left,
        right=right,
        wheres=(on_left, on_right),
        keys_only=keys_only,
        ignore=tuple(ignore or ()),
        ignore_expired=ignore_expired,
        conditions=tuple(where or ()),
        written_at=written_at,
        sample=sample,
        share=share,
        rate=rate,
        key_attributes=tuple(filter(None, (key_attributes or "").split(","))),
        work=work,
    )
    task = Task(asked, console.console(stderr=as_json))
    try:
        with console.stopped_by_ctrl_c() as stopped, _shown() as show:
            differ = _compared(task, show, stopped, as_json, summary)
    except StoppedError:
        _trouble(task, "STOPPED")
    except BrokenPipeError:
        # whoever reads has seen enough; nothing more may be written, not even at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        task.remove()
        raise typer.Exit(DIFFERENT) from None
    except (HippolyteError, ClientError, BotoCoreError, OSError, ValueError) as error:
        if isinstance(error, GoneError):
            task.remove()
        _trouble(task, remedied(error))
    raise typer.Exit(differ)


def _compared(
    task: Task,
    show: Callable[[Progress], None],
    stopped: Callable[[], bool],
    as_json: bool,
    summary: bool,
) -> int:
    """Print what differs, and say the exit code."""
    comparison = task.begin(show, stopped)
    for difference in comparison:
        if not summary:
            line = (
                json.dumps(view.record_of(difference), ensure_ascii=False)
                if as_json
                else view.line_of(difference)
            )
            with away():
                sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    task.remove()
    _sum_up(task, comparison, as_json and summary)
    totals = comparison.totals
    return TROUBLE if totals.damaged else DIFFERENT if totals.differ else EQUAL


def _sum_up(task: Task, comparison: Comparison, as_record: bool) -> None:
    totals, names = comparison.totals, [side.name for side in task.sides]
    if as_record:
        record = view.summary_record(totals, *names)
        sys.stdout.write(f"{json.dumps(record, ensure_ascii=False)}\n")
        return
    for line in (*task.notes, *view.summary_lines(totals, *names)):
        task.out.print(escape(line), soft_wrap=True)


def _trouble(task: Task, said: str) -> None:
    out = console.console(stderr=True)
    out.print(f"[red]Error:[/red] {escape(said)}", soft_wrap=True)
    if task.folder and task.folder.exists():
        kept = f"What is done lies in {task.folder}: the same command goes on, or remove it."
        out.print(escape(kept), soft_wrap=True)
    raise typer.Exit(TROUBLE)


@contextmanager
def _shown() -> Iterator[Callable[[Progress], None]]:
    """Show how far it is: on a terminal, else a line now and then."""
    with working("comparing", console.console(stderr=True)) as step:

        def show(told: Progress) -> None:
            step.doing = told.doing
            of = f" of {told.of:,}" if told.of else ""
            step(f"{count_of(told.items, 'item')}{of}", told.items, told.of)

        yield show
