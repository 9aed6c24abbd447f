"""Of which backups restore drills are made, from where they are read, and what that costs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.harness import BUCKET, NightDriver, verdicts

GB = 1_000_000_000


def asked(night: NightDriver) -> list[dict[str, Any]]:
    """Return what ImportTable is asked from now on."""
    found: list[dict[str, Any]] = []
    night.world.before("dynamodb:ImportTable", lambda call: found.append(dict(call.params)))
    return found


def recover(night: NightDriver, name: str) -> None:
    night.dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


@pytest.mark.engine("lambda", "emr")
def test_a_native_export_is_drilled_whatever_the_engine(night: NightDriver) -> None:
    night.configure(native_export={"tables": ["n-*"]}, restore_drill={})
    night.table("n-orders", items=40)
    recover(night, "n-orders")
    found = asked(night)
    report = night.night()
    assert report["drills"] == ["n-orders: restored by ImportTable, 40 items"]
    (one,) = found
    prefix = one["S3BucketSource"]["S3KeyPrefix"]
    assert prefix.startswith(report["tables"]["n-orders"]["location"].partition(f"{BUCKET}/")[2])
    assert prefix.endswith("/data/")
    assert night.dynamodb.list_tables()["TableNames"] == ["n-orders"]


@pytest.mark.engine("emr", "datapipeline")
def test_a_clusters_backup_is_not_drilled_and_that_is_said(night: NightDriver) -> None:
    night.configure(restore_drill={"canary": "orders"})
    night.table("orders")
    night.table("parts")
    report = night.night()
    assert verdicts(report) == dict.fromkeys(("orders", "parts"), "backed_up")
    why = "format dynamodbexport, which ImportTable cannot take: `hippolyte export` converts it"
    assert report["drills"] == [
        f"orders, the canary: not drilled: {why}",
        f"parts: not drilled: {why}",
    ]
    assert report["alerts"] == []


@pytest.mark.engine("lambda")
def test_another_accounts_bucket_is_said_with_its_owner(night: NightDriver) -> None:
    night.configure(restore_drill={}, bucket_owner="999999999999")
    night.table("orders")
    found = asked(night)
    night.night()
    assert [one["S3BucketSource"]["S3BucketOwner"] for one in found] == ["999999999999"]


@pytest.mark.engine("lambda")
def test_a_table_under_a_customers_key_is_not_put_under_another(night: NightDriver) -> None:
    night.configure(restore_drill={})
    key = night.world.client("kms").create_key()["KeyMetadata"]["Arn"]
    night.dynamodb.create_table(
        TableName="orders",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    (line,) = night.night()["drills"]
    assert line.startswith("orders: not drilled: a customer's key encrypts it")


@pytest.mark.engine("lambda")
def test_keys_of_two_attributes_and_no_others_are_given(night: NightDriver) -> None:
    night.configure(restore_drill={})
    names = {"pk": "S", "at": "N", "mail": "B"}
    night.dynamodb.create_table(
        TableName="orders",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in names.items()
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-mail",
                "KeySchema": [{"AttributeName": "mail", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    night.world.put_items("orders", [{"pk": {"S": "a"}, "at": {"N": "1"}}])
    assert night.night()["drills"] == ["orders: restored by ImportTable, 1 item"]


@pytest.mark.engine("lambda")
def test_the_nights_limit_on_money_holds_with_drills(night: NightDriver) -> None:
    night.table("orders", size_bytes=4 * GB, item_count=3)
    night.table("parts", size_bytes=2 * GB, item_count=3)
    night.configure(restore_drill={"canary": "orders"}, prices={"import_gb": 0.15})
    plan = night.scheduler({"run": "plan"})["plan"]
    assert plan["cost"]["drills"] == pytest.approx(0.9)
    without = plan["cost_usd"] - 0.9
    # the backups come first; what is left does for the canary alone
    night.configure(restore_drill={"canary": "orders"}, max_night_usd=without + 0.7)
    plan = night.scheduler({"run": "plan"})["plan"]
    assert plan["cost"]["drills"] == pytest.approx(0.6)
    assert plan["cost_usd"] <= without + 0.7
    night.table("tiny")
    report = night.night()
    assert [line.partition(":")[0] for line in report["drills"]] == ["orders", "tiny"]
    assert report["cost_usd"] <= without + 0.71
    night.configure(restore_drill={"canary": "orders"}, max_night_usd=without + 0.01)
    plan = night.scheduler({"run": "plan"})["plan"]
    assert plan["verdicts"] == {}
    assert plan["cost"].get("drills", 0) < 0.01
