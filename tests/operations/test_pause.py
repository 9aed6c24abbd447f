"""`enabled = false`: no new nights, and what is open comes to its end all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.deployment import RUN, Deployment, Planned, deployed
from tests.support.scenarios import furnish

pytestmark = pytest.mark.terraform


@pytest.fixture
def d(planned: Planned) -> Iterator[Deployment]:
    with deployed(planned) as made:
        made.known()
        furnish(made)
        yield made


def disable(d: Deployment) -> None:
    """Change what an apply with `enabled = false` changes (test_plans shows that it is this)."""
    d.redeploy(lambda settings: settings.update(enabled=False))
    schedules = d.world.client("scheduler")
    for name in ("night", "catch-up"):
        group = {"GroupName": "hippolyte", "Name": f"hippolyte-{name}"}
        schedule = schedules.get_schedule(**group)
        kept = ("ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
        schedules.update_schedule(**group, **{k: schedule[k] for k in kept}, State="DISABLED")


def capacity(d: Deployment) -> int:
    table = d.world.client("dynamodb").describe_table(TableName="large")["Table"]
    return int(table["ProvisionedThroughput"]["ReadCapacityUnits"])


def test_a_night_under_way_ends(d: Deployment) -> None:
    d.until(lambda: capacity(d) > 1000)
    disable(d)

    report = d.until(lambda: d.record("report.json"))
    assert {t["verdict"] for t in report["tables"].values()} == {"backed_up"}
    assert report["left_raised"] == []


def test_a_lease_that_its_night_left_open_is_given_back(d: Deployment) -> None:
    d.until(lambda: capacity(d) > 1000)
    raised = capacity(d)
    d.refuse("dynamodb:UpdateTable", "LimitExceededException", "no more decreases today")
    report = d.until(lambda: d.record("report.json"))
    assert report["left_raised"] == ["large"]
    disable(d)
    d.world.clock.advance(1800)
    assert capacity(d) == raised

    d.world.gate.hooks.clear()
    assert d.until(lambda: capacity(d) < raised, hours=1)
    # what the application reads by now, at its policy's 70 %
    assert capacity(d) == 1286


def test_there_is_no_next_night_and_nothing_is_overdue(d: Deployment) -> None:
    disable(d)
    d.make_alarms()
    d.world.clock.advance(30 * 3600)

    assert d.record("plan.json", RUN) is None
    assert {i.function for i in d.world.lambda_logs} == {"hippolyte-monitor"}
    assert d.subjects == []
    assert d.world.alarms.states()["hippolyte-night-overdue"] == "OK"
