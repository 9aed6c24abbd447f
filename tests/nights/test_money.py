"""The brake on money in a night: what is left out and what a first night costs is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from local.core.call import Call, refusal
from tests.support.harness import GIB, RUN, START, NightDriver, next_night, verdicts
from tests.support.report_schema import faults

REASON = "max_night_usd: it does not go into 1.00 USD a night"


def fleet(night: NightDriver) -> None:
    night.table("orders")
    night.table("bulk", read=None, size_bytes=400 * GIB, item_count=3)


def test_a_table_that_is_too_dear_is_left_out_and_a_person_is_told(night: NightDriver) -> None:
    night.configure(max_night_usd=1, window_seconds=25_200)
    fleet(night)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "bulk": "skipped"}
    assert report["tables"]["bulk"]["reason"] == REASON
    assert report["cost_usd"] <= 1
    assert list(faults(report)) == []
    (alert,) = report["alerts"]
    assert "leaves 1 of 2 tables without a backup: bulk" in alert
    (message,) = night.messages
    assert message["subject"].startswith("ATTENTION 1 of 2 failed")
    assert alert in message["message"]
    night.assert_clean()


def test_the_brake_does_not_hide_that_a_backup_grows_old(night: NightDriver) -> None:
    night.configure(window_seconds=25_200)
    fleet(night)
    first = night.night()
    good = first["tables"]["bulk"]["last_good"]
    night.configure(max_night_usd=1, window_seconds=25_200)
    report = next_night(night, days=3)
    assert report["tables"]["bulk"]["last_good"] == good
    assert report["oldest_good"]["table"] == "bulk"
    assert report["oldest_good"]["age_days"] > 2


def test_one_that_never_had_a_backup_is_waited_for_from_its_first_night(
    night: NightDriver,
) -> None:
    night.configure(max_night_usd=1, window_seconds=25_200)
    fleet(night)
    night.night()
    report = next_night(night, days=2)
    assert report["tables"]["bulk"]["wanted_since"] == "2026-11-24T00:00:00Z"
    assert report["oldest_good"]["table"] == "bulk"


def test_a_table_described_late_goes_by_what_is_left(night: NightDriver) -> None:
    night.configure(max_night_usd=1, window_seconds=25_200)
    fleet(night)
    until = START + timedelta(minutes=40)

    def refuse(call: Call) -> None:
        if call.params["TableName"] == "bulk" and night.world.sleeper.now() < until:
            raise refusal(call, "ThrottlingException", "Rate exceeded")

    night.world.before("dynamodb:DescribeTable", refuse)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "bulk": "skipped"}
    assert report["tables"]["bulk"]["reason"].startswith("max_night_usd: ")
    assert any("bulk" in alert for alert in report["alerts"])


def announcements(night: NightDriver) -> list[str]:
    return [m["message"] for m in night.messages if "a night: " in m["subject"]]


def dear(night: NightDriver) -> None:
    # 4,000 GiB of on-demand reads are 65 USD
    night.configure(window_seconds=25_200, retention_days=35, tables={"include": ["dear"]})
    night.table("dear", read=None, size_bytes=4000 * GIB, item_count=3)
    night.table("users")


def test_a_first_night_that_is_dear_is_announced_and_runs(night: NightDriver) -> None:
    dear(night)
    night.scheduler()
    (said,) = announcements(night)
    plan = night.record(RUN, "plan.json") or {}
    assert plan["cost_usd"] > 50
    assert f"about {plan['cost_usd']:.2f} USD" in said
    assert f"about {plan['storage_usd']:,.2f} USD a month" in said
    assert f"hippolyte cancel {RUN}" in said
    night.scheduler()
    assert len(announcements(night)) == 1
    night.until_closed()
    next_night(night)
    assert len(announcements(night)) == 1


def test_a_message_that_cannot_be_sent_holds_no_night_up(night: NightDriver) -> None:
    dear(night)
    night.refuse("sns:Publish", "InternalErrorException", "not now")
    assert night.scheduler()["result"] == "begun"


@pytest.mark.parametrize("event", [{"run": "plan"}, {"run": "now", "tables": ["dear"]}])
def test_neither_a_plan_nor_a_part_is_a_first_night(
    night: NightDriver, event: dict[str, object]
) -> None:
    dear(night)
    answer = night.scheduler(event)
    assert announcements(night) == []
    if run := answer.get("run_id"):
        night.until_closed(run=run)
        next_night(night)
        assert len(announcements(night)) == 1


def test_the_report_says_the_months_storage(night: NightDriver) -> None:
    night.configure(retention_days=35)
    night.table("orders", read=1000, size_bytes=GIB, item_count=3)
    report = night.night()
    # the exporter's files are compressed
    kept = GIB / 2 if night.engine == "lambda" else GIB
    assert report["storage_usd"] == round(kept / 1e9 * 35 * 0.023, 2)
    assert (
        f"about {report['storage_usd']:.2f} USD a month for what is kept"
        in (night.messages[-1]["message"])
    )
