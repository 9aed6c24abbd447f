"""The engines over the planning fleets: hosts, raised capacity, estimated cost of a night.

Estimates of plans, made with the module's defaults; nothing is run. Both are counted as the tables
are raised: by Data Pipeline from the batch's launch until a job's own end (in the order of the
plan, which it does not promise), by EMR shortly before its turn until then, by exporter functions
for as long as it is read. Of those the requests to S3 and the machine's transitions are counted as
well; what S3 asks for a cluster's requests is left out in its favour.
"""

from __future__ import annotations

import math
from datetime import timedelta

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks._plans import START, TABLES, WINDOW_SECONDS, fleets, settings
from hippolyte.engines.datapipeline_definition import TABLES_PER_PIPELINE
from hippolyte.engines.emr import TABLES_PER_CLUSTER
from hippolyte.engines.lambda_ import TABLES_PER_WORKER
from hippolyte.night.raise_in_turn import LEAD_SECONDS
from hippolyte.planning.cost import NODE_HOUR_USD, RCU_HOUR_USD, workers_usd
from hippolyte.planning.host import host_of
from hippolyte.planning.plan import Plan, parts_of
from hippolyte.planning.planner import make_plan
from hippolyte.planning.sharing import worker_seconds
from hippolyte.planning.timelines import Timeline
from hippolyte.planning.window import Night
from hippolyte.settings import Settings
from hippolyte.tables.table import Inventory, Limits

NODES = 2
EXPORTER = {"machine_arn": "arn:aws:states:us-east-1:1:stateMachine:x", "max_workers": TABLES}
# what the module takes
_MOST_WORKERS = 100
EMR = {"jar": "s3://example-tools/emr-dynamodb-tools-6.0.0.jar", "service_role": "emr"}


def plans(inventory: Inventory, **changes: object) -> dict[str, tuple[Plan, Settings]]:
    """Return the night's plan by engine."""
    night = Night(START, START + timedelta(seconds=WINDOW_SECONDS), START)
    pipelines = settings(engine="datapipeline", **changes)
    clusters = settings(engine="emr", emr=EMR, **changes)
    functions = settings(engine="lambda", exporter=EXPORTER, **changes)
    return {
        "datapipeline": (
            make_plan(inventory, pipelines, night, TABLES_PER_PIPELINE),
            pipelines,
        ),
        "emr": (make_plan(inventory, clusters, night, TABLES_PER_CLUSTER, True), clusters),
        "lambda": (make_plan(inventory, functions, night, TABLES_PER_WORKER, True), functions),
    }


def hosts(plan: Plan, made: Settings) -> tuple[float, float]:
    """Return the hours of all hosts, and what they cost."""
    if plan.engine != "lambda":
        hours = cluster_hours(plan, made)
        return hours, hours * NODES * NODE_HOUR_USD
    host = host_of(made, "lambda")
    seconds = [
        min(WINDOW_SECONDS, worker_seconds(batch.jobs, host))
        for batch in plan.batches
        for _ in range(parts_of(batch.jobs))
    ]
    timelines = [Timeline([list(batch.jobs)]) for batch in plan.batches]
    return sum(seconds) / 3600, workers_usd(timelines, seconds, made)


def cluster_hours(plan: Plan, made: Settings) -> float:
    """Return the hours of all clusters, each with its bootstrap, cut off at the window's end."""
    bootstrap = made.planning.cluster_bootstrap_seconds
    seconds = sum(
        min(WINDOW_SECONDS, bootstrap + sum(j.estimate_seconds for j in b.jobs))
        for b in plan.batches
    )
    return seconds / 3600


def raised_unit_hours(plan: Plan, made: Settings, by_the_hour: bool) -> float:
    """Return raised units times hours held; `by_the_hour` as they are billed, hours begun."""
    total = 0.0
    for batch in plan.batches:
        # unraised jobs come first where the order is ours
        in_turn = plan.engine == "emr"
        if plan.engine == "lambda":
            for job in batch.jobs:
                hours = job.estimate_seconds / 3600
                units = (job.raise_to or job.capacity) - job.capacity
                total += units * (math.ceil(hours) if by_the_hour else hours)
            continue
        order = sorted(batch.jobs, key=lambda j: in_turn and j.raise_to is not None)
        at = float(made.planning.cluster_bootstrap_seconds)
        for job in order:
            begins = max(0.0, at - LEAD_SECONDS) if in_turn else 0.0
            at = min(at + job.estimate_seconds, float(WINDOW_SECONDS))
            if job.raise_to:
                hours = max(0.0, at - begins) / 3600
                total += (job.raise_to - job.capacity) * (
                    math.ceil(hours) if by_the_hour else hours
                )
    return total


def least_workers(inventory: Inventory) -> int:
    """Return the least `exporter.max_workers` with which all tables have time, 0 if none is."""
    night = Night(START, START + timedelta(seconds=WINDOW_SECONDS), START)
    for most in range(1, _MOST_WORKERS + 1):
        made = settings(engine="lambda", exporter={**EXPORTER, "max_workers": most})
        plan = make_plan(inventory, made, night, TABLES_PER_WORKER, True)
        if not any("has time for" in warning for warning in plan.warnings):
            return most
    return 0


def main(small: bool = False) -> None:
    """Print the table."""
    count = 50 if small else TABLES
    title = f"a night of {count:,} tables by each engine: 7-hour window, no limit of clusters"
    table = RichTable(title=title)
    columns = ("fleet", "engine", "hosts", "at once", "host hours", "raised tables",
               "raised unit-hours", "USD hosts", "USD raises", "USD")  # fmt: skip
    for column in columns:
        justify = "left" if column in ("fleet", "engine") else "right"
        table.add_column(column, justify=justify)
    fits = []
    for name, tables in fleets(count).items():
        limits = Limits(account_max_read=10**9, unreserved_concurrency=10 * TABLES)
        inventory = Inventory(tuple(tables), limits)
        for engine, (plan, made) in plans(inventory, planning={"max_clusters": TABLES}).items():
            hours, nodes = hosts(plan, made)
            raises = raised_unit_hours(plan, made, by_the_hour=True) * RCU_HOUR_USD
            # of tables that are split
            further = sum(parts_of(b.jobs) - 1 for b in plan.batches)
            table.add_row(
                name,
                engine,
                str(len(plan.batches) + further),
                str(len({b.timeline for b in plan.batches}) + further),
                f"{hours:.0f}",
                str(sum(j.raise_to is not None for j in plan.jobs)),
                f"{raised_unit_hours(plan, made, by_the_hour=False):,.0f}",
                f"{nodes:.2f}",
                f"{raises:.2f}",
                f"{nodes + raises:.2f}",
            )
        table.add_section()
        size = sum(each.size_bytes for each in tables) / 1e12
        fits.append(f"{name}, {size:.3f} TB: {least_workers(inventory)}")
    Console(width=150).print(table)
    print(f"the least exporter.max_workers with which all tables have time: {'; '.join(fits)}")


if __name__ == "__main__":
    main()
