"""What a table lost or was changed in since a night, told by the command alone."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from local.core.call import Call
from tests.support.commands import command, deploy
from tests.support.documents import commands_of
from tests.support.harness import RUN, NightDriver


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))
    return tmp_path / "hippolyte" / "compare"


def backed_up(night: NightDriver, count: int = 60) -> Any:
    """Back up the table orders; return a client."""
    deploy(night)
    night.table("orders", items=count)
    night.night()
    return night.world.client("dynamodb")


def damage(dynamodb: Any) -> None:
    dynamodb.delete_item(TableName="orders", Key={"pk": {"S": "orders#3"}})
    dynamodb.put_item(TableName="orders", Item={"pk": {"S": "orders#4"}, "now": {"S": "other"}})
    dynamodb.put_item(TableName="orders", Item={"pk": {"S": "new"}})


@pytest.mark.both
def test_a_night_and_the_live_table(night: NightDriver, home: Path) -> None:
    dynamodb = backed_up(night)
    said = command("compare", "orders@latest", "orders")
    assert said.exit_code == 0, said.output
    assert "60 equal, 0 only left, 0 only right, 0 different." in said.output
    assert "eventually consistent" in said.output
    damage(dynamodb)

    said = command("compare", f"orders@{RUN}", "orders", "--json")
    assert said.exit_code == 1, said.output
    told = {one["key"]["pk"]["S"]: one for one in map(json.loads, said.stdout.splitlines())}
    assert {key: one["kind"] for key, one in told.items()} == {
        "orders#3": "left",
        "orders#4": "different",
        "new": "right",
    }
    assert told["orders#4"]["attributes"]["now"] == {"from": None, "to": {"S": "other"}}
    assert "57 equal" not in said.stdout and "58 equal" in said.stderr
    assert list(home.iterdir()) == []


@pytest.mark.both
def test_the_document_is_followed_to_the_letter(
    night: NightDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command of docs/compare.md, in its order; two items are damaged when it begins."""
    lines = commands_of("compare.md")
    monkeypatch.chdir(tmp_path)
    dynamodb = backed_up(night, 30)
    night.s3.create_bucket(Bucket="bucket")
    for key in night.keys("backups/"):
        body = night.s3.get_object(Bucket="backups", Key=key)["Body"].read()
        if name := key.partition(f"/{RUN}-1/")[2]:
            night.s3.put_object(Bucket="bucket", Key=f"copy/of/a/backup/{name}", Body=body)
    damage(dynamodb)
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "hippolyte"
        said = command(*arguments)
        is_same = "s3://" in line or "--where" in line
        assert said.exit_code == (0 if is_same else 1), (line, said.output)
        wanted = "0 only left, 0 only right, 0 different" if is_same else '"orders#3"'
        if "--summary" in line:
            wanted = "1 only left, 1 only right, 1 different"
        assert wanted in said.output, (line, said.output)
    assert len(lines) == 6


def test_what_cannot_be_compared_is_refused(night: NightDriver, tmp_path: Path) -> None:
    dynamodb = backed_up(night, 3)
    dynamodb.create_table(
        TableName="other",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    night.world.clock.advance(60)
    for arguments, words in (
        (["orders@latest", "none"], "there is no table none in us-east-1"),
        (["orders@2026-01-01", "orders"], "no backup of orders was begun by 2026-01-01"),
        (["orders@", "orders"], "a night's table is TABLE@WHEN"),
        (["orders@latest", "other"], "has the key pk, other (live) has id"),
        (["orders", "./none"], "there is no folder none"),
        (["orders@latest", "orders", "--where", "a ~ 1"], "a condition is ATTRIBUTE OP VALUE"),
        (["orders@latest", "orders", "--right-profile", "nobody"], "nobody"),
    ):
        said = command("compare", *arguments)
        assert said.exit_code == 2, (arguments, said.output)
        assert words in said.output, (arguments, said.output)


def test_a_sample_time_to_live_and_what_was_written_since(night: NightDriver) -> None:
    dynamodb = backed_up(night)
    for number in range(20):
        key = {"pk": {"S": f"new#{number}"}}
        dynamodb.put_item(TableName="orders", Item={**key, "at": {"S": "2099-01-01T00:00:00Z"}})
    said = command("compare", "orders@latest", "orders", "--written-at", "at", "--summary")
    assert said.exit_code == 1, said.output
    assert "20 of those that differ were written since the backup was begun." in said.output
    refused = command("compare", "./", "./", "--ignore-expired", "--key-attributes", "pk")
    assert refused.exit_code == 2, refused.output
    said = command("compare", "orders", "orders", "--sample", "25", "--summary")
    assert said.exit_code == 0 and "A sample: part" in said.output, said.output
    past = str(int(night.world.clock.now().timestamp()) - 86400)
    dynamodb.put_item(TableName="orders", Item={"pk": {"S": "old"}, "until": {"N": past}})
    spec: Any = {"Enabled": True, "AttributeName": "until"}
    dynamodb.update_time_to_live(TableName="orders", TimeToLiveSpecification=spec)
    said = command("compare", "orders@latest", "orders", "--ignore-expired", "--summary")
    assert "20 only right" in said.output and "1 left out" in said.output, said.output


@pytest.mark.parametrize("anew", [False, True])
def test_a_live_table_that_vanishes_in_mid_scan(night: NightDriver, home: Path, anew: bool) -> None:
    """The same command cannot go on, so it does not say so, and nothing stays behind."""
    dynamodb = backed_up(night)

    def vanish(call: Call) -> None:
        night.allow_all()
        dynamodb.delete_table(TableName="orders")
        night.world.clock.advance(60)
        if anew:
            night.table("orders", items=3)
            night.world.clock.advance(60)

    night.world.before("dynamodb:Scan", vanish, 1)
    said = command("compare", "orders@latest", "orders")
    assert said.exit_code == 2, said.output
    assert "The table that was read is gone" in said.output
    assert "goes on, or remove it" not in said.output
    assert list(home.iterdir()) == []
    said = command("compare", "orders@latest", "orders", "--summary")
    assert said.exit_code == (1 if anew else 2), said.output
    wanted = "57 only left" if anew else "there is no table orders in us-east-1"
    assert wanted in said.output


def test_a_live_table_is_read_as_its_backups_may(night: NightDriver) -> None:
    """By the deployment's own percentage, unless one is given or nothing says it."""
    night.settings["consumed_percentage"] = 20
    deploy(night)
    night.table("orders", items=60)
    night.night()
    for more, wanted in ((), "20 %"), (("--share", 30), "30 %"), (("--bucket", "backups"), "50 %"):
        said = command("compare", "orders@latest", "orders", *more)
        assert said.exit_code == 0, said.output
        assert wanted in said.output, said.output


def test_the_room_on_disk_is_said_before(
    night: NightDriver, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed_up(night, 3)
    night.world.set_table("orders", size_bytes=3 << 30)
    said = command("compare", "orders@latest", "orders")
    assert f"Up to 3.0 GiB go to {home}" in said.output and "name another" not in said.output
    free = shutil.disk_usage(home)._replace(free=1 << 30)
    monkeypatch.setattr("shutil.disk_usage", lambda _: free)
    said = command("compare", "orders@latest", "orders")
    assert "where 1.0 GiB are free. It may not be enough: name another folder by --work" in (
        said.output
    )
