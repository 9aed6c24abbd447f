"""From "the table is gone" to "it is back": after a night, by the command alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import command, deploy
from tests.support.harness import RUN, NightDriver

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
