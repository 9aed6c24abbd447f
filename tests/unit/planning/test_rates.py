"""The rate a table is really read at: each thing that may bind it, in turn."""

from __future__ import annotations

import pytest

from hippolyte.planning import rates
from hippolyte.planning.host import Host, host_of
from tests.support.builders import GIB, on_demand, plan, settings, table

MIB = 1 << 20
WORKER = host_of(settings(engine="lambda", exporter={"machine_arn": "m"}), "lambda")
CLUSTER = host_of(settings(planning={"cluster_bytes_per_second": None}), "datapipeline")


@pytest.mark.parametrize(("host", "rate"), [(WORKER, 12.5), (CLUSTER, 12.0)])
def test_the_share(host: Host, rate: float) -> None:
    assert rates.allowed(table(read_capacity=25), settings(), host) == rate


@pytest.mark.parametrize(
    ("changes", "wanted", "rate"),
    [
        ({}, 1000, 1000),
        ({"on_demand_max_read": 400}, 1000, 200),
        ({"warm_read": 600}, 1000, 300),
        # of a new table, and by what 10 GiB each serve
        ({}, 40_000, 6000),
        ({"size_bytes": 95 * GIB}, 40_000, 15_000),
        ({"size_bytes": 95 * GIB, "warm_read": 12_000}, 40_000, 6000),
    ],
)
def test_on_demand(changes: dict[str, int], wanted: int, rate: float) -> None:
    made = settings(planning={"on_demand_read_rate": wanted})
    assert rates.allowed(on_demand(**changes), made, WORKER) == rate


def test_the_reader() -> None:
    assert rates.reached(500, WORKER, 8000) == 500 and not rates.binds(500, WORKER, 8000)
    assert rates.reached(5000, WORKER, 8000) == 1250 and rates.binds(5000, WORKER, 8000)
    assert rates.reached(5000, WORKER, 8000, parts=2) == 2500
    assert rates.reached(500, CLUSTER, 4096) == MIB / 4096 and rates.binds(256, CLUSTER, 4096)


def test_partitions_bind_what_is_read_on_demand() -> None:
    made = plan(on_demand(size_bytes=GIB), planning={"on_demand_read_rate": 40_000})
    (job,) = made.jobs
    assert job.rate == 6000
