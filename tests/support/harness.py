"""Nights in this process and in virtual time: the product's handlers against the local AWS."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from hippolyte import clients, existence, monitor, scheduler
from hippolyte.errors import HippolyteError
from hippolyte.planning.window import run_id
from hippolyte.settings import Settings
from hippolyte.store import unpacked
from local.core.call import Call, refusal
from local.core.clock import Clock
from local.core.course import Killed
from local.programs.export import running_steps
from local.world import World
from tests.support import exporter
from tests.support.builders import LARGE_CLUSTER
from tests.support.events import listen
from tests.support.exporter_faults import ExporterFaults
from tests.support.watch import PRODUCT_KEY, Watch

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "backups"
START = datetime(2026, 11, 24, tzinfo=UTC)
RUN = run_id(START)
# Terraform's parameter for the places in which something is open
PLACES = "/hippolyte/open/hippolyte"
TIMEOUT_SECONDS = 900
GIB = 1 << 30
# too large for the window of two hours at 1,000 units: raised for it, or in its turn for an hour
BIG = {"size_bytes": 20 * GIB, "item_count": 3}
# read for minutes at the share of 100 units, by whichever engine: so it is seen at it
MINUTES = {"read_bytes": 64 << 20, "item_count": 3}
RAISED = 1302
_RAISED = {"datapipeline": RAISED, "emr": 1982, "lambda": 1957}
# an engine's calls, by what they do
_CALLS = {
    "datapipeline": {
        "start": "datapipeline:ActivatePipeline",
        "begin": "datapipeline:ActivatePipeline",
        "cancel": "datapipeline:DeactivatePipeline",
        "look": "datapipeline:QueryObjects",
        "every": "datapipeline:*",
    },
    "emr": {
        "start": "emr:RunJobFlow",
        "begin": "emr:AddJobFlowSteps",
        "cancel": "emr:TerminateJobFlows",
        "look": "emr:ListSteps",
        "every": "emr:*",
    },
    "lambda": {
        "start": "stepfunctions:StartExecution",
        "begin": "stepfunctions:StartExecution",
        "cancel": "stepfunctions:StopExecution",
        "look": "stepfunctions:DescribeExecution",
        "every": "stepfunctions:*",
    },
}
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:hippolyte-exporter"
JAR = "s3://jars/emr-dynamodb-tools.jar"
# the setting of that name
EMR = {"jar": JAR, "service_role": "emr", "guard_role": f"arn:aws:iam::{ACCOUNT}:role/guard"}

# boto3's clients take a second to make and know nothing of the world they talk to
_built: dict[tuple[object, ...], clients.Clients] = {}
_hands: dict[tuple[str, str, str], Any] = {}


class Context:
    """What Lambda hands a handler, over an invocation's virtual time."""

    def __init__(self, remaining: Callable[[], float], request_id: str | None = None) -> None:
        self.aws_request_id = request_id or uuid.uuid4().hex
        self._remaining = remaining

    def get_remaining_time_in_millis(self) -> int:
        return int(self._remaining() * 1000)


class NightDriver:
    """One deployment without Terraform: bucket, topic, settings, and both functions."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
        self.world = world
        self.engine = engine
        # what BIG is raised to from 1,000 units
        self.raised = _RAISED[engine]
        # a little more than fits the window at 1,000 units; a worker begins sooner than a cluster
        self.too_large = (14 if engine == "lambda" else 13) * GIB
        self.account, self.region = ACCOUNT, REGION
        self._monkeypatch = monkeypatch
        self.s3 = world.client("s3")
        self.dynamodb = world.client("dynamodb")
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.create_bucket(Bucket=JAR.split("/")[2])
        self.s3.put_object(Bucket=JAR.split("/")[2], Key=JAR.split("/", 3)[3], Body=b"")
        self.topic = world.client("sns").create_topic(Name="hippolyte")["TopicArn"]
        # its calls are tests/operations' affair
        for handler in (scheduler, monitor):
            monkeypatch.setattr(handler, "preflight", lambda *_: None)
        monkeypatch.setattr(existence, "look", lambda *_: None)
        self.invocations = 0
        # a tolerant driver keeps the monitor's errors and goes on, as the schedule does
        self.tolerant = False
        self.errors: list[Exception] = []
        self.settings: dict[str, Any] = {}
        # (bucket, prefix) of every place there was, the present one last
        self.places = [(BUCKET, "")]
        # settings that no other takes away
        self._kept: dict[str, Any] = {}
        # the queue that has every event
        self.bus = ""
        self.watch = Watch(self)
        exporter.deploy(world, MACHINE)
        monkeypatch.setattr(clients, "for_exporter", _build_for_exporter)
        if engine == "lambda":
            ExporterFaults(world)
        if engine == "emr":
            world.client("scheduler").create_schedule_group(Name="hippolyte")
            world.schedules.start()
        self._stays = len(world.gate.hooks)
        self.configure()

    def configure(self, **changes: Any) -> None:
        """Set the settings, as Terraform would write them."""
        planning = {"discovery_concurrency": 1, **changes.pop("planning", {})}
        # BIG is not to fit with workers either, nor a second time by what the first night measured
        planning = {"bytes_per_read_unit": 4096, **planning}
        engines: dict[str, dict[str, Any]] = {
            "datapipeline": {"cluster": LARGE_CLUSTER},
            "emr": {
                "engine": "emr",
                "emr": EMR,
                "cluster": {"release_label": "emr-7.13.0", **LARGE_CLUSTER},
            },
            "lambda": {"engine": "lambda"},
        }
        self.settings = {
            **engines[self.engine],
            "exporter": {"machine_arn": MACHINE},
            "name": "hippolyte",
            "account": ACCOUNT,
            "region": REGION,
            "partition": "aws",
            "bucket": BUCKET,
            "topic_arn": self.topic,
            "pipeline_region": REGION,
            "pipeline_role": "pipeline",
            "cluster_role": "cluster",
            "window_seconds": 7200,
            "consumed_percentage": 50,
            "planning": planning,
            **self._kept,
            **changes,
        }
        self._monkeypatch.setenv("HIPPOLYTE_SETTINGS", json.dumps(self.settings))

    def keep_places(self) -> None:
        """Make the parameter that holds the places, as Terraform does."""
        value = json.dumps({"name": "hippolyte", "places": []})
        self.world.client("ssm").put_parameter(Name=PLACES, Value=value, Type="String")
        self._kept["places_parameter"] = PLACES
        self.configure()

    def keep_events(self) -> None:
        """Put events, and keep them in a queue."""
        self.bus = listen(self.world)
        self._kept["events"] = True
        self.configure()

    def open_places(self) -> list[str]:
        """Return the places that are on record, as addresses."""
        found = self.world.client("ssm").get_parameter(Name=PLACES)["Parameter"]["Value"]
        places = json.loads(found)["places"]
        return [f"s3://{place['bucket']}/{place.get('prefix', '')}" for place in places]

    def move(self, bucket: str = BUCKET, prefix: str = "", **settings: Any) -> None:
        """Apply the module with another place."""
        if bucket not in [each for each, _ in self.places]:
            self.s3.create_bucket(Bucket=bucket)
        if (bucket, prefix) in self.places:
            self.places.remove((bucket, prefix))
        self.places.append((bucket, prefix))
        self.configure(bucket=bucket, prefix=prefix, **settings)

    def call(self, what: str) -> str:
        """Return the engine's call that does something, as `_CALLS` names it."""
        return _CALLS[self.engine][what]

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
        if self.world.clock.now() <= START:
            # not of tonight: DescribeTable has counted it
            settings = {"created_at": START - timedelta(days=30), **settings}
        if settings:
            self.world.set_table(name, **settings)

    def tag(self, table: str, **tags: str) -> None:
        """Tag a table."""
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"
        self.dynamodb.tag_resource(
            ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
        )

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

    def set_by_hand(self, table: str, read: int, write: int = 50) -> None:
        """Change a table's capacity as a person (or its autoscaling) does."""
        self.dynamodb.update_table(
            TableName=table,
            ProvisionedThroughput={"ReadCapacityUnits": read, "WriteCapacityUnits": write},
        )

    def reads(self, table: str, units_per_second: float) -> None:
        """Let CloudWatch know what was consumed of a table in the last minute."""
        at = self.world.clock.now() - timedelta(minutes=1)
        self.world.client("cloudwatch").put_metric_data(
            Namespace="AWS/DynamoDB",
            MetricData=[
                {
                    "MetricName": "ConsumedReadCapacityUnits",
                    "Dimensions": [{"Name": "TableName", "Value": table}],
                    "Timestamp": at,
                    "Value": units_per_second * 60,
                }
            ],
        )

    # what goes wrong

    def refuse(self, operation: str, code: str, message: str, times: int | None = None) -> None:
        """Answer the next calls of an operation with an error."""

        def answer(call: Call) -> None:
            raise refusal(call, code, message)

        self.world.before(operation, answer, times)

    def throttle(self, probability: float, spare: str = "") -> None:
        """Throttle each of the product's calls with a probability, whatever it is but one."""
        source = random.Random(0)

        def answer(call: Call) -> None:
            met = call.access_key == PRODUCT_KEY and call.name != spare
            if met and source.random() < probability:
                code = "SlowDown" if call.service == "s3" else "ThrottlingException"
                raise refusal(call, code, "Rate exceeded")

        self.world.before("*", answer)

    def allow_all(self) -> None:
        """Take away refusals, throttles and denials; the watch and faults by name stay."""
        self.world.gate.denied.clear()
        self.world.gate.throttles.clear()
        del self.world.gate.hooks[self._stays :]

    def kill_before(self, operation: str, call_number: int = 1) -> None:
        """Kill the invocation that makes an operation's n-th call from now, before it is made."""
        calls = iter(range(1, call_number + 1))

        def strike(_: Call) -> None:
            if next(calls) == call_number:
                raise Killed(operation)

        self.world.before(operation, strike, call_number)

    def kill_at_begin(self) -> None:
        """Kill the invocation that is about to have a raised table read."""
        if self.engine != "lambda":
            self.kill_before(self.call("begin"))
            return

        def strike(call: Call) -> None:
            if "/workers/" in str(call.key) and str(call.key).endswith("/orders.json"):
                raise Killed("further orders")

        self.world.before("s3:PutObject", strike)

    def kill_after(self, operation: str) -> None:
        """Kill the invocation that makes an operation's next call, when its answer has come."""
        self.world.before(operation, lambda _: self.kill_before("*"), 1)

    # the night

    def scheduler(self, event: dict[str, Any] | None = None, **context: Any) -> dict[str, Any]:
        """Invoke the scheduler, as its schedule would if no event is given."""
        event = (
            {"run": f"{START:%Y-%m-%dT%H:%M:%SZ}", "delay_seconds": 0} if event is None else event
        )
        return self._invoke(scheduler.handler, event, **context)

    def monitor(self, event: dict[str, Any] | None = None, **context: Any) -> dict[str, Any]:
        """Invoke the monitor, as its schedule would if no event is given."""
        try:
            return self._invoke(monitor.handler, event or {}, **context)
        except (HippolyteError, ClientError) as error:
            if not self.tolerant:
                raise
            self.errors.append(error)
            return {}

    def _invoke(
        self, handler: Callable[..., dict[str, Any]], event: dict[str, Any], **context: Any
    ) -> Any:
        self.invocations += 1
        with self.world.sleeper.invocation(TIMEOUT_SECONDS) as time:
            made = Context(lambda: TIMEOUT_SECONDS - time.elapsed(), **context)
            return handler(event, made)

    def until(self, happens: Callable[[], object], minutes: float = 60) -> None:
        """Let time pass, with the monitor at its interval, until something is so."""
        clock, seconds = self.world.clock, 0
        while not happens():
            assert seconds < minutes * 60, f"it did not happen in {minutes} minutes"
            clock.advance(10)
            seconds += 10
            if seconds % 300 == 0:
                self.monitor()

    def until_exporting(self, *tables: str, minutes: float = 60) -> str:
        """Go on until an export of one of the tables reads; return which."""
        self.until(lambda: any(map(self.exporting, tables)), minutes)
        return next(filter(self.exporting, tables))

    def exporting(self, table: str) -> bool:
        """Say whether an export of `table` reads now."""
        if self.engine == "lambda":
            return self.watch.scans(table)
        return any(step.table == table for step in running_steps(self.world))

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

    def night_that_leaves_raised(self, table: str) -> dict[str, Any]:
        """Close a night whose raised table may not be lowered any more; return its report."""
        self.table(table, read=1000, **BIG)
        self.scheduler()
        self.until_exporting(table)
        self.refuse("dynamodb:UpdateTable", "LimitExceededException", "No more decreases today.")
        report = self.until_closed()
        assert report["left_raised"] == [table]
        return report

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
            + json.dumps({n: t for n, t in ledger.get("tables", {}).items() if "verdict" not in t})
        )

    # what is there

    def record(self, run: str, name: str) -> dict[str, Any] | None:
        """Return one of a run's records, in whatever place it is."""
        return next(self._everywhere(f"runs/{ACCOUNT}/{REGION}/{run}/{name}"), None)

    def lease(self, table: str) -> dict[str, Any] | None:
        """Return a table's lease, the open one if there are several."""
        found = list(self._everywhere(f"leases/{ACCOUNT}/{REGION}/{table}.json"))
        return next((each for each in found if each["state"] != "released"), (*found, None)[0])

    def _everywhere(self, key: str) -> Iterator[dict[str, Any]]:
        """Yield a JSON object from each place that has it, the present one first."""
        for bucket, prefix in reversed(self.places):
            if found := self.json(f"{prefix}/{key}" if prefix else key, bucket):
                yield found

    def json(self, key: str, bucket: str = BUCKET) -> dict[str, Any] | None:
        """Return a JSON object of the bucket, None if it is not there."""
        try:
            body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except (self.s3.exceptions.NoSuchKey, self.s3.exceptions.NoSuchBucket):
            return None
        return dict(json.loads(unpacked(body)))

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
        """Return the states of the clusters that are not terminated, and workers that run."""
        pages = self.world.client("emr").get_paginator("list_clusters").paginate()
        states = [c["Status"]["State"] for page in pages for c in page["Clusters"]]
        states += [each.status for each in self.world.machines.of(MACHINE)]
        over = ("TERMINATED", "SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")
        return [s for s in states if not s.startswith(over)]

    def all_clusters(self) -> int:
        """Return how many clusters and workers were ever started, but for what was tried only."""
        pages = self.world.client("emr").get_paginator("list_clusters").paginate()
        started = sum(len(page["Clusters"]) for page in pages)
        executions = self.world.machines.of(MACHINE)
        return started + sum(not each.name.startswith("preflight-") for each in executions)

    @property
    def attention(self) -> list[dict[str, Any]]:
        """The messages that want a person to act."""
        return [m for m in self.messages if "OK " not in m["subject"]]

    def assert_clean(self) -> None:
        """Nothing is left behind: no open lease, no pipeline, no cluster, no promise broken."""
        assert self.watch.violations == []
        leases = [self.json(key) for key in self.keys(f"leases/{ACCOUNT}/")]
        tables = self.dynamodb.list_tables()["TableNames"] if len(self.places) > 1 else []
        leases += [self.lease(table) for table in tables]
        assert [lease for lease in leases if lease and lease["state"] != "released"] == []
        assert self.pipelines() == []
        assert self.clusters() == []


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    """Return table -> verdict."""
    return {name: table["verdict"] for name, table in report["tables"].items()}


def next_night(night: NightDriver, days: int = 1) -> dict[str, Any]:
    """Run the night so many days after the first one."""
    start = START + timedelta(days=days)
    night.world.clock.advance_to(start)
    night.scheduler({"run": f"{start:%Y-%m-%dT%H:%M:%SZ}", "delay_seconds": 0})
    return night.until_closed(run=run_id(start))


def empty(night: NightDriver, table: str) -> None:
    """Delete every item of a table, as its application would."""
    for item in night.dynamodb.scan(TableName=table)["Items"]:
        night.dynamodb.delete_item(TableName=table, Key={"pk": item["pk"]})


@contextmanager
def driver(monkeypatch: pytest.MonkeyPatch, engine: str = "datapipeline") -> Iterator[NightDriver]:
    """A fresh world with one deployment."""
    world = World(Clock(START), ACCOUNT, REGION)
    monkeypatch.setattr(clients, "build", _build)
    with world.in_process():
        world._clients.update(_hands)
        yield NightDriver(world, monkeypatch, engine)
        _hands.update(world._clients)


def _build_for_exporter(settings: Settings, threads: int) -> clients.ExporterClients:
    key = (settings.region, settings.sse_header, settings.sse_key_arn, threads)
    if key not in _built_for_exporter:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", PRODUCT_KEY)
            patch.delenv("AWS_SESSION_TOKEN", raising=False)
            patch.setattr(boto3, "DEFAULT_SESSION", None)
            made = _original_for_exporter.__wrapped__(settings, threads)
            _built_for_exporter[key] = made
    return _built_for_exporter[key]


def _build(settings: Settings) -> clients.Clients:
    regions = (settings.region, settings.pipeline_region)
    said = (settings.sse_header, settings.sse_key_arn)
    key = (*regions, *said, settings.planning.discovery_concurrency, settings.tables.by_tag)
    if key not in _built:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", PRODUCT_KEY)
            patch.setattr(boto3, "DEFAULT_SESSION", None)
            _built[key] = _original_build.__wrapped__(settings)
    return _built[key]


_original_build = clients.build
_original_for_exporter = clients.for_exporter
_built_for_exporter: dict[tuple[object, ...], clients.ExporterClients] = {}
