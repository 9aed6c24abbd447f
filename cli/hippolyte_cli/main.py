"""The command `hippolyte`. Exit codes: 0 done, 1 something is left, 2 not like this."""

from __future__ import annotations

import logging
import shutil
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Literal

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from hippolyte import __version__, clock
from hippolyte.assembly import assemble, elsewhere
from hippolyte.errors import HippolyteError
from hippolyte.settings import Settings
from hippolyte.store import Store
from hippolyte_cli import by_hand, console, deployment
from hippolyte_cli.alerting import test_alert
from hippolyte_cli.backups_place import AsJson
from hippolyte_cli.compare.command import compare
from hippolyte_cli.doctor import doctor
from hippolyte_cli.export import export
from hippolyte_cli.get.command import get
from hippolyte_cli.listing import list_
from hippolyte_cli.planning.command import plan
from hippolyte_cli.release import Release, Releases, Row
from hippolyte_cli.report import report
from hippolyte_cli.restore.command import restore
from hippolyte_cli.troubles import remedied
from hippolyte_cli.undo.command import undo
from hippolyte_cli.verb import verb
from hippolyte_cli.verifying import verify
from hippolyte_cli.waiting import working

# a capacity change takes a minute or more, and is judged two minutes after it was asked for
_PAUSE_SECONDS = 30
# columns; in fewer the boxes of a help cut names of options
_LEAST_OF_BOXES = 72


def help_form() -> Literal["markdown"] | None:
    """Return how a help is drawn on this terminal: in boxes, or plainly where they have no room."""
    return "markdown" if shutil.get_terminal_size().columns >= _LEAST_OF_BOXES else None


app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=help_form(),
    # the values of variables may be credentials
    pretty_exceptions_enable=False,
    help="Nightly backup of every DynamoDB table: what a person does by hand.",
    epilog="Exit codes are in each command's help; of all: 130 ended by ctrl-c, 70 a fault of the "
    "command itself.",
)


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Take the options that stand before a command."""
    # what fails is told in words of our own, not as tracebacks of the Lambdas' log
    logging.getLogger("hippolyte").addHandler(logging.NullHandler())
    if version:
        console.console().print(f"hippolyte {__version__}")
        raise typer.Exit


_VERBS: tuple[Callable[..., None], ...] = (
    export,
    by_hand.run,
    plan,
    by_hand.status,
    by_hand.cancel,
    list_,
    report,
    restore,
    undo,
    verify,
    doctor,
    compare,
    get,
    test_alert,
)
for _verb in _VERBS:
    # `list` is a name of Python's, and none has a hyphen
    app.command(_verb.__name__.rstrip("_").replace("_", "-"))(verb(_verb))


@app.command("release")
@verb
def release(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done; change nothing.")
    ] = False,
    cancel: Annotated[
        bool,
        typer.Option(
            "--cancel",
            help="End exports that still read a raised table, then give its capacity back. "
            "Ends their whole batch; the raised tables get no backup of this night.",
        ),
    ] = False,
    wait: Annotated[
        int, typer.Option(min=0, metavar="MINUTES", help="Go on for so long at most.")
    ] = 30,
    function: Annotated[
        str, typer.Option(help="The deployed monitor: its settings are all that is needed.")
    ] = deployment.MONITOR,
    bucket: Annotated[
        str | None,
        typer.Option(help="If the function is deleted: the bucket with the deployment's records."),
    ] = None,
    prefix: Annotated[str, typer.Option(help="The prefix in that bucket.")] = "",
    pipeline_region: Annotated[
        str | None, typer.Option(help="With --bucket: the region of Data Pipeline, if another.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(envvar="AWS_REGION", help="The deployment's region."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give back all read capacity that is still raised, as the monitor would.

    For when both Lambdas are dead. A table is lowered only when its export is seen dead, and only
    if it is still as the backup left it; scale-in that was suspended is resumed. Safe to repeat,
    and beside a living monitor.

    Exit code 0: nothing is raised (any more); 1: something is, and is named; 2: the deployment
    cannot be found or read, and what to do is said.
    """
    if bucket is None and (prefix or pipeline_region):
        console.refuse("--prefix and --pipeline-region go with --bucket: give the bucket too.")
    try:
        if bucket is None:
            settings = deployment.deployed(function, region, or_bucket=True)
        else:
            settings = deployment.by_bucket(bucket, prefix, region, pipeline_region)
        with working("looking at what is raised"):
            task = _task(settings, cancel, dry_run)
            rows = task.round()
    except (HippolyteError, ClientError, BotoCoreError) as error:
        console.refuse(remedied(error))
    out = console.console(stderr=as_json)
    where = f"{settings.name} in account {settings.account}, {settings.region}"
    if rows:
        with console.heard_or_not():
            console.show_leases(out, rows)
    ended = rows if dry_run else _until_released(task, rows, wait, out)
    for trouble in task.unseen:
        out.print(f"[red]NOT SEEN:[/red] {escape(trouble)}.")
    left = [row for row in ended if row.left]
    if as_json:
        about = {"name": settings.name, "account": settings.account, "region": settings.region}
        leases = [console.lease_record(row) for row in ended]
        console.record({**about, "dry_run": dry_run, "leases": leases, "not_seen": task.unseen})
    if not left and not task.unseen:
        said = "All capacity raised by {} is given back." if rows else "Nothing is raised by {}."
        out.print(said.format(where))
        return
    if not left:
        out.print(f"Nothing else is raised by {where}.")
        raise typer.Exit(1)
    names = ", ".join(row.name for row in left)
    out.print(
        f"Nothing was changed (--dry-run). Raised: {escape(names)}."
        if dry_run
        else f"[red]LEFT RAISED:[/red] {escape(names)}. See above why; run the command again."
    )
    raise typer.Exit(1)


class _ReadingStore(Store):
    """A store that writes nothing: what a dry run would record is dropped."""

    def _put(self, key: str, record: object, **condition: str) -> str | None:
        return "not written"


def _task(settings: Settings, cancel: bool, dry_run: bool) -> Releases:
    me = f"hippolyte release/{uuid.uuid4().hex[:8]}"
    store = _ReadingStore if dry_run else Store
    p = assemble(settings, me, lambda: float("inf"), store)
    others = [Release(other, cancel, dry_run) for other in elsewhere(p, store)]
    return Releases(Release(p, cancel, dry_run), others, p.unseen)


def _until_released(task: Releases, rows: list[Row], wait_minutes: int, out: Console) -> list[Row]:
    """Repeat until nothing is left that time can help, printing what changes."""
    end = clock.now() + timedelta(minutes=wait_minutes)
    latest = {row.name: row for row in rows}
    while any(row.left and not row.final for row in latest.values()):
        if clock.now() + timedelta(seconds=_PAUSE_SECONDS) > end:
            break
        try:
            with working("waiting until it can be given back"):
                time.sleep(_PAUSE_SECONDS)
                rows = task.round()
        except (HippolyteError, ClientError, BotoCoreError) as error:
            _say(out, remedied(error))
            continue
        for row in rows:
            before = latest.get(row.name)
            if before is None or row.said != before.said:
                _say(out, f"{row.name}: {row.said}")
        # what a living monitor has given back meanwhile is not among them any more
        latest = {row.name: row for row in rows}
    return list(latest.values())


def _say(out: Console, said: str) -> None:
    with console.heard_or_not():
        out.print(f"{clock.now():%H:%M:%S} {escape(said)}")
