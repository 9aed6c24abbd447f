"""How a night ends when telling or recording fails: one report, the message at least once."""

from __future__ import annotations

from typing import Any

import pytest

from local.core.call import Call, refusal
from tests.support.harness import BIG, MINUTES, RUN, Killed, NightDriver, verdicts
from tests.support.watch import PRODUCT_KEY


def test_a_message_that_is_refused_is_sent_by_a_later_pass(night: NightDriver) -> None:
    night.table("orders")
    night.refuse("sns:Publish", "AuthorizationError", "not authorized", times=2)
    night.tolerant = True
    report = night.night()
    assert len(night.errors) == 2
    assert verdicts(report) == {"orders": "backed_up"}
    assert len(night.messages) == 1
    night.assert_clean()


@pytest.mark.parametrize(
    ("operation", "messages"),
    [("sns:Publish", 1), ("s3:PutObject", 2)],
    ids=["before the message", "before the report"],
)
def test_an_invocation_killed_while_reporting(
    night: NightDriver, operation: str, messages: int
) -> None:
    night.table("orders", **MINUTES)
    night.scheduler()
    night.until_exporting("orders")
    while night.exporting("orders"):
        night.world.clock.advance(5)
    if operation == "sns:Publish":
        night.kill_before(operation)
    else:
        # the report is the next thing that is written after the message
        night.world.before("sns:Publish", lambda _: night.kill_before(operation), 1)
    with pytest.raises(Killed):
        night.passes(60)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert len(night.messages) == messages
    assert all(RUN in m["message"] for m in night.messages)
    night.assert_clean()


def test_metrics_that_are_refused_keep_nobody_from_the_end(night: NightDriver) -> None:
    night.table("orders")
    night.refuse("cloudwatch:PutMetricData", "AccessDenied", "no")
    assert verdicts(night.night()) == {"orders": "backed_up"}
    assert len(night.messages) == 1


def test_s3_away_for_ten_minutes_in_mid_night(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.scheduler()
    night.until_exporting("orders")

    def away(call: Call) -> None:
        if call.access_key == PRODUCT_KEY:
            refused = refusal(call, "ServiceUnavailable", "Reduce your request rate.")
            refused.http_status = 503  # type: ignore[attr-defined]
            raise refused

    night.world.before("s3:*", away)
    night.tolerant = True
    night.passes(10)
    assert len(night.errors) == 2
    night.allow_all()
    night.tolerant = False
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


@pytest.mark.parametrize(
    ("schedule", "zone"),
    [
        ("at(2026-11-24T01:30:00)", None),
        ("at(2026-11-24T01:30:00)", "UTC"),
        ("at(2026-11-23T20:30:00)", "America/New_York"),
        ("at(2026-11-24T10:30:00)", "Asia/Tokyo"),
    ],
)
def test_a_table_with_a_scheduled_action_due_is_read_at_its_share(
    night: NightDriver, schedule: str, zone: str | None
) -> None:
    """Each is due at 01:30 UTC, in the window, and lowers the table then."""
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    scheduled(night, schedule, zone)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.watch.updates == []
    assert night.watch.registrations == []
    assert "a scheduled scaling action may be due" in str(report["warnings"])
    night.assert_clean()


@pytest.mark.parametrize(
    ("schedule", "zone"),
    [
        ("at(2026-11-23T20:30:00)", None),
        ("at(2026-11-23T15:30:00)", "America/New_York"),
        ("at(2026-11-24T01:30:00)", "Asia/Tokyo"),
    ],
)
def test_a_scheduled_action_that_is_over_refuses_no_raise(
    night: NightDriver, schedule: str, zone: str | None
) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    scheduled(night, schedule, zone)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert [u for u in night.watch.updates if u[1] == night.raised]
    assert "scheduled" not in str(report["warnings"])
    night.assert_clean()


def test_a_scheduled_action_that_discovery_could_not_see_refuses_the_raise(
    night: NightDriver,
) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    scheduled(night, "at(2026-11-24T01:30:00)", None)
    seen = "application-autoscaling:DescribeScheduledActions"
    night.refuse(seen, "AccessDeniedException", "no", times=1)
    assert_not_raised(night, night.night())


def test_a_scheduled_action_made_since_the_plan_refuses_the_raise(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)

    def made(call: Call) -> None:
        if call.access_key == PRODUCT_KEY and "plan.json" in str(call.key):
            scheduled(night, "at(2026-11-24T01:30:00)", None)

    night.world.before("s3:PutObject", made)
    assert_not_raised(night, night.night())


def assert_not_raised(night: NightDriver, report: dict[str, Any]) -> None:
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.watch.updates == []
    assert night.watch.registrations == []
    assert "not raised: a scheduled scaling action may be due" in str(report["tables"]["orders"])
    night.assert_clean()


def scheduled(night: NightDriver, schedule: str, zone: str | None) -> None:
    night.world.client("application-autoscaling").put_scheduled_action(
        ServiceNamespace="dynamodb",
        ScheduledActionName="early",
        ResourceId="table/orders",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        Schedule=schedule,
        ScalableTargetAction={"MinCapacity": 500, "MaxCapacity": 1100},
        **({"Timezone": zone} if zone else {}),
    )
