"""How a night differs from the one before: kept in its report, and told on its page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hippolyte.records.ledger import Ledger
from hippolyte.report.before import backup_before, night_before
from hippolyte.report.content import make_report
from hippolyte.report.page import render
from hippolyte.report.since import since_the_night_before
from hippolyte.report.texts import change
from hippolyte.verdicts import Verdict
from tests.support.builders import plan, table
from tests.support.night_reports import SETTINGS, large_report, night_report
from tests.support.report_schema import faults

GOOD = {"verdict": "backed_up", "items": 5, "bytes": 10, "duration_seconds": 7, "table_id": "x"}


def after(previous: dict[str, Any]) -> dict[str, Any]:
    """The report of a night of the table `orders` that follows another one."""
    made = plan(table("orders", table_id="x"))
    ledger = Ledger.of_plan(made)
    ledger.tables["orders"].close(Verdict.FAILED, "no luck")
    return make_report(SETTINGS, made, ledger, (), previous, made.deadline)


def test_a_report_keeps_the_figures_of_the_night_before() -> None:
    figures = {"items": 5, "bytes": 10, "duration_seconds": 7, "cost_usd": 1.5}
    previous = {"run_id": "2026-11-23T00-00Z", **figures, "tables": {"orders": GOOD}}
    made = after(previous)
    assert made["before"] == {**figures, "storage_usd": None}
    assert made["tables"]["orders"]["before"] == {"items": 5, "bytes": 10, "duration_seconds": 7}
    assert (made["timezone"], made["partition"], made["bucket_region"]) == (
        "UTC",
        "aws",
        "us-east-1",
    )
    made["nonce"] = "x"
    assert list(faults(made)) == []


@pytest.mark.parametrize("change_of", [{"verdict": "failed"}, {"table_id": "another"}])
def test_a_table_without_a_backup_of_its_own_then_has_nothing_to_compare(
    change_of: dict[str, Any],
) -> None:
    previous = {"run_id": "2026-11-23T00-00Z", "tables": {"orders": {**GOOD, **change_of}}}
    made = after(previous)
    assert made["tables"]["orders"]["before"] is None
    assert made["before"] is None


def test_a_part_is_no_measure_of_a_night() -> None:
    assert night_before({"part": ["orders"], "bytes": 1}) is None
    assert night_before({}) is None
    assert backup_before({}) is None
    # a report of a version that had fewer figures
    assert backup_before({"verdict": "backed_up", "items": 3}) is None


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (100, 108, "+8 %"),
        (100, 50, "-50 %"),
        (100, 100.4, "0 %"),
        (1, 51, "+5,000 %"),
        (0, 5, ""),
        (None, 5, ""),
        (5, None, ""),
        (5, 0, "-100 %"),
    ],
)
def test_changes(before: float | None, now: float | None, words: str) -> None:
    assert change(before, now) == words


def test_the_page_names_what_changed_most() -> None:
    report = large_report(60)
    told = since_the_night_before(report)
    assert "items: 5,400 → 6,000 (+11 %)" in told
    assert "took longer" not in told
    grown = told[told.index("grew most") :]
    assert grown.count("→") == 10
    assert "some-service.production.table-00055 1.4 GiB → 2.8 GiB" in grown


def test_many_names_are_behind_a_click() -> None:
    report = night_report(["orders"])
    report["previous_run"] = "2026-11-23T00-00Z"
    report["changes"]["gone"] = [f"gone-{n}" for n in range(900)]
    told = since_the_night_before(report)
    assert "900 tables: gone-0, gone-1, gone-2 and 897 more" in told
    assert set(re.findall(r"gone-\d+", told)) == {f"gone-{n}" for n in range(900)}


def test_without_a_night_before_nothing_is_said() -> None:
    assert since_the_night_before(night_report(["orders"])) == ""
    same = night_report(["orders"])
    same["previous_run"] = "2026-11-23T00-00Z"
    assert "No change." in render(same)
