"""From "the table is gone" to "it is back": after a night, by the command alone."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from local.core.call import Call, refusal
from tests.support.commands import command, deploy
from tests.support.documents import commands_of
from tests.support.harness import ACCOUNT, RUN, NightDriver

NEW = "orders-restored"


@pytest.fixture(autouse=True)
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))
    return tmp_path


def items(night: NightDriver, table: str) -> dict[str, Any]:
    found = night.world.client("dynamodb").scan(TableName=table)["Items"]
    return {item["pk"]["S"]: item for item in found}


def backed_up(night: NightDriver, count: int = 60) -> dict[str, Any]:
    """Return what was in the table orders at a night's time."""
    deploy(night)
    night.table("orders", items=count)
    night.night()
    return items(night, "orders")


@pytest.mark.both
def test_a_table_that_is_gone_is_back(night: NightDriver) -> None:
    before = backed_up(night)
    night.world.client("dynamodb").delete_table(TableName="orders")
    night.world.clock.advance(60)

    said = command("restore", "orders", "--to", "orders", "--yes")
    assert said.exit_code == 0, said.output
    assert "Restored: 60 items in orders." in said.output
    assert items(night, "orders") == before
    assert f"orders of {RUN}: 60 items" in said.output


@pytest.mark.both
def test_a_backup_beside_the_live_table_is_what_it_was(night: NightDriver) -> None:
    before = backed_up(night)
    night.world.client("dynamodb").delete_item(TableName="orders", Key={"pk": {"S": "orders#3"}})

    said = command("restore", "orders", "--to", NEW, "--at", RUN)
    assert said.exit_code == 0, said.output
    assert items(night, NEW) == before
    assert len(items(night, "orders")) == 59


def test_what_is_missing_or_changed_is_put_back_into_the_live_table(night: NightDriver) -> None:
    before = backed_up(night)
    dynamodb = night.world.client("dynamodb")
    dynamodb.delete_item(TableName="orders", Key={"pk": {"S": "orders#3"}})
    dynamodb.put_item(TableName="orders", Item={"pk": {"S": "orders#4"}, "now": {"S": "other"}})
    dynamodb.put_item(TableName="orders", Item={"pk": {"S": "new"}})

    said = command("restore", "orders", "--into", "orders", "--only-missing", "--dry-run")
    assert said.exit_code == 0, said.output
    assert "1 item would be new, 59 are there and stay as they are." in said.output
    # 100 read units, of which half is taken
    assert (
        "Each item's like in the table is read: 60 read units or more, at 50 a second: about 1 "
        "second." in said.output
    )
    assert "Nothing was changed." in said.output and "orders#3" not in items(night, "orders")
    refused = command("restore", "orders", "--into", "orders", "--only-missing")
    assert refused.exit_code == 2 and "say --yes" in refused.output

    said = command("restore", "orders", "--into", "orders", "--only-missing", "--yes")
    assert said.exit_code == 0, said.output
    assert "Restored: 60 items, 1 written in orders." in said.output
    assert "like in the table is read: 60 read units" in said.output
    now = items(night, "orders")
    assert now["orders#3"] == before["orders#3"] and now["orders#4"]["now"] == {"S": "other"}

    said = command("restore", "orders", "--into", "orders", "--only-changed", "--dry-run")
    assert "0 items would be new, 1 would be changed, 59 are the same." in said.output
    said = command("restore", "orders", "--into", "orders", "--only-changed", "--yes")
    assert said.exit_code == 0 and "1 written" in said.output, said.output
    assert items(night, "orders") == {**before, "new": {"pk": {"S": "new"}}}


def test_a_part_of_a_backup(night: NightDriver, tmp_path: Path) -> None:
    before = backed_up(night)
    keys = tmp_path / "keys"
    keys.write_text('{"pk": "orders#1"}\n\n{"pk": {"S": "orders#2"}}\n')
    said = command("restore", "orders", "--to", NEW, "--keys", keys)
    assert said.exit_code == 0, said.output
    assert items(night, NEW) == {name: before[name] for name in ("orders#1", "orders#2")}
    said = command("restore", "orders", "--to", "some", "--where", 'pk begins_with "orders#1"')
    assert said.exit_code == 0, said.output
    assert set(items(night, "some")) == {n for n in before if n.startswith("orders#1")}


@pytest.mark.both
def test_by_import(night: NightDriver) -> None:
    before = backed_up(night)
    said = command("restore", "orders", "--to", NEW, "--via", "import")
    assert said.exit_code == 0, said.output
    assert items(night, NEW) == before
    assert "By ImportTable" in said.output
    assert not [key for key in night.keys("") if key.startswith("restores/")]


def test_an_import_that_is_whole_is_not_done_again(night: NightDriver) -> None:
    dynamodb = night.world.client("dynamodb")
    deploy(night)
    night.table("orders", items=60)
    arn = dynamodb.describe_table(TableName="orders")["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "x"}])
    past = str(int(night.world.clock.now().timestamp()) - 86400)
    dynamodb.put_item(TableName="orders", Item={"pk": {"S": "old"}, "until": {"N": past}})
    spec: Any = {"Enabled": True, "AttributeName": "until"}
    dynamodb.update_time_to_live(TableName="orders", TimeToLiveSpecification=spec)
    dynamodb.update_table(TableName="orders", DeletionProtectionEnabled=True)
    night.world.clock.advance(60)
    night.night()
    again = ("restore", "orders", "--to", NEW, "--via", "import", "--yes")
    said = command(*again)
    assert said.exit_code == 0 and "  now time to live by until" in said.output, said.output

    changes: list[str] = []
    night.world.before("*", lambda call: changes.append(call.name))
    said = command(*again[:-1])
    assert said.exit_code == 0, said.output
    assert "All of it was done before: nothing is left to do." in said.output
    assert "Restored: 61 items in orders-restored." in said.output
    assert not [name for name in changes if name.partition(":")[2].startswith(("Tag", "Update"))]
    # what is missing by now is put back, and nothing else
    dynamodb.update_table(TableName=NEW, DeletionProtectionEnabled=False)
    night.world.clock.advance(60)
    changes.clear()
    said = command(*again)
    assert said.exit_code == 0, said.output
    assert [name for name in changes if name.partition(":")[2].startswith(("Tag", "Update"))] == [
        "dynamodb:UpdateTable"
    ]
    assert dynamodb.describe_table(TableName=NEW)["Table"]["DeletionProtectionEnabled"]


def test_a_dry_run_says_all_and_does_nothing(night: NightDriver) -> None:
    backed_up(night)
    said = command("restore", "orders", "--to", NEW, "--dry-run")
    assert said.exit_code == 0, said.output
    assert f"Makes the table {NEW}: PROVISIONED, 100 read, 50 write units." in said.output
    assert "60 write units or more, at 50 a second: about 1 second" in said.output
    assert night.world.client("dynamodb").list_tables()["TableNames"] == ["orders"]


def as_json(*arguments: Any, code: int = 0) -> Any:
    """Return the one JSON value on stdout; what is for people is on stderr."""
    result = command("restore", *arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_as_json(night: NightDriver) -> None:
    backed_up(night)
    told = as_json("orders", "--to", NEW, "--dry-run")
    assert told["backup"]["run"] == RUN and told["backup"]["items"] == 60
    assert (told["table"], told["via"], told["mode"]) == (NEW, "put", "all")
    assert (told["write_units"], told["units_a_second"], told["usd"]) == (60, 50, 0)
    assert told["seconds"] == 60 / 50
    assert told["create_table"]["TableName"] == NEW
    assert told["steps"] == ["the tag hippolyte:restoring, this restore's mark, is removed"]
    assert (told["complete"], told["items"], told["would"]) == (None, 0, None)

    told = as_json("orders", "--to", NEW)
    assert (told["complete"], told["items"], told["not_put_back"]) == (True, 60, [])
    night.world.client("dynamodb").delete_item(TableName=NEW, Key={"pk": {"S": "orders#3"}})
    told = as_json("orders", "--into", NEW, "--only-changed", "--dry-run")
    assert told["would"] == {"new": 1, "changed": 0, "same": 59}
    assert told["complete"] is None and told["create_table"] is None
    told = as_json("orders", "--into", NEW, "--only-changed", "--yes")
    assert (told["complete"], told["written"], told["items"]) == (True, 1, 60)
    told = as_json("orders", "--to", "imported", "--via", "import")
    assert (told["complete"], told["items"], told["seconds"]) == (True, 60, None)
    refused = command("restore", "orders", "--to", "orders", "--json")
    assert (refused.exit_code, refused.stdout) == (2, "") and refused.stderr


def test_as_json_what_broke_off(night: NightDriver) -> None:
    backed_up(night)
    told = json.loads(_break_off(night, NEW, "--json").stdout)
    assert told["complete"] is False and "your session has ended" in told["error"]
    assert 0 < told["items"] < 60


def _break_off(night: NightDriver, name: str, *more: str) -> Result:
    """Begin a restore whose session ends before its last items are written."""
    calls = iter(range(9))

    def deny(call: Call) -> None:
        if next(calls) >= 1:
            raise refusal(call, "AccessDeniedException", "your session has ended")

    night.world.before("dynamodb:BatchWriteItem", deny, 3)
    said = command("restore", "orders", "--to", name, *more)
    night.allow_all()
    return said


def test_a_restore_that_broke_off_goes_on(night: NightDriver) -> None:
    before = backed_up(night)
    said = _break_off(night, NEW)
    assert said.exit_code == 1, said.output
    assert "NOT COMPLETE: " in said.output and "your session has ended" in said.output
    assert "The same command goes on where it was." in said.output
    assert 0 < len(items(night, NEW)) < 60
    said = command("restore", "orders", "--to", NEW)
    assert said.exit_code == 0, said.output
    assert items(night, NEW) == before
    arn = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{NEW}"
    assert night.world.client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"] == []


def test_time_to_live_is_not_turned_on_where_items_would_go_unasked(night: NightDriver) -> None:
    dynamodb = night.world.client("dynamodb")
    deploy(night)
    night.table("orders", items=60)
    past = str(int(night.world.clock.now().timestamp()) - 86400)
    dynamodb.put_item(TableName="orders", Item={"pk": {"S": "old"}, "until": {"N": past}})
    spec: Any = {"Enabled": True, "AttributeName": "until"}
    dynamodb.update_time_to_live(TableName="orders", TimeToLiveSpecification=spec)
    night.night()

    said = command("restore", "orders", "--to", NEW)
    assert said.exit_code == 1, said.output
    assert "1 item past the time to live: gone soon after it is turned on." in said.output
    assert "NOT PUT BACK: time to live by until" in said.output
    told = dynamodb.describe_time_to_live(TableName=NEW)["TimeToLiveDescription"]
    assert told["TimeToLiveStatus"] == "DISABLED"
    # the same command puts it back, when that is said
    said = command("restore", "orders", "--to", NEW, "--yes")
    assert said.exit_code == 0, said.output
    told = dynamodb.describe_time_to_live(TableName=NEW)["TimeToLiveDescription"]
    assert told["TimeToLiveStatus"] == "ENABLED"
    # what was written by a run that broke off is counted as well
    _break_off(night, "fourth")
    said = command("restore", "orders", "--to", "fourth")
    assert said.exit_code == 1 and "1 item past the time to live" in said.output, said.output
    for name, via in (("other", "put"), ("third", "import")):
        said = command("restore", "orders", "--to", name, "--via", via, "--yes")
        assert said.exit_code == 0, said.output
        assert "1 item past the time to live" in said.output
        told = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert told["TimeToLiveStatus"] == "ENABLED"


CONTRADICTIONS: list[tuple[list[str], str]] = [
    ([], "Give --to NEW to make a table, or --into TABLE"),
    (["--to", "a", "--into", "b"], "Give --to NEW to make a table, or --into TABLE"),
    (["--to", NEW, "--via", "ftp"], "--via ftp: it is put or import"),
    (["--to", NEW, "--only-missing"], "--only-missing goes with --into"),
    (["--into", "orders", "--only-missing", "--only-changed"], "give one of them"),
    (["--into", "orders", "--on-demand", "--streams"], "--on-demand, --streams: only for a"),
    (["--to", NEW, "--via", "import", "--where", "a = 1"], "an import is of all items"),
    (["--to", NEW, "--via", "import", "--rate", "5"], "an import takes no write capacity"),
    (["--to", NEW, "--where", "a ~ 1"], "a condition is ATTRIBUTE OP VALUE"),
    (["--to", NEW, "--where", "a = x"], "x is no JSON"),
    (["--to", NEW, "--where", "a = [1]"], "a map or list is not compared"),
    (["--to", NEW, "--where", "a begins_with 1"], "begins_with wants a text"),
    (["--to", NEW, "--where", "a < true"], "< wants a number or a text"),
    (["--to", NEW, "--keys", "/none"], "--keys /none cannot be read: No such file"),
    (["--into", "none"], "there is no table none in us-east-1: --to makes one"),
    (["--into", "other"], "other has the key id (HASH), the backup pk (HASH)"),
    (["--to", NEW, "--at", "2026-01-01"], "no backup of orders was begun by 2026-01-01"),
    (["--to", NEW, "--at", "soon"], "'soon' is not a time"),
    (["--to", "orders"], "a table orders exists, and it is not of this restore"),
    (["--to", "a b"], "a b cannot be made"),
]


def test_what_cannot_be_is_refused_before_anything_is_done(night: NightDriver) -> None:
    backed_up(night, 3)
    night.world.client("dynamodb").create_table(
        TableName="other",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    night.world.clock.advance(60)
    before = night.keys()
    for arguments, said in CONTRADICTIONS:
        result = command("restore", "orders", *arguments, "--yes")
        assert result.exit_code == 2, (arguments, result.output)
        assert said in result.output.replace("\n", " "), arguments
    assert night.keys() == before
    assert night.world.client("dynamodb").list_tables()["TableNames"] == ["orders", "other"]


def test_a_source_that_is_none_is_refused(night: NightDriver) -> None:
    backed_up(night, 3)
    for source, said in (
        ("none", "no backup of a table none is kept in s3://"),
        ("./none", "there is no folder none"),
        ("s3://", "s3:// names no bucket"),
        ("s3://backups/none", "nothing lies here"),
    ):
        result = command("restore", source, "--to", NEW)
        assert result.exit_code == 2 and said in result.output, result.output


@pytest.mark.both
def test_half_a_backup_is_refused_with_the_file(night: NightDriver) -> None:
    backed_up(night)
    beside = ("manifest", "_SUCCESS", "_started")
    data, *_ = [
        key for key in night.keys("backups/") if not key.endswith((*beside, "/", ".json", ".md5"))
    ]
    night.s3.delete_object(Bucket="backups", Key=data)
    result = command("restore", "orders", "--to", NEW)
    assert result.exit_code == 2, result.output
    assert data.rpartition("/")[2] in result.output and "missing" in result.output
    assert "copy this file again from where the backup was made" in result.output
    assert night.world.client("dynamodb").list_tables()["TableNames"] == ["orders"]


@pytest.mark.both
def test_a_place_is_restored_into_a_table_that_is_there(night: NightDriver) -> None:
    before = backed_up(night)
    (manifest,) = [k for k in night.keys("") if k.endswith(("/manifest-summary.json", "/manifest"))]
    place = f"s3://backups/{manifest.rpartition('/')[0]}"
    refused = command("restore", place, "--to", NEW)
    assert refused.exit_code == 2 and "no definition" in refused.output, refused.output
    night.table(NEW, items=0)
    night.world.clock.advance(60)
    said = command("restore", place, "--into", NEW, "--yes")
    assert said.exit_code == 0, said.output
    assert items(night, NEW) == before


@pytest.mark.both
def test_the_document_is_followed_to_the_letter(
    night: NightDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command of docs/restore.md, in its order; the table is gone when it begins."""
    lines = commands_of("restore.md")
    monkeypatch.chdir(tmp_path)
    dynamodb = night.world.client("dynamodb")
    deploy(night)
    night.table("orders", items=30)
    for name in ("order#1", "order#2"):
        dynamodb.put_item(TableName="orders", Item={"pk": {"S": name}, "customer": {"S": "c-17"}})
    night.night()
    before = items(night, "orders")
    dynamodb.delete_table(TableName="orders")
    night.world.clock.advance(60)
    _copies(night, tmp_path)
    drops = {"rules": [{"attribute": "customer", "do": "drop"}]}
    (tmp_path / "map.json").write_text(json.dumps(drops))
    for line in lines:
        if found := re.fullmatch(r"echo '(.*)' > (\w+)", line):
            (tmp_path / found[2]).write_text(found[1] + "\n")
            continue
        program, *arguments = shlex.split(line)
        assert program == "hippolyte"
        if "--into" in arguments:
            dynamodb.delete_item(TableName="orders", Key={"pk": {"S": "order#1"}})
            dynamodb.put_item(TableName="orders", Item={"pk": {"S": "order#2"}})
        # people are asked; here nobody is
        is_asked = "restore" in line and "--to" not in arguments
        said = command(*arguments, *(("--yes",) if is_asked else ()))
        assert said.exit_code == 0, (line, said.output)
        if "--only-changed" in line or line.endswith("--to orders"):
            assert items(night, "orders") == before
        if "--keys" in line:
            assert items(night, "orders")["order#1"] == before["order#1"]
    assert items(night, "orders-restored") == before
    assert all("customer" not in item for item in items(night, "orders-test").values())
    assert len(lines) == 15


def _copies(night: NightDriver, folder: Path) -> None:
    """Copy the backup to the places that the document names."""
    night.s3.create_bucket(Bucket="bucket")
    for key in night.keys("backups/"):
        body = night.s3.get_object(Bucket="backups", Key=key)["Body"].read()
        name = key.partition(f"/{RUN}-1/")[2]
        if name:
            night.s3.put_object(Bucket="bucket", Key=f"copy/of/a/backup/{name}", Body=body)
            path = folder / "folder" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
