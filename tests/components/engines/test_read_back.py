"""A link of the worker that reads backups back: where it stops, and how the next one goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from hippolyte.engines.workers import READER, Order, Orders, Record, Workers
from hippolyte.exports.filters import is_filter, parse_head
from hippolyte.exports.keys import spelling
from hippolyte.exports.native import root
from hippolyte.exports.place import Prefix
from hippolyte.link import Answer
from hippolyte.read_back import ReadBack
from hippolyte.record_form import iso
from hippolyte.scan.reading import Refused
from hippolyte.scan.table import Look
from hippolyte.settings import Settings
from hippolyte.store import Store
from tests.support.exports import ITEMS, SUMMARY, native_export, tool_export

RUN = "2026-11-24T00-00Z"
NAMES = ("name", "account", "region", "partition", "topic_arn")
CLUSTERS = ("pipeline_region", "pipeline_role", "cluster_role")
SETTINGS = Settings(**dict.fromkeys((*NAMES, *CLUSTERS), "x"), bucket="backups")
TABLE_ID = json.loads(SUMMARY)["tableId"]


def plenty() -> float:
    return 900.0


def words(number: int) -> Callable[[], float]:
    """Return the time of a link that may look at it so often before it is up."""
    looks = count()
    return lambda: 900.0 if next(looks) < number else 10.0


class Desk:
    """A worker with orders, and the bucket that it reads."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket="backups")
        self.workers = Workers(Store(self.s3, "backups"), SETTINGS, RUN)
        self.deadline = iso(datetime.now(UTC) + timedelta(hours=1))
        self.tables: dict[str, Order] = {}
        self.table_id, self.no_look = TABLE_ID, False
        self.looked: list[str] = []

    def backup(self, table: str, harm: str = "") -> None:
        """Put a backup of five files, two items each, and order it."""
        order = Order(len(self.tables), TABLE_ID, f"backups/{table}", "01-ab", 0, 0.0)
        self.tables[table] = order
        parts = [ITEMS[at : at + 2] for at in range(0, len(ITEMS), 2)]
        for name, data in native_export(parts, at="").items():
            body = data[:-9] if harm and name.endswith(harm) else data
            key = root(order.directory, order.scan) + name
            self.s3.put_object(Bucket="backups", Key=key, Body=body)

    def backup_of_cluster(self, table: str, **harmed: bytes) -> None:
        """Put a backup of four files as DynamoDBExport writes them, and order it."""
        order = Order(len(self.tables), "another id", f"backups/{table}", "", 0, 0.0)
        self.tables[table] = order
        for name, data in {**tool_export(ITEMS), **harmed}.items():
            self.s3.put_object(Bucket="backups", Key=f"{order.directory}/{name}", Body=data)

    def order(self) -> None:
        self.workers.order(Orders(RUN, READER, self.deadline, self.tables), None)

    def link(self, remaining: Callable[[], float] = plenty, me: str = "me") -> Answer:
        return ReadBack(self.workers, READER, me, remaining, self.look).work()

    def look(self, table: str) -> Look:
        self.looked.append(table)
        if self.no_look:
            raise Refused("no such table")
        return Look(table, "arn", self.table_id, "ACTIVE", ("pk", "sk"), 0, None)

    def filtered(self, table: str) -> list[str]:
        """Return the names of the files that have a filter, which must hold each of their keys."""
        place = Prefix(self.workers.store, root(self.tables[table].directory, "01-ab"))
        found = []
        for name in filter(is_filter, place.names()):
            key = place.prefix + name
            data = self.s3.get_object(Bucket="backups", Key=key)["Body"].read()
            head = parse_head(data)
            assert head.attribute == "pk"
            for number, file in enumerate(head.files):
                found.append(file.name)
                first = 2 * int(file.name[0])
                for item in ITEMS[first : first + 2]:
                    one = spelling(item["pk"])
                    assert one
                    begin, end = head.place(one)
                    assert list(head.may_hold(one, data[begin:end]))[number]
        return sorted(found)

    def record(self) -> Record:
        found = self.workers.record(READER)
        assert found
        return found[0]

    def change(self, record: Record) -> None:
        found = self.workers.record(READER)
        self.workers.write(READER, record, found[1] if found else None)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with mock_aws():
        made = Desk()
        made.backup("orders")
        yield made


def test_all_is_read_in_one_link_where_there_is_time(desk: Desk) -> None:
    desk.backup("users")
    desk.order()
    assert desk.link() == Answer(False, "all is read")
    record = desk.record()
    assert (record.open, record.stopped, record.reading) == (False, True, ())
    for name in ("orders", "users"):
        table = record.tables[name]
        assert (table.state, table.items, table.files, table.reason) == ("done", 10, 5, "")


@pytest.mark.parametrize("looks", [2, 100])
def test_what_a_cluster_wrote_is_read_where_it_lies(desk: Desk, looks: int) -> None:
    desk.backup_of_cluster("whole")
    desk.backup_of_cluster("harmed", **{"00000001": b'{"pk":{"s":"x"}}\nno item\n'})
    desk.order()
    while desk.link(words(looks)).more:
        pass
    tables = desk.record().tables
    whole = tables["whole"]
    assert (whole.state, whole.items, whole.files, whole.reason) == ("done", len(ITEMS), 4, "")
    assert tables["harmed"].state == "damaged"
    assert "00000001, line 2" in tables["harmed"].reason


@pytest.mark.parametrize("looks", [1, 2, 3, 5])
def test_the_next_link_goes_on_after_the_last_whole_file(desk: Desk, looks: int) -> None:
    desk.backup("users")
    desk.order()
    links = []
    while desk.link(words(looks), f"link-{len(links)}").more:
        links.append(dict(desk.record().tables))
        assert len(links) < 20
    assert links[0]["orders"].state == "reading"
    ended = [tables["orders"].ended for tables in links]
    assert ended == sorted(ended)
    tables = desk.record().tables
    assert {(t.state, t.items, t.files, t.ended) for t in tables.values()} == {("done", 10, 5, 5)}


FILES = [f"{n}.json.gz" for n in range(5)]


@pytest.mark.parametrize("looks", [2, 3, 900])
def test_each_file_has_its_filter_however_many_links_read(desk: Desk, looks: int) -> None:
    desk.backup("users")
    desk.order()
    while desk.link(words(looks)).more:
        pass
    assert desk.filtered("orders") == desk.filtered("users") == FILES
    data = Prefix(desk.workers.store, root("backups/orders", "01-ab") + "data/")
    assert sorted(data.names()) == FILES, "an import reads all that lies here"


def test_a_damaged_file_has_none(desk: Desk) -> None:
    desk.backup("harmed", harm="data/3.json.gz")
    desk.order()
    desk.link()
    assert desk.filtered("harmed") == ["0.json.gz", "1.json.gz", "2.json.gz", "4.json.gz"]


def test_of_another_table_by_now_nothing_is_known(desk: Desk) -> None:
    desk.table_id = "made again"
    desk.order()
    assert desk.link() == Answer(False, "all is read")
    assert (desk.looked, desk.filtered("orders")) == (["orders"], [])


def test_filters_that_cannot_be_made_or_written_harm_nothing(desk: Desk, monkeypatch: Any) -> None:
    desk.no_look = True
    desk.backup("users")
    desk.order()
    assert desk.link() == Answer(False, "all is read")
    assert desk.filtered("orders") == []
    assert {t.state for t in desk.record().tables.values()} == {"done"}


def test_a_filter_that_s3_refuses_is_left_out(desk: Desk, monkeypatch: Any) -> None:
    desk.order()
    put = desk.s3.put_object

    def refuse(**request: Any) -> Any:
        if is_filter(request["Key"]):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")
        return put(**request)

    monkeypatch.setattr(desk.s3, "put_object", refuse)
    assert desk.link() == Answer(False, "all is read")
    assert desk.filtered("orders") == []
    assert desk.record().tables["orders"].state == "done"


def test_damage_that_an_earlier_link_found_is_not_forgotten(desk: Desk) -> None:
    desk.backup("harmed", harm="data/0.json.gz")
    desk.order()
    while desk.link(words(3)).more:
        pass
    table = desk.record().tables["harmed"]
    assert table.state == "damaged"
    assert table.reason.count("data/0.json.gz") == 1
    assert desk.record().tables["orders"].state == "done"


def test_a_file_that_takes_longer_than_a_link_is_left_alone(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr("hippolyte.exports.levels._SEEN_EVERY", 1)
    desk.backup("users")
    desk.order()
    assert desk.link(words(1)).more
    table = desk.record().tables["orders"]
    assert table.state == "failed"
    assert "longer than it may run" in table.reason
    assert not desk.link().more
    assert desk.record().tables["users"].state == "done"


def test_what_kills_functions_is_left_alone(desk: Desk) -> None:
    desk.backup("users")
    desk.order()
    dead = Record(link="before", open=True, reading=("orders",), deaths={"orders": 1})
    desk.change(dead)
    assert not desk.link().more
    tables = desk.record().tables
    assert (tables["orders"].state, tables["users"].state) == ("failed", "done")
    assert "without a word" in tables["orders"].reason


def test_what_lies_nowhere_is_damage_and_another_tables_too(desk: Desk) -> None:
    desk.tables["gone"] = replace(desk.tables["orders"], number=1, directory="backups/gone")
    desk.tables["other"] = replace(desk.tables["orders"], number=2, table_id="another")
    desk.order()
    desk.link()
    tables = desk.record().tables
    assert {name: t.state for name, t in tables.items()} == {
        "orders": "done",
        "gone": "damaged",
        "other": "damaged",
    }
    assert "nothing lies here" in tables["gone"].reason


def test_a_link_whose_worker_another_took_over_leaves(desk: Desk) -> None:
    desk.order()

    def taken() -> float:
        desk.change(replace(desk.record(), link="another"))
        return 900.0

    answer = desk.link(taken)
    assert answer.more
    assert "took the worker over" in answer.why
    assert desk.record().link == "another"


def test_past_the_deadline_nothing_is_read(desk: Desk) -> None:
    desk.deadline = iso(datetime.now(UTC) - timedelta(seconds=1))
    desk.order()
    assert desk.link() == Answer(False, "the deadline has passed")
    assert desk.record().tables == {}
    assert desk.record().stopped


def test_without_orders_there_is_nothing_to_do(desk: Desk) -> None:
    assert not desk.link().more


def test_a_service_that_refuses_is_no_damage(desk: Desk, monkeypatch: Any) -> None:
    desk.order()
    monkeypatch.setattr("hippolyte.read_back.check", lambda *_: _refuse())
    desk.link()
    table = desk.record().tables["orders"]
    assert (table.state, table.reason) == ("failed", "disk full")


def _refuse() -> None:
    raise OSError("disk full")
