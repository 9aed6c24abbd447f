"""`hippolyte list`: what can be restored, and how much is asked of S3 for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner

from hippolyte.errors import ConfigurationError
from hippolyte.store import Store
from hippolyte_cli.backups import Backups, Home, NoBackupError
from hippolyte_cli.main import app

HOME, OTHER = ("111122223333", "us-east-1"), ("444455556666", "eu-west-1")
NIGHTS = [f"2026-11-{day:02}T00-00Z" for day in (20, 21, 22, 23)]


def entry(table: str, run: str, home: tuple[str, str] = HOME, **more: Any) -> tuple[str, bytes]:
    account, region = home
    record = {
        "version": 1,
        "table": table,
        "run_id": run,
        "location": f"s3://backups/backups/{account}/{region}/{table}/{run}-1",
        "items": 7,
        "bytes": 700,
        "files": 1,
        "finished_at": f"{run[:10]}T00:09:00Z",
        "notes": [],
        "definition": {"TableName": table},
        "settings": None,
    }
    return f"catalog/{account}/{region}/{table}/{run}.json", json.dumps(record | more).encode()


def report(run: str, tables: dict[str, Any], home: tuple[str, str] = HOME) -> tuple[str, bytes]:
    account, region = home
    key = f"runs/{account}/{region}/{run}/report.json"
    return key, json.dumps({"version": 1, "run_id": run, "tables": tables}).encode()


def told(verdict: str = "backed_up", items: int | None = 7, **more: Any) -> dict[str, Any]:
    good = "2026-11-23T00:09:00Z"
    return {"verdict": verdict, "items": items, "bytes": 700, "last_good": good} | more


FAILED = {"verdict": "failed", "items": None, "bytes": 0, "last_good": None}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="backups")
        objects = [
            *(entry("orders", night) for night in NIGHTS),
            entry("orders", "2026-11-23T10-30-17Z", items=8, verified={"level": 2}),
            *(entry("deleted", night, items=None) for night in NIGHTS[:2]),
            entry("left", NIGHTS[1]),
            *(entry("orders", night, OTHER, format="native") for night in NIGHTS[2:]),
            report(NIGHTS[2], {}),
            report(NIGHTS[3], {"orders": told(), "left": told("failed", None, last_items=5)}),
            report(
                "2026-11-23T10-30-17Z",
                {"orders": told(items=8, last_good="2026-11-23T10:31:00Z"), "left": FAILED},
            ),
            ("runs/111122223333/us-east-1/preflight-monitor.json", b"{}"),
        ]
        for key, content in objects:
            s3.put_object(Bucket="backups", Key=key, Body=content)
        yield s3


def listed(*arguments: str) -> Any:
    result = CliRunner().invoke(app, ["list", *arguments, "--bucket", "backups", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_table_with_a_backup_is_listed_also_those_that_are_gone(bucket: Any) -> None:
    rows = [
        (row["table"], row["account"], row["newest"], row["items"], row["gone"]) for row in listed()
    ]
    assert rows == [
        ("deleted", HOME[0], "2026-11-21T00:09:00Z", None, True),
        ("left", HOME[0], "2026-11-23T00:09:00Z", 5, False),
        # by hand, since the newest night
        ("orders", HOME[0], "2026-11-23T10:31:00Z", 8, False),
        # nothing is known of a night there: it is in none that is newer
        ("orders", OTHER[0], "2026-11-23T00:09:00Z", 7, False),
    ]


def test_what_is_newest_is_the_same_in_both_lists(bucket: Any) -> None:
    for row in listed():
        newest = listed(row["table"], "--account", row["account"], "--limit", "1")[0]
        # what a report tells of a night that has failed has no id
        assert row["run"] in (newest["run"], None)


def test_before_any_night_no_table_is_missing_in_one(bucket: Any) -> None:
    result = CliRunner().invoke(app, ["list", "--bucket", "backups", "--account", OTHER[0]])
    assert result.exit_code == 0
    assert "newest night" not in result.stdout


def test_a_run_without_a_report_is_said(bucket: Any) -> None:
    run = "2026-11-23T11-00-00Z"
    key = f"runs/{HOME[0]}/{HOME[1]}/{run}/plan.json"
    bucket.put_object(Bucket="backups", Key=key, Body=b"{}")
    for key, content in (entry("left", run), entry("orders", run)):
        bucket.put_object(Bucket="backups", Key=key, Body=content)
    result = CliRunner().invoke(app, ["list", "--bucket", "backups"])
    assert f"Run {run} of {HOME[0]} {HOME[1]} has no report yet: what it has" in " ".join(
        result.stdout.split()
    )
    assert listed("orders", "--account", HOME[0])[0]["run"] == run


def test_many_runs_by_hand_are_not_all_read(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hippolyte_cli.backups._MOST_REPORTS", 2)
    for second in (1, 2):
        key, content = report(f"2026-11-23T12-00-0{second}Z", {"left": told(items=second)})
        bucket.put_object(Bucket="backups", Key=key, Body=content)
    rows = {(row["table"], row["account"]): row for row in listed()}
    assert rows["left", HOME[0]]["items"] == 2
    # in its entry, not in a report that is older
    assert rows["orders", HOME[0]]["items"] == 8
    assert not any(row["gone"] for row in rows.values())


def test_the_nights_of_a_table_are_listed_newest_first(bucket: Any) -> None:
    rows = listed("orders", "--account", HOME[0])
    assert [(row["run"], row["items"], row["verified_level"]) for row in rows] == [
        ("2026-11-23T10-30-17Z", 8, 2),
        *((night, 7, 1) for night in reversed(NIGHTS)),
    ]
    assert rows[-1]["location"].endswith("/orders/2026-11-20T00-00Z-1")
    assert rows[-1]["format"] is None
    assert [row["format"] for row in listed("orders", "--of-region", OTHER[1])] == ["native"] * 2
    assert len(listed("orders", "--limit", "1")) == 2  # of each account
    result = CliRunner().invoke(app, ["list", "orders", "--limit", "2", "--bucket", "backups"])
    assert "3 older backups not shown: --limit 5" in result.stdout


def test_a_copy_of_the_bucket_is_restored_from_itself(bucket: Any) -> None:
    """Its entries name the bucket that was copied, which may be what was lost."""
    key, content = entry("orders", NIGHTS[0])
    bucket.create_bucket(Bucket="copy")
    bucket.put_object(Bucket="copy", Key=key, Body=content)
    result = CliRunner().invoke(app, ["list", "orders", "--bucket", "copy", "--json"])

    (row,) = json.loads(result.stdout)
    assert row["location"] == f"s3://copy/backups/111122223333/us-east-1/orders/{NIGHTS[0]}-1"


@pytest.mark.parametrize("columns", ["40", "80", "400"])
def test_nothing_is_cut_on_a_narrow_terminal(bucket: Any, columns: str) -> None:
    """Each night's place, and each table's note, is in one piece, to be copied."""
    for arguments in (["orders", "--account", HOME[0]], []):
        result = CliRunner().invoke(
            app, ["list", *arguments, "--bucket", "backups"], env={"COLUMNS": columns}
        )
        assert result.exit_code == 0, result.output
        assert "\u2026" not in result.stdout
        if arguments:
            for row in listed(*arguments):
                (line,) = [line for line in result.stdout.splitlines() if row["location"] in line]
                assert all(str(row[name]) in line for name in ("run", "finished_at", "items"))
                assert f"level {', '.join(map(str, row['verified_levels']))}" in line
        else:
            lines = [line for line in result.stdout.splitlines() if "deleted" in line]
            assert "not in the newest night" in lines[0] and HOME[0] in lines[0]


@pytest.mark.parametrize(
    ("at", "run"),
    [
        ("latest", "2026-11-23T10-30-17Z"),
        ("2026-11-23", "2026-11-23T10-30-17Z"),
        ("2026-11-23T10:30", "2026-11-23T00-00Z"),
        ("2026-11-23T02:00+02:00", "2026-11-23T00-00Z"),
        ("2026-11-22T23:59:59Z", "2026-11-22T00-00Z"),
        ("2026-11-21T00-00Z", "2026-11-21T00-00Z"),
        ("2027-01-01", "2026-11-23T10-30-17Z"),
    ],
)
def test_a_backup_is_found_by_a_moment(bucket: Any, at: str, run: str) -> None:
    kept = Backups(Store(bucket, "backups"), account=HOME[0]).find("orders", at)
    assert (kept.run, kept.home) == (run, Home(*HOME))


@pytest.mark.parametrize(
    ("table", "at", "said"),
    [
        ("orders", "latest", "several accounts or regions .111122223333 us-east-1, 444455556666"),
        ("order", "latest", "no backup of a table order is kept in .*; there are orders, orders"),
        ("xyz", "latest", "4 others have"),
        ("deleted", "2026-11-19", "there are 2, from 2026-11-20T00-00Z to 2026-11-21T00-00Z"),
        ("deleted", "2026-11-23T00-00Z", "2026-11-23T00-00Z.*: there are 2"),
        ("left", "2026-11-23T00-00Z", "left is kept of other nights: in that one it was failed"),
    ],
)
def test_what_is_not_kept_is_told_with_what_is(bucket: Any, table: str, at: str, said: str) -> None:
    with pytest.raises(NoBackupError, match=said):
        Backups(Store(bucket, "backups")).find(table, at)


def test_a_moment_that_is_none_is_refused(bucket: Any) -> None:
    with pytest.raises(ConfigurationError, match="'yesterday' is not a time"):
        Backups(Store(bucket, "backups")).find("left", "yesterday")


def test_a_bucket_without_backups_is_said(bucket: Any) -> None:
    result = CliRunner().invoke(app, ["list", "--bucket", "backups", "--prefix", "none/"])
    assert result.exit_code == 1
    assert "No backup is kept in s3://backups/none" in result.stdout
    result = CliRunner().invoke(app, ["list", "x", "--bucket", "backups", "--prefix", "none/"])
    assert result.exit_code == 1 and "has no catalogue of backups" in result.stderr
    result = CliRunner().invoke(app, ["list", "--bucket", "not-there"])
    assert result.exit_code == 2 and "NoSuchBucket" in result.stderr


def test_an_entry_of_another_version_is_refused(bucket: Any) -> None:
    key, content = entry("left", NIGHTS[1])
    record = json.loads(content)
    del record["location"]
    bucket.put_object(Bucket="backups", Key=key, Body=json.dumps(record).encode())
    result = CliRunner().invoke(app, ["list", "left", "--bucket", "backups"])
    assert result.exit_code == 2 and "entry of left lacks 'location'" in result.stderr


class Listing:
    """S3 with 2,500 tables of 90 nights, canned; it counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        first = datetime(2026, 8, 25, tzinfo=UTC)
        self.runs = [f"{first + timedelta(days=n):%Y-%m-%dT00-00Z}" for n in range(90)]
        self.tables = [f"table-{n:04}" for n in range(2500)]
        self.report = report(self.runs[-1], {name: told() for name in self.tables})[1]

    def get_paginator(self, _: str) -> Listing:
        return self

    def paginate(self, Prefix: str, Delimiter: str = "", **_: Any) -> Iterator[dict[str, Any]]:
        names = {
            "catalog/": [HOME[0]],
            f"catalog/{HOME[0]}/": [HOME[1]],
            "catalog/{}/{}/".format(*HOME): self.tables,
            "runs/{}/{}/".format(*HOME): self.runs,
            "catalog-monthly/": [],
            "catalog-weekly/": [],
        }
        if Delimiter:
            found = [{"Prefix": f"{Prefix}{name}/"} for name in names[Prefix]]
            for start in range(0, len(found) or 1, 1000):
                self.asked += 1
                yield {"CommonPrefixes": found[start : start + 1000]}
        else:
            self.asked += 1
            yield {"Contents": [{"Key": f"{Prefix}{run}.json", "ETag": ""} for run in self.runs]}

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:
        self.asked += 1
        content = self.report
        if Key.startswith("catalog/"):
            _, _, _, table, run = Key.split("/")
            content = entry(table, run.removesuffix(".json"))[1]
        return {"ETag": "x", "Body": cast(Any, type("Body", (), {"read": lambda _: content}))()}


def test_what_is_asked_grows_with_what_is_shown() -> None:
    s3 = Listing()
    rows = Backups(Store(cast(Any, s3), "backups")).overview()
    assert len(rows) == 2500 and s3.asked == 9  # 2 + 1 + 1 + 3 + 1 listings, 1 report
    s3.asked = 0
    kept = Backups(Store(cast(Any, s3), "backups"))
    assert kept.find("table-0007", "2026-09-01").run == "2026-09-01T00-00Z"
    assert s3.asked == 6


def longer(kept: str, run: str) -> tuple[str, bytes]:
    key, body = entry("orders", run)
    return key.replace("catalog/", f"catalog-{kept}/"), body


def test_what_is_kept_by_the_week_and_the_month_is_found_beside(bucket: Any) -> None:
    for key, body in (
        longer("monthly", "2025-11-01T00-00Z"),
        longer("weekly", "2026-09-07T00-00Z"),
    ):
        bucket.put_object(Bucket="backups", Key=key, Body=body)
    kept = Backups(Store(bucket, "backups"))

    (_, nights) = next(found for found in kept.of("orders") if found[0].account == HOME[0])

    assert nights[1:] == [*reversed(NIGHTS), "2026-09-07T00-00Z", "2025-11-01T00-00Z"]
    home = Home(*HOME)
    assert kept.key(home, "orders", nights[-1]).startswith("catalog-monthly/")
    assert kept.read(home, "orders", nights[-2]).run == nights[-2]
    assert kept.key(home, "orders", NIGHTS[0]).startswith("catalog/")
    with pytest.raises(NoBackupError, match="not there any more"):
        kept.read(home, "orders", "2026-01-01T00-00Z")


def test_who_may_not_list_those_is_told_of_the_others() -> None:
    class Denied(Listing):
        def paginate(self, Prefix: str, **more: Any) -> Iterator[dict[str, Any]]:
            if "-" in Prefix.split("/")[0]:
                raise ClientError({"Error": {"Code": "AccessDenied"}}, "ListObjectsV2")
            return super().paginate(Prefix, **more)

    assert len(Backups(Store(cast(Any, Denied()), "backups")).overview()) == 2500


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"[]",
        b'{"version":1}',
        b'{"version":1,"tables":[7]}',
        b'{"version":1,"tables":{"a":7}}',
    ],
)
@pytest.mark.parametrize("run", [NIGHTS[3], "2026-11-23T10-30-17Z"])
def test_a_report_that_cannot_be_read_hides_no_backup(bucket: Any, body: bytes, run: str) -> None:
    key, _ = report(run, {})
    bucket.put_object(Bucket="backups", Key=key, Body=body)
    result = CliRunner().invoke(
        app, ["list", "--bucket", "backups", "--account", HOME[0], "--json"]
    )
    assert result.exit_code == 0, result.output
    newest = {row["table"]: (row["run"], row["items"]) for row in json.loads(result.stdout)}
    assert newest["orders"] == ("2026-11-23T10-30-17Z", 8)
    assert newest["left"] == (NIGHTS[1], 7)
    said = CliRunner().invoke(app, ["list", "--bucket", "backups", "--account", HOME[0]])
    assert f"The report of run {run} of " in said.stdout
    asked = ["list", "orders", "--bucket", "backups"]
    assert CliRunner().invoke(app, asked).exit_code == 0
    with pytest.raises(NoBackupError, match=NIGHTS[3]):
        Backups(Store(bucket, "backups"), account=HOME[0]).find("deleted", NIGHTS[3])


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", entry("left", NIGHTS[1], items="7")[1], entry("left", NIGHTS[1], notes=7)[1]],
)
def test_an_entry_that_cannot_be_read_hides_no_other_table(bucket: Any, body: bytes) -> None:
    key, _ = entry("left", NIGHTS[1])
    bucket.put_object(Bucket="backups", Key=key, Body=body)
    spoil, _ = report(NIGHTS[3], {})
    bucket.put_object(Bucket="backups", Key=spoil, Body=b"{")
    asked = ["list", "--bucket", "backups", "--account", HOME[0]]
    result = CliRunner().invoke(app, [*asked, "--json"])
    assert result.exit_code == 0, result.output
    rows = {row["table"]: row for row in json.loads(result.stdout)}
    assert rows["orders"]["items"] == 8
    assert "catalog" in rows["left"]["unread"] or "the catalogue" in rows["left"]["unread"]
    assert CliRunner().invoke(app, asked).exit_code == 0
    assert CliRunner().invoke(app, ["list", "left", "--bucket", "backups"]).exit_code == 2
