"""Both functions are dead with capacity raised: the alarm fires, and one command gives it back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hippolyte import clients
from local.programs.export import running_steps
from tests.support.commands import command
from tests.support.deployment import FUNCTIONS, GIB, Planned, deployed

pytestmark = pytest.mark.terraform

build = clients.build
parameters = clients.parameters
FLAG = "DynamicScalingInSuspended"


@pytest.mark.parametrize("read", [False, True], ids=["nothing reads yet", "under an export"])
def test_the_alarm_fires_and_release_gives_back(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, read: bool
) -> None:
    with deployed(planned) as d:
        d.make_alarms()
        d.table("large", read=1000, size_bytes=20 * GIB, item_count=3)
        d.autoscaled("large", 500, 5000)
        dynamodb = d.world.client("dynamodb")
        scaling = d.world.client("application-autoscaling")

        def capacity() -> int:
            found = dynamodb.describe_table(TableName="large")["Table"]["ProvisionedThroughput"]
            return int(found["ReadCapacityUnits"])

        def suspended() -> bool:
            found = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")
            return bool(found["ScalableTargets"][0]["SuspendedState"][FLAG])

        d.until(lambda: capacity() > 1000, step=30)
        if read:
            assert d.until(lambda: running_steps(d.world), step=30)
        raised = capacity()
        d.world.functions.down.update(f"hippolyte-{name}" for name in FUNCTIONS)
        died = d.world.clock.now()

        alarm = 'INSUFFICIENT_DATA: "hippolyte-night-overdue"'
        assert d.until(lambda: alarm in d.subjects, step=30)
        assert d.world.clock.now() - died <= timedelta(minutes=30)
        assert (capacity(), suspended()) == (raised, True)
        assert bool(running_steps(d.world)) == read

        # a person's own credentials, not a function's
        monkeypatch.setattr(clients, "build", build)
        monkeypatch.setattr(clients, "parameters", parameters)
        result = command("release", *(["--cancel"] if read else []))
        assert result.exit_code == 0, result.output
        assert (capacity(), suspended()) == (1000, False)
