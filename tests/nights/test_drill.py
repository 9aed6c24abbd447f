"""Restore drills: a backup of tonight is imported by DynamoDB, counted, and its table deleted."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from hippolyte.planning.drill import drill_name
from local.core.call import Call
from tests.support.harness import (
    ACCOUNT,
    REGION,
    Killed,
    NightDriver,
    next_night,
    verdicts,
)
from tests.support.report_schema import faults

pytestmark = pytest.mark.engine("lambda")

RECORD = f"runs/{ACCOUNT}/{REGION}/drill.json"


def tables(night: NightDriver) -> list[str]:
    found: list[str] = night.dynamodb.list_tables()["TableNames"]
    return found


def test_a_backup_is_imported_counted_and_its_table_deleted(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    report = night.night()
    assert report["drills"] == ["orders: restored by ImportTable, 40 items"]
    assert (report["alerts"], night.attention) == ([], [])
    assert "Restore drills:\n  - orders: restored" in night.messages[-1]["message"]
    assert tables(night) == ["orders"]
    assert list(faults(report)) == []


def test_it_is_off_unless_asked_for(night: NightDriver) -> None:
    night.table("orders")
    assert night.night()["drills"] == []
    assert night.json(RECORD) is None


def test_each_comes_in_its_turn_and_the_canary_always(night: NightDriver) -> None:
    night.configure(restore_drill={"canary": "users", "exclude": ["scratch-*"]})
    for name in ("orders", "users", "parts", "scratch-1"):
        night.table(name, items=10)
    done = [
        {line.partition(":")[0] for line in report["drills"]}
        for report in (night.night(), next_night(night), next_night(night))
    ]
    assert done == [{"users", "orders"}, {"users", "parts"}, {"users", "orders"}]


def error(code: str, operation: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "said"}}
    return ClientError(
        {**answer, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


def test_the_tables_of_drills_are_never_backed_up(night: NightDriver) -> None:
    night.configure(restore_drill={}, tables={"always": ["*"]})
    night.table("orders")
    night.table("hippolyte-drill-parts")
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "hippolyte-drill-parts": "skipped"}
    reason = report["tables"]["hippolyte-drill-parts"]["reason"]
    assert reason == "a restore drill's table"


def test_another_table_of_that_name_is_told_and_left(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders")
    night.table("hippolyte-drill-orders")
    report = night.night()
    (alert,) = report["alerts"]
    assert "Table already exists: hippolyte-drill-orders" in alert
    assert "hippolyte-drill-orders" in tables(night)


def test_an_import_that_misses_items_is_an_alarm(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)

    def lose(call: Call) -> None:
        key = night.keys(f"backups/{ACCOUNT}/{REGION}/orders/")
        for each in key:
            if "/data/" in each:
                night.s3.put_object(Bucket="backups", Key=each, Body=b"")

    night.world.before("dynamodb:ImportTable", lose)
    report = night.night()
    (alert,) = report["alerts"]
    assert alert.startswith("restore drill: orders: the import of its backup")
    assert "of 40 items" in alert
    assert "ATTENTION" in night.messages[-1]["subject"]
    assert tables(night) == ["orders"]


@pytest.mark.parametrize("call", ["ImportTable", "DescribeImport", "DeleteTable", "DescribeTable"])
@pytest.mark.parametrize("after", [False, True])
def test_a_pass_that_dies_at_a_call_is_gone_on_with(
    night: NightDriver, call: str, after: bool
) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    died: list[str] = []

    def die(each: Call) -> None:
        named = str(each.params)
        if not died and ("hippolyte-drill-" in named):
            died.append(call)
            raise Killed

    hook: Any = night.world.after if after else night.world.before
    hook(f"dynamodb:{call}", die)
    report = night.night()
    assert died == [call]
    assert report["drills"] == ["orders: restored by ImportTable, 40 items"]
    assert tables(night) == ["orders"]


def test_long_names_are_shortened_and_stay_apart() -> None:
    long, other = "t" * 254 + "a", "t" * 254 + "b"
    assert drill_name("orders") == "hippolyte-drill-orders"
    assert len(drill_name(long)) == 255
    assert drill_name(long) != drill_name(other)
