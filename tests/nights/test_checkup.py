"""`hippolyte doctor` without a trial: rights, quotas, endpoints, versions."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from hippolyte import check, clock, preflight
from hippolyte_cli import functions
from tests.support.commands import alarm, command, deploy, one_package, reach, schedule, surround
from tests.support.harness import ACCOUNT, BUCKET, REGION, RUN, NightDriver

pytestmark = pytest.mark.engine("lambda")


@pytest.fixture(autouse=True)
def denied(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the functions are denied; tests/operations has their own look."""
    reach(night, monkeypatch)
    deploy(night, "hippolyte-scheduler")
    one_package(night)
    surround(night)
    lines: list[str] = []
    monkeypatch.setattr(preflight, "denied", lambda *_: lines)
    night.scheduler()
    return lines


def points(code: int, *more: str) -> dict[str, dict[str, str]]:
    result = command("doctor", "--json", *more)
    assert result.exit_code == code, result.output
    return {point["id"]: point for point in json.loads(result.stdout)["points"]}


def broken(found: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: point["said"] for name, point in found.items() if point["held"] != "held"}


def test_all_is_well_and_nothing_is_changed(night: NightDriver) -> None:
    before = {each["Key"] for each in night.s3.list_objects_v2(Bucket="backups")["Contents"]}
    found = points(0)
    assert list(found) == [
        "credentials here",
        "bucket from here",
        "endpoint from here",
        "DynamoDB's quotas",
        "functions",
        "schedules",
        "alarms",
        "lost events",
        "last night",
        "scheduler: version",
        "scheduler: rights",
        "monitor: version",
        "monitor: rights",
        "monitor: subscribers",
        "monitor: settings",
        "monitor: quotas",
    ]
    assert not broken(found)
    after = {each["Key"] for each in night.s3.list_objects_v2(Bucket="backups")["Contents"]}
    assert after == before
    assert "All is well." in command("doctor").output


def test_what_a_function_may_not_is_named(night: NightDriver, denied: list[str]) -> None:
    denied.append("dynamodb:Scan: An error occurred (AccessDenied)")
    said = broken(points(1))
    assert set(said) == {"scheduler: rights", "monitor: rights"}
    assert "dynamodb:Scan" in said["scheduler: rights"]
    assert "2 of 16 need a person." in command("doctor").output


def test_an_endpoint_that_refuses_is_there(night: NightDriver) -> None:
    night.world.deny("dynamodb:ListTables")
    assert "answers in us-east-1" in points(0)["endpoint from here"]["said"]


def test_how_high_tables_may_be_raised(night: NightDriver) -> None:
    said = points(0)["DynamoDB's quotas"]["said"]
    limits = night.dynamodb.describe_limits()
    for name in ("AccountMaxReadCapacityUnits", "TableMaxReadCapacityUnits"):
        assert f"{limits[name]:,}" in said
    assert "raised beyond" in said
    night.world.deny("dynamodb:DescribeLimits")
    found = points(1)["DynamoDB's quotas"]
    assert found["held"] == "not seen"
    assert "dynamodb:DescribeLimits" in found["said"]


def test_a_bucket_that_may_not_be_listed_from_here(night: NightDriver) -> None:
    night.world.deny("s3:ListBucket")
    assert "s3:ListBucket on" in broken(points(1))["bucket from here"]


def test_functions_of_another_version(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "__version__", "9.9.9")
    said = broken(points(1))
    assert set(said) == {"scheduler: version", "monitor: version"}
    assert "is 9.9.9, this command" in said["monitor: version"]


def test_functions_that_do_not_know_the_question(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    older: dict[str, Any] = {"refused": "refused the event", "at": "2026-11-24T00:00:00Z"}
    monkeypatch.setattr(functions, "invoke", lambda *_: older)
    said = broken(points(1))
    assert "is older than this command" in said["monitor: version"]


def test_functions_that_cannot_be_asked(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> dict[str, Any]:
        raise EndpointConnectionError(endpoint_url="https://lambda.us-east-1.amazonaws.com")

    monkeypatch.setattr(functions, "invoke", unreachable)
    found = points(1)
    assert {found[name]["held"] for name in ("scheduler", "monitor")} == {"not seen"}
    assert "Look at --region" in found["monitor"]["said"]


def test_functions_of_different_packages(night: NightDriver) -> None:
    one_package(night, "exporter")
    assert "have different code: apply" in broken(points(1))["functions"]


def test_a_deployment_that_is_not_there(night: NightDriver) -> None:
    result = command("doctor", "--function", "nightly-monitor")
    assert result.exit_code == 2
    assert "There is no function nightly-monitor" in result.stderr


def test_a_table_without_an_engine_is_refused(night: NightDriver) -> None:
    for options in (("--table", "orders"), ("--engine", "emr")):
        result = command("doctor", *options)
        assert result.exit_code == 2
        assert "go together" in result.stderr


def test_nobody_who_would_be_told(night: NightDriver) -> None:
    sns = night.world.client("sns")
    for each in sns.list_subscriptions()["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    said = broken(points(1))
    assert set(said) == {"monitor: subscribers"}
    assert "has no confirmed subscription" in said["monitor: subscribers"]


@pytest.mark.parametrize(
    ("key", "change", "words"),
    [
        ("night", {"State": "DISABLED"}, "hippolyte-night is DISABLED"),
        ("monitor", {"State": "DISABLED"}, "hippolyte-monitor is DISABLED"),
        ("monitor", {"expression": "rate(1 hours)"}, "rate(1 hours), and not rate(5 minutes)"),
        ("night", {"expression": "cron(0 12 * * ? *)"}, "catch-up is not 65 minutes after"),
        ("night", {"expression": "cron(0 0 ? * MON *)"}, "no time of each day"),
        ("catch-up", {"ScheduleExpressionTimezone": "Asia/Tokyo"}, "is in Asia/Tokyo, the window"),
    ],
)
def test_a_schedule_that_somebody_has_changed(
    night: NightDriver, key: str, change: dict[str, Any], words: str
) -> None:
    schedule(night, key, **change)
    said = broken(points(1))
    assert set(said) == {"schedules"}
    assert words in said["schedules"]


def test_a_schedule_that_is_gone(night: NightDriver) -> None:
    night.world.client("scheduler").delete_schedule(GroupName="hippolyte", Name="hippolyte-monitor")
    assert "hippolyte-monitor is not there" in broken(points(1))["schedules"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ActionsEnabled": False}, "hippolyte-backups-old tells nobody"),
        ({"AlarmActions": []}, "hippolyte-backups-old tells nobody"),
    ],
)
def test_an_alarm_that_tells_nobody(night: NightDriver, change: dict[str, Any], words: str) -> None:
    alarm(night, "backups-old", **change)
    assert words in broken(points(1))["alarms"]
    night.world.client("cloudwatch").delete_alarms(AlarmNames=["hippolyte-backups-old"])
    assert "hippolyte-backups-old is not there" in broken(points(1))["alarms"]


def test_an_alarm_that_speaks(night: NightDriver) -> None:
    night.world.client("cloudwatch").set_alarm_state(
        AlarmName="hippolyte-tables-failed", StateValue="ALARM", StateReason="one table"
    )
    assert "hippolyte-tables-failed is in ALARM: one table" in broken(points(1))["alarms"]


def test_events_that_were_lost(night: NightDriver) -> None:
    sqs = night.world.client("sqs")
    url = sqs.get_queue_url(QueueName="hippolyte-lost")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    assert "1 in the queue hippolyte-lost" in broken(points(1))["lost events"]


@pytest.mark.parametrize(
    ("days", "when"), [(3, "was closed 3.0 days ago"), (-3, "one of the clocks is wrong")]
)
def test_a_night_that_is_long_ago_or_to_come(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, days: int, when: str
) -> None:
    assert "was closed 0 hours ago" in points(0)["last night"]["said"]
    now = clock.now()
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now", lambda: now + timedelta(days=days))
        said = broken(points(1))
    assert set(said) == {"last night"}
    assert when in said["last night"]


@pytest.mark.parametrize("body", [b"{", b'{"version":1}', b'{"version":1,"closed_at":7}'])
def test_a_night_whose_report_cannot_be_read(night: NightDriver, body: bytes) -> None:
    key = f"runs/{ACCOUNT}/{REGION}/{RUN}/report.json"
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    found = broken(points(1))
    assert set(found) == {"last night"}
    assert "restore its former version" in found["last night"]


def test_before_the_first_night_it_is_waited_for_so_long(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hippolyte_cli.surroundings.is_night", lambda _: False)
    made = night.world.client("scheduler").get_schedule(
        GroupName="hippolyte", Name="hippolyte-night"
    )["CreationDate"]
    for days, code in ((1, 0), (3, 1)):
        with monkeypatch.context() as patched:
            patched.setattr(clock, "now", lambda days=days: made + timedelta(days=days))
            found = points(code)["last night"]
        assert "no night has ended yet; its schedule was made" in found["said"]
    assert found["held"] == "broken"
