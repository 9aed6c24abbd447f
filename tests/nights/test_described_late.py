"""Tables that discovery cannot describe in its time: a later pass plans them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.core.call import Call, refusal
from tests.support.harness import GIB, MINUTES, RUN, START, Killed, NightDriver, verdicts
from tests.support.native import native
from tests.support.watch import PRODUCT_KEY


def throttled(night: NightDriver, minutes: float, *names: str) -> None:
    """Let the product's DescribeTable be throttled; `names`: of these tables only."""
    until = START + timedelta(minutes=minutes)

    def refuse(call: Call) -> None:
        about = call.params["TableName"]
        ours = call.access_key == PRODUCT_KEY and (not names or about in names)
        if ours and night.world.sleeper.now() < until:
            raise refusal(call, "ThrottlingException", "Rate exceeded")

    night.world.before("dynamodb:DescribeTable", refuse)


def catalogue(night: NightDriver, table: str) -> Any:
    key = f"catalog/{night.account}/{night.region}/{table}/{RUN}.json"
    return night.json(key)


def test_tables_throttled_for_half_an_hour_are_planned_then(night: NightDriver) -> None:
    night.configure(tables={"exclude": ["scratch"]})
    for name in ("orders", "users", "scratch"):
        night.table(name)
    night.table("empty", items=0)
    throttled(night, 30)
    report = night.night()
    assert verdicts(report) == {
        "empty": "backed_up",
        "orders": "backed_up",
        "scratch": "skipped",
        "users": "backed_up",
    }
    assert report["discovered"] == 4
    for name in ("orders", "empty"):
        row = report["tables"][name]
        assert row["table_id"]
        assert "planned late" in str(row["notes"])
        assert catalogue(night, name)["definition"]["TableName"] == name
    night.assert_clean()


def test_one_that_is_throttled_holds_no_other_up_and_is_never_raised(night: NightDriver) -> None:
    night.table("orders", items=12, read=1000, size_bytes=60 * GIB, item_count=12)
    night.table("users", **MINUTES)
    throttled(night, 20, "orders")
    night.scheduler()
    night.until_exporting("users")
    report = night.until_closed()
    # at its share it does not fit the window
    assert verdicts(report) == {"orders": "timed_out", "users": "backed_up"}
    assert report["tables"]["orders"]["attempt"] == 1
    assert night.watch.updates == []
    night.assert_clean()


def test_what_is_never_described_is_failed_at_the_deadline(night: NightDriver) -> None:
    night.table("orders")
    night.table("sick")
    throttled(night, 999, "sick")
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "sick": "failed"}
    assert "DescribeTable: " in report["tables"]["sick"]["reason"]
    assert "Rate exceeded" in report["tables"]["sick"]["reason"]
    night.assert_clean()


def test_what_is_gone_or_of_no_use_by_then_has_its_verdict(night: NightDriver) -> None:
    night.table("gone", vanish_at_describe=True)
    night.table("archived", status="ARCHIVED")
    throttled(night, 20)
    report = night.night()
    assert verdicts(report) == {"archived": "unsupported", "gone": "vanished"}


@pytest.mark.parametrize(
    ("operation", "number"),
    [
        ("dynamodb:DescribeTable", 1),
        ("dynamodb:DescribeTable", 2),
        ("dynamodb:Scan", 1),
        *(("s3:PutObject", number) for number in range(1, 7)),
    ],
)
def test_an_invocation_that_dies_as_it_plans_late_leaves_all_to_the_next(
    night: NightDriver, operation: str, number: int
) -> None:
    for name in ("orders", "users"):
        night.table(name)
    night.table("empty", items=0)
    throttled(night, 12)
    night.scheduler()
    night.passes(10)
    night.kill_before(operation, number)
    with pytest.raises(Killed):
        night.passes(60)
    night.allow_all()
    report = night.until_closed()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert report["discovered"] == 3
    assert catalogue(night, "orders")["definition"]["TableName"] == "orders"
    night.assert_clean()


@pytest.mark.engine("lambda")
def test_a_late_table_is_no_word_on_the_canary(night: NightDriver) -> None:
    """What is planned late is a part of the tables: the canary may be among the others."""
    night.configure(restore_drill={"canary": "users"})
    for name in ("orders", "users"):
        night.table(name)
    throttled(night, 20, "orders")
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "users": "backed_up"}
    assert report["alerts"] == []


@pytest.mark.engine("lambda", "emr")
def test_a_late_table_that_would_be_exported_natively_says_that_it_is_read(
    night: NightDriver,
) -> None:
    night.configure(native_export={"tables": ["orders"]})
    native(night, "orders")
    throttled(night, 20, "orders")
    row = night.night()["tables"]["orders"]
    assert (row["verdict"], row["engine"]) == ("backed_up", night.engine)
    assert f"read by {night.engine}, though native_export names it" in str(row["notes"])
