"""The fleet report's function: one page, one message, one figure; nothing of these is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.sns.models import sns_backends

from hippolyte import clock, fleet
from hippolyte.errors import ConfigurationError
from tests.support.fleets import ACCOUNTS, BUCKET, HOMES, NOW, Bucket, bucket
from tests.support.harness import Context

OWN = "123456789012"
TOPIC = f"arn:aws:sns:us-east-1:{OWN}:central"
SETTINGS = {
    "name": "hippolyte-fleet",
    "bucket": BUCKET,
    "bucket_region": "us-east-1",
    "topic_arn": TOPIC,
    "expected": ACCOUNTS,
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with bucket() as found:
        boto3.client("sns", "us-east-1").create_topic(Name="central")
        for home in HOMES:
            found.good(home, 0)
        yield found


def invoke(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> dict[str, Any]:
    monkeypatch.setenv(fleet.VARIABLE, json.dumps(SETTINGS | changes))
    return fleet.handler({}, Context(lambda: 900))


def messages() -> list[tuple[str, str]]:
    """Return subject and text of each message published so far."""
    sent = sns_backends[OWN]["us-east-1"].topics[TOPIC].sent_notifications
    return [(subject, text) for _, text, subject, *_ in sent]


def figures() -> list[float]:
    found = boto3.client("cloudwatch", "us-east-1").get_metric_statistics(
        Namespace="Hippolyte",
        MetricName="NightsMissing",
        Dimensions=[{"Name": "Fleet", "Value": "hippolyte-fleet"}],
        StartTime=NOW - timedelta(hours=1),
        EndTime=NOW + timedelta(hours=1),
        Period=60,
        Statistics=["Maximum"],
    )
    return [point["Maximum"] for point in found["Datapoints"]]


def test_a_good_morning_is_one_message_a_page_and_a_zero(
    made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = invoke(monkeypatch)
    line = "OK: 6 of 6 nights, 18 tables backed up"
    page = f"s3://{BUCKET}/fleet/report.html"
    assert answer == {"said": line, "missing": 0, "page": page}
    ((subject, text),) = messages()
    assert (subject, text.splitlines()[0]) == (line, line)
    assert text.endswith(f"As a page: {page}")
    body = made.s3.get_object(Bucket=BUCKET, Key="fleet/report.html")
    assert body["ContentType"] == "text/html; charset=utf-8"
    assert line in body["Body"].read().decode()
    assert figures() == [0.0]


def test_an_account_that_did_not_report_is_told_and_measured(
    made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = invoke(monkeypatch, expected=[*ACCOUNTS, "999999999999"])
    assert answer["missing"] == 1
    assert messages()[0][0] == "ATTENTION: 1 of 7 nights missing"
    assert figures() == [1.0]


def test_a_fleet_of_which_nothing_is_there_is_no_good_news(
    made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = invoke(monkeypatch, expected=[], prefix="elsewhere")
    assert (answer["missing"], figures()) == (1, [1.0])
    assert answer["page"] == f"s3://{BUCKET}/elsewhere/fleet/report.html"


def refuse(monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    """Have a call be refused, whichever client makes it."""
    make = boto3.client

    def client(*args: Any, **kwargs: Any) -> Any:
        made = make(*args, **kwargs)

        def raised(**_: Any) -> None:
            denied = {"Error": {"Code": "AccessDenied", "Message": "no"}}
            raise ClientError(denied, operation)  # type: ignore[arg-type]

        made.meta.events.register(f"before-call.*.{operation}", raised)
        return made

    monkeypatch.setattr(boto3, "client", client)


def test_a_page_that_cannot_be_written_keeps_nobody_from_being_told(
    made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "PutObject")
    with pytest.raises(ClientError, match="PutObject"):
        invoke(monkeypatch)
    ((subject, text),) = messages()
    assert subject.startswith("OK: ")
    assert "As a page: not written: " in text
    assert figures() == [0.0]


def test_a_page_that_cannot_be_drawn_keeps_nobody_from_being_told(
    made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> str:
        raise LookupError("of a row")

    monkeypatch.setattr(fleet, "render", broken)
    with pytest.raises(LookupError):
        invoke(monkeypatch)
    assert "As a page: not written: " in messages()[0][1]
    assert figures() == [0.0]


def test_a_figure_that_cannot_be_put_fails_the_function_after_the_message(
    made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "PutMetricData")
    with pytest.raises(ClientError, match="PutMetricData"):
        invoke(monkeypatch)
    assert len(messages()) == 1


def test_a_bucket_that_cannot_be_read_is_told(
    made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        invoke(monkeypatch, bucket="another-bucket")
    ((subject, text),) = messages()
    assert subject == "ATTENTION: the bucket of all backups cannot be read"
    assert "NoSuchBucket" in text
    assert figures() == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "HIPPOLYTE_FLEET"),
        ("[]", "cannot be used"),
        ("{", "cannot be used"),
        (json.dumps(SETTINGS | {"odd": 1}), "unknown keys odd"),
        (json.dumps({"name": "x"}), "missing"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(value: str | None, said: str) -> None:
    environment = {} if value is None else {fleet.VARIABLE: value}
    with pytest.raises(ConfigurationError, match=said):
        fleet.load(environment)
