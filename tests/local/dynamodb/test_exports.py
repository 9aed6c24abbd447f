"""ExportTableToPointInTime as it is documented: what moto's lacks or does otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hippolyte.exports import native
from hippolyte.exports.reader import Prefix, find
from hippolyte.store import Store
from local.dynamodb import exports
from local.dynamodb.exports import BEHIND, SECONDS
from local.world import World
from tests.support.aws_world import (
    ACCOUNT,
    allow,
    checked,
    in_process,
    make_role,
    make_table,
    refused,
)

BUCKET = "backups"
FIXTURE = Path(__file__).parents[2] / "data" / "native-export"
ARN = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders"


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        made.client("s3").create_bucket(Bucket=BUCKET)
        make_table(made, "orders")
        made.put_items("orders", [{"pk": {"S": f"o{i}"}, "n": {"N": str(i)}} for i in range(5)])
        yield made


def switch_on(world: World, on: bool = True, **more: Any) -> None:
    asked = {"PointInTimeRecoveryEnabled": on, **more}
    world.client("dynamodb").update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification=asked
    )


def recovery(world: World) -> dict[str, Any]:
    with checked(world.client("dynamodb")) as client:
        told = client.describe_continuous_backups(TableName="orders")
    found: dict[str, Any] = told["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return found


def ask(world: World, **more: Any) -> dict[str, Any]:
    given = {"TableArn": ARN, "S3Bucket": BUCKET, "S3Prefix": "night/orders", **more}
    with checked(world.client("dynamodb")) as client:
        told: dict[str, Any] = client.export_table_to_point_in_time(**given)["ExportDescription"]
    return told


def describe(world: World, arn: str) -> dict[str, Any]:
    with checked(world.client("dynamodb")) as client:
        told: dict[str, Any] = client.describe_export(ExportArn=arn)["ExportDescription"]
    return told


def body(world: World, key: str) -> bytes:
    read: bytes = world.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return read


def test_an_export_is_whole_when_it_is_completed(world: World) -> None:
    switch_on(world)
    world.clock.advance(600)
    begun = ask(world)
    assert begun["ExportStatus"] == "IN_PROGRESS"
    prefix = f"night/orders/AWSDynamoDB/{begun['ExportArn'].rsplit('/', 1)[-1]}/"
    store = Store(world.client("s3"), BUCKET)
    assert list(store.names(prefix)) == ["_started"]
    world.clock.advance(SECONDS)
    ended = describe(world, begun["ExportArn"])
    assert (ended["ExportStatus"], ended["ItemCount"]) == ("COMPLETED", 5)
    assert ended["ExportManifest"] == f"{prefix}manifest-summary.json"
    assert "FilterSpecification" not in ended
    backup = find(Prefix(store, prefix))
    assert {item["pk"]["S"] for item in backup.items()} == {f"o{i}" for i in range(5)}
    for file in native.parse_files(body(world, f"{prefix}manifest-files.json")):
        assert native.checksum(body(world, file.key)) == file.md5
        answered = world.client("s3").head_object(Bucket=BUCKET, Key=file.key)["ETag"]
        assert answered.strip('"') == file.etag


def test_its_items_are_those_of_its_moment(world: World) -> None:
    switch_on(world)
    world.clock.advance(600)
    moment = world.clock.now()
    client, key = world.client("dynamodb"), {"pk": {"S": "o1"}}
    world.clock.advance(1)
    client.delete_item(TableName="orders", Key={"pk": {"S": "o0"}})
    for more in ("later", "still later"):
        client.update_item(
            TableName="orders",
            Key=key,
            UpdateExpression="SET n = :n, m = :m",
            ExpressionAttributeValues={":n": {"N": "9"}, ":m": {"M": {"a": {"S": more}}}},
        )
    client.put_item(TableName="orders", Item={"pk": {"S": "o2"}, "n": {"N": "8"}})
    new = [{"PutRequest": {"Item": {"pk": {"S": name}}}} for name in ("o7", "o8")]
    client.batch_write_item(RequestItems={"orders": new})
    put = {"TableName": "orders", "Item": {"pk": {"S": "o9"}}}
    client.transact_write_items(TransactItems=[{"Put": put}])
    world.clock.advance(600)
    for asked, names in (
        ({"ExportTime": moment}, {f"o{i}": str(i) for i in range(5)}),
        ({}, {"o1": "9", "o2": "8", "o3": "3", "o4": "4", "o7": "", "o8": "", "o9": ""}),
    ):
        begun = ask(world, **asked)
        world.clock.advance(SECONDS)
        prefix = describe(world, begun["ExportArn"])["ExportManifest"].rpartition("/")[0]
        place = Prefix(Store(world.client("s3"), BUCKET), f"{prefix}/")
        found = list(find(place).items())
        assert {i["pk"]["S"]: i["n"]["N"] if "n" in i else "" for i in found} == names


def test_a_moment_of_a_table_with_a_sort_key(world: World) -> None:
    client = world.client("dynamodb")
    client.create_table(
        TableName="lines",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    client.update_continuous_backups(
        TableName="lines", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    client.put_item(TableName="lines", Item={"pk": {"S": "a"}, "sk": {"S": "1"}})
    moment = world.clock.now()
    world.clock.advance(301)
    client.put_item(TableName="lines", Item={"pk": {"S": "a"}, "sk": {"S": "2"}})
    client.delete_item(TableName="lines", Key={"pk": {"S": "a"}, "sk": {"S": "1"}})
    begun = ask(world, TableArn=ARN.replace("orders", "lines"), ExportTime=moment)
    world.clock.advance(SECONDS)
    told = describe(world, begun["ExportArn"])
    assert told["ItemCount"] == 1
    prefix = told["ExportManifest"].rpartition("/")[0]
    (item,) = find(Prefix(Store(world.client("s3"), BUCKET), f"{prefix}/")).items()
    assert item["sk"]["S"] == "1"


@pytest.mark.parametrize(("times", "ends"), [(1, ["FAILED", "COMPLETED"]), (-1, ["FAILED"] * 2)])
def test_a_fault_fails_it(world: World, times: int, ends: list[str]) -> None:
    switch_on(world)
    world.faults.export_fails["orders"] = times
    world.faults.export_seconds["orders"] = 60.0
    found = []
    for _ in ends:
        begun = ask(world)
        world.clock.advance(61)
        found.append(describe(world, begun["ExportArn"])["ExportStatus"])
    assert found == ends


def test_its_manifests_have_the_members_of_a_real_one(world: World) -> None:
    """The fixture is an export that the service wrote."""
    switch_on(world)
    begun = ask(world)
    world.clock.advance(SECONDS)
    manifest = describe(world, begun["ExportArn"])["ExportManifest"]
    (real,) = FIXTURE.rglob("manifest-summary.json")
    ours, theirs = json.loads(body(world, manifest)), json.loads(real.read_text())
    assert list(ours) == list(theirs)
    names = set(Store(world.client("s3"), BUCKET).names(manifest.rpartition("/")[0] + "/"))
    files = {n for n in names if not n.startswith("data/")}
    there = {path.name for path in real.parent.iterdir() if path.is_file()}
    # the fixture's own lacks one that the other real ones have
    assert files >= there


def test_the_window_moves(world: World) -> None:
    assert recovery(world) == {"PointInTimeRecoveryStatus": "DISABLED"}
    began = world.clock.now()
    switch_on(world, RecoveryPeriodInDays=2)
    world.clock.advance(600)
    found = recovery(world)
    assert found["EarliestRestorableDateTime"] == began
    assert found["LatestRestorableDateTime"] == world.clock.now() - BEHIND
    world.clock.advance(5 * 86_400)
    found = recovery(world)
    assert found["EarliestRestorableDateTime"] == world.clock.now() - timedelta(days=2)
    assert found["RecoveryPeriodInDays"] == 2


def test_off_and_on_again_begins_a_new_window(world: World) -> None:
    switch_on(world)
    world.clock.advance(86_400)
    switch_on(world, False)
    switch_on(world)
    assert recovery(world)["EarliestRestorableDateTime"] == world.clock.now()


def test_without_recovery_it_is_refused(world: World) -> None:
    with refused("PointInTimeRecoveryUnavailableException", "orders"):
        ask(world)


def test_a_moment_outside_the_window_is_refused(world: World) -> None:
    switch_on(world)
    began = world.clock.now()
    world.clock.advance(600)
    for moment in (began - timedelta(seconds=1), world.clock.now() - timedelta(seconds=299)):
        with refused("InvalidExportTimeException"):
            ask(world, ExportTime=moment)
    assert ask(world, ExportTime=began)["ExportTime"] == began


def test_a_token_is_one_export_for_eight_hours(world: World) -> None:
    switch_on(world)
    first = ask(world, ClientToken="t")["ExportArn"]
    assert ask(world, ClientToken="t")["ExportArn"] == first
    with refused("ExportConflictException"):
        ask(world, ClientToken="t", S3Prefix="elsewhere")
    world.clock.advance(8 * 3600)
    assert ask(world, ClientToken="t")["ExportArn"] != first


def test_only_so_many_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    switch_on(world)
    ask(world)
    ask(world)
    with refused("LimitExceededException", "2 exports"):
        ask(world)
    world.clock.advance(SECONDS)
    ask(world)


def test_only_so_many_bytes_at_once(world: World) -> None:
    switch_on(world)
    world.set_table("orders", size_bytes=60 << 40)
    ask(world)
    with refused("LimitExceededException", "100 TB"):
        ask(world)


def test_a_table_that_is_not_there(world: World) -> None:
    with refused("TableNotFoundException"):
        ask(world, TableArn=f"{ARN}x")
    with refused("ExportNotFoundException"):
        describe(world, f"{ARN}/export/01234567890123-12345678")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"S3Bucket": "none-such"}, "S3NoSuchBucket"),
        ({"S3BucketOwner": "999999999999"}, "S3AccessDenied"),
    ],
)
def test_a_bucket_that_refuses_fails_it(world: World, more: dict[str, Any], code: str) -> None:
    switch_on(world)
    begun = ask(world, **more)
    world.clock.advance(60)
    told = describe(world, begun["ExportArn"])
    assert (told["ExportStatus"], told["FailureCode"]) == ("FAILED", code)


def test_it_is_encrypted_as_asked(world: World) -> None:
    switch_on(world)
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    begun = ask(world, S3SseAlgorithm="KMS", S3SseKmsKeyId=key)
    world.clock.advance(SECONDS)
    manifest = describe(world, begun["ExportArn"])["ExportManifest"]
    head = world.client("s3").head_object(Bucket=BUCKET, Key=manifest)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def test_exports_are_listed_newest_first_by_the_page(world: World) -> None:
    switch_on(world)
    made = []
    for _ in range(3):
        made.append(ask(world)["ExportArn"])
        world.clock.advance(1)
    with checked(world.client("dynamodb")) as client:
        first = client.list_exports(TableArn=ARN, MaxResults=2)
        rest = client.list_exports(MaxResults=2, NextToken=first["NextToken"])
    listed = [one["ExportArn"] for page in (first, rest) for one in page["ExportSummaries"]]
    assert listed == made[::-1]


def test_it_needs_the_rights_to_write(world: World) -> None:
    switch_on(world)
    world.iam_enforced = True
    role = make_role(world, "backup", allow("dynamodb:*"), allow("s3:PutObject"))
    client = world.client("dynamodb", role_arn=role)
    with refused("AccessDeniedException", "s3:AbortMultipartUpload"):
        client.export_table_to_point_in_time(TableArn=ARN, S3Bucket=BUCKET)
