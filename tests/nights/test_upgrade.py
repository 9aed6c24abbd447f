"""The package is exchanged in mid-night, forwards and back: nothing lost, nothing left raised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.upgrade import ACCOUNT, REGION, Deployment, deployed_from_a_zip


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with deployed_from_a_zip() as made:
        yield made


def test_an_upgrade_between_scheduler_and_monitor(deployment: Deployment) -> None:
    deployment.scheduler()
    deployment.configure(weather="fair")
    deployment.deploy(deployment.new)
    deployment.assert_done(deployment.finish())
    ledger = deployment.record("ledger.json")
    assert ledger is not None
    assert {table["seen_by"] for table in ledger["tables"].values()} == {"99.0.0"}


def test_an_upgrade_while_capacity_is_raised(deployment: Deployment) -> None:
    deployment.begin()
    before = deployment.record("ledger.json")
    # between the two calls of the provider: the old package with the new settings
    deployment.configure(weather="fair")
    refused = deployment.monitor()
    assert refused.error is not None
    assert "unknown key weather" in refused.error["errorMessage"]
    assert "The module and the package must be of one version" in refused.error["errorMessage"]
    assert deployment.record("ledger.json") == before
    deployment.deploy(deployment.new)
    deployment.assert_done(deployment.finish())


def test_a_downgrade_is_refused_in_words_and_mended_by_going_forward_again(
    deployment: Deployment,
) -> None:
    deployment.begin()
    deployment.configure(weather="fair")
    deployment.deploy(deployment.new)
    ledger: dict[str, Any] = {}
    while "seen_by" not in str(ledger):
        assert deployment.monitor().error is None
        ledger = deployment.record("ledger.json") or {}
    raised = deployment.capacity()
    assert raised > 1000
    deployment.configure()
    deployment.deploy(deployment.old)
    for _ in range(3):
        refused = deployment.monitor()
        assert refused.error is not None
        assert "deploy that version again" in refused.error["errorMessage"]
        assert "seen_by" in refused.error["errorMessage"]
    assert deployment.capacity() == raised
    assert deployment.record("ledger.json") == ledger
    deployment.configure(weather="fair")
    deployment.deploy(deployment.new)
    deployment.assert_done(deployment.finish())


def test_an_upgrade_to_the_same_records_keeps_the_nights_to_come(deployment: Deployment) -> None:
    """A whole night of the later version, after one of the old."""
    deployment.scheduler()
    first = deployment.finish()
    deployment.configure(weather="fair")
    deployment.deploy(deployment.new)
    deployment.world.clock.advance_to(datetime(2026, 11, 25, tzinfo=UTC))
    event = {"run": "2026-11-25T00:00:00Z", "delay_seconds": 0}
    assert deployment.world.invoke("scheduler", event).error is None
    key = f"runs/{ACCOUNT}/{REGION}/2026-11-25T00-00Z/report.json"
    for _ in range(40):
        if deployment.body(key):
            break
        assert deployment.monitor().error is None
    second = json.loads(deployment.body(key) or b"{}")
    assert second["totals"] == first["totals"]
