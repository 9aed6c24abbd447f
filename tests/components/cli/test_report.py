"""`hippolyte report`: the last night, and the nights of every account in a bucket."""

from __future__ import annotations

import itertools
import json
import os
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from hippolyte import clock
from hippolyte.planning.window import run_id
from hippolyte.records.homes import Home
from hippolyte.verdicts import Verdict
from hippolyte_cli.main import app
from tests.support.builders import settings
from tests.support.fleets import (
    BUCKET,
    HOMES,
    NOW,
    Bucket,
    a_morning,
    bucket,
    good_tables,
    night,
    row,
    start,
)
from tests.support.night_reports import large_report, night_report
from tools.tf import REPOSITORY

FIRST, SECOND = HOMES[:2]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    with bucket() as found:
        yield found


def command(*arguments: str, columns: int = 80) -> Result:
    return CliRunner().invoke(
        app,
        ["report", *arguments, "--bucket", BUCKET],
        env={"COLUMNS": str(columns), "AWS_REGION": "us-east-1"},
    )


def report_of(home: Home, begin: datetime, **of_tables: dict[str, Any]) -> dict[str, Any]:
    """Return a whole report, as the product makes it."""
    made = night_report(["orders", "stock"], **of_tables)
    return made | {"run_id": run_id(begin), "account": home.account, "region": home.region}


# the last night


def test_the_last_night_is_shown_as_its_message(made: Bucket) -> None:
    made.report(FIRST, start(1), report_of(FIRST, start(1)))
    result = command()
    assert result.exit_code == 0, result.output
    assert "Run 2026-11-27T00-00Z: 2 tables discovered = 2 backed up" in result.stdout
    place = f"s3://{BUCKET}/runs/{FIRST.account}/{FIRST.region}/2026-11-27T00-00Z"
    assert f"As a page: {place}/report.html\n" in result.stdout


def test_a_failed_night_is_code_1_and_an_earlier_one_can_be_asked_for(made: Bucket) -> None:
    failed = {"verdict": Verdict.FAILED, "reason": "the step failed"}
    made.report(FIRST, start(0), report_of(FIRST, start(0), orders=failed))
    made.report(FIRST, start(1), report_of(FIRST, start(1)))
    result = command()
    assert result.exit_code == 1
    assert "  - orders: the step failed" in result.stdout
    assert command("--run", run_id(start(1))).exit_code == 0


def test_a_newer_run_without_a_report_is_said(made: Bucket) -> None:
    made.report(FIRST, start(1), report_of(FIRST, start(1)))
    made.put(f"runs/{FIRST.account}/{FIRST.region}/{run_id(start(0))}/plan.json", {})
    result = command()
    assert (result.exit_code, "Run 2026-11-27" in result.stdout) == (0, True)
    assert "Run 2026-11-28T00-00Z has no report yet: hippolyte status" in result.stdout


def test_a_run_that_never_was_is_refused_with_the_newest(made: Bucket) -> None:
    made.report(FIRST, start(1), report_of(FIRST, start(1)))
    made.put(f"runs/{FIRST.account}/{FIRST.region}/{run_id(start(0))}/plan.json", {})
    result = command("--run", "2026-11-01T00-00Z", columns=400)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"there is no run 2026-11-01T00-00Z of {FIRST}" in result.stderr
    assert f"the newest night is {run_id(start(0))}" in result.stderr
    # one that began has no report yet
    began = command("--run", run_id(start(0)), columns=400)
    assert (began.exit_code, "has no report yet" in began.stderr) == (1, True)


def test_as_json_and_as_a_page(made: Bucket, tmp_path: Path) -> None:
    whole = report_of(FIRST, start(0))
    made.report(FIRST, start(0), whole)
    page = tmp_path / "night.html"
    result = command("--json", "--html", str(page))
    assert json.loads(result.stdout) == json.loads(json.dumps(whole))
    assert "<title>" in page.read_text(encoding="utf-8")


def test_without_any_night_it_is_code_1(made: Bucket) -> None:
    made.put(f"runs/{FIRST.account}/{FIRST.region}/since.json", {"version": 1})
    result = command("--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, None)
    assert "no night" in result.stderr


def test_of_several_accounts_one_must_be_named(made: Bucket) -> None:
    for home in (FIRST, SECOND):
        made.report(home, start(0), report_of(home, start(0)))
    result = command()
    assert result.exit_code == 2
    assert "name one with" in result.stderr
    assert command("--account", SECOND.account).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--run", "yesterday"), "is not a run id"),
        (("--run", "2026-11-28T00-00Z", "--all"), "--run, --account and --of-region are of one"),
        (("--all", "--account", FIRST.account), "--run, --account and --of-region are of one"),
        (("--account", "999999999999"), "has no runs"),
        (("--expect", FIRST.account), "--expect goes with --all"),
        (("--prefix", "a", "--prefix", "b"), "Several --prefix go with --all"),
        (("--all", "--expect", "1111"), "--expect is an account's id of 12 digits, or"),
        (("--all", "--expect", f"{FIRST.account}/mars"), "--expect is an account's id of 12"),
    ],
)
def test_what_cannot_be_is_code_2(made: Bucket, arguments: tuple[str, ...], said: str) -> None:
    made.report(FIRST, start(0), report_of(FIRST, start(0)))
    result = command(*arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


@pytest.mark.parametrize("body", [b"{", b"", {"version": 1}, night(start(0), {})])
def test_a_report_that_is_none_is_code_2(made: Bucket, body: object) -> None:
    made.report(FIRST, start(0), body)
    result = command()
    assert result.exit_code == 2
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("Error:")


def test_a_report_of_an_older_version_is_shown(made: Bucket, tmp_path: Path) -> None:
    failed = {"verdict": Verdict.FAILED, "reason": "the step failed"}
    old = report_of(FIRST, start(0), orders=failed)
    for key in ("engine", "part", "storage_usd", "before", "timezone", "drills", "would_raise"):
        del old[key]
    for each in old["tables"].values():
        del each["before"], each["last_good"], each["damage"], each["engine"]
    made.report(FIRST, start(0), old)
    page = tmp_path / "night.html"
    result = command("--html", str(page))
    assert result.exit_code == 1, result.output
    assert "  - orders: the step failed" in result.stdout
    assert "1 of 2 tables is not backed up." in page.read_text(encoding="utf-8")


def test_a_thousand_foreign_objects_hide_no_night(made: Bucket) -> None:
    home = f"runs/{FIRST.account}/{FIRST.region}"
    made.report(FIRST, start(0), report_of(FIRST, start(0)))
    for number in range(250):
        made.put(f"{home}/foreign-{number}/report.json", b"x")
        made.put(f"{home}/2026-99-99T00-{number:02d}Z/report.json", b"x")
        made.put(f"{home}/foreign-{number}", b"x")
        made.put(f"runs/foreign-{number}/x", b"x")
    for arguments in ((), ("--all", "--nights", "7")):
        result = command(*arguments)
        assert result.exit_code == 0, result.output
        assert "foreign" not in result.output
        assert "2 backed up" in result.output or "2 tables backed up" in result.output


def test_ten_thousand_tables_are_a_few_reasons(made: Bucket, tmp_path: Path) -> None:
    whole = large_report(10_000, failures=20)
    whole |= {"run_id": run_id(start(0)), "account": FIRST.account, "region": FIRST.region}
    made.report(FIRST, start(0), whole)
    page = tmp_path / "night.html"
    result = command("--html", str(page))
    assert result.exit_code == 1, result.output
    assert "10,000 tables discovered = " in result.stdout
    assert len(result.stdout.splitlines()) < 100
    assert page.stat().st_size < 3_000_000
    said = command("--all", "--nights", "7").stdout
    assert "21 tables failed" in said
    assert len(said.splitlines()) < 60


ODD_NAMES = ["\u202eelbat", "\u200bzero", "tab\tbell\x07\x1b[31m", "two\nlines: OK", "n" * 255]


@pytest.mark.parametrize("arguments", [(), ("--all", "--nights", "7")], ids=["one", "all"])
def test_names_and_reasons_of_anybody_s_are_shown_safely(
    made: Bucket, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    whole = report_of(FIRST, start(0))
    reasons = itertools.cycle(["\u2066x\x9b31m", "y\r\nforged: all is well"])
    failed = whole["tables"]["orders"] | {"verdict": "failed"}
    whole["tables"] = {name: failed | {"reason": next(reasons)} for name in ODD_NAMES}
    whole["totals"] |= {"backed_up": 0, "failed": len(ODD_NAMES)}
    whole["deployment"] = ODD_NAMES[0]
    for key in ("alerts", "warnings", "left_raised"):
        whole[key] = ODD_NAMES
    made.report(FIRST, start(0), whole)
    page = tmp_path / "page.html"
    result = command(*arguments, "--html", str(page), columns=100)
    assert result.exit_code == 1, result.output
    for said in (result.stdout, page.read_text(encoding="utf-8")):
        assert not {c for c in said if unicodedata.category(c) in ("Cc", "Cf")} - {"\n", "\t"}
    assert "\t" not in result.stdout
    lines = result.stdout.splitlines()
    assert not [line for line in lines if line.startswith(("forged", "lines"))]
    assert "n" * 255 in "".join(line.strip() for line in result.stdout.splitlines())
    # what is for programs is whole
    found = json.loads(command(*arguments, "--json").stdout)
    assert ODD_NAMES[3] in json.dumps(found, ensure_ascii=False).replace("\\n", "\n")


def test_half_a_letter_keeps_no_page_from_being_written(made: Bucket, tmp_path: Path) -> None:
    page = tmp_path / "night.html"
    made.report(FIRST, start(0), report_of(FIRST, start(0)) | {"runbook_url": "\ud800"})
    assert command("--html", str(page)).exit_code == 0
    assert page.stat().st_size


# of all


@pytest.fixture
def six(made: Bucket) -> Bucket:
    for home in HOMES[1:]:
        for days in range(30):
            made.good(home, days)
    made.good(FIRST, 1)
    reason = " ".join(["because"] * 20)
    failed = {f"t{n}": row("failed", reason=reason) for n in range(9)}
    made.report(SECOND, start(0), night(start(0), failed))
    made.report(HOMES[2], start(9), b"{")
    return made


def test_all_fits_80_columns_and_cuts_nothing(six: Bucket) -> None:
    result = command("--all")
    assert result.exit_code == 1
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert max(map(len, lines)) <= 80
    assert lines[0] == "ATTENTION: 1 of 6 nights missing, 9 tables failed"
    assert f"{FIRST}  -." in lines  # the newest first, as on the page
    assert f"{SECOND}  F{'.' * 29}" in lines
    assert f"{HOMES[2]}  {'.' * 9}?{'.' * 20}" in lines
    assert "…" not in result.stdout
    # as failed, and as backed up nowhere
    assert " ".join(result.stdout.split()).count(" ".join(["because"] * 20)) == 2


@pytest.mark.parametrize("columns", [40, 60])
def test_on_a_narrow_terminal_figures_come_below_each_other(six: Bucket, columns: int) -> None:
    """Each word is whole, and none that a terminal has room for is beyond its edge."""
    terminal = {"COLUMNS": str(columns), "TTY_COMPATIBLE": "1", "TERM": "dumb", "NO_COLOR": "1"}
    arguments = ["report", "--all", "--bucket", BUCKET]
    said = CliRunner().invoke(app, arguments, env=terminal | {"AWS_REGION": "us-east-1"}).stdout
    assert "\u2026" not in said
    lines = [line.rstrip() for line in said.splitlines()]
    assert [line for line in lines if len(line) > columns and len(line.split()) > 2] == []
    assert " backed up 0, failed 9," in said
    for home in HOMES:
        assert str(home) in lines
    nights = [line.split()[-1] for line in lines if line.endswith("." * 9)]
    assert any(set(night) <= set(".?-F") for night in nights)


def test_what_one_night_cost_is_not_said_of_thirty(made: Bucket) -> None:
    made.good(FIRST, 0)
    assert "\n1 night: about 1.50 USD" in command("--all").stdout


def test_more_nights_than_fit_come_in_blocks(six: Bucket) -> None:
    lines = [line.rstrip() for line in command("--all", "--nights", "90").stdout.splitlines()]
    assert max(map(len, lines)) <= 80
    own = [line for line in lines if line.startswith(f"{SECOND} ") or line == str(SECOND)]
    nights = "".join(line.removeprefix(str(SECOND)).strip() for line in own[:2])
    assert nights.startswith("F" + "." * 29)


def test_all_is_code_0_if_all_is_well(made: Bucket) -> None:
    for home in HOMES:
        made.good(home, 0)
    result = command("--all", "--nights", "7")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("OK: 6 of 6 nights, 18 tables backed up\n")


def test_what_is_expected_and_not_there_is_told(made: Bucket) -> None:
    made.good(SECOND, 0)
    assert command("--all", "--nights", "7").exit_code == 0
    named = ("--expect", SECOND.account, "--expect", f"{FIRST.account}/eu-west-1")
    result = command("--all", "--nights", "7", *named)
    assert result.exit_code == 1
    assert result.stdout.startswith("ATTENTION: 1 of 2 nights missing\n")
    assert f"  - {FIRST.account} eu-west-1: nothing of it is in the bucket" in result.stdout


def test_several_prefixes_are_shown_together(made: Bucket) -> None:
    made.good(SECOND, 0)
    begin = start(0)
    key = f"team/runs/{FIRST.account}/{FIRST.region}/{run_id(begin)}/report.json"
    made.put(key, night(begin, good_tables(begin)))
    result = command("--all", "--nights", "7", "--prefix", "", "--prefix", "team/")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("OK: 2 of 2 nights, 6 tables backed up\n")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [*str(FIRST).split(), "team/", "."] in lines
    assert [*str(SECOND).split(), "."] in lines
    # one alone is a place of one deployment
    assert command("--prefix", "team").exit_code == 2


def test_all_as_json(six: Bucket, tmp_path: Path) -> None:
    page = tmp_path / "fleet.html"
    result = command("--all", "--json", "--html", str(page))
    found = json.loads(result.stdout)
    assert found["said"] == "ATTENTION: 1 of 6 nights missing, 9 tables failed"
    assert found["needs_attention"] is True
    first, second, third = found["deployments"][:3]
    assert (first["account"], first["last"]["state"]) == (FIRST.account, "missing")
    assert second["last"]["not_backed_up"] == 9
    assert {bare["table"] for bare in second["failed"]} == {f"t{n}" for n in range(9)}
    assert len(third["nights"]) == 30
    odd = third["nights"]["2026-11-19"]
    assert odd["state"] == "unreadable"
    assert "cut short" in odd["why"]
    assert third["cost_usd"] == pytest.approx(29 * 1.5)
    assert [each["last_good"] for each in third["oldest"]] == ["2026-11-28T01:00:00Z"] * 3
    assert "<title>Fleet: ATTENTION" in page.read_text(encoding="utf-8")


def test_the_fleets_page_leads_to_the_deployments_runbook(
    six: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wiki = "https://wiki.example.com/runbook"
    mine = settings(bucket=BUCKET, region="us-east-1", runbook_url=wiki)
    monkeypatch.setattr("hippolyte_cli.deployment.deployed", lambda *_, **__: mine)
    page = tmp_path / "fleet.html"
    arguments = ["report", "--all", "--html", str(page)]
    result = CliRunner().invoke(app, arguments, env={"AWS_REGION": "us-east-1"})
    assert result.exit_code == 1, result.output
    assert f'href="{wiki}#' in page.read_text(encoding="utf-8")


def test_an_empty_bucket_is_code_1_and_a_missing_one_2(made: Bucket) -> None:
    assert command("--all").exit_code == 1
    made.s3.delete_bucket(Bucket=BUCKET)
    result = command("--all")
    assert result.exit_code == 2
    assert "NoSuchBucket" in result.stderr


# what docs show


@pytest.fixture
def shown(made: Bucket) -> Bucket:
    a_morning(made)
    return made


def test_the_transcript_in_docs_is_what_it_prints(shown: Bucket) -> None:
    path = REPOSITORY / "docs" / "fleet-report.md"
    before, _, rest = path.read_text(encoding="utf-8").partition("<!-- BEGIN_TRANSCRIPT -->\n")
    kept, _, after = rest.partition("<!-- END_TRANSCRIPT -->")
    lines = [line.rstrip() for line in command("--all").stdout.splitlines()]
    made = "\n".join(["```text", f"$ hippolyte report --all --bucket {BUCKET}", *lines, "```", ""])
    if os.environ.get("WRITE_DOCS"):
        page = f"{before}<!-- BEGIN_TRANSCRIPT -->\n{made}<!-- END_TRANSCRIPT -->{after}"
        path.write_text(page, encoding="utf-8")
        kept = made
    assert kept == made, "WRITE_DOCS=1 writes it again"


@pytest.mark.parametrize("tables", [None, [], {"orders": None}], ids=str)
def test_what_is_no_report_of_ours_is_refused_in_words(
    made: Bucket, tmp_path: Path, tables: object
) -> None:
    made.report(FIRST, start(0), report_of(FIRST, start(0)) | {"tables": tables})
    result = command("--html", str(tmp_path / "night.html"))
    assert result.exit_code == 2, result.output
    assert "the report has a form that this version does not know" in " ".join(
        result.output.split()
    )
    assert not (tmp_path / "night.html").exists()
