"""`restore --map`: copies of a night for who must not see all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.core.call import Call, refusal
from tests.support.commands import command, deploy
from tests.support.harness import NightDriver

NEW = "orders-masked"
SALT = "a secret of some length"
EMAIL = {"attribute": "email", "do": "hash"}
KEY = {"attribute": "pk", "do": "hash"}


@pytest.fixture(autouse=True)
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))
    return tmp_path


def items(night: NightDriver, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = night.world.client("dynamodb").scan(TableName=table)["Items"]
    return sorted(found, key=lambda item: str(item["n"]["N"]))


def backed_up(
    night: NightDriver, count: int = 60, ttl: str = "", **more: Any
) -> list[dict[str, Any]]:
    deploy(night)
    night.table("orders", items=0)
    made: list[dict[str, Any]] = [
        {
            "pk": {"S": f"customer {n}"},
            "n": {"N": str(n)},
            "email": {"S": f"{n % 3}@example.com"},
            "address": {"M": {"street": {"S": "x"}, "city": {"S": "y"}}},
            **more,
        }
        for n in range(count)
    ]
    for item in made:
        night.world.client("dynamodb").put_item(TableName="orders", Item=item)
    if ttl:
        night.world.client("dynamodb").update_time_to_live(
            TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl}
        )
    night.night()
    return sorted(made, key=lambda item: str(item["n"]["N"]))


def map_of(folder: Path, *rules: Any, **more: Any) -> Path:
    path = folder / "map.json"
    path.write_text(json.dumps({"salt": SALT, "rules": rules, **more}), "utf-8")
    return path


def test_a_masked_copy(night: NightDriver, tmp_path: Path) -> None:
    before = backed_up(night)
    rules = map_of(
        tmp_path, KEY, EMAIL, {"attribute": "address.street", "do": "drop"},
        {"attribute": "emial", "do": "drop"},
    )  # fmt: skip
    said = command("restore", "orders", "--to", NEW, "--map", rules, "--dry-run")
    assert said.exit_code == 0, said.output
    assert "  hash email\n" in said.output and "  all other attributes are kept\n" in said.output
    assert "What the map would do:\n  hash pk: 60 values\n" in said.output
    assert night.world.client("dynamodb").list_tables()["TableNames"] == ["orders"]

    said = command("restore", "orders", "--to", NEW, "--map", rules)
    assert said.exit_code == 0, said.output
    assert "  NEVER MATCHED: drop emial (rule 4): is emial spelt so?" in said.output
    after = items(night, NEW)
    assert len(after) == 60
    for old, new in zip(before, after, strict=True):
        assert new == {**old, "pk": new["pk"], "email": new["email"], "address": new["address"]}
        assert new["address"] == {"M": {"city": {"S": "y"}}}
        assert "customer" not in new["pk"]["S"] and "@" not in new["email"]["S"]
    assert len({item["pk"]["S"] for item in after}) == 60
    assert len({item["email"]["S"] for item in after}) == 3
    # the same map again finds all as it is
    said = command(
        "restore", "orders", "--into", NEW, "--map", rules, "--only-changed", "--dry-run"
    )
    assert "0 items would be new, 0 would be changed, 60 are the same." in said.output, said.output


def test_a_part_is_chosen_by_what_it_was(night: NightDriver, tmp_path: Path) -> None:
    backed_up(night)
    rules = map_of(tmp_path, KEY, {"attribute": "n", "do": "keep"}, others="drop")
    where = 'email = "0@example.com"'
    said = command("restore", "orders", "--to", NEW, "--map", rules, "--where", where)
    assert said.exit_code == 0, said.output
    assert [sorted(item) for item in items(night, NEW)] == [["n", "pk"]] * 20


def test_broken_off_it_goes_on_by_the_same_map_only(night: NightDriver, tmp_path: Path) -> None:
    backed_up(night)
    calls = iter(range(99))

    def deny(call: Call) -> None:
        if next(calls) >= 1:
            raise refusal(call, "AccessDeniedException", "your session has ended")

    rules = map_of(tmp_path, EMAIL)
    night.world.before("dynamodb:BatchWriteItem", deny, 3)
    said = command("restore", "orders", "--to", NEW, "--map", rules)
    assert said.exit_code == 1 and "your session has ended" in said.output, said.output
    night.allow_all()
    said = command("restore", "orders", "--to", NEW, "--map", rules)
    assert said.exit_code == 0, said.output
    assert "What the map did of what was read now:" in said.output
    assert len(items(night, NEW)) == 60
    assert all("@" not in item["email"]["S"] for item in items(night, NEW))


def test_by_another_map_all_is_written_again(night: NightDriver, tmp_path: Path) -> None:
    backed_up(night)
    calls = iter(range(99))

    def deny(call: Call) -> None:
        if next(calls) >= 1:
            raise refusal(call, "AccessDeniedException", "your session has ended")

    night.world.before("dynamodb:BatchWriteItem", deny, 3)
    said = command("restore", "orders", "--to", NEW)
    assert said.exit_code == 1, said.output
    night.allow_all()
    said = command("restore", "orders", "--to", NEW, "--map", map_of(tmp_path, EMAIL))
    assert said.exit_code == 0 and "  hash email: 60 values" in said.output, said.output
    assert all("@" not in item["email"]["S"] for item in items(night, NEW))


def test_what_cannot_be_masked_is_told_by_file_and_line(night: NightDriver, tmp_path: Path) -> None:
    backed_up(night, vip={"BOOL": True})
    rules = map_of(tmp_path, {"attribute": "vip", "do": "hash"})
    for more in (["--dry-run"], []):
        said = command("restore", "orders", "--to", NEW, "--map", rules, *more)
        assert said.exit_code == (2 if more else 1), said.output
        assert ", line 1: rule 1 hashes vip, and vip is true or false" in said.output
    assert items(night, NEW) == []


def test_what_grows_too_large_is_told_by_file_and_line(night: NightDriver, tmp_path: Path) -> None:
    backed_up(night, 1, many={"L": [{"S": ""}] * 20_000})
    rules = map_of(tmp_path, {"attribute": "many", "do": "hash"})
    said = command("restore", "orders", "--to", NEW, "--map", rules, "--dry-run")
    assert said.exit_code == 2, said.output
    assert ", line 1: an item of 660,0" in said.output
    assert "DynamoDB takes 409,600" in said.output


@pytest.mark.parametrize(
    ("rule", "more", "said"),
    [
        ({"attribute": "pk", "do": "drop"}, (), "pk is of the table's key"),
        ({"attribute": "pk", "do": "replace", "by": "x"}, (), "two items' keys would be one"),
        ({"attribute": "email", "do": "encrypt"}, (), 'rule 1: "do" is one of drop, hash, keep'),
        (EMAIL, ("--via", "import"), "--map: an import is of the items as they are; use --via put"),
    ],
)
def test_what_is_refused(
    night: NightDriver, tmp_path: Path, rule: Any, more: tuple[str, ...], said: str
) -> None:
    backed_up(night, 2)
    refused = command("restore", "orders", "--to", NEW, "--map", map_of(tmp_path, rule), *more)
    assert refused.exit_code == 2 and said in refused.output, refused.output
    assert night.world.client("dynamodb").list_tables()["TableNames"] == ["orders"]


def test_a_time_to_live_that_the_map_takes_away_takes_nothing(
    night: NightDriver, tmp_path: Path
) -> None:
    past = int(night.world.clock.now().timestamp()) - 1000
    backed_up(night, ttl="until", until={"N": str(past)})
    said = command("restore", "orders", "--to", NEW)
    assert said.exit_code == 1 and "60 items past the time to live" in said.output, said.output
    rules = map_of(tmp_path, {"attribute": "until", "do": "hash"})
    said = command("restore", "orders", "--to", "other", "--map", rules)
    assert said.exit_code == 0 and "past the time to live" not in said.output, said.output
