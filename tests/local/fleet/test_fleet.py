"""The fleet: every kind of table it promises, the same at each call, and a check that can fail."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.core.clock import Clock
from local.demo import second_reader
from local.fleet import fleet, items
from local.world import World

START = datetime(2026, 11, 24, tzinfo=UTC)
FLEET = fleet.demo_fleet()
BY_NAME = {spec.name: spec for spec in FLEET}


def size_of(value: Mapping[str, Any]) -> int:
    """Bytes of a value by the service's rules (numbers left out: none is in what is measured)."""
    ((kind, content),) = value.items()
    return len(content.encode() if kind == "S" else content)


def kinds(value: Mapping[str, Any]) -> Iterator[str]:
    ((kind, content),) = value.items()
    yield kind
    inner = content.values() if kind == "M" else content if kind == "L" else ()
    for one in inner:
        yield from kinds(one)


def depth(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    inner = content.values() if kind == "M" else content if kind == "L" else ()
    return (kind in "ML") + max(map(depth, inner), default=0)


def test_names_are_legal_and_of_every_length() -> None:
    names = [spec.name for spec in FLEET]
    assert len(names) == len(set(names)) >= 60
    assert all(re.fullmatch(r"[a-zA-Z0-9_.-]{3,255}", name) for name in names)
    assert {3, 255} <= {len(name) for name in names}
    assert {"orders", "orders-archive"} <= set(names)


def test_items_are_the_same_at_each_call() -> None:
    again = {spec.name: spec for spec in fleet.demo_fleet()}
    assert all(fleet.expected_items(again[name]) == spec.items() for name, spec in BY_NAME.items())


def test_items_have_distinct_keys_of_the_declared_types() -> None:
    for spec in FLEET:
        keys = [spec.partition_key, *([spec.sort_key] if spec.sort_key else [])]
        found = {tuple(repr(item[name][kind]) for name, kind in keys) for item in spec.items()}
        assert len(found) == len(spec.items()), spec.name


def test_every_attribute_type_and_key_type_is_there() -> None:
    found = {
        kind
        for spec in FLEET
        for item in spec.items()
        for value in item.values()
        for kind in kinds(value)
    }
    assert found == {"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "M", "L"}
    pairs = {(s.partition_key[1], s.sort_key[1] if s.sort_key else None) for s in FLEET}
    assert pairs >= {(one, two) for one in "SNB" for two in (None, "S", "N", "B")}


def test_the_largest_items_are_of_400_kilobytes() -> None:
    sizes = [
        sum(len(name.encode()) + size_of(value) for name, value in item.items())
        for item in items.largest()
    ]
    assert sizes == [400 * 1024] * 3


def test_the_deepest_items_are_nested_32_deep() -> None:
    assert {depth(item["value"]) for item in items.nested()} == {32}


def test_every_verdict_that_needs_no_fault_is_expected_of_some_table() -> None:
    verdicts = {spec.verdict for spec in FLEET}
    assert verdicts == {"backed_up", "skipped", "vanished", "unsupported"}
    assert {spec.name for spec in FLEET if spec.raised} == {"telemetry", "audit-trail"}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World(Clock(START))
    with world.in_process():
        fleet.create(world, FLEET)
        fleet.delete_in_time(world, FLEET, START)
        yield world


@pytest.mark.parametrize("name", ["values-anything", "keys-NB", "values-400-kilobytes"])
def test_tables_hold_what_is_expected_of_them(world: World, name: str) -> None:
    pages = world.client("dynamodb").get_paginator("scan").paginate(TableName=name)
    found = [item for page in pages for item in page["Items"]]
    assert second_reader.differences(fleet.expected_items(BY_NAME[name]), found) == []


def test_tables_are_what_they_are_declared_to_be(world: World) -> None:
    def describe(name: str) -> Any:
        return world.client("dynamodb").describe_table(TableName=name)["Table"]

    assert describe("telemetry")["TableSizeBytes"] == 100 * fleet.GIB
    assert describe("telemetry")["ProvisionedThroughput"]["ReadCapacityUnits"] == 1000
    assert describe("stale-on-demand")["ItemCount"] == 0
    assert describe("stale-on-demand")["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert describe("on-demand-with-ceiling")["OnDemandThroughput"]["MaxReadRequestUnits"] == 300
    assert describe("on-demand-barely-warm")["WarmThroughput"]["ReadUnitsPerSecond"] == 400
    assert describe("infrequent-access")["TableClassSummary"]["TableClass"].endswith("ACCESS")
    assert len(describe("with-both-indexes")["LocalSecondaryIndexes"]) == 1
    assert len(describe("with-global-indexes")["GlobalSecondaryIndexes"]) == 2
    assert len(describe("global-replica")["Replicas"]) == 2
    assert describe("with-stream")["StreamSpecification"]["StreamEnabled"]
    assert describe("kms-archived")["TableStatus"] == "ARCHIVED"
    ttl = world.client("dynamodb").describe_time_to_live(TableName="with-ttl")
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "expires"
    targets = world.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="dynamodb"
    )["ScalableTargets"]
    assert {target["ResourceId"] for target in targets} == {"table/audit-trail", "table/profiles"}


def test_one_table_goes_in_mid_night(world: World) -> None:
    def names() -> set[str]:
        pages = world.client("dynamodb").get_paginator("list_tables").paginate()
        return {name for page in pages for name in page["TableNames"]}

    world.clock.advance_to(START + timedelta(seconds=7499))
    assert names() == set(BY_NAME)
    world.clock.advance(1)
    assert set(BY_NAME) - names() == {"tenant-4711"}


# --- the independent check -------------------------------------------------------------------


class Bucket:
    """As much of an S3 client as the reader uses."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.files[f"{Bucket}/{Key}"])}

    def list_objects_v2(self, Bucket: str, Prefix: str) -> dict[str, Any]:
        found = [name for name in self.files if name.startswith(f"{Bucket}/{Prefix}")]
        return {"Contents": [{"Key": name.partition("/")[2]} for name in found]} if found else {}

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"ContentLength": len(self.files[f"{Bucket}/{Key}"])}


def backup(spec: fleet.TableSpec, **options: Any) -> Bucket:
    from hippolyte.exports.dynamodbexport import write_export

    files: dict[str, bytes] = {}
    write_export(
        spec.items(),
        "s3://b/d/x",
        lambda name, body: files.__setitem__(f"b/d/x/{name}", body.read()),
        items_per_file=20,
        **options,
    )
    return Bucket(files)


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", [name for name in BY_NAME if name.startswith("values-")])
def test_the_product_s_files_are_read_the_same_by_another_reader(name: str, compress: bool) -> None:
    found = second_reader.read_backup(backup(BY_NAME[name], compress=compress), "b", "d/x")
    assert second_reader.differences(fleet.expected_items(BY_NAME[name]), found) == []


@pytest.mark.parametrize("missing", ["manifest", "_SUCCESS"])
def test_the_other_reader_refuses_what_is_not_whole(missing: str) -> None:
    bucket = backup(BY_NAME["orders"])
    del bucket.files[f"b/d/x/{missing}"]
    with pytest.raises(KeyError):
        second_reader.read_backup(bucket, "b", "d/x")


def test_the_other_reader_refuses_a_cut_file_and_a_foreign_one() -> None:
    bucket = backup(BY_NAME["orders"])
    first = next(iter(bucket.files))
    bucket.files[first] = bucket.files[first][:-1]
    with pytest.raises(ValueError, match="cut off"):
        second_reader.read_backup(bucket, "b", "d/x")
    manifest = json.loads(bucket.files["b/d/x/manifest"])
    manifest["entries"][0]["url"] = "s3://b/d/other/f"
    bucket.files["b/d/x/manifest"] = json.dumps(manifest).encode()
    with pytest.raises(ValueError, match="elsewhere"):
        second_reader.read_backup(bucket, "b", "d/x")


def test_numbers_are_compared_by_value_and_sets_without_order() -> None:
    one: fleet.Item = {"a": {"N": "1.0"}, "b": {"NS": ["1", "20"]}, "c": {"SS": ["x", "y"]}}
    other: fleet.Item = {"c": {"SS": ["y", "x"]}, "b": {"NS": ["2E1", "1.00"]}, "a": {"N": "1"}}
    assert second_reader.differences([one], [other]) == []


@pytest.mark.parametrize(
    ("expected", "found", "said"),
    [
        ([{"a": {"S": "1"}}], [], "1 time(s) missing"),
        ([], [{"a": {"S": "1"}}], "1 time(s) not expected"),
        ([{"a": {"S": "1"}}], [{"a": {"N": "1"}}], "missing"),
        ([{"a": {"L": [{"N": "1"}, {"N": "2"}]}}], [{"a": {"L": [{"N": "2"}, {"N": "1"}]}}], "mi"),
        ([{"a": {"B": b"1"}}], [{"a": {"S": "1"}}], "missing"),
        ([{"a": {"M": {}}}], [{"a": {"L": []}}], "missing"),
        ([{"a": {"S": "1"}}], [{"a": {"S": "1"}}] * 2, "1 time(s) not expected"),
    ],
)
def test_differences_are_told(expected: Any, found: Any, said: str) -> None:
    assert any(said in line for line in second_reader.differences(expected, found))
