"""A link of a worker against the local AWS: what it reads, says, and leaves to the next."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import boto3
import pytest

from hippolyte import clock
from hippolyte.clients import ExporterClients
from hippolyte.engines.workers import Order, Orders, Record, Workers
from hippolyte.exports import native
from hippolyte.exports.listed import Listed
from hippolyte.exports.native_verification import verify
from hippolyte.exports.reader import Prefix, find
from hippolyte.link import Answer, Link
from hippolyte.record_form import iso
from hippolyte.settings import Settings
from hippolyte.store import Store
from local.world import World
from tests.support import aws_world
from tests.support.builders import settings
from tests.support.scans import Inline, Killed

BUCKET, RUN, WORKER = "backups", "2026-11-24T00-00Z", "b001"


class Bench:
    """A worker's orders, and links that are invoked for it."""

    def __init__(self, world: World, tables: dict[str, int], deadline_hours: float = 7) -> None:
        self.world = world
        self.s3, self.dynamodb = world.client("s3"), world.client("dynamodb")
        self.s3.create_bucket(Bucket=BUCKET)
        self.settings: Settings = replace(settings(), bucket=BUCKET)
        self.store = Store(self.s3, BUCKET)
        self.workers = Workers(self.store, self.settings, RUN)
        self.deadline = world.clock.now() + timedelta(hours=deadline_hours)
        self.names = count(1)
        for name, read in tables.items():
            self.table(name, read)
        orders = Orders(RUN, WORKER, iso(self.deadline), self._orders(tables))
        self.workers.order(orders, None)

    def table(self, name: str, read: int, items: int = 50) -> None:
        aws_world.make_table(self.world, name, read)
        rows = [{"pk": {"S": f"{name}#{i:04}"}, "t": {"S": "x" * 3000}} for i in range(items)]
        self.world.put_items(name, rows)

    def _orders(self, tables: dict[str, int]) -> dict[str, Order]:
        return {name: self.order(number, name) for number, name in enumerate(tables)}

    def order(self, number: int, name: str, **changed: Any) -> Order:
        found = self.dynamodb.describe_table(TableName=name)["Table"]
        where = f"backups/{name}/{RUN}-1"
        made = Order(number, found["TableId"], where, f"01-{name}", 2, 0.5)
        return replace(made, **changed)

    def change(self, **changed: Any) -> None:
        """Change the orders, as the monitor would."""
        found = self.workers.orders(WORKER)
        assert found
        self.workers.order(replace(found[0], **changed), found[1])

    def link(self, seconds: float = 900, me: str | None = None, worker: str = WORKER) -> Answer:
        """Invoke a link; its sleeps move the world's time on."""
        begun = clock.now()
        world = self.world

        clients = ExporterClients(self.dynamodb, self.s3, self.s3)
        return Link(
            workers=self.workers,
            worker=worker,
            me=me or f"link{next(self.names)}",
            clients=clients,
            bucket=BUCKET,
            runner=Inline(world.sleeper),  # type: ignore[arg-type]
            remaining=lambda: seconds - (clock.now() - begun).total_seconds(),
            timeout=seconds,
        ).work()

    @property
    def record(self) -> Record:
        return self.record_of(WORKER)

    def record_of(self, worker: str) -> Record:
        found = self.workers.record(worker)
        assert found
        return found[0]

    def assert_whole(self, name: str, items: int = 50) -> None:
        """The export is one by its own content, and holds the table's items."""
        prefix = native.root(f"backups/{name}/{RUN}-1", f"01-{name}")
        objects = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
        listed = [Listed(o["Key"][len(prefix) :], o["Size"], o["ETag"].strip('"')) for o in objects]

        def get(part: str) -> bytes:
            return self.s3.get_object(Bucket=BUCKET, Key=prefix + part)["Body"].read()

        result = verify(prefix, listed, get, "", 2)
        assert result.problems == ()
        assert result.items == items
        read = list(find(Prefix(self.store, prefix)).items())
        assert sorted(item["pk"]["S"] for item in read) == [f"{name}#{i:04}" for i in range(items)]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with aws_world.in_process() as world:
        yield world


def test_a_link_reads_all_and_says_that_no_other_is_to_follow(world: World) -> None:
    bench = Bench(world, {"orders": 1000, "users": 1000})
    assert bench.link() == Answer(False, "all tables are over")
    for name in ("orders", "users"):
        assert bench.record.tables[name].state == "done"
        assert bench.record.tables[name].items == 50
        bench.assert_whole(name)
    assert bench.record.stopped
    assert not bench.record.open
    # and once more: nothing is read
    before = bench.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert bench.link() == Answer(False, "all tables are over")
    after = bench.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [o["Key"] for o in after] == [o["Key"] for o in before]


def test_links_hand_over_before_their_time_is_up(world: World) -> None:
    bench = Bench(world, {"slow": 1})
    answers = [bench.link(seconds=80)]
    while answers[-1].more:
        assert answers[-1].why == "its time is nearly up"
        assert not bench.record.stopped
        answers.append(bench.link(seconds=80))
    assert len(answers) > 2
    bench.assert_whole("slow")
    # what is on record is of all links, as the items are
    slow, row = bench.record.tables["slow"], 3050
    assert slow.items == 50
    assert 0.98 * 50 * row < slow.text < 1.2 * 50 * row
    assert 0.98 * 50 * row / 8192 < slow.units < 2.5 * 50 * row / 8192


def at(world: World, seconds: float, event: Callable[[], object]) -> None:
    world.clock.call_in(seconds, event)


def test_a_cancel_is_heard_within_seconds(world: World) -> None:
    bench = Bench(world, {"slow": 1})
    begun = world.clock.now()
    at(world, 20, lambda: bench.change(ended="cancelled"))
    assert bench.link() == Answer(False, "cancelled")
    assert (world.clock.now() - begun).total_seconds() <= 20 + 16
    assert bench.record.stopped
    assert bench.record.tables["slow"].state == "more"
    assert bench.link() == Answer(False, "cancelled")


def test_it_stops_by_itself_at_the_deadline(world: World) -> None:
    bench = Bench(world, {"slow": 1}, deadline_hours=1 / 180)
    assert bench.link() == Answer(False, "the deadline has passed")
    assert world.clock.now() <= bench.deadline + timedelta(seconds=2)
    assert bench.record.stopped
    assert bench.link() == Answer(False, "the deadline has passed")


def test_whoever_is_taken_over_stops_and_says_that_it_lives(world: World) -> None:
    bench = Bench(world, {"slow": 1})

    def take_over() -> None:
        record, etag = bench.workers.record(WORKER) or (None, "")
        assert record
        bench.workers.write(WORKER, replace(record, link="other"), etag)

    at(world, 20, take_over)
    begun = world.clock.now()
    assert bench.link(me="first").more
    assert (world.clock.now() - begun).total_seconds() <= 20 + 16
    assert bench.workers.has_left(WORKER, "first")
    assert bench.record.link == "other"


def test_a_link_waits_until_its_predecessor_reads_nothing(world: World) -> None:
    bench = Bench(world, {"slow": 1})
    pages: list[datetime] = []

    def strike(_: object) -> None:
        pages.append(world.clock.now())
        if len(pages) == 5:
            raise Killed

    world.before("dynamodb:Scan", strike)
    with pytest.raises(Killed):
        bench.link()
    assert bench.record.open
    begun = world.clock.now()
    while bench.link().more:
        pass
    assert (pages[5] - begun).total_seconds() >= 20
    assert bench.record.deaths == {"slow": 1}
    bench.assert_whole("slow")


def test_a_link_whose_time_ran_out_is_not_held_against_its_tables(world: World) -> None:
    bench = Bench(world, {"slow": 1})
    world.set_table("slow", read_bytes=32 << 20)
    late = world.clock.now() + timedelta(seconds=800)

    def strike(_: object) -> None:
        if world.clock.now() > late:
            raise Killed

    # a look
    world.before("s3:GetObject", strike)
    for _ in range(2):
        with pytest.raises(Killed):
            bench.link()
        late = world.clock.now() + timedelta(seconds=800)
    late = bench.deadline
    assert bench.link().more
    assert (bench.record.deaths, bench.record.suspects) == ({}, ())


def test_the_table_over_which_links_die_fails_alone(world: World) -> None:
    bench = Bench(world, {"good": 1000, "poison": 1000, "well": 1000})

    def strike(call: Any) -> None:
        if call.params.get("TableName") == "poison":
            raise Killed

    world.before("dynamodb:Scan", strike)
    deaths, more = 0, True
    while more:
        try:
            more = bench.link().more
        except Killed:
            deaths += 1
        assert deaths < 8
    bench.assert_whole("good")
    bench.assert_whole("well")
    assert bench.record.tables["poison"].state == "failed"
    assert "read this table alone" in bench.record.tables["poison"].reason


def test_further_orders_are_waited_for_and_taken(world: World) -> None:
    bench = Bench(world, {"first": 1000})
    bench.table("raised", 1000)
    bench.change(more=True)

    def order() -> None:
        found = bench.workers.orders(WORKER)
        assert found
        tables = {**found[0].tables, "raised": bench.order(1, "raised")}
        bench.change(more=False, tables=tables)

    at(world, 200, order)
    assert bench.link() == Answer(False, "all tables are over")
    bench.assert_whole("first")
    bench.assert_whole("raised")


def test_a_lost_record_costs_nothing_but_its_progress(world: World) -> None:
    bench = Bench(world, {"slow": 1})
    assert bench.link(seconds=80).more
    key = next(
        o["Key"]
        for o in bench.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
        if o["Key"].endswith("record.json")
    )
    bench.s3.delete_object(Bucket=BUCKET, Key=key)
    while bench.link(seconds=80).more:
        pass
    bench.assert_whole("slow")


def test_a_newer_versions_orders_are_refused_in_words(world: World) -> None:
    bench = Bench(world, {"orders": 1000})
    key = bench.workers._key(WORKER, "orders")
    record = json.loads(bench.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    bench.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps({**record, "tempo": 3}))
    with pytest.raises(Exception, match="a form that this version does not know"):
        bench.link()


def test_a_table_that_is_not_as_it_was_planned_fails_and_the_others_are_read(world: World) -> None:
    bench = Bench(world, {"orders": 1000, "other": 1000})
    bench.dynamodb.update_table(TableName="other", BillingMode="PAY_PER_REQUEST")
    world.clock.advance(600)
    assert not bench.link().more
    assert bench.record.tables["other"].state == "failed"
    assert "not as it was planned" in bench.record.tables["other"].reason
    bench.assert_whole("orders")


def test_workers_of_parts_have_the_same_orders_and_a_record_each(world: World) -> None:
    bench = Bench(world, {"big": 1000, "small": 1000})
    split, small = bench.order(0, "big", parts=2), bench.order(1, "small")
    bench.change(parts=2, tables={"big": split, "small": small})
    assert bench.link(worker="b001-p2") == Answer(False, "all tables are over")
    second = bench.record_of("b001-p2")
    # the other table is not split
    assert {name: one.state for name, one in second.tables.items()} == {"big": "read"}
    assert second.stopped
    assert bench.link() == Answer(False, "all tables are over")
    assert bench.record.tables["big"].state == "done"
    counted = [record.tables["big"].items for record in (bench.record, second)]
    assert sum(counted) == 50
    assert min(counted) > 0
    for name in ("big", "small"):
        bench.assert_whole(name)
    # and once more: it finds the table whole, and reads nothing
    scans = world.gate.calls["dynamodb:Scan"]
    assert bench.link(worker="b001-p2") == Answer(False, "all tables are over")
    assert world.gate.calls["dynamodb:Scan"] == scans


def test_a_part_ends_when_the_orders_of_all_do(world: World) -> None:
    bench = Bench(world, {"big": 1000})
    bench.change(parts=2, tables={"big": bench.order(0, "big", parts=2)}, ended="cancelled")
    for worker in (WORKER, "b001-p2"):
        assert bench.link(worker=worker) == Answer(False, "cancelled")
    assert world.gate.calls["dynamodb:Scan"] == 0
