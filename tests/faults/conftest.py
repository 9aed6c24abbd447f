from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.faults.matrix import Row, table
from tests.support.harness import NightDriver, driver


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch, engine_name: str) -> Iterator[NightDriver]:
    with driver(monkeypatch, engine_name) as made:
        yield made


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> Row:
    """Add a row to the matrix that is printed at the end: fault, runs, outcome, what was told."""

    def add(fault: str, runs: str, outcome: str, told: str) -> None:
        record_property("matrix", (fault, runs, outcome, told))

    return add


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the matrix: fault x outcome."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    rows = [
        (*value, "none" if report.passed else "FAILED, see above")
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == "matrix" and report.when == "call"
    ]
    if rows:
        terminalreporter.section("faults and outcomes")
        for line in table(rows):
            terminalreporter.write_line(line)
