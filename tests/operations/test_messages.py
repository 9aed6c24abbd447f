"""`hippolyte test-alert` and the events, against the functions as Terraform deploys them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from hippolyte.report.kinds import Kind
from local.core.call import refusal
from tests.support.commands import command
from tests.support.deployment import (
    ACCOUNT,
    REGION,
    RUN,
    TOPIC,
    Deployment,
    Planned,
    deployed,
)
from tests.support.events import heard, listen
from tests.support.report_schema import EVENTS

pytestmark = pytest.mark.terraform

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:seen"


@pytest.fixture
def d(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with deployed(planned) as made:
        made.known()
        made.table("orders")
        made.table("users")
        assert listen(made.world) == QUEUE
        # who asks may read what the monitor may
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "hippolyte-monitor")
        yield made


def kinds(d: Deployment) -> Counter[str]:
    return Counter(kind.removeprefix("Hippolyte ") for kind, _ in heard(d.world, QUEUE))


def test_a_night_is_told_to_programs(d: Deployment) -> None:
    assert d.until(lambda: d.record("report.json"))
    assert kinds(d) == {"Table Verdict": 2, "Run Closed": 1}
    report = d.record("report.json")
    assert report is not None
    _, closed = heard(d.world, QUEUE)[-1]
    assert (closed["run_id"], closed["totals"]) == (RUN, report["totals"])
    assert closed["report"].endswith(f"/{RUN}/report.json")
    assert not closed["test"]
    assert report["warnings"] == []


def test_a_bus_that_refuses_is_a_warning_and_no_harm(d: Deployment) -> None:
    d.world.deny("events:PutEvents", "*")
    assert d.until(lambda: d.record("report.json"))
    report = d.record("report.json")
    assert report is not None
    assert report["totals"]["backed_up"] == 2
    (line,) = [w for w in report["warnings"] if "EventBridge" in w]
    assert line.startswith("3 of 3 events are not on EventBridge: ")
    message = d.world.messages(TOPIC)[-1]
    assert message["subject"].startswith("OK 2 backed up: hippolyte ")
    assert line in message["message"]
    assert heard(d.world, QUEUE) == []


def test_one_of_each_is_sent_and_marked(d: Deployment) -> None:
    sns = d.world.client("sns")
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)
    result = command("test-alert")
    assert result.exit_code == 0, result.output
    assert f"{TOPIC} (messages and alarms): 1 confirmed subscription." in result.output
    sent = d.world.messages(TOPIC)
    assert len(sent) == len(Kind)
    subjects = [m["subject"] for m in sent]
    assert len(set(subjects)) == len(Kind)
    for begin in (
        "TEST OK 2 backed up: ",
        "TEST ATTENTION 1 of 2 failed: ",
        "TEST ATTENTION 1 left raised +: ",
        "TEST OK part 2 backed up: ",
        "TEST ATTENTION part 1 of 2 failed: ",
        "TEST NO BACKUP, delivered late: ",
        "TEST PREFLIGHT: 60 USD a night: ",
        "TEST ATTENTION: 1 of 1 night missing",
    ):
        assert [s for s in subjects if s.startswith(begin)], begin
    for message in sent:
        assert len(message["subject"]) <= 60
        assert f"sent {message['subject']}" in result.output
        assert message["message"].startswith(f"{message['subject']}\n\nTHIS IS A TEST, ")
    assert "users: still running at the deadline" in sent[1]["message"]
    for message in sent:
        if not message["subject"].startswith("TEST OK"):
            assert "what to do: docs/operations.md#" in message["message"]
    events = heard(d.world, QUEUE)
    assert all(detail["test"] for _, detail in events)
    assert {kind for kind, _ in events} == set(EVENTS)
    assert f"{len(events)} events put." in result.output
    # nothing else was done
    assert d.record("plan.json") is None


def test_nobody_who_listens_is_told(d: Deployment) -> None:
    d.world.client("sns").subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="oncall@example.com")
    result = command("test-alert", "--json")
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)
    (topic,) = found["topics"]
    assert (topic["confirmed"], topic["pending"], topic["error"]) == (0, 1, None)
    assert "nobody is told" in result.stderr


def test_what_is_refused_is_said_and_the_rest_is_sent(d: Deployment) -> None:
    d.world.client("sns").subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)

    def refuse(call: Any) -> None:
        if call.params["Subject"].startswith("TEST NO BACKUP"):
            raise refusal(call, "InvalidParameter", "not like this")

    d.world.before("sns:Publish", refuse)
    d.world.deny("events:PutEvents", "*")
    result = command("test-alert")
    assert result.exit_code == 1, result.output
    assert "NOT SENT TEST NO BACKUP" in result.output
    assert "not like this" in result.output
    assert "events are not on EventBridge" in result.output
    assert len(d.world.messages(TOPIC)) == len(Kind) - 2


def test_a_function_that_is_not_there_or_too_old_is_said(
    d: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = command("test-alert", "--function", "nothing")
    assert result.exit_code == 2
    assert "There is no function nothing" in result.output
    monkeypatch.setattr("hippolyte.trial_messages.ASKED", "something newer")
    result = command("test-alert")
    assert result.exit_code == 2
    assert "apply the module again" in result.output
