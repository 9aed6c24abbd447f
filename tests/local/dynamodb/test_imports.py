"""ImportTable as it is documented: what moto's lacks or does otherwise."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.dynamodb.imports import ACTIVE, APPEARS, SECONDS
from local.world import World
from tests.support.aws_world import (
    ACCOUNT,
    allow,
    checked,
    describe,
    in_process,
    make_role,
    make_table,
    refused,
)

BUCKET = "backups"
INDEX = {
    "IndexName": "by-n",
    "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
DATA = "night/AWSDynamoDB/1/data/"


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        made.client("s3").create_bucket(Bucket=BUCKET)
        yield made


def line(pk: str, **more: Any) -> str:
    return json.dumps({"Item": {"pk": {"S": pk}, **more}}) + "\n"


def put(world: World, name: str, text: str, compressed: bool = True) -> None:
    body = gzip.compress(text.encode()) if compressed else text.encode()
    world.client("s3").put_object(Bucket=BUCKET, Key=name, Body=body)


def ask(**more: Any) -> dict[str, Any]:
    given = {
        "S3BucketSource": {"S3Bucket": BUCKET, "S3KeyPrefix": DATA},
        "InputFormat": "DYNAMODB_JSON",
        "InputCompressionType": "GZIP",
        "TableCreationParameters": {
            "TableName": "back",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    }
    return given | more


def start(world: World, **more: Any) -> str:
    with checked(world.client("dynamodb")) as client:
        answer = client.import_table(**ask(**more))["ImportTableDescription"]
    assert answer["ImportStatus"] == "IN_PROGRESS"
    return str(answer["ImportArn"])


def look(world: World, arn: str) -> dict[str, Any]:
    with checked(world.client("dynamodb")) as client:
        found: dict[str, Any] = client.describe_import(ImportArn=arn)["ImportTableDescription"]
    return found


def items(world: World, name: str = "back") -> list[dict[str, Any]]:
    found = world.client("dynamodb").scan(TableName=name)["Items"]
    return sorted(found, key=lambda item: item["pk"]["S"])


def test_the_table_is_creating_until_all_is_read(world: World) -> None:
    put(world, f"{DATA}1.json.gz", line("a") + line("b"))
    put(world, f"{DATA}2.json.gz", line("c", e={"L": []}))
    put(world, f"{DATA}3.json.gz", "")
    arn = start(world)
    with refused("ResourceNotFoundException"):
        describe(world, "back")
    assert look(world, arn)["TableArn"].endswith(":table/back")
    world.clock.advance(APPEARS)
    assert describe(world, "back")["TableStatus"] == "CREATING"
    assert describe(world, "back")["TableId"] == look(world, arn)["TableId"]
    with refused("ResourceNotFoundException"):
        world.client("dynamodb").scan(TableName="back")
    world.clock.advance(ACTIVE - APPEARS)
    assert describe(world, "back")["TableStatus"] == "ACTIVE"
    assert look(world, arn)["ImportStatus"] == "IN_PROGRESS"
    world.clock.advance(SECONDS - ACTIVE)
    found = look(world, arn)
    assert (found["ImportStatus"], found["ErrorCount"]) == ("COMPLETED", 0)
    assert (found["ProcessedItemCount"], found["ImportedItemCount"]) == (3, 3)
    assert found["ProcessedSizeBytes"] == len(line("a") * 2 + line("c", e={"L": []}))
    assert (found["EndTime"] - found["StartTime"]).total_seconds() == SECONDS
    assert describe(world, "back")["TableStatus"] == "ACTIVE"
    assert items(world)[2] == {"pk": {"S": "c"}, "e": {"L": []}}


def test_every_object_below_the_prefix_is_read(world: World) -> None:
    """An orphan too: what it holds replaces items, and nothing tells of it."""
    put(world, f"{DATA}1.json.gz", line("a", v={"N": "1"}))
    put(world, f"{DATA}old/9.json.gz", line("a", v={"N": "2"}))
    arn = start(world)
    world.clock.advance(SECONDS)
    found = look(world, arn)
    assert (found["ImportStatus"], found["ImportedItemCount"]) == ("COMPLETED", 2)
    assert items(world) == [{"pk": {"S": "a"}, "v": {"N": "2"}}]


@pytest.mark.parametrize(
    ("bad", "processed"),
    [
        ('{"Item": {"pk": {"N": "1"}}}', 3),
        ('{"Item": {"other": {"S": "x"}}}', 3),
        ('{"Item": {"pk": {"S": ""}}}', 3),
        ('{"Item": {"pk": {"S": "x"}, "two": {"S": "1", "N": "1"}}}', 3),
        (line("x", big={"S": "x" * 410_000}).strip(), 3),
        # malformed: the rest of the object is left out
        ("no json", 2),
        ('{"pk": {"S": "x"}}', 2),
    ],
)
def test_what_is_no_item_is_counted_and_the_rest_is_there(
    world: World, bad: str, processed: int
) -> None:
    put(world, f"{DATA}1.json.gz", f"{line('a')}{bad}\n{line('b')}")
    arn = start(world)
    world.clock.advance(SECONDS)
    found = look(world, arn)
    assert (found["ImportStatus"], found["FailureCode"]) == ("FAILED", "ItemValidationError")
    assert (found["ErrorCount"], found["ProcessedItemCount"]) == (1, processed)
    assert ":log-group:/aws-dynamodb/imports:" in found["CloudWatchLogGroupArn"]
    assert len(items(world)) == found["ImportedItemCount"] == processed - 1


def test_a_file_that_is_not_compressed_as_said(world: World) -> None:
    put(world, f"{DATA}1.json", line("a"), compressed=False)
    arn = start(world)
    world.clock.advance(SECONDS)
    assert look(world, arn)["ErrorCount"] == 1


def test_without_compression(world: World) -> None:
    put(world, f"{DATA}1.json", line("a"), compressed=False)
    arn = start(world, InputCompressionType="NONE")
    world.clock.advance(SECONDS)
    assert look(world, arn)["ImportStatus"] == "COMPLETED"


def test_an_index_and_limits_are_made(world: World) -> None:
    put(world, f"{DATA}1.json.gz", line("a", n={"N": "1.0"}))
    asked = ask()["TableCreationParameters"]
    asked["AttributeDefinitions"].append({"AttributeName": "n", "AttributeType": "N"})
    asked |= {"GlobalSecondaryIndexes": [INDEX], "OnDemandThroughput": {"MaxReadRequestUnits": 9}}
    start(world, TableCreationParameters=asked)
    world.clock.advance(SECONDS)
    table = describe(world, "back")
    assert [each["IndexName"] for each in table["GlobalSecondaryIndexes"]] == ["by-n"]
    assert table["OnDemandThroughput"]["MaxReadRequestUnits"] == 9
    assert items(world)[0]["n"] == {"N": "1"}


def test_a_table_that_exists_is_refused(world: World) -> None:
    make_table(world, "back")
    with refused("ResourceInUseException", "already exists"):
        world.client("dynamodb").import_table(**ask())


def test_a_token_is_answered_with_its_import(world: World) -> None:
    """Whatever else is asked, and after its table is gone; but another name is a conflict."""
    put(world, f"{DATA}1.json.gz", line("a"))
    first = start(world, ClientToken="t")
    assert start(world, ClientToken="t") == first
    assert start(world, ClientToken="t", InputCompressionType="NONE") == first
    other = ask()["TableCreationParameters"] | {"TableName": "other"}
    client = world.client("dynamodb")
    with refused("ImportConflictException"):
        client.import_table(**ask(ClientToken="t", TableCreationParameters=other))
    world.clock.advance(SECONDS)
    with refused("ResourceInUseException"):
        client.import_table(**ask(ClientToken="t"))
    client.delete_table(TableName="back")
    again = client.import_table(**ask(ClientToken="t"))["ImportTableDescription"]
    assert (again["ImportArn"], again["ImportStatus"]) == (first, "COMPLETED")


def test_two_imports_of_one_name_begin_and_one_fails(world: World) -> None:
    put(world, f"{DATA}1.json.gz", line("a"))
    first, second = start(world), start(world)
    assert first != second
    world.clock.advance(SECONDS)
    assert look(world, first)["ImportStatus"] == "COMPLETED"
    assert look(world, second)["FailureCode"] == "TableAlreadyExists"
    assert len(items(world)) == 1


@pytest.mark.parametrize("how", ["deleted", "overwritten"])
def test_what_changes_while_it_is_read_is_an_error(world: World, how: str) -> None:
    for number in range(2):
        put(world, f"{DATA}{number}.json.gz", line(f"{number}"))
    arn = start(world)
    world.clock.advance(APPEARS)
    if how == "deleted":
        world.client("s3").delete_object(Bucket=BUCKET, Key=f"{DATA}0.json.gz")
    else:
        put(world, f"{DATA}0.json.gz", line("other"))
    world.clock.advance(SECONDS)
    found = look(world, arn)
    assert (found["ImportStatus"], found["ErrorCount"]) == ("FAILED", 1)
    assert len(items(world)) == 1


def test_nothing_below_the_prefix_is_an_empty_table(world: World) -> None:
    arn = start(world)
    world.clock.advance(SECONDS)
    assert look(world, arn)["ImportStatus"] == "COMPLETED"
    assert items(world) == []


def test_imports_are_listed_newest_first(world: World) -> None:
    client = world.client("dynamodb")
    other = ask()["TableCreationParameters"] | {"TableName": "other"}
    arns = [start(world), start(world, TableCreationParameters=other)]
    with checked(client):
        found = client.list_imports()["ImportSummaryList"]
    assert [one["ImportArn"] for one in found] == arns[::-1]
    assert {one["ImportStatus"] for one in found} == {"IN_PROGRESS"}
    world.clock.advance(SECONDS)
    (one,) = client.list_imports(TableArn=found[0]["TableArn"])["ImportSummaryList"]
    assert (one["ImportArn"], one["ImportStatus"]) == (arns[1], "COMPLETED")


def test_lists_have_pages(world: World) -> None:
    arns = set()
    for number in range(3):
        asked = ask()["TableCreationParameters"] | {"TableName": f"back-{number}"}
        arns.add(start(world, TableCreationParameters=asked))
    world.clock.advance(SECONDS)
    found, more = set(), dict[str, Any]()
    with checked(world.client("dynamodb")) as client:
        for _ in range(3):
            page = client.list_imports(PageSize=1, **more)
            (one,) = page["ImportSummaryList"]
            found.add(one["ImportArn"])
            more = {"NextToken": page.get("NextToken")}
    assert found == arns
    assert more == {"NextToken": None}


def test_no_such_bucket_and_no_such_import(world: World) -> None:
    source = {"S3Bucket": "gone", "S3KeyPrefix": DATA}
    arn = start(world, S3BucketSource=source)
    world.clock.advance(10)
    assert look(world, arn)["FailureCode"] == "S3NoSuchBucket"
    world.clock.advance(SECONDS)
    with refused("ResourceNotFoundException"):
        describe(world, "back")
    with refused("ImportNotFoundException"):
        world.client("dynamodb").describe_import(ImportArn=arn + "2")


def test_whoever_may_not_read_the_objects_is_refused() -> None:
    with in_process(enforced=True) as world:
        world.client("s3").create_bucket(Bucket=BUCKET)
        table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/back"
        logs = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws-dynamodb/*"
        actions = [
            allow(
                ["dynamodb:ImportTable", "dynamodb:DescribeImport"], [table, f"{table}/import/*"]
            ),
            allow("logs:*", logs),
            allow("logs:DescribeLogGroups", "*"),
            allow("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"),
        ]
        role = make_role(world, "half", *actions)
        with refused("AccessDeniedException", "s3:GetObject"):
            world.client("dynamodb", role_arn=role).import_table(**ask())
        objects = allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/{DATA}*")
        client = world.client("dynamodb", role_arn=make_role(world, "whole", *actions, objects))
        arn = client.import_table(**ask())["ImportTableDescription"]["ImportArn"]
        world.clock.advance(SECONDS)
        found = client.describe_import(ImportArn=arn)["ImportTableDescription"]
        assert found["ImportStatus"] == "COMPLETED"


def test_imports_are_listed_by_whoever_may_list_all_of_them() -> None:
    with in_process(enforced=True) as world:
        table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/back"
        of_one = make_role(world, "one", allow("dynamodb:ListImports", [table, f"{table}/*"]))
        with refused("AccessDeniedException", "dynamodb:ListImports"):
            world.client("dynamodb", role_arn=of_one).list_imports(TableArn=table)
        of_all = make_role(world, "all", allow("dynamodb:ListImports", "*"))
        client = world.client("dynamodb", role_arn=of_all)
        assert client.list_imports(TableArn=table)["ImportSummaryList"] == []


def test_who_imports_needs_the_key_of_the_bucket() -> None:
    with in_process(enforced=True) as world:
        s3, key = world.client("s3"), world.client("kms").create_key()["KeyMetadata"]["Arn"]
        s3.create_bucket(Bucket=BUCKET)
        by_key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rules = [{"ApplyServerSideEncryptionByDefault": by_key}]
        s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": rules})
        allowed = [allow([f"{name}:*" for name in ("dynamodb", "s3", "logs")], "*")]
        with refused("AccessDeniedException", "kms:Decrypt"):
            role = make_role(world, "keyless", *allowed)
            world.client("dynamodb", role_arn=role).import_table(**ask())
        role = make_role(world, "keyed", *allowed, allow("kms:Decrypt", key))
        world.client("dynamodb", role_arn=role).import_table(**ask())
