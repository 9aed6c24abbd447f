"""A small world for the tests of the job services, and what they do in it again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

from local.core.clock import Clock
from local.world import World

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "backups"
START = datetime(2026, 11, 24, tzinfo=UTC)
JAR = (
    "s3://dynamodb-dpl-us-east-1/emr-ddb-storage-handler/4.11.0/"
    "emr-dynamodb-tools-4.11.0-SNAPSHOT-jar-with-dependencies.jar"
)
EXPORT_CLASS = "org.apache.hadoop.dynamodb.tools.DynamoDBExport"
MIB = 1024 * 1024
SESSION = boto3.session.Session()  # it holds the parsed service models: 0.3 s a test


class SmallWorld(World):
    """A world in this process whose time a test lets pass."""

    def __init__(self) -> None:
        super().__init__(Clock(START), ACCOUNT, REGION)

    def _make_client(self, service: str, region: str, role_arn: str) -> Any:
        """Return a client that shows every refusal: no retries."""
        return SESSION.client(
            service,
            region_name=region,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def advance_until(self, reached: Any, limit_hours: float = 12, step: float = 30) -> None:
        """Let time pass until `reached()`, a few seconds at a time."""
        until = self.clock.now().timestamp() + limit_hours * 3600
        while not reached():
            assert self.clock.now().timestamp() < until, "not reached in time"
            self.clock.advance(step)


@contextmanager
def small_world() -> Iterator[Any]:
    """Give a world with a bucket, without Data Pipeline's call rates."""
    world = SmallWorld()
    with world.in_process():
        world.datapipeline_rates = False
        world.client("s3").create_bucket(Bucket=BUCKET)
        yield world


def make_table(
    world: Any, name: str, items: int = 5, read: int | None = 100, size: int = MIB
) -> None:
    """Create a table; `read` None is on-demand, `size` what DescribeTable says."""
    dynamodb = world.client("dynamodb")
    capacity = (
        {"BillingMode": "PAY_PER_REQUEST"}
        if read is None
        else {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": 5}}
    )
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        **capacity,
    )
    for number in range(items):
        dynamodb.put_item(
            TableName=name, Item={"pk": {"S": f"{name}-{number}"}, "b": {"B": b"\x00\xff"}}
        )
    world.set_table(name, size_bytes=size)


def keys(world: Any, prefix: str = "") -> list[str]:
    """Return the keys of the bucket."""
    answer = world.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [entry["Key"] for entry in answer.get("Contents", [])]


def body(world: Any, key: str) -> bytes:
    """Return an object's content."""
    return world.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


def fields(pairs: dict[str, Any], refs: dict[str, str] | None = None) -> list[dict[str, str]]:
    """Return API fields."""
    return [{"key": key, "stringValue": str(text)} for key, text in pairs.items()] + [
        {"key": key, "refValue": target} for key, target in (refs or {}).items()
    ]


def thing(name: str, pairs: dict[str, Any], refs: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a pipeline object."""
    return {"id": name, "name": name, "fields": fields(pairs, refs)}


def export_step(directory: str, table: str, ratio: str = "0.5") -> str:
    """Return an EmrActivity's step."""
    options = "-Dmapreduce.map.speculative=false,-Ddynamodb.regionid=us-east-1"
    return f"{JAR},{EXPORT_CLASS},{options},{directory},{table},{ratio}"


def definition(
    tables: list[str], cluster: dict[str, Any] | None = None, activity: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return a definition as the engine writes it."""
    objects = [
        thing(
            "Default",
            {
                "scheduleType": "ONDEMAND",
                "failureAndRerunMode": "CASCADE",
                "role": "pipeline-role",
                "resourceRole": "cluster-role",
                "pipelineLogUri": f"s3://{BUCKET}/logs/",
            },
        ),
        thing(
            "Cluster",
            {
                "type": "EmrCluster",
                "releaseLabel": "emr-5.27.1",
                "masterInstanceType": "m5.xlarge",
                "coreInstanceType": "m5.xlarge",
                "coreInstanceCount": "1",
                "region": REGION,
                "terminateAfter": "8 hours",
                "actionOnTaskFailure": "continue",
                **(cluster or {}),
            },
        ),
    ]
    for number, table in enumerate(tables):
        directory = f"s3://{BUCKET}/out/{table}"
        objects += [
            thing(
                f"Table{number:03}",
                {"type": "DynamoDBDataNode", "tableName": table, "region": REGION},
            ),
            thing(f"Output{number:03}", {"type": "S3DataNode", "directoryPath": directory}),
            thing(
                f"Export{number:03}",
                {
                    "type": "EmrActivity",
                    "maximumRetries": "0",
                    "resizeClusterBeforeRunning": "false",
                    "step": export_step(directory, table),
                    **(activity or {}),
                },
                {
                    "runsOn": "Cluster",
                    "input": f"Table{number:03}",
                    "output": f"Output{number:03}",
                },
            ),
        ]
    return objects


def filled(objects: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return a definition filled up to `count` objects."""
    more = range(count - len(objects))
    return objects + [
        thing(f"More{n:03}", {"type": "DynamoDBDataNode", "tableName": "x"}) for n in more
    ]


class Pipe:
    """A pipeline in the hands of a test."""

    def __init__(self, world: Any, objects: list[dict[str, Any]], unique: str = "1") -> None:
        self.world = world
        self.client = world.client("datapipeline")
        self.emr = world.client("emr")
        self.id = self.client.create_pipeline(name="night", uniqueId=unique)["pipelineId"]
        self.answer = self.client.put_pipeline_definition(
            pipelineId=self.id, pipelineObjects=objects
        )

    def activate(self) -> Pipe:
        self.client.activate_pipeline(pipelineId=self.id)
        return self

    def state(self, key: str = "@pipelineState") -> str | None:
        answer = self.client.describe_pipelines(pipelineIds=[self.id])
        return text(answer["pipelineDescriptionList"][0], key)

    def ids(self, sphere: str = "INSTANCE", **selectors: Any) -> list[str]:
        pages = self.client.get_paginator("query_objects").paginate(
            pipelineId=self.id, sphere=sphere, **selectors
        )
        return [one for page in pages for one in page["ids"]]

    def objects(self, ids: list[str]) -> list[dict[str, Any]]:
        return self.client.describe_objects(pipelineId=self.id, objectIds=ids)["pipelineObjects"]

    def instances(self) -> dict[str, dict[str, str]]:
        """Return the latest run's instances by component id, as plain dicts of fields."""
        found = {}
        ids = self.ids()
        for start in range(0, len(ids), 25):
            for one in self.objects(ids[start : start + 25]):
                plain = flat(one)
                found[plain["@componentParent"]] = plain | {"id": one["id"]}
        return found

    def statuses(self) -> dict[str, str]:
        return {name: one["@status"] for name, one in self.instances().items()}

    def attempt(self, component: str) -> dict[str, str]:
        return flat(self.objects([self.instances()[component]["@headAttempt"]])[0])

    def cluster(self) -> dict[str, Any]:
        cluster_id = self.instances()["Cluster"]["@resourceId"]
        return self.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]

    def steps(self) -> list[dict[str, Any]]:
        return self.emr.list_steps(ClusterId=self.instances()["Cluster"]["@resourceId"])["Steps"]

    def until_finished(self) -> Pipe:
        self.world.advance_until(lambda: self.state() == "FINISHED", step=60)
        return self


def text(thing_: dict[str, Any], key: str) -> str | None:
    """Return a field of an API object."""
    return flat(thing_).get(key)


def flat(thing_: dict[str, Any]) -> dict[str, str]:
    """Return the fields of an API object as a dict."""
    return {f["key"]: f.get("stringValue", f.get("refValue")) for f in thing_["fields"]}
