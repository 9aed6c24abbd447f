"""The watch has teeth: each thing that the product must never do is noticed, once done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hippolyte import clients, settings
from hippolyte.leases import give_back
from hippolyte.leases.lease import Raise
from hippolyte.leases.take import take
from hippolyte.night import raise_table
from tests.support.harness import BIG, RAISED, NightDriver


def raised(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.scheduler()
    night.until_exporting("orders")
    assert night.watch.violations == []


def update(read: int, write: int) -> Callable[[clients.Clients], Any]:
    return lambda built: built.dynamodb_once.update_table(
        TableName="orders",
        ProvisionedThroughput={"ReadCapacityUnits": read, "WriteCapacityUnits": write},
    )


def register(flags: str = "", **limits: int) -> Callable[[clients.Clients], Any]:
    state = {
        f"{flag}Suspended": flag in ("DynamicScalingIn", flags)
        for flag in ("DynamicScalingIn", "DynamicScalingOut", "ScheduledScaling")
    }
    return lambda built: built.scaling.register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId="table/orders",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        SuspendedState=state,
        **limits,
    )


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (update(1000, 50), "lowered while its export reads"),
        (update(RAISED + 1, 40), "write capacity 40 sent"),
        (update(RAISED + 1, 50), "without a recorded intent"),
        (register(MaxCapacity=5000), "limits were sent"),
        (register("DynamicScalingOut"), "flags"),
    ],
    ids=["under an export", "write capacity", "no intent", "limits", "other flags"],
)
def test_a_call_that_harms_is_noticed(
    night: NightDriver, act: Callable[[clients.Clients], Any], said: str
) -> None:
    raised(night)
    act(clients.build(settings.load()))
    assert said in " ".join(night.watch.violations)


def test_a_goal_below_what_was_there_is_noticed(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(give_back, "goal", lambda leases, lease, ended: lease.before - 1)
    raised(night)
    night.until(lambda: night.watch.violations, minutes=120)
    assert "set to 999, below 1000" in night.watch.violations[0]


# a link reads at the share of the capacity that it sees
@pytest.mark.engine("datapipeline", "emr")
def test_an_export_that_does_not_wait_for_its_raise_is_noticed(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impatient(*arguments: Any) -> Any:
        outcome, held, why = take(*arguments)
        return (Raise.READY if held else outcome), held, why

    monkeypatch.setattr(raise_table, "take", impatient)
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    assert "meets 1000 units, 1000 before" in night.watch.violations[0]
