"""`hippolyte run`, `plan`, `status`, `cancel`, beside the functions of a night."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hippolyte.assembly import assemble
from hippolyte.engines.workers import Record, TableRecord, Workers
from hippolyte.errors import HippolyteError
from hippolyte.settings import parse
from hippolyte_cli import follow, functions
from tests.support.commands import command, reach
from tests.support.harness import BIG, BUCKET, MINUTES, RUN, NightDriver, verdicts

PART = "2026-11-24T00-00-00Z"


@pytest.fixture(autouse=True)
def _reached(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    reach(night, monkeypatch, follow)


def fleet(night: NightDriver, **settings: Any) -> None:
    for name in ("orders", "orders-archive", "users"):
        night.table(name, **settings)


def test_run_begins_a_whole_night(night: NightDriver) -> None:
    fleet(night)
    result = command("run")
    assert result.exit_code == 0, result.output
    assert f"Run {RUN}: begun." in result.output
    assert "Report, when the run is closed: s3://" in result.output
    assert f"/{RUN}/report.html" in result.output
    assert not [key for key in night.keys("runs/") if key.endswith("report.html")]
    assert "3 tables, about " in result.output
    assert len(verdicts(night.until_closed())) == 3


def test_run_of_some_tables_waits_till_the_report(night: NightDriver) -> None:
    fleet(night, **MINUTES)
    night.configure(tables={"exclude": ["*-archive"]})
    result = command("run", "orders*", "--wait")
    assert result.exit_code == 0, result.output
    assert "orders-archive is left out: excluded by '*-archive'" in result.output
    assert f"{PART} (part: orders*) by {night.engine}: 1 of 2 tables decided" in result.output
    assert "1 backed up + 1 skipped" in result.output


def test_run_ends_with_1_if_a_table_has_no_backup(night: NightDriver) -> None:
    fleet(night)
    night.world.faults.step_fails["users"] = 9
    result = command("run", "users", "--wait")
    assert result.exit_code == 1
    assert " 1 table, about " in result.output
    assert "Failed:" in result.output


def test_a_run_without_a_monitor_is_not_waited_for_for_ever(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(night)
    clock = night.world.clock
    monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=lambda _: clock.advance(1800)))
    result = command("run", "users", "--wait")
    assert result.exit_code == 1
    assert "Is the monitor alive?" in result.output


@pytest.mark.parametrize("records", ["unreadable", "gone"])
def test_a_run_whose_records_stay_unreadable_is_not_waited_for_for_ever(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, records: str
) -> None:
    fleet(night)
    clock, s3, waits = night.world.clock, night.world.client("s3"), 0

    def sleep(seconds: float) -> None:
        nonlocal waits
        waits += 1
        assert waits < 1000, "it would never end"
        clock.advance(seconds)
        key = f"runs/{night.world.account}/{night.world.region}/{PART}/plan.json"
        if records == "gone":
            s3.delete_object(Bucket=BUCKET, Key=key)
        else:
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"{")

    monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=sleep))
    result = command("run", "users", "--wait")
    assert result.exit_code == 1
    assert f"Run {PART} could not be seen for 0:30:00" in " ".join(result.output.split())
    # said once, not every 15 seconds
    assert result.output.count("is not a record of this product") <= 2


@pytest.mark.parametrize("name", ["run", "plan"])
def test_what_the_scheduler_refuses_is_said(night: NightDriver, name: str) -> None:
    fleet(night)
    result = command(name, "oders")
    assert result.exit_code == 2
    assert "no table matches 'oders' (the nearest: orders" in result.output


def test_a_function_that_fails_is_said(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> dict[str, Any]:
        raise functions.FunctionError("hippolyte-scheduler failed: out of memory")

    monkeypatch.setattr(functions, "invoke", fails)
    result = command("run")
    assert result.exit_code == 2
    assert "hippolyte-scheduler failed: out of memory" in result.output


def test_plan_shows_tables_and_cost_and_changes_nothing(night: NightDriver) -> None:
    fleet(night)
    night.table("large", read=1000, **BIG)
    before = night.keys()
    result = command("plan")
    assert result.exit_code == 0, result.output
    rows = [row for row in result.output.splitlines() if "large" in row and "│" in row]
    # once with its figures, once with the reason
    assert len(rows) == 2
    assert all(f"{night.raised:,}" in row for row in rows)
    assert "4 tables" in result.output
    assert ". Nothing was recorded or changed." in result.output
    assert night.keys() == before


def test_plan_of_the_account_with_other_settings_as_json_and_since_the_last(
    night: NightDriver, tmp_path: Path
) -> None:
    fleet(night)
    night.table("large", read=1000, **BIG)
    result = command("plan", "--what-if", "window=00:00-09:00,raise_capacity=plan")
    assert result.exit_code == 0, result.output
    (row,) = [line for line in result.output.splitlines() if "│ tables raised" in line]
    assert re.search(r"1 by [\d,]+ units │ +0 │", row)
    plain = command("plan", "--json")
    last = tmp_path / "last.json"
    last.write_text(plain.stdout, encoding="utf-8")
    assert json.loads(plain.stdout)["engine"] == night.engine
    night.table("new")
    result = command("plan", "--compare", last, "--html", tmp_path / "plan.html")
    assert "New, 1:" in result.output
    assert "<h2>What changed</h2>" in (tmp_path / "plan.html").read_text(encoding="utf-8")
    refused = command("plan", "--what-if", "engine=emr,emr.jar=x")
    assert refused.exit_code == 2
    assert "cannot be planned with" in refused.output


def test_status_of_nothing(night: NightDriver) -> None:
    result = command("status")
    assert result.exit_code == 0
    assert "No run of hippolyte in account 123456789012, us-east-1 is open." in result.output


def test_status_shows_how_far_a_run_is_and_writes_nothing(night: NightDriver) -> None:
    fleet(night)
    night.table("orders-large", read=1000, **BIG)
    night.table("locked", status="ARCHIVED")
    night.scheduler()
    night.until_exporting("orders-large", minutes=100)
    night.world.clock.advance(60)
    night.monitor()
    before = night.keys()
    result = command("status")
    assert result.exit_code == 0, result.output
    assert f"{RUN} by {night.engine}:" in result.output
    assert "1 unsupported" in result.output
    assert "1 raised" in result.output
    assert "until 2026-11-24T02:00:00Z" in result.output
    how_far = r"\d+ of 64 segments" if night.engine == "lambda" else "for "
    assert re.search(f"  orders-large: reading, {how_far}", result.output)
    assert night.keys() == before


def test_status_of_a_run_that_has_no_ledger_yet(night: NightDriver) -> None:
    fleet(night)
    night.scheduler()
    key = f"runs/{night.account}/{night.region}/{RUN}/ledger.json"
    night.s3.delete_object(Bucket="backups", Key=key)
    assert "0 of 3 tables decided" in command("status").output
    assert night.record(RUN, "ledger.json") is None


def test_status_watches_until_nothing_is_open(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(night)
    night.scheduler()
    waits = SimpleNamespace(sleep=lambda _: night.passes(5))
    monkeypatch.setattr("hippolyte_cli.by_hand.time", waits)
    result = command("status", "--watch")
    assert result.exit_code == 0
    assert "being read" in result.output
    assert result.output.rstrip().endswith("is open.")


@pytest.mark.engine("lambda")
def test_status_shows_what_workers_record(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    ledger = night.record(RUN, "ledger.json") or {}
    (batch,) = ledger["batches"]
    p = assemble(parse(json.dumps(night.settings)), "test", lambda: 900.0)
    read = TableRecord(
        state="reading",
        items=1234,
        text=3 << 20,
        units=6000.0,
        segments=8,
        ended=3,
        begun="2026-11-24T00:00:00Z",
        at="2026-11-24T00:10:00Z",
    )
    ledger["batches"][batch]["state"] = "running"
    ledger["tables"]["orders"]["exporting"] = True
    p.store.put(p.runs.key(RUN, "ledger.json"), ledger)
    record = asdict(Record(tables={"orders": read}))
    p.store.put(p.runs.key(RUN, f"workers/{batch}/record.json"), record)
    assert Workers(p.store, p.settings, RUN).record(batch)
    output = command("status").output
    assert "orders: reading, 3 of 8 segments, 1,234 items, 3.0 MiB, 10.0 units/s" in output
    # of a newer version it is only lost progress, as for the monitor
    newer = json.dumps({**record, "version": 99}).encode()
    night.s3.put_object(
        Bucket=BUCKET, Key=p.runs.key(RUN, f"workers/{batch}/record.json"), Body=newer
    )
    result = command("status")
    assert result.exit_code == 0, result.output
    assert "orders: " in result.output


def test_cancel_ends_a_run_and_gives_back(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.until_exporting("orders")
    result = command("cancel", RUN, "--reason", "wrong day", "--wait")
    assert result.exit_code == 0, result.output
    assert f"Run {RUN} is marked as cancelled." in result.output
    report = night.record(RUN, "report.json") or {}
    assert verdicts(report) == {"orders": "failed"}
    assert "(wrong day)" in report["tables"]["orders"]["reason"]
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_cancel_twice_says_who_was_first(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.until_exporting("orders")
    assert command("cancel", RUN).exit_code == 0
    again = command("cancel", RUN)
    assert again.exit_code == 0
    assert f"Run {RUN} was cancelled by " in again.output
    assert "already." in again.output
    night.until_closed(hours=1)
    night.assert_clean()


def test_cancel_with_a_dead_monitor_leaves_the_mark(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()

    def fails(*_: object) -> dict[str, Any]:
        raise HippolyteError("hippolyte-monitor failed: no such thing.")

    monkeypatch.setattr(functions, "invoke", fails)
    result = command("cancel", RUN)
    assert result.exit_code == 1
    assert "The monitor failed: hippolyte-monitor failed" in result.output
    assert "to be cancelled by the next pass" in command("status").output
    report = night.until_closed(hours=1)
    assert "cancelled by" in report["tables"]["orders"]["reason"]


def test_cancel_says_so_if_the_records_cannot_be_read_any_more(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()

    def answers(*_: object) -> dict[str, Any]:
        night.world.deny("s3:GetObject")
        return {}

    monkeypatch.setattr(functions, "invoke", answers)
    result = command("cancel", RUN)
    assert result.exit_code == 2
    assert f"Run {RUN} is marked as cancelled." in result.output
    assert "not authorized to perform: s3:GetObject" in result.output


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("2026-11-20T00-00Z", f"There is no run 2026-11-20T00-00Z. Open: {RUN}."),
        ("tonight", "'tonight' is not a run id like"),
    ],
)
def test_cancel_of_an_unknown_run_is_refused(night: NightDriver, run: str, said: str) -> None:
    fleet(night)
    night.scheduler()
    before = night.keys()
    result = command("cancel", run)
    assert result.exit_code == 2
    assert said in result.output
    assert night.keys() == before


def test_cancel_of_a_closed_run_is_refused(night: NightDriver) -> None:
    fleet(night)
    night.night()
    before = night.keys()
    result = command("cancel", RUN)
    assert result.exit_code == 2
    assert f"Run {RUN} was closed at" in result.output
    assert night.keys() == before


def printed(*arguments: str, code: int = 0) -> Any:
    """Return the one JSON value on stdout; what is for people is on stderr."""
    result = command(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_a_run_its_state_and_its_end_as_json(night: NightDriver) -> None:
    fleet(night, **MINUTES)
    begun = printed("run")
    assert (begun["run_id"], begun["result"], begun["tables"]) == (RUN, "begun", 3)
    assert begun["report"] is None and begun["report_url"].endswith(f"/{RUN}/report.html")
    if night.engine != "lambda":  # a cluster has begun to read, a worker would have ended
        night.passes(15)
    shown = printed("status")
    (one,) = shown["runs"]
    assert (one["run"], one["tables"]) == (RUN, 3)
    assert {table["name"] for table in one["undecided"]} <= {"orders", "orders-archive", "users"}
    assert shown["not_seen"] == []
    ended = printed("cancel", RUN)
    assert (ended["run"], ended["already"], ended["monitor_error"]) == (RUN, False, None)
    assert ended["closed"] or ended["status"]["cancelled"].startswith("cancelled by ")
    night.until_closed()
    assert printed("status") == {"runs": [], "not_seen": []}
    refused = command("cancel", RUN, "--json")
    assert (refused.exit_code, refused.stdout) == (2, "") and "was closed at" in refused.stderr
    assert command("status", "--watch", "--json").exit_code == 2


def test_a_run_that_is_waited_for_as_json_has_its_report(night: NightDriver) -> None:
    fleet(night)
    night.world.faults.step_fails["users"] = 9
    told = printed("run", "users", "--wait", code=1)
    assert told["report"]["tables"]["users"]["verdict"] == "failed"


def test_a_monitor_that_fails_is_told_as_json(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(night, **MINUTES)
    printed("run")

    def fails(*_: object) -> dict[str, Any]:
        raise functions.FunctionError("hippolyte-monitor failed: out of memory")

    monkeypatch.setattr(functions, "invoke", fails)
    told = printed("cancel", RUN, code=1)
    assert (told["closed"], told["monitor_error"]) == (
        False,
        "hippolyte-monitor failed: out of memory",
    )
