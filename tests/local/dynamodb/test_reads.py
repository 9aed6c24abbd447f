"""What reads consume of a table's capacity, and what happens when it is used up."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.core.clock import Clock
from local.dynamodb import metering
from local.dynamodb.application import Application
from local.dynamodb.table_settings import Generated
from local.dynamodb.tracking import Minute, wanted
from local.world import World

START = datetime(2026, 11, 23, tzinfo=UTC)
MB = 1 << 20


@pytest.fixture
def world() -> Iterator[World]:
    with World(Clock(START)).in_process() as made:
        made.live_capacity = True
        yield made


def create(world: World, name: str = "orders", read: int | None = 10) -> Any:
    client = world.client("dynamodb")
    mode: dict[str, Any] = (
        {"BillingMode": "PAY_PER_REQUEST"}
        if read is None
        else {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": 5}}
    )
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        **mode,
    )
    return client


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


def scan(world: World, table: str = "orders", **how: Any) -> Any:
    # asking again would take time
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    once = Config(retries={"total_max_attempts": 1})
    client: Any = _session().client("dynamodb", region_name=world.region, config=once, **keys)
    return client.scan(TableName=table, ReturnConsumedCapacity="TOTAL", **how)


def code_of(world: World, **how: Any) -> str | None:
    try:
        scan(world, **how)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


@pytest.mark.parametrize(("consistent", "units"), [(False, 11.5), (True, 23.0)])
def test_a_page_is_charged_as_a_whole(world: World, consistent: bool, units: float) -> None:
    create(world)
    items = [{"pk": {"S": f"{n:02d}"}, "text": {"S": "x" * 3090}} for n in range(30)]
    world.put_items("orders", items)
    answer = scan(world, ConsistentRead=consistent)
    assert answer["Count"] == 30
    assert answer["ConsumedCapacity"]["CapacityUnits"] == units


def test_an_empty_table_costs_the_least(world: World) -> None:
    create(world)
    assert scan(world)["ConsumedCapacity"]["CapacityUnits"] == 0.5


def test_a_limit_that_is_met_ends_with_a_key(world: World) -> None:
    create(world)
    world.put_items("orders", [{"pk": {"S": str(n)}} for n in range(4)])
    first = scan(world, Limit=2)
    second = scan(world, Limit=2, ExclusiveStartKey=first["LastEvaluatedKey"])
    third = scan(world, Limit=2, ExclusiveStartKey=second["LastEvaluatedKey"])
    assert (second["Count"], third["Count"]) == (2, 0)
    assert "LastEvaluatedKey" not in third


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2),
        ({"N": "1234"}, 3),
        ({"N": "-12300"}, 4),
        ({"N": "0"}, 1),
        ({"N": "123.4"}, 4),
        ({"N": "0.012"}, 3),
        ({"B": b"\x00\xff"}, 2),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": [{"S": "a"}, {"S": "b"}]}, 7),
        ({"M": {"k": {"S": "v"}}}, 6),
    ],
)
def test_sizes_are_the_services(world: World, value: Any, size: int) -> None:
    client = create(world)
    client.put_item(TableName="orders", Item={"pk": {"S": "p"}, "v": value})
    assert client.describe_table(TableName="orders")["Table"]["TableSizeBytes"] == 4 + size


def test_answers_of_scan_have_no_blanks_and_the_right_checksum(world: World) -> None:
    client = create(world)
    world.put_items("orders", [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}])
    seen: list[Any] = []
    client.meta.events.register(
        "before-parse.dynamodb.Scan", lambda response_dict, **_: seen.append(response_dict)
    )
    client.scan(TableName="orders")
    (answer,) = seen
    assert b'"Items":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}]' in answer["body"]
    assert int(answer["headers"]["x-amz-crc32"]) == zlib.crc32(answer["body"])


def test_burst_is_used_up_and_the_table_throttles_until_it_fills(world: World) -> None:
    create(world, read=10)
    world.set_table("orders", generated=Generated(1000, 400_000), burst_seconds=30)
    last: Any = None
    units = 0.0
    while (code := code_of(world, **({"ExclusiveStartKey": last} if last else {}))) is None:
        answer = scan(world, **({"ExclusiveStartKey": last} if last else {}))
        last = answer["LastEvaluatedKey"]
        units += 2 * answer["ConsumedCapacity"]["CapacityUnits"]
    assert code == "ProvisionedThroughputExceededException"
    assert 300 <= units <= 300 + 2 * 128
    world.clock.advance(60)
    assert code_of(world) is None


def test_a_partition_gives_no_more_than_3000_units_a_second(world: World) -> None:
    create(world, read=12_000)
    world.set_table("orders", generated=Generated(1000, MB), partitions=4)
    answered = 0
    while (code := code_of(world)) is None:
        answered += 1
    assert (code, answered) == ("ThrottlingException", 24)  # of 128 units
    # another partition has its own
    assert code_of(world, Segment=3, TotalSegments=4) is None
    world.clock.advance(1)
    assert code_of(world) is None


def test_on_demand_is_held_to_its_warm_throughput(world: World) -> None:
    create(world, read=None)
    world.set_table(
        "orders", generated=Generated(10, MB), warm_read=100, burst_seconds=1, partitions=1
    )
    assert code_of(world) is None
    assert code_of(world) == "ThrottlingException"


def test_nothing_is_throttled_where_nobody_asks_for_it(world: World) -> None:
    world.live_capacity = False
    create(world, read=1)
    world.set_table("orders", generated=Generated(10, MB), burst_seconds=0)
    assert {code_of(world) for _ in range(10)} == {None}


@pytest.mark.parametrize("limit", [None, 1, 7])
def test_generated_items_come_once_each_and_count_in_full(world: World, limit: int | None) -> None:
    client = create(world, read=10_000)
    world.set_table("orders", generated=Generated(101, 100_000))
    table = client.describe_table(TableName="orders")["Table"]
    assert (table["ItemCount"], table["TableSizeBytes"]) == (101, 10_100_000)
    keys, units, more = [], 0.0, {"Limit": limit} if limit else {}
    for segment in range(3):
        last: dict[str, Any] = {}
        while True:
            answer = scan(world, Segment=segment, TotalSegments=3, **more, **last)
            keys += [item["pk"]["S"] for item in answer["Items"]]
            assert answer["Count"] == len(answer["Items"]) <= (limit or 10)
            units += answer["ConsumedCapacity"]["CapacityUnits"]
            if "LastEvaluatedKey" not in answer:
                break
            last = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert sorted(keys) == [f"{n:012d}" for n in range(101)]
    assert units == pytest.approx(10_100_000 / 8192, rel=0.03)


def test_an_application_within_its_capacity_is_never_throttled(world: World) -> None:
    create(world, read=100)
    beside = Application(world, "orders", lambda seconds: 90.0)
    world.clock.advance(599)
    assert (beside.throttled, beside.served) == ([], 600 * 90.0)


def test_an_application_is_throttled_by_a_scan_that_takes_all(world: World) -> None:
    create(world, read=100)
    world.set_table("orders", generated=Generated(10_000, MB), burst_seconds=1)
    beside = Application(world, "orders", lambda seconds: 50.0)
    while code_of(world) is None:
        pass
    world.clock.advance(10)
    assert beside.throttled
    assert beside.throttled[0] == START + timedelta(seconds=1)
    assert beside.served < beside.asked
    beside.stop()
    asked = beside.asked
    world.clock.advance(10)
    assert beside.asked == asked


def test_what_was_read_is_known_by_second(world: World) -> None:
    create(world, read=1000)
    world.set_table("orders", generated=Generated(1000, MB))
    scan(world)
    world.clock.advance(5)
    scan(world)
    scan(world)
    reads = metering.ledger(world, world.account, world.region, "orders")
    second = int(START.timestamp())
    assert reads.units == {second: 128.0, second + 5: 256.0}


def track(world: World, target: float = 50.0, **suspended: bool) -> None:
    scaling = world.client("application-autoscaling")
    what: Any = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/orders",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }
    scaling.register_scalable_target(
        **what, MinCapacity=50, MaxCapacity=1000, SuspendedState=suspended
    )
    scaling.put_scaling_policy(
        **what,
        PolicyName="reads",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": target,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "DynamoDBReadCapacityUtilization"
            },
        },
    )


def capacity(client: Any) -> int:
    table = client.describe_table(TableName="orders")["Table"]
    return int(table["ProvisionedThroughput"]["ReadCapacityUnits"])


def test_scaling_goes_out_after_two_minutes_above_the_target(world: World) -> None:
    client = create(world, read=100)
    track(world)
    Application(world, "orders", lambda seconds: 90.0)
    world.clock.advance(115)
    assert capacity(client) == 100
    world.clock.advance(120)
    assert capacity(client) == 180


@pytest.mark.parametrize(("suspended", "after"), [(False, 50), (True, 100)])
def test_scaling_goes_in_after_fifteen_minutes_below(
    world: World, suspended: bool, after: int
) -> None:
    client = create(world, read=100)
    track(world, DynamicScalingInSuspended=suspended)
    Application(world, "orders", lambda seconds: 5.0)
    world.clock.advance(14 * 60)
    assert capacity(client) == 100
    world.clock.advance(4 * 60)
    assert capacity(client) == after


def test_without_reads_or_policy_nothing_is_scaled(world: World) -> None:
    client = create(world, read=100)
    track(world)
    world.clock.advance(3600)
    assert capacity(client) == 100
    assert world.clock.next_due() is None


def test_minutes_without_reads_say_nothing() -> None:
    low, none = Minute(60.0, 100), Minute(0.0, 100)
    assert wanted([low] * 15, 50) == 2
    assert wanted([low] * 14 + [none], 50) is None
    assert wanted([low] * 14, 50) is None
    assert wanted([Minute(6000.0, 100)] * 2, 50) == 200
    assert wanted([none, Minute(6000.0, 100)], 50) is None
