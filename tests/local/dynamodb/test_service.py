from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from local.dynamodb import service as dynamodb
from local.world import World
from tests.support.aws_world import (
    ACCOUNT,
    REGION,
    START,
    checked,
    describe,
    in_process,
    make_table,
    read_units,
    refused,
    update,
)


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        yield made


def test_answers_are_as_the_service_model_says(world: World) -> None:
    with checked(world.client("dynamodb")) as client:
        client.create_table(
            TableName="tbl",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "g", "AttributeType": "S"},
            ],
            ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-g",
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                    "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 1},
                }
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        world.set_table(
            "tbl",
            replicas=("us-east-1", "eu-west-1"),
            table_class="STANDARD_INFREQUENT_ACCESS",
            warm_read=777,
        )
        client.update_table(
            TableName="tbl",
            ProvisionedThroughput={"ReadCapacityUnits": 9, "WriteCapacityUnits": 5},
        )
        client.describe_table(TableName="tbl")
        client.describe_limits()
        client.list_tables()
        client.put_item(TableName="tbl", Item={"pk": {"S": "a"}, "g": {"S": "b"}})
        client.scan(TableName="tbl", ReturnConsumedCapacity="INDEXES")
        client.query(
            TableName="tbl",
            KeyConditionExpression="pk = :p",
            ExpressionAttributeValues={":p": {"S": "a"}},
            ReturnConsumedCapacity="TOTAL",
        )
        client.get_item(TableName="tbl", Key={"pk": {"S": "a"}}, ReturnConsumedCapacity="TOTAL")
        world.clock.advance(61)
        world.set_table("tbl", status="ARCHIVED")
        table = client.describe_table(TableName="tbl")["Table"]
        world.set_table("tbl", status=None)
        client.delete_table(TableName="tbl")
    assert table["ArchivalSummary"]["ArchivalBackupArn"]
    assert table["WarmThroughput"]["ReadUnitsPerSecond"] == 777
    assert [r["RegionName"] for r in table["Replicas"]] == ["us-east-1", "eu-west-1"]
    assert table["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    assert table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 3


def test_recreated_table_has_another_id(world: World) -> None:
    make_table(world, "tbl")
    first = describe(world, "tbl")["TableId"]
    world.client("dynamodb").delete_table(TableName="tbl")
    make_table(world, "tbl")
    assert describe(world, "tbl")["TableId"] != first


def test_size_and_count_are_of_the_items_unless_set(world: World) -> None:
    make_table(world, "tbl")
    assert (describe(world, "tbl")["TableSizeBytes"], describe(world, "tbl")["ItemCount"]) == (0, 0)
    world.put_items("tbl", [{"pk": {"S": f"{n:04}"}, "v": {"S": "x" * 93}} for n in range(10)])
    assert describe(world, "tbl")["TableSizeBytes"] == 10 * (2 + 4 + 1 + 93)
    world.client("dynamodb").put_item(TableName="tbl", Item={"pk": {"S": "z"}})
    assert describe(world, "tbl")["ItemCount"] == 11
    world.client("dynamodb").delete_item(TableName="tbl", Key={"pk": {"S": "z"}})
    assert describe(world, "tbl")["ItemCount"] == 10
    world.set_table("tbl", size_bytes=1 << 40)
    assert (describe(world, "tbl")["TableSizeBytes"], describe(world, "tbl")["ItemCount"]) == (
        1 << 40,
        10,
    )


def test_a_table_may_be_older_than_the_world(world: World) -> None:
    make_table(world, "tbl")
    assert describe(world, "tbl")["CreationDateTime"] == START
    world.set_table("tbl", created_at=START - timedelta(days=30))
    assert describe(world, "tbl")["CreationDateTime"] == START - timedelta(days=30)


def test_an_item_has_at_most_400_kilobytes(world: World) -> None:
    make_table(world, "tbl")
    client = world.client("dynamodb")
    room = 400 * 1024 - len("pk" + "a" + "v")
    for value in ({"S": "x" * room}, {"B": b"\xff" * room}, {"BS": [b"\xff" * (room - 1), b"a"]}):
        client.put_item(TableName="tbl", Item={"pk": {"S": "a"}, "v": value})
        with pytest.raises(ClientError, match="Item size has exceeded the maximum allowed size"):
            client.put_item(TableName="tbl", Item={"pk": {"S": "ab"}, "v": value})


def test_unknown_setting_is_refused(world: World) -> None:
    make_table(world, "tbl")
    with pytest.raises(ValueError, match="unknown table settings \\['sizebytes'\\]"):
        world.set_table("tbl", sizebytes=1)
    with pytest.raises(ValueError, match="no table other"):
        world.set_table("other", size_bytes=1)


def test_new_capacity_counts_once_the_table_is_active(world: World) -> None:
    make_table(world, "tbl")
    update(world, "tbl", 50)
    assert read_units(world, "tbl") == ("UPDATING", 5)
    with refused("ResourceInUseException"):
        update(world, "tbl", 60)
    world.clock.advance(59)
    assert read_units(world, "tbl") == ("UPDATING", 5)
    world.clock.advance(1)
    assert read_units(world, "tbl") == ("ACTIVE", 50)
    throughput = describe(world, "tbl")["ProvisionedThroughput"]
    assert throughput["LastIncreaseDateTime"] == START
    assert describe(world, "tbl")["WarmThroughput"]["ReadUnitsPerSecond"] == 50


def test_update_seconds_and_stale_describe(world: World) -> None:
    make_table(world, "tbl")
    world.set_table("tbl", update_seconds=10, stale_describe_seconds=30)
    world.clock.advance(100)
    update(world, "tbl", 50)
    world.clock.advance(20)
    assert read_units(world, "tbl") == ("ACTIVE", 5)
    fresh = dynamodb.describe(world, ACCOUNT, REGION, "tbl")
    assert fresh is not None
    assert fresh["ProvisionedThroughput"]["ReadCapacityUnits"] == 50
    world.clock.advance(30)
    assert read_units(world, "tbl") == ("ACTIVE", 50)
    assert dynamodb.describe(world, ACCOUNT, REGION, "no such table") is None


def test_same_values_are_refused(world: World) -> None:
    make_table(world, "tbl")
    with refused("ValidationException", "The provisioned throughput for the table will not change"):
        update(world, "tbl", 5)


def test_throughput_of_an_on_demand_table_is_refused(world: World) -> None:
    make_table(world, "tbl", read=None)
    with refused("ValidationException", "PAY_PER_REQUEST"):
        update(world, "tbl", 5)


def test_billing_mode_summary_only_after_on_demand(world: World) -> None:
    make_table(world, "tbl")
    client = world.client("dynamodb")
    assert "BillingModeSummary" not in describe(world, "tbl")
    client.update_table(TableName="tbl", BillingMode="PAY_PER_REQUEST")
    world.clock.advance(60)
    table = describe(world, "tbl")
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    client.update_table(
        TableName="tbl",
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 7, "WriteCapacityUnits": 5},
    )
    world.clock.advance(60)
    assert describe(world, "tbl")["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert read_units(world, "tbl") == ("ACTIVE", 7)


def test_on_demand_ceiling(world: World) -> None:
    make_table(world, "tbl", read=None, OnDemandThroughput={"MaxReadRequestUnits": 100})
    assert describe(world, "tbl")["OnDemandThroughput"] == {"MaxReadRequestUnits": 100}
    world.client("dynamodb").update_table(
        TableName="tbl", OnDemandThroughput={"MaxReadRequestUnits": -1}
    )
    assert "OnDemandThroughput" not in describe(world, "tbl")


def test_quotas_of_table_and_account(world: World) -> None:
    make_table(world, "aaa", read=30_000)
    make_table(world, "bbb", read=30_000)
    with refused("LimitExceededException", "of a table"):
        update(world, "aaa", 40_001)
    update(world, "aaa", 40_000)
    world.limits.account_read = 79_999
    with refused("LimitExceededException", "80000 would be provisioned"):
        update(world, "bbb", 40_000)
    update(world, "bbb", 39_999)


def test_only_so_many_tables_are_changed_at_once(world: World) -> None:
    world.limits.changing_tables = 1
    make_table(world, "aaa")
    make_table(world, "bbb")
    for name in ("aaa", "bbb"):
        world.set_table(name, update_seconds=60)
    update(world, "aaa", 50)
    with refused("LimitExceededException", "Only 1 tables can be created, updated, or deleted"):
        update(world, "bbb", 50)
    world.clock.advance(60)
    update(world, "bbb", 50)


def test_describe_limits(world: World) -> None:
    world.limits.account_read = 123
    limits = world.client("dynamodb").describe_limits()
    assert limits["TableMaxReadCapacityUnits"] == 40_000
    assert limits["AccountMaxReadCapacityUnits"] == 123
    assert limits["AccountMaxWriteCapacityUnits"] == 80_000


def test_decreases_are_limited_by_utc_day(world: World) -> None:
    make_table(world, "tbl", read=100)
    world.set_table("tbl", update_seconds=0)
    world.clock.advance(10 * 3600)
    for read in (99, 98, 97, 96):
        update(world, "tbl", read)
    with refused(
        "LimitExceededException",
        "Number of decreases today: 4. Last decrease at Tuesday, November 24, 2026 at 10:00:00 AM "
        "Coordinated Universal Time. Next decrease can be made at Tuesday, November 24, 2026 at "
        "11:00:00 AM Coordinated Universal Time",
    ):
        update(world, "tbl", 95)
    throughput = describe(world, "tbl")["ProvisionedThroughput"]
    assert throughput["NumberOfDecreasesToday"] == 4
    assert throughput["LastDecreaseDateTime"] == START + timedelta(hours=10)
    update(world, "tbl", 200)  # increases are free
    world.clock.advance(3600)
    update(world, "tbl", 94)
    with refused("LimitExceededException"):
        update(world, "tbl", 93)
    world.clock.advance_to(START + timedelta(days=1))
    assert describe(world, "tbl")["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0
    update(world, "tbl", 93)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("ARCHIVED", "ResourceNotFoundException"),
        ("CREATING", "ResourceNotFoundException"),
        ("INACCESSIBLE_ENCRYPTION_CREDENTIALS", "AccessDeniedException"),
    ],
)
def test_table_that_cannot_be_read(world: World, status: str, code: str) -> None:
    make_table(world, "tbl")
    world.set_table("tbl", status=status)
    assert describe(world, "tbl")["TableStatus"] == status
    with refused(code):
        world.client("dynamodb").scan(TableName="tbl")
    with refused("ResourceInUseException"):
        update(world, "tbl", 9)


def test_consumed_capacity_follows_from_sizes(world: World) -> None:
    make_table(world, "tbl")
    world.put_items("tbl", [{"pk": {"S": str(n)}, "v": {"S": "x" * 10_000}} for n in range(9)])
    scan = world.client("dynamodb").scan
    one_page = scan(TableName="tbl", ReturnConsumedCapacity="TOTAL")
    assert one_page["ConsumedCapacity"]["CapacityUnits"] == 11.0  # 90,036 B / 4,096, halved
    strong = scan(TableName="tbl", ReturnConsumedCapacity="TOTAL", ConsistentRead=True)
    assert strong["ConsumedCapacity"]["CapacityUnits"] == 22.0
    filtered = scan(
        TableName="tbl",
        FilterExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "1"}},
        ReturnConsumedCapacity="TOTAL",
    )
    assert (filtered["Count"], filtered["ScannedCount"]) == (1, 9)
    assert filtered["ConsumedCapacity"]["CapacityUnits"] == 11.0
    put = world.client("dynamodb").put_item(
        TableName="tbl",
        Item={"pk": {"S": "p"}, "v": {"S": "x" * 3000}},
        ReturnConsumedCapacity="TOTAL",
    )
    assert put["ConsumedCapacity"]["CapacityUnits"] == 3.0


@pytest.mark.parametrize(
    ("given", "stored"),
    [("1.0", "1"), ("0.00", "0"), ("1e3", "1000"), ("-0.5", "-0.5"), ("0012.340", "12.34")],
)
def test_numbers_are_stored_without_needless_zeros(world: World, given: str, stored: str) -> None:
    make_table(world, "tbl")
    item = {"pk": {"S": "a"}, "n": {"N": given}, "m": {"M": {"l": {"L": [{"NS": [given]}]}}}}
    world.client("dynamodb").put_item(TableName="tbl", Item=item)
    back = world.client("dynamodb").get_item(TableName="tbl", Key={"pk": {"S": "a"}})["Item"]
    assert back["n"] == {"N": stored}
    assert back["m"]["M"]["l"]["L"][0] == {"NS": [stored]}


def test_table_listed_and_gone_at_describe(world: World) -> None:
    make_table(world, "tbl")
    world.set_table("tbl", vanish_at_describe=True)
    assert world.client("dynamodb").list_tables()["TableNames"] == ["tbl"]
    with refused("ResourceNotFoundException", "Table: tbl not found"):
        describe(world, "tbl")


def test_list_goes_on_after_a_table_deleted_between_pages(world: World) -> None:
    for name in ("a", "b", "c", "d"):
        make_table(world, name * 3)
    client = world.client("dynamodb")
    first = client.list_tables(Limit=2)
    client.delete_table(TableName=first["LastEvaluatedTableName"])
    rest = client.list_tables(ExclusiveStartTableName=first["LastEvaluatedTableName"], Limit=2)
    assert rest["TableNames"] == ["ccc", "ddd"]
    assert "LastEvaluatedTableName" not in rest


@pytest.mark.parametrize("name", ["ab", "with space", "x" * 256])
def test_bad_table_name_is_refused(world: World, name: str) -> None:
    with refused("ValidationException", "at 'tableName' failed to satisfy constraint"):
        make_table(world, name)


def test_index_capacity_counts_against_the_account(world: World) -> None:
    make_table(world, "plain", read=100)
    world.client("dynamodb").create_table(
        TableName="indexed",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 100, "WriteCapacityUnits": 5},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "idx",
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 300, "WriteCapacityUnits": 5},
            }
        ],
    )
    world.limits.account_read = 600
    with refused("LimitExceededException", "601 would be provisioned"):
        update(world, "plain", 201)
    update(world, "plain", 200)
