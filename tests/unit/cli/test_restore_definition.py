"""The table that a restore plans: as it was, and in words what it cannot be."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters

from hippolyte.errors import ConfigurationError
from hippolyte_cli.restore.answers import MARKER, past_ttl, renamed
from hippolyte_cli.restore.definition import AWS_MANAGED, AWS_OWNED, ON_DEMAND, TablePlan, plan_of
from hippolyte_cli.restore.steps import elsewhere

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0b6a7c1e-0000-4000-8000-000000000000"
NOW = datetime(2026, 11, 27, tzinfo=UTC)
_MODELS = botocore.session.get_session()


def keys(*names: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": "RANGE" if number else "HASH"}
        for number, name in enumerate(names)
    ]


def table(**more: Any) -> dict[str, Any]:
    return {
        "TableName": "orders",
        "TableArn": ARN,
        "TableId": "6f1c0000-0000-4000-8000-000000000000",
        "TableStatus": "ACTIVE",
        "CreationDateTime": 1764201600.0,
        "TableSizeBytes": 7,
        "ItemCount": 1,
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "a", "b", "old")
        ],
        "KeySchema": keys("pk", "sk"),
        "ProvisionedThroughput": {
            "NumberOfDecreasesToday": 2,
            "LastIncreaseDateTime": 1764201600.0,
            "ReadCapacityUnits": 500,
            "WriteCapacityUnits": 20,
        },
        **more,
    }


def index(name: str, *key: str, **more: Any) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": keys(*key),
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]},
        "IndexSizeBytes": 0,
        "ItemCount": 0,
        "IndexArn": f"{ARN}/index/{name}",
        **more,
    }


def of_global(name: str, *key: str, **more: Any) -> dict[str, Any]:
    throughput = {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 7, "WriteCapacityUnits": 8}
    given = {"IndexStatus": "ACTIVE", "ProvisionedThroughput": throughput} | more
    return index(name, *key, **given)


def on_demand(**more: Any) -> dict[str, Any]:
    none = {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    summary = {"BillingMode": ON_DEMAND, "LastUpdateToPayPerRequestDateTime": 1764201600.0}
    return table(BillingModeSummary=summary, ProvisionedThroughput=none, **more)


def kept(**answers: Any) -> dict[str, Any]:
    """Return settings as the catalogue keeps them."""
    return {"form": 1, "raised": None, "unread": {}, "answers": answers}


def checked(plan: TablePlan) -> TablePlan:
    """Fail if a call of a plan is not what its service's model takes."""
    models = {name: _MODELS.get_service_model(name) for name in {s.service for s in plan.after}}
    dynamodb = _MODELS.get_service_model("dynamodb")
    validate_parameters(plan.request, dynamodb.operation_model("CreateTable").input_shape)
    imported = dynamodb.shape_for("TableCreationParameters")
    validate_parameters(plan.for_import(), imported)
    for step in plan.after_import:
        model = models.get(step.service, dynamodb)
        validate_parameters(dict(step.asked), model.operation_model(step.operation).input_shape)
    return plan


def said(plan: TablePlan, words: str) -> bool:
    return any(words in sentence for sentence in plan.differs)


def step(plan: TablePlan, operation: str) -> dict[str, Any]:
    (one,) = (step for step in plan.after if step.operation == operation)
    return dict(one.asked)


def operations(plan: TablePlan) -> list[str]:
    return [step.operation for step in plan.after]


def test_a_plain_table_is_as_it_was_and_nothing_differs() -> None:
    plan = checked(plan_of(table(), kept(), "orders-back"))
    assert plan.request == {
        "TableName": "orders-back",
        "KeySchema": keys("pk", "sk"),
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 500, "WriteCapacityUnits": 20},
    }
    assert (plan.after, plan.differs, plan.ttl) == ((), (), None)
    assert plan.key_schema == ("pk", "sk")
    assert plan.arn == f"{ARN}-back"


def test_local_and_global_indexes_of_a_provisioned_table() -> None:
    described = table(
        LocalSecondaryIndexes=[index("by-a", "pk", "a")],
        GlobalSecondaryIndexes=[of_global("by-b", "b"), of_global("gone", "old")],
    )
    described["GlobalSecondaryIndexes"][1]["IndexStatus"] = "DELETING"
    plan = checked(plan_of(described, kept(), "new"))
    projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]}
    assert plan.request["LocalSecondaryIndexes"] == [
        {"IndexName": "by-a", "KeySchema": keys("pk", "a"), "Projection": projection}
    ]
    assert plan.request["GlobalSecondaryIndexes"] == [
        {
            "IndexName": "by-b",
            "KeySchema": keys("b"),
            "Projection": projection,
            "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 8},
        }
    ]
    names = [each["AttributeName"] for each in plan.request["AttributeDefinitions"]]
    assert names == ["pk", "sk", "a", "b"]
    assert said(plan, "the index gone is not made")
    assert plan.not_imported() == ["the local secondary index by-a"]


def test_an_on_demand_table_with_an_index_names_no_throughput() -> None:
    none = {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    limits = {"MaxReadRequestUnits": 40, "MaxWriteRequestUnits": -1}
    indexes = [of_global("by-b", "b", ProvisionedThroughput=none, OnDemandThroughput=limits)]
    described = on_demand(GlobalSecondaryIndexes=indexes, OnDemandThroughput=limits)
    plan = checked(plan_of(described, kept(), "new"))
    assert plan.request["BillingMode"] == ON_DEMAND
    assert "ProvisionedThroughput" not in json.dumps(plan.request)
    assert plan.request["OnDemandThroughput"] == {"MaxReadRequestUnits": 40}
    (made,) = plan.request["GlobalSecondaryIndexes"]
    assert made["OnDemandThroughput"] == {"MaxReadRequestUnits": 40}
    assert plan.differs == ()


def test_keys_of_several_attributes_stay_in_their_order() -> None:
    several = [
        {"AttributeName": "b", "KeyType": "HASH"},
        {"AttributeName": "a", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    described = on_demand(GlobalSecondaryIndexes=[of_global("wide", "a", KeySchema=several)])
    plan = checked(plan_of(described, kept(), "new"))
    assert plan.request["GlobalSecondaryIndexes"][0]["KeySchema"] == several


def scaling(**suspended: bool) -> dict[str, Any]:
    role = "arn:aws:iam::123456789012:role/aws-service-role/dynamodb.application-autoscaling"
    common = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/orders",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
        "CreationTime": 1764201600.0,
    }
    target = {
        **common,
        "MinCapacity": 5,
        "MaxCapacity": 50,
        "RoleARN": f"{role}.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
        "SuspendedState": {"DynamicScalingOutSuspended": False, **suspended},
        "ScalableTargetARN": "arn:aws:application-autoscaling:eu-west-1:123456789012:x",
    }
    policy = {
        **common,
        "PolicyARN": "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:1:x",
        "PolicyName": "DynamoDBReadCapacityUtilization:table/orders",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0},
        "Alarms": [{"AlarmName": "a", "AlarmARN": "b"}],
    }
    action = {
        **common,
        "ScheduledActionName": "morning",
        "ScheduledActionARN": "arn:aws:autoscaling:eu-west-1:123456789012:scheduledAction:1:x",
        "Schedule": "cron(0 6 * * ? *)",
        "StartTime": 1764201600.0,
        "ScalableTargetAction": {"MinCapacity": 20},
    }
    return {
        "DescribeScalableTargets": [{"ScalableTargets": [target]}],
        "DescribeScalingPolicies": [{"ScalingPolicies": [policy]}],
        "DescribeScheduledActions": [{"ScheduledActions": [action]}],
    }


def test_auto_scaling_is_put_back_for_the_new_name() -> None:
    plan = checked(plan_of(table(), kept(**scaling()), "new"))
    target = step(plan, "RegisterScalableTarget")
    assert (target["ResourceId"], target["MaxCapacity"]) == ("table/new", 50)
    assert "RoleARN" not in target, "the service makes its own role"
    policy = step(plan, "PutScalingPolicy")
    assert policy["PolicyName"] == "DynamoDBReadCapacityUtilization:table/new"
    assert "Alarms" not in policy
    assert step(plan, "PutScheduledAction")["ScalableTargetAction"] == {"MinCapacity": 20}
    assert operations(plan) == ["RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction"]
    assert "the read capacity of the table" in plan.after[0].name


def test_scaling_of_an_index_that_is_not_made_is_not_put_back() -> None:
    answers = scaling()
    for page in answers.values():
        for (one,) in page[0].values():
            one["ResourceId"] = "table/orders/index/gone"
            one["ScalableDimension"] = "dynamodb:index:ReadCapacityUnits"
    gone = [of_global("gone", "b", IndexStatus="DELETING")]
    assert plan_of(table(GlobalSecondaryIndexes=gone), kept(**answers), "new").after == ()
    there = [of_global("gone", "b")]
    plan = checked(plan_of(table(GlobalSecondaryIndexes=there), kept(**answers), "new"))
    assert step(plan, "RegisterScalableTarget")["ResourceId"] == "table/new/index/gone"


def test_a_raised_tables_capacity_and_scaling_are_its_own() -> None:
    settings = kept(**scaling(DynamicScalingInSuspended=True), DescribeTable=[{"Table": table()}])
    settings["raised"] = {"from": 12, "to": 500}
    plan = checked(plan_of(table(), settings, "new"))
    assert plan.request["ProvisionedThroughput"] == {
        "ReadCapacityUnits": 12,
        "WriteCapacityUnits": 20,
    }
    suspended = step(plan, "RegisterScalableTarget")["SuspendedState"]
    assert suspended["DynamicScalingInSuspended"] is False
    assert said(plan, "made 12: the 500 of that night were the backup's")
    assert said(plan, "scale-in is put back as not suspended")


def test_what_its_owner_suspended_stays_so() -> None:
    plan = plan_of(table(), kept(**scaling(DynamicScalingInSuspended=True)), "new")
    suspended = step(plan, "RegisterScalableTarget")["SuspendedState"]
    assert suspended["DynamicScalingInSuspended"] is True


def test_made_on_demand_it_has_no_scaling() -> None:
    indexes = [of_global("by-b", "b")]
    described = table(GlobalSecondaryIndexes=indexes)
    plan = checked(plan_of(described, kept(**scaling()), "new", billing=ON_DEMAND))
    assert "ProvisionedThroughput" not in json.dumps(plan.request)
    assert plan.after == ()
    assert said(plan, "made on-demand, as asked")
    assert said(plan, "auto scaling is not put back")


def test_no_capacity_is_made_up_for_an_on_demand_table() -> None:
    with pytest.raises(ConfigurationError, match="no provisioned capacity"):
        plan_of(on_demand(), kept(), "new", billing="PROVISIONED")


def test_an_older_nights_entry_without_settings() -> None:
    plan = checked(plan_of(table(DeletionProtectionEnabled=True), None, "new"))
    assert said(plan, "kept no settings")
    assert operations(plan) == ["UpdateTable"], "what the definition says is put back all the same"


def test_an_entry_without_a_definition() -> None:
    with pytest.raises(ConfigurationError, match="--settings-from"):
        plan_of(None, None, "new")


def test_settings_that_a_newer_version_kept() -> None:
    with pytest.raises(ConfigurationError, match="a newer version"):
        plan_of(table(), kept() | {"form": 2}, "new")


def test_the_raw_answer_has_the_members_that_the_definition_lacks() -> None:
    raw = table(
        Tomorrow={"Enabled": True}, GlobalSecondaryIndexes=[of_global("by-b", "b", Newer=1)]
    )
    plan = plan_of(table(), kept(DescribeTable=[{"Table": raw}]), "new")
    assert said(plan, "Tomorrow is not put back")
    assert said(plan, "Newer of the index by-b is not put back")
    assert [each["IndexName"] for each in plan.request["GlobalSecondaryIndexes"]] == ["by-b"]


def test_what_could_not_be_read_is_said() -> None:
    settings = kept()
    settings["unread"] = {"ListTagsOfResource": "AccessDeniedException: no"}
    assert said(plan_of(table(), settings, "new"), "tags could not be read that night (Access")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}),
        (KEY + "9", {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY + "9"}),
        (AWS_MANAGED, {"Enabled": True, "SSEType": "KMS"}),
        (AWS_OWNED, None),
    ],
)
def test_encryption(key: str | None, expected: dict[str, Any] | None) -> None:
    described = table(
        SSEDescription={"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": KEY}
    )
    plan = checked(plan_of(described, kept(), "new", key=key))
    assert plan.request.get("SSESpecification") == expected
    assert said(plan, f"its key was {KEY}") is (key is not None)


def test_the_tables_class() -> None:
    described = table(TableClassSummary={"TableClass": "STANDARD_INFREQUENT_ACCESS"})
    plan = checked(plan_of(described, kept(), "new"))
    assert plan.request["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert "TableClass" not in plan.for_import()
    assert [step.operation for step in plan.after_import] == ["UpdateTable"]


def test_replicas_are_said() -> None:
    described = table(
        Replicas=[{"RegionName": "us-east-1"}, {"RegionName": "eu-north-1"}],
        GlobalTableVersion="2019.11.21",
        MultiRegionConsistency="STRONG",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    plan = checked(plan_of(described, kept(), "new"))
    assert said(plan, "replicas in eu-north-1, us-east-1 are not made")
    assert said(plan, "not strongly consistent over Regions")
    assert not said(plan, "does not know it")


def test_a_vector_index_is_not_made_and_that_is_said() -> None:
    """It is on-demand, and its search schema's attributes are defined as keys' are."""
    described = on_demand(
        VectorIndexes=[
            {
                "IndexName": "near",
                "SearchSchema": [{"AttributeName": "a", "KeyType": "HASH"}],
                "VectorAttribute": {"AttributeName": "v"},
                "Dimensions": 4,
                "IndexStatus": "ACTIVE",
            },
            {"IndexName": "old", "IndexStatus": "DELETING"},
        ]
    )
    plan = checked(plan_of(described, kept(), "new"))
    for request in (plan.request, plan.for_import()):
        assert "VectorIndexes" not in request
        names = [each["AttributeName"] for each in request["AttributeDefinitions"]]
        assert names == ["pk", "sk"]
    assert said(plan, "the vector index near is not made: add it once the items are there")
    assert said(plan, "the vector index old is not made: it was being deleted")
    assert len(plan.differs) == 2


def test_vector_indexes_and_warm_throughput_are_said() -> None:
    warm = {"ReadUnitsPerSecond": 60_000, "WriteUnitsPerSecond": 4_000, "Status": "ACTIVE"}
    described = on_demand(
        VectorIndexes=[{"IndexName": "near"}],
        WarmThroughput=warm,
        GlobalSecondaryIndexes=[of_global("by-b", "b", WarmThroughput=warm)],
    )
    plan = checked(plan_of(described, kept(), "new"))
    assert said(plan, "the vector index near is not made")
    assert said(plan, "60,000 reads and 4,000 writes a second at once")
    assert said(plan, "the index by-b is not warmed up")


def test_streams_only_if_asked() -> None:
    spec = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    described = table(StreamSpecification=spec)
    assert said(plan_of(described, kept(), "new"), "--streams")
    plan = checked(plan_of(described, kept(), "new", streams=True))
    assert step(plan, "UpdateTable") == {"TableName": "new", "StreamSpecification": spec}
    assert "StreamSpecification" not in plan.request, "loading would fill it"
    assert said(plan, "another ARN")


def test_kinesis_only_if_asked() -> None:
    stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/changes"
    found = {
        "StreamArn": stream,
        "DestinationStatus": "ACTIVE",
        "ApproximateCreationDateTimePrecision": "MICROSECOND",
    }
    off = {"StreamArn": stream + "2", "DestinationStatus": "DISABLED"}
    answers = {
        "DescribeKinesisStreamingDestination": [{"KinesisDataStreamDestinations": [found, off]}]
    }
    plan = plan_of(table(), kept(**answers), "new")
    assert plan.differs == (f"changes are not sent to {stream} (--kinesis puts it back)",)
    plan = checked(plan_of(table(), kept(**answers), "new", kinesis=True))
    asked = step(plan, "EnableKinesisStreamingDestination")
    assert asked["EnableKinesisStreamingConfiguration"] == {
        "ApproximateCreationDateTimePrecision": "MICROSECOND"
    }


def test_all_that_was_set_in_its_order() -> None:
    policy = json.dumps(
        {"Statement": [{"Resource": [ARN, f"{ARN}/index/*", f"{ARN}-other"], "Principal": "*"}]}
    )
    answers: dict[str, Any] = {
        "ListTagsOfResource": [
            {"Tags": [{"Key": "team", "Value": "x"}], "NextToken": "n"},
            {"Tags": [{"Key": "aws:cloudformation:stack-name", "Value": "s"}]},
        ],
        "DescribeContinuousBackups": [
            {
                "ContinuousBackupsDescription": {
                    "ContinuousBackupsStatus": "ENABLED",
                    "PointInTimeRecoveryDescription": {
                        "PointInTimeRecoveryStatus": "ENABLED",
                        "RecoveryPeriodInDays": 7,
                    },
                }
            }
        ],
        "DescribeContributorInsights": [
            {"TableName": "orders", "ContributorInsightsStatus": "ENABLED"},
            {
                "TableName": "orders",
                "IndexName": "by-b",
                "ContributorInsightsStatus": "ENABLED",
                "ContributorInsightsMode": "THROTTLED_KEYS",
            },
        ],
        "GetResourcePolicy": [{"Policy": policy, "RevisionId": "1"}],
        "DescribeTimeToLive": [
            {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}}
        ],
        **scaling(),
    }
    described = table(
        DeletionProtectionEnabled=True, GlobalSecondaryIndexes=[of_global("by-b", "b")]
    )
    plan = checked(plan_of(described, kept(**answers), "new", marker="this one"))
    assert operations(plan) == [
        "TagResource",
        "RegisterScalableTarget",
        "PutScalingPolicy",
        "PutScheduledAction",
        "UpdateContinuousBackups",
        "UpdateContributorInsights",
        "UpdateContributorInsights",
        "UpdateTable",
        "PutResourcePolicy",
        "UpdateTimeToLive",
        "UntagResource",
    ]
    assert plan.request["Tags"] == [
        {"Key": "team", "Value": "x"},
        {"Key": MARKER, "Value": "this one"},
    ]
    assert "DeletionProtectionEnabled" not in plan.request, "a failed restore can be deleted"
    new = ARN.replace("orders", "new")
    (statement,) = json.loads(step(plan, "PutResourcePolicy")["Policy"])["Statement"]
    assert statement["Resource"] == [new, f"{new}/index/*", f"{ARN}-other"]
    assert step(plan, "UpdateContinuousBackups")["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": 7,
    }
    assert plan.ttl == "expires"
    assert said(plan, "aws:cloudformation:stack-name")
    assert said(plan, "the resource policy names the new table")
    assert len(plan.differs) == 2
    assert all(step.name for step in plan.after)
    abroad = "arn:aws:dynamodb:us-east-1:999999999999:table/new"
    moved = [elsewhere(each, plan.arn, abroad) for each in plan.after]
    assert moved[0].asked["ResourceArn"] == abroad
    (statement,) = json.loads(moved[8].asked["Policy"])["Statement"]
    assert statement["Resource"][:2] == [abroad, f"{abroad}/index/*"]


def test_fifty_tags_and_the_marker() -> None:
    tags = [{"Key": f"t{n}", "Value": ""} for n in range(50)]
    answers = kept(ListTagsOfResource=[{"Tags": tags}])
    plan = checked(plan_of(table(), answers, "new", marker="m"))
    assert len(plan.request["Tags"]) == 50
    assert operations(plan) == ["TagResource", "UntagResource", "TagResource"]
    assert [tag["Key"] for tag in plan.after[2].asked["Tags"]] == ["t49"]
    assert len(plan_of(table(), answers, "new").request["Tags"]) == 50


def test_the_marker_of_a_restore_that_was_backed_up_is_no_tag() -> None:
    tags = [{"Key": MARKER, "Value": "that one"}]
    answers = kept(ListTagsOfResource=[{"Tags": tags}])
    assert "Tags" not in plan_of(table(), answers, "new").request
    plan = plan_of(table(), answers, "new", marker="this one")
    assert plan.request["Tags"] == [{"Key": MARKER, "Value": "this one"}]


def test_another_nights_settings_are_another_pair() -> None:
    """As `--settings-from` has it: the definition and the settings come of one night."""
    then = table(KeySchema=keys("pk"))
    settings = kept(DescribeTable=[{"Table": then}])
    assert plan_of(then, settings, "new").key_schema == ("pk",)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"N": "1790000000"}, True),
        ({"N": "1.79E9"}, True),
        ({"N": "1999999999"}, False),
        # longer ago than five years: never deleted
        ({"N": "1400000000"}, False),
        ({"S": "1790000000"}, False),
        ({"N": "1790000000000"}, False),
        ({"N": "nonsense"}, False),
        (None, False),
    ],
)
def test_items_past_their_time(value: Any, expected: bool) -> None:
    item = {"pk": {"S": "x"}} | ({"expires": value} if value else {})
    assert past_ttl(item, "expires", NOW) is expected


def test_only_whole_names_are_renamed() -> None:
    value = {"a": ["orders", "orders2", f"{ARN}2", f"{ARN}/stream/x", "my-table/orders", 5]}
    new = ARN.replace("orders", "new")
    assert renamed(value, ARN, new) == {
        "a": ["new", "orders2", f"{ARN}2", f"{new}/stream/x", "my-table/orders", 5]
    }
