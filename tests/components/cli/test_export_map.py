"""`hippolyte export --map` against a served local AWS, in real time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hippolyte.exports.reader import Folder, Prefix, find
from hippolyte.store import Store
from hippolyte_cli.masking.source import AGAIN
from local.core.clock import Clock
from local.world import World
from tests.support.aws_world import ACCOUNT, REGION, START, make_table
from tests.support.commands import command

ITEMS = [
    {"pk": {"S": f"customer {n}"}, "n": {"N": str(n)}, "note": {"S": "secret" * 200}}
    for n in range(80)
]
HASHED = {"attribute": "pk", "do": "hash"}
DROPPED = {"attribute": "note", "do": "drop"}


@pytest.fixture(scope="module")
def served() -> Iterator[World]:
    world = World(Clock(START), ACCOUNT, REGION)
    with world.served():
        make_table(world, "orders", 4000)
        for start in range(0, len(ITEMS), 20):
            puts = [{"PutRequest": {"Item": item}} for item in ITEMS[start : start + 20]]
            world.client("dynamodb").batch_write_item(RequestItems={"orders": puts})
        world.client("s3").create_bucket(Bucket="backups")
        yield world


@pytest.fixture
def world(served: World, monkeypatch: pytest.MonkeyPatch) -> World:
    for name, value in served.environment().items():
        monkeypatch.setenv(name, value)
    return served


def map_of(folder: Path, *rules: Any) -> Path:
    path = folder / "map.json"
    path.write_text(json.dumps({"salt": "a secret of some length", "rules": rules}), "utf-8")
    return path


def test_a_copy_without_secrets(world: World, tmp_path: Path) -> None:
    there = ("orders", tmp_path / "a", "--map", map_of(tmp_path, HASHED, DROPPED))
    said = command("export", *there, "--dry-run")
    assert said.exit_code == 0, said.output
    assert "By the map of each item:\n  hash pk\n  drop note\n" in said.output
    assert said.output.endswith("Nothing was read.\n") and not (tmp_path / "a").exists()

    said = command("export", *there, "--consistent")
    assert said.exit_code == 0, said.output
    assert "\n  hash pk: 80 values\n  drop note: 80 values\n" in said.output
    found = find(Folder(tmp_path / "a"))
    items = sorted(found.items(), key=lambda item: int(item["n"]["N"]))
    assert [item["n"] for item in items] == [item["n"] for item in ITEMS]
    assert len({item["pk"]["S"] for item in items}) == 80
    assert all(set(item) == {"pk", "n"} and len(item["pk"]["S"]) == 32 for item in items)
    assert found.summary and found.summary.scanned
    assert found.summary.scanned.engine.startswith("command, by a map (")


def test_a_copy_in_a_bucket(world: World, tmp_path: Path) -> None:
    place = ("s3://backups/masked", "--map", map_of(tmp_path, HASHED, DROPPED))
    said = command("export", "orders", *place, "--segments", 1)
    assert said.exit_code == 0 and "Whole: 80 items" in said.output, said.output
    found = find(Prefix(Store(world.client("s3"), "backups"), "masked/"))
    assert not any("customer" in json.dumps(item) or "note" in item for item in found.items())


def test_what_is_gone_on_with(world: World, tmp_path: Path) -> None:
    said = command(
        "export", "orders", tmp_path / "a", "--map", map_of(tmp_path, DROPPED), "--segments", 2
    )
    assert said.exit_code == 0, said.output
    for rules, text in (
        ([], "not by command: give the same --map, or none if there was none"),
        ([HASHED], AGAIN),
        ([{"attribute": "n", "do": "keep"}], "give the same --map"),
    ):
        more = ("--map", map_of(tmp_path, *rules)) if rules else ()
        said = command("export", "orders", tmp_path / "a", "--resume", *more)
        assert said.exit_code == 2 and text in said.output, said.output
    again = ("--resume", "--map", map_of(tmp_path, DROPPED))
    said = command("export", "orders", tmp_path / "a", *again)
    assert said.exit_code == 0 and "Whole: 80 items" in said.output, said.output


def test_what_is_refused_or_fails(world: World, tmp_path: Path) -> None:
    wrong = map_of(tmp_path, {"attribute": "pk", "do": "drop"})
    said = command("export", "orders", tmp_path / "a", "--map", wrong)
    assert said.exit_code == 2 and "pk is of the table's key" in said.output, said.output
    into = map_of(tmp_path, {"attribute": "note.x", "do": "drop"})
    said = command("export", "orders", tmp_path / "a", "--map", into)
    assert said.exit_code == 1, said.output
    assert "NOT WHOLE: the item {" in said.output and "note is of type S" in said.output


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("no json" * 700_000, "Expecting value"),
        ("\0\xff" * 9, "--map"),
        ('{"rules": [{"attribute": "a", "do": "encrypt"}]}', 'not "encrypt"'),
        ('{"rules": [{"attribute": "pk", "do": "replace", "by": "x"}]}', "keys would be one"),
        ('{"rules": []}', "it has no rule"),
    ],
    ids=["empty", "5 MB of no JSON", "binary", "unknown", "key", "no rule"],
)
def test_a_wrong_map_is_refused_before_anything_is_read_or_written(
    world: World, tmp_path: Path, text: str, why: str
) -> None:
    path, there = tmp_path / "map.json", tmp_path / "there"
    path.write_text(text, encoding="latin-1")
    said = command("export", "orders", there, "--map", path)
    assert said.exit_code == 2 and why in said.output and not there.exists(), said.output
    assert len(said.output) < 1000
    assert command("export", "orders", tmp_path / "whole").exit_code == 0
    said = command("restore", tmp_path / "whole", "--into", "orders", "--map", path, "--yes")
    assert said.exit_code == 2 and why in said.output and len(said.output) < 1000, said.output
