"""`hippolyte export`: one table to files, at its pace, by whoever stands before a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError
from rich.console import Console
from rich.markup import escape

from hippolyte import clock
from hippolyte.errors import HippolyteError, code_of
from hippolyte.exports import native
from hippolyte.exports.manifest import file_name
from hippolyte.exports.native import STARTED, SUMMARY
from hippolyte.scan.cutting import ScanError
from hippolyte.scan.loop import Loop
from hippolyte.scan.reading import Gone
from hippolyte.scan.runner import Threads
from hippolyte.scan.state import Progress, State
from hippolyte.words import count_of
from hippolyte_cli import console
from hippolyte_cli.backups_place import SHARE, AsJson, Rate
from hippolyte_cli.export_offer import size
from hippolyte_cli.export_prepare import THREADS, Asked, Scan, prepared
from hippolyte_cli.export_view import View
from hippolyte_cli.masking.source import AGAIN
from hippolyte_cli.troubles import TROUBLES, in_words, remedied
from hippolyte_cli.waiting import working

# seconds from one look at the scan to the next
_EACH_LOOK = 1.0


def export(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="The table: its name or ARN.")],
    dest: Annotated[
        str, typer.Argument(metavar="DEST", help="An empty folder, or s3://bucket/prefix.")
    ],
    share: Annotated[
        int, typer.Option(min=1, max=100, metavar="PERCENT", help="Of the table's read capacity.")
    ] = SHARE,
    rate: Rate = None,
    segments: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Read side by side. Default: by size.")
    ] = None,
    consistent: Annotated[
        bool, typer.Option("--consistent", help="Strongly consistent reads: twice the units.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the scan of this table that lies there, as it was begun: with its own "
            "segments and consistency.",
        ),
    ] = False,
    map_file: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="Drop, hash or replace attributes, by its rules."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be read and done; read nothing.")
    ] = False,
    region: Annotated[
        str | None, typer.Option(envvar="AWS_REGION", help="The table's region.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Export one table to files in DynamoDB's own export format, at a share of its capacity.

    Safe beside a living application: it reads half of the table's read capacity unless told
    otherwise, says speed, time and cost before it starts, and slows down when the table is
    throttled. Nothing is ever overwritten. Ctrl-C ends it; --resume goes on where it was.

    Exit code 0: the export is whole, and its manifest-summary.json is written; 1: it began and is
    not whole, and how to go on is said; 2: it did not begin, and what to change is said.
    """
    asked = Asked(table, dest, share, rate, segments, consistent, resume, region, map_file)
    try:
        scan = prepared(asked)
    except (*TROUBLES, ValueError) as error:
        console.refuse(_remedied(error, table))
    out = console.console(stderr=as_json)
    to = f"To {scan.wanted.sink}{scan.beside}. Ctrl-C ends it."
    if dry_run:
        _offer(scan, out, to)
        out.print("Nothing was read.")
        if as_json:
            console.record(_record(scan, None, whole=None, said="Nothing was read."))
        return
    with console.stopped_by_ctrl_c() as is_stopped:
        end = scanned(scan, out, is_stopped, to)
    # of the environment it will be the same
    source = context.get_parameter_source("region")
    said = source is not None and source.name == "COMMANDLINE"
    whole, text = _judged(scan, end, asked if said else replace(asked, region=None))
    did = scan.change.told() if whole and scan.change else []
    for line in (*(["What the map did of what was read now:"] if did else []), *did, text):
        out.print(escape(line), soft_wrap=True)
    if as_json:
        console.record(_record(scan, end, whole, text))
    if not whole:
        raise typer.Exit(1)


def _judged(scan: Scan, end: Progress, asked: Asked) -> tuple[bool, str]:
    """Return whether an export is whole, and what is said of it."""
    if end.state is not State.DONE:
        return False, _left(scan, end, asked)
    # written just now, it was judged; of one that was found whole, files may have gone since
    if gone := "" if end.files else _gone(scan):
        return False, f"NOT WHOLE: {gone}"
    return True, _whole(scan, end)


def _record(scan: Scan, end: Progress | None, whole: bool | None, said: str) -> dict[str, Any]:
    """Return an export as `--json` prints it."""
    offer = scan.offer
    return {
        "table": offer.table.name,
        "to": str(scan.wanted.sink),
        "whole": whole,
        "said": said,
        "items": end.items if end else 0,
        "files": end.files if end else 0,
        "text_bytes": end.text if end else 0,
        "units": end.units if end else 0,
        "segments": scan.wanted.segments,
        "consistent": scan.wanted.consistent,
        "rate": offer.share.rate,
        "expected_items": offer.table.item_count,
        "expected_units": offer.units,
        "expected_seconds": offer.seconds,
        "expected_usd": offer.usd,
    }


def scanned(scan: Scan, out: Console, stopped: Callable[[], bool], beside: str) -> Progress:
    """Say how fast a table will be read and what it costs, read it, and return how far it came.

    Args:
        scan: as it was prepared.
        out: where it is said.
        stopped: asked whether it is to end.
        beside: what else is said beforehand.
    """
    _offer(scan, out, beside)
    view = View(scan.offer.table.item_count)
    with (
        Threads(min(THREADS, scan.wanted.segments)) as threads,
        _shown(out, view, scan.offer.table.name) as show,
    ):
        (end,) = Loop(
            [(scan.offer.table.name, scan.wanted)],
            runner=threads,
            progress=view.take,
            go_on=lambda now: show(now) and not stopped(),
        ).run()
    return end


def _offer(scan: Scan, out: Console, beside: str) -> None:
    rules = ["By the map of each item:", *scan.change.of.lines()] if scan.change else []
    for line in (*scan.offer.lines(), *rules, beside):
        out.print(escape(line), soft_wrap=True)


@contextmanager
def _shown(out: Console, view: View, table: str) -> Iterator[Callable[[float], bool]]:
    """Give what shows the view now and then; it always says True."""
    with working(table, out) as step:
        step("opening")
        seen = clock.now().timestamp()

        def show(now: float) -> bool:
            nonlocal seen
            if now - seen >= _EACH_LOOK:
                seen = now
                step(view.line(now))
            return True

        yield show


def _whole(scan: Scan, end: Progress) -> str:
    said = f"Whole: {count_of(end.items, 'item')} of {end.table}"
    if end.files:
        said += (
            f", {size(end.text)} of text read in {count_of(end.files, 'file')} for "
            f"{end.units:,.1f} units"
        )
    if not end.items and scan.offer.table.item_count:
        said += ": it is empty, for it was counted up to six hours ago"
    return f"{said}. {scan.wanted.sink}{SUMMARY}"


def _gone(scan: Scan) -> str:
    """Say which files of an export with a summary are not there; empty if all are."""
    sink = scan.wanted.sink
    try:
        listed = native.parse_files(sink.read(native.FILES) or b"")
        there = {one.name for one in sink.listed(native.DATA)}
    except HippolyteError as error:
        return f"{remedied(error)}. It has a summary, but cannot be read: try again."
    gone = [name for one in listed if (name := native.DATA + file_name(one.key)) not in there]
    if not gone and listed:
        return ""
    which = f"{len(gone)} of its files are gone, as {gone[0]}" if gone else "its manifest is gone"
    return (
        f"{sink} has a summary, but {which}: copy it again from where it is whole, or remove it, "
        "and begin again in an empty place."
    )


def _left(scan: Scan, end: Progress, asked: Asked) -> str:
    """Return what is said of a scan that is not whole: what is safe, and how to go on."""
    more = end.state is State.MORE
    why = (
        f"stopped after {count_of(end.items, 'item')}" if more else in_words(end.reason).rstrip(".")
    )
    said = f"NOT WHOLE: {why}."
    if not more and is_other_table(scan):
        return (
            f"{said} The table that was read is gone, so this export can never be whole: "
            f"remove it, and begin again in an empty place."
        )
    if scan.change and scan.change.of.hashes_the_key and _has_begun(scan):
        return f"{said} It cannot be gone on with, for {AGAIN}: begin again in an empty place."
    mended = "" if more else "When that is mended, "
    if not _has_begun(scan):
        how = f"{mended}begin again: {_command(asked)}"
        return f"{said} Nothing was written. {how[0].upper()}{how[1:]}"
    how = f"{mended}go on: {_command(replace(asked, resume=True))}"
    lies = f"What was read lies in {scan.wanted.sink} and is not read again"
    return f"{said} {lies}. {how[0].upper()}{how[1:]}"


def _command(asked: Asked) -> str:
    """Return the command line that asks for this; a scan that is gone on with keeps its own."""
    words = ["hippolyte", "export", asked.table, asked.dest]
    if asked.rate is not None:
        words += ["--rate", f"{asked.rate:g}"]
    elif asked.percent != SHARE:
        words += ["--share", str(asked.percent)]
    if asked.segments and not asked.resume:
        words += ["--segments", str(asked.segments)]
    words += ["--consistent"] if asked.consistent and not asked.resume else []
    words += ["--map", str(asked.map)] if asked.map else []
    words += ["--region", asked.region] if asked.region else []
    return shlex.join([*words, *(["--resume"] if asked.resume else [])])


def _has_begun(scan: Scan) -> bool:
    """Say whether there is a scan that can be gone on with, or that cannot be known."""
    try:
        return scan.wanted.sink.read(STARTED) is not None
    except ScanError:
        return True


def is_other_table(scan: Scan) -> bool:
    """Say whether the table that a scan reads is gone, or another of its name is there."""
    try:
        return scan.wanted.source.look().table_id != scan.wanted.table_id
    except ScanError as error:
        return isinstance(error, Gone)


def _remedied(error: Exception, table: str) -> str:
    """Return an error's text with what to do about it."""
    if isinstance(error, ClientError) and code_of(error) == "ResourceNotFoundException":
        return f"There is no table {table}: check the name, --region and AWS_ENDPOINT_URL."
    return remedied(error)
