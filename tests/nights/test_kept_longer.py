"""What is kept by the week and month, when the daily ones have expired: by the command alone."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hippolyte.planning.window import run_id
from tests.support.commands import command, deploy
from tests.support.expiry import LONGER, expire
from tests.support.harness import RUN, START, NightDriver, next_night

MONDAY, DECEMBER, TUESDAY = (run_id(START + timedelta(days=days)) for days in (6, 7, 14))


@pytest.fixture(autouse=True)
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))


def items(night: NightDriver, table: str) -> dict[str, Any]:
    found = night.world.client("dynamodb").scan(TableName=table)["Items"]
    return {item["pk"]["S"]: item for item in found}


def said_by(*arguments: object, code: int = 0) -> Any:
    said = command(*arguments, "--json")
    assert said.exit_code == code, said.output
    return json.loads(said.stdout)


def two_months(night: NightDriver) -> dict[str, dict[str, Any]]:
    """Run nights of two months; return what the table held in those that are kept longer."""
    night.configure(**LONGER)
    deploy(night)
    night.table("orders", items=40)
    held = {}
    for day in (0, 1, 6, 7, 8, 14):
        night.world.clock.advance_to(START + timedelta(days=day))
        night.dynamodb.put_item(
            TableName="orders", Item={"pk": {"S": "orders#7"}, "day": {"N": str(day)}}
        )
        held[run_id(START + timedelta(days=day))] = items(night, "orders")
        next_night(night, day)
    night.world.clock.advance_to(START + timedelta(days=60))
    assert expire(night)
    return {run: held[run] for run in (RUN, MONDAY, DECEMBER, TUESDAY)}


@pytest.mark.engine("lambda", "emr")
def test_each_is_listed_read_verified_compared_restored(night: NightDriver) -> None:
    held = two_months(night)

    rows = said_by("list", "orders")
    assert [(row["run"], row["kept"]) for row in rows] == [
        (TUESDAY, "weekly"),
        (DECEMBER, "monthly"),
        (MONDAY, "weekly"),
        (RUN, "monthly"),
    ]
    assert [row["items"] for row in rows] == [40] * 4
    shown = [line for line in command("list", "orders").output.splitlines() if "2026-" in line]
    assert ["monthly" in line for line in shown] == [False, True, False, True]
    (newest,) = said_by("list")
    assert (newest["run"], newest["items"]) == (TUESDAY, 40)

    for run, day in ((MONDAY, "6"), (RUN, "0")):
        (verified,) = said_by("verify", "orders", "--at", run)
        assert (verified["run"], verified["verified_level"]) == (run, 2)
        (found,) = said_by("get", "orders", "orders#7", "--at", run)["items"]
        assert found["day"] == {"N": day}
        compared = command("compare", f"orders@{run}", "orders", "--summary")
        assert compared.exit_code == 1 and "1 different" in compared.output, compared.output
        new = f"orders-{day}"
        said = command("restore", "orders", "--to", new, "--at", run, "--yes")
        assert said.exit_code == 0, said.output
        assert items(night, new) == held[run]
        assert command("compare", f"orders@{run}", new, "--summary").exit_code == 0

    (story,) = said_by("get", "orders", "orders#7", "--history")["items"]
    assert [event["run"] for event in story["events"]] == [RUN, MONDAY, DECEMBER, TUESDAY]


@pytest.mark.engine("lambda", "emr")
def test_a_living_table_is_put_back_to_a_weeks_and_a_months(night: NightDriver) -> None:
    held = two_months(night)

    for run in (MONDAY, RUN):
        said = command("undo", "orders", "--at", run, "--yes")
        assert said.exit_code == 0, said.output
        assert "Undone: 1 item of 1 in orders." in said.output
        assert items(night, "orders") == held[run]


@pytest.mark.engine("lambda")
def test_what_has_expired_is_named_with_what_there_is(night: NightDriver) -> None:
    two_months(night)

    gone = run_id(START + timedelta(days=8))
    said = command("restore", "orders", "--to", "other", "--at", gone)
    assert said.exit_code == 2, said.output
    assert f"no backup of orders of the night {gone} is kept: there are 4" in said.output
    night.world.clock.advance_to(START + timedelta(days=500))
    expire(night)
    assert command("list", "orders").exit_code == 1
