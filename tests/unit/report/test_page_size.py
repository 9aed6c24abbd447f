"""How large the page is, whatever befell the night."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hippolyte.report.page import render
from hippolyte.verdicts import Verdict
from tests.support.night_reports import EXTREMES, extreme_report, large_report, night_report

MOST = 1_000_000


def bytes_of(report: dict[str, Any]) -> int:
    return len(render(report).encode())


@pytest.mark.parametrize("engine", ["lambda", "emr", "datapipeline"])
def test_2500_tables_of_a_usual_night_are_far_below_a_megabyte(engine: str) -> None:
    assert bytes_of(large_report(2500, engine)) < 0.6 * MOST


@pytest.mark.parametrize("what", EXTREMES)
def test_2500_tables_are_below_a_megabyte_whatever_befell_all_of_them(what: str) -> None:
    assert bytes_of(extreme_report(2500, what)) < MOST


def test_10_000_tables_take_four_times_as_much() -> None:
    assert bytes_of(large_report(10_000)) < 2.4 * MOST


def long_names(count: int) -> Iterator[str]:
    return (f"{number:05d}".rjust(255, "x") for number in range(count))


def test_names_of_255_characters_are_on_the_page_once() -> None:
    """2,500 of them are 0.64 MB by themselves."""
    names = list(long_names(2500))
    page = render(night_report(names))
    assert len(page.encode()) < MOST
    assert page.count(names[1000]) == 1
    # and once more in each further list of them
    raised = {name: {"raised_from": 1, "raised_to": 2} for name in names}
    assert bytes_of(night_report(names, **raised)) < 3 * MOST
    worst = night_report(names)
    for entry in worst["tables"].values():
        entry["reason"] = "r" * 100_000
        entry["errors"] = ["e" * 100_000]
    assert bytes_of(worst) < 3 * MOST


def test_reasons_that_all_differ_are_told_in_short() -> None:
    names = [f"some-service.production.table-{n:04d}" for n in range(2500)]
    reasons = {
        name: "".join(chr(97 + (number * 7919 + place * number) % 26) for place in range(576))
        for number, name in enumerate(names)
    }
    failed = {
        name: {"verdict": Verdict.FAILED, "reason": why, "errors": ["e" * 1000]}
        for name, why in reasons.items()
    }
    assert bytes_of(night_report(names, **failed)) < MOST
