"""`hippolyte undo`: a night's items put back into a living table, by the command alone."""

from __future__ import annotations

import errno
import json
import os
import pkgutil
import shlex
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from local.core.call import Call, refusal
from tests.support.commands import command, deploy
from tests.support.harness import ACCOUNT, RUN, NightDriver
from tests.support.scans import Killed

UNDO = ("undo", "orders", "--at", RUN)


@pytest.fixture(autouse=True)
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))
    return tmp_path


def items(night: NightDriver) -> dict[str, Any]:
    found = night.world.client("dynamodb").scan(TableName="orders")["Items"]
    return {item["pk"]["S"]: item for item in found}


def put(night: NightDriver, **item: Any) -> None:
    night.world.client("dynamodb").put_item(TableName="orders", Item=item)


def delete(night: NightDriver, key: str) -> None:
    night.world.client("dynamodb").delete_item(TableName="orders", Key={"pk": {"S": key}})


def backed_up(night: NightDriver, count: int = 60) -> dict[str, Any]:
    """Return what was in the table orders at a night's time."""
    deploy(night)
    night.table("orders", items=count)
    put(night, pk={"S": "binary"}, b={"B": b"\0\1"}, bs={"BS": [b"\2"]}, n={"N": "1.50"})
    night.night()
    return items(night)


def damage(night: NightDriver) -> dict[str, Any]:
    """Change two items, delete two, add one; return the table."""
    before = items(night)
    put(night, **{**before["orders#3"], "status": {"S": "broken"}, "more": {"N": "1"}})
    put(night, pk={"S": "binary"}, b={"B": b"\1\0"}, n={"N": "1.5"})
    delete(night, "orders#4")
    delete(night, "orders#5")
    put(night, pk={"S": "added"}, x={"L": [{"NULL": True}]})
    return items(night)


@pytest.mark.both
def test_what_changed_or_vanished_is_put_back(night: NightDriver, tmp_path: Path) -> None:
    before = backed_up(night)
    now = damage(night)

    said = command(*UNDO, "--dry-run")
    assert said.exit_code == 0, said.output
    assert "61 items that night, 60 now: 57 equal, 2 different, 2 only that night, 1 only now." in (
        said.output
    )
    assert '  change back  pk="orders#3"  more: 1 -> (none); status: "broken" -> (none)\n' in (
        said.output
    )
    assert '  put back  pk="orders#4"\n' in said.output
    assert "2 change back, 2 put back.\n" in said.output
    assert "1 item added since: left there" in said.output
    assert "units/s (50 % of its capacity)" in said.output and "Cost: " in said.output
    assert "4 write units or more, at 25 a second: about 1 second" in said.output
    assert said.output.endswith("Nothing was changed.\n")
    assert items(night) == now and not list((tmp_path / "hippolyte" / "undo").iterdir())

    refused = command(*UNDO)
    assert refused.exit_code == 2 and "say --yes" in refused.output.lower(), refused.output
    assert items(night) == now

    said = command(*UNDO, "--yes")
    assert said.exit_code == 0, said.output
    assert "Undone: 4 items of 4 in orders." in said.output
    assert items(night) == {**before, "added": now["added"]}
    assert not list((tmp_path / "hippolyte" / "undo").iterdir())
    said = command(*UNDO, "--yes", "--delete-added")
    assert said.exit_code == 0, said.output
    assert '  DELETE  pk="added"\n' in said.output
    assert items(night) == before
    said = command(*UNDO, "--yes", "--delete-added")
    assert said.exit_code == 0 and "There is nothing to put back." in said.output


def test_what_it_replaced_comes_back(night: NightDriver) -> None:
    before = backed_up(night)
    now = damage(night)
    said = command(*UNDO, "--yes", "--delete-added")
    assert said.exit_code == 0, said.output
    assert items(night) == before
    below = f"undone/{ACCOUNT}/us-east-1/orders/{RUN}/"
    assert f"Kept: 3 items in s3://backups/{below}" in said.output
    assert [key for key in night.keys("") if key.startswith(below)]
    (line,) = [one for one in said.output.splitlines() if one.startswith("What it replaced")]
    again = shlex.split(line.partition(": hippolyte ")[2])
    said = command(*again, "--yes")
    assert said.exit_code == 0 and "Restored: 3 items in orders." in said.output, said.output
    assert items(night) == {**now, **{name: before[name] for name in ("orders#4", "orders#5")}}


def test_kept_in_a_folder(night: NightDriver, tmp_path: Path) -> None:
    backed_up(night)
    now = damage(night)
    said = command(*UNDO, "--yes", "--keep", tmp_path / "kept")
    assert said.exit_code == 0, said.output
    (kept,) = (tmp_path / "kept").iterdir()
    assert f"hippolyte restore {kept} --into orders" in said.output
    said = command("restore", kept, "--into", "orders", "--yes")
    assert said.exit_code == 0, said.output
    assert items(night)["binary"] == now["binary"]
    assert items(night)["orders#3"] == now["orders#3"]
    assert not [key for key in night.keys("") if key.startswith("undone/")]


def test_some_attributes_and_some_items(night: NightDriver, tmp_path: Path) -> None:
    before = backed_up(night)
    now = damage(night)
    said = command(*UNDO, "--yes", "--only", "status")
    assert said.exit_code == 0 and "1 change back.\n" in said.output, said.output
    assert "--only is of items that are there: 2 stay vanished." in said.output
    expected = {**now, "orders#3": {**before["orders#3"], "more": {"N": "1"}}}
    assert items(night) == expected
    keys = tmp_path / "keys"
    keys.write_text('{"pk": "orders#5"}\n{"pk": "none"}\n')
    said = command(*UNDO, "--yes", "--keys", keys)
    assert said.exit_code == 0 and "\n1 put back.\n" in said.output, said.output
    expected |= {"orders#5": before["orders#5"]}
    assert items(night) == expected
    said = command(*UNDO, "--yes", "--delete-added", "--where", 'pk begins_with "a"')
    assert said.exit_code == 0 and "1 DELETE.\n" in said.output, said.output
    assert items(night) == {name: item for name, item in expected.items() if name != "added"}


def test_what_changes_after_it_was_shown_is_left_alone(night: NightDriver) -> None:
    before = backed_up(night)
    damage(night)

    def meanwhile(call: Call) -> None:
        put(night, **{**before["orders#3"], "status": {"S": "mended by hand"}})

    night.world.before("dynamodb:BatchGetItem", meanwhile, 1)
    said = command(*UNDO, "--yes")
    assert said.exit_code == 1, said.output
    assert 'LEFT ALONE: pk="orders#3": it has changed since it was shown\n' in said.output
    assert "Undone: 3 items of 4 in orders. 1 left alone; the same command looks anew." in (
        said.output
    )
    assert items(night)["orders#3"]["status"] == {"S": "mended by hand"}
    assert items(night)["orders#4"] == before["orders#4"]
    said = command(*UNDO, "--yes")
    assert said.exit_code == 0 and items(night)["orders#3"] == before["orders#3"], said.output


@pytest.mark.parametrize(
    ("operation", "times"),
    [
        ("dynamodb:Scan", (1, 3)),
        ("s3:PutObject", range(1, 7)),
        ("s3:ListObjectsV2", (4, 5)),
        ("dynamodb:BatchGetItem", (1,)),
        ("dynamodb:UpdateItem", (1, 2)),
        ("dynamodb:PutItem", (1, 2)),
        ("dynamodb:DeleteItem", (1,)),
    ],
)
def test_killed_anywhere_the_same_command_goes_on(
    night: NightDriver, operation: str, times: Iterable[int]
) -> None:
    before = backed_up(night)
    for at in times:
        now = damage(night)
        calls = count(1)

        def kill(call: Call, calls: Iterator[int] = calls, at: int = at) -> None:
            if next(calls) == at:
                raise Killed

        night.world.before(operation, kill, 99)
        with suppress(Killed):
            command(*UNDO, "--yes", "--delete-added")
        night.allow_all()
        said = command(*UNDO, "--yes", "--delete-added")
        assert said.exit_code == 0, (at, said.output)
        assert items(night) == before, (operation, at)
        assert now != before


def test_killed_before_the_scan_had_a_name_it_begins_again(
    night: NightDriver, tmp_path: Path
) -> None:
    before = backed_up(night)
    damage(night)

    def kill(call: Call) -> None:
        raise Killed

    night.world.before("dynamodb:Scan", kill, 1)
    with suppress(Killed):
        command(*UNDO, "--yes", "--delete-added")
    (started,) = (tmp_path / "hippolyte" / "undo").glob("*/live/*/*/_started")
    started.unlink()
    said = command(*UNDO, "--yes", "--delete-added")
    assert said.exit_code == 0 and items(night) == before, said.output


@pytest.mark.parametrize("operation", ["UpdateItem", "PutItem", "DeleteItem"])
def test_a_right_that_is_missing_is_named_and_the_same_command_goes_on(
    night: NightDriver, operation: str
) -> None:
    before = backed_up(night)
    damage(night)

    def deny(call: Call) -> None:
        raise refusal(call, "AccessDeniedException", f"not authorized: dynamodb:{operation}")

    now = items(night)
    night.world.before(f"dynamodb:{operation}", deny, 99)
    for _ in range(2):
        said = command(*UNDO, "--yes", "--delete-added")
        assert f"dynamodb:{operation}" in said.output, said.output
        assert said.exit_code == (2 if "Nothing was changed in orders;" in said.output else 1)
        assert said.exit_code == 1 or items(night) == now
    assert "NOT COMPLETE" in said.output
    night.allow_all()
    said = command(*UNDO, "--delete-added")
    assert said.exit_code == 0 and "Goes on with the undo" in said.output, said.output
    assert items(night) == before


def test_what_time_to_live_took_away_stays_away(night: NightDriver) -> None:
    past = str(int(night.world.clock.now().timestamp()) - 1000)
    deploy(night)
    night.table("orders", items=3)
    put(night, pk={"S": "old"}, until={"N": past})
    night.night()
    night.world.client("dynamodb").update_time_to_live(
        TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    delete(night, "old")
    delete(night, "orders#1")
    said = command(*UNDO, "--yes")
    assert said.exit_code == 0, said.output
    assert "1 left out: by --where, or past their time to live." in said.output
    assert set(items(night)) == {"orders#0", "orders#1", "orders#2"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("undo", "orders", "--at", "2020-01-01"), "no backup of orders was begun by 2020-01-01"),
        (("undo", "orders", "--at", "soon"), "soon"),
        (("undo", "none", "--at", RUN), "no backup of a table none is kept"),
        (("undo", "./orders", "--at", RUN), "./orders is a place"),
        ((*UNDO, "--only", "a", "--delete-added"), "an item that is deleted has no attributes"),
        ((*UNDO, "--only", "pk"), "--only pk: it is of the table's key"),
        ((*UNDO, "--where", "x"), "--where 'x'"),
        ((*UNDO, "--keys", "/none"), "--keys /none"),
        ((*UNDO, "--keep", "s3://no-such-bucket/x"), "There is no bucket no-such-bucket"),
        ((*UNDO, "--keep", "s3:/x"), "s3:/x is no place to write to"),
    ],
)
def test_what_is_refused(night: NightDriver, arguments: tuple[str, ...], said: str) -> None:
    backed_up(night, 3)
    now = items(night)
    delete(night, "orders#1")
    refused = command(*arguments, "--yes")
    assert refused.exit_code == 2 and said in refused.output, refused.output
    assert set(items(night)) == set(now) - {"orders#1"}


def test_a_table_that_is_gone_or_another(night: NightDriver) -> None:
    backed_up(night, 3)
    client = night.world.client("dynamodb")
    client.delete_table(TableName="orders")
    night.world.clock.advance(60)
    said = command(*UNDO, "--yes")
    assert said.exit_code == 2 and "there is no table orders" in said.output, said.output
    for name, kind, text in (
        ("id", "S", "orders has the key id (HASH), the backup pk (HASH)"),
        ("pk", "N", "orders has the key pk (HASH, N), the backup pk (HASH, S)"),
    ):
        client.create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": name, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind}],
            BillingMode="PAY_PER_REQUEST",
        )
        night.world.clock.advance(60)
        said = command(*UNDO, "--yes")
        assert said.exit_code == 2 and text in said.output, said.output
        client.delete_table(TableName="orders")
        night.world.clock.advance(60)
    night.table("orders")
    said = command(*UNDO, "--yes")
    assert said.exit_code == 0 and "orders was deleted since that night and made anew." in (
        said.output
    )
    assert len(items(night)) == 4


def test_half_a_backup_changes_nothing(night: NightDriver) -> None:
    backed_up(night, 10)
    s3 = night.world.client("s3")
    key = next(
        key
        for key in night.keys("")
        if key.startswith("backups/") and not key.endswith(("manifest", "_SUCCESS"))
    )
    s3.put_object(Bucket="backups", Key=key, Body=b"no item\n")
    now = damage(night)
    said = command(*UNDO, "--yes")
    assert said.exit_code == 2 and key.rpartition("/")[2] in said.output, said.output
    assert items(night) == now


def as_json(*arguments: Any, exit_code: int = 0) -> dict[str, Any]:
    said = command(*arguments, "--json")
    assert said.exit_code == exit_code, said.output
    # the one line of it; words for people are on stderr
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def test_as_json(night: NightDriver) -> None:
    before = backed_up(night)
    now = damage(night)
    found = as_json(*UNDO, "--dry-run", "--delete-added")
    counts = {"change": 2, "put": 2, "delete": 1}
    assert (found["table"], found["complete"], found["would"]) == ("orders", None, counts)
    assert found["backup"]["run"] == RUN and found["backup"]["items"] == 61
    assert found["compared"] == {
        "then": 61,
        "now": 60,
        "equal": 57,
        "different": 2,
        "only_then": 2,
        "only_now": 1,
        "left_out": 0,
    }
    assert found["done"] == dict.fromkeys(counts, 0) and found["kept_in"] is None
    assert (found["write_units"], found["units_a_second"], found["usd"]) == (5, 25, 0)
    by_key = {one["key"]["pk"]["S"]: one for one in found["changes"]}
    assert {key: one["do"] for key, one in by_key.items()} == {
        "orders#3": "change",
        "binary": "change",
        "orders#4": "put",
        "orders#5": "put",
        "added": "delete",
    }
    assert by_key["orders#3"]["attributes"] == {
        "more": {"from": {"N": "1"}, "to": None},
        "status": {"from": {"S": "broken"}, "to": None},
    }
    assert by_key["binary"]["attributes"]["b"] == {"from": {"B": "AQA="}, "to": {"B": "AAE="}}
    assert by_key["orders#4"]["item"]["pk"] == {"S": "orders#4"}
    assert by_key["added"]["item"]["x"] == {"L": [{"NULL": True}]}
    assert items(night) == now

    def meanwhile(call: Call) -> None:
        put(night, **{**before["orders#3"], "status": {"S": "mended by hand"}})

    night.world.before("dynamodb:BatchGetItem", meanwhile, 1)
    found = as_json(*UNDO, "--yes", "--delete-added", exit_code=1)
    assert (found["complete"], found["error"]) == (False, None)
    assert (found["would"], found["done"]) == (counts, {**counts, "change": 1})
    (left,) = found["left_alone"]
    assert (left["do"], left["key"]) == ("change", {"pk": {"S": "orders#3"}})
    assert left["why"] == "it has changed since it was shown"
    assert len(found["changes"]) == 5 and found["kept_in"].startswith("s3://backups/undone/")
    found = as_json(*UNDO, "--yes")
    assert (found["complete"], found["left_alone"]) == (True, []) and items(night) == before
    found = as_json(*UNDO, "--yes")
    assert (found["complete"], found["changes"]) == (None, [])
    assert found["would"] == dict.fromkeys(counts, 0)


def test_as_json_of_what_broke_off(night: NightDriver) -> None:
    before = backed_up(night)
    damage(night)

    def deny(call: Call) -> None:
        raise refusal(call, "AccessDeniedException", "not authorized: dynamodb:PutItem")

    night.world.before("dynamodb:PutItem", deny, 99)
    # of two threads one may be refused before the other has written
    found = as_json(*UNDO, "--yes", "--where", 'pk != "orders#4"', exit_code=1)
    assert found["complete"] is False and "dynamodb:PutItem" in found["error"]
    assert (len(found["changes"]), found["compared"]["different"]) == (3, 2)
    night.allow_all()
    found = as_json(*UNDO, "--yes", "--where", 'pk != "orders#4"')
    assert (found["complete"], found["compared"], len(found["changes"])) == (True, None, 3)
    assert set(items(night)) == {*before, "added"} - {"orders#4"}


@pytest.mark.parametrize("at", [1, 2, 3])
def test_killed_on_one_machine_another_does_what_is_left(
    night: NightDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    before = backed_up(night)
    now = damage(night)
    calls = count(1)

    def kill(call: Call) -> None:
        if next(calls) == at:
            raise Killed

    night.world.before("dynamodb:DeleteItem", kill, 99)
    night.world.before("dynamodb:UpdateItem", kill, 99)
    with suppress(Killed):
        command(*UNDO, "--yes", "--delete-added")
    night.allow_all()
    half = items(night)
    assert half != before
    below = f"undone/{ACCOUNT}/us-east-1/orders/{RUN}/"
    first = {key.removeprefix(below).split("/")[0] for key in night.keys("") if below in key}
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / "other" / name))
    night.world.clock.advance(60)

    said = command(*UNDO, "--yes", "--delete-added")
    assert said.exit_code == 0 and items(night) == before, said.output
    # what the first replaced is found by whoever ends it, and by a restore
    (earlier,) = [one for one in said.output.splitlines() if one.startswith("What an earlier")]
    (line,) = [one for one in said.output.splitlines() if one.startswith("What it replaced")]
    place = earlier.rpartition(" ")[2]
    assert {place} == {f"s3://backups/{below}{one}" for one in first}
    again = shlex.split(line.partition(": hippolyte ")[2])
    assert again[1] != place
    for words in (["restore", place, "--into", "orders"], again):
        restored = command(*words, "--yes")
        assert restored.exit_code == 0, restored.output
    vanished = {name: before[name] for name in ("orders#4", "orders#5")}
    assert items(night) == {**now, **vanished}

    # back on the first machine its plan is gone on with: nothing is changed that was seen to
    command(*UNDO, "--yes", "--delete-added")
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))
    said = command(*UNDO, "--yes", "--delete-added")
    assert said.exit_code == 0 and "Goes on with the undo" in said.output, said.output
    assert items(night) == before


def test_killed_while_it_kept_nothing_is_changed_and_another_begins_anew(
    night: NightDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = backed_up(night)
    now = damage(night)
    calls = count(1)

    def kill(call: Call) -> None:
        if next(calls) == 3:
            raise Killed

    night.world.before("s3:PutObject", kill, 99)
    with suppress(Killed):
        command(*UNDO, "--yes")
    night.allow_all()
    assert items(night) == now
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / "other" / name))
    night.world.clock.advance(60)
    said = command(*UNDO, "--yes")
    assert said.exit_code == 0 and "What an earlier" not in said.output, said.output
    assert items(night) == {**before, "added": now["added"]}


def lying(night: NightDriver) -> str:
    """Return the address of the night's backup, as whoever has no catalogue names it."""
    (entry,) = [key for key in night.keys("") if key.startswith("catalog/")]
    found = json.loads(
        night.world.client("s3").get_object(Bucket="backups", Key=entry)["Body"].read()
    )
    return str(found["location"])


@pytest.mark.both
def test_since_a_backup_that_lies_anywhere(night: NightDriver, tmp_path: Path) -> None:
    before = backed_up(night)
    now = damage(night)
    place = lying(night)
    said = command("undo", "orders", "--at", place, "--yes")
    assert said.exit_code == 2 and "say where by --keep" in said.output, said.output
    assert items(night) == now
    kept = ("--keep", "s3://backups/kept")
    said = command("undo", "orders", "--at", place, "--delete-added", "--yes", *kept)
    assert said.exit_code == 0 and items(night) == before, said.output
    damage(night)
    export, empty = tmp_path / "export", tmp_path / "empty"
    empty.mkdir()
    said = command("export", "orders", export)
    assert said.exit_code == 0, said.output
    delete(night, "orders#9")
    said = command("undo", "orders", "--at", export, "--yes", *kept)
    assert said.exit_code == 0 and items(night) == now, said.output
    # what else lies there may be of another table or night
    assert "What an earlier" not in said.output
    for place, why in (
        ("./none", "there is no folder none"),
        (f"{empty}", str(empty)),
        ("s3://backups/nothing", "s3://backups/nothing"),
        ("s3://", "names no bucket"),
    ):
        said = command("undo", "orders", "--at", place, "--yes", *kept)
        assert said.exit_code == 2 and why in said.output, said.output
    client = night.world.client("dynamodb")
    for name, kind, why in (
        ("id", "S", "it has no attribute id, which is in the key of the table"),
        ("pk", "N", f"pk, of the key, is of type N in others and of S in {export}"),
    ):
        client.create_table(
            TableName="others",
            KeySchema=[{"AttributeName": name, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind}],
            BillingMode="PAY_PER_REQUEST",
        )
        night.world.clock.advance(60)
        said = command("undo", "others", "--at", export, "--yes", *kept)
        assert said.exit_code == 2 and why in said.output, said.output
        client.delete_table(TableName="others")
        night.world.clock.advance(60)


@pytest.mark.parametrize(
    ("partition", "sort"),
    [
        ([{"N": "1"}, {"N": "-2.50"}, {"N": "1E20"}], None),
        ([{"B": b"\0\xff"}, {"B": b"a"}, {"B": b"\0"}], None),
        ([{"S": "a"}, {"S": 'ключ " \n'}, {"S": "x"}], [{"N": "-1"}, {"N": "0.5"}]),
        ([{"N": "7"}, {"N": "8"}, {"N": "9"}], [{"B": b"\0"}, {"B": b"\xff\xfe"}]),
        ([{"B": b"1"}, {"B": b"2"}, {"B": b"3"}], [{"S": "a"}, {"S": "b"}]),
    ],
)
def test_keys_of_each_type(
    night: NightDriver, tmp_path: Path, partition: list[Any], sort: list[Any] | None
) -> None:
    client = night.world.client("dynamodb")
    keys = [
        {"h": one} | ({"r": other} if sort else {}) for one in partition for other in sort or [0]
    ]
    types = {"h": next(iter(partition[0]))} | ({"r": next(iter(sort[0]))} if sort else {})
    kinds = dict(zip(types, ("HASH", "RANGE"), strict=False))
    client.create_table(
        TableName="odd",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in kinds.items()],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in types.items()
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    night.world.clock.advance(60)
    for key in keys:
        client.put_item(TableName="odd", Item={**key, "v": {"S": "then"}})
    said = command("export", "odd", tmp_path / "night")
    assert said.exit_code == 0, said.output
    before = client.scan(TableName="odd")["Items"]
    client.delete_item(TableName="odd", Key=keys[0])
    client.put_item(TableName="odd", Item={**keys[1], "v": {"S": "now"}, "w": {"BOOL": True}})
    client.delete_item(TableName="odd", Key=keys[2])
    undo = ("undo", "odd", "--at", tmp_path / "night", "--keep", tmp_path / "kept")
    found = as_json(*undo, "--yes")
    assert (found["complete"], found["would"]["put"], found["would"]["change"]) == (True, 2, 1)
    after = client.scan(TableName="odd")["Items"]
    assert len(after) == len(before) and all(item in after for item in before)
    said = command(*undo, "--yes")
    assert "There is nothing to put back." in said.output


@pytest.mark.parametrize("operation", ["Scan", "BatchGetItem", "UpdateItem"])
def test_a_table_that_vanishes_in_the_midst_of_it(night: NightDriver, operation: str) -> None:
    backed_up(night)
    damage(night)

    def vanish(call: Call) -> None:
        raise refusal(call, "ResourceNotFoundException", "Requested resource not found")

    night.world.before(f"dynamodb:{operation}", vanish, 99)
    said = command(*UNDO, "--yes")
    assert said.exit_code == (1 if "NOT COMPLETE" in said.output else 2), said.output
    # of two threads one may have written an item before the other asked
    assert operation == "UpdateItem" or said.exit_code == 2
    assert "orders" in said.output and "Undone" not in said.output
    assert (
        "The same command goes on" in said.output
        or "Nothing was changed" in said.output
        or (operation == "Scan")
    )


@pytest.mark.parametrize(
    ("operation", "code", "text"),
    [
        ("Scan", 2, "Stopped. Nothing was changed; the same command goes on comparing."),
        (
            "BatchGetItem",
            1,
            "The same command goes on where it was; on another machine it compares",
        ),
    ],
)
def test_ctrl_c_says_how_to_go_on(night: NightDriver, operation: str, code: int, text: str) -> None:
    before = backed_up(night, 200)
    for name in [name for name in before if name.startswith("orders#1")]:
        delete(night, name)

    def stop(call: Call) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    night.world.before(f"dynamodb:{operation}", stop, 1)
    said = command(*UNDO, "--yes")
    if operation == "Scan" or said.exit_code:
        assert said.exit_code == code and text in said.output, said.output
    else:
        # all was under way already
        assert "Undone: 111 items of 111" in said.output
    said = command(*UNDO, "--yes")
    assert said.exit_code == 0 and items(night) == before, said.output


@pytest.mark.parametrize(
    ("where", "call", "code"),
    [
        ("hippolyte_cli.undo.plan.Plan.agree", 1, 2),
        ("hippolyte_cli.undo.keeping.keep", 1, 2),
        ("hippolyte_cli.restore.journal.Journal.save", 1, 2),
        ("hippolyte_cli.undo.run.Left.add", 1, 1),
    ],
)
def test_a_full_disk_is_told_and_the_same_command_goes_on(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, where: str, call: int, code: int
) -> None:
    before = backed_up(night)
    damage(night)
    calls, whole = count(1), pkgutil.resolve_name(where)

    def full(*given: Any, **named: Any) -> Any:
        if next(calls) >= call:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(*given, **named)

    with monkeypatch.context() as broken:
        broken.setattr(where, full)
        said = command(*UNDO, "--yes", "--delete-added")
    assert said.exit_code == code and "No space left on device" in said.output, said.output
    assert "Make room" in said.output
    assert ("NOT COMPLETE" in said.output) == (code == 1)
    said = command(*UNDO, "--yes", "--delete-added")
    assert said.exit_code == 0 and items(night) == before, said.output


@pytest.mark.parametrize("last", ["Each is read once more", "Kept: ", "Undone: "])
def test_a_pipe_that_closes_leaves_nothing_unsaid(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    before = backed_up(night)
    now = damage(night)
    from hippolyte_cli.undo.task import Task

    say = Task._say

    def closes(task: Task, said: str) -> None:
        say(task, said)
        if last in said:
            # as the console does
            raise SystemExit(1)

    with monkeypatch.context() as closed:
        closed.setattr(Task, "_say", closes)
        said = command(*UNDO, "--yes", "--delete-added")
    if last == "Undone: ":
        assert said.exit_code == 0 and items(night) == before, said.output
        return
    assert said.exit_code == 2 and "nobody reads any more what it says" in said.output, said.output
    assert items(night) == now
    said = command(*UNDO, "--yes", "--delete-added")
    assert said.exit_code == 0 and items(night) == before, said.output
