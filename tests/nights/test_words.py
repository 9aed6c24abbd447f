"""Whatever AWS refuses, in the middle of whatever verb: it is told in words, not in the SDK's."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hippolyte_cli.main import app
from tests.support.commands import deploy, reach
from tests.support.harness import RUN, NightDriver


@pytest.fixture(autouse=True)
def at_hand(night: NightDriver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A deployment with a backup of one table, and an empty folder of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("typer.get_app_dir", lambda name: f".config/{name}")
    reach(night, monkeypatch)
    deploy(night, "hippolyte-scheduler")
    night.table("orders", items=60)
    night.scheduler()
    night.until_closed()


UNDO = ("undo", "orders", "--at", RUN, "--yes")
RESTORE = ("restore", "orders", "--on-demand", "--to")
LEVEL_4 = ("verify", "orders", "--level", "4", "--yes")
# what is refused, and the verb that it is refused to
REFUSED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("s3:GetObject", ("list",)),
    ("s3:GetObject", ("list", "orders")),
    ("s3:GetObject", ("report",)),
    ("s3:ListBucket", ("status",)),
    ("s3:PutObject", ("cancel", RUN)),
    ("s3:GetObject", ("verify", "orders")),
    ("s3:GetObject", ("verify", "--all")),
    ("s3:PutObject", ("verify", "orders")),
    ("dynamodb:CreateTable", LEVEL_4),
    ("dynamodb:DeleteTable", LEVEL_4),
    ("dynamodb:BatchWriteItem", LEVEL_4),
    ("dynamodb:Scan", LEVEL_4),
    ("s3:GetObject", ("get", "orders", "orders#4", "--history")),
    ("s3:PutObject", ("get", "orders", "orders#4")),
    ("dynamodb:Scan", ("compare", "orders@latest", "orders")),
    ("dynamodb:DescribeTable", ("compare", "orders@latest", "orders")),
    ("dynamodb:Scan", ("export", "orders", "copy")),
    ("s3:PutObject", ("export", "orders", "s3://backups/copy")),
    ("s3:GetObject", (*RESTORE, "a")),
    ("dynamodb:CreateTable", (*RESTORE, "b")),
    ("dynamodb:BatchWriteItem", (*RESTORE, "c")),
    ("dynamodb:TagResource", (*RESTORE, "d")),
    ("dynamodb:UntagResource", (*RESTORE, "d")),
    ("s3:PutObject", (*RESTORE, "e")),
    ("dynamodb:ListImports", (*RESTORE, "f", "--via", "import")),
    ("dynamodb:ImportTable", (*RESTORE, "f", "--via", "import")),
    ("dynamodb:DescribeImport", (*RESTORE, "f", "--via", "import")),
    ("dynamodb:Scan", UNDO),
    ("s3:PutObject", UNDO),
    ("dynamodb:BatchGetItem", UNDO),
    ("dynamodb:UpdateItem", UNDO),
    ("dynamodb:PutItem", UNDO),
)


@pytest.mark.engine("lambda")
def test_no_sentence_of_the_sdk_reaches_a_person(night: NightDriver) -> None:
    key = {"pk": {"S": "orders#4"}}
    night.dynamodb.put_item(TableName="orders", Item={**key, "n": {"N": "7"}})
    night.dynamodb.delete_item(TableName="orders", Key={"pk": {"S": "orders#5"}})
    told = set()
    for action, verb in REFUSED:
        night.world.gate.denied[:] = [(action, "*")]
        result = CliRunner().invoke(app, list(verb), env={"AWS_REGION": "us-east-1"})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "An error occurred" not in result.output, (action, verb, result.output)
        assert "botocore" not in result.output, (action, verb, result.output)
        if action.partition(":")[2] in result.output or "Denied" in result.output:
            told.add((action, verb[0]))
    # a refusal that is met is told; others are of no matter to that verb
    assert len(told) > len({(action, verb[0]) for action, verb in REFUSED}) * 3 // 4, told


# an option that takes a file, and the verb that it is given to
FILES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("--map", ("restore", "orders", "--to", "other")),
    ("--map", ("export", "orders", "copy")),
    ("--keys", ("restore", "orders", "--into", "orders")),
    ("--keys", ("undo", "orders", "--at", RUN)),
    ("--compare", ("plan",)),
    ("--tables", ("plan",)),
    ("--settings", ("plan", "--tables", "tables.json")),
)


@pytest.mark.engine("lambda")
def test_a_file_that_cannot_be_read_is_named_with_its_option(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "words").write_text("no JSON, {")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "tables.json").write_text("[]")
    for option, verb in FILES:
        for name in ("missing", "folder", "words", "bytes"):
            result = CliRunner().invoke(
                app, [*verb, option, name], env={"AWS_REGION": "us-east-1", "COLUMNS": "400"}
            )
            told = (option, verb[0], name, result.output)
            assert isinstance(result.exception, SystemExit), told
            assert result.exit_code == 2, told
            assert result.stdout == "", told
            assert "Errno" not in result.stderr, told
            assert f"{option} {name}" in result.stderr, told


# an option that names where something is written, or a place to read from
PLACES: tuple[tuple[str, ...], ...] = (
    ("plan", "--html", "folder"),
    ("plan", "--html", "missing/page.html"),
    ("export", "orders", "words"),
    ("export", "orders", "words/below"),
    ("restore", "./missing", "--into", "orders"),
    ("restore", "./words", "--into", "orders"),
    ("restore", "./folder", "--into", "orders"),
    ("verify", "./missing"),
    ("verify", "./words"),
    ("get", "./missing", "x"),
    ("get", "./words", "x"),
    ("compare", "./missing", "orders"),
    ("compare", "./words", "orders"),
    ("compare", "orders@latest", "orders", "--work", "words"),
    ("undo", "orders", "--at", "./missing"),
    ("undo", "orders", "--at", RUN, "--work", "words"),
    ("undo", "orders", "--at", RUN, "--keep", "words", "--yes"),
)


@pytest.mark.engine("lambda")
def test_a_place_that_is_none_is_named(night: NightDriver, tmp_path: Path) -> None:
    night.dynamodb.delete_item(TableName="orders", Key={"pk": {"S": "orders#5"}})
    (tmp_path / "folder").mkdir()
    (tmp_path / "words").write_text("no folder")
    for verb in PLACES:
        result = CliRunner().invoke(
            app, list(verb), env={"AWS_REGION": "us-east-1", "COLUMNS": "400"}
        )
        assert isinstance(result.exception, SystemExit), (verb, result.exception)
        assert result.exit_code, (verb, result.output)
        assert "Errno" not in result.output, (verb, result.output)
        place = next(one for one in reversed(verb) if one.lstrip("./")[:6] in _NAMES)
        assert place.removeprefix("./").split("/")[0] in result.stderr, (verb, result.output)
    assert (tmp_path / "words").read_text() == "no folder"


_NAMES = ("folder", "missin", "words", "words/")
