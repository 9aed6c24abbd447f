from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.faults.matrix import Row, table
from tests.support.harness import NightDriver, driver
from tools.tf import REPOSITORY


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch, engine_name: str) -> Iterator[NightDriver]:
    with driver(monkeypatch, engine_name) as made:
        yield made


@pytest.fixture
def row(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Row:
    """Add a row to the matrix that is printed at the end: fault, runs, outcome, what was told."""

    def add(fault: str, runs: str, outcome: str, told: str) -> None:
        # of several workers none knows when the others' rows come
        place = request.session.items.index(request.node)
        record_property("matrix", (place, fault, runs, outcome, told))

    return add


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the matrix: fault x outcome; WRITE_DOCS=1 writes the one of a whole run to docs/."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    found = [
        (*value, "none" if report.passed else "FAILED, see above")
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == "matrix" and report.when == "call"
    ]
    if not found:
        return
    rows = [row for _, *row in sorted(found)]
    lines = list(table(rows))
    terminalreporter.section("faults and outcomes")
    for line in lines:
        terminalreporter.write_line(line)
    wrong = terminalreporter.stats.get("failed", []) + terminalreporter.stats.get("error", [])
    if os.environ.get("WRITE_DOCS") and not wrong:
        engine = terminalreporter.config.getoption("--engine")
        document = REPOSITORY / "docs" / "faults" / f"{engine}.txt"
        document.write_text("\n".join(lines) + "\n", encoding="utf-8")
