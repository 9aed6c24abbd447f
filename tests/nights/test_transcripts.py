"""What each verb says on a terminal of 80 columns: `WRITE_DOCS=1` writes docs/transcripts.md."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from hippolyte import __version__, preflight
from hippolyte_cli import follow
from hippolyte_cli.main import app
from tests.support.commands import command, deploy, one_package, reach, surround
from tests.support.harness import BIG, RUN, NightDriver

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "transcripts.md"
LONG = "customer-loyalty-programme-points-ledger-of-the-northern-stores-v2"
COLUMNS = 80
# rich takes it for a terminal, one that moves nothing and has no colours
TERMINAL = {
    "COLUMNS": str(COLUMNS),
    "TTY_COMPATIBLE": "1",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "AWS_REGION": "us-east-1",
}
HEAD = """# What each verb says

On a terminal of 80 columns, of one night of four tables on the local AWS. A test writes this page
(`WRITE_DOCS=1`), and fails where a verb says something else. Lines are broken between words; what
is to be copied, a path or a long name, is never broken by the command: a terminal folds it itself.
On a pipe a line is a line, however long. `--json`: [json.md](json.md).

Red is wrong, yellow not known or left to be done, green as it is to be. There is no colour on a
pipe, nor with `NO_COLOR=1`. `hippolyte --install-completion` teaches your shell the verbs and
options. `--profile` and `--region` are of every verb.
"""
# what is another each time, or each version
_CHANCE = (
    (re.escape(__version__), "1.2.3"),
    (r"\b[0-9a-f]{16}\b", "0123456789abcdef"),
    (r"\d{14}-[0-9a-f]{8}", "01795480510720-0a1b2c3d"),
    (r"(?<=\dZ-)[0-9a-f]{6}\b", "0a1b2c"),
)


def told(*arguments: str) -> str:
    """Run a verb; return what a person sees, as a part of the page."""
    result = CliRunner().invoke(app, list(arguments), env=TERMINAL)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    said = result.output
    for pattern, instead in _CHANCE:
        said = re.sub(pattern, instead, said)
    lines = [line.rstrip() for line in said.strip("\n").splitlines()]
    for line in lines:
        assert "\N{HORIZONTAL ELLIPSIS}" not in line
        # the command, or a word alone, may be longer
        assert cell_len(line) <= COLUMNS or len(line.split()) <= 2, line
    ended = f"\nExit code {result.exit_code}.\n" if result.exit_code else ""
    shown = "\n".join([f"$ hippolyte {shlex.join(arguments)}", *lines])
    return f"```console\n{shown}\n```\n{ended}"


def changed(night: NightDriver) -> None:
    """Delete an item of the table orders, and change another."""
    dynamodb = night.world.client("dynamodb")
    dynamodb.delete_item(TableName="orders", Key={"pk": {"S": "orders#4"}})
    broken = {"pk": {"S": "orders#5"}, "n": {"N": "7"}, "status": {"S": "broken"}}
    dynamodb.put_item(TableName="orders", Item=broken)


def cancelled(night: NightDriver, verb: Callable[..., None]) -> None:
    """End a run that reads, and give back what it has raised."""
    begun = json.loads(command("run", "events", "--json").stdout)["run_id"]
    night.until_exporting("events")
    verb("cancel", begun, "--reason", "a release goes first")
    verb("release")


@pytest.mark.engine("lambda")
def test_the_transcripts_are_as_it_is(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("typer.get_app_dir", lambda name: f".config/{name}")
    reach(night, monkeypatch, follow)
    deploy(night, "hippolyte-scheduler")
    one_package(night)
    surround(night)
    night.table("orders", items=60)
    night.table(LONG, items=5)
    night.table("events", read=1000, **{**BIG, "items": 600})
    night.table("empty", items=0)
    parts: dict[str, list[str]] = {}

    def verb(*arguments: str) -> None:
        parts.setdefault(arguments[0], []).append(told(*arguments))

    verb("run")
    night.until_exporting("events")
    night.passes(15)
    verb("status")
    verb("release", "--dry-run")
    night.until_closed()
    changed(night)
    verb("list")
    verb("list", LONG)
    verb("list", "--bucket", "bakcups")
    verb("report")
    verb("report", "--all")
    verb("plan")
    verb("get", "orders", "orders#4", "--history")
    verb("compare", "orders@latest", "orders")
    verb("undo", "orders", "--at", RUN, "--dry-run")
    verb("undo", "orders", "--at", RUN, "--yes")
    verb("restore", LONG, "--to", "points-again", "--dry-run")
    verb("restore", LONG, "--to", "points-again", "--on-demand")
    verb("verify", "--all")
    verb("export", "orders", "copy", "--dry-run")
    verb("export", "orders", "copy")
    verb("cancel", RUN)
    cancelled(night, verb)
    verb("test-alert")
    monkeypatch.setattr(preflight, "denied", lambda *_: [])
    verb("doctor")
    sections = [f"## `{name}`\n\n" + "\n".join(each) for name, each in sorted(parts.items())]
    text = "\n".join([HEAD, *sections])
    if os.environ.get("WRITE_DOCS"):
        DOCUMENT.write_text(text, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == text, "run it with WRITE_DOCS=1"
    verbs = [str(each.name) for each in app.registered_commands]
    assert {*parts} == {*verbs}
