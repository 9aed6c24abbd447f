"""A question that nobody says yes to: nothing is done, and each verb says so with the same code."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import hippolyte_cli
from hippolyte_cli.main import app
from tests.support.commands import reach
from tests.support.harness import RUN, NightDriver

# by the module that asks
ASKING = {
    "doctor": ("doctor", "--engine", "emr", "--table", "orders"),
    "get/command": ("get", "orders", "orders#3"),
    "restore/task": ("restore", "orders", "--into", "orders"),
    "trial": ("verify", "orders", "--level", "4"),
    "undo/task": ("undo", "orders", "--at", RUN),
}


def test_all_that_ask_are_here() -> None:
    root = Path(hippolyte_cli.__file__).parent
    texts = {str(p.relative_to(root).with_suffix("")): p.read_text() for p in root.rglob("*.py")}
    assert {name for name, text in texts.items() if "console.agree(" in text} == {*ASKING}
    # of what has begun: no is an answer there
    assert [n for n, text in texts.items() if "console.confirm(" in text] == ["restore/task"]
    assert [n for n, text in texts.items() if re.search(r"typer\.(confirm|prompt)\(", text)] == [
        "console"
    ]


@pytest.mark.engine("emr")
@pytest.mark.parametrize("answer", ["n\n", "\n", "", None], ids=["n", "enter", "eof", "pipe"])
def test_who_does_not_say_yes_gets_2_and_nothing_is_done(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str | None
) -> None:
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))
    monkeypatch.setattr("hippolyte_cli.get.command._UNASKED_BYTES", -1)
    reach(night, monkeypatch)
    night.table("orders", items=60)
    night.night()
    night.world.client("dynamodb").delete_item(TableName="orders", Key={"pk": {"S": "orders#3"}})
    if answer is not None:
        there = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
        monkeypatch.setattr("hippolyte_cli.console.sys", there)
    before = night.world.client("dynamodb").scan(TableName="orders")["Items"]
    clusters = night.all_clusters()
    for arguments in ASKING.values():
        result = CliRunner().invoke(
            app, arguments, input=answer or "", env={"COLUMNS": "400", "AWS_REGION": "us-east-1"}
        )
        assert result.exit_code == 2, (arguments, result.output, result.exception)
        told = "Nothing was done." if answer is not None else "--yes"
        assert told in result.stderr, (arguments, result.output)
        assert "Aborted" not in result.output
    assert night.world.client("dynamodb").scan(TableName="orders")["Items"] == before
    assert night.world.client("dynamodb").list_tables()["TableNames"] == ["orders"]
    assert night.all_clusters() == clusters
    # of an undo that was begun
    assert [*tmp_path.glob("hippolyte/undo/*")] == []
