from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness import NightDriver, driver
from matrix import Row


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch) as made:
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
        (*value, "" if report.passed else "FAILED")
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == "matrix" and report.when == "call"
    ]
    if not rows:
        return
    head = ("fault", "runs", "outcome", "told", "")
    widths = [max(len(str(line[i])) for line in [head, *rows]) for i in range(len(head))]
    terminalreporter.section("faults and outcomes")
    for line in [head, tuple("-" * w for w in widths), *rows]:
        cells = (str(c).ljust(w) for c, w in zip(line, widths, strict=True))
        terminalreporter.write_line("  ".join(cells).rstrip())
