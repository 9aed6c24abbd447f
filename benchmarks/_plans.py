"""Fleets, and plans of them made apart: by this tree's planner, or an earlier commit's.

`python _plans.py` with a planner on the path reads cases in JSON, a line each, and answers each
with its plan, the seconds of CPU that it took, and the most memory that the process has had.
"""

from __future__ import annotations

import gc
import json
import random
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hippolyte.engines.datapipeline_definition import TABLES_PER_PIPELINE
from hippolyte.engines.lambda_ import TABLES_PER_WORKER
from hippolyte.planning.planner import make_plan
from hippolyte.planning.window import Night
from hippolyte.settings import Planning, Settings, parse
from hippolyte.tables.table import Inventory, Limits, Table

TABLES = 2_500
WINDOW_SECONDS = 25_200
START = datetime(2026, 11, 24, tzinfo=UTC)
GIB = 1 << 30
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Case:
    """A fleet of so many tables, and what there is for it; `hosts` are clusters or workers."""

    fleet: str
    count: int
    hosts: int
    engine: str = "datapipeline"
    raises: bool = True
    day: int = 0
    before: dict[str, Any] = field(default_factory=dict)
    most_usd: float | None = None

    @property
    def settings(self) -> Settings:
        """What it is planned with."""
        if self.engine == "lambda":
            exporter = {"machine_arn": "arn:aws:states:us-east-1:1:stateMachine:x"}
            made: dict[str, object] = {"exporter": {**exporter, "max_workers": self.hosts}}
        else:
            made = {"planning": {"max_clusters": self.hosts}}
        if self.most_usd is not None:
            made["max_night_usd"] = self.most_usd
        return settings(engine=self.engine, raise_capacity=self.raises, **made)

    def plan(self, tables: list[Table]) -> Any:
        """Plan it."""
        start = START + timedelta(days=self.day)
        night = Night(start, start + timedelta(seconds=WINDOW_SECONDS), start)
        if self.before:
            night = Night(night.start, night.deadline, night.now, before=self.before)
        limits = Limits(account_max_read=10**9, unreserved_concurrency=10**6)
        workers = self.engine == "lambda"
        limit = TABLES_PER_WORKER if workers else TABLES_PER_PIPELINE
        return make_plan(Inventory(tuple(tables), limits), self.settings, night, limit, workers)


def settings(**changes: Any) -> Settings:
    """Return the settings of a deployment with the module's defaults, but for fast clusters.

    An earlier planner knows no limit of a cluster, so both are to have none.
    """
    if "cluster_bytes_per_second" in Planning.__dataclass_fields__:
        changes["planning"] = {"cluster_bytes_per_second": 10**9, **changes.get("planning", {})}
    return parse(
        json.dumps(
            {
                "name": "hippolyte",
                "account": "123456789012",
                "region": "us-east-1",
                "partition": "aws",
                "bucket": "backups",
                "topic_arn": "arn:aws:sns:us-east-1:123456789012:hippolyte",
                "pipeline_region": "us-east-1",
                "pipeline_role": "pipeline",
                "cluster_role": "cluster",
                **changes,
            }
        )
    )


def fleets(count: int = TABLES) -> dict[str, list[Table]]:
    """Return the fleets that the packing is measured with; seeded, so the same at each run."""
    rng = random.Random(2_500)
    return {
        "small (1 MiB)": _fleet(count, lambda: MIB, lambda: 10),
        "log-normal around 1 GiB": _fleet(
            count,
            lambda: min(rng.lognormvariate(0, 1.8), 400) * GIB,
            lambda: rng.choice([50, 200, 800]),
        ),
        "a few giants": _fleet(
            count,
            lambda: 200 * GIB if rng.random() < 0.003 else 64 << 20,
            lambda: rng.choice([25, 500]),
        ),
    }


def fleet_of(name: str, count: int) -> list[Table]:
    """Return a fleet by name: one of those, or one for speed or for overloaded nights."""
    rng = random.Random(2_500)
    if name == "half a night each":
        # no two share a cluster
        return _fleet(count, lambda: 13_000 * 25 * 4096, lambda: 50)
    if name == "all to be raised":
        return _fleet(count, lambda: 30 * GIB, lambda: 100)
    if name == "fast":
        # bytes bind, not rates; some are split
        return _fleet(
            count,
            lambda: min(rng.lognormvariate(0, 1.8), 400) * GIB / 10,
            lambda: rng.choice([4_000, 20_000]),
        )
    if name == "fast giants":
        # three of them have two thirds of the bytes
        sizes, units = [37 * GIB, 59 * GIB, 113 * GIB], [20_000] * 3
        return _fleet(
            count,
            lambda: sizes.pop() if sizes else 100 * GIB / count * rng.lognormvariate(-0.5, 1),
            lambda: units.pop() if units else 500,
        )
    if name == "median 2 MiB":
        return _fleet(
            count, lambda: 2 * MIB * rng.lognormvariate(0, 2.5), lambda: rng.choice([25, 100])
        )
    return fleets(count)[name]


def random_fleet(rng: random.Random) -> list[Table]:
    """Return some fleet: few tables or many, small or large, alike or not."""
    count, spread = rng.choice([500, 1000, 2500]), rng.choice([0.5, 1.5, 2.5, 3])
    median = rng.choice([0.1, 2, 50, 1000]) * MIB
    units = rng.choice([[25, 100], [10], [50, 200, 800], [4000, 20_000]])
    return _fleet(
        count,
        lambda: min(median * rng.lognormvariate(0, spread), 300 * GIB),
        lambda: rng.choice(units),
    )


def _fleet(count: int, size: Callable[[], float], capacity: Callable[[], int]) -> list[Table]:
    return [
        Table(
            name=f"table-{number:04d}",
            table_id=str(number),
            status="ACTIVE",
            size_bytes=int(size()),
            item_count=1000,
            read_capacity=capacity(),
            write_capacity=10,
        )
        for number in range(count)
    ]


def crowded(large: int, small: int) -> list[Table]:
    """Return `large` tables of 30 GiB that must be raised, and `small` ones of 1 MiB."""
    sizes = iter([30 * GIB] * large + [MIB] * small)
    units = iter([100] * large + [50] * small)
    return _fleet(large + small, lambda: next(sizes), lambda: next(units))


def most_memory() -> int:
    """Return the most bytes that this process has had; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else 0


def main() -> None:
    """Answer each line."""
    for line in sys.stdin:
        case = Case(**json.loads(line))
        tables = fleet_of(case.fleet, case.count)
        # what is there before is not the plan's to collect
        gc.collect()
        gc.freeze()
        begin = time.process_time()
        plan = case.plan(tables)
        cpu = time.process_time() - begin
        memory = most_memory()
        print(json.dumps({"cpu": cpu, "memory": memory, "plan": plan.to_record()}), flush=True)


if __name__ == "__main__":
    main()
