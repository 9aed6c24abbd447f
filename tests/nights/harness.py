"""Nights in this process and in virtual time: the product's handlers against the local AWS."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hippolyte import clients, monitor, scheduler
from hippolyte.planner import run_id
from local.clock import Clock
from local.world import World

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "backups"
START = datetime(2026, 11, 24, tzinfo=UTC)
RUN = run_id(START)
TIMEOUT_SECONDS = 900
GIB = 1 << 30


class Context:
    """What Lambda hands a handler, over an invocation's virtual time."""

    def __init__(self, remaining: Callable[[], float]) -> None:
        self.aws_request_id = uuid.uuid4().hex
        self._remaining = remaining

    def get_remaining_time_in_millis(self) -> int:
        return int(self._remaining() * 1000)


class NightDriver:
    """One deployment without Terraform: bucket, topic, settings, and both functions."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self._monkeypatch = monkeypatch
        self.s3 = world.client("s3")
        self.dynamodb = world.client("dynamodb")
        self.s3.create_bucket(Bucket=BUCKET)
        self.topic = world.client("sns").create_topic(Name="hippolyte-alerts")["TopicArn"]
        self.invocations = 0
        self.configure()

    def configure(self, **changes: Any) -> None:
        """Set the settings, as Terraform would write them."""
        settings = {
            "name": "hippolyte",
            "account": ACCOUNT,
            "region": REGION,
            "partition": "aws",
            "bucket": BUCKET,
            "topic_arn": self.topic,
            "pipeline_region": REGION,
            "pipeline_role": "pipeline",
            "cluster_role": "cluster",
            "planning": {"discovery_concurrency": 1},
            **changes,
        }
        self._monkeypatch.setenv("HIPPOLYTE_SETTINGS", json.dumps(settings))

    # the fleet

    def table(
        self,
        name: str,
        items: int = 3,
        read: int | None = 100,
        **settings: Any,
    ) -> None:
        """Create a table of `items` small items; `read` None makes it on-demand."""
        throughput = {"ReadCapacityUnits": read or 0, "WriteCapacityUnits": 50}
        billing: dict[str, Any] = (
            {"BillingMode": "PAY_PER_REQUEST"}
            if read is None
            else {"ProvisionedThroughput": throughput}
        )
        self.dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            **billing,
        )
        if items:
            rows = [{"pk": {"S": f"{name}#{i}"}, "n": {"N": str(i)}} for i in range(items)]
            self.world.put_items(name, rows)
        if settings:
            self.world.set_table(name, **settings)

    def target(self, table: str, low: int, high: int, **suspended: bool) -> None:
        """Give a table a read scaling target."""
        self.world.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="dynamodb",
            ResourceId=f"table/{table}",
            ScalableDimension="dynamodb:table:ReadCapacityUnits",
            MinCapacity=low,
            MaxCapacity=high,
            SuspendedState=suspended,
        )

    def suspended(self, table: str) -> dict[str, bool]:
        """Return the suspended flags of a table's read target."""
        found = self.world.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="dynamodb", ResourceIds=[f"table/{table}"]
        )["ScalableTargets"]
        return dict(found[0]["SuspendedState"])

    def capacity(self, table: str) -> tuple[int, int]:
        """Return a table's (read, write) capacity."""
        found = self.dynamodb.describe_table(TableName=table)["Table"]["ProvisionedThroughput"]
        return found["ReadCapacityUnits"], found["WriteCapacityUnits"]

    # the night

    def scheduler(self, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Invoke the scheduler, as its schedule would if no event is given."""
        event = event or {"run": f"{START:%Y-%m-%dT%H:%M:%SZ}", "delay_seconds": 0}
        return self._invoke(scheduler.handler, event)

    def monitor(self) -> dict[str, Any]:
        """Invoke the monitor."""
        return self._invoke(monitor.handler, {})

    def _invoke(self, handler: Callable[..., dict[str, Any]], event: dict[str, Any]) -> Any:
        self.invocations += 1
        with self.world.sleeper.invocation(TIMEOUT_SECONDS) as time:
            context = Context(lambda: TIMEOUT_SECONDS - time.elapsed())
            return handler(event, context)

    def passes(self, minutes: float, each: float = 5) -> None:
        """Let time pass with the monitor at its interval."""
        end = self.world.clock.now() + timedelta(minutes=minutes)
        while self.world.clock.now() < end:
            self.world.clock.advance(each * 60)
            self.monitor()

    def night(self, hours: float = 12) -> dict[str, Any]:
        """Run the scheduler, then the monitor until the run is closed; return the report."""
        self.scheduler()
        return self.until_closed(hours)

    def until_closed(self, hours: float = 12, run: str = RUN) -> dict[str, Any]:
        """Run the monitor until the run has its report; return it."""
        end = self.world.clock.now() + timedelta(hours=hours)
        while self.world.clock.now() < end:
            if report := self.record(run, "report.json"):
                return report
            self.world.clock.advance(300)
            self.monitor()
        ledger = self.record(run, "ledger.json") or {}
        raise AssertionError(
            f"not closed after {hours} h: "
            + json.dumps({k: v for k, v in ledger.items() if k != "tables"}, indent=1)
            + json.dumps({n: t for n, t in ledger.get("tables", {}).items() if not t["verdict"]})
        )

    # what is there

    def record(self, run: str, name: str) -> dict[str, Any] | None:
        """Return one of a run's records."""
        return self.json(f"runs/{ACCOUNT}/{REGION}/{run}/{name}")

    def lease(self, table: str) -> dict[str, Any] | None:
        """Return a table's lease."""
        return self.json(f"leases/{ACCOUNT}/{REGION}/{table}.json")

    def json(self, key: str) -> dict[str, Any] | None:
        """Return a JSON object of the bucket, None if it is not there."""
        try:
            body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None
        return dict(json.loads(body))

    def keys(self, prefix: str = "") -> list[str]:
        """Return the bucket's keys below a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [o["Key"] for page in pages for o in page.get("Contents", [])]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages published so far."""
        return self.world.messages(self.topic)

    def pipelines(self) -> list[str]:
        """Return the names of the pipelines that exist."""
        pages = self.world.client("datapipeline").get_paginator("list_pipelines").paginate()
        return [p["name"] for page in pages for p in page["pipelineIdList"]]

    def clusters(self) -> list[str]:
        """Return the states of the clusters that are not terminated."""
        pages = self.world.client("emr").get_paginator("list_clusters").paginate()
        states = [c["Status"]["State"] for page in pages for c in page["Clusters"]]
        return [s for s in states if not s.startswith("TERMINATED")]

    def assert_clean(self) -> None:
        """Nothing is left behind: no open lease, no pipeline, no cluster."""
        leases = [self.json(key) for key in self.keys(f"leases/{ACCOUNT}/")]
        assert [lease for lease in leases if lease and lease["state"] != "released"] == []
        assert self.pipelines() == []
        assert self.clusters() == []


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    """Return table -> verdict."""
    return {name: table["verdict"] for name, table in report["tables"].items()}


@contextmanager
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    """A fresh world with one deployment."""
    world = World(Clock(START), ACCOUNT, REGION)
    clients.build.cache_clear()
    with world.in_process():
        yield NightDriver(world, monkeypatch)
