"""`hippolyte report`: how the last night went, or all nights of all accounts in a bucket."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from hippolyte import clock
from hippolyte.errors import ConfigurationError
from hippolyte.record_form import known_form
from hippolyte.records.homes import CALLS_AT_ONCE, Home, Records
from hippolyte.records.runs import is_night, start_of
from hippolyte.report.fleet import look
from hippolyte.report.fleet_page import render as fleet_page
from hippolyte.report.message import needs_attention, text
from hippolyte.report.older import filled
from hippolyte.report.page import render
from hippolyte.report.texts import plain
from hippolyte_cli import console
from hippolyte_cli.backups_place import (
    Account,
    AsJson,
    Bucket,
    Function,
    OfRegion,
    Region,
    store_of,
)
from hippolyte_cli.deployment import MONITOR
from hippolyte_cli.fleet_view import record_of, show
from hippolyte_cli.waiting import working

# as modules/fleet-report takes it
_EXPECTED = re.compile(r"[0-9]{12}(/[a-z]{2,}(-[a-z]+)+-[0-9]+)?")


def report(
    run: Annotated[
        str | None, typer.Option(metavar="ID", help="Of this run. Default: the last night.")
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="All accounts and regions in the bucket, over nights.")
    ] = False,
    nights: Annotated[
        int, typer.Option(min=1, max=400, metavar="N", help="With --all: so many nights.")
    ] = 30,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID[/REGION]", help="With --all: an account that is to have nights; several."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page into a file, too.")
    ] = None,
    account: Account = None,
    of_region: OfRegion = None,
    function: Function = MONITOR,
    bucket: Bucket = None,
    prefix: Annotated[
        list[str] | None,
        typer.Option(help="The prefix in that bucket; with --all also several."),
    ] = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Show how the last night went; with --all, the nights of every account in the bucket.

    --all names, over the nights: those that are missing, the tables that are not backed up, those
    that are backed up nowhere, what is left raised, the oldest of the newest backups, the cost.

    Exit code 0: all is well; 1: something needs attention, or there is no night; 2: the bucket
    cannot be found or read, and what to do is said.
    """
    if all_ and (run or account or of_region):
        console.refuse("--run, --account and --of-region are of one deployment, --all of each.")
    expected, prefixes = expect or [], prefix or [""]
    if expected and not all_:
        console.refuse("--expect goes with --all.")
    if len(prefixes) > 1 and not all_:
        console.refuse("Several --prefix go with --all.")
    if wrong := [each for each in expected if not _EXPECTED.fullmatch(each)]:
        console.refuse(
            "--expect is an account's id of 12 digits, or with its region "
            f"111111111111/eu-west-1, not {wrong[0]!r}."
        )
    with console.told():
        records, home, runbook = _records(function, bucket, prefixes, region, account, of_region)
        if all_:
            well = _fleet(records, nights, expected, html, as_json, runbook)
        else:
            home = home or _only_home(records, account, of_region)
            well = _one(records, home, run, html, as_json)
    if not well:
        raise typer.Exit(1)


def _records(
    function: str,
    bucket: str | None,
    prefixes: list[str],
    region: str | None,
    account: str | None,
    of_region: str | None,
) -> tuple[Records, Home | None, str | None]:
    """Return a bucket's records, whose are meant, if that is said, and the deployment's runbook."""
    home = Home(account, of_region) if account and of_region else None
    store, below, settings = store_of(function, bucket, prefixes[0], region, CALLS_AT_ONCE)
    if settings:
        home = home or Home(account or settings.account, of_region or settings.region)
    found = Records.below(store, [below, *(each.strip("/") for each in prefixes[1:])])
    return found, home, settings.runbook_url if settings else None


def _only_home(records: Records, account: str | None, region: str | None) -> Home:
    homes = [
        home
        for home in records.homes()
        if account in (None, home.account) and region in (None, home.region)
    ]
    if len(homes) == 1:
        return homes[0]
    where = f"s3://{records.store.bucket}/{records.prefix}"
    if not homes:
        raise ConfigurationError(f"{where} has no runs: look at --bucket and --prefix")
    raise ConfigurationError(
        f"{where} has runs of {', '.join(map(str, homes))}: name one with --account and "
        "--of-region, or take --all"
    )


def _fleet(
    records: Records,
    nights: int,
    expected: list[str],
    html: Path | None,
    as_json: bool,
    runbook: str | None,
) -> bool:
    # an account that began no night in all of these has been taken down
    with working("reading the nights of every account"):
        fleet = look(records, clock.now(), nights, nights, expected)
    if html:
        html.write_text(fleet_page(fleet, runbook), encoding="utf-8", errors="replace")
    if as_json:
        console.record(record_of(fleet))
    else:
        show(console.console(), fleet)
    _wrote(html, as_json)
    return not fleet.needs_attention


def _one(records: Records, home: Home, run: str | None, html: Path | None, as_json: bool) -> bool:
    found, open_run = _found(records, home, run)
    where = f"s3://{records.store.bucket}/{records.key('runs', home, '')}"
    if not found:
        said = f"run {open_run} has no report yet: hippolyte status" if open_run else "no night"
        console.console(stderr=True).print(Text(f"{home}: {said} ({where})"), soft_wrap=True)
        if as_json:
            console.record(None)
        return False
    with known_form("the report"):
        page = render(found) if html else ""
        lines = text(filled(found), f"{where}{found['run_id']}/report.json").splitlines()
        well = not needs_attention(found)
    if html:
        html.write_text(page, encoding="utf-8", errors="replace")
    if as_json:
        console.record(dict(found))
    else:
        out = console.console()
        for line in lines:
            # addresses are for copying
            out.print(Text(plain(line, 4000)), soft_wrap="s3://" in line)
        if open_run:
            out.print(f"Run {open_run} has no report yet: hippolyte status")
    _wrote(html, as_json)
    return well


def _found(records: Records, home: Home, run: str | None) -> tuple[Mapping[str, Any], str | None]:
    """Return the report that is meant, empty if there is none, and a newer run without one.

    Raises:
        ConfigurationError: it cannot be read, or there is no such run.
    """
    runs = [run] if run else _runs(records, home)
    if run:
        start_of(run)
        where = records.key("runs", home, "")
        if run not in records.store.level(where).below:
            raise ConfigurationError(
                f"there is no run {run} of {home} in s3://{records.store.bucket}/{where}: "
                f"{_newest_of(records, home)}"
            )
    newest = runs[0] if runs else None
    for each in runs:
        found, night = records.whole(home, each)
        if night.trouble:
            raise ConfigurationError(night.trouble)
        if found:
            return found, newest if newest != each else None
    return {}, newest


def _newest_of(records: Records, home: Home) -> str:
    runs = _runs(records, home)
    return f"the newest night is {runs[0]}" if runs else "there is no night"


def _runs(records: Records, home: Home) -> list[str]:
    below = records.store.level(records.key("runs", home, "")).below
    return sorted(filter(is_night, below), key=start_of, reverse=True)


def _wrote(html: Path | None, as_json: bool) -> None:
    if html:
        console.console(stderr=as_json).print(Text(f"Wrote {html}"), soft_wrap=True)
