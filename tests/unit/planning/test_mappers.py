"""How many mappers a cluster has, and what follows for a plan."""

from __future__ import annotations

import pytest

from hippolyte.planning.mappers import mappers
from hippolyte.planning.plan import Job, Plan
from tests.support.builders import GIB, emr_plan, plan, table

BY_MAPPERS = {"cluster_bytes_per_second": None}


def only(made: Plan) -> Job:
    (job,) = made.jobs
    return job


MIB = 1 << 20


@pytest.mark.parametrize(
    ("name", "counts"),
    # of 1, 2, 3, 5 and 10 core nodes, as computed from the connector's rule
    [
        ("m1.medium", (1, 2, 4, 8, 18)),
        ("m4.large", (1, 4, 8, 16, 36)),
        ("m4.xlarge", (4, 12, 20, 36, 76)),
        ("m5.xlarge", (1, 4, 8, 16, 36)),
        ("m5a.xlarge", (1, 4, 8, 16, 36)),
        ("m5.2xlarge", (4, 12, 20, 36, 76)),
        ("m5.4xlarge", (12, 28, 44, 76, 156)),
        ("m6g.xlarge", (1, 2, 5, 11, 26)),
        ("m6g.2xlarge", (3, 10, 17, 31, 66)),
        ("m6g.4xlarge", (12, 28, 44, 76, 156)),
        ("c5.xlarge", (1, 4, 8, 16, 36)),
        ("c5.2xlarge", (4, 12, 20, 36, 76)),
        ("r5.xlarge", (1, 4, 8, 16, 36)),
        ("x99.nothing", (1, 4, 8, 16, 36)),
    ],
)
def test_by_type_and_nodes(name: str, counts: tuple[int, ...]) -> None:
    assert tuple(mappers(name, nodes, small=False) for nodes in (1, 2, 3, 5, 10)) == counts


def test_a_small_reducer_and_master_leave_more() -> None:
    assert [mappers("m5.xlarge", n, small=True) for n in (1, 2, 3, 5, 10)] == [3, 6, 10, 18, 38]
    assert [mappers("m5.2xlarge", n, small=True) for n in (1, 2, 3, 5, 10)] == [7, 14, 22, 38, 78]


def test_no_raise_beyond_what_a_cluster_reads() -> None:
    """Three mappers read 768 units/s at 4,096 bytes: what was raised to 7,906 units is not."""
    big = table("big", size_bytes=100 * GIB, read_capacity=1000)
    large = emr_plan(big)
    assert only(large).raise_to == 7906
    made = emr_plan(big, planning=BY_MAPPERS)
    job = only(made)
    assert (job.raise_to, job.rate) == (1268, 768)
    assert job.estimate_seconds == 100 * GIB // (3 * MIB) + 1 + 60
    assert any(
        "a cluster reads 3.1 MB/s at the most, whatever the capacity" in w for w in made.warnings
    )
    assert any("more or larger core nodes" in w for w in made.warnings)


def test_the_documents_worked_examples() -> None:
    """docs/planning.md: two core nodes of m5.2xlarge."""
    big = table("big", size_bytes=100 * GIB, read_capacity=1000)
    nodes = {"core_instance_type": "m5.2xlarge", "core_instance_count": 2}
    assert only(plan(big, planning=BY_MAPPERS, cluster=nodes)).raise_to == 1569
    job = only(emr_plan(big, planning=BY_MAPPERS, cluster=nodes))
    assert (job.raise_to, job.rate) == (4084, 3584)


def test_a_cluster_that_is_the_limit_makes_the_estimate() -> None:
    """One mapper of Data Pipeline's m5.xlarge: 1 MiB/s, and no raise at all."""
    fast = table("fast", size_bytes=10 * GIB, read_capacity=1000)
    assert only(plan(fast)).estimate_seconds == 5243 + 60
    job = only(plan(fast, planning=BY_MAPPERS))
    assert (job.raise_to, job.estimate_seconds) == (None, 10 * 1024 + 60)
    slow = table("slow", size_bytes=10 * GIB, read_capacity=10)
    assert only(plan(slow, planning=BY_MAPPERS)).raise_to is not None


def test_a_figure_of_ones_own_stands() -> None:
    own = {"cluster_bytes_per_second": 50_000_000}
    made = plan(table("big", size_bytes=100 * GIB, read_capacity=1000), planning=own)
    assert only(made).raise_to == 1569
