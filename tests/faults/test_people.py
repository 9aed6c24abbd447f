"""People in the way: what somebody does to a raised table stands, whenever in the night it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.faults.matrix import Row, count
from tests.support.harness import BIG, RUN, NightDriver, verdicts

pytestmark = pytest.mark.faults

READ = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/orders",
    "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
}


def _table(night: NightDriver) -> dict[str, Any]:
    return dict(night.dynamodb.describe_table(TableName="orders")["Table"])


def _raises(night: NightDriver) -> None:
    night.set_by_hand("orders", 3000)


def _lowers(night: NightDriver) -> None:
    night.set_by_hand("orders", 700)


def _switches(night: NightDriver) -> None:
    night.dynamodb.update_table(TableName="orders", BillingMode="PAY_PER_REQUEST")


def _deletes(night: NightDriver) -> None:
    night.dynamodb.delete_table(TableName="orders")


def _recreates(night: NightDriver) -> None:
    _deletes(night)
    # at the very capacity that is ours: it is told by its id
    night.table("orders", read=night.raised)


def _removes_target(night: NightDriver) -> None:
    night.world.client("application-autoscaling").deregister_scalable_target(**READ)


def _pauses(night: NightDriver) -> None:
    ledger = night.record(RUN, "ledger.json") or {}
    handle = ledger["batches"][ledger["tables"]["orders"]["batch_id"]]["handle"]
    night.world.client("datapipeline").set_status(
        pipelineId=handle["pipeline"], objectIds=["Export000"], status="PAUSE"
    )


def _capacity(read: int | None) -> Callable[[NightDriver], bool]:
    return lambda night: night.capacity("orders") == (read or night.raised, 50)


def _on_demand(night: NightDriver) -> bool:
    return bool(_table(night)["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST")


def _gone(night: NightDriver) -> bool:
    return "orders" not in night.dynamodb.list_tables()["TableNames"]


def _without_target(night: NightDriver) -> bool:
    found = night.world.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="dynamodb"
    )["ScalableTargets"]
    return found == [] and _capacity(1000)(night)


@dataclass(frozen=True)
class Act:
    """What somebody does, what stands at the end, and the words of the report."""

    name: str
    does: Callable[[NightDriver], None]
    stands: Callable[[NightDriver], bool]
    said: str


ACTS = [
    Act("raises it further", _raises, _capacity(3000), "somebody set its read capacity to 3000"),
    Act("lowers it", _lowers, _capacity(700), "700"),
    Act("switches it to on-demand", _switches, _on_demand, "switched to on-demand"),
    Act("deletes it", _deletes, _gone, "the table is gone"),
    Act("recreates it", _recreates, _capacity(None), "recreated"),
    Act("removes its scaling target", _removes_target, _without_target, ""),
    Act("pauses its pipeline", _pauses, _capacity(1000), "somebody had it paused"),
]


def _before_its_export(night: NightDriver) -> None:
    night.until(lambda: night.capacity("orders") == (night.raised, 50))


def _under_its_export(night: NightDriver) -> None:
    night.until_exporting("orders")


def _after_its_export(night: NightDriver) -> None:
    night.until_exporting("orders")
    while night.exporting("orders"):
        night.world.clock.advance(10)


MOMENTS = {
    "raised, not read yet": _before_its_export,
    "under its export": _under_its_export,
    "after its export": _after_its_export,
}


# what runs or is over cannot be paused any more
CASES = [
    pytest.param(act, moment, id=f"{act.name}, {moment}")
    for act in ACTS
    for moment, reach in MOMENTS.items()
    if act.does is not _pauses or reach is _before_its_export
]


@pytest.mark.parametrize(("act", "moment"), CASES)
def test_what_somebody_does_stands(night: NightDriver, act: Act, moment: str, row: Row) -> None:
    if act.does is _pauses and night.engine != "datapipeline":
        pytest.skip("EMR knows no pause")
    night.table("orders", read=1000, **BIG)
    if act.does is _removes_target:
        night.target("orders", 100, 4000)
    night.table("users")
    night.scheduler()
    MOMENTS[moment](night)
    act.does(night)
    report = night.until_closed()
    row(
        f"somebody {act.name}, {moment}",
        "1",
        count(verdicts(report)),
        "; ".join(m["subject"].partition(": ")[0] for m in night.messages),
    )
    assert verdicts(report)["users"] == "backed_up"
    assert act.said in str(report["tables"]["orders"])
    night.world.clock.advance(300)
    assert act.stands(night)
    assert (night.lease("orders") or {})["state"] == "released"
    night.assert_clean()
