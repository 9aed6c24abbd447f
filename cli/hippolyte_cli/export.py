"""`hippolyte export`: one table to files, at its pace, by whoever stands before a terminal."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from types import FrameType
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from hippolyte import clock
from hippolyte.clients import configuration
from hippolyte.errors import HippolyteError
from hippolyte.exports.native import SUMMARY, export_id
from hippolyte.scan.begin import Started
from hippolyte.scan.cutting import ScanError
from hippolyte.scan.loop import Loop
from hippolyte.scan.pace import CONSISTENT, EVENTUAL, Pace
from hippolyte.scan.reading import Passing
from hippolyte.scan.runner import Threads
from hippolyte.scan.state import Progress, State
from hippolyte.scan.table import Look, TableSource, Wanted, look_of
from hippolyte.share import Share
from hippolyte.tables.autoscaling import READ_DIMENSION
from hippolyte.tables.discovery import table_of
from hippolyte_cli import console
from hippolyte_cli.export_offer import Offer, plural, segments_of, share_of, size
from hippolyte_cli.export_place import Place, begun_scan, place_of
from hippolyte_cli.export_view import View

# pages at once; more of them only wait for each other's work
_THREADS = 8
# from one line to the next, seconds: on a terminal it is the same line
_EACH_LINE, _EACH_LINE_OF_A_FILE = 1.0, 30.0


def export(
    table: Annotated[str, typer.Argument(help="The table: its name or ARN.")],
    dest: Annotated[
        str, typer.Argument(metavar="DEST", help="An empty folder, or s3://bucket/prefix.")
    ],
    share: Annotated[
        int, typer.Option(min=1, max=100, metavar="PERCENT", help="Of the table's read capacity.")
    ] = 50,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="UNITS", help="Read units a second, instead of a share."),
    ] = None,
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
    region: Annotated[
        str | None, typer.Option(envvar="AWS_REGION", help="The table's region.")
    ] = None,
) -> None:
    """Export one table to files in DynamoDB's own export format, at a share of its capacity.

    Safe beside a living application: it reads half of the table's read capacity unless told
    otherwise, says speed, time and cost before it starts, and slows down when the table is
    throttled. Nothing is ever overwritten. Ctrl-C ends it; --resume goes on where it was.

    Exit code 0: the export is whole, and its manifest-summary.json is written; 1: it began and is
    not whole, and how to go on is said; 2: it did not begin, and what to change is said.
    """
    try:
        scan = _prepared(table, dest, share, rate, segments, consistent, resume, region)
    except (HippolyteError, ValueError, OSError, ClientError, BotoCoreError) as error:
        console.refuse(_remedied(error, table))
    out = console.console()
    for line in (*scan.offer.lines(), f"To {scan.wanted.sink}{scan.beside}. Ctrl-C ends it."):
        out.print(escape(line), soft_wrap=True)
    view = View(scan.offer.table.item_count)
    with (
        _stopped_by_ctrl_c() as is_stopped,
        Threads(min(_THREADS, scan.wanted.segments)) as threads,
        _shown(out, view) as show,
    ):
        (end,) = Loop(
            [(scan.offer.table.name, scan.wanted)],
            runner=threads,
            progress=view.take,
            go_on=lambda now: show(now) and not is_stopped(),
        ).run()
    again = f"hippolyte export {table} {dest} --resume"
    if end.state is State.DONE:
        out.print(escape(_whole(scan, end)), soft_wrap=True)
        return
    out.print(escape(_left(scan, end, again)), soft_wrap=True)
    raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Scan:
    offer: Offer
    wanted: Wanted
    beside: str


def _prepared(
    table: str,
    dest: str,
    percent: int,
    rate: float | None,
    segments: int | None,
    consistent: bool,
    resume: bool,
    region: str | None,
) -> _Scan:
    """Look at the table and the place; nothing is read or written.

    Raises:
        HippolyteError, ValueError, OSError, ClientError, BotoCoreError: it cannot be done.
    """
    one_try = Config(retries={"mode": "standard", "total_max_attempts": 1})
    config = configuration(_THREADS)
    description = boto3.client("dynamodb", region_name=region, config=config).describe_table(
        TableName=table
    )["Table"]
    found, look = table_of(description), look_of(description)
    if why := look.unreadable():
        raise ScanError(f"{why}: it can be read when it is ACTIVE{_key_remedy(found.status)}.")
    place, bucket_region = place_of(dest, region)
    old = _old(place, look.table, resume)
    if old:
        segments, consistent = old.segments, old.consistent
    share, wish = share_of(found, _may_be_scaled(look.table, region), percent, rate)
    offer = Offer(
        table=found,
        share=share,
        wish=wish,
        segments=segments or segments_of(found, share),
        unit_bytes=CONSISTENT if consistent else EVENTUAL,
    )
    scan = old.scan if old else export_id(clock.now(), uuid.uuid4().hex)
    once = boto3.client("dynamodb", region_name=region, config=config.merge(one_try))
    wanted = Wanted(
        source=TableSource(once, table),
        sink=place.sink(scan),
        scan=scan,
        engine="command",
        segments=offer.segments,
        pace=_pace(share, offer.unit_bytes),
        table_id=look.table_id,
        consistent=consistent,
    )
    is_far = bucket_region and bucket_region != once.meta.region_name
    far = f" in {bucket_region}: moving data to another region is billed" if is_far else ""
    goes_on = f" (goes on with the scan of {old.begun:%Y-%m-%d %H:%M} UTC)" if old else ""
    return _Scan(offer, wanted, far + goes_on)


def _old(place: Place, table: str, resume: bool) -> Started | None:
    """Return the scan that is gone on with."""
    if resume:
        return begun_scan(place, table)
    if place.holds_anything():
        raise ScanError(
            f"{place} is not empty: name an empty place, or give --resume to go on with a scan "
            "that lies there."
        )
    return None


def _pace(share: Share, unit_bytes: int) -> Callable[[Look, int | None, int, float], Pace]:
    def pace(look: Look, begun: int | None, segments: int, now: float) -> Pace:
        if (look.read_capacity is None) != (share.capacity is None):
            raise ScanError(f"the capacity mode of {look.table} was switched: start again")
        here = replace(share, capacity=look.read_capacity, start=begun)
        return Pace.start(here, segments, now, unit_bytes)

    return pace


def _may_be_scaled(table: str, region: str | None) -> bool:
    """Say whether the table's reads are scaled; where that cannot be known, they may be."""
    config = Config(
        connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1}
    )
    try:
        client = boto3.client("application-autoscaling", region_name=region, config=config)
        targets = client.describe_scalable_targets(
            ServiceNamespace="dynamodb",
            ResourceIds=[f"table/{table}"],
            ScalableDimension=READ_DIMENSION,
        )["ScalableTargets"]
    except (ClientError, BotoCoreError):
        return True
    return bool(targets)


@contextmanager
def _stopped_by_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Have the first ctrl-c or SIGTERM end the loop, and a second one the process."""
    stopped = False

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        signal.signal(number, signal.default_int_handler)

    numbers = (signal.SIGINT, signal.SIGTERM)
    old = [signal.signal(number, stop) for number in numbers]
    try:
        yield lambda: stopped
    finally:
        for number, handler in zip(numbers, old, strict=True):
            signal.signal(number, handler)


@contextmanager
def _shown(out: Console, view: View) -> Iterator[Callable[[float], bool]]:
    """Give what shows the view now and then; it always says True."""
    status: AbstractContextManager[Any] = (
        out.status("opening", refresh_per_second=2) if out.is_terminal else nullcontext()
    )
    each = _EACH_LINE if out.is_terminal else _EACH_LINE_OF_A_FILE
    with status as line:
        last: float | None = None

        def show(now: float) -> bool:
            nonlocal last
            last = now if last is None else last
            if now - last >= each:
                last = now
                text = escape(view.line(now))
                if line:
                    line.update(text)
                else:
                    out.print(f"{clock.now():%H:%M:%S} {text}", soft_wrap=True)
            return True

        yield show


def _whole(scan: _Scan, end: Progress) -> str:
    said = f"Whole: {plural(end.items, 'item')} of {end.table}"
    if end.files:
        said += (
            f", {size(end.text)} of text read in {plural(end.files, 'file')} for {end.units:,.1f} "
            "units"
        )
    if not end.items and scan.offer.table.item_count:
        said += ": it is empty, for it was counted up to six hours ago"
    return f"{said}. {scan.wanted.sink}{SUMMARY}"


def _left(scan: _Scan, end: Progress, again: str) -> str:
    """Return what is said of a scan that is not whole: what is safe, and how to go on."""
    lies = f"What was read lies in {scan.wanted.sink} and is not read again"
    if end.state is State.MORE:
        return f"NOT WHOLE: stopped after {plural(end.items, 'item')}. {lies}. Go on: {again}"
    said = f"NOT WHOLE: {end.reason.rstrip('.')}."
    if _is_other_table(scan):
        return (
            f"{said} The table that was read is gone, so this export can never be whole: "
            f"remove it, and begin again in an empty place."
        )
    return f"{said} {lies}. When that is mended, go on: {again}"


def _is_other_table(scan: _Scan) -> bool:
    try:
        return scan.wanted.source.look().table_id != scan.wanted.table_id
    except Passing:
        return False
    except ScanError as error:
        return "ResourceNotFoundException" in str(error)


def _key_remedy(status: str) -> str:
    return ", so give access to its KMS key back" if status.startswith("INACCESSIBLE") else ""


def _remedied(error: Exception, table: str) -> str:
    """Return an error's text with what to do about it."""
    if isinstance(error, HippolyteError):
        return str(error)
    if isinstance(error, OSError | ValueError):
        return f"{error}."
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code == "ResourceNotFoundException":
        return f"There is no table {table}: check the name, --region and AWS_ENDPOINT_URL."
    if "Denied" in code:
        return f"{error}. It needs DescribeTable and Scan, and of S3 ListBucket, Get and PutObject."
    return f"{error}. Check --region, the credentials (`aws sts get-caller-identity`), the network."
