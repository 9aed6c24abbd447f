"""The command `hippolyte plan`."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from hippolyte import clock
from hippolyte.errors import RefusedError
from hippolyte.planning.answer import read_answer
from hippolyte.planning.plan import Plan
from hippolyte.settings import changed
from hippolyte_cli import console, deployment
from hippolyte_cli.backups_place import Region
from hippolyte_cli.by_hand import Function, Tables, asked
from hippolyte_cli.deployment import MONITOR
from hippolyte_cli.planning.compare import differences
from hippolyte_cli.planning.offline import offline_plan
from hippolyte_cli.planning.page import render
from hippolyte_cli.planning.plan_file import read_plan
from hippolyte_cli.planning.settings_given import settings_of, what_if
from hippolyte_cli.planning.tables_file import read_tables
from hippolyte_cli.planning.view import show_beside, show_differences, show_plan
from hippolyte_cli.waiting import working

# bytes; the settings of a deployment are at most some hundred thousand
_MOST_SETTINGS = 1 << 20
_US = "us-east-1"

Record = Mapping[str, Any]


def plan(
    names: Tables = None,
    tables: Annotated[
        str | None,
        typer.Option(
            "--tables",
            metavar="FILE",
            help="Plan without an account, of these tables: DescribeTable's answers as JSON, in a "
            "list or one after the other. `-`: standard input.",
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="With --tables: any part of the settings as JSON, like "
            '`{"planning": {"max_clusters": 20}}`; the rest is the module\'s default.',
        ),
    ] = None,
    if_: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            metavar="CHANGES",
            help="Plan with other settings too, and show both side by side: "
            "`window=00:00-05:00,percentage=30`. May be repeated.",
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare", metavar="FILE", help="Say what changed since this plan (JSON, --json's)."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the plan as a page.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan as it goes to S3, and nothing else.")
    ] = False,
    function: Function = MONITOR,
    region: Region = None,
) -> None:
    """Show what a run that begins now would do and cost; nothing is recorded or changed.

    Asks the deployed scheduler, or with --tables plans on this machine, without an account.

    Exit code 0: planned, whether all tables fit or not; 2: refused, and the remedy is said.
    """
    with console.told():
        if as_json and (if_ or compare):
            raise RefusedError("--json prints one plan: leave out --what-if and --compare")
        before = read_plan(compare) if compare else None
        trials = [what_if(text) for text in if_ or ()]
        if tables is None and settings:
            raise RefusedError(
                "--settings goes with --tables: a deployment has its own. --what-if changes them"
            )
        if tables is None:
            deployed = deployment.deployed(function, region)
            first: Record
            others: Sequence[Record]
            answer = asked(deployed, "plan", names, **({"what_if": trials} if trials else {}))
            first, others = read_answer(answer)
        else:
            with working("planning"):
                first, *others = _offline(tables, settings, names or [], trials, region)
        if as_json:
            sys.stdout.write(json.dumps(first, indent=1, ensure_ascii=False) + "\n")
        plans = {"as it is": first}
        plans |= dict(zip(if_ or (), others, strict=True))
        found = differences(before, first) if before else []
        if html:
            _write(html, render(first, plans | ({str(compare): before} if before else {}), found))
    if as_json:
        return
    out = console.console()
    show_plan(out, first)
    if trials:
        show_beside(out, plans)
    if before and compare:
        show_beside(out, {str(compare): before, "now": first})
        show_differences(out, found, str(compare))


def _offline(
    tables: str,
    settings: Path | None,
    names: list[str],
    trials: list[dict[str, Any]],
    region: str | None,
) -> list[Record]:
    """Return the records of the plan by the settings, and by each trial's."""
    given = _json(settings) if settings else {}
    source = str(settings or "the settings")
    wanted = [settings_of(given, region or _US, source)]
    wanted += [settings_of(changed(given, trial), region or _US, "--what-if") for trial in trials]
    with _opened(tables) as stream:
        found = read_tables(stream, "standard input" if tables == "-" else f"--tables {tables}")
    now = clock.now()
    made: list[Plan] = [offline_plan(found, each, tuple(names), now) for each in wanted]
    return [each.to_record() for each in made]


def _json(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file."""
    try:
        if path.stat().st_size > _MOST_SETTINGS:
            raise RefusedError(f"--settings {path} holds no settings: it has more than 1 MB")
        given = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RefusedError(f"--settings {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"--settings {path} is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise RefusedError(f"--settings {path} must hold an object of settings, got {given!r:.60}")
    return given


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    if name == "-":
        stream = getattr(sys.stdin, "buffer", None)
        yield io.TextIOWrapper(stream, encoding="utf-8-sig") if stream else sys.stdin
        return
    try:
        with Path(name).open(encoding="utf-8-sig") as stream:
            yield stream
    except OSError as error:
        raise RefusedError(f"--tables {name} cannot be read: {error.strerror}") from error


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise RefusedError(
            f"--html {path} cannot be written: {error.strerror}; name another file"
        ) from error
