"""A night of the deployed module that reads its backups back, with the rights its roles have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.deployment import Planned, deployed

pytestmark = pytest.mark.terraform


@pytest.mark.parametrize("engine", ["lambda", "datapipeline", "emr"])
def test_the_exporter_may_read_what_was_written(
    plan_of: Callable[[str], Planned], engine: str
) -> None:
    with deployed(plan_of(engine)) as d:
        d.known()
        d.table("small")
        report = d.until(lambda: d.record("report.json"))

    assert report
    assert 2 in report["tables"]["small"]["verified_levels"]
    assert (report["alerts"], report["warnings"]) == ([], [])
