from __future__ import annotations

import pytest

ENGINES = ("datapipeline", "emr")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one run choose by which engine the nights are run."""
    parser.addoption(
        "--engine",
        choices=("slice", "all", *ENGINES),
        default="slice",
        help="the nights' engine: one of them, all, or (default) Data Pipeline, and both for a few",
    )


def _wanted(marks: dict[str, pytest.Mark], option: str) -> tuple[str, ...]:
    able = marks["engine"].args if "engine" in marks else ENGINES
    if option == "slice":
        return able if "engine" in marks or "both" in marks else ENGINES[:1]
    return tuple(e for e in able if option in ("all", e))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes an engine by each that is wanted, and that it is able to run by."""
    if "engine_name" not in metafunc.fixturenames:
        return
    marks = {mark.name: mark for mark in metafunc.definition.iter_markers()}
    wanted = _wanted(marks, metafunc.config.getoption("--engine"))
    left_out = pytest.param("", marks=pytest.mark.skip(reason="of the other engine alone"))
    metafunc.parametrize("engine_name", wanted or [left_out])
