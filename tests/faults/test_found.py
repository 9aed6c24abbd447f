"""What the harness found, each as a short night of its own."""

from __future__ import annotations

import pytest

from harness import Killed, NightDriver, verdicts


def test_a_start_that_did_not_happen_uses_up_no_attempt(night: NightDriver) -> None:
    night.table("orders")
    night.world.faults.step_fails["orders"] = 1
    night.kill_before("datapipeline:ActivatePipeline")
    with pytest.raises(Killed):
        night.scheduler()
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    night.assert_clean()
