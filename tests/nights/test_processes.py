"""Duplicates of both functions at once, in processes of their own, over one bucket."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.upgrade import START, Deployment, deployed_from_a_zip

EVENT = {"run": f"{START:%Y-%m-%dT%H:%M:%SZ}", "delay_seconds": 0}


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with deployed_from_a_zip() as made:
        yield made


def test_three_deliveries_and_two_passes_at_once_are_one_night(deployment: Deployment) -> None:
    world = deployment.world
    both = [("scheduler", EVENT)] * 3 + [("monitor", {})] * 2
    passes = 0
    with ThreadPoolExecutor(len(both)) as pool:
        while (report := deployment.record("report.json")) is None:
            assert passes < 60
            for invocation in pool.map(lambda one: world.invoke(*one), both):
                assert invocation.error is None
            passes += 1
            # deliveries come late at the most, the monitor always
            both = both[-2:] if passes > 3 else both
            world.clock.advance(300)
    deployment.assert_done(report)
    clusters = world.client("emr").list_clusters()["Clusters"]
    assert len(clusters) == sum(1 for batch in report["batches"] if batch["started_at"])
    deliveries = [i for i in world.functions.invocations if i.function == "scheduler"]
    assert len(deliveries) == 12
