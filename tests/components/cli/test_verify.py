"""`hippolyte verify`: of the catalogue, a prefix, a folder; what it notes and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner, Result

from hippolyte.errors import ConflictError
from hippolyte.exports import verified
from hippolyte.exports.filters import is_filter
from hippolyte.exports.findings import Checked, Finding
from hippolyte.exports.manifest import MANIFEST
from hippolyte.exports.native import checksum
from hippolyte.store import Store
from hippolyte_cli.main import app
from tests.support.exports import ITEMS, REAL, native_export, tool_export

ACCOUNT, REGION = "111122223333", "us-east-1"
NIGHTS = ["2026-11-22T00-00Z", "2026-11-23T00-00Z"]
LONG_AGO = "2026-11-23T00:09:00Z"


class Bucket:
    """A bucket with backups and their catalogue."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket="backups", Key=key, Body=body)

    def keep(self, table: str, run: str, files: Mapping[str, bytes], **more: Any) -> str:
        """Put a backup and its entry; return the prefix of its files."""
        below = f"backups/{ACCOUNT}/{REGION}/{table}/{run}-1/"
        for name, data in files.items():
            self.put(below + name, data)
        data = [d for n, d in files.items() if n[0].isdigit() or "/data/" in n]
        entry = {
            "version": 1,
            "table": table,
            "run_id": run,
            "location": f"s3://backups/{below[:-1]}",
            "items": len(ITEMS),
            "bytes": sum(map(len, data)),
            "files": len(data),
            "finished_at": LONG_AGO,
            "definition": None,
            "settings": {"form": 1},
            "verified": {"level": 1, "levels": [1, 3], "at": LONG_AGO, "by": "night"},
        }
        self.put(self.key(table, run), json.dumps(entry | more).encode())
        return below

    def key(self, table: str, run: str = NIGHTS[1]) -> str:
        return f"catalog/{ACCOUNT}/{REGION}/{table}/{run}.json"

    def filters(self) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket="backups", Prefix="backups/")["Contents"]
        return [one["Key"] for one in listed if is_filter(one["Key"])]

    def entry(self, table: str, run: str = NIGHTS[1]) -> dict[str, Any]:
        body = self.s3.get_object(Bucket="backups", Key=self.key(table, run))["Body"].read()
        found: dict[str, Any] = json.loads(body)
        return found


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_REGION", REGION)
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="backups")
        made = Bucket(s3)
        for night in NIGHTS:
            made.keep("orders", night, tool_export(ITEMS))
        made.keep("users", NIGHTS[1], native_export([ITEMS[:4], ITEMS[4:]]))
        yield made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["verify", *arguments])


def verify(*arguments: str, code: int = 0) -> list[dict[str, Any]]:
    result = run(*arguments, "--bucket", "backups", "--json")
    assert result.exit_code == code, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_a_backup_that_is_whole_passes_and_its_entry_says_so(bucket: Bucket) -> None:
    before = bucket.entry("orders")
    (found,) = verify("orders")
    assert found["ok"]
    assert (found["run"], found["verified_level"], found["items"]) == (NIGHTS[1], 2, len(ITEMS))
    assert found["unrecorded"] is None

    after = bucket.entry("orders")
    noted = after.pop("verified")
    assert (noted["level"], noted["levels"], noted["by"]) == (2, [1, 2, 3], "command")
    assert noted["at"] > LONG_AGO
    del before["verified"], after["nonce"]
    assert after == before, "all else is as it was"
    assert bucket.entry("orders", NIGHTS[0])["verified"]["level"] == 1


def test_an_older_night_is_named_as_elsewhere(bucket: Bucket) -> None:
    (found,) = verify("orders", "--at", "2026-11-22", "--level", "1")
    assert (found["run"], found["verified_level"]) == (NIGHTS[0], 1)


def test_every_tables_newest_backup(bucket: Bucket) -> None:
    bucket.keep("left", NIGHTS[0], tool_export(ITEMS, compress=True), bytes=None)
    found = verify("--all")
    assert [(one["table"], one["run"]) for one in found] == [
        ("left", NIGHTS[0]),
        ("orders", NIGHTS[1]),
        ("users", NIGHTS[1]),
    ]
    assert all(one["verified_level"] == 2 for one in found)


def test_an_entry_that_cannot_be_read_keeps_no_other_from_being_looked_at(bucket: Bucket) -> None:
    bucket.keep("later", NIGHTS[1], tool_export(ITEMS), version=99)
    found = verify("--all", code=2)
    assert [(one["table"], one["ok"]) for one in found] == [
        ("later", False),
        ("orders", True),
        ("users", True),
    ]
    assert "newer version" in found[0]["failure"]


def test_damage_is_told_by_file_and_line_and_kept_in_the_catalogue(bucket: Bucket) -> None:
    files = tool_export(ITEMS)
    lines = files["00000001"].splitlines(keepends=True)
    harmed = lines[0] + lines[1].replace(b'{"n"', b'{"q"') + lines[2]
    below = bucket.keep("orders", NIGHTS[1], files | {"00000001": harmed})
    bucket.s3.delete_object(Bucket="backups", Key=f"{below}00000002")

    result = run("orders", "--bucket", "backups")
    assert result.exit_code == 1
    assert f"orders, night {NIGHTS[1]}: DAMAGED, not even level 1 holds" in result.stdout
    assert "  00000002: is missing" in result.stdout
    assert "  00000001, line 2: unknown type 'q'" in result.stdout
    noted = bucket.entry("orders")["verified"]
    assert (noted["level"], noted["levels"]) == (0, [3])
    assert noted["damage"][0] == "00000002: is missing"

    listed = CliRunner().invoke(app, ["list", "orders", "--bucket", "backups", "--json"])
    newest = json.loads(listed.stdout)[0]
    assert (newest["verified_level"], newest["damage"]) == (0, noted["damage"])

    bucket.keep("orders", NIGHTS[1], files, verified=noted)
    verify("orders")
    assert "damage" not in bucket.entry("orders")["verified"], "it was put right"


KEYED = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "N"}],
}


def test_what_a_look_up_needs_is_left_once(bucket: Bucket) -> None:
    bucket.keep("orders", NIGHTS[1], tool_export(ITEMS), definition=KEYED)
    verify("orders", "--level", "1")
    assert bucket.filters() == []
    verify("orders")
    assert len(bucket.filters()) == 1
    verify("orders")
    assert len(bucket.filters()) == 1
    asked = ["get", "orders", "3", "--bucket", "backups", "--json"]
    found = json.loads(CliRunner().invoke(app, asked).stdout)
    assert (found["items"], found["read"]["files"]) == ([ITEMS[3]], 1)


def test_a_lower_level_takes_nothing_away(bucket: Bucket) -> None:
    verify("orders")
    noted = bucket.entry("orders")["verified"]
    verify("orders", "--level", "1")
    assert bucket.entry("orders")["verified"] == noted


def test_damage_stays_until_a_level_that_would_find_it_finds_none(bucket: Bucket) -> None:
    files = tool_export(ITEMS)
    harmed = files["00000001"].replace(b'{"n"', b'{"q"', 1)
    bucket.keep("orders", NIGHTS[1], files | {"00000001": harmed})
    verify("orders", code=1)
    noted = bucket.entry("orders")["verified"]
    assert (noted["level"], len(noted["damage"])) == (1, 1)
    verify("orders", "--level", "1")
    assert bucket.entry("orders")["verified"] == noted
    bucket.keep("orders", NIGHTS[1], files, verified=noted)
    verify("orders")
    after = bucket.entry("orders")["verified"]
    assert (after["level"], "damage" in after) == (2, False)


def test_the_manifest_is_the_one_that_the_night_saw(bucket: Bucket) -> None:
    files = tool_export(ITEMS)
    bucket.keep("orders", NIGHTS[1], files, manifest_md5=checksum(files[MANIFEST]))
    verify("orders")
    bucket.keep("orders", NIGHTS[1], files, manifest_md5=checksum(b"another"))
    (found,) = verify("orders", code=1)
    assert "the catalogue says" in found["findings"][0]["what"]


def test_a_backup_that_is_gone_is_damage(bucket: Bucket) -> None:
    below = bucket.keep("orders", NIGHTS[1], {})
    for one in bucket.s3.list_objects_v2(Bucket="backups", Prefix=below)["Contents"]:
        bucket.s3.delete_object(Bucket="backups", Key=one["Key"])
    (found,) = verify("orders", code=1)
    assert "nothing lies here" in found["findings"][0]["what"]


def test_who_may_not_write_is_told_that_it_is_not_noted(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        said = {"Error": {"Code": "AccessDenied", "Message": "no"}}
        raise ClientError(said, "PutObject")

    monkeypatch.setattr(Store, "replace", refuse)
    result = run("orders", "--bucket", "backups")
    assert result.exit_code == 0
    assert "level 2, 10 items in 4 files" in result.stdout
    assert "not noted in the catalogue" in result.stderr
    assert "AccessDenied" in result.stderr


def test_a_file_that_may_not_be_read_is_named(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        said = {"Error": {"Code": "AccessDenied", "Message": "no"}}
        raise ClientError(said, "GetObject")

    monkeypatch.setattr("hippolyte.exports.reader.Backup.texts_of", refuse)
    (found,) = verify("orders", code=2)
    assert "AccessDenied" in found["failure"]
    assert "00000000" in found["failure"]
    assert bucket.entry("orders")["verified"]["at"] == LONG_AGO


def test_a_prefix_and_a_folder_need_no_catalogue(bucket: Bucket, tmp_path: Path) -> None:
    below = f"backups/{ACCOUNT}/{REGION}/users/{NIGHTS[1]}-1"
    (found,) = verify(f"s3://backups/{below}")
    assert (found["verified_level"], found["items"], found["table"]) == (2, len(ITEMS), None)
    for name, data in tool_export(ITEMS).items():
        (tmp_path / name).write_bytes(data)
    (found,) = verify(str(tmp_path))
    assert (found["verified_level"], found["items"]) == (2, len(ITEMS))


def test_a_real_export_passes() -> None:
    result = run(str(REAL), "--json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    assert (found["verified_level"], found["items"]) == (2, 1000)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name one"),
        (["orders", "--all"], "Name one"),
        (["nobody"], "no backup of a table nobody"),
        (["./nowhere"], "is no folder"),
        (["orders", "--at", "2026-11-01"], "no backup of orders was begun by"),
        (["s3://backups/nothing/here"], "nothing lies here"),
        (["s3://backups/x", "--at", "2026-11-01"], "--at is of a table"),
    ],
)
def test_what_is_not_possible_is_said(bucket: Bucket, arguments: list[str], said: str) -> None:
    result = run(*arguments, "--bucket", "backups")
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())


class Raced:
    """A store whose entry somebody else writes at each moment, some times."""

    def __init__(self, times: int) -> None:
        self.times, self.written = times, dict[str, Any]()

    def read(self, _: str) -> tuple[dict[str, Any], str]:
        return {"location": "s3://b/x", "items": self.times}, "etag"

    def replace(self, _: str, record: dict[str, Any], __: str) -> None:
        if self.times:
            self.times -= 1
            raise ConflictError("by another")
        self.written = record


@pytest.mark.parametrize(("times", "why"), [(2, ""), (9, "others write")])
def test_an_entry_that_another_writes_meanwhile_is_read_again(times: int, why: str) -> None:
    store: Any = Raced(times)
    said = verified.record(store, "key", "s3://b/x", Checked((1, 2)), "now", "night")
    assert said.startswith(why)
    if not why:
        assert (said, store.written["items"]) == ("", 0), "what the other wrote is kept"
    assert verified.record(store, "key", "s3://b/other", Checked((1,)), "now", "night")


def test_what_an_older_entry_lacks_is_not_missed() -> None:
    damaged = Checked((1,), findings=(Finding("f", 3, "no item"),))
    after = verified.merged(None, damaged, "now", "night")
    assert after == {
        "level": 1,
        "levels": [1],
        "at": "now",
        "by": "night",
        "damage": ["f, line 3: no item"],
    }
    assert verified.expected({"table": "t"}).files is None
