"""Nights of the exporter by what they read: its pace, its duration, an application beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.dynamodb import metering
from local.dynamodb.application import Application
from local.dynamodb.table_settings import Generated
from tests.support.harness import NightDriver, driver, verdicts

CAPACITY, ITEM = 100, 100_000


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch, "lambda") as made:
        made.world.live_capacity = True
        yield made


def test_a_scan_keeps_to_its_share_beside_an_application(night: NightDriver) -> None:
    night.table("orders", read=CAPACITY)
    night.world.set_table("orders", generated=Generated(3000, ITEM), burst_seconds=10)
    beside = Application(night.world, "orders", lambda seconds: 0.4 * CAPACITY)
    report = night.night()
    beside.stop()
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["tables"]["orders"]["items"] == 3000
    # half of the capacity, 8,192 bytes a unit
    fastest = 3000 * ITEM / (0.5 * CAPACITY * 8192)
    assert fastest * 0.95 < report["tables"]["orders"]["duration_seconds"] < fastest * 1.2
    assert beside.throttled == []
    reads = metering.ledger(night.world, night.world.account, night.world.region, "orders")
    assert reads.throttled == {}
    assert sum(reads.units.values()) - beside.served == pytest.approx(3000 * ITEM / 8192, rel=0.05)
    night.assert_clean()
