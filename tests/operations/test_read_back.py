"""A night of the deployed module that reads its backups back, with the rights its roles have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hippolyte.exports.filters import is_filter
from tests.support.deployment import BUCKET, Planned, deployed

pytestmark = pytest.mark.terraform


@pytest.mark.parametrize("engine", ["lambda", "datapipeline", "emr"])
def test_the_exporter_may_read_what_was_written(
    plan_of: Callable[[str], Planned], engine: str
) -> None:
    with deployed(plan_of(engine)) as d:
        d.known()
        d.table("small")
        report = d.until(lambda: d.record("report.json"))
        lying = d.s3.list_objects_v2(Bucket=BUCKET, Prefix="backups/")["Contents"]

    assert report
    assert 2 in report["tables"]["small"]["verified_levels"]
    assert (report["alerts"], report["warnings"]) == ([], [])
    assert any(is_filter(one["Key"]) for one in lying), "and leave filters beside it"
