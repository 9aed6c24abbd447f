"""A table made again by the local AWS: as it was, but for what is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from hippolyte_cli.restore.answers import MARKER, renamed
from hippolyte_cli.restore.definition import TablePlan, plan_of
from hippolyte_cli.restore.make import NotMadeError, make, wait_active
from hippolyte_cli.restore.settings import put_back
from local.world import World
from tests.support.aws_world import ACCOUNT, describe, in_process, make_table
from tests.support.restores import kept_settings, waits

ARN = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders"
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/changes"
# of a table's past and present; the rest of a description is what it is
PASSING = {
    "TableName",
    "TableArn",
    "TableId",
    "CreationDateTime",
    "LatestStreamLabel",
    "LatestStreamArn",
}


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        yield made


def scale(world: World, resource: str, dimension: str) -> None:
    client = world.client("application-autoscaling")
    where = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": resource,
        "ScalableDimension": dimension,
    }
    client.register_scalable_target(
        **where,
        MinCapacity=5,
        MaxCapacity=90,
        SuspendedState={"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": False},
    )
    client.put_scaling_policy(
        **where,
        PolicyName=f"mine:{resource}",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 60.0,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "DynamoDBReadCapacityUtilization"
            },
        },
    )
    client.put_scheduled_action(
        **where,
        ScheduledActionName="morning",
        Schedule="cron(0 6 * * ? *)",
        ScalableTargetAction={"MinCapacity": 20},
    )


def furnished(world: World) -> None:
    """Make a table that has everything."""
    client = world.client("dynamodb")
    throughput = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 8}
    client.create_table(
        TableName="orders",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
            {"AttributeName": "day", "AttributeType": "B"},
        ],
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 20, "WriteCapacityUnits": 6},
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-day-here",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "day", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-day",
                "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]},
                "ProvisionedThroughput": throughput,
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        TableClass="STANDARD_INFREQUENT_ACCESS",
        SSESpecification={
            "Enabled": True,
            "SSEType": "KMS",
            "KMSMasterKeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0b6a7c1e",
        },
        DeletionProtectionEnabled=True,
        Tags=[{"Key": "team", "Value": "x"}, {"Key": "cost centre", "Value": ""}],
    )
    client.update_time_to_live(
        TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    client.update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    for more in ({}, {"IndexName": "by-day", "ContributorInsightsMode": "THROTTLED_KEYS"}):
        client.update_contributor_insights(
            TableName="orders", ContributorInsightsAction="ENABLE", **more
        )
    client.enable_kinesis_streaming_destination(TableName="orders", StreamArn=STREAM)
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "dynamodb:DeleteTable",
        "Resource": ARN,
    }
    client.put_resource_policy(
        ResourceArn=ARN, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    scale(world, "table/orders", "dynamodb:table:ReadCapacityUnits")
    scale(world, "table/orders/index/by-day", "dynamodb:index:WriteCapacityUnits")


def bare(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in PASSING}


def restored(world: World, settings: dict[str, Any], **asked: Any) -> TablePlan:
    plan = plan_of(None, settings, "back", marker="this restore", **asked)
    make(world.client("dynamodb"), plan, waits(world))
    return plan


def finish(world: World, plan: TablePlan) -> list[Any]:
    scaling = world.client("application-autoscaling")
    return list(put_back(world.client("dynamodb"), scaling, "back", plan.after, waits(world)))


# what an answer says of when it was set, and names that the services give
GIVEN = (
    "CreationTime",
    "LastUpdateDateTime",
    "EarliestRestorableDateTime",
    "LatestRestorableDateTime",
    "RevisionId",
    "ScalableTargetARN",
    "PolicyARN",
    "ScheduledActionARN",
    "Alarms",
    "ContributorInsightsRuleList",
)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if key not in GIVEN}
    if isinstance(value, list):
        found = [plain(each) for each in value]
        return sorted(found, key=lambda each: json.dumps(each, sort_keys=True))
    return value


def test_everything_is_as_it_was_but_for_what_is_named(world: World) -> None:
    furnished(world)
    settings = kept_settings(world)
    plan = restored(world, settings, streams=True, kinesis=True)
    assert finish(world, plan) == []
    new = describe(world, "back")
    old = renamed(describe(world, "orders"), ARN, ARN.replace("orders", "back"))
    assert bare(new) == bare(old)
    after = kept_settings(world, "back")
    before = renamed(settings["answers"], ARN, ARN.replace("orders", "back"))
    assert len(before) == 10
    for operation in sorted(set(before) - {"DescribeTable"}):
        assert plain(after["answers"][operation]) == plain(before[operation]), operation
    assert len(plan.differs) == 2, plan.differs
    assert any("stream has another ARN" in each for each in plan.differs)
    assert any("resource policy names the new" in each for each in plan.differs)


def test_doing_it_all_again_is_harmless(world: World) -> None:
    furnished(world)
    plan = restored(world, kept_settings(world), streams=True, kinesis=True)
    assert finish(world, plan) == []
    once = plain(kept_settings(world, "back")["answers"])
    assert finish(world, plan) == []
    assert plain(kept_settings(world, "back")["answers"]) == once


def test_without_streams_and_kinesis_they_are_named(world: World) -> None:
    furnished(world)
    plan = restored(world, kept_settings(world))
    assert finish(world, plan) == []
    assert "StreamSpecification" not in describe(world, "back")
    client = world.client("dynamodb")
    found = client.describe_kinesis_streaming_destination(TableName="back")
    assert found["KinesisDataStreamDestinations"] == []
    assert any("--streams" in each for each in plan.differs)
    assert any(STREAM in each for each in plan.differs)


def test_a_refused_step_does_not_hold_up_the_others(world: World) -> None:
    furnished(world)
    plan = restored(world, kept_settings(world))
    world.gate.denied.append(("dynamodb:UpdateContinuousBackups", "*"))
    (refused,) = finish(world, plan)
    assert refused.step.operation == "UpdateContinuousBackups"
    assert "AccessDenied" in refused.why
    client = world.client("dynamodb")
    told = client.describe_time_to_live(TableName="back")["TimeToLiveDescription"]
    assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    assert tags(world) == {"team": "x", "cost centre": ""}


def test_a_step_that_is_throttled_is_made_again(world: World) -> None:
    furnished(world)
    plan = restored(world, kept_settings(world))
    # more than botocore's own tries
    world.gate.throttle("dynamodb:UpdateTimeToLive", probability=1.0, calls=7)
    assert finish(world, plan) == []


@pytest.mark.parametrize(
    ("operation", "code", "message", "calls"),
    [
        (
            "update_contributor_insights",
            "ValidationException",
            "Table or Index is not in a valid state to update Key Access Insights: TableStatus "
            "must be ACTIVE to enable ContributorInsights.",
            3,
        ),
        (
            "update_continuous_backups",
            "ContinuousBackupsUnavailableException",
            "Backups are being enabled for the table: back. Please retry later",
            2,
        ),
        ("update_time_to_live", "ValidationException", "TimeToLive is already enabled", 1),
        (
            "enable_kinesis_streaming_destination",
            "ValidationException",
            "Table is not in a valid state to enable Kinesis Streaming Destination: "
            "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform "
            "ENABLE operation.",
            1,
        ),
    ],
)
def test_what_the_service_says_of_early_and_repeated_calls(
    world: World, operation: str, code: str, message: str, calls: int
) -> None:
    """Early ones are made again, what was done before is done."""
    furnished(world)
    plan = restored(world, kept_settings(world), streams=True, kinesis=True)
    client, made = world.client("dynamodb"), list[Any]()

    class Once:
        def __getattr__(self, name: str) -> Any:
            def call(**asked: Any) -> Any:
                made.append(asked)
                if len(made) == 1:
                    raise refusal(code, message)
                return getattr(client, name)(**asked)

            return call if name == operation else getattr(client, name)

    once, scaling = Once(), world.client("application-autoscaling")
    assert put_back(once, scaling, "back", plan.after, waits(world)) == []
    assert len(made) == calls


def test_a_table_in_another_region_is_meant_by_every_step(world: World) -> None:
    furnished(world)
    plan = plan_of(None, kept_settings(world), "back", marker="m")
    dynamodb = world.client("dynamodb", "eu-west-1")
    scaling = world.client("application-autoscaling", "eu-west-1")
    table = make(dynamodb, plan, waits(world))
    done = put_back(dynamodb, scaling, "back", plan.after, waits(world), expected=plan.arn)
    assert done == []
    assert table["TableArn"] == plan.arn.replace("us-east-1", "eu-west-1")
    found = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
    assert {tag["Key"] for tag in found} == {"team", "cost centre"}
    (statement,) = json.loads(
        dynamodb.get_resource_policy(ResourceArn=table["TableArn"])["Policy"]
    )["Statement"]
    assert statement["Resource"] == table["TableArn"]


def test_a_network_that_is_gone_is_told_of_each_step(world: World) -> None:
    furnished(world)
    plan = restored(world, kept_settings(world))

    class Gone:
        def __getattr__(self, name: str) -> Any:
            def call(**_: Any) -> Any:
                raise EndpointConnectionError(endpoint_url="https://nowhere")

            return call

    refused = put_back(world.client("dynamodb"), Gone(), "back", plan.after, waits(world))
    assert {each.step.service for each in refused} == {"application-autoscaling"}
    assert len(refused) == 6


def tags(world: World, name: str = "back") -> dict[str, str]:
    arn = ARN.replace("orders", name)
    found = world.client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}


def test_a_table_that_this_restore_began_is_gone_on_with(world: World) -> None:
    furnished(world)
    settings = kept_settings(world)
    restored(world, settings)
    assert tags(world) == {"team": "x", "cost centre": "", MARKER: "this restore"}
    made = describe(world, "back")["TableId"]
    plan = restored(world, settings)
    assert describe(world, "back")["TableId"] == made
    assert finish(world, plan) == []
    with pytest.raises(NotMadeError, match="not of this restore"):
        restored(world, settings)


def test_a_table_of_another_restore_is_left_alone(world: World) -> None:
    furnished(world)
    settings = kept_settings(world)
    restored(world, settings)
    plan = plan_of(None, settings, "back", marker="that restore")
    with pytest.raises(NotMadeError, match=r"of another restore \(this restore\)"):
        make(world.client("dynamodb"), plan, waits(world))


def test_somebodys_table_is_left_alone(world: World) -> None:
    furnished(world)
    make_table(world, "back")
    with pytest.raises(NotMadeError, match=r"exists, and it is not of this restore.*--into"):
        restored(world, kept_settings(world))
    plan = plan_of(None, kept_settings(world), "back")
    with pytest.raises(NotMadeError, match="not of this restore"):
        make(world.client("dynamodb"), plan, waits(world))


def test_a_table_of_the_name_that_is_being_deleted_is_waited_for(world: World) -> None:
    furnished(world)
    make_table(world, "back")
    world.set_table("back", status="DELETING")
    client = world.client("dynamodb")
    world.clock.call_in(60, lambda: world.set_table("back", status=None))
    world.clock.call_in(60, lambda: client.delete_table(TableName="back"))
    said: list[str] = []
    plan = plan_of(None, kept_settings(world), "back", marker="m")
    made = make(client, plan, waits(world, told=said.append))
    assert made["KeySchema"] == plan.request["KeySchema"]
    assert said[0] == "the table back that was there is being deleted"


def test_a_table_of_this_restore_with_another_key(world: World) -> None:
    """As `--settings-from` another night may make it."""
    furnished(world)
    make_table(world, "back", Tags=[{"Key": MARKER, "Value": "this restore"}])
    with pytest.raises(NotMadeError, match="of this restore has another key: delete it"):
        restored(world, kept_settings(world))


def test_what_the_service_refuses_is_told(world: World) -> None:
    furnished(world)
    settings = kept_settings(world)
    (answer,) = settings["answers"]["DescribeTable"]
    answer["Table"]["KeySchema"][0]["KeyType"] = "SIDEWAYS"
    with pytest.raises(NotMadeError, match=r"back cannot be made: .*ValidationException"):
        restored(world, settings)


def test_a_key_that_cannot_be_used_is_named_with_the_way_out(world: World) -> None:
    furnished(world)
    no = refusal("ValidationException", "KMS key access denied error")
    client: Any = Slow(world.client("dynamodb"), no)
    with pytest.raises(NotMadeError, match=r"key/0b6a7c1e: name another with --key, or aws-man"):
        make(client, plan_of(None, kept_settings(world), "back"), waits(world))


class Slow:
    """A client of which the first calls are answered otherwise."""

    def __init__(self, client: Any, *errors: Exception, states: tuple[str, ...] = ()) -> None:
        self._client, self._errors, self._states = client, list(errors), list(states)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_table(self, **asked: Any) -> Any:
        if self._errors:
            raise self._errors.pop(0)
        return self._client.create_table(**asked)

    def describe_table(self, **asked: Any) -> Any:
        answer = self._client.describe_table(**asked)
        if self._states:
            table, index = self._states.pop(0).split()
            answer["Table"]["TableStatus"] = table
            answer["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] = index
        return answer


def refusal(code: str, message: str) -> Exception:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return ClientError(answer, "CreateTable")


def limit(message: str) -> Exception:
    return refusal("LimitExceededException", message)


def test_too_many_tables_in_the_making_are_waited_for(world: World) -> None:
    furnished(world)
    said: list[str] = []
    many = "Only 10 tables can be created, updated, or deleted simultaneously"
    client: Any = Slow(world.client("dynamodb"), limit(many), limit(many))
    plan = plan_of(None, kept_settings(world), "back", marker="m")
    began = world.clock.now()
    make(client, plan, waits(world, told=said.append))
    assert (world.clock.now() - began).total_seconds() == 40
    assert len(said) == 2
    assert "simultaneously" in said[0]


def test_an_account_that_may_have_no_more_tables(world: World) -> None:
    furnished(world)
    client: Any = Slow(
        world.client("dynamodb"),
        limit("Subscriber limit exceeded: There is a limit of 2500 tables per subscriber"),
    )
    with pytest.raises(NotMadeError, match=r"cannot be made: .*limit of 2500 tables"):
        make(client, plan_of(None, kept_settings(world), "back"), waits(world))


def test_a_table_is_waited_for_with_its_indexes(world: World) -> None:
    furnished(world)
    said: list[str] = []
    states = ("CREATING CREATING", "ACTIVE CREATING", "ACTIVE ACTIVE")
    client: Any = Slow(world.client("dynamodb"), states=states)
    wait_active(client, "orders", waits(world, told=said.append))
    assert said == ["orders is CREATING", "orders is ACTIVE, its index by-day CREATING"]


def test_a_table_that_does_not_get_ready(world: World) -> None:
    furnished(world)
    client: Any = Slow(world.client("dynamodb"), states=("CREATING CREATING",) * 99)
    with pytest.raises(NotMadeError, match=r"orders is CREATING after 60 s; run the same command"):
        wait_active(client, "orders", waits(world, seconds=60))
    client = Slow(world.client("dynamodb"), states=("INACCESSIBLE_ENCRYPTION_CREDENTIALS ACTIVE",))
    with pytest.raises(NotMadeError, match="nothing can be loaded"):
        wait_active(client, "orders", waits(world))
    with pytest.raises(NotMadeError, match="gone is not there after 60 s"):
        wait_active(world.client("dynamodb"), "gone", waits(world, seconds=60))
