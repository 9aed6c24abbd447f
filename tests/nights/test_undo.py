"""`hippolyte undo`: a night's items put back into a living table, by the command alone."""

from __future__ import annotations

import json
import shlex
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

ROOT = Path(__file__).parents[2]
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


def test_json_says_what_it_would_do_and_what_it_did(night: NightDriver) -> None:
    """One object on stdout and nothing else; docs/json.md names its members."""
    before = backed_up(night)
    now = damage(night)
    told = {}
    for more in (("--dry-run",), ("--yes",), ("--yes",)):
        said = command(*UNDO, "--json", *more)
        assert said.exit_code == 0, said.output
        told[len(told)] = record = json.loads(said.stdout)
        document = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
        section = document.partition("## `undo`")[2]
        assert [name for name in record if f"`{name}`" not in section] == []
    would, did, again = told.values()
    assert would["changes"] == did["changes"] == {"change": 2, "put": 2}
    assert would["compared"] == {
        "that_night": 61,
        "now": 60,
        "equal": 57,
        "different": 2,
        "only_that_night": 2,
        "only_now": 1,
        "left_out": 0,
    }
    (broken,) = [one for one in would["examples"] if one["key"] == {"pk": {"S": "orders#3"}}]
    assert broken["was"] == now["orders#3"] and broken["do"] == "change"
    assert broken["to"] == {"more": None, "status": None}
    assert (would["complete"], would["done"], would["kept_in"]) == (None, 0, None)
    assert (did["complete"], did["done"], did["kept"]) == (True, 4, 2)
    assert did["kept_in"].startswith("s3://backups/undone/")
    assert (again["complete"], again["changes"]) == (None, {})
    assert items(night) == {**before, "added": now["added"]}


def test_json_of_what_broke_off_and_is_ended_on_another_machine(
    night: NightDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second has no folder to go on with: it looks anew, and what was replaced is kept."""
    before = backed_up(night)
    now = damage(night)

    def deny(call: Call) -> None:
        raise refusal(call, "AccessDeniedException", "not that one")

    night.world.before("dynamodb:PutItem", deny, 99)
    said = command(*UNDO, "--yes", "--json")
    night.allow_all()
    assert said.exit_code == 1, said.output
    broke = json.loads(said.stdout)
    assert broke["complete"] is False and "not that one" in broke["error"]
    assert "NOT COMPLETE" in said.stderr
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / "elsewhere" / name))
    said = command(*UNDO, "--yes", "--delete-added", "--json")
    assert said.exit_code == 0, said.output
    ended = json.loads(said.stdout)
    assert ended["complete"] and 0 < ended["changes"]["put"] <= 2
    assert items(night) == before
    # the first one's, then the second one's
    for one in (ended, broke):
        assert command("restore", one["kept_in"], "--into", "orders", "--yes").exit_code == 0
    found = items(night)
    assert {key: found[key] for key in ("binary", "orders#3", "added")} == {
        key: now[key] for key in ("binary", "orders#3", "added")
    }


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
