"""Autoscaling acts beside a night: what suspending scale-in is for."""

from __future__ import annotations

from tests.support.harness import BIG, NightDriver, verdicts


class Autoscaler:
    """Scales in, each minute, what the table's target lets it: nobody but the export reads."""

    def __init__(self, night: NightDriver) -> None:
        self.night = night
        # whether an export was reading, at each time
        self.scaled_in: list[bool] = []
        night.table("orders", read=1000, **BIG)
        night.target("orders", 1000, 4000)
        night.world.clock.call_in(60, self._act)

    def _act(self) -> None:
        night = self.night
        night.world.clock.call_in(60, self._act)
        table = night.dynamodb.describe_table(TableName="orders")["Table"]
        read = table["ProvisionedThroughput"]["ReadCapacityUnits"]
        free = not night.suspended("orders")["DynamicScalingInSuspended"]
        if free and table["TableStatus"] == "ACTIVE" and read > 1000:
            self.scaled_in.append(night.exporting("orders"))
            night.set_by_hand("orders", 1000)


def test_scale_in_waits_until_the_table_is_lowered(night: NightDriver) -> None:
    autoscaler = Autoscaler(night)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["tables"]["orders"]["attempt"] == 1
    assert night.watch.updates == [("orders", night.raised, 50), ("orders", 1000, 50)]
    night.passes(15)
    assert autoscaler.scaled_in == []
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_without_the_flag_it_would_lower_the_table_under_its_export(
    night: NightDriver,
) -> None:
    """Which the product would take for a person's change, and end the export."""
    autoscaler = Autoscaler(night)
    night.scheduler()
    night.until_exporting("orders")
    night.world.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId="table/orders",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        SuspendedState={"DynamicScalingInSuspended": False},
    )
    report = night.until_closed()
    assert autoscaler.scaled_in == [True]
    assert "orders was lowered to 1000 under its export by somebody" in str(report)
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()
