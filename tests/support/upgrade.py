"""Both functions deployed from a zip, in processes of their own; the package of a later version."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hippolyte
from local.core.clock import Clock
from local.functions.invocation import Invocation
from local.world import World
from tests.support.builders import LARGE_CLUSTER

ACCOUNT, REGION, BUCKET = "123456789012", "us-east-1", "backups"
START = datetime(2026, 11, 24, tzinfo=UTC)
RUN = "2026-11-24T00-00Z"
PACKAGE = Path(hippolyte.__file__).parents[1] / "hippolyte.zip"
# the package of an earlier commit: before settings lay in parameters, and before functions read
BEFORE_COMMIT = "aa41bf0"
BEFORE = Path(__file__).parents[1] / "data" / "package-before.zip"
# some of the settings that the module has told its functions since
TOLD_TODAY = {"timezone": "UTC", "retention_days": 35, "restore_drill": None, "tags": {}}
# a later version adds a setting and a field of the ledger, which its monitor fills in
CHANGES = {
    "hippolyte/__init__.py": [(hippolyte.__version__, "99.0.0")],
    "hippolyte/settings.py": [
        ("    max_read_capacity: int | None = None", '\\g<0>\n    weather: str = "unknown"'),
    ],
    "hippolyte/records/ledger.py": [
        ('    outcome: str = ""', '\\g<0>\n    seen_by: str = "an older version"'),
        (
            r"        return cls\(\*\*data\)|            return cls\(\*\*data\)",
            '            for table in data["tables"].values():\n'
            '                table.seen_by = "99.0.0"\n\\g<0>',
        ),
    ],
}


def later_version(package: bytes) -> bytes:
    """Return the package with the changes of a later version."""
    out = io.BytesIO()
    assert set(CHANGES) <= set(zipfile.ZipFile(io.BytesIO(package)).namelist())
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            for pattern, replacement in CHANGES.get(name, []):
                text, count = re.subn(
                    pattern if "(" in pattern else re.escape(pattern), replacement, text, count=1
                )
                assert count == 1, f"{name}: {pattern}"
            new.writestr(name, text)
    return out.getvalue()


class Deployment:
    """Both functions, one bucket, and tables: one too large for the window, two that fit."""

    def __init__(self, world: World, old: bytes, new: bytes) -> None:
        self.world = world
        self.old, self.new = old, new
        world.client("s3").create_bucket(Bucket=BUCKET)
        topic = world.client("sns").create_topic(Name="hippolyte")["TopicArn"]
        self.topic: str = topic
        self.settings: dict[str, Any] = {
            "name": "hippolyte",
            "account": ACCOUNT,
            "region": REGION,
            "partition": "aws",
            "bucket": BUCKET,
            "topic_arn": topic,
            "pipeline_region": REGION,
            "pipeline_role": "pipeline",
            "cluster_role": "cluster",
            "cluster": LARGE_CLUSTER,
            "window_seconds": 7200,
        }
        service = {"Service": "lambda.amazonaws.com"}
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": service}
        role = world.client("iam").create_role(
            RoleName="functions", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
        )
        for name in ("scheduler", "monitor"):
            world.client("lambda").create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=role["Role"]["Arn"],
                Handler=f"hippolyte.{name}.handler",
                Code={"ZipFile": self.old},
                Timeout=900,
                Environment=self.environment(),
            )
        for table, size in (("big", 20 << 30), ("orders", 1 << 20), ("users", 1 << 20)):
            self._table(table, size)

    def environment(self, **more: Any) -> dict[str, Any]:
        return {"Variables": {"HIPPOLYTE_SETTINGS": json.dumps({**self.settings, **more})}}

    def _table(self, name: str, size: int) -> None:
        self.world.client("dynamodb").create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            ProvisionedThroughput={"ReadCapacityUnits": 1000, "WriteCapacityUnits": 5},
        )
        self.world.put_items(name, [{"pk": {"S": f"{name}#{n}"}} for n in range(3)])
        self.world.set_table(name, size_bytes=size, item_count=3)

    def configure(self, **more: Any) -> None:
        """Change the settings, which Terraform's provider does before it changes the code."""
        for name in ("scheduler", "monitor"):
            self.world.client("lambda").update_function_configuration(
                FunctionName=name, Environment=self.environment(**more)
            )

    def deploy(self, package: bytes) -> None:
        for name in ("scheduler", "monitor"):
            self.world.client("lambda").update_function_code(FunctionName=name, ZipFile=package)

    def scheduler(self) -> Invocation:
        event = {"run": f"{START:%Y-%m-%dT%H:%M:%SZ}", "delay_seconds": 0}
        invocation: Invocation = self.world.invoke("scheduler", event)
        assert invocation.error is None
        return invocation

    def monitor(self) -> Invocation:
        self.world.clock.advance(300)
        invocation: Invocation = self.world.invoke("monitor", {})
        return invocation

    def begin(self) -> None:
        """Start a night with the old package, up to where the large table is raised and read."""
        self.scheduler()
        for _ in range(6):
            if self.capacity() > 1000:
                return
            assert self.monitor().error is None
        raise AssertionError("the large table was not raised in half an hour")

    def finish(self) -> dict[str, Any]:
        """Let the monitor go on until the night has its report, and return it."""
        for _ in range(60):
            if report := self.record("report.json"):
                return report
            assert self.monitor().error is None
        raise AssertionError("not closed in five hours")

    def capacity(self) -> int:
        found = self.world.client("dynamodb").describe_table(TableName="big")["Table"]
        return int(found["ProvisionedThroughput"]["ReadCapacityUnits"])

    def body(self, key: str) -> bytes | None:
        s3 = self.world.client("s3")
        try:
            return bytes(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return None

    def record(self, name: str) -> dict[str, Any] | None:
        body = self.body(f"runs/{ACCOUNT}/{REGION}/{RUN}/{name}")
        return dict(json.loads(body)) if body else None

    def next_night(self) -> dict[str, Any]:
        """Run the night after the first, and return its report."""
        self.world.clock.advance_to(START + timedelta(days=1))
        event = {"run": "2026-11-25T00:00:00Z", "delay_seconds": 0}
        assert self.world.invoke("scheduler", event).error is None
        key = f"runs/{ACCOUNT}/{REGION}/2026-11-25T00-00Z/report.json"
        for _ in range(40):
            if body := self.body(key):
                return dict(json.loads(body))
            assert self.monitor().error is None
        raise AssertionError("not closed in three hours")

    def assert_all_backed_up(self, report: dict[str, Any]) -> None:
        verdicts = {name: table["verdict"] for name, table in report["tables"].items()}
        assert verdicts == dict.fromkeys(("big", "orders", "users"), "backed_up")

    def assert_done(self, report: dict[str, Any]) -> None:
        self.assert_all_backed_up(report)
        assert all(table["tries"] == 1 for table in report["tables"].values() if "tries" in table)
        assert self.capacity() == 1000
        lease = json.loads(self.body(f"leases/{ACCOUNT}/{REGION}/big.json") or b"{}")
        assert lease["state"] == "released"
        assert self.world.client("datapipeline").list_pipelines()["pipelineIdList"] == []
        nights = [m for m in self.world.messages(self.topic) if f"Run {RUN}: " in m["message"]]
        assert len(nights) == 1


@contextmanager
def deployed_from_a_zip(old: bytes | None = None) -> Iterator[Deployment]:
    """A served world with the deployment in it; what its roles may do is not asked here.

    Today's package, and a later version to come; or an `old` one, and today's to come.
    """
    today = PACKAGE.read_bytes()
    world = World(Clock(START), ACCOUNT, REGION)
    with world.served():
        world.iam_enforced = False
        versions = (old, today) if old else (today, later_version(today))
        yield Deployment(world, *versions)
