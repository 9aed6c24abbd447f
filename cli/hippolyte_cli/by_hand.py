"""Commands for nights by hand: `run`, `status`, `cancel`."""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Group
from rich.live import Live
from rich.markup import escape

from hippolyte import clock
from hippolyte.assembly import assemble, elsewhere
from hippolyte.errors import HippolyteError
from hippolyte.night.cancelled import ask
from hippolyte.night.one_pass import Pass
from hippolyte.records.runs import start_of
from hippolyte.report.message import needs_attention
from hippolyte.settings import Settings
from hippolyte.words import count_of
from hippolyte_cli import console, deployment, functions
from hippolyte_cli.backups_place import AsJson, Region
from hippolyte_cli.deployment import MONITOR
from hippolyte_cli.follow import follow
from hippolyte_cli.progress import RunProgress, open_runs, progress
from hippolyte_cli.status_view import lines, panel, record_of
from hippolyte_cli.troubles import remedied
from hippolyte_cli.waiting import away, moves, working

_REFRESH_SECONDS = 5

Tables = Annotated[
    list[str] | None,
    typer.Argument(metavar="[TABLES]...", help="Globs over whole names, in quotes. None: all."),
]
Function = Annotated[
    str, typer.Option(help="The deployed monitor: its settings are all that is needed.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Follow the run till its report.")]


def run(
    tables: Tables = None,
    wait: Wait = False,
    function: Function = MONITOR,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Back up now: all tables, or those that match.

    Invokes the scheduler. A part answers for what it was asked for only; it is no night, and
    changes nothing for the next one. Refused while a run is open.

    Exit code 0: begun (with --wait: all is well); 1: with --wait, a person must look at the report;
    2: refused, and the remedy is said.
    """
    with console.told():
        settings = deployment.deployed(function, region)
        answer = asked(settings, "now", tables)
    out = console.console(stderr=as_json)
    if "run_id" not in answer:
        console.refuse(str(answer))
    why = f": {answer['why']}" if answer.get("why") else ""
    out.print(f"Run {answer['run_id']}: {escape(str(answer['result']) + why)}.")
    if "cost_usd" in answer:
        out.print(f"  {count_of(answer['tables'], 'table')}, about {answer['cost_usd']:.2f} USD")
    for name, rule in answer.get("skipped", {}).items():
        out.print(f"  {escape(name)} is left out: {escape(rule)}")
    report = None
    if wait:
        with console.told():
            p = _pass(settings)
        report = follow(p, answer["run_id"], out)
    else:
        out.print("Look with `hippolyte status`; its end is told as a night's.")
        out.print(f"Report, when the run is closed: {_url(settings, answer)}")
    if as_json:
        console.record({**answer, "report_url": _url(settings, answer), "report": report})
    if wait and (report is None or needs_attention(report)):
        raise typer.Exit(1)


def status(
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on showing it until nothing is open.")
    ] = False,
    function: Function = MONITOR,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Show open runs, and how far their tables are. Reads the records on S3 only.

    Exit code 0: shown; 2: the deployment cannot be found or read, and what to do is said.
    """
    if watch and as_json:
        console.refuse("--watch shows a person how it goes: call --json again and again instead.")
    with console.told():
        p = _pass(deployment.deployed(function, region))
        with working("looking for open runs"):
            places = [p, *elsewhere(p)]
        if as_json:
            runs = [record_of(run) for run in _open(places)]
            console.record({"runs": runs, "not_seen": list(p.unseen)})
            return
        out = console.console()
        live = Live(console=out, auto_refresh=False) if watch and moves(out) else None
        if live:
            with away(), live:
                while _shown(places, live):
                    time.sleep(_REFRESH_SECONDS)
            return
        while _shown(places, None) and watch:
            time.sleep(_REFRESH_SECONDS)
        for trouble in p.unseen:
            out.print(f"[red]NOT SEEN:[/red] {escape(trouble)}.")


def cancel(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Its id, as `status` shows it.")],
    reason: Annotated[str, typer.Option(help="Why: it is told in the report.")] = "",
    wait: Wait = False,
    function: Function = MONITOR,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """End an open run: what is read is ended, the other tables fail as cancelled.

    Writes a mark beside the run's records and invokes the monitor, which does it, as does each
    later pass until it is done. What is backed up stays; capacity is given back when the exports
    are dead, then come report and message. Safe to repeat.

    Exit code 0: it is being ended, or was (with --wait: it is closed); 1: the mark is written, and
    the monitor failed; 2: no such open run, or its records cannot be read.
    """
    with console.told():
        settings = deployment.deployed(function, region)
        with working(f"looking for run {run}"):
            p = _place_of(_pass(settings), run)
        before = ask(p.runs, run, _me(settings), reason)
    out = console.console(stderr=as_json)
    if before:
        out.print(f"Run {run} was cancelled by {escape(before['by'])} at {before['at']} already.")
    else:
        out.print(f"Run {run} is marked as cancelled.")
    failure, found, closed = "", None, False
    try:
        with working(f"{function} takes a pass"):
            functions.invoke(function, settings.region, {})
    except (HippolyteError, ClientError, BotoCoreError) as error:
        failure = remedied(error)
        out.print(
            f"[red]The monitor failed:[/red] {escape(failure)} Its next pass goes on; if it is "
            "dead, `hippolyte release --cancel` gives capacity back."
        )
    if wait and not failure:
        # that its tables have no backup is what was wanted
        closed = follow(p, run, out) is not None
    elif not failure:
        with console.told():
            closed = p.runs.is_closed(run)
            found = None if closed else progress(p, run)
        for line in lines(found, clock.now()) if found else ():
            out.print(escape(line))
        if not found:
            out.print(f"Run {run} is closed: {p.runs.url(run, 'report.html')}")
    if as_json:
        console.record(
            {
                "run": run,
                "already": before is not None,
                "monitor_error": failure or None,
                "closed": closed,
                "status": record_of(found) if found else None,
            }
        )
    if failure or (wait and not closed):
        raise typer.Exit(1)


def _open(places: list[Pass]) -> list[RunProgress]:
    """Return the open runs of all places."""
    now = clock.now()
    return [found for p in places for run in open_runs(p, now) if (found := progress(p, run))]


def _shown(places: list[Pass], live: Live | None) -> bool:
    """Show the open runs of all places once; False: there is none."""
    out, now = console.console(), clock.now()
    with working("reading the runs' records"):
        runs = _open(places)
    if live:
        live.update(Group(*(panel(found, now, out.width) for found in runs)), refresh=True)
    elif out.is_terminal:
        for found in runs:
            out.print(panel(found, now, out.width))
    else:
        for found in runs:
            for line in lines(found, now):
                out.print(escape(line))
    if not runs:
        where = places[0].settings
        out.print(f"No run of {where.name} in account {where.account}, {where.region} is open.")
    return bool(runs)


def _place_of(p: Pass, run: str) -> Pass:
    """Return the pass of the place in which a run is open, or refuse."""
    start_of(run)
    places = [p, *elsewhere(p)]
    has = [each for each in places if each.store.read(each.runs.key(run, "plan.json"))]
    if not has:
        still = [name for each in places for name in open_runs(each, clock.now())]
        known = f"Open: {', '.join(still)}." if still else "No run is open."
        console.refuse(f"There is no run {run}. {known}")
    if report := has[0].runs.report(run):
        console.refuse(f"Run {run} was closed at {report['closed_at']}: nothing is left to end.")
    return has[0]


def asked(
    settings: Settings, what: str, tables: list[str] | None, **more: Any
) -> Mapping[str, Any]:
    """Return what the scheduler answers to who asks for a run or a plan; refuse as it does."""
    event: dict[str, Any] = {"run": what, **({"tables": tables} if tables else {}), **more}
    with working(f"{settings.name}-scheduler plans"):
        answer = functions.invoke(f"{settings.name}-scheduler", settings.region, event)
    if refused := answer.get("refused"):
        console.refuse(str(refused))
    return answer


def _pass(settings: Settings) -> Pass:
    return assemble(settings, "hippolyte command", lambda: float("inf"))


def _url(settings: Settings, answer: Mapping[str, Any]) -> str:
    key = settings.place("runs", str(answer["run_id"]), "report.html")
    return f"s3://{settings.bucket}/{key}"


def _me(settings: Settings) -> str:
    """Return who asks, as AWS knows them."""
    try:
        client = boto3.client("sts", region_name=settings.region)
        return client.get_caller_identity()["Arn"].split(":")[-1]
    except (ClientError, BotoCoreError):
        return getpass.getuser()
