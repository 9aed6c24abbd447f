"""Each of the module's alarms, evaluated by the local AWS: it speaks for its cause, and ends.

The alarms are those of the plan; their topic has the planned policy, under the planned policy of
its key. What they say arrives as a message of the topic.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from moto.cloudwatch.models import cloudwatch_backends

from local.core.faults import ALWAYS
from tests.support.deployment import (
    ACCOUNT,
    BUCKET,
    FUNCTIONS,
    REGION,
    RUN,
    TOPIC,
    WINDOW_START,
    Deployment,
    Planned,
    deployed,
)
from tests.support.scenarios import furnish
from tools.tf import REPOSITORY

pytestmark = pytest.mark.terraform

ALARMS = {
    f"hippolyte-{name}"
    for name in (
        "night-overdue",
        "tables-failed",
        "tables-left-raised",
        "backups-old",
        "scheduler-errors",
        "monitor-errors",
        "events-lost",
    )
}


@pytest.fixture
def d(planned: Planned) -> Iterator[Deployment]:
    with deployed(planned) as made:
        made.make_alarms()
        yield made


def state(d: Deployment, name: str) -> str:
    return d.world.alarms.states()[f"hippolyte-{name}"]


def told(d: Deployment) -> list[str]:
    """What the alarms said: the subjects of their messages."""
    return [subject for subject in d.subjects if subject.endswith('"')]


def becomes(d: Deployment, name: str, wanted: str, hours: float = 12) -> bool:
    return d.until(lambda: state(d, name) == wanted, hours, step=60) is not None


def now(d: Deployment) -> None:
    """Start a night by hand, as the runbook says."""
    assert d.world.invoke("hippolyte-scheduler", {"run": "now"}).error is None


def minutes(d: Deployment) -> float:
    """Return the minutes since the window's start."""
    return (d.world.clock.now() - WINDOW_START).total_seconds() / 60


def read_capacity(d: Deployment, name: str) -> int:
    table = d.world.client("dynamodb").describe_table(TableName=name)["Table"]
    return int(table["ProvisionedThroughput"]["ReadCapacityUnits"])


def test_a_fresh_deployment_is_quiet_for_a_day_and_a_night(d: Deployment) -> None:
    d.world.clock.advance(86_400)

    assert set(d.world.alarms.states()) == ALARMS
    assert d.subjects == ["OK 0 backed up: hippolyte 123456789012 us-east-1 2026-11-24"]
    assert d.world.alarms.states() == dict.fromkeys(ALARMS, "OK")
    assert {new for _, _, new in d.world.alarms.changes} == {"OK"}
    assert d.world.problems == []


def test_a_good_night_is_no_alarm(d: Deployment) -> None:
    furnish(d)
    d.until(lambda: d.record("report.json"))
    d.world.clock.advance(3600)

    assert told(d) == []
    assert d.world.alarms.states() == dict.fromkeys(ALARMS, "OK")


def test_a_night_that_never_began_is_overdue(d: Deployment) -> None:
    """An hour after the second window in which nothing began; the first may be a new deployment."""
    for name in ("night", "catch-up"):
        d.world.client("scheduler").delete_schedule(Name=f"hippolyte-{name}", GroupName="hippolyte")

    assert becomes(d, "night-overdue", "ALARM", hours=40)
    assert 27 < minutes(d) / 60 < 28.5
    assert told(d) == ['ALARM: "hippolyte-night-overdue"']

    now(d)
    assert becomes(d, "night-overdue", "OK", hours=1)
    assert len(told(d)) == 1, "its end says nothing"


def test_a_night_that_cannot_be_closed_is_overdue(d: Deployment) -> None:
    d.table("small")
    d.world.deny("s3:PutObject", f"*/{RUN}/report.json")

    assert becomes(d, "night-overdue", "ALARM")
    # the window of two hours, one hour, and three passes
    assert 180 < minutes(d) <= 200
    assert 'ALARM: "hippolyte-night-overdue"' in told(d)

    d.world.gate.denied.clear()
    assert becomes(d, "night-overdue", "OK", hours=1)
    assert d.record("report.json") is not None


def test_a_monitor_that_is_silent_is_told_within_half_an_hour(d: Deployment) -> None:
    """Its schedule is gone: it does not fail, it says nothing."""
    furnish(d)
    d.until(lambda: d.record("ledger.json"))
    group = {"GroupName": "hippolyte", "Name": "hippolyte-monitor"}
    monitor = d.world.client("scheduler").get_schedule(**group)
    d.world.client("scheduler").delete_schedule(**group)
    last = max(i.at for i in d.world.lambda_logs if i.function == "hippolyte-monitor")

    assert becomes(d, "night-overdue", "INSUFFICIENT_DATA")
    assert d.world.clock.now() - last <= timedelta(minutes=30)
    assert told(d) == ['INSUFFICIENT_DATA: "hippolyte-night-overdue"']

    d.world.client("scheduler").create_schedule(
        **group,
        ScheduleExpression=monitor["ScheduleExpression"],
        FlexibleTimeWindow=monitor["FlexibleTimeWindow"],
        Target=monitor["Target"],
    )
    assert becomes(d, "night-overdue", "OK")
    d.until(lambda: d.record("report.json"))
    assert d.subjects[-1].startswith("OK 4 backed up: ")


def test_a_table_that_failed(d: Deployment) -> None:
    d.table("small")
    d.world.faults.step_fails["small"] = ALWAYS

    assert becomes(d, "tables-failed", "ALARM")
    assert told(d) == ['ALARM: "hippolyte-tables-failed"']
    assert d.subjects[0].startswith("ATTENTION 1 of 1 failed")

    d.world.faults.step_fails.clear()
    d.world.clock.advance(2 * 3600)
    assert state(d, "tables-failed") == "ALARM", "it stands until the next run"
    now(d)
    assert becomes(d, "tables-failed", "OK", hours=2)
    assert d.subjects[-1].startswith("OK 1 backed up: ")


def test_a_table_left_raised(d: Deployment) -> None:
    furnish(d)
    d.until(lambda: read_capacity(d, "large") > 1000)
    d.refuse("dynamodb:UpdateTable", "LimitExceededException", "no more decreases today")

    assert becomes(d, "tables-left-raised", "ALARM")
    report = d.record("report.json")
    assert report is not None
    assert report["left_raised"] == ["large"]
    assert 'ALARM: "hippolyte-tables-left-raised"' in told(d)

    d.world.gate.hooks.clear()
    assert becomes(d, "tables-left-raised", "OK", hours=2)
    # not 1000 as before: the application reads 900 a second, at the policy's 70 %
    assert read_capacity(d, "large") == 1286


def test_a_newest_good_backup_older_than_half_the_retention(d: Deployment) -> None:
    """The deployment was paused for 18 days (half of 35 is 17.5), and tonight's backup fails."""
    d.table("small")
    before = f"{WINDOW_START - timedelta(days=18):%Y-%m-%dT%H-%MZ}"
    key = f"catalog/123456789012/us-east-1/small/{before}.json"
    d.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    d.world.faults.step_fails["small"] = ALWAYS

    assert becomes(d, "backups-old", "ALARM")
    report = d.record("report.json")
    assert report is not None
    assert report["oldest_good"]["table"] == "small"
    assert 18 <= report["oldest_good"]["age_days"] < 18.2
    assert sorted(told(d)) == [f'ALARM: "hippolyte-{n}"' for n in ("backups-old", "tables-failed")]

    d.world.faults.step_fails.clear()
    now(d)
    assert becomes(d, "backups-old", "OK", hours=2)


def test_a_drill_that_failed(plan_of: Callable[[str], Planned]) -> None:
    planned = plan_of("lambda")
    with deployed(planned) as d:
        d.make_alarms()
        d.table("plain", keyed=False)
        # once before the first night, where it is tried only
        d.refuse("dynamodb:ImportTable", "ValidationException", "no such form", times=2)
        assert becomes(d, "drill-failed", "ALARM")
        assert told(d) == ['ALARM: "hippolyte-drill-failed"']
        (alert,) = (d.record("report.json") or {})["alerts"]
        assert "no such form" in alert
        now(d)
        assert becomes(d, "drill-failed", "OK", hours=2)
        body = json.loads(d.planned["aws_cloudwatch_dashboard.this[0]"]["dashboard_body"])
        assert "Restore drills that failed" in [w["properties"]["title"] for w in body["widgets"]]
    runbook = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
    assert "| `<name>-drill-failed`" in runbook


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_that_fails(d: Deployment, function: str) -> None:
    d.known()
    d.world.functions.down.add(f"hippolyte-{function}")

    assert becomes(d, f"{function}-errors", "ALARM", hours=1)
    # an event that a function failed for good lies in the queue
    assert sorted(told(d)) == [
        f'ALARM: "hippolyte-{n}"' for n in ("events-lost", f"{function}-errors")
    ]

    d.world.functions.down.clear()
    assert becomes(d, f"{function}-errors", "OK", hours=1)


def test_a_delivery_that_reached_nobody(d: Deployment) -> None:
    d.world.client("lambda").delete_function(FunctionName="hippolyte-scheduler")

    assert becomes(d, "events-lost", "ALARM")
    assert told(d) == ['ALARM: "hippolyte-events-lost"']
    (body,) = d.world.queue("arn:aws:sqs:us-east-1:123456789012:hippolyte-lost")
    assert body == {"delay_seconds": 0, "run": "2026-11-24T00:00:00Z"}

    sqs = d.world.client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName="hippolyte-lost")["QueueUrl"])
    assert becomes(d, "events-lost", "OK", hours=0.5)


def test_what_an_alarm_says_is_in_the_message(d: Deployment) -> None:
    d.known()
    d.world.functions.down.add("hippolyte-monitor")
    becomes(d, "monitor-errors", "ALARM", hours=1)

    subject = 'ALARM: "hippolyte-monitor-errors"'
    (message,) = [m for m in d.world.messages(TOPIC) if m["subject"] == subject]
    body = json.loads(message["message"])
    said, _, entry = body["AlarmDescription"].partition(" What to do: ")
    assert said == "A monitor pass failed; the next one repeats it."
    assert entry == "docs/operations.md#alarm-monitor-errors"
    assert (body["AWSAccountId"], body["NewStateValue"]) == ("123456789012", "ALARM")


def test_every_figure_that_is_watched_or_shown_is_put(d: Deployment) -> None:
    furnish(d)
    d.until(lambda: d.record("report.json"))
    put = {
        (datum.namespace, datum.name, frozenset((x.name, x.value) for x in datum.dimensions))
        for datum in cloudwatch_backends[ACCOUNT][REGION].metric_data
    }
    watched = {
        (values["namespace"], values["metric_name"], frozenset(values["dimensions"].items()))
        for address, values in d.planned.items()
        if address.startswith("aws_cloudwatch_metric_alarm.this")
        and values["namespace"] == "Hippolyte"
    }
    body = json.loads(d.planned["aws_cloudwatch_dashboard.this[0]"]["dashboard_body"])
    lines = [line for w in body["widgets"] for line in w["properties"]["metrics"]]
    words = [[word for word in line if isinstance(word, str)] for line in lines]
    shown = {
        (namespace, name, frozenset(zip(rest[::2], rest[1::2], strict=True)))
        for namespace, name, *rest in words
    }

    assert len(watched) == 4
    assert len(shown) == 13
    assert (watched | shown) - put == set()


def test_the_runbook_has_every_alarm(planned: Planned) -> None:
    runbook = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
    names = {
        values["alarm_name"]
        for address, values in planned.items()
        if address.startswith("aws_cloudwatch_metric_alarm.this")
    }

    assert names == ALARMS
    for name in ALARMS:
        assert f"| `<name>-{name.removeprefix('hippolyte-')}`" in runbook
