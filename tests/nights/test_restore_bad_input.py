"""Bad input of `hippolyte restore`: what is said, with file and line, and what is left."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from hippolyte.exports import native
from hippolyte_cli.restore import journal
from local.core.call import Call, refusal
from tests.support.commands import command, deploy
from tests.support.exports import native_export
from tests.support.harness import RUN, NightDriver

_BESIDE = ("manifest", "_SUCCESS", "_started", "/", ".json", ".md5")
AT = "AWSDynamoDB/01-ab/"
ITEMS = [{"pk": {"S": f"orders#{n}"}} for n in range(40)]


@pytest.fixture(autouse=True)
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))


@pytest.fixture
def target(night: NightDriver) -> str:
    night.table("target", items=0)
    night.world.clock.advance(60)
    return "target"


def lying(folder: Path, line: bytes = b"", items: list[Any] = ITEMS) -> Path:
    """Lay a plain native backup of a file down, with a bad line 3 and checksums that agree."""
    files = native_export([items], at=AT)
    lines = [b'{"Item":%b}\n' % json.dumps(item).encode() for item in items]
    if line:
        lines[2] = line + b"\n"
    data = b"".join(lines)
    listed = native.DataFile("data/0.json", len(items), native.checksum(data), "etag")
    files |= {f"{AT}data/0.json": data, f"{AT}{native.FILES}": native.files_bytes([listed])}
    del files[f"{AT}data/0.json.gz"]
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def into(source: object, *more: object) -> Result:
    return command("restore", source, "--into", "target", "--yes", *more)


def count(night: NightDriver, table: str) -> int:
    return int(night.world.client("dynamodb").scan(TableName=table)["Count"])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"Item":{"pk":{"S":"a"}', "not an item"),
        (b"", "blank line"),
        (b'{"Item":{"pk":{"S":"a","N":"1"}}}', "a value has exactly one type"),
        (b'{"Item":{"pk":{"N":"1"}}}', "pk"),
        (b'{"Item":{"id":{"S":"1"}}}', "no attribute pk"),
        (b'{"Item":{"pk":{"S":"a"},"t":{"S":"%s"}}}' % (b"x" * 409_600), "409,600"),
    ],
    ids=["no JSON", "blank", "two types", "another type of key", "no key", "over 400 KB"],
)
def test_a_line_that_is_no_item_of_the_table(
    night: NightDriver, target: str, tmp_path: Path, line: bytes, why: str
) -> None:
    source = lying(tmp_path / "b", line or b" ")
    said = into(source)
    assert f"{AT}data/0.json, line 3: " in said.stderr and why in said.stderr, said.output
    # 2: nothing was written
    written = count(night, target)
    assert said.exit_code == (1 if written else 2), said.output
    assert ("The same command goes on where it was." in said.stderr) == bool(written)
    assert written < len(ITEMS)


def test_files_neither_beside_the_manifest_nor_where_it_says(
    night: NightDriver, target: str, tmp_path: Path
) -> None:
    source = lying(tmp_path / "b")
    (source / AT / "data" / "0.json").unlink()
    said = into(source)
    assert said.exit_code == 2 and "0.json" in said.output and "missing" in said.output
    assert count(night, target) == 0


def test_a_file_that_may_not_be_read(night: NightDriver) -> None:
    deploy(night)
    night.table("orders", items=60)
    night.night()
    data, *_ = [key for key in night.keys("backups/") if not key.endswith(_BESIDE)]

    def deny(call: Call) -> None:
        if call.key == data:
            raise refusal(call, "AccessDenied", "not that one")

    night.world.before("s3:GetObject", deny, 99)
    said = command("restore", "orders", "--to", "new")
    night.allow_all()
    assert said.exit_code == 1, said.output
    assert "NOT COMPLETE: " in said.stderr and "not that one" in said.stderr
    assert f"{data.rpartition('/')[2]} cannot be read" in said.stderr
    assert "The same command goes on where it was." in said.stderr
    assert command("restore", "orders", "--to", "new").exit_code == 0
    assert count(night, "new") == 60


def test_a_key_that_the_backup_has_not(night: NightDriver, target: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text('{"pk": "orders#1"}\n{"pk": "none"}\n')
    said = into(lying(tmp_path / "b"), "--keys", keys)
    assert count(night, target) == 1
    assert said.exit_code == 1, said.output
    assert 'not in the backup: {"pk": "none"}' in said.output


@pytest.mark.parametrize("where", ["journal", "reading", "comparing"])
def test_a_full_disk(
    night: NightDriver, target: str, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    source = "s3://backups/lies/here"
    for name, body in native_export([ITEMS], at=AT).items():
        night.s3.put_object(Bucket="backups", Key=f"lies/here/{name}", Body=body)
    with monkeypatch.context() as patch:
        match where:
            case "journal":
                patch.setattr(journal.os, "fsync", full)
            case "reading":
                patch.setattr("hippolyte.exports.reader.TemporaryFile", full)
            case "comparing":
                patch.setattr(tempfile, "TemporaryDirectory", full)
        said = into(source, *(["--dry-run"] if where == "comparing" else []))
    written = count(night, target)
    assert said.exit_code == (1 if written else 2), said.output
    assert "No space left on device" in said.stderr and "run it again" in said.stderr
    said = into(source)
    assert said.exit_code == 0 and count(night, target) == len(ITEMS), said.output


def test_a_night_in_which_the_table_vanished(night: NightDriver) -> None:
    deploy(night)
    night.table("orders", items=3)
    night.night()
    key = f"runs/123456789012/us-east-1/{RUN}/report.json"
    report = night.json(key)
    later = "2026-11-25T00-00Z"
    report["tables"]["orders"] |= {"verdict": "vanished", "reason": "it was deleted"}
    body = json.dumps(report).encode()
    night.s3.put_object(Bucket="backups", Key=key.replace(RUN, later), Body=body)
    said = command("restore", "orders", "--to", "new", "--at", later)
    assert said.exit_code == 2, said.output
    assert "kept of other nights: in that one it was vanished (it was deleted)" in said.stderr


def test_an_entry_of_a_newer_version(night: NightDriver) -> None:
    deploy(night)
    night.table("orders", items=3)
    night.night()
    key = f"catalog/123456789012/us-east-1/orders/{RUN}.json"
    body = json.dumps(night.json(key) | {"version": 99}).encode()
    night.s3.put_object(Bucket="backups", Key=key, Body=body)
    said = command("restore", "orders", "--to", "new")
    assert said.exit_code == 2, said.output
    assert f"{key} was written by a newer version (99" in said.stderr
    assert "new" not in night.world.client("dynamodb").list_tables()["TableNames"]


def test_an_import_into_a_table_that_exists_began_nothing(night: NightDriver) -> None:
    deploy(night)
    night.table("orders", items=3)
    night.night()
    said = command("restore", "orders", "--to", "orders", "--via", "import")
    assert said.exit_code == 2, said.output
    assert "a table orders exists, and no import from" in said.stderr
