"""The table that is scanned: what DescribeTable says of it, and what is wanted of the scan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.scan.reading import Page, answered, scan_client, scan_page, told
from hippolyte.scan.sink import Sink

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# data operations work in these (API TableDescription)
_READABLE = ("ACTIVE", "UPDATING")


@dataclass(frozen=True, slots=True)
class Look:
    """A table at one moment. Sizes in bytes, about six hours old; capacity in units a second."""

    table: str
    arn: str
    table_id: str
    status: str
    keys: tuple[str, ...]
    size_bytes: int
    read_capacity: int | None  # None: on demand

    def changed(self, first: Look) -> str | None:
        """Say why a scan that began at the `first` look cannot go on, None if it can."""
        if self.table_id != first.table_id:
            return (
                f"{self.table} was deleted and made anew while it was read "
                f"(its id was {first.table_id}, now it is {self.table_id})"
            )
        if (self.read_capacity is None) != (first.read_capacity is None):
            to = "on-demand" if self.read_capacity is None else "provisioned"
            return f"{self.table} was switched to {to} capacity while it was read"
        return self.unreadable()

    def unreadable(self) -> str | None:
        """Say why the table cannot be read, None if it can."""
        return None if self.status in _READABLE else f"{self.table} is {self.status}"


class Source(Protocol):
    """A table that can be read; several threads may at once.

    Raises:
        Passing, Throttled: ask again.
        ScanError: anything else.
    """

    def page(self, request: Mapping[str, Any]) -> Page:
        """Return a page; `request` as Scan takes it, without the table's name."""

    def look(self) -> Look:
        """Return what the table is now."""


class Pacing(Protocol):
    """When which segment may ask for how much: see `pace`. Times are the loop's seconds."""

    def due(self, segment: int, now: float) -> float: ...

    def limit(self, segment: int) -> int: ...

    def sent(self, segment: int, now: float) -> Pacing: ...

    def answered(
        self, segment: int, now: float, units: float, items: int, largest: float
    ) -> Pacing: ...

    def throttled(self, segment: int, now: float) -> Pacing: ...

    def failed(self, segment: int, now: float) -> Pacing: ...

    def capacity_seen(self, capacity: float | None, now: float) -> Pacing: ...


@dataclass(frozen=True, slots=True)
class Part:
    """Which of a table's segments are read here: of `of` parts, side by side, number `number`."""

    number: int = 0
    of: int = 1

    def segments(self, count: int) -> range:
        """Return its segments of `count`: neighbours, none if there are fewer than parts."""
        return range(self.number * count // self.of, (self.number + 1) * count // self.of)


ALL = Part()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A scan as it is asked for.

    Attributes:
        source: the table.
        sink: the place of the export, empty or of this same scan.
        scan: the export's id.
        engine: who scans, for the summary.
        segments: how many; a scan that is gone on with keeps its own.
        pace: makes a pace from (look, capacity when the scan began, segments, now).
        table_id: of the table that is meant, None for the one that is there.
        consistent: strongly consistent reads, at twice the cost.
        level: of gzip.
        part: that is read here.
    """

    source: Source
    sink: Sink
    scan: str
    engine: str
    segments: int
    pace: Callable[[Look, int | None, int, float], Pacing]
    table_id: str | None = None
    consistent: bool = False
    level: int = 1
    part: Part = ALL


class TableSource:
    """A table of DynamoDB. `clients` makes the client, without retries: the loop asks again."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = scan_client(client)
        self._table = table

    def page(self, request: Mapping[str, Any]) -> Page:
        return scan_page(self._client, {**request, "TableName": self._table})

    def look(self) -> Look:
        try:
            with answered("DescribeTable"):
                return look_of(self._client.describe_table(TableName=self._table)["Table"])
        except (ClientError, BotoCoreError) as error:
            raise told(error) from error


def look_of(description: Mapping[str, Any]) -> Look:
    """Return what is looked at in DescribeTable's answer; to be called as `answered`.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: it is none.
    """
    # absent for a table that never was on demand (API BillingModeSummary)
    mode = description.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    capacity = None
    if mode != "PAY_PER_REQUEST":
        capacity = _count(description["ProvisionedThroughput"], "ReadCapacityUnits", least=1)
    _count(description, "ItemCount")
    keys = tuple(_text(key, "AttributeName") for key in description["KeySchema"])
    if not keys:
        raise ValueError("KeySchema is empty")
    return Look(
        table=_text(description, "TableName"),
        arn=_text(description, "TableArn"),
        # DynamoDB's own doubles have none
        table_id=str(description.get("TableId") or description["CreationDateTime"]),
        status=_text(description, "TableStatus"),
        keys=keys,
        size_bytes=_count(description, "TableSizeBytes"),
        read_capacity=capacity,
    )


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r:.60}")
    return value


def _count(members: Mapping[str, Any], name: str, least: int = 0) -> int:
    value = members.get(name, 0)
    if type(value) is not int or value < least:
        raise ValueError(f"{name} is {value!r:.60}")
    return value
