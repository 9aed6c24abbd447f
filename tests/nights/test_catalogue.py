"""What a night keeps for a restore beside the data: each table's settings, in AWS's own words."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import botocore
import pytest

from hippolyte.exports.findings import LISTED, READ, Checked
from hippolyte.exports.levels import check
from hippolyte.exports.place import Prefix
from hippolyte.exports.verified import expected, record
from hippolyte.night import keep_settings
from hippolyte.record_form import when
from hippolyte.store import Store
from hippolyte.tables.settings_of import OPERATIONS
from local.core.call import Call
from local.programs.export import running_steps
from tests.support.harness import (
    ACCOUNT,
    BIG,
    BUCKET,
    MINUTES,
    REGION,
    RUN,
    Killed,
    NightDriver,
    driver,
    verdicts,
)
from tests.support.report_schema import CATALOGUE, faults
from tests.support.watch import PRODUCT_KEY

ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/changes"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})
SETTINGS = (
    "dynamodb:DescribeTimeToLive",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:GetResourcePolicy",
    "dynamodb:ListTagsOfResource",
    "dynamodb:DescribeKinesisStreamingDestination",
    "dynamodb:DescribeContributorInsights",
    # asked by discovery too
    "application-autoscaling:DescribeScheduledActions",
)


def entry(night: NightDriver, table: str) -> dict[str, Any]:
    """Return a table's catalogue entry."""
    found = night.json(f"catalog/{ACCOUNT}/{REGION}/{table}/{RUN}.json")
    assert found is not None
    return found


def settings(night: NightDriver, table: str) -> dict[str, Any]:
    """Return what the catalogue holds of a table's settings, None before they are read."""
    found: dict[str, Any] = entry(night, table)["settings"]
    return found


def begin(night: NightDriver) -> None:
    """Begin a night of empty tables, up to their verdicts: clusters have no part in them."""
    night.scheduler()
    if night.engine == "lambda":
        night.passes(5)


def furnish(night: NightDriver) -> None:
    """A table that has everything a table can have, with an index."""
    dynamodb, scaling = night.dynamodb, night.world.client("application-autoscaling")
    throughput = {"ReadCapacityUnits": 100, "WriteCapacityUnits": 50}
    dynamodb.create_table(
        TableName="orders",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "day", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-day",
                "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": throughput,
            }
        ],
        ProvisionedThroughput=throughput,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    night.world.put_items("orders", [{"pk": {"S": "1"}}])
    night.tag("orders", **{f"tag-{number:02d}": "x" for number in range(12)})
    dynamodb.update_time_to_live(
        TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )
    dynamodb.update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.put_resource_policy(ResourceArn=ARN, Policy=POLICY)
    dynamodb.enable_kinesis_streaming_destination(TableName="orders", StreamArn=STREAM)
    dynamodb.update_contributor_insights(
        TableName="orders", IndexName="by-day", ContributorInsightsAction="ENABLE"
    )
    for resource, dimension in (
        ("table/orders", "dynamodb:table:ReadCapacityUnits"),
        ("table/orders", "dynamodb:table:WriteCapacityUnits"),
        ("table/orders/index/by-day", "dynamodb:index:WriteCapacityUnits"),
    ):
        about = {
            "ServiceNamespace": "dynamodb",
            "ResourceId": resource,
            "ScalableDimension": dimension,
        }
        scaling.register_scalable_target(**about, MinCapacity=5, MaxCapacity=500)
        scaling.put_scaling_policy(
            **about,
            PolicyName=f"of {resource} {dimension}",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 70.0,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "DynamoDBWriteCapacityUtilization"
                },
            },
        )
        scaling.put_scheduled_action(
            **about,
            ScheduledActionName=f"weekly {resource} {dimension}",
            Schedule="cron(0 12 ? * SUN *)",
            Timezone="Europe/Berlin",
            ScalableTargetAction={"MinCapacity": 9},
        )


@pytest.mark.both
def test_all_that_a_table_is_set_to_is_kept(night: NightDriver) -> None:
    furnish(night)
    report = night.night()

    kept = settings(night, "orders")
    answers = kept["answers"]
    assert (kept["form"], kept["botocore"], kept["raised"]) == (1, botocore.__version__, None)
    assert kept["unread"] == {}
    assert set(answers) == set(OPERATIONS)
    (table,) = answers["DescribeTable"]
    assert table["Table"]["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
    assert table["Table"]["LatestStreamArn"].startswith(ARN)
    assert isinstance(table["Table"]["CreationDateTime"], int | float), "as received, not parsed"
    (ttl,) = answers["DescribeTimeToLive"]
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "ttl"
    (backups,) = answers["DescribeContinuousBackups"]
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    (policy,) = answers["GetResourcePolicy"]
    assert policy["Policy"] == POLICY
    tags = [tag["Key"] for page in answers["ListTagsOfResource"] for tag in page["Tags"]]
    assert tags == [f"tag-{number:02d}" for number in range(12)]
    assert len(answers["ListTagsOfResource"]) == 2, "each page as it came"
    (stream,) = answers["DescribeKinesisStreamingDestination"]
    assert [d["StreamArn"] for d in stream["KinesisDataStreamDestinations"]] == [STREAM]
    insights = answers["DescribeContributorInsights"]
    assert [(i.get("IndexName"), i["ContributorInsightsStatus"]) for i in insights] == [
        (None, "DISABLED"),
        ("by-day", "ENABLED"),
    ]
    dimensions = {
        ("table/orders", "dynamodb:table:ReadCapacityUnits"),
        ("table/orders", "dynamodb:table:WriteCapacityUnits"),
        ("table/orders/index/by-day", "dynamodb:index:WriteCapacityUnits"),
    }
    for operation, member in (
        ("DescribeScalableTargets", "ScalableTargets"),
        ("DescribeScalingPolicies", "ScalingPolicies"),
        ("DescribeScheduledActions", "ScheduledActions"),
    ):
        found = [one for page in answers[operation] for one in page[member]]
        assert {(f["ResourceId"], f["ScalableDimension"]) for f in found} == dimensions
        assert len(found) == len(dimensions), "each once"
    assert answers["DescribeScheduledActions"][0]["ScheduledActions"][0]["Timezone"]
    assert entry(night, "orders")["definition"]["TableName"] == "orders", "as older entries have it"
    assert report["warnings"] == []
    assert report["tables"]["orders"]["unread_settings"] == []
    night.assert_clean()


def test_a_table_that_has_none_of_it_says_so(night: NightDriver) -> None:
    night.table("plain")
    night.table("nothing", items=0)
    report = night.night()

    for name in ("plain", "nothing"):
        kept = settings(night, name)
        assert kept["unread"] == {}
        assert kept["answers"]["GetResourcePolicy"] == []
        assert kept["answers"]["DescribeScalingPolicies"] == []
        assert kept["answers"]["DescribeScheduledActions"] == []
        assert kept["answers"]["DescribeScalableTargets"] == [{"ScalableTargets": []}]
    assert report["warnings"] == []


def test_a_member_that_no_sdk_knows_is_kept(night: NightDriver) -> None:
    def newer(_: Call, body: str) -> str:
        answer = json.loads(body)
        answer["Table"] |= {"HoldsNextYear": {"Depth": 3}, "TableClassSummary": {"Warmth": "HIGH"}}
        return json.dumps(answer)

    night.world.change_answer("dynamodb:DescribeTable", newer)
    night.table("orders")
    night.night()

    (kept,) = settings(night, "orders")["answers"]["DescribeTable"]
    assert kept["Table"]["HoldsNextYear"] == {"Depth": 3}
    assert kept["Table"]["TableClassSummary"] == {"Warmth": "HIGH"}
    assert "HoldsNextYear" not in entry(night, "orders")["definition"], "which is why"


def test_throttling_holds_neither_verdict_nor_lease_up(
    monkeypatch: pytest.MonkeyPatch, engine_name: str
) -> None:
    reports = []
    for throttled in ((), SETTINGS[:-1]):
        with driver(monkeypatch, engine_name) as night:
            night.table("orders", read=1000, **BIG)
            night.table("users")
            night.table("nothing", items=0)
            for operation in throttled:
                night.world.throttle(operation)
            reports.append(night.night())
            night.assert_clean()
    normal, troubled = reports

    assert verdicts(troubled) == verdicts(normal) == dict.fromkeys(verdicts(normal), "backed_up")
    assert troubled["raised"] == normal["raised"] != []
    for name, table in normal["tables"].items():
        assert troubled["tables"][name]["finished_at"] == table["finished_at"]
        assert table["unread_settings"] == []
        assert troubled["tables"][name]["unread_settings"]
    assert [w for w in troubled["warnings"] if "DescribeTimeToLive of nothing and 2 more" in w]
    late = when(troubled["closed_at"]) - when(normal["closed_at"])
    assert timedelta(0) < late <= timedelta(minutes=15)


def test_what_is_throttled_for_a_while_is_read_later(night: NightDriver) -> None:
    night.table("orders")
    night.table("users")
    night.scheduler()
    night.world.throttle("dynamodb:DescribeTimeToLive", calls=2)
    report = night.until_closed()

    for name in ("orders", "users"):
        assert settings(night, name)["unread"] == {}
        assert report["tables"][name]["unread_settings"] == []
    assert report["warnings"] == []


def test_a_busy_service_is_soon_left_alone_in_a_pass(night: NightDriver) -> None:
    for number in range(12):
        night.table(f"table-{number:02d}", items=0)
    for operation in SETTINGS:
        night.world.throttle(operation)
    begin(night)

    calls = night.world.gate.calls
    assert calls["dynamodb:DescribeTimeToLive"] == 10, "then it is left alone"
    assert sum(calls[operation] for operation in SETTINGS if "dynamodb" in operation) == 10


def test_one_throttled_call_costs_one_table_a_pass(night: NightDriver) -> None:
    for name in ("first", "second"):
        night.table(name, items=0)
    night.world.throttle("dynamodb:DescribeTimeToLive", calls=1)
    begin(night)

    assert settings(night, "first")["unread"]
    assert settings(night, "second")["unread"] == {}


def test_what_may_not_be_read_is_named_and_waits_for_nothing(night: NightDriver) -> None:
    night.table("orders")
    night.table("users")
    night.refuse("GetResourcePolicy", "AccessDeniedException", "you may not dynamodb:GetResourc")
    report = night.night()

    unread = settings(night, "orders")["unread"]
    assert list(unread) == ["GetResourcePolicy"]
    assert "you may not" in unread["GetResourcePolicy"]
    assert "GetResourcePolicy" not in settings(night, "orders")["answers"]
    assert report["tables"]["orders"]["unread_settings"] == ["GetResourcePolicy"]
    (warning,) = report["warnings"]
    assert "GetResourcePolicy of orders and 1 more is unread" in warning
    assert "you may not" in warning
    assert night.attention == [], "a backup is one all the same"
    assert warning in night.messages[0]["message"]


def test_an_operation_that_fails_for_ever_costs_the_others_nothing(night: NightDriver) -> None:
    night.table("orders")
    night.table("users")
    failing = "DescribeKinesisStreamingDestination"
    for _ in range(500):
        night.world.lose_answer(f"dynamodb:{failing}")
    report = night.night()

    for name in ("orders", "users"):
        assert list(settings(night, name)["unread"]) == [failing]
        assert set(settings(night, name)["answers"]) == set(OPERATIONS) - {failing}
    assert verdicts(report) == {"orders": "backed_up", "users": "backed_up"}


def test_the_settings_are_the_tables_own_and_not_the_nights(night: NightDriver) -> None:
    """While it is raised its capacity and its suspended scaling are ours."""
    night.table("orders", read=1000, **BIG)
    night.target("orders", 500, 5000)
    report = night.night()

    assert report["raised"]
    kept = settings(night, "orders")
    assert kept["raised"] is None
    (table,) = kept["answers"]["DescribeTable"]
    assert table["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"] == 1000
    (targets,) = kept["answers"]["DescribeScalableTargets"]
    assert not targets["ScalableTargets"][0]["SuspendedState"]["DynamicScalingInSuspended"]


def test_a_table_that_stays_raised_is_read_as_it_is_and_says_so(night: NightDriver) -> None:
    night.night_that_leaves_raised("orders")
    kept = settings(night, "orders")
    assert kept["raised"] == {"from": 1000, "to": night.raised}
    (table,) = kept["answers"]["DescribeTable"]
    assert table["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"] == night.raised


def test_another_table_of_the_name_does_not_lend_its_settings(night: NightDriver) -> None:
    night.table("orders", items=0)
    night.world.throttle("dynamodb:DescribeTimeToLive", calls=1)
    begin(night)
    assert settings(night, "orders")["unread"]
    night.dynamodb.delete_table(TableName="orders")
    night.table("orders", items=0)
    report = night.until_closed()

    kept = settings(night, "orders")
    assert kept["answers"] == {}
    assert kept["unread"] == dict.fromkeys(OPERATIONS, "another table has the name now")
    assert report["tables"]["orders"]["unread_settings"] == sorted(OPERATIONS)


@pytest.mark.parametrize(
    ("operation", "number"),
    [
        *(("s3:PutObject", number) for number in range(1, 8)),
        ("dynamodb:GetResourcePolicy", 1),
        ("dynamodb:ListTagsOfResource", 2),
        ("application-autoscaling:DescribeScalingPolicies", 1),
    ],
)
def test_an_invocation_that_dies_leaves_the_same_to_the_next(
    night: NightDriver, operation: str, number: int
) -> None:
    furnish(night)
    night.world.set_table("orders", **MINUTES)
    night.table("users")
    night.scheduler()
    night.until_exporting("orders")
    night.until(lambda: not running_steps(night.world) and not night.world.functions.running())
    night.kill_before(operation, number)
    with pytest.raises(Killed):
        night.passes(60)
    night.allow_all()
    report = night.until_closed()

    assert set(verdicts(report).values()) == {"backed_up"}
    for name in ("orders", "users"):
        kept = settings(night, name)
        assert kept["unread"] == {}
        assert set(kept["answers"]) == set(OPERATIONS)
        assert report["tables"][name]["unread_settings"] == []


def test_an_invocation_that_is_late_takes_nothing_away(night: NightDriver) -> None:
    """It judged the table too, and writes its entry when the other has added the settings."""
    night.table("nothing", items=0)
    before: list[str] = []

    def overtake(call: Call) -> None:
        if call.access_key == PRODUCT_KEY and "/nothing/" in call.path and not before:
            before.append(call.path)
            night.monitor()

    night.world.before("s3:PutObject", overtake)
    night.scheduler()
    report = night.until_closed()

    assert settings(night, "nothing")["unread"] == {}
    assert report["tables"]["nothing"]["unread_settings"] == []


def test_a_pass_makes_a_bounded_number_of_calls(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_settings, "CALLS_A_PASS", 20)
    for number in range(12):
        night.table(f"table-{number:02d}", items=0)
    calls = night.world.gate.calls
    begin(night)
    assert calls["dynamodb:DescribeTimeToLive"] == 3, "8 calls a table, begun below 20"
    assert night.record(RUN, "report.json") is None
    night.world.clock.advance(300)
    night.monitor()
    assert calls["dynamodb:DescribeTimeToLive"] == 6
    report = night.until_closed()
    assert calls["dynamodb:DescribeTimeToLive"] == 12
    assert {t["unread_settings"] == [] for t in report["tables"].values()} == {True}


def test_the_report_waits_for_as_long_as_so_many_tables_take(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night may be over sooner than all of its tables' settings can be read at that pace."""
    monkeypatch.setattr(keep_settings, "CALLS_A_PASS", 8)
    monkeypatch.setattr(keep_settings, "_PATIENCE_A_TABLE", 300)
    for number in range(8):
        night.table(f"table-{number:02d}", items=0)
    report = night.night()
    assert {t["unread_settings"] == [] for t in report["tables"].values()} == {True}


def test_the_report_waits_for_no_settings_after_the_deadline(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_settings, "CALLS_A_PASS", 8)
    monkeypatch.setattr(keep_settings, "_PATIENCE_A_TABLE", 300)
    night.configure(window_seconds=3600)
    for number in range(20):
        night.table(f"table-{number:02d}", items=0)
    report = night.night()
    assert report["duration_seconds"] <= 3600 + 300
    assert sum(bool(t["unread_settings"]) for t in report["tables"].values()) == 20 - 13


def test_the_report_does_not_wait_long(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_settings, "CALLS_A_PASS", 8)
    for number in range(12):
        night.table(f"table-{number:02d}", items=0)
    begin(night)
    night.passes(15)
    report = night.record(RUN, "report.json")

    assert report is not None
    unread = [n for n, t in report["tables"].items() if t["unread_settings"]]
    assert unread == [f"table-{number:02d}" for number in range(4, 12)]
    assert report["tables"]["table-11"]["unread_settings"] == list(OPERATIONS)
    assert "DescribeTable of table-04 and 7 more is unread: there was no time" in str(report)
    assert settings(night, "table-00")["unread"] == {}
    assert settings(night, "table-11") is None


@pytest.mark.both
def test_an_entry_has_its_documented_form(night: NightDriver) -> None:
    night.table("orders")
    night.table("nothing", items=0)
    night.night()

    for name in ("orders", "nothing"):
        kept = entry(night, name)
        assert list(faults(kept, CATALOGUE, name)) == []
        bucket, _, key = kept["location"].removeprefix("s3://").partition("/")
        checked = check(Prefix(Store(night.s3, bucket), f"{key}/"), READ, expected(kept))
        assert (checked.findings, checked.level) == ((), READ)
        assert kept["began_at"] <= kept["finished_at"]
        assert (kept["engine"], kept["verified"]["by"]) == (night.engine, "night")
        assert kept["manifest_md5"]
        assert (kept["files_md5"] is None) == (kept["format"] == "native")
        assert kept["format"] == ("native" if night.engine == "lambda" else "dynamodbexport")


@pytest.mark.both
def test_a_count_that_was_compared_is_level_three(night: NightDriver) -> None:
    night.table("orders")
    night.night()
    levels = entry(night, "orders")["verified"]["levels"]
    assert levels == ([1] if night.engine == "lambda" else [1, 3])


def test_settings_that_come_late_leave_what_was_verified_meanwhile(night: NightDriver) -> None:
    night.table("orders", items=0)
    night.world.throttle("dynamodb:DescribeTimeToLive", calls=1)
    begin(night)
    key = f"catalog/{ACCOUNT}/{REGION}/orders/{RUN}.json"
    before = entry(night, "orders")
    store = Store(night.s3, BUCKET)
    found = Checked((LISTED, READ))
    assert not record(store, key, before["location"], found, "2026-11-24T02:00:00Z", "command")
    night.until_closed()

    after = entry(night, "orders")
    assert after["settings"]["unread"] == {}
    assert after["verified"]["by"] == "command"
