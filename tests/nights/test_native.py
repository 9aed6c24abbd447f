"""Nights of mixed engines: tables with point-in-time recovery are exported by DynamoDB itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from hippolyte.assembly import assemble
from hippolyte.night.cancelled import ask
from hippolyte.preflight_calls import shared
from hippolyte.record_form import when
from hippolyte.settings import parse
from hippolyte.store import Store
from local.core.course import Killed
from local.dynamodb.export_job import Export
from tests.support.commands import command, deploy
from tests.support.harness import BUCKET, RUN, START, NightDriver, driver, verdicts
from tests.support.native import ARN, entry, exports, items, native, recover
from tests.support.report_schema import faults


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch, "lambda") as made:
        made.configure(native_export={"tables": ["n-*"], "exclude": ["n-not"]})
        yield made


def test_a_night_mixes_engines(night: NightDriver) -> None:
    native(night, "n-orders", items=7)
    native(night, "n-not")
    native(night, "other")
    night.table("n-off")
    report = night.night()
    tables = ["n-orders", "n-not", "other", "n-off"]
    assert verdicts(report) == dict.fromkeys(tables, "backed_up")
    assert [one["TableArn"] for one in exports(night)] == [f"{ARN}n-orders"]
    assert items(night, "n-orders") == {f"n-orders#{i}" for i in range(7)}
    kept = entry(night, "n-orders")
    assert kept is not None
    assert (kept["engine"], kept["format"], kept["items"]) == ("native", "native", 7)
    scanned = entry(night, "n-off")
    assert scanned is not None
    assert scanned["engine"] == "lambda"
    assert any("n-off" in warning and "is off" in warning for warning in report["warnings"])
    assert {name: row["engine"] for name, row in report["tables"].items()} == {
        "n-orders": "native",
        "n-not": night.engine,
        "n-off": night.engine,
        "other": night.engine,
    }
    assert list(faults(report)) == []
    assert report["raised"] == []
    night.assert_clean()


def test_all_are_as_of_the_windows_start(night: NightDriver) -> None:
    night.world.clock.advance_to(START - timedelta(hours=1))
    native(night, "n-a")
    native(night, "n-b")
    night.world.clock.advance_to(START)
    night.scheduler()
    night.passes(4, each=2)
    # it cannot be restored yet
    assert exports(night) == []
    night.until_closed()
    assert {one["ExportTime"] for one in exports(night)} == {START}
    assert all(one["StartTime"] >= START + timedelta(minutes=5) for one in exports(night))


def test_the_plan_says_why_and_what_it_costs(night: NightDriver) -> None:
    native(night, "n-orders", size_bytes=10_000_000_000)
    native(night, "other")
    plan = night.scheduler({"run": "plan"})["plan"]
    jobs = {job["table"]: job for batch in plan["batches"] for job in batch["jobs"]}
    assert jobs["n-orders"]["own_engine"] == "native"
    assert "1.0000 USD, a scan would be" in jobs["n-orders"]["basis"]
    assert plan["cost"]["exports"] == 1.0
    assert jobs["other"]["own_engine"] == ""
    assert exports(night) == []


def test_recovery_switched_off_in_mid_night(night: NightDriver) -> None:
    native(night, "n-orders")
    night.scheduler()
    recover(night, "n-orders", False)
    report = night.until_closed()
    row = report["tables"]["n-orders"]
    assert row["verdict"] == "failed"
    assert "point-in-time recovery was switched off" in row["reason"]


def test_a_table_deleted_in_mid_night(night: NightDriver) -> None:
    native(night, "n-orders")
    night.scheduler()
    night.dynamodb.delete_table(TableName="n-orders")
    report = night.until_closed()
    assert verdicts(report) == {"n-orders": "vanished"}


def test_a_window_that_begins_later_is_said(night: NightDriver) -> None:
    native(night, "n-orders")
    night.scheduler()
    night.world.clock.advance(120)
    recover(night, "n-orders", False)
    recover(night, "n-orders", True)
    report = night.until_closed()
    assert verdicts(report) == {"n-orders": "backed_up"}
    (one,) = exports(night)
    assert one["ExportTime"] > START + timedelta(seconds=119)
    assert any("reaches back no further" in note for note in report["tables"]["n-orders"]["notes"])


def test_a_bucket_that_refuses(night: NightDriver) -> None:
    night.configure(native_export={"tables": ["*"]}, bucket_owner="999999999999")
    native(night, "n-orders")
    report = night.night()
    row = report["tables"]["n-orders"]
    assert row["verdict"] == "failed"
    assert "the bucket refuses DynamoDB" in row["reason"]
    assert "S3AccessDenied" in row["reason"]
    assert "after 2 attempts" in row["reason"]


def test_what_has_no_room_waits(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.dynamodb.exports.AT_ONCE", 2)
    names = [f"n-{i}" for i in range(5)]
    for name in names:
        native(night, name)
    report = night.night()
    assert verdicts(report) == dict.fromkeys(names, "backed_up")
    assert len(exports(night)) == 5


def test_a_start_without_an_answer_is_one_export(night: NightDriver) -> None:
    native(night, "n-orders")
    night.scheduler()
    night.kill_after("dynamodb:ExportTableToPointInTime")
    with pytest.raises(Killed):
        night.passes(10)
    night.allow_all()
    report = night.until_closed()
    assert verdicts(report) == {"n-orders": "backed_up"}
    assert len(exports(night)) == 1


def test_at_the_deadline_it_goes_on_and_is_kept_later(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.dynamodb.exports.SECONDS", 9000.0)
    native(night, "n-orders")
    report = night.night()
    row = report["tables"]["n-orders"]
    assert row["verdict"] == "timed_out"
    assert "cannot be cancelled" in row["reason"]
    assert entry(night, "n-orders") is None
    night.passes(60)
    kept = entry(night, "n-orders")
    assert kept is not None
    assert any(note.startswith("late") for note in kept["notes"])
    assert when(kept["finished_at"]) > START + timedelta(seconds=7200)
    assert items(night, "n-orders") == {f"n-orders#{i}" for i in range(3)}
    # and once only
    night.refuse("dynamodb:DescribeExport", "InternalServerError", "asked again")
    night.passes(10)
    assert entry(night, "n-orders") == kept


def test_a_part_of_a_table_is_no_backup(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Export.description
    partly = {"FilterSpecification": {"FilterExpression": "a = b"}}
    monkeypatch.setattr(Export, "description", lambda one: whole(one) | partly)
    native(night, "n-orders")
    row = night.night()["tables"]["n-orders"]
    assert row["verdict"] == "failed"
    assert "FilterSpecification" in row["reason"]
    assert entry(night, "n-orders") is None


def test_a_limit_on_money_counts_exports(night: NightDriver) -> None:
    native(night, "n-small", size_bytes=1_000_000_000)
    native(night, "n-large", size_bytes=50_000_000_000)
    night.table("other")
    night.configure(native_export={"tables": ["n-*"]}, max_night_usd=1.0)
    plan = night.scheduler({"run": "plan"})["plan"]
    assert list(plan["verdicts"]) == ["n-large"]
    assert "native export" in plan["verdicts"]["n-large"][1]
    assert {job["table"] for b in plan["batches"] for job in b["jobs"]} == {"n-small", "other"}
    assert plan["cost"]["exports"] == 0.1


def test_the_plan_says_of_each_why_it_is_read(night: NightDriver) -> None:
    night.table("n-off")
    night.table("other")
    plan = night.scheduler({"run": "plan"})["plan"]
    why = {job["table"]: job["basis"] for b in plan["batches"] for job in b["jobs"]}
    off = "not exported natively: its point-in-time recovery is off"
    assert why == {"n-off": off, "other": ""}


def test_what_is_not_known_is_read(night: NightDriver) -> None:
    native(night, "n-orders")
    night.world.gate.denied.append(("dynamodb:DescribeContinuousBackups", "*"))
    plan = night.scheduler({"run": "plan"})["plan"]
    (job,) = (job for batch in plan["batches"] for job in batch["jobs"])
    assert "not known (AccessDeniedException)" in job["basis"]
    assert any("is not known" in warning for warning in plan["warnings"])


def test_a_cancelled_run_leaves_exports_to_dynamodb(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.dynamodb.exports.SECONDS", 2000.0)
    native(night, "n-orders")
    night.scheduler()
    night.until(lambda: exports(night))
    p = assemble(parse(json.dumps(night.settings)), "me", lambda: 900.0)
    ask(p.runs, RUN, "a person")
    row = night.until_closed()["tables"]["n-orders"]
    assert row["verdict"] == "failed"
    assert "cannot be cancelled" in row["reason"]
    night.passes(40)
    kept = entry(night, "n-orders")
    assert kept is not None
    assert kept["items"] == 3


def test_a_backup_is_read_back(night: NightDriver) -> None:
    night.configure(native_export={"tables": ["*"]}, verify_days=1)
    native(night, "n-orders")
    row = night.night()["tables"]["n-orders"]
    assert row["verified_levels"] == [1, 2]
    assert row["damage"] == []


@pytest.mark.parametrize("damage", ["data", "manifest"])
def test_what_is_damaged_is_no_backup(night: NightDriver, damage: str) -> None:
    native(night, "n-orders")
    night.scheduler()
    store, done = Store(night.s3, BUCKET), list[str]()

    def harm() -> bool:
        wanted = "/data/" if damage == "data" else "manifest-files.json"
        for key in store.names("backups/"):
            if wanted in key and key not in done:
                night.s3.put_object(Bucket=BUCKET, Key=f"backups/{key}", Body=b"{}")
                done.append(key)
        return bool(done)

    night.until(harm)
    night.until(lambda: len(done) >= 1 and harm(), 1)
    first = done[0]
    report = night.until_closed()
    row = report["tables"]["n-orders"]
    # the second attempt lies elsewhere
    assert row["earlier_attempts"][0]["outcome"] == "failed"
    assert row["verdict"] == "backed_up"
    assert first.split("/")[3] == f"{RUN}-1"
    assert row["location"].endswith(f"{RUN}-2")


def test_an_export_that_may_not_be_looked_at_ends_its_wait(night: NightDriver) -> None:
    native(night, "n-orders")
    night.world.gate.denied.append(("dynamodb:DescribeExport", "*"))
    row = night.night()["tables"]["n-orders"]
    assert row["verdict"] == "failed"
    assert "cannot be followed any more" in row["reason"]


def test_a_refusal_is_told_as_it_is(night: NightDriver) -> None:
    native(night, "n-orders")
    night.world.gate.denied.append(("s3:PutObjectAcl", "*"))
    night.refuse("dynamodb:ExportTableToPointInTime", "AccessDeniedException", "no s3:PutObjectAcl")
    row = night.night()["tables"]["n-orders"]
    assert row["verdict"] == "failed"
    assert "ExportTableToPointInTime: no s3:PutObjectAcl" in row["reason"]


def test_what_is_throttled_is_asked_again(night: NightDriver) -> None:
    native(night, "n-orders")
    night.refuse("dynamodb:ExportTableToPointInTime", "ThrottlingException", "Rate exceeded", 2)
    night.refuse("dynamodb:DescribeExport", "InternalServerError", "Internal error", 1)
    report = night.night()
    assert verdicts(report) == {"n-orders": "backed_up"}
    assert report["tables"]["n-orders"]["attempt"] == 1


def test_the_command_line_takes_it_as_any_backup(
    night: NightDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """List, verify, get, compare and restore, on a night whose engine is another."""
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))
    deploy(night)
    native(night, "n-orders", items=20)
    night.night()
    listed = command("list", "n-orders")
    assert listed.exit_code == 0, listed.output
    assert RUN in listed.output
    checked = command("verify", "n-orders", "--level", "2")
    assert checked.exit_code == 0, checked.output
    night.dynamodb.delete_item(TableName="n-orders", Key={"pk": {"S": "n-orders#3"}})
    got = command("get", "n-orders", "n-orders#3")
    assert got.exit_code == 0, got.output
    assert "n-orders#3" in got.output
    compared = command("compare", "n-orders@latest", "n-orders")
    assert compared.exit_code == 1, compared.output
    assert "19 equal, 1 only left" in compared.output
    for more in ((), ("--via", "import")):
        restored = command("restore", "n-orders", "--to", f"n-back{len(more)}", "--yes", *more)
        assert restored.exit_code == 0, restored.output
        back = night.dynamodb.scan(TableName=f"n-back{len(more)}")["Items"]
        assert {item["pk"]["S"] for item in back} == {f"n-orders#{i}" for i in range(20)}


def test_its_calls_are_tried_before_the_first_night(night: NightDriver) -> None:
    def answers() -> dict[str, str]:
        p = assemble(parse(json.dumps(night.settings)), "me", lambda: 900.0)
        told: dict[str, str] = {}
        for action, call in shared(p):
            if "Export" in action:
                with pytest.raises(ClientError) as refusal:
                    call()
                told[action] = refusal.value.response["Error"]["Code"]
        return told

    names = ("dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport")
    assert answers() == dict(
        zip(names, ("TableNotFoundException", "ExportNotFoundException"), strict=True)
    )
    night.world.gate.denied.extend((name, "*") for name in names)
    assert set(answers().values()) == {"AccessDeniedException"}
    night.configure(native_export={})
    assert answers() == {}
