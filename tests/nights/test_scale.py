"""A thousand tables in one night, more than a hundred clusters one after another."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest

from hippolyte import assembly
from hippolyte.engines.datapipeline import DataPipelineEngine
from hippolyte.record_form import when
from local.datapipeline import actions
from local.datapipeline.validation import Limits
from tests.support.harness import RUN, START, NightDriver, verdicts

TABLES = 1000
# smaller than Data Pipeline allows, for more than a hundred batches of them
TABLES_PER_BATCH = 9
CLUSTERS = 10


@pytest.mark.slow
@pytest.mark.engine("datapipeline")
@pytest.mark.timeout(1200)
def test_a_thousand_tables_in_more_than_a_hundred_batches(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At first the account has room for fewer pipelines than planned: the rest wait for an end."""
    engine = partial(DataPipelineEngine, tables_per_batch=TABLES_PER_BATCH)
    monkeypatch.setattr(assembly, "DataPipelineEngine", engine)
    monkeypatch.setattr(actions, "LIMITS", Limits(pipelines=CLUSTERS - 2))
    small = {"core_instance_count": 1}
    night.configure(window_seconds=6 * 3600, planning={"max_clusters": CLUSTERS}, cluster=small)
    names = [f"table-{number:04d}" for number in range(TABLES)]
    for name in names:
        night.table(name, items=1)
    night.scheduler()
    clusters: list[int] = []
    at_first, refused = 0, False
    while (report := night.record(RUN, "report.json")) is None:
        assert (night.world.clock.now() - START).total_seconds() < 8 * 3600
        night.world.clock.advance(300)
        night.monitor()
        clusters.append(len(night.clusters()))
        if not at_first and night.world.clock.now() >= START + timedelta(hours=2):
            at_first = max(clusters)
            monkeypatch.setattr(actions, "LIMITS", Limits())
        if not refused and (ledger := night.record(RUN, "ledger.json")):
            errors = [b.get("error", "") for b in ledger["batches"].values()]
            refused = any("Pipeline limit exceeded" in error for error in errors)
    assert verdicts(report) == dict.fromkeys(names, "backed_up")
    assert len(report["batches"]) > 100
    assert (at_first, max(clusters)) == (CLUSTERS - 2, CLUSTERS)
    assert refused
    assert len({b["timeline"] for b in report["batches"]}) == CLUSTERS
    for timeline in range(CLUSTERS):
        batches = [b for b in report["batches"] if b["timeline"] == timeline]
        for one, other in pairwise(batches):
            assert when(one["ended_at"]) <= when(other["started_at"])
    assert Counter(t["attempt"] for t in report["tables"].values()) == {1: TABLES}
    assert night.attention == []
    night.assert_clean()
