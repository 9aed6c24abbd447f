"""Restore drills: a backup of tonight is imported by DynamoDB, counted, and its table deleted."""

from __future__ import annotations

import gzip
import re
from contextlib import suppress
from typing import Any

import pytest

from hippolyte.errors import ConfigurationError
from hippolyte.planning.drill import drill_name
from local.core.call import Call
from tests.support.harness import (
    ACCOUNT,
    BUCKET,
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


def test_a_table_with_indexes_is_imported_without_them(night: NightDriver) -> None:
    """Whatever their kind; an import refuses attributes that are defined for no key of it."""
    night.configure(restore_drill={})
    night.table("orders", items=5)
    index = {
        "IndexName": "by-n",
        "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    }
    night.dynamodb.update_table(
        TableName="orders",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "n")
        ],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    asked: list[Any] = []

    def note(call: Call) -> None:
        asked.append(call.params["TableCreationParameters"])

    night.world.before("dynamodb:ImportTable", note)
    assert list(faults(night.night())) == []
    assert [each["AttributeName"] for each in asked[0]["AttributeDefinitions"]] == ["pk"]


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
        for report in (night.night(), next_night(night), next_night(night, 2))
    ]
    assert done == [{"users", "orders"}, {"users", "parts"}, {"users", "orders"}]


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
                night.s3.put_object(Bucket=BUCKET, Key=each, Body=b"")

    night.world.before("dynamodb:ImportTable", lose)
    report = night.night()
    (alert,) = report["alerts"]
    assert alert.startswith("restore drill: orders: the import of its backup")
    assert "of 40 items" in alert
    assert "/error of /aws-dynamodb/imports" in alert
    assert "ATTENTION" in night.messages[-1]["subject"]
    assert tables(night) == ["orders"]


def test_what_dynamodb_refuses_is_told_in_its_words(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)

    def spoil(call: Call) -> None:
        source = call.params["S3BucketSource"]["S3KeyPrefix"]
        for key in night.keys(source):
            body = gzip.decompress(night.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
            spoiled = gzip.compress(body.replace(b'{"S":"orders#7"}', b'{"N":"7"}'))
            night.s3.put_object(Bucket=BUCKET, Key=key, Body=spoiled)

    night.world.before("dynamodb:ImportTable", spoil)
    (alert,) = night.night()["alerts"]
    assert "its backup FAILED: 39 of 40 items, 1 errors (ItemValidationError Some of the" in alert
    assert "/error of /aws-dynamodb/imports" in alert
    assert tables(night) == ["orders"]


@pytest.mark.parametrize("imported", [39, 41])
def test_an_import_of_another_number_of_items_is_an_alarm(
    night: NightDriver, imported: int
) -> None:
    """Neither an error nor a failure: an item that is written over is counted nowhere."""
    night.configure(restore_drill={})
    night.table("orders", items=40)

    def miscount(call: Call, body: str) -> str:
        return body.replace('"ImportedItemCount": 40', f'"ImportedItemCount": {imported}')

    night.world.change_answer("dynamodb:DescribeImport", miscount)
    (alert,) = night.night()["alerts"]
    assert f"its backup COMPLETED: {imported} of 40 items, 0 errors; its log" in alert
    assert tables(night) == ["orders"]


def test_what_an_import_came_to_is_said_with_its_cost(night: NightDriver) -> None:
    night.table("orders", items=40)
    night.configure(restore_drill={"max_usd": 1e9}, prices={"import_gb": 100_000})
    (line,) = night.night()["drills"]
    assert re.fullmatch(r"orders: .* 40 items, for about 0\.\d\d USD", line)


def at_drill(night: NightDriver, operation: str, number: int, after: bool) -> list[str]:
    """Kill the invocation at its n-th such call for a drill, once."""
    seen: list[str] = []
    died: list[str] = []

    def die(call: Call) -> None:
        if died or not ("hippolyte-drill-" in str(call.params) or str(call.key) == RECORD):
            return
        seen.append(operation)
        if len(seen) < number:
            return
        died.append(operation)
        if not after:
            raise Killed(operation)
        night.kill_before("*")

    night.world.before(operation, die)
    return died


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("operation", "number"),
    [
        ("s3:PutObject", 1),
        ("s3:PutObject", 2),
        ("s3:PutObject", 3),
        ("s3:PutObject", 4),
        ("dynamodb:ImportTable", 1),
        ("dynamodb:DescribeImport", 1),
        ("dynamodb:DescribeTable", 1),
        ("dynamodb:DeleteTable", 1),
    ],
)
def test_a_pass_that_dies_at_a_call_is_gone_on_with(
    night: NightDriver, operation: str, number: int, after: bool
) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    died = at_drill(night, operation, number, after)
    with suppress(Killed):
        night.night()
    report = night.until_closed()
    assert died == [operation]
    assert report["drills"] == ["orders: restored by ImportTable, 40 items"]
    assert tables(night) == ["orders"]


def test_a_limit_is_waited_out(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    night.refuse("dynamodb:ImportTable", "LimitExceededException", "50 at once", times=2)
    assert night.night()["drills"] == ["orders: restored by ImportTable, 40 items"]


def test_an_import_that_is_refused_is_told(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders")
    night.refuse("dynamodb:ImportTable", "AccessDeniedException", "no right")
    (alert,) = night.night()["alerts"]
    assert alert.startswith("restore drill: orders: ImportTable was refused: ")
    assert "no right" in alert


def test_a_table_that_cannot_be_deleted_is_told_and_tried_again(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    night.refuse("dynamodb:DeleteTable", "AccessDeniedException", "no right")
    (line,) = night.night()["drills"]
    assert "hippolyte-drill-orders is not deleted yet" in line
    assert "no right" in line
    night.allow_all()
    night.monitor()
    assert tables(night) == ["orders"]


def test_long_names_are_shortened_and_stay_apart() -> None:
    long, other = "t" * 254 + "a", "t" * 254 + "b"
    assert drill_name("orders") == "hippolyte-drill-orders"
    assert len(drill_name(long)) == 255
    assert drill_name(long) != drill_name(other)


def test_a_broken_record_keeps_no_night_from_its_end(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders")
    night.s3.put_object(Bucket=BUCKET, Key=RECORD, Body=b"{")
    with suppress(ConfigurationError):
        night.night()
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    (line,) = report["drills"]
    assert line.startswith("the restore drill is not seen to: ")
