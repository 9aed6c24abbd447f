"""Looks at the table and the place before `hippolyte export` begins: all that can be refused."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.clients import configuration
from hippolyte.exports.native import export_id
from hippolyte.scan.begin import Started
from hippolyte.scan.cutting import ScanError
from hippolyte.scan.pace import CONSISTENT, EVENTUAL, Pace
from hippolyte.scan.reading import NO_ANSWER, answered
from hippolyte.scan.table import Look, Source, TableSource, Wanted, look_of
from hippolyte.share import Share
from hippolyte.tables.autoscaling import READ_DIMENSION
from hippolyte.tables.discovery import table_of
from hippolyte_cli.export_offer import Offer, segments_of, share_of
from hippolyte_cli.export_place import Place, begun_scan, place_of
from hippolyte_cli.masking.change import Change
from hippolyte_cli.masking.rules import read_map
from hippolyte_cli.masking.source import AGAIN, ChangingSource, engine_of

# pages at once; more of them only wait for each other's work
THREADS = 8


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that can begin: what is said of it, what is wanted, and what is said beside it.

    `change`: by a map; None: the items are written as they are.
    """

    offer: Offer
    wanted: Wanted
    beside: str
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The command's arguments."""

    table: str
    dest: str
    percent: int
    rate: float | None
    segments: int | None
    consistent: bool
    resume: bool
    region: str | None
    map: Path | None = None


def prepared(asked: Asked) -> Scan:
    """Look at the table and the place; nothing is read or written.

    Raises:
        HippolyteError, ValueError, OSError, ClientError, BotoCoreError: it cannot be done.
    """
    table, region = asked.table, asked.region
    segments, consistent = asked.segments, asked.consistent
    patient = boto3.client("dynamodb", region_name=region, config=configuration())
    with answered("DescribeTable"):
        description = patient.describe_table(TableName=table)["Table"]
        look, found = look_of(description), table_of(description)
        change = Change(read_map(asked.map, description)) if asked.map else None
    if why := look.unreadable():
        raise ScanError(f"{why}: it can be read when it is ACTIVE{_key_remedy(found.status)}.")
    place, bucket_region = place_of(asked.dest, region)
    old = _old(place, look.table, asked.resume)
    if old:
        if old.table_id != look.table_id:
            raise ScanError(
                f"{place} holds a scan of a table {look.table} that was deleted since: it can "
                "never be whole. Begin again in an empty place."
            )
        if change and change.of.hashes_the_key:
            raise ScanError(f"{AGAIN}: begin again in an empty place.")
        if old.engine != engine_of(change):
            raise ScanError(
                f"{place} holds a scan by {old.engine}, not by {engine_of(change)}: give the same "
                "--map, or none if there was none"
            )
        segments, consistent = old.segments, old.consistent
    share, wish = share_of(found, _may_be_scaled(look.table, region), asked.percent, asked.rate)
    offer = Offer(
        table=found,
        share=share,
        wish=wish,
        segments=segments or segments_of(found, share),
        unit_bytes=CONSISTENT if consistent else EVENTUAL,
        rest=old is not None,
    )
    scan = old.scan if old else export_id(clock.now(), uuid.uuid4().hex)
    once = boto3.client("dynamodb", region_name=region, config=configuration(THREADS, tries=1))
    source: Source = TableSource(once, table)
    wanted = Wanted(
        source=ChangingSource(source, change, look.keys) if change else source,
        sink=place.sink(scan),
        scan=scan,
        engine=engine_of(change),
        segments=offer.segments,
        pace=_pace(share, offer.unit_bytes),
        table_id=look.table_id,
        consistent=consistent,
    )
    is_far = bucket_region and bucket_region != once.meta.region_name
    far = f" in {bucket_region}: moving data to another region is billed" if is_far else ""
    goes_on = f" (goes on with the scan of {old.begun:%Y-%m-%d %H:%M} UTC)" if old else ""
    return Scan(offer, wanted, far + goes_on, change)


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
    config = configuration(tries=1, patience=5)
    try:
        client = boto3.client("application-autoscaling", region_name=region, config=config)
        targets = client.describe_scalable_targets(
            ServiceNamespace="dynamodb",
            ResourceIds=[f"table/{table}"],
            ScalableDimension=READ_DIMENSION,
        )["ScalableTargets"]
    # whoever stands in for AWS may answer anything
    except (ClientError, BotoCoreError, *NO_ANSWER):
        return True
    return bool(targets)


def _key_remedy(status: str) -> str:
    return ", so give access to its KMS key back" if status.startswith("INACCESSIBLE") else ""
