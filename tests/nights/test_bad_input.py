"""Bad input, met with a clear error: nothing lost, nothing raised, nothing started by accident."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hippolyte.engines import datapipeline
from hippolyte.errors import ConfigurationError
from hippolyte.record_form import iso
from local.core.faults import ALWAYS
from tests.support.harness import BIG, BUCKET, REGION, RUN, START, NightDriver, verdicts

TONIGHT = {"run": iso(START), "delay_seconds": 0}
CATCH_UP = {"run": iso(START + timedelta(minutes=65)), "delay_seconds": 3900}


def assert_nothing_begun(night: NightDriver) -> None:
    """Nothing was raised, nothing was started, nothing was left."""
    assert night.watch.updates == []
    assert night.watch.registrations == []
    assert night.world.gate.calls["datapipeline:CreatePipeline"] == 0
    assert night.pipelines() == []


# what the engine refuses


@pytest.mark.engine("datapipeline")
def test_a_definition_the_service_rejects_fails_its_tables_in_its_words(
    night: NightDriver,
) -> None:
    night.table("orders", read=1000, **BIG)
    night.table("users")
    night.world.faults.definition_errored = ALWAYS
    report = night.night()
    assert set(verdicts(report).values()) == {"failed"}
    assert "Default: Injected by the local AWS" in report["tables"]["users"]["reason"]
    assert "Injected by the local AWS" in night.messages[0]["message"]
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


@pytest.mark.engine("datapipeline")
def test_a_definition_at_fault_for_one_table_costs_only_that_one(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("orders", "odd", "users"):
        night.table(name)
    original = datapipeline.definition

    def spoilt(*args: Any) -> dict[str, Any]:
        made = original(*args)
        for thing in made["objects"]:
            if "odd," in str(thing.get("step")):
                thing["maximumRetries"] = "many"
        return made

    monkeypatch.setattr(datapipeline, "definition", spoilt)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "odd": "failed", "users": "backed_up"}
    assert "'maximumRetries' must be an integer, got 'many'" in report["tables"]["odd"]["reason"]
    night.assert_clean()


@pytest.mark.engine("datapipeline")
def test_create_pipeline_refused_is_told_in_the_services_words(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.world.faults.create_pipeline_refused = "AWS Data Pipeline is closed to new customers"
    report = night.night()
    assert verdicts(report) == {"orders": "failed"}
    assert "AWS Data Pipeline is closed to new customers" in night.messages[-1]["message"]
    assert "CreatePipeline: InvalidRequestException" in report["tables"]["orders"]["reason"]
    assert night.capacity("orders") == (1000, 50)
    assert night.watch.updates == []
    night.assert_clean()


# the bucket


def test_the_bucket_gone_is_told_before_anything_begins(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.s3.delete_bucket(Bucket=BUCKET)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        night.scheduler()
    assert_nothing_begun(night)
    assert night.messages[0]["subject"].startswith("NO BACKUP, not recorded: ")
    assert BUCKET in night.messages[0]["message"]


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket"])
def test_the_bucket_denied_is_told_before_anything_begins(night: NightDriver, action: str) -> None:
    night.table("orders", read=1000, **BIG)
    night.world.deny(action)
    with pytest.raises(ClientError, match="not authorized"):
        night.scheduler()
    assert_nothing_begun(night)
    assert "NO BACKUP" in night.messages[0]["subject"]
    assert action in night.messages[0]["message"]


@pytest.mark.engine("datapipeline")
def test_the_bucket_goes_between_plan_and_raise(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.world.before("datapipeline:CreatePipeline", lambda _: night.world.deny("s3:PutObject"), 1)
    with pytest.raises(ClientError, match="not authorized"):
        night.scheduler()
    assert night.watch.updates == []
    night.allow_all()
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    night.assert_clean()


# tables that cannot be described


def test_throttled_descriptions_are_asked_for_again(night: NightDriver) -> None:
    for number in range(5):
        night.table(f"orders-{number}")
    night.world.throttle("dynamodb:DescribeTable", calls=6)
    assert set(verdicts(night.night()).values()) == {"backed_up"}


def test_a_table_that_may_not_be_described_fails_alone(night: NightDriver) -> None:
    night.table("orders")
    night.table("secret")
    night.world.deny("dynamodb:DescribeTable", "*:table/secret")
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "secret": "failed"}
    assert "not authorized to perform: dynamodb:DescribeTable" in night.messages[0]["message"]


def test_a_missing_name_in_always_is_told_and_stops_nothing(night: NightDriver) -> None:
    night.configure(tables={"always": ["oders", "use*"]})
    night.table("orders")
    night.table("users")
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert len(night.messages) == 1
    assert "ATTENTION" in night.messages[0]["subject"]
    assert "tables.always names 'oders', and no table matches" in night.messages[0]["message"]
    assert "use*" not in night.messages[0]["message"]


# events


@pytest.mark.parametrize(
    "event",
    [
        {"run": "<aws.scheduler.scheduled-time>"},
        {"delay_seconds": 0},
        {"run": "tonight", "delay_seconds": 0},
        {"run": "plan", "delay_seconds": 0},
        {"run": iso(START), "delay_seconds": "3900"},
        {"run": iso(START), "delay_seconds": True},
        {"run": iso(START), "delay_seconds": 0, "tables": ["orders"]},
        {"run": iso(START + timedelta(days=1)), "delay_seconds": 0},
        {"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler"},
    ],
    ids=str,
)
def test_a_malformed_delivery_starts_nothing_and_fails(
    night: NightDriver, event: dict[str, Any]
) -> None:
    night.table("orders", read=1000, **BIG)
    with pytest.raises(ConfigurationError, match="refused the event"):
        night.scheduler(event)
    assert_nothing_begun(night)
    assert night.keys() == []


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"run": None},
        {"run": ""},
        {"run": "tonight"},
        {"run": 1795478400},
        {"run": iso(START), "deley_seconds": 0},
        {"run": iso(START + timedelta(days=1))},
        {"action": "backup"},
        {"run": "now", "tables": "orders"},
        ["now"],
        "now",
    ],
    ids=str,
)
def test_a_malformed_event_by_hand_starts_nothing_and_is_answered(
    night: NightDriver, event: Any
) -> None:
    night.table("orders", read=1000, **BIG)
    assert "refused the event" in night.scheduler(event)["refused"]
    assert_nothing_begun(night)
    assert night.keys() == []
    assert night.messages == []


def test_a_delivery_after_the_deadline_is_refused_and_told(night: NightDriver) -> None:
    night.table("orders")
    night.world.clock.advance(3 * 3600)
    assert night.scheduler()["result"] == "refused: after the deadline"
    assert_nothing_begun(night)
    assert "NO BACKUP" in night.messages[0]["subject"]
    assert f"run {RUN} came after its deadline 2026-11-24T02:00:00Z" in night.messages[0]["message"]


def test_a_window_that_is_over_is_refused_to_a_person(night: NightDriver) -> None:
    night.table("orders")
    night.world.clock.advance(3 * 3600)
    assert "ended at 2026-11-24T02:00:00Z" in night.scheduler({"run": iso(START)})["refused"]
    assert_nothing_begun(night)
    assert night.messages == []


def test_a_late_delivery_of_a_closed_run_is_not_told_again(night: NightDriver) -> None:
    night.table("orders")
    night.night()
    night.world.clock.advance(3 * 3600)
    assert night.scheduler()["result"] == "closed already"
    assert len(night.messages) == 1


def test_a_late_delivery_of_an_open_run_takes_it_on(night: NightDriver) -> None:
    night.table("orders")
    night.scheduler()
    night.world.clock.advance(3 * 3600)
    assert night.scheduler()["result"] in ("begun", "closed")
    assert night.until_closed()["totals"]["backed_up"] == 1
    assert night.attention == []


def test_the_same_delivery_twice_is_one_run(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    plan = night.record(RUN, "plan.json")
    night.table("users")
    night.scheduler()
    night.scheduler()
    assert night.record(RUN, "plan.json") == plan
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.all_clusters() == 1
    assert len(night.messages) == 1
    night.assert_clean()


def test_the_catch_up_delivery_takes_up_a_lost_night(night: NightDriver) -> None:
    night.table("orders")
    night.world.clock.advance(65 * 60)
    assert night.scheduler(CATCH_UP)["run_id"] == RUN
    report = night.until_closed()
    assert report["deadline"] == "2026-11-24T02:00:00Z"
    assert verdicts(report) == {"orders": "backed_up"}


def test_the_catch_up_delivery_of_a_night_that_runs_changes_nothing(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.passes(65, each=15)
    night.scheduler(CATCH_UP)
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    assert night.all_clusters() == 1


def test_a_run_by_hand_beside_an_open_one_is_refused(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.passes(15)
    assert f"run {RUN} is open" in night.scheduler({"run": "now"})["refused"]
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    night.world.clock.advance(600)
    assert night.scheduler({"run": "now"})["result"] == "begun"


def test_a_run_by_hand_has_a_whole_window(night: NightDriver) -> None:
    night.table("orders")
    night.world.clock.advance(10 * 3600 + 30)
    answer = night.scheduler({"run": "now"})
    assert answer["run_id"] == "2026-11-24T10-00Z"
    report = night.until_closed(run=answer["run_id"])
    assert report["deadline"] == "2026-11-24T12:00:00Z"
    assert verdicts(report) == {"orders": "backed_up"}


# the settings


@pytest.mark.parametrize("percentage", [0, 101, -1, "50", None])
def test_a_percentage_out_of_range_starts_nothing(night: NightDriver, percentage: Any) -> None:
    night.table("orders")
    night.configure(consumed_percentage=percentage)
    with pytest.raises(ConfigurationError, match="consumed_percentage must"):
        night.scheduler()
    assert_nothing_begun(night)


def test_a_ledger_of_a_newer_version_is_left_alone(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    key = f"runs/{night.account}/{REGION}/{RUN}/ledger.json"
    body = night.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    newer = body.replace(b'"version":1', b'"version":2', 1)
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=newer)
    night.world.clock.advance(300)
    with pytest.raises(ConfigurationError, match="written by a newer version"):
        night.monitor()
    assert night.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == newer
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    night.assert_clean()
