"""Before the first night: what is denied is told in one message, and what is mended too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hippolyte import __version__
from tests.support.deployment import (
    BUCKET,
    TOPIC,
    WINDOW_START,
    Deployment,
    Planned,
    deployed,
    role_name,
)
from tests.support.scenarios import furnish

pytestmark = pytest.mark.terraform


@pytest.fixture
def d(planned: Planned) -> Iterator[Deployment]:
    with deployed(planned, minutes_before=60) as made:
        yield made


@pytest.fixture
def on_lambda(plan_of: Callable[[str], Planned]) -> Iterator[Deployment]:
    with deployed(plan_of("lambda"), minutes_before=60) as made:
        yield made


def told(d: Deployment) -> list[str]:
    return [m["message"] for m in d.world.messages(TOPIC) if "PREFLIGHT" in m["subject"]]


def test_nothing_denied_is_nothing_told_and_nothing_left(d: Deployment) -> None:
    furnish(d)
    d.world.clock.advance_to(WINDOW_START)

    assert d.subjects == []
    assert [i.error for i in d.world.lambda_logs if i.error] == []
    for function in ("monitor", "scheduler"):
        key = f"runs/123456789012/us-east-1/preflight-{function}.json"
        assert b'"denied":[]' in d.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    tables = d.world.client("dynamodb").list_tables()["TableNames"]
    assert sorted(tables) == ["empty", "large", "queue", "small"]
    targets = d.world.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="dynamodb"
    )["ScalableTargets"]
    assert [each["ResourceId"] for each in targets] == ["table/large"]
    pipelines = d.world.client("datapipeline").list_pipelines()["pipelineIdList"]
    assert not any("preflight" in each["name"] for each in pipelines)
    for kind in ("backups", "catalog", "leases"):
        listed = d.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{kind}/").get("Contents", [])
        assert not any("preflight" in entry["Key"] for entry in listed)


def test_what_is_denied_is_told_once_before_the_night_and_again_when_mended(d: Deployment) -> None:
    d.take_away("monitor", "elasticmapreduce:TerminateJobFlows")
    d.world.clock.advance(1800)

    (message,) = told(d)
    assert "calls of the monitor that would fail: 1" in d.world.messages(TOPIC)[0]["message"]
    assert "  - elasticmapreduce:TerminateJobFlows: " in message
    assert role_name("monitor") in message
    assert "cannot be tried before they run" in message

    d.give_back_policies()
    d.world.clock.advance(600)
    assert len(told(d)) == 2
    assert "nothing is denied any more" in told(d)[1]
    d.world.clock.advance(600)
    assert len(told(d)) == 2


# actions that a harmless call can try, by the function that would make it first
TRIED = (
    ("monitor", "application-autoscaling:DescribeScalableTargets"),
    ("monitor", "application-autoscaling:DescribeScalingPolicies"),
    ("monitor", "application-autoscaling:DescribeScheduledActions"),
    ("monitor", "application-autoscaling:RegisterScalableTarget"),
    ("monitor", "cloudwatch:GetMetricStatistics"),
    ("monitor", "cloudwatch:PutMetricData"),
    ("monitor", "datapipeline:ActivatePipeline"),
    ("monitor", "datapipeline:AddTags"),
    ("monitor", "datapipeline:CreatePipeline"),
    ("monitor", "datapipeline:DeactivatePipeline"),
    ("monitor", "datapipeline:DeletePipeline"),
    ("monitor", "datapipeline:DescribeObjects"),
    ("monitor", "datapipeline:DescribePipelines"),
    ("monitor", "datapipeline:PutPipelineDefinition"),
    ("monitor", "datapipeline:QueryObjects"),
    ("monitor", "dynamodb:DescribeContinuousBackups"),
    ("monitor", "dynamodb:DescribeContributorInsights"),
    ("monitor", "dynamodb:DescribeKinesisStreamingDestination"),
    ("monitor", "dynamodb:DescribeTable"),
    ("monitor", "dynamodb:DescribeTimeToLive"),
    ("monitor", "dynamodb:GetResourcePolicy"),
    ("monitor", "dynamodb:ListTagsOfResource"),
    ("monitor", "dynamodb:Scan"),
    ("monitor", "dynamodb:UpdateTable"),
    ("monitor", "elasticmapreduce:DescribeCluster"),
    ("monitor", "elasticmapreduce:ListSteps"),
    ("monitor", "elasticmapreduce:TerminateJobFlows"),
    ("monitor", "events:PutEvents"),
    ("monitor", "iam:PassRole"),
    ("monitor", "sns:ListSubscriptionsByTopic"),
    ("monitor", "ssm:GetParameter"),
    ("monitor", "ssm:PutParameter"),
    ("scheduler", "dynamodb:DescribeLimits"),
    ("scheduler", "dynamodb:ListGlobalTables"),
    ("scheduler", "dynamodb:ListTables"),
    ("scheduler", "tag:GetResources"),
)


def _take_all_away(d: Deployment, function: str, actions: list[str]) -> None:
    for document in d.policies[function].values():
        for statement in document["Statement"]:
            held = statement["Action"]
            held = [held] if isinstance(held, str) else held
            statement["Action"] = [a for a in held if a not in actions] or ["none:None"]
    d.give_back_policies()


@pytest.mark.parametrize("function", ["monitor", "scheduler"])
def test_every_call_that_can_be_tried_is(d: Deployment, function: str) -> None:
    """All of them are taken away at once: each must be in the one message."""
    actions = [action for name, action in TRIED if name in (function, "monitor")]
    _take_all_away(d, function, actions)
    d.world.clock.advance_to(WINDOW_START)

    (message,) = [text for text in told(d) if f"as the role of the {function}" in text]
    # of the calls that make a pipeline the first that is denied ends the trial
    later = {"datapipeline:PutPipelineDefinition", "datapipeline:AddTags", "iam:PassRole"}
    later |= {"datapipeline:DeletePipeline"}
    assert [a for a in actions if a not in message and a not in later] == []
    assert "a pipeline cannot be made: CreatePipeline: AccessDeniedException" in message


TRIED_FOR_WORKERS = (
    ("monitor", "states:StartExecution"),
    ("monitor", "states:DescribeExecution"),
    ("monitor", "states:StopExecution"),
    ("scheduler", "lambda:GetAccountSettings"),
)


@pytest.mark.parametrize("function", ["monitor", "scheduler"])
def test_every_call_for_workers_that_can_be_tried_is(on_lambda: Deployment, function: str) -> None:
    tried = (*TRIED_FOR_WORKERS, *(each for each in TRIED if "datapipeline:" not in each[1]))
    actions = [action for name, action in tried if name in (function, "monitor")]
    _take_all_away(on_lambda, function, actions)
    on_lambda.world.clock.advance_to(WINDOW_START)

    (message,) = [t for t in told(on_lambda) if f"as the role of the {function}" in t]
    assert [a for a in actions if a not in message and a != "iam:PassRole"] == []


def test_what_restore_drills_need_is_tried_and_nothing_is_imported(on_lambda: Deployment) -> None:
    """Denied, the first drill would fail, or worse: its table could not be deleted."""
    drills = ["ImportTable", "DescribeImport", "ListImports", "DeleteTable"]
    on_lambda.world.clock.advance(1800)
    assert on_lambda.subjects == []
    assert on_lambda.world.gate.calls["dynamodb:DeleteTable"] == 1
    assert on_lambda.world.client("dynamodb").list_imports()["ImportSummaryList"] == []
    key = "runs/123456789012/us-east-1/preflight-monitor.json"
    on_lambda.s3.delete_object(Bucket=BUCKET, Key=key)
    _take_all_away(on_lambda, "monitor", [f"dynamodb:{name}" for name in drills])
    on_lambda.world.clock.advance(600)

    (message,) = told(on_lambda)
    assert [name for name in drills if f"  - dynamodb:{name}: " not in message] == []


def test_the_schedule_that_guards_clusters_is_tried_and_not_made(
    plan_of: Callable[[str], Planned],
) -> None:
    with deployed(plan_of("emr"), minutes_before=60) as d:
        d.world.clock.advance(1800)
        assert d.subjects == []
        made = d.world.client("scheduler").list_schedules(NamePrefix="cluster-")["Schedules"]
        assert made == []
        d.s3.delete_object(Bucket=BUCKET, Key="runs/123456789012/us-east-1/preflight-monitor.json")
        d.take_away("monitor", "scheduler:CreateSchedule")
        d.world.clock.advance(600)
        assert "  - scheduler:CreateSchedule: " in told(d)[0]


def test_trying_workers_reads_nothing_and_is_not_told(on_lambda: Deployment) -> None:
    furnish(on_lambda)
    on_lambda.world.clock.advance_to(WINDOW_START)

    assert on_lambda.subjects == []
    ran = [i for i in on_lambda.world.lambda_logs if i.function.endswith("-exporter")]
    # its first worker is the night's
    assert [i.at for i in ran if i.at < WINDOW_START] == []
    for function in ("monitor", "scheduler"):
        key = f"runs/123456789012/us-east-1/preflight-{function}.json"
        assert b'"denied":[]' in on_lambda.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


@pytest.mark.parametrize(
    "action",
    [
        "datapipeline:AddTags",
        "datapipeline:PutPipelineDefinition",
        "datapipeline:DeletePipeline",
        "iam:PassRole",
    ],
)
def test_a_pipeline_is_made_and_deleted_to_try_what_needs_one(d: Deployment, action: str) -> None:
    d.take_away("monitor", action)
    d.world.clock.advance(900)

    (message,) = told(d)
    assert f"is not authorized to perform: {action} " in message


def test_objects_of_others_prefixes_are_tried(d: Deployment) -> None:
    """The bucket's owner, of another account say, lets the functions write their records only."""
    d.world.deny("s3:PutObject", "arn:aws:s3:::backups/catalog/*")
    d.world.deny("s3:GetObject", "arn:aws:s3:::backups/logs/*")
    d.world.clock.advance(900)

    (message,) = told(d)
    assert "s3:PutObject catalog/" in message
    assert "s3:GetObject logs/" in message
    assert "s3:PutObject backups/" not in message


def test_an_account_without_data_pipeline_knows_it_before_the_night(d: Deployment) -> None:
    d.world.faults.create_pipeline_refused = "Data Pipeline is not available to this account"
    d.world.clock.advance(900)

    (message,) = told(d)
    assert "a pipeline cannot be made: CreatePipeline" in message
    assert "not available to this account" in message


def test_a_monitor_that_never_ran_is_told_by_the_scheduler(d: Deployment) -> None:
    d.world.client("scheduler").delete_schedule(Name="hippolyte-monitor", GroupName="hippolyte")
    d.world.clock.advance_to(WINDOW_START)

    (message,) = told(d)
    assert "the monitor has not run yet" in message


def test_a_bucket_that_cannot_be_written_fails_the_monitor(d: Deployment) -> None:
    d.take_away("monitor", "s3:PutObject")
    d.world.clock.advance(900)

    assert told(d) == []
    errors = [i.error for i in d.world.lambda_logs if i.error]
    assert len(errors) >= 2
    assert "perform: s3:PutObject" in errors[0]["errorMessage"]


def test_after_the_first_night_nothing_is_tried_again(d: Deployment) -> None:
    furnish(d)
    d.until(lambda: d.record("report.json"))
    calls = d.world.gate.calls["datapipeline:CreatePipeline"]
    d.world.clock.advance(3600)

    assert d.world.gate.calls["datapipeline:CreatePipeline"] == calls
    assert told(d) == []


def test_a_person_is_answered_at_any_time_and_nothing_is_told(d: Deployment) -> None:
    """`hippolyte doctor` asks both functions; a right that went later is found."""
    d.world.clock.advance(1200)
    told_before = d.world.messages(TOPIC)
    for function, action in (("scheduler", "dynamodb:ListTables"), ("monitor", "dynamodb:Scan")):
        name = f"hippolyte-{function}"
        answer = d.world.invoke(name, {"run": "check"}).payload
        assert (answer["denied"], answer["version"]) == ([], __version__), answer
        d.take_away(function, action)
        answer = d.world.invoke(name, {"run": "check"}).payload
        assert [line.partition(":")[0] for line in answer["denied"]] == ["dynamodb"], answer
        assert action in answer["denied"][0]
    assert d.world.messages(TOPIC) == told_before
    pipelines = d.world.client("datapipeline").list_pipelines()["pipelineIdList"]
    assert not any("check" in each["name"] for each in pipelines)
