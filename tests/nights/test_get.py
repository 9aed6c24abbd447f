"""An item in all nights, after real nights of every engine, by the command alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import command, deploy
from tests.support.harness import NightDriver, next_night

pytestmark = pytest.mark.both


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))


def get(*arguments: str, code: int = 0) -> dict[str, Any]:
    said = command("get", *arguments, "--json")
    assert said.exit_code == code, said.output
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def test_the_history_of_an_item(night: NightDriver) -> None:
    night.configure(verify_days=1)
    deploy(night)
    night.table("orders", items=40)
    night.night()
    night.dynamodb.put_item(
        TableName="orders", Item={"pk": {"S": "orders#7"}, "state": {"S": "wrong"}}
    )
    next_night(night)
    night.dynamodb.delete_item(TableName="orders", Key={"pk": {"S": "orders#7"}})
    next_night(night, 2)

    for _ in range(2):
        found = get("orders", "orders#7", "--history")
        (story,) = found["items"]
        assert [event["what"] for event in story["events"]] == ["first seen", "changed", "gone"]
        assert story["events"][1]["changes"]["state"]["to"] == {"S": "wrong"}
        assert all(each["whole"] for each in found["nights"])
    assert found["read"]["files"] == 2, "one of each night that has it"
    # whatever the night left unread, the first look-up did not
    assert get("orders", "orders#41", code=1)["read"]["files"] == 0
    assert get("orders", "orders#8")["items"][0]["pk"] == {"S": "orders#8"}
