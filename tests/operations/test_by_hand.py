"""The commands for a night by hand, against the functions as Terraform deploys them."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from hippolyte_cli import follow
from tests.support.commands import command
from tests.support.deployment import Deployment, Planned, deployed

pytestmark = pytest.mark.terraform


@pytest.fixture
def d(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with deployed(planned) as made:
        made.known()
        made.table("orders")
        made.table("users")
        waits = SimpleNamespace(sleep=lambda _: made.world.clock.advance(300))
        monkeypatch.setattr(follow, "time", waits)
        # who reads the records may do what the monitor may
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "hippolyte-monitor")
        yield made


def test_a_part_is_begun_by_the_scheduler_and_ended_by_the_monitor(d: Deployment) -> None:
    result = command("run", "orders", "--wait")
    assert result.exit_code == 0, result.output
    assert "1 table discovered = 1 backed up" in result.output
    assert d.subjects[-1].startswith("OK part 1 backed up: ")


def test_a_refusal_rings_no_alarm(d: Deployment) -> None:
    d.make_alarms()
    result = command("run", "oders")
    assert result.exit_code == 2
    assert "no table matches 'oders' (the nearest: orders" in result.output
    d.world.clock.advance(600)
    assert d.world.alarms.states()["hippolyte-scheduler-errors"] == "OK"
    # the queue of lost events has nothing, either
    assert d.subjects == []


def test_a_run_is_cancelled_through_the_monitor(d: Deployment) -> None:
    assert command("run", "users").exit_code == 0
    status = command("status").output
    run = status.split(" ", 1)[0]
    assert "0 of 1 table decided" in status
    result = command("cancel", run, "--wait")
    assert result.exit_code == 0, result.output
    report = d.record("report.json", run)
    assert report is not None
    assert report["totals"]["failed"] == 1
    assert "cancelled by" in report["tables"]["users"]["reason"]


def test_a_deployment_that_is_not_there_is_named(d: Deployment) -> None:
    for name in ("run", "plan", "status"):
        result = command(name, "--function", "other-monitor")
        assert result.exit_code == 2
        assert "There is no function other-monitor" in result.output
