"""`hippolyte verify --level 4` after a night: restored into a scratch table, compared, deleted."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hippolyte import clock
from hippolyte_cli import scratch_table
from hippolyte_cli.restore.make import make
from hippolyte_cli.scratch_table import START
from local.core.call import Call, refusal
from tests.support.commands import command, deploy
from tests.support.harness import ACCOUNT, BUCKET, REGION, RUN, Killed, NightDriver
from tests.support.restores import waits

VERIFY = ("verify", "orders", "--level", "4")
ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"


@pytest.fixture(autouse=True)
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))
    return tmp_path


def backed_up(night: NightDriver, count: int = 60) -> None:
    deploy(night)
    night.table("orders", items=count)
    night.night()


def tables(night: NightDriver) -> list[str]:
    found: list[str] = night.world.client("dynamodb").list_tables()["TableNames"]
    return found


def noted(night: NightDriver) -> dict[str, Any]:
    entry = night.json(f"catalog/{ACCOUNT}/{REGION}/orders/{RUN}.json")
    assert entry
    found: dict[str, Any] = entry["verified"]
    return found


def scratch_of(call: Call) -> str:
    """Return the scratch table that a call is about, if it is."""
    name = str(call.params.get("TableName", "")).rpartition("/")[2]
    return name if name.startswith(START) else ""


def once_read(night: NightDriver, act: Callable[[str], None]) -> None:
    """Do something with the scratch table when it is about to be read again."""

    def look(call: Call) -> None:
        if (name := scratch_of(call)) and not done:
            done.append(name)
            act(name)

    done: list[str] = []
    night.world.before("dynamodb:Scan", look)


@pytest.mark.both
def test_what_is_restored_is_what_was_backed_up(night: NightDriver) -> None:
    backed_up(night)
    seen: list[dict[str, Any]] = []
    night.world.before(
        "dynamodb:Scan",
        lambda call: seen.append(dict(call.params)) if scratch_of(call) else None,
    )
    said = command(*VERIFY, "--yes")
    assert said.exit_code == 0, said.output
    assert f"orders, night {RUN}: level 4, 60 items" in said.stdout
    assert tables(night) == ["orders"]
    assert seen and all(params["ConsistentRead"] for params in seen)

    after = noted(night)
    assert (after["level"], after["by"]) == (4, "command")
    assert {1, 2, 4} <= set(after["levels"]) and "damage" not in after
    listed = json.loads(command("list", "orders", "--json").stdout)
    assert listed[0]["verified_level"] == 4
    assert f"level {', '.join(map(str, after['levels']))}" in command("list", "orders").stdout
    assert command("verify", "orders").exit_code == 0
    assert noted(night) == after, "a lower level takes nothing away"


def test_it_says_beforehand_what_it_costs_and_asks(night: NightDriver) -> None:
    backed_up(night)
    said = command(*VERIFY)
    assert said.exit_code == 2, said.output
    for part in (
        f"orders of {RUN}: 60 items",
        "60 write units or more, at 4,000 a second: about 1 second and 0.00 USD",
        f"into the table {START}orders-",
        "on demand, no indexes, no streams",
        "Reading it again: about 1 read unit, 0.00 USD and 1 second",
        "say --yes",
    ):
        assert part in said.output, part
    assert tables(night) == ["orders"]
    assert noted(night)["level"] == 1


def test_what_reading_again_takes_is_one_figure(night: NightDriver) -> None:
    deploy(night)
    night.table("orders", items=0)
    rows = [{"pk": {"S": f"orders#{i}"}, "text": {"S": "x" * 200}} for i in range(900)]
    night.world.put_items("orders", rows)
    night.night()
    size = night.dynamodb.describe_table(TableName="orders")["Table"]["TableSizeBytes"]

    def uncounted(call: Call) -> None:
        """Have the table, as AWS does, counted hours after it was made."""
        if (name := scratch_of(call)) and name in tables(night):
            night.world.set_table(name, size_bytes=0, item_count=0)
            seen.append(name)

    seen: list[str] = []
    night.world.before("dynamodb:DescribeTable", uncounted)
    said = command(*VERIFY, "--yes")
    assert said.exit_code == 0 and seen, said.output
    about = f"{-(-size // 4096):,}"
    assert f"Reading it again: about {about} read units, 0.00 USD" in said.output
    assert f"Cost: about {about} units on demand" in said.output
    assert f"{seen[0]}: about 900 items, 0.2 MiB, on demand." in said.output


def test_a_size_that_was_not_counted_is_no_figure(night: NightDriver) -> None:
    deploy(night)
    night.table("orders", items=60, size_bytes=0)
    night.night()
    said = command(*VERIFY)
    assert "Reading it again: 0.125 USD for a million read units" in said.output


def test_its_table_is_marked_and_costs_nothing_while_it_waits(night: NightDriver) -> None:
    backed_up(night)
    dynamodb, seen = night.world.client("dynamodb"), dict[str, Any]()

    def look(name: str) -> None:
        seen["table"] = dynamodb.describe_table(TableName=name)["Table"]
        seen["tags"] = dynamodb.list_tags_of_resource(ResourceArn=ARN + name)["Tags"]

    once_read(night, look)
    assert command(*VERIFY, "--yes").exit_code == 0
    table, (tag,) = seen["table"], seen["tags"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert not table.get("StreamSpecification") and not table.get("GlobalSecondaryIndexes")
    assert tag["Key"] == "hippolyte:restoring" and tag["Value"].startswith("verify 2026-")


def test_what_differs_is_told_item_by_item_and_noted(night: NightDriver) -> None:
    backed_up(night)
    dynamodb = night.world.client("dynamodb")

    def harm(name: str) -> None:
        dynamodb.delete_item(TableName=name, Key={"pk": {"S": "orders#3"}})
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "orders#4"}, "n": {"N": "40"}})
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "new"}})

    once_read(night, harm)
    said = command(*VERIFY, "--yes")
    assert said.exit_code == 1, said.output
    assert "DAMAGED, level 2 holds" in said.stdout
    assert "the item pk = orders#3 is not in the table that was restored" in said.stdout
    assert "the item pk = orders#4 is another one in the table: n" in said.stdout
    assert "has an item pk = new, the backup has not" in said.stdout
    assert tables(night) == ["orders"]
    after = noted(night)
    assert after["level"] == 2 and len(after["damage"]) == 3
    command("verify", "orders")
    assert noted(night) == after, "whoever looks less closely does not find it well"


def test_what_the_table_refuses_is_damage_with_file_and_line(night: NightDriver) -> None:
    backed_up(night)

    def deny(call: Call) -> None:
        if "hippolyte-verify-" in str(call.params):
            raise refusal(call, "ValidationException", "an item is not to be had")

    night.world.before("dynamodb:BatchWriteItem", deny)
    said = command(*VERIFY, "--yes", "--json")
    assert said.exit_code == 1, said.output
    (found,) = json.loads(said.stdout)
    assert found["verified_level"] == 2 and not found["ok"]
    (finding,) = found["findings"]
    assert finding["file"] and finding["line"] and "not to be had" in finding["what"]
    assert tables(night) == ["orders"]


def test_json_is_all_that_is_printed(night: NightDriver) -> None:
    backed_up(night)
    said = command(*VERIFY, "--yes", "--json")
    assert said.exit_code == 0, said.output
    (found,) = json.loads(said.stdout)
    assert (found["verified_level"], found["asked_level"], found["ok"]) == (4, 4, True)


def test_a_damaged_backup_is_not_restored(night: NightDriver) -> None:
    backed_up(night)
    location = noted_location(night)
    keys = [key for key in night.keys(location) if not key.endswith(("manifest", "_SUCCESS"))]
    night.s3.delete_object(Bucket=BUCKET, Key=keys[-1])
    said = command(*VERIFY)
    assert said.exit_code == 1, said.output
    assert "not even level 1 holds" in said.stdout
    assert tables(night) == ["orders"]


def noted_location(night: NightDriver) -> str:
    entry = night.json(f"catalog/{ACCOUNT}/{REGION}/orders/{RUN}.json")
    assert entry
    return str(entry["location"]).removeprefix(f"s3://{BUCKET}/") + "/"


def left(night: NightDriver) -> str:
    """Leave a table, as a verification does that is killed."""
    definition = night.world.client("dynamodb").describe_table(TableName="orders")["Table"]
    plan = scratch_table.planned(definition, None, "orders", clock.now())
    make(night.world.client("dynamodb"), plan, waits(night.world))
    return plan.name


def test_what_a_killed_one_left_is_named_and_deleted_by_the_next(night: NightDriver) -> None:
    backed_up(night)
    name = left(night)
    dynamodb = night.world.client("dynamodb")
    other, foreign = f"{START}orders-2-0123abcd", f"{START}orders-0123abcd"
    for one in (other, foreign):
        night.table(one)
    said = command(*VERIFY)
    assert f"The table {name} is of a verification that was begun at 2026-11-24T" in said.output
    assert said.exit_code == 2 and name in tables(night), "only when it is agreed to"
    said = command(*VERIFY, "--yes")
    assert said.exit_code == 0, said.output
    assert f"{name} is deleted." in said.output
    assert tables(night) == sorted([foreign, other, "orders"]), "who bears no mark stays"
    assert dynamodb.scan(TableName=foreign, Select="COUNT")["Count"] == 3


@pytest.mark.parametrize("operation", ["CreateTable", "BatchWriteItem", "Scan"])
def test_whatever_breaks_its_table_is_gone(night: NightDriver, operation: str) -> None:
    backed_up(night)

    def die(call: Call) -> None:
        if "hippolyte-verify-" in str(call.params):
            raise refusal(call, "AccessDeniedException", "your session has ended")

    night.world.before(f"dynamodb:{operation}", die)
    said = command(*VERIFY, "--yes")
    assert said.exit_code == 2, said.output
    assert "cannot be verified to level 4" in said.output
    assert "your session has ended" in said.output
    assert tables(night) == ["orders"]
    assert noted(night)["level"] == 2, "what was found before it holds"


@pytest.mark.parametrize("operation", ["CreateTable", "BatchWriteItem", "Scan"])
def test_ctrl_c_ends_it_and_its_table(night: NightDriver, operation: str) -> None:
    backed_up(night)
    struck: list[str] = []

    def strike(call: Call) -> None:
        if "hippolyte-verify-" in str(call.params) and not struck:
            struck.append(call.name)
            os.kill(os.getpid(), signal.SIGINT)

    night.world.before(f"dynamodb:{operation}", strike)
    said = command(*VERIFY, "--yes")
    assert struck
    assert said.exit_code == 2, said.output
    assert "it was stopped" in said.output
    assert tables(night) == ["orders"]


def test_who_may_not_delete_it_makes_none(night: NightDriver) -> None:
    backed_up(night)
    night.refuse("dynamodb:DeleteTable", "AccessDeniedException", "no DeleteTable for you")
    said = command(*VERIFY, "--yes")
    assert said.exit_code == 2, said.output
    assert "no DeleteTable for you" in said.output
    assert tables(night) == ["orders"]


def test_a_table_that_cannot_be_deleted_is_named_and_the_next_one_does(night: NightDriver) -> None:
    backed_up(night)

    def deny(call: Call) -> None:
        if scratch_of(call) in tables(night):
            raise refusal(call, "AccessDeniedException", "not any more")

    night.world.before("dynamodb:DeleteTable", deny)
    said = command(*VERIFY, "--yes")
    assert said.exit_code == 2, said.output
    (name,) = (each for each in tables(night) if each != "orders")
    assert f"the table {name} is LEFT, it could not be deleted" in said.output
    assert noted(night)["level"] == 4, "it was the same all the same"
    night.allow_all()
    said = command(*VERIFY, "--yes")
    assert said.exit_code == 0, said.output
    assert tables(night) == ["orders"]


def test_one_that_is_killed_leaves_its_table_to_the_next(night: NightDriver) -> None:
    backed_up(night)

    def kill(call: Call) -> None:
        if scratch_of(call) in tables(night):
            raise Killed(call.name)

    night.world.before("dynamodb:DeleteTable", kill)
    with suppress(Killed):
        command(*VERIFY, "--yes")
    assert len(tables(night)) == 2
    night.allow_all()
    assert command(*VERIFY, "--yes").exit_code == 0
    assert tables(night) == ["orders"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "--all", "--level", "4"), "of one table's backup"),
        (("verify", "./folder", "--level", "4"), "of one table's backup"),
        (("verify", "orders", "--level", "3"), "--level 3: only the night"),
        (("verify", "orders", "--yes"), "go with --level 4"),
        (("verify", "orders", "--level", "2", "--key", "aws-owned"), "go with --level 4"),
        (("verify", "nothing", "--level", "4"), "no backup of a table nothing"),
    ],
)
def test_what_cannot_be_is_refused(
    night: NightDriver, arguments: tuple[str, ...], said: str
) -> None:
    backed_up(night, 3)
    result = command(*arguments)
    assert result.exit_code == 2, result.output
    assert said in result.output


def test_without_a_definition_it_cannot_be_restored(night: NightDriver) -> None:
    backed_up(night, 3)
    key = f"catalog/{ACCOUNT}/{REGION}/orders/{RUN}.json"
    entry = night.json(key)
    assert entry
    lost = json.dumps(entry | {"definition": None, "settings": None})
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=lost)
    said = command(*VERIFY, "--yes")
    assert said.exit_code == 2, said.output
    assert "has no definition of the table" in said.output
    assert tables(night) == ["orders"]
