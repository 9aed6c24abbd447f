from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from local.world import World
from tests.support.aws_world import ACCOUNT, START, in_process, make_function, make_role, policy


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        made.client("sns").create_topic(Name="alerts")
        made.alarms.start()
        yield made


TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts"


def put_alarm(world: World, name: str, **settings: Any) -> None:
    world.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        **{
            "Namespace": "Hippolyte",
            "MetricName": "NightOverdue",
            "Dimensions": [{"Name": "Deployment", "Value": "hippolyte"}],
            "Statistic": "Maximum",
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 1,
            "Period": 300,
            "EvaluationPeriods": 2,
            "TreatMissingData": "breaching",
            "AlarmActions": [TOPIC],
            **settings,
        },
    )


def put_metric(world: World, value: float) -> None:
    world.client("cloudwatch").put_metric_data(
        Namespace="Hippolyte",
        MetricData=[
            {
                "MetricName": "NightOverdue",
                "Dimensions": [{"Name": "Deployment", "Value": "hippolyte"}],
                "Value": value,
                "Timestamp": world.clock.now(),
            }
        ],
    )


def subjects(world: World) -> list[str]:
    return [message["subject"] for message in world.messages(TOPIC)]


def test_alarm_of_a_silent_monitor_fires_and_clears(world: World) -> None:
    for number in range(6):
        if number == 3:
            put_alarm(world, "overdue")
        put_metric(world, 0)
        world.clock.advance(300)
    assert world.alarms.states() == {"overdue": "OK"}
    assert subjects(world) == []
    # two periods, and two more that CloudWatch looks back
    world.clock.advance(1140)
    assert subjects(world) == []
    world.clock.advance(120)
    assert subjects(world) == ['ALARM: "overdue"']
    body = json.loads(world.messages(TOPIC)[0]["message"])
    assert (body["NewStateValue"], body["OldStateValue"]) == ("ALARM", "OK")
    put_metric(world, 0)
    world.clock.advance(360)
    assert world.alarms.states() == {"overdue": "OK"}
    assert [(name, state) for _, name, state in world.alarms.changes] == [
        ("overdue", "OK"),
        ("overdue", "ALARM"),
        ("overdue", "OK"),
    ]


def test_missing_data_as_the_alarm_treats_it(world: World) -> None:
    for treatment in ("notBreaching", "missing", "ignore", "breaching"):
        put_alarm(world, treatment, TreatMissingData=treatment)
    world.clock.advance(60)
    assert world.alarms.states() == {
        "notBreaching": "OK",
        "missing": "INSUFFICIENT_DATA",
        # as it began
        "ignore": "INSUFFICIENT_DATA",
        "breaching": "ALARM",
    }


@pytest.mark.parametrize(
    ("points", "states"),
    [
        # the user guide's table: three of three, oldest first; missing, ignore, breaching, not
        ("0-X-X", "OK OK OK OK"),
        ("0XX-X", "ALARM ALARM ALARM ALARM"),
        ("--X--", "ALARM kept ALARM OK"),
        ("-----", "INSUFFICIENT_DATA kept ALARM OK"),
    ],
)
def test_points_that_are_missing_count_only_where_too_few_are_left(
    world: World, points: str, states: str
) -> None:
    for point in points:
        if point != "-":
            put_metric(world, float(point == "X"))
        world.clock.advance(300)
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    for treatment in treatments:
        put_alarm(world, treatment, TreatMissingData=treatment, EvaluationPeriods=3)
    before = world.alarms.states()["ignore"]
    world.clock.advance(60)

    expected = [before if state == "kept" else state for state in states.split()]
    assert world.alarms.states() == dict(zip(treatments, expected, strict=True))


def test_errors_of_functions_and_waiting_messages_are_metrics(world: World) -> None:
    make_function(world, "", make_role(world, "role"))
    world.functions.down.add("f")
    queue = world.client("sqs").create_queue(QueueName="lost")["QueueUrl"]
    common = {"Threshold": 1, "EvaluationPeriods": 1, "TreatMissingData": "notBreaching"}
    waiting = "ApproximateNumberOfMessagesVisible"
    for name, namespace, metric, dimension in (
        ("errors", "AWS/Lambda", "Errors", {"Name": "FunctionName", "Value": "f"}),
        ("lost", "AWS/SQS", waiting, {"Name": "QueueName", "Value": "lost"}),
    ):
        put_alarm(
            world,
            name,
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[dimension],
            **common,
        )
    world.clock.advance(120)
    assert subjects(world) == []
    world.invoke("f", {})
    world.client("sqs").send_message(QueueUrl=queue, MessageBody="x")
    world.clock.advance(300)
    assert sorted(subjects(world)) == ['ALARM: "errors"', 'ALARM: "lost"']
    at = START + timedelta(seconds=300)
    alarmed = [(n, when) for when, n, state in world.alarms.changes if state == "ALARM"]
    assert ("errors", at) in alarmed


def test_an_invocation_is_measured_when_it_has_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its point lies where it began all the same (Lambda guide, types of metrics)."""

    def handler(event: Any, context: Any) -> None:
        time.sleep(500)
        raise ValueError

    monkeypatch.setitem(sys.modules, "f", SimpleNamespace(handler=handler))
    make_function(world, "", make_role(world, "role"), timeout=900)
    dimension = {"Name": "FunctionName", "Value": "f"}
    about = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": [dimension]}
    put_alarm(world, "errors", **about, EvaluationPeriods=3, TreatMissingData="missing")
    world.functions.start(world.functions.find("f"), {})
    world.clock.advance(450)
    assert world.alarms.changes == []
    world.clock.advance(300)
    assert world.alarms.changes == [(START + timedelta(seconds=600), "errors", "ALARM")]


def test_topic_with_awss_own_key_loses_alarms(world: World) -> None:
    world.client("sns").set_topic_attributes(
        TopicArn=TOPIC, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns"
    )
    put_alarm(world, "overdue")
    world.clock.advance(60)
    assert subjects(world) == []
    assert "alarm overdue was dropped: the policy of the key" in world.problems[0]


def test_topic_policy_must_let_cloudwatch_publish(world: World) -> None:
    deny_all = policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": TOPIC,
        }
    )
    world.client("sns").set_topic_attributes(
        TopicArn=TOPIC, AttributeName="Policy", AttributeValue=deny_all
    )
    put_alarm(world, "overdue")
    world.clock.advance(60)
    assert subjects(world) == []
    assert "does not let cloudwatch.amazonaws.com publish" in world.problems[0]
