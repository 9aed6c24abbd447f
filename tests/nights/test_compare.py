"""What a table lost or was changed in since a night, told by the command alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import command, deploy
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
