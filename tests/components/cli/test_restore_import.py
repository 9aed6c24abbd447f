"""`--via import` on the local AWS: what is read, converted, followed, refused."""

from __future__ import annotations

import errno
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from hippolyte.exports import native as form
from hippolyte.exports import reader
from hippolyte.exports.lines import Item
from hippolyte.exports.place import Folder, Prefix
from hippolyte.exports.reader import Backup, FormatError
from hippolyte.store import Store
from hippolyte_cli.restore import import_source
from hippolyte_cli.restore.definition import TablePlan, plan_of
from hippolyte_cli.restore.import_source import NotImportedError, convert, source_of
from hippolyte_cli.restore.importing import Imported, Progress, import_table
from hippolyte_cli.restore.make import NotMadeError
from hippolyte_cli.restore.settings import put_back
from hippolyte_cli.troubles import remedied
from local.world import World
from tests.support.aws_world import ACCOUNT, allow, describe, in_process, make_role, make_table
from tests.support.exports import native_export, tool_export
from tests.support.restores import waits

BUCKET, NIGHT, SCRATCH = "backups", "nights/1/orders/", "scratch/back/"
ITEMS: list[Item] = [
    {
        "pk": {"S": f'order "{n}"\n\u00e9\U0001f600'},
        "n": {"N": f"{n}.25"},
        "big": {"N": "99999999999999999999999999999999999999"},
        "b": {"B": "AAH/"},
        "none": {"NULL": True},
        "lists": {"L": [{"L": []}, {"M": {}}, {"BOOL": False}]},
        "sets": {"SS": ["a", "b"]},
    }
    for n in range(10)
]

# as the low-level client has them
STORED = [{**item, "b": {"B": b"\x00\x01\xff"}} for item in ITEMS]


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        made.client("s3").create_bucket(Bucket=BUCKET)
        yield made


def store(world: World) -> Store:
    return Store(world.client("s3"), BUCKET)


def lay(world: World, files: dict[str, bytes]) -> Backup:
    for name, body in files.items():
        world.client("s3").put_object(Bucket=BUCKET, Key=NIGHT + name, Body=body)
    return reader.find(Prefix(store(world), NIGHT))


def native(world: World) -> Backup:
    return lay(world, native_export([ITEMS[:4], [], ITEMS[4:]]))


def of_the_tool(world: World) -> Backup:
    return lay(world, tool_export(STORED))


def plan(marker: str = "this", **more: Any) -> TablePlan:
    definition = {
        "TableName": "orders",
        "TableArn": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        **more,
    }
    tags = {"ListTagsOfResource": [{"Tags": [{"Key": "team", "Value": "x"}]}]}
    settings = {"form": 1, "raised": None, "answers": tags, "unread": {}}
    return plan_of(definition, settings, "back", marker=marker)


def scratch(world: World) -> Prefix:
    return Prefix(store(world), SCRATCH)


def bring_back(world: World, backup: Backup, client: Any = None, **more: Any) -> Imported:
    asked = more.pop("plan", plan())
    patience = more.pop("waits", waits(world))
    client = client or world.client("dynamodb")
    source = source_of(asked, backup, scratch(world))
    return import_table(client, asked, backup, source, patience, **more)


def items(world: World) -> list[Any]:
    found = world.client("dynamodb").scan(TableName="back")["Items"]
    return sorted(found, key=lambda item: float(item["n"]["N"]))


def lying(world: World, prefix: str) -> list[str]:
    return sorted(store(world).names(prefix))


def same(world: World) -> bool:
    found = items(world)
    for item in found:
        item["sets"]["SS"].sort()
    return found == STORED


def test_a_native_backup_is_read_where_it_lies(world: World) -> None:
    before = lying(world, "")
    backup = native(world)
    source = source_of(plan(), backup, scratch(world))
    assert source.place.prefix == f"{NIGHT}AWSDynamoDB/01-ab/data/"
    assert (source.compression, source.items) == ("GZIP", 10)
    there = lying(world, "")
    steps: list[Progress] = []
    done = bring_back(world, backup, progress=steps.append)
    assert (done.items, done.table["TableStatus"]) == (10, "ACTIVE")
    assert same(world)
    assert lying(world, "") == there != before
    assert {step.doing for step in steps} == {"importing"}
    assert steps[0].of == 10


def test_uncompressed_native_files(world: World) -> None:
    files = native_export([ITEMS])
    plain = {}
    for name, body in files.items():
        if name.endswith(".json.gz"):
            name, body = name.removesuffix(".gz"), gzip.decompress(body)
        plain[name] = body.replace(b".json.gz", b".json")
    at = "AWSDynamoDB/01-ab/manifest-files.json"
    (one,) = form.parse_files(plain[at])
    data = plain["AWSDynamoDB/01-ab/data/0.json"]
    listed = form.DataFile(one.key, one.items, form.checksum(data), one.etag)
    plain[at] = form.files_bytes([listed])
    backup = lay(world, plain)
    assert source_of(plan(), backup, scratch(world)).compression == "NONE"
    assert bring_back(world, backup).items == 10
    assert same(world)


@pytest.mark.parametrize("compress", [False, True])
def test_an_export_of_the_tool_is_converted(world: World, compress: bool) -> None:
    backup = lay(world, tool_export(STORED, compress=compress))
    before = lying(world, "")
    steps: list[Progress] = []
    done = bring_back(world, backup, progress=steps.append)
    assert done.items == 10
    assert same(world)
    assert lying(world, "") == before, "the scratch files are removed"
    assert steps[0] == Progress("converting", 10, None)
    assert steps[-1].of == 10


def test_a_backup_on_this_machine_is_converted_to_the_bucket(world: World, tmp_path: Path) -> None:
    for name, body in native_export([ITEMS]).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    assert bring_back(world, reader.find(Folder(tmp_path))).items == 10
    assert same(world)
    assert lying(world, SCRATCH) == []


def test_an_empty_backup(world: World) -> None:
    """Not of the tool: it begins no file without an item, so there is nothing to read at all."""
    backup = lay(world, native_export([[]]))
    assert bring_back(world, backup).items == 0


def test_the_conversion_cuts_its_files(world: World) -> None:
    said: list[int] = []
    assert convert(of_the_tool(world), scratch(world), items_a_file=4, told=said.append) == 10
    assert lying(world, SCRATCH) == ["000001.json.gz", "000002.json.gz", "000003.json.gz"]
    assert said == [4, 8, 10, 10]
    sizes = [
        gzip.decompress(scratch(world).open(name).read(1 << 20)).count(b"\n")
        for name in lying(world, SCRATCH)
    ]
    assert sizes == [4, 4, 2]
    assert convert(of_the_tool(world), scratch(world), items_a_file=5) == 10
    assert len(lying(world, SCRATCH)) == 2, "what an earlier one left is gone"


def test_more_files_than_an_import_takes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_source, "OBJECTS", 2)
    assert convert(of_the_tool(world), scratch(world), items_a_file=5) == 10
    with pytest.raises(NotImportedError, match=r"more than 2 files of 4 items.*--via put"):
        convert(of_the_tool(world), scratch(world), items_a_file=4)


def test_no_room_on_this_machine(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(import_source, "_write", full)
    with pytest.raises(NotImportedError, match=r"No space left.*TMPDIR"):
        bring_back(world, of_the_tool(world))
    assert lying(world, SCRATCH) == []


def test_half_a_backup_leaves_nothing(world: World) -> None:
    files = tool_export(STORED)
    name = next(name for name in files if name != "manifest")
    files[name] += b"no json\n"
    with pytest.raises(FormatError, match=name):
        bring_back(world, lay(world, files))
    assert lying(world, SCRATCH) == []
    assert world.client("dynamodb").list_tables()["TableNames"] == []


def test_an_object_that_the_manifest_does_not_list(world: World) -> None:
    backup = native(world)
    orphan = f"{NIGHT}AWSDynamoDB/01-ab/data/left/over.json.gz"
    world.client("s3").put_object(Bucket=BUCKET, Key=orphan, Body=b"")
    with pytest.raises(NotImportedError, match=r"holds left/over\.json\.gz.*--via put"):
        bring_back(world, backup)


def test_a_scratch_prefix_with_something_else(world: World) -> None:
    world.client("s3").put_object(Bucket=BUCKET, Key=f"{SCRATCH}mine.txt", Body=b"x")
    with pytest.raises(NotImportedError, match=r"holds mine\.txt, which is no scratch file"):
        bring_back(world, of_the_tool(world))
    with pytest.raises(NotImportedError, match="no prefix for scratch"):
        source_of(plan(), of_the_tool(world), Prefix(store(world), ""))
    assert lying(world, SCRATCH) == ["mine.txt"]


def test_a_local_index_is_refused_with_the_way_out(world: World) -> None:
    local = {
        "IndexName": "by-n-here",
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "n", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "ALL"},
    }
    with pytest.raises(NotImportedError, match="by-n-here: use --via put"):
        bring_back(world, native(world), plan=plan(LocalSecondaryIndexes=[local]))


def test_indexes_and_what_comes_after(world: World) -> None:
    index = {
        "IndexName": "by-n",
        "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
    }
    asked = plan(
        GlobalSecondaryIndexes=[index],
        TableClassSummary={"TableClass": "STANDARD_INFREQUENT_ACCESS"},
        DeletionProtectionEnabled=True,
    )
    done = bring_back(world, native(world), plan=asked)
    dynamodb, scaling = world.client("dynamodb"), world.client("application-autoscaling")
    assert put_back(dynamodb, scaling, "back", asked.after_import, waits(world)) == []
    table = describe(world, "back")
    assert [each["IndexName"] for each in table["GlobalSecondaryIndexes"]] == ["by-n"]
    assert table["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert table["DeletionProtectionEnabled"] is True
    tags = dynamodb.list_tags_of_resource(ResourceArn=done.table["TableArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "x"}]


def bad(world: World) -> Backup:
    """Return a backup with an item that has another key than the table."""
    other: Item = {"pk": {"N": "1"}, "n": {"N": "0"}}
    return lay(world, native_export([[*ITEMS[1:], other]]))


def test_one_error_is_a_failure(world: World) -> None:
    with pytest.raises(NotImportedError) as refused:
        bring_back(world, bad(world))
    message = str(refused.value)
    for words in (
        "FAILED with 1 errors: 9 of 10 items are in back",
        "ItemValidationError",
        ":log-group:/aws-dynamodb/imports:*",
        "--only-missing",
    ):
        assert words in message
    # as it is asked for again
    with pytest.raises(NotImportedError, match="9 of 10 items"):
        bring_back(world, bad(world))


def test_after_a_failure_the_table_is_deleted_and_made_again(world: World) -> None:
    with pytest.raises(NotImportedError):
        bring_back(world, bad(world))
    world.client("dynamodb").delete_table(TableName="back")
    assert bring_back(world, native(world)).items == 10


def test_fewer_items_than_the_manifest_says(world: World) -> None:
    """What the service counts is compared, whatever it calls the end."""
    backup = native(world)
    source = source_of(plan(), backup, scratch(world))
    more = import_source.Source(source.place, source.compression, 11)
    with pytest.raises(NotImportedError, match="COMPLETED with 0 errors: 10 of 11 items"):
        import_table(world.client("dynamodb"), plan(), backup, more, waits(world))


def test_somebodys_table_after_an_import_of_the_same(world: World) -> None:
    backup = native(world)
    bring_back(world, backup)
    world.client("dynamodb").delete_table(TableName="back")
    make_table(world, "back")
    with pytest.raises(NotMadeError, match="a table back exists, and no import"):
        bring_back(world, backup)


def test_files_in_several_folders_are_converted(world: World) -> None:
    """ImportTable takes one prefix; a copy may have laid a file elsewhere."""
    files = native_export([ITEMS[:4], ITEMS[4:]])
    files["AWSDynamoDB/data/1.json.gz"] = files.pop("AWSDynamoDB/01-ab/data/1.json.gz")
    backup = lay(world, files)
    assert source_of(plan(), backup, scratch(world)).items is None
    assert bring_back(world, backup).items == 10
    assert same(world)


def test_more_files_than_an_import_takes_are_converted_to_fewer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_source, "OBJECTS", 2)
    assert bring_back(world, native(world)).items == 10
    assert same(world)


def test_another_import_that_takes_the_name_meanwhile(world: World) -> None:
    files = native_export([ITEMS])
    elsewhere = Prefix(store(world), "elsewhere/")
    for name, body in files.items():
        world.client("s3").put_object(Bucket=BUCKET, Key=elsewhere.prefix + name, Body=body)
    other = reader.find(elsewhere)
    source = source_of(plan(), other, scratch(world))
    with pytest.raises(NotMadeError, match="has not ended"):
        import_table(world.client("dynamodb"), plan(), other, source, waits(world, 0))
    with pytest.raises(NotMadeError, match="took the name back meanwhile"):
        bring_back(world, of_the_tool(world))
    assert lying(world, SCRATCH) == []


def test_somebodys_table_is_left_alone(world: World) -> None:
    make_table(world, "back")
    with pytest.raises(NotMadeError, match=r"a table back exists, and no import.*--into"):
        bring_back(world, of_the_tool(world))
    assert lying(world, SCRATCH) == []


@pytest.mark.parametrize("make", [native, of_the_tool])
@pytest.mark.parametrize("seconds", [0, 60])
def test_an_import_that_takes_too_long_is_gone_on_with(
    world: World, make: Callable[[World], Backup], seconds: int
) -> None:
    """Also in its first half minute, when its table is not there."""
    backup, said = make(world), list[str]()
    with pytest.raises(NotMadeError, match=rf"not ended after {seconds} s: run the same command"):
        bring_back(world, backup, waits=waits(world, seconds, said.append))
    is_converted = make is of_the_tool
    assert bool(lying(world, SCRATCH)) is is_converted, "the import reads it still"
    assert any("may still read" in each for each in said) is is_converted
    arn = bring_back(world, backup).arn
    assert same(world)
    assert lying(world, SCRATCH) == []
    # and once more, as after a kill behind the import
    assert bring_back(world, backup).arn == arn
    assert world.gate.calls["dynamodb:ImportTable"] == 1


class Odd:
    """A client of which calls fail."""

    def __init__(self, client: Any, **errors: list[Exception]) -> None:
        self._client, self._errors = client, errors

    def __getattr__(self, name: str) -> Any:
        errors = self._errors.get(name, [])

        def call(**asked: Any) -> Any:
            if errors:
                raise errors.pop(0)
            return getattr(self._client, name)(**asked)

        return call


def refusal(code: str, message: str) -> ClientError:
    error: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return ClientError(error, "ImportTable")


def test_too_many_imports_are_waited_for(world: World) -> None:
    busy = refusal("LimitExceededException", "Only 50 imports can be in progress")
    client = Odd(world.client("dynamodb"), import_table=[busy])
    said: list[str] = []
    patience = waits(world, told=said.append)
    assert bring_back(world, native(world), client, waits=patience).items == 10
    assert said == [f"the import cannot begin yet: {remedied(busy)}"]
    assert "Only 50 imports" in said[0]


def test_a_refusal_is_told_and_leaves_nothing(world: World) -> None:
    no = refusal("LimitExceededException", "There is a limit of 2500 tables per subscriber")
    client = Odd(world.client("dynamodb"), import_table=[no])
    with pytest.raises(NotImportedError, match="2500 tables per subscriber"):
        bring_back(world, of_the_tool(world), client)
    assert lying(world, SCRATCH) == []


def test_a_network_that_fails_while_the_import_is_followed(world: World) -> None:
    gone = ReadTimeoutError(endpoint_url="https://dynamodb")
    client = Odd(world.client("dynamodb"), describe_import=[gone])
    assert bring_back(world, native(world), client).items == 10


def test_an_answer_that_is_lost_keeps_what_is_read(world: World) -> None:
    gone = ReadTimeoutError(endpoint_url="https://dynamodb")
    client = Odd(world.client("dynamodb"), import_table=[gone])
    said: list[str] = []
    with pytest.raises(ReadTimeoutError):
        bring_back(world, of_the_tool(world), client, waits=waits(world, told=said.append))
    assert "may still read" in said[-1]
    assert lying(world, SCRATCH) != []
    assert bring_back(world, of_the_tool(world)).items == 10
    assert lying(world, SCRATCH) == []


def test_scratch_files_that_cannot_be_removed_are_told(world: World) -> None:
    world.gate.denied.append(("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/{SCRATCH}*"))
    said: list[str] = []
    backup = of_the_tool(world)
    assert bring_back(world, backup, waits=waits(world, told=said.append)).items == 10
    assert said[-1].startswith(f"s3://{BUCKET}/{SCRATCH} is left, remove it: ")


def test_rights_that_are_missing_are_named() -> None:
    with in_process(enforced=True) as world:
        world.client("s3").create_bucket(Bucket=BUCKET)
        backup = native(world)
        role = make_role(world, "reader", allow(["dynamodb:Describe*", "dynamodb:List*"]))
        client = world.client("dynamodb", role_arn=role)
        with pytest.raises(NotImportedError, match=r"with your own rights: dynamodb:ImportTable"):
            bring_back(world, backup, client)
