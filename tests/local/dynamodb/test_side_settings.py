"""What moto lacks: Kinesis destinations, Contributor Insights, old global tables."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hippolyte.tables.settings_of import received
from local.world import World
from tests.support.aws_world import checked, in_process, make_table, refused

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"
INDEX = {
    "IndexName": "by-pk",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        yield made


def test_destinations(world: World) -> None:
    make_table(world, "tbl")
    with checked(world.client("dynamodb")) as client:
        answer = client.describe_kinesis_streaming_destination(TableName="tbl")
        assert answer["KinesisDataStreamDestinations"] == []
        made = client.enable_kinesis_streaming_destination(TableName="tbl", StreamArn=STREAM)
        assert made["DestinationStatus"] == "ENABLING"
        answer = client.describe_kinesis_streaming_destination(TableName="tbl")
    (found,) = answer["KinesisDataStreamDestinations"]
    assert (found["StreamArn"], found["DestinationStatus"]) == (STREAM, "ACTIVE")


def test_a_tag_has_one_value(world: World) -> None:
    make_table(world, "tbl", Tags=[{"Key": "team", "Value": "x"}, {"Key": "a", "Value": "b"}])
    client = world.client("dynamodb")
    arn = client.describe_table(TableName="tbl")["Table"]["TableArn"]
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "y"}])
    assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "team", "Value": "y"},
        {"Key": "a", "Value": "b"},
    ]


def test_insights_of_a_table_and_its_index_are_apart(world: World) -> None:
    make_table(world, "tbl", None, GlobalSecondaryIndexes=[INDEX])
    with checked(world.client("dynamodb")) as client:
        client.update_contributor_insights(
            TableName="tbl",
            IndexName="by-pk",
            ContributorInsightsAction="ENABLE",
            ContributorInsightsMode="THROTTLED_KEYS",
        )
        table = client.describe_contributor_insights(TableName="tbl")
        index = client.describe_contributor_insights(TableName="tbl", IndexName="by-pk")
    assert (table["ContributorInsightsStatus"], "IndexName" in table) == ("DISABLED", False)
    assert (index["ContributorInsightsStatus"], index["IndexName"]) == ("ENABLED", "by-pk")
    assert index["ContributorInsightsMode"] == "THROTTLED_KEYS"


def test_what_is_not_there_is_not_found(world: World) -> None:
    client = world.client("dynamodb")
    make_table(world, "tbl")
    for call in (
        client.describe_kinesis_streaming_destination,
        client.describe_contributor_insights,
    ):
        with refused("ResourceNotFoundException"):
            call(TableName="none")
    with refused("ResourceNotFoundException"):
        client.describe_contributor_insights(TableName="tbl", IndexName="none")


def test_what_else_is_asked_for_a_restore_is_as_the_model_has_it(world: World) -> None:
    make_table(world, "tbl")
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/tbl"
    with checked(world.client("dynamodb")) as client:
        client.put_resource_policy(ResourceArn=arn, Policy="{}")
        client.describe_time_to_live(TableName="tbl")
        client.describe_continuous_backups(TableName="tbl")
        client.get_resource_policy(ResourceArn=arn)
        client.list_tags_of_resource(ResourceArn=arn)


def test_an_answer_can_hold_what_no_model_knows(world: World) -> None:
    make_table(world, "tbl")
    world.change_answer(
        "dynamodb:DescribeTimeToLive", lambda _, body: json.dumps(json.loads(body) | {"New": 1})
    )
    client = world.client("dynamodb")
    assert "New" not in client.describe_time_to_live(TableName="tbl"), "botocore drops it"
    assert received(client, "DescribeTimeToLive", TableName="tbl")["New"] == 1


def test_global_tables_of_2017_are_listed_and_not_described(world: World) -> None:
    for name, others in (("aaa", ("eu-west-1",)), ("bbb", ("eu-west-1", "eu-west-2"))):
        make_table(world, name)
        world.set_table(name, legacy_replicas=others)
    make_table(world, "ccc")
    world.set_table("ccc", replicas=("eu-west-1",))
    with checked(world.client("dynamodb")) as client:
        assert "Replicas" not in client.describe_table(TableName="bbb")["Table"]
        first = client.list_global_tables(Limit=1, RegionName="us-east-1")
        assert first["LastEvaluatedGlobalTableName"] == "aaa"
        second = client.list_global_tables(
            Limit=1, RegionName="us-east-1", ExclusiveStartGlobalTableName="aaa"
        )
        assert "LastEvaluatedGlobalTableName" not in second
        (found,) = client.list_global_tables(RegionName="eu-west-2")["GlobalTables"]
    assert found == second["GlobalTables"][0]
    assert found["GlobalTableName"] == "bbb"
    assert [r["RegionName"] for r in found["ReplicationGroup"]] == [
        "us-east-1",
        "eu-west-1",
        "eu-west-2",
    ]
