"""vCPUs by instance type, and of a cluster by EC2's quota."""

from __future__ import annotations

from typing import Any

import pytest

from hippolyte.tables.vcpus import ON_DEMAND, SPOT, of_a_cluster, vcpus_of
from tests.support.builders import settings

EMR = {"jar": "s3://tools/emr-dynamodb-tools-5.6.0.jar", "service_role": "r"}


@pytest.mark.parametrize(
    ("name", "vcpus"),
    [
        ("m5.large", 2),
        ("m5.xlarge", 4),
        ("m5.4xlarge", 16),
        ("m7g.24xlarge", 96),
        ("r6gd.medium", 1),
        ("c5n.18xlarge", 72),
        # other quotas
        ("g5.xlarge", 0),
        ("x2idn.16xlarge", 0),
        ("m5.metal", 0),
    ],
)
def test_of_a_type(name: str, vcpus: int) -> None:
    assert vcpus_of(name) == vcpus


@pytest.mark.parametrize(
    ("emr", "wanted"),
    [
        ({}, {ON_DEMAND: 4 + 3 * 8, SPOT: 0}),
        ({"spot": True}, {ON_DEMAND: 4, SPOT: 3 * 8}),
        ({"instance_types": ["m5.large", "m5.4xlarge"]}, {ON_DEMAND: 4 + 3 * 16, SPOT: 0}),
    ],
)
def test_of_a_cluster(emr: dict[str, Any], wanted: dict[str, int]) -> None:
    cluster = {
        "master_instance_type": "m5.xlarge",
        "core_instance_type": "m5.2xlarge",
        "core_instance_count": 3,
        "release_label": "emr-7.13.0",
    }
    assert of_a_cluster(settings(engine="emr", emr=EMR | emr, cluster=cluster)) == wanted
