"""No verb waits without a word: whatever it asks AWS for, a terminal says what it waits for."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from hippolyte import preflight
from hippolyte_cli import follow, waiting
from hippolyte_cli.main import app
from local.core.call import Call
from tests.support.commands import deploy, one_package, reach
from tests.support.harness import RUN, NightDriver

# what each verb says, among others, while it waits
STEPS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("run", "--wait"): ("hippolyte-scheduler plans", "following run"),
    ("status",): ("asking for the settings of", "looking for open runs", "reading the runs'"),
    ("release",): ("looking at what is raised",),
    ("list",): ("reading what is kept",),
    ("list", "orders"): ("reading the nights of orders",),
    ("report",): ("asking s3: ",),
    ("report", "--all"): ("reading the nights of every account",),
    ("plan",): ("hippolyte-scheduler plans",),
    ("get", "orders", "orders#4", "--history"): ("looking for its backups", "which files of 1 "),
    ("compare", "orders@latest", "orders"): (
        "looking for the backup",
        "orders: opening",
        "comparing",
    ),
    ("undo", "orders", "--at", RUN, "--yes"): (
        "looking for the backup",
        "comparing",
        "keeping what is replaced",
        "putting back",
    ),
    ("restore", "orders", "--to", "again", "--on-demand"): (
        "looking for the backup",
        "making the table again",
        "waiting for the table again",
        "restoring",
        "putting back ",
    ),
    ("restore", "orders", "--to", "imported", "--via", "import", "--on-demand"): (
        "looking for the backup",
        "importing",
        "waiting for the table imported",
        "putting back ",
    ),
    ("verify", "--all"): ("reading the catalogue", "verifying orders, night "),
    ("verify", "orders", "--level", "4", "--yes"): (
        "verifying orders, night ",
        "making the table hippolyte-verify-",
        "restoring",
        "hippolyte-verify-orders-",
        "deleting the table hippolyte-verify-",
    ),
    ("export", "orders", "copy"): ("orders: opening",),
    ("cancel", RUN): ("looking for run",),
    ("test-alert",): ("hippolyte-monitor sends one message of each kind",),
    ("doctor",): ("looking at what is reached", "asking the scheduler", "asking the monitor"),
}


def test_every_verb_is_among_them() -> None:
    assert {verb for verb, *_ in STEPS} == {str(each.name) for each in app.registered_commands}


@pytest.mark.engine("lambda")
def test_no_call_is_waited_for_without_a_word(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setattr("typer.get_app_dir", lambda name: f".config/{name}")
    monkeypatch.setattr(waiting, "moves", lambda _: True)
    monkeypatch.setattr(waiting, "_DELAY", 3600)
    monkeypatch.setattr(preflight, "denied", lambda *_: [])
    reach(night, monkeypatch, follow)
    deploy(night, "hippolyte-scheduler")
    one_package(night)
    night.table("orders", items=60)
    seen: list[tuple[str, str]] = []
    begun: list[str] = []

    class Noted(waiting.Step):
        def __post_init__(self) -> None:
            super().__post_init__()
            begun.append(self.doing)

    monkeypatch.setattr(waiting, "Step", Noted)

    def note(call: Call) -> None:
        seen.append((call.name, waiting.shown()))

    night.world.before("*", note)
    for verb, steps in STEPS.items():
        if verb[0] in ("compare", "undo"):
            key = {"pk": {"S": "orders#4"}}
            broken = {**key, "n": {"N": "7"}}
            night.world.client("dynamodb").put_item(TableName="orders", Item=broken)
        del seen[:], begun[:]
        result = CliRunner().invoke(app, list(verb), env={"AWS_REGION": "us-east-1"})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert seen, verb
        silent = [name for name, words in seen if words in ("", "working")]
        assert not silent, (verb, silent)
        said = {*begun, *(words for _, words in seen)}
        # one that is asked for its settings twice may have others the second time
        asked = [name for name, _ in seen].count("lambda:GetFunctionConfiguration")
        assert asked <= 1 or verb == ("doctor",), verb
        for step in steps:
            assert any(step in words for words in said), (verb, step, said, result.output)
