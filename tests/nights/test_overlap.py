"""Two runs open at once: no table is read by both."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hippolyte.planning.window import run_id
from local.programs.export import running_steps
from tests.support.harness import GIB, RUN, START, NightDriver, verdicts


def test_a_night_waits_for_the_tables_of_an_open_run_by_hand(night: NightDriver) -> None:
    for name in ("orders", "users"):
        night.table(name, read=1000, size_bytes=10 * GIB, item_count=3)
    night.scheduler({"run": "now"})
    first = RUN
    night.world.clock.advance(1800)
    night.monitor()
    later = START + timedelta(minutes=30)
    night.scheduler({"run": f"{later:%Y-%m-%dT%H:%M:%SZ}", "delay_seconds": 0})
    second = run_id(later)
    reports = {}
    for _ in range(200):
        night.passes(5)
        reading = [step.table for step in running_steps(night.world)]
        assert len(reading) == len(set(reading))
        reports = {run: night.record(run, "report.json") for run in (first, second)}
        if all(reports.values()):
            break
    for report in reports.values():
        assert report is not None
        assert set(verdicts(report).values()) == {"backed_up"}
    spans = sorted((c.table, c.start, c.end) for c in night.world.consumption)
    for one, other in pairwise(spans):
        assert one[0] != other[0] or one[2] <= other[1]
    night.assert_clean()
