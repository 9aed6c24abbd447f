"""Values for tests of the pure modules: short to write, plain to read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hippolyte.engines.emr import TABLES_PER_CLUSTER
from hippolyte.engines.engine import Launch
from hippolyte.planning.plan import Job, Plan
from hippolyte.planning.planner import make_plan
from hippolyte.planning.window import Night
from hippolyte.settings import Settings, parse
from hippolyte.tables.table import Inventory, Limits, Table

GIB = 1 << 30
START = datetime(2026, 11, 24, tzinfo=UTC)


# so that a table's capacity binds and not what its cluster reads, but where that is tested
FAST_CLUSTERS = {"cluster_bytes_per_second": 1_000_000_000}
LARGE_CLUSTER = {"core_instance_type": "m5.4xlarge", "core_instance_count": 20}


def raw_settings(**changes: Any) -> dict[str, Any]:
    """The settings as Terraform writes them."""
    planning = changes.pop("planning", {})
    if isinstance(planning, dict):
        planning = {**FAST_CLUSTERS, **planning}
    return {
        "name": "hippolyte",
        "account": "123456789012",
        "region": "us-east-1",
        "partition": "aws",
        "bucket": "backups",
        "prefix": "",
        "topic_arn": "arn:aws:sns:us-east-1:123456789012:hippolyte-alerts",
        "pipeline_region": "us-east-1",
        "pipeline_role": "hippolyte-us-east-1-pipeline",
        "cluster_role": "hippolyte-us-east-1-cluster",
        "planning": planning,
        **changes,
    }


def settings(**changes: Any) -> Settings:
    return parse(json.dumps(raw_settings(**changes)))


def table(name: str = "orders", **changes: Any) -> Table:
    values: dict[str, Any] = {
        "name": name,
        "table_id": f"id-{name}",
        "status": "ACTIVE",
        "size_bytes": 1 << 20,
        "item_count": 100,
        "read_capacity": 100,
        "write_capacity": 100,
        **changes,
    }
    return Table(**values)


def on_demand(name: str = "events", **changes: Any) -> Table:
    return table(name, on_demand=True, read_capacity=0, write_capacity=0, **changes)


def night(hours: float = 7, late: timedelta = timedelta(0)) -> Night:
    return Night(START, START + timedelta(hours=hours), START + late)


def plan(*tables: Table, hours: float = 7, limits: Limits | None = None, **changes: Any) -> Plan:
    """Plan a night of these tables by Data Pipeline; keyword arguments are settings."""
    inventory = Inventory(tables, limits or Limits(account_max_read=10**9))
    return make_plan(inventory, settings(**changes), night(hours), 32)


def emr_plan(
    *tables: Table, hours: float = 7, limits: Limits | None = None, **changes: Any
) -> Plan:
    """Plan a night of these tables by EMR, whose tables are raised in their turn."""
    inventory = Inventory(tables, limits or Limits(account_max_read=10**9))
    made = settings(engine="emr", emr={"jar": "s3://tools/x.jar", "service_role": "e"}, **changes)
    return make_plan(inventory, made, night(hours), TABLES_PER_CLUSTER, raises_per_job=True)


def renamed(tables: list[Table]) -> list[Table]:
    return [replace(t, name=f"{t.name}-{i}") for i, t in enumerate(tables)]


def job(name: str = "orders") -> Job:
    """The export of a table of a GiB, at half of its 1,000 units."""
    return Job(name, f"id-{name}", 1 << 30, 100, 1000, 0.5, 0.5, 500.0, 600)


def launch(*names: str, ratio: float = 0.5) -> Launch:
    """What an engine is told to start: a batch of these tables."""
    return Launch(
        run_id="2026-11-24T00-00Z",
        batch_id="b001",
        jobs=[job(name) for name in names],
        ratios=[ratio] * len(names),
        outputs=[f"s3://backups/backups/123456789012/us-east-1/{n}/run-1" for n in names],
        deadline=datetime(2026, 11, 24, 7, tzinfo=UTC),
    )
