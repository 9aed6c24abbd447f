"""What a night tells beside its verdicts: who will not hear, and how old backups have become."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hippolyte.night import catalogue as night_catalogue
from local.core.call import Call, refusal
from local.core.faults import ALWAYS
from local.messaging import sns_sqs
from tests.support.deployment import BUCKET, RUN, TOPIC, WINDOW_START, Deployment, Planned, deployed

pytestmark = pytest.mark.terraform

WAITING = "{} has not confirmed the subscription: no message arrives there"


@pytest.fixture
def d(planned: Planned) -> Iterator[Deployment]:
    with deployed(planned) as made:
        made.known()
        yield made


def night(d: Deployment) -> dict[str, Any]:
    """Let the night pass, and return its report."""
    report: dict[str, Any] | None = d.until(lambda: d.record("report.json"))
    assert report is not None
    return report


def subscribe(d: Deployment, *addresses: str) -> None:
    for address in addresses:
        d.world.client("sns").subscribe(TopicArn=TOPIC, Protocol="email", Endpoint=address)


def catalogued(d: Deployment, table: str, days: float) -> str:
    """Put a catalogue entry of some days before tonight, and return its time."""
    made = WINDOW_START - timedelta(days=days)
    key = f"catalog/123456789012/us-east-1/{table}/{made:%Y-%m-%dT%H-%MZ}.json"
    d.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    return f"{made:%Y-%m-%dT%H:%M:%SZ}"


def catalogue_lists(d: Deployment) -> list[str]:
    """Note which prefixes of the catalogue are listed from now on."""
    seen: list[str] = []

    def note(call: Call) -> None:
        if _prefix(call).startswith("catalog/"):
            seen.append(_prefix(call))

    d.world.before("s3:List*", note)
    return seen


def _prefix(call: Call) -> str:
    return str(call.params.get("prefix", ""))


# who will not hear


def test_an_address_that_has_not_confirmed_is_told(d: Deployment) -> None:
    subscribe(d, "oncall@example.com", "boss@example.com")
    sns_sqs.confirm(TOPIC, "oncall@example.com")
    d.world.client("sqs").create_queue(QueueName="pager")
    d.world.client("sns").subscribe(
        TopicArn=TOPIC, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:pager"
    )

    report = night(d)

    assert report["alerts"] == [WAITING.format("boss@example.com")]
    (message,) = d.world.messages(TOPIC)
    assert "ATTENTION" in message["subject"]
    assert f"To be looked at:\n  - {WAITING.format('boss@example.com')}" in message["message"]


def test_all_confirmed_is_nothing_told(d: Deployment) -> None:
    subscribe(d, "oncall@example.com")
    sns_sqs.confirm(TOPIC, "oncall@example.com")

    assert night(d)["alerts"] == []
    assert "OK" in d.subjects[0]


def test_all_pages_of_subscriptions_are_read(d: Deployment) -> None:
    addresses = [f"person-{n}@example.com" for n in range(101)]
    subscribe(d, *addresses)
    for address in addresses[:-1]:
        sns_sqs.confirm(TOPIC, address)

    assert night(d)["alerts"] == [WAITING.format("person-100@example.com")]


def test_subscriptions_that_cannot_be_listed_are_told_and_the_night_closes(d: Deployment) -> None:
    d.world.deny("sns:ListSubscriptionsByTopic")

    (alert,) = night(d)["alerts"]
    assert alert.startswith(f"the subscriptions of {TOPIC} cannot be listed: ")
    assert "sns:ListSubscriptionsByTopic" in alert


# how old backups have become


def test_the_catalogue_knows_the_newest_backup_that_no_report_does(d: Deployment) -> None:
    d.table("small")
    d.world.faults.step_fails["small"] = ALWAYS
    catalogued(d, "small", 20)
    newest = catalogued(d, "small", 9)

    report = night(d)

    assert report["tables"]["small"]["last_good"] == newest
    assert report["oldest_good"]["last_good"] == newest
    assert 9 <= report["oldest_good"]["age_days"] < 9.2


def test_a_table_that_never_had_a_backup_counts_from_its_first_night(d: Deployment) -> None:
    d.table("small")
    d.world.faults.step_fails["small"] = ALWAYS

    oldest = night(d)["oldest_good"]

    assert (oldest["table"], oldest["last_good"]) == ("small", None)
    assert 0 < oldest["age_days"] < 0.2


def test_tables_with_a_backup_tonight_are_not_looked_up(d: Deployment) -> None:
    d.table("bad")
    d.table("good")
    d.world.faults.step_fails["bad"] = ALWAYS
    seen = catalogue_lists(d)

    night(d)

    assert seen == ["catalog/123456789012/us-east-1/bad/"]


def test_only_what_fails_is_looked_up_and_what_the_last_report_knows_is_not_lost(
    d: Deployment,
) -> None:
    d.table("small")
    d.table("good")
    first = night(d)["tables"]["small"]["last_good"]
    d.world.faults.step_fails["small"] = ALWAYS
    seen = catalogue_lists(d)
    second = d.world.invoke("hippolyte-scheduler", {"run": "now"}).payload["run_id"]

    report = d.until(lambda: d.record("report.json", second))

    assert report["tables"]["small"]["verdict"] == "failed"
    # the end, of which the catalogue's name has only the beginning
    assert report["tables"]["small"]["last_good"] == first
    assert seen == ["catalog/123456789012/us-east-1/small/"]


def test_a_catalogue_that_cannot_be_listed_is_logged_and_the_night_closes(d: Deployment) -> None:
    d.table("small")
    d.world.faults.step_fails["small"] = ALWAYS
    catalogued(d, "small", 9)

    def refuse(call: Call) -> None:
        if _prefix(call).startswith("catalog/"):
            raise refusal(call, "AccessDenied", "not tonight")

    d.world.before("s3:List*", refuse)

    assert night(d)["tables"]["small"]["last_good"] is None
    logs = "".join(i.log for i in d.world.lambda_logs)
    assert "the catalogue of small cannot be listed: " in logs


def test_no_more_than_some_tables_are_looked_up(
    d: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night_catalogue, "_LOOKED_UP", 1)
    for name in ("first", "second"):
        d.table(name)
        d.world.faults.step_fails[name] = ALWAYS
        catalogued(d, name, 9)
    seen = catalogue_lists(d)

    report = night(d)

    assert len(seen) == 1
    known = [name for name, t in report["tables"].items() if t["last_good"]]
    assert known == [seen[0].split("/")[3]]
    assert f"Run {RUN}: " in d.world.messages(TOPIC)[0]["message"]
