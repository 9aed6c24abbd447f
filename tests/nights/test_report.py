"""What a night's report says: its documented form, and what changed since the night before."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from local.core.call import refusal
from tests.support.harness import BIG, RUN, NightDriver, empty, next_night, verdicts
from tests.support.report_schema import SCHEMA, faults


def test_two_nights(night: NightDriver) -> None:
    for name in ("orders", "emptied", "dropped", "frail", "locked"):
        night.table(name)
    night.table("large", read=1000, **BIG)
    night.table("nothing", items=0)
    night.world.faults.step_fails["frail"] = 2
    first = night.night()
    assert first["previous_run"] is None
    assert not any(first["changes"].values())
    assert {n for n, v in verdicts(first).items() if v != "backed_up"} == {"frail"}

    empty(night, "emptied")
    night.dynamodb.delete_table(TableName="dropped")
    night.world.set_table("locked", status="ARCHIVED")
    night.table("latest")
    second = next_night(night)
    assert second["previous_run"] == RUN
    assert second["changes"] == {
        "new": ["latest"],
        "gone": ["dropped"],
        "empty": ["emptied"],
        "recovered": ["frail"],
        "broken": ["locked"],
    }
    # what was and stays empty is no news
    assert second["alerts"] == ["emptied is empty tonight and was not the night before"]
    message = night.messages[-1]["message"]
    for line in ("new: latest", "gone: dropped", "recovered: frail", "broken: locked"):
        assert line in message
    assert "emptied is empty tonight and was not the night before" in message
    assert "ATTENTION" in night.messages[-1]["subject"]
    night.assert_clean()


def test_a_table_emptied_while_its_backup_failed_is_told_all_the_same(night: NightDriver) -> None:
    night.table("orders")
    night.table("users")
    night.night()
    night.world.faults.step_fails["orders"] = 2
    assert next_night(night)["tables"]["orders"]["last_items"] == 3
    empty(night, "orders")
    third = next_night(night, days=2)
    assert third["changes"]["empty"] == third["changes"]["recovered"] == ["orders"]


def test_a_night_that_finds_no_table_where_there_were_some_is_no_good_one(
    night: NightDriver,
) -> None:
    night.table("orders")
    night.night()
    night.dynamodb.delete_table(TableName="orders")

    report = next_night(night)

    assert report["alerts"] == ["no table was found, and the night before there were 1"]
    assert night.messages[-1]["subject"].startswith("ATTENTION")
    next_night(night, days=2)
    assert night.messages[-1]["subject"].startswith("OK"), "told once"


def test_a_night_like_the_one_before_changes_nothing(night: NightDriver) -> None:
    night.table("orders")
    night.table("nothing", items=0)
    night.night()
    report = next_night(night)
    assert report["previous_run"] == RUN
    assert not any(report["changes"].values())
    assert "OK" in night.messages[-1]["subject"]


@pytest.mark.engine("datapipeline", "emr")
def test_the_count_of_the_night_before_is_what_a_stale_table_is_checked_by(
    night: NightDriver,
) -> None:
    """A table whose own count reads 0 has no other measure than last night's."""
    for name in ("stale", "other"):
        night.table(name, items=30, size_bytes=0, item_count=0)
    first = night.night()
    assert "30 items read; no other count to compare with" in first["tables"]["stale"]["notes"]

    night.world.faults.fewer_items["stale"] = 2
    report = next_night(night)
    assert verdicts(report) == {"other": "backed_up", "stale": "failed"}
    # no two exports lose the same
    assert [e.split("; ")[0] for e in report["tables"]["stale"]["errors"]] == [
        "attempt 1: 20 items read, last night's is 30: more than 20 % are missing",
        "attempt 2: 10 items read, last night's is 30: more than 20 % are missing",
    ]
    assert (
        report["tables"]["stale"]["errors"][-1].split(": ", 1)[1]
        in (report["tables"]["stale"]["reason"])
    )
    assert "30 items read, last night's is 30" in report["tables"]["other"]["notes"]
    assert report["changes"]["broken"] == ["stale"]


def test_a_report_keeps_to_its_schema(night: NightDriver) -> None:
    """One night with everything a report can hold."""
    night.configure(tables={"exclude": ["scratch"], "always": ["missing"]})
    night.table("orders")
    night.table("scratch")
    night.table("nothing", items=0)
    night.table("locked", status="ARCHIVED")
    night.table("large", read=1000, **BIG)
    night.table("on-demand", read=None)
    night.table("broken")
    night.world.faults.step_fails["broken"] = 2
    report = night.night()
    assert list(faults(report)) == []
    assert report["tables"]["broken"]["earlier_attempts"]
    assert report["raised"]
    assert report["alerts"]
    assert report["totals"] == {
        "backed_up": 4,
        "skipped": 1,
        "failed": 1,
        "timed_out": 0,
        "vanished": 0,
        "unsupported": 1,
    }


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (["items"], "3", "report.items is '3', not integer"),
        (["cost_usd"], -1, "report.cost_usd is -1, below 0"),
        (["more"], 1, "report.more is not in the schema"),
        (["tables", "orders", "verdict"], "good", "report.tables.orders.verdict is 'good'"),
        (["closed_at"], "today", "report.closed_at is 'today', which"),
    ],
)
def test_a_report_of_another_form_is_noticed(
    night: NightDriver, path: list[str], value: Any, text: str
) -> None:
    night.table("orders")
    changed = place = copy.deepcopy(night.night())
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert any(text in fault for fault in faults(changed))
    del place[path[-1]]
    missing = path[-1] not in ("more",)
    assert any(f"has no {path[-1]}" in fault for fault in faults(changed)) is missing


def test_every_key_is_described() -> None:
    def bare(schema: dict[str, Any], at: str) -> list[str]:
        found = [] if "description" in schema or at.startswith("totals.") else [at]
        for name, part in schema.get("properties", {}).items():
            found += bare(part, f"{at}.{name}".lstrip("."))
        return found

    assert bare(SCHEMA, "") == []


def test_a_raise_says_for_how_long(night: NightDriver) -> None:
    night.table("large", read=1000, **BIG)
    report = night.night()
    (row,) = report["raised"]
    assert (row["table"], row["from"], row["to"]) == ("large", 1000, night.raised)
    # the exporter reads twice as fast as is planned
    least = 3600 if night.engine == "datapipeline" else 1800
    assert least < row["duration_seconds"] < 2 * least
    assert report["duration_seconds"] < report["window_seconds"] == 7200
    # a worker pays for a page after it, and so not for the last one
    part = 3 / 4 if night.engine == "lambda" else 5 / 6
    assert report["tables"]["large"]["duration_seconds"] > part * least
    assert f"large: 1,000 -> {night.raised:,} at " in night.messages[-1]["message"]
    minutes = round(row["duration_seconds"] / 60)
    assert f"after {minutes} minutes" in night.messages[-1]["message"]


def test_a_failure_names_reason_attempts_and_log(night: NightDriver) -> None:
    night.table("broken")
    night.world.faults.step_fails["broken"] = 2
    report = night.night()
    entry = report["tables"]["broken"]
    if night.engine == "lambda":
        # links of many tables share theirs
        assert entry["log"] == ""
        told = f"broken: {entry['reason']}"
    else:
        assert entry["log"].startswith("s3://")
        told = f"broken: {entry['reason']} (log: {entry['log']})"
    (earlier,) = entry["earlier_attempts"]
    assert (earlier["attempt"], earlier["outcome"], earlier["batch"]) == (1, "failed", "b001")
    assert (entry["attempt"], entry["batch"]) == (2, "r001")
    assert f"  - {told}\n" in night.messages[-1]["message"]


def test_a_page_that_cannot_be_written_does_not_keep_the_run_open(night: NightDriver) -> None:
    night.table("orders")
    night.tolerant = True

    def refuse(call: Any) -> None:
        if str(call.key).endswith("report.html"):
            raise refusal(call, "AccessDenied", "no pages here")

    night.world.before("s3:PutObject", refuse)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert len(night.messages) == 1
    # the pass says so, once
    assert [str(e) for e in night.errors if "no pages here" in str(e)]
    assert len(night.errors) == 1


def test_the_page_is_beside_the_report(night: NightDriver) -> None:
    night.table("orders")
    night.night()
    key = next(k for k in night.keys("runs/") if k.endswith("report.html"))
    answer = night.s3.get_object(Bucket="backups", Key=key)
    assert answer["ContentType"] == "text/html; charset=utf-8"
    assert b"orders: backed up" in answer["Body"].read()
    assert f"As a page: s3://backups/{key}" in night.messages[-1]["message"]


def test_a_raise_that_was_refused_is_not_listed_as_one(night: NightDriver) -> None:
    night.table("large", read=1000, **BIG)
    night.refuse("dynamodb:UpdateTable", "LimitExceededException", "the account's quota")
    report = night.night()
    assert report["raised"] == []
    assert "not raised: " in str(report["tables"]["large"]["notes"])
    assert "capacity: never raised" in report["tables"]["large"]["notes"]
    assert "Raised for the night" not in night.messages[-1]["message"]
    night.assert_clean()


def test_good_nights_can_be_left_to_the_message_of_all_deployments(night: NightDriver) -> None:
    night.configure(tell_good_nights=False)
    night.table("orders")
    night.table("frail")
    assert set(verdicts(night.night()).values()) == {"backed_up"}
    assert night.messages == []
    assert night.record(RUN, "report.json")
    night.world.faults.step_fails["frail"] = 9
    next_night(night)
    (told,) = night.messages
    assert "ATTENTION" in told["subject"]
