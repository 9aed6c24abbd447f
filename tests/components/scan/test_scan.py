"""Whole scans against the local AWS: its tables, its S3, the SDK between them and the loop."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError

from hippolyte.clients import configuration
from hippolyte.exports import native, reader
from hippolyte.scan.cutting import ScanError
from hippolyte.scan.loop import Loop
from hippolyte.scan.pace import Pace
from hippolyte.scan.reading import Refused
from hippolyte.scan.runner import Threads
from hippolyte.scan.sink import S3Sink
from hippolyte.scan.state import Progress, State
from hippolyte.scan.table import Look, TableSource, Wanted
from hippolyte.share import Share
from hippolyte.store import Store
from local.fleet import items
from local.fleet.table_spec import Item
from local.world import World
from tests.support.aws_world import REGION, in_process, make_table
from tests.support.scans import Inline, Killed

BUCKET = "backups"
ODD: dict[str, Callable[[], list[Item]]] = {
    "plain": items.plain(40, "plain"),
    "every-type": items.every_type,
    "nested": items.nested,
    "empties": items.empties,
    "sets": items.sets,
    "numbers": items.numbers,
    "control": items.control_characters,
    "separators": items.line_separators,
    "emoji": items.emoji,
    "quoting": items.quoting,
    "lookalikes": items.lookalikes,
    "binaries": items.binaries,
    "anything": items.anything(30, "scan"),
    "largest": items.largest,
}


@dataclass
class WorldClock:
    """The world's time, which a scan's waiting moves on."""

    world: World

    def now(self) -> Any:
        return self.world.clock.now()

    def sleep(self, seconds: float) -> None:
        self.world.clock.advance(seconds)


@dataclass
class Site:
    """A world with a bucket, and scans into it."""

    world: World
    prefix: str = "t/AWSDynamoDB/1/"
    calls: list[str] = field(default_factory=list)
    made: dict[str, Any] = field(default_factory=dict)
    before: Callable[[int, str], None] = lambda number, call: None
    after: Callable[[int, str], None] = lambda number, call: None

    def client(self, service: str) -> Any:
        """Return a client as a scan has it, whose calls are counted."""
        if service not in self.made:
            self.made[service] = self._client(service)
        return self.made[service]

    def _client(self, service: str) -> Any:
        config = configuration(4, tries=1)
        made: Any = boto3.client(service, region_name=REGION, config=config)  # type: ignore[call-overload]
        made.meta.events.register("before-call", self._before)
        made.meta.events.register("after-call", self._after)
        return made

    def _before(self, model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        self.before(len(self.calls), model.name)

    def _after(self, model: Any, **_: Any) -> None:
        self.after(len(self.calls), model.name)

    def wanted(self, table: str, segments: int = 3, **changed: Any) -> Wanted:
        plain: dict[str, Any] = {
            "source": TableSource(self.client("dynamodb"), table),
            "sink": S3Sink(self.client("s3"), BUCKET, self.prefix),
            "scan": "1",
            "engine": "lambda",
            "segments": segments,
            "pace": paced,
        }
        return Wanted(**(plain | changed))

    def scan(self, table: str, **changed: Any) -> Progress:
        return self.loop(table, **changed).run()[0]

    def loop(self, table: str, random: Random | None = None, **changed: Any) -> Loop:
        clock: Any = WorldClock(self.world)
        runner = Inline(clock, 3, random)
        wanted = self.wanted(table, **changed)
        return Loop([(table, wanted)], runner=runner, now=clock.now, random=Random(1))

    def table(self, name: str, rows: list[Item]) -> None:
        make_table(self.world, name, read=100)
        self.world.put_items(name, [dict(row) for row in rows])

    def kept(self, name: str) -> list[Item]:
        """Return the items of a table."""
        pages = self.world.client("dynamodb").get_paginator("scan").paginate(TableName=name)
        return [item for page in pages for item in page["Items"]]

    def read_back(self) -> list[Any]:
        """Return the items of the export, and see that `data/` is the manifest."""
        s3 = self.world.client("s3")
        backup = reader.find(reader.Prefix(Store(s3, BUCKET), self.prefix))
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{self.prefix}data/")["Contents"]
        found = {one["Key"]: (one["Size"], one["ETag"].strip('"')) for one in listed}
        manifest = s3.get_object(Bucket=BUCKET, Key=self.prefix + native.FILES)["Body"].read()
        files = native.parse_files(manifest)
        assert {one.key: one.etag for one in files} == {k: etag for k, (_, etag) in found.items()}
        for one in files:
            data = s3.get_object(Bucket=BUCKET, Key=one.key)["Body"].read()
            assert native.checksum(data) == one.md5
        return list(backup.items())

    def holds(self, rows: list[Item]) -> bool:
        mine = sorted(json.dumps(_plain(row), sort_keys=True) for row in rows)
        found = self.read_back()
        return mine == sorted(json.dumps(_sorted_sets(row), sort_keys=True) for row in found)


def paced(look: Look, capacity: int | None, segments: int, now: float) -> Pace:
    assert look.read_capacity
    return Pace.start(Share(0.5, look.read_capacity, start=capacity), segments, now)


def _plain(value: Any) -> Any:
    """Return an item in the form of its JSON text, sets in order."""
    return _sorted_sets(json.loads(json.dumps(value, default=_base64)))


def _base64(value: bytes) -> str:

    return b64encode(value).decode()


def _sorted_sets(value: Any) -> Any:
    if isinstance(value, list):
        return [_sorted_sets(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: sorted(one) if name in ("SS", "NS", "BS") and isinstance(one, list) else one
        for name, one in ((name, _sorted_sets(one)) for name, one in value.items())
    }


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("hippolyte.scan.state.FILE", 300)
    monkeypatch.setattr("hippolyte.scan.datafile.CHUNK", 128)
    with in_process() as world:
        world.client("s3").create_bucket(Bucket=BUCKET)
        yield Site(world)


@pytest.mark.parametrize("kind", ODD)
def test_odd_items_come_back_as_they_were_put(site: Site, kind: str) -> None:
    rows = ODD[kind]()
    site.table("odd", rows)
    end = site.scan("odd")
    assert (end.state, end.items) == (State.DONE, len(rows))
    # numbers as the service stores them
    assert site.holds(site.kept("odd"))


@pytest.mark.parametrize("keys", [("N", None), ("B", None), ("S", "B"), ("B", "N"), ("N", "S")])
def test_it_goes_on_after_keys_of_every_type(site: Site, keys: tuple[str, str | None]) -> None:
    partition, sort = keys
    schema = [("pk", "HASH", partition), *([("sk", "RANGE", sort)] if sort else [])]
    site.world.client("dynamodb").create_table(
        TableName="keyed",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind, _ in schema],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, _, kind in schema
        ],
        ProvisionedThroughput={"ReadCapacityUnits": 100, "WriteCapacityUnits": 5},
    )
    rows = items.keyed(partition, sort)()
    site.world.put_items("keyed", [dict(row) for row in rows])

    random, gone_on = Random(2), 0

    def kill(number: int, call: str) -> None:
        # a file was written: what comes next goes on after its last key
        if call == "PutObject" and random.random() < 0.5:
            raise Killed

    site.after = kill
    while gone_on < 50:
        try:
            assert site.scan("keyed", segments=2).reason == ""
            break
        except Killed:
            gone_on += 1
    assert 2 < gone_on < 50
    assert site.holds(rows)


@pytest.mark.parametrize("heard", [False, True], ids=["not-made", "answer-lost"])
def test_killed_at_each_request_it_is_gone_on_with(site: Site, heard: bool) -> None:
    rows = items.plain(12, "kill")()
    site.table("orders", rows)
    number, killed = 0, True
    while killed:
        number += 1
        site.prefix = f"t/AWSDynamoDB/{number}/"
        killed = _killed_at(site, len(site.calls) + number, heard)
        assert site.scan("orders", segments=2).state is State.DONE
        assert site.holds(rows), number
    assert number > 20


def _killed_at(site: Site, number: int, heard: bool) -> bool:
    def kill(made: int, call: str) -> None:
        if made == number:
            raise Killed

    if heard:
        site.after = kill
    else:
        site.before = kill
    try:
        site.scan("orders", segments=2)
    except Killed:
        return True
    finally:
        site.before = site.after = lambda number, call: None
    return False


@pytest.mark.parametrize("seed", range(4))
def test_two_loops_at_once_write_one_export(site: Site, seed: int) -> None:
    rows = items.plain(60, "two")()
    site.table("orders", rows)
    random = Random(seed)
    loops = [site.loop("orders", random, segments=n) for n in (2, 3)]
    going = list(loops)
    while going:
        one = random.choice(going)
        for _ in range(random.randrange(1, 15)):
            if not one.step():
                going.remove(one)
                break
    assert [one.results[0].state for one in loops] == 2 * [State.DONE]
    assert site.holds(rows)


def test_threads_make_the_same(site: Site) -> None:
    rows = items.plain(200, "threads")()
    site.table("orders", rows)
    site.world.set_table("orders", warm_read=3000)
    site.world.client("dynamodb").update_table(
        TableName="orders",
        ProvisionedThroughput={"ReadCapacityUnits": 4000, "WriteCapacityUnits": 5},
    )
    site.world.clock.advance(3600)
    with Threads(4) as threads:
        (end,) = Loop([("orders", site.wanted("orders", segments=5))], runner=threads).run()
    assert (end.state, end.items) == (State.DONE, 200)
    assert site.holds(rows)


@pytest.mark.parametrize(
    "error",
    [
        ("ConditionalRequestConflict", 409),
        ("SlowDown", 503),
        ("InternalError", 500),
        ("ExpiredToken", 400),
        ("RequestTimeout", 400),
        None,
    ],
)
@pytest.mark.parametrize("heard", [True, False], ids=["refused", "answer-lost"])
def test_what_s3_refuses_for_a_moment_is_waited_out(
    site: Site, error: tuple[str, int] | None, heard: bool
) -> None:
    rows = items.plain(30, "s3")()
    site.table("orders", rows)
    struck: set[int] = set()
    random = Random(1)

    def strike(number: int, call: str) -> None:
        if call in ("PutObject", "ListObjectsV2", "GetObject") and random.random() < 0.3:
            struck.add(number)
            if error is None:
                raise EndpointConnectionError(endpoint_url="https://s3")
            code, status = error
            answer: Any = {
                "Error": {"Code": code, "Message": "later"},
                "ResponseMetadata": {"HTTPStatusCode": status},
            }
            raise ClientError(answer, call)

    if heard:
        site.before = strike
    else:
        site.after = strike
    assert site.scan("orders").state is State.DONE
    assert len(struck) > 5
    site.before = site.after = lambda number, call: None
    assert site.holds(rows)


def test_what_s3_refuses_for_good_is_the_reason(site: Site) -> None:
    site.table("orders", items.plain(3, "x")())
    site.world.client("s3").delete_bucket(Bucket=BUCKET)
    end = site.scan("orders")
    assert end.state is State.FAILED
    assert "NoSuchBucket" in end.reason
    assert f"s3://{BUCKET}/{site.prefix}" in end.reason


def test_a_table_that_is_deleted_and_made_anew_is_no_backup(site: Site) -> None:
    site.table("orders", items.plain(60, "first")())
    dynamodb = site.world.client("dynamodb")
    scans = 0

    def replace(number: int, call: str) -> None:
        nonlocal scans
        scans += call == "Scan"
        if scans == 6 and call == "Scan":
            dynamodb.delete_table(TableName="orders")
            site.world.clock.advance(120)
            site.table("orders", items.plain(60, "second")())

    site.after = replace
    end = site.scan("orders")
    assert end.state is State.FAILED
    assert "was deleted and made anew while it was read" in end.reason
    with pytest.raises(reader.FormatError):
        site.read_back()
    # and who goes on with it is told the same
    site.after = lambda number, call: None
    assert "now has" in site.scan("orders").reason


@pytest.mark.parametrize("call", ["DescribeTable", "ListObjectsV2", "PutObject"])
def test_an_answer_that_is_none_is_told(site: Site, call: str) -> None:
    site.table("orders", items.plain(3, "x")())
    service = "dynamodb" if call == "DescribeTable" else "s3"
    client = site.client(service)

    def spoil(parsed: dict[str, Any], **_: Any) -> None:
        parsed.pop("Table", None)
        parsed.pop("ETag", None)
        for one in parsed.get("Contents", []):
            del one["Size"]

    client.meta.events.register(f"after-call.{service}.{call}", spoil)
    if call == "ListObjectsV2":
        site.world.client("s3").put_object(Bucket=BUCKET, Key=f"{site.prefix}x", Body=b"")
    end = site.scan("orders")
    assert end.state is State.FAILED
    assert "answer" in end.reason


@pytest.mark.parametrize("call", ["GetObject", "HeadObject", "ListObjectsV2"])
@pytest.mark.parametrize(
    ("status", "code"),
    [(300, None), (412, "412"), (412, "PreconditionFailed"), (409, "ConditionalRequestConflict")],
)
def test_a_refusal_that_is_of_another_call_is_told(
    site: Site, call: str, status: int, code: str | None
) -> None:
    metadata = {"HTTPStatusCode": status}
    parsed: dict[str, Any] = {"ResponseMetadata": metadata}
    parsed |= {"Error": {"Code": code, "Message": ""}} if code else {}
    http = AWSResponse("", status, {}, None)  # type: ignore[arg-type]
    site.client("s3").meta.events.register(f"before-call.s3.{call}", lambda **_: (http, parsed))
    sink = S3Sink(site.client("s3"), BUCKET, site.prefix)
    calls: dict[str, Callable[[], Any]] = {
        "GetObject": lambda: sink.read("x"),
        "HeadObject": lambda: sink.head("x"),
        "ListObjectsV2": lambda: list(sink.listed()),
    }
    with pytest.raises(ScanError, match=site.prefix):
        calls[call]()


def test_a_listing_that_is_none_is_told(site: Site) -> None:
    """A page of HTML is to the SDK a listing without objects."""

    def spoil(parsed: dict[str, Any], **_: Any) -> None:
        parsed.clear()

    client = site.client("s3")
    client.meta.events.register("after-call.s3.ListObjectsV2", spoil)
    with pytest.raises(Refused, match="no answer of S3's"):
        list(S3Sink(client, BUCKET, site.prefix).listed())


def test_a_table_that_is_gone_is_told(site: Site) -> None:
    end = site.scan("never")
    assert end.state is State.FAILED
    assert "ResourceNotFoundException" in end.reason


def test_switched_to_on_demand_while_it_is_read(site: Site) -> None:
    site.table("orders", items.plain(200, "first")())
    dynamodb = site.world.client("dynamodb")
    scans = 0

    def switch(number: int, call: str) -> None:
        nonlocal scans
        scans += call == "Scan"
        if scans == 6 and call == "Scan":
            dynamodb.update_table(TableName="orders", BillingMode="PAY_PER_REQUEST")
            site.world.clock.advance(90)

    site.after = switch
    end = site.scan("orders")
    assert end.state is State.FAILED
    assert "was switched to on-demand capacity" in end.reason


def test_the_import_of_the_service_takes_the_data_folder(site: Site) -> None:
    """As the local AWS does it: every object below the prefix is read."""
    rows: list[Item] = [
        {
            "pk": {"S": f'order "\u00e9\n{n}\\"'},
            "n": {"N": f"{n}.5"},
            "m": {"M": {"l": {"L": [{"S": "x"}]}}},
        }
        for n in range(50)
    ]
    site.table("orders", rows)
    site.scan("orders")
    dynamodb = site.world.client("dynamodb")
    started = dynamodb.import_table(
        S3BucketSource={"S3Bucket": BUCKET, "S3KeyPrefix": f"{site.prefix}data/"},
        InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP",
        TableCreationParameters={
            "TableName": "restored",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )["ImportTableDescription"]
    site.world.clock.advance(600)
    found = dynamodb.describe_import(ImportArn=started["ImportArn"])["ImportTableDescription"]
    assert found["ImportStatus"] == "COMPLETED", found
    assert (found["ImportedItemCount"], found["ErrorCount"]) == (50, 0)
    assert sorted(site.kept("restored"), key=str) == sorted(site.kept("orders"), key=str)
