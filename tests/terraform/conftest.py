"""The local AWS for Terraform, and the environment that points everything at it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_terraform.tf import TerraformRunner

from local.core.clock import Clock
from local.world import World
from tools.tf import NOT_INHERITED, environment

before_destroy: list[Callable[[], None]] = []
"""What is to be done before a module's root is destroyed: each is called once."""


def _apply_at_once(runner: TerraformRunner) -> Any:
    """Apply without a plan in a file: Terraform and provider start once (4 s of CPU), not twice."""
    return _apply(runner, plan="none")


_apply = TerraformRunner.apply
TerraformRunner.apply = _apply_at_once


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Tidy up after a module's last test: pytest-terraform destroys before any fixture ends."""
    if nextitem is None or nextitem.path != item.path:
        while before_destroy:
            before_destroy.pop()()


@pytest.fixture(scope="module")
def tidy() -> list[Callable[[], None]]:
    """Return the list of what is to be done before the module's root is destroyed."""
    return before_destroy


@pytest.fixture(scope="module")
def world(reattached: dict[str, str]) -> Iterator[World]:
    """Serve a local AWS, and point this process (and what it starts) at it.

    For one module only: there is one world per process, and other tests have their own.
    """
    started = World(Clock(datetime(2026, 11, 23, 12, tzinfo=UTC)))
    before = dict(os.environ)
    with started.served() as endpoint_url:
        for name in [name for name in os.environ if name.startswith(NOT_INHERITED)]:
            del os.environ[name]
        os.environ.update(environment(endpoint_url) | reattached)
        try:
            yield started
        finally:
            os.environ.clear()
            os.environ.update(before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many wrong inputs were refused with the words they must be."""
    done = [
        (outcome, report)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if "test_inputs.py::test_refused[" in report.nodeid and report.when == "call"
    ]
    if done:
        good = sum(outcome == "passed" for outcome, _ in done)
        terminalreporter.write_line(
            f"wrong inputs refused, each in its words: {good} of {len(done)}"
        )
