"""BatchWriteItem: what it refuses, what it costs, and the write capacity it is held to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.dynamodb.metering import hash_place
from local.world import World
from tests.support.aws_world import REGION, checked, in_process, make_table, refused, update


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        make_table(made, "orders")
        yield made


def client() -> Any:
    # asking again would take time
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return boto3.client("dynamodb", region_name=REGION, config=config)


def write(*items: dict[str, Any], **how: Any) -> Any:
    puts = [{"PutRequest": {"Item": item}} for item in items]
    with checked(client()) as made:
        return made.batch_write_item(RequestItems={"orders": puts}, **how)


def item(key: str, size: int = 0) -> dict[str, Any]:
    return {"pk": {"S": key}, "text": {"S": "x" * size}}


def test_it_costs_what_its_items_cost(world: World) -> None:
    items = [item("a"), item("b", 1017), item("c", 1018), item("d", 10_000)]
    answer = write(*items, ReturnConsumedCapacity="INDEXES")
    units = 1 + 1 + 2 + 10
    assert answer["ConsumedCapacity"] == [
        {"TableName": "orders", "CapacityUnits": units, "Table": {"CapacityUnits": units}}
    ]
    assert answer["UnprocessedItems"] == {}
    assert write(item("e"), ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"] == [
        {"TableName": "orders", "CapacityUnits": 1.0}
    ]


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([item(str(n)) for n in range(26)], "length less than or equal to 25"),
        ([], "length greater than or equal to 1"),
        ([item("a"), item("a", 5)], "contains duplicates"),
        ([item("a", 409_600 - 6)], "Item size has exceeded the maximum allowed size"),
        ([{"other": {"S": "x"}}], "Missing the key pk"),
    ],
    ids=["26", "none", "twice", "large", "no key"],
)
def test_what_is_refused_as_a_whole(world: World, items: list[Any], text: str) -> None:
    with refused("ValidationException", text):
        write(*items)
    assert world.client("dynamodb").scan(TableName="orders")["Items"] == []


def test_an_item_of_400_kb_is_taken(world: World) -> None:
    assert write(item("a", 409_600 - 7))["UnprocessedItems"] == {}


def test_a_table_that_is_being_made_takes_nothing(world: World) -> None:
    world.set_table("orders", status="CREATING")
    with refused("ResourceNotFoundException"):
        write(item("a"))


def test_an_indexs_key_may_be_missing_and_the_sort_key_tells_items_apart(world: World) -> None:
    keys = [("day", "HASH"), ("hour", "RANGE")]
    schema = [{"AttributeName": name, "KeyType": role} for name, role in keys]
    index = {
        "IndexName": "by-city",
        "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    made = world.client("dynamodb")
    made.create_table(
        TableName="visits",
        KeySchema=schema,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("day", "hour", "city")
        ],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[index],
    )
    items = [{"day": {"S": "1"}, "hour": {"S": str(hour)}} for hour in range(3)]
    puts = [{"PutRequest": {"Item": each}} for each in items]
    made.batch_write_item(RequestItems={"visits": puts})
    assert made.scan(TableName="visits")["Items"] == items
    with refused("ValidationException", "contains duplicates"):
        made.batch_write_item(RequestItems={"visits": [*puts, puts[0]]})


def throttled(world: World, capacity: int, partitions: int) -> None:
    update(world, "orders", 5, capacity)
    world.clock.advance(600)
    world.set_table("orders", burst_seconds=1, partitions=partitions)
    world.live_capacity = True


def test_what_there_is_no_capacity_for_comes_back(world: World) -> None:
    throttled(world, 10, 1)
    items = [item(str(n), 1500) for n in range(8)]
    # the fifth begins with nothing left
    answer = write(*items, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"][0]["CapacityUnits"] == 10
    rest = answer["UnprocessedItems"]["orders"]
    assert [put["PutRequest"]["Item"] for put in rest] == items[5:]
    with pytest.raises(ClientError) as error:
        write(items[5])
    refusal: Any = error.value.response
    assert refusal["Error"]["Code"] == "ProvisionedThroughputExceededException"
    (reason,) = refusal["ThrottlingReasons"]
    assert reason["reason"] == "TableWriteProvisionedThroughputExceeded"
    assert reason["resource"].endswith(":table/orders")
    world.clock.advance(1)
    assert write(*items[5:])["UnprocessedItems"] == {}
    world.live_capacity = False
    assert world.client("dynamodb").scan(TableName="orders")["Count"] == 8


def test_a_partition_takes_1000_units_a_second(world: World) -> None:
    throttled(world, 10_000, 4)
    keys = sorted(map(str, range(400)), key=hash_place)
    first, last = keys[:50], keys[-50:]
    written = 0
    with pytest.raises(ClientError) as error:
        for key in first:
            write(item(key, 100_000))
            written += 1
    answer: Any = error.value.response
    assert answer["Error"]["Code"] == "ThrottlingException"
    (reason,) = answer["throttlingReasons"]
    assert reason["reason"] == "TableWriteKeyRangeThroughputExceeded"
    # of 98 units each
    assert written == 11
    # another one has its own
    write(item(last[0], 100_000))
    world.clock.advance(1)
    write(item(first[0], 100_000))


def test_nothing_is_throttled_where_nobody_asks_for_it(world: World) -> None:
    throttled(world, 1, 1)
    world.live_capacity = False
    for n in range(50):
        assert write(item(str(n), 3000))["UnprocessedItems"] == {}
