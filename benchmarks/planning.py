"""Planning 2,500 tables: CPU, peak memory, and how close the packing comes to its lower bound."""

from __future__ import annotations

import json
import math
import random
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table as RichTable

from hippolyte.engines.datapipeline_definition import TABLES_PER_PIPELINE
from hippolyte.planning.plan import Plan
from hippolyte.planning.planner import make_plan
from hippolyte.planning.window import Night
from hippolyte.settings import Settings, parse
from hippolyte.tables.table import Inventory, Limits, Table

TABLES = 2_500
WINDOW_SECONDS = 25_200
START = datetime(2026, 11, 24, tzinfo=UTC)
GIB = 1 << 30


def settings(**changes: object) -> Settings:
    """Return the settings of a deployment with the module's defaults."""
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
    """Return fleets by name; seeded, so the same at each run."""
    rng = random.Random(2_500)

    def fleet(size: object, capacity: object) -> list[Table]:
        return [
            Table(
                name=f"table-{number:04d}",
                table_id=str(number),
                status="ACTIVE",
                size_bytes=int(size()),  # type: ignore[operator]
                item_count=1000,
                read_capacity=int(capacity()),  # type: ignore[operator]
                write_capacity=10,
            )
            for number in range(count)
        ]

    return {
        "small (1 MiB)": fleet(lambda: 1 << 20, lambda: 10),
        "log-normal around 1 GiB": fleet(
            lambda: min(rng.lognormvariate(0, 1.8), 400) * GIB, lambda: rng.choice([50, 200, 800])
        ),
        "a few giants": fleet(
            lambda: 200 * GIB if rng.random() < 0.003 else 64 << 20, lambda: rng.choice([25, 500])
        ),
    }


def crowded(large: int, small: int) -> list[Table]:
    """Return `large` tables of 30 GiB that must be raised, and `small` ones of 1 MiB."""
    return [
        Table(
            name=f"table-{number:04d}",
            table_id=str(number),
            status="ACTIVE",
            size_bytes=30 * GIB if number < large else 1 << 20,
            item_count=1000,
            read_capacity=100 if number < large else 50,
            write_capacity=10,
        )
        for number in range(large + small)
    ]


def lower_bound(plan: Plan, bootstrap: int) -> int:
    """Return the least number of timelines any packing needs: work and bootstraps by the window."""
    clusters = math.ceil(len(plan.jobs) / TABLES_PER_PIPELINE)
    work = sum(min(j.estimate_seconds, WINDOW_SECONDS) for j in plan.jobs) + clusters * bootstrap
    return math.ceil(work / WINDOW_SECONDS)


def main(small: bool = False) -> None:
    """Print the table."""
    count = 50 if small else TABLES
    table = RichTable(title=f"planning {count:,} tables, 7-hour window, no limit of clusters")
    for column in ("fleet", "CPU s", "peak MiB", "pipelines", "at once", "lower bound", "raised"):
        table.add_column(column, justify="left" if column == "fleet" else "right")
    unlimited = settings(planning={"max_clusters": TABLES})
    night = Night(START, START + timedelta(seconds=WINDOW_SECONDS), START)
    for name, tables in fleets(count).items():
        inventory = Inventory(tuple(tables), Limits(account_max_read=10**9))
        begin = time.process_time()
        plan = make_plan(inventory, unlimited, night, TABLES_PER_PIPELINE)
        seconds = time.process_time() - begin
        # measured apart: tracing makes it several times slower
        tracemalloc.start()
        make_plan(inventory, unlimited, night, TABLES_PER_PIPELINE)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        table.add_row(
            name,
            f"{seconds:.2f}",
            f"{peak / 2**20:.1f}",
            str(len(plan.batches)),
            str(len({b.timeline for b in plan.batches})),
            str(lower_bound(plan, unlimited.planning.cluster_bootstrap_seconds)),
            str(sum(j.raise_to is not None for j in plan.jobs)),
        )
    Console().print(table)
    _print_crowded(night, small)


def _print_crowded(night: Night, small: bool) -> None:
    """Print what becomes of nights with more raised tables than clusters."""
    table = RichTable(title="tables of 30 GiB (raised) and of 1 MiB, on few clusters")
    for column in ("large", "small", "clusters", "without time", "hours a raised", "raised to"):
        table.add_column(column, justify="right")
    every = ((8, 600, 10), (12, 600, 10), (20, 1000, 10), (50, 2450, 30))
    for large, others, clusters in every[:1] if small else every:
        limits = Limits(account_max_read=10**6)
        inventory = Inventory(tuple(crowded(large, others)), limits)
        few = settings(planning={"max_clusters": clusters})
        plan = make_plan(inventory, few, night, TABLES_PER_PIPELINE)
        raised = [j for j in plan.jobs if j.raise_to]
        table.add_row(
            str(large),
            str(others),
            str(clusters),
            str(sum("no cluster has time" in w for w in plan.warnings)),
            f"{raised[0].estimate_seconds / 3600:.1f}",
            str(raised[0].raise_to),
        )
    Console().print(table)


if __name__ == "__main__":
    main()
