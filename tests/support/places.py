"""Tables in an account and region of the local AWS, and what is in a bucket, for whole nights."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from local.demo.second_reader import differences, read_backup
from local.world import World


@dataclass(frozen=True)
class Place:
    """One account and region, as its deployer sees it."""

    world: World
    account: str
    region: str

    def client(self, service: str) -> Any:
        """Return a client of the deployer of this account, for this region."""
        deployer = f"arn:aws:iam::{self.account}:role/deployer"
        return self.world.client(service, self.region, deployer)

    def items(self, table: str, count: int = 3) -> list[dict[str, Any]]:
        """Return a table's items: they tell account, region and table apart."""
        where = {"S": f"{self.account}/{self.region}"}
        return [{"pk": {"S": f"{table}#{n}"}, "where": where} for n in range(count)]

    def table(self, name: str, count: int = 3, read: int = 100, **tags: str) -> None:
        """Create a table of `count` items."""
        self.client("dynamodb").create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            ProvisionedThroughput={"ReadCapacityUnits": read, "WriteCapacityUnits": 5},
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        self.world.put_items(
            name, self.items(name, count), account=self.account, region=self.region
        )


def record(s3: Any, bucket: str, key: str) -> dict[str, Any] | None:
    """Return a JSON object of a bucket, None if it is not there."""
    try:
        return dict(json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
    except s3.exceptions.NoSuchKey:
        return None


def wrong_contents(s3: Any, bucket: str, place: Place, report: dict[str, Any]) -> list[str]:
    """Compare every backup of a report with the items its table was made of."""
    wrong = []
    for name, table in report["tables"].items():
        if table["verdict"] == "backed_up":
            directory = table["location"].removeprefix(f"s3://{bucket}/")
            items = read_backup(s3, bucket, directory)
            expected = place.items(name, table["items"])
            wrong += [f"{name}: {one}" for one in differences(expected, items)]
    return wrong


def until(world: World, happens: Callable[[], bool], hours: float = 6) -> None:
    """Let virtual time pass, with the schedules at work, until something is so."""
    end = world.clock.now() + timedelta(hours=hours)
    while not happens():
        errors = [i.error for i in world.lambda_logs if i.error]
        assert world.clock.now() < end, f"not in {hours} hours; errors: {errors[-2:]}"
        world.clock.advance(300)


def let_go(s3: Any, bucket: str) -> None:
    """Empty a bucket, if it is there, and let its policy be deleted, as its owner could."""
    if bucket not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        return
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
        keys = [{"Key": e["Key"], "VersionId": e["VersionId"]} for e in entries]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except s3.exceptions.ClientError:
        return
    kept = [one for one in policy["Statement"] if one["Sid"] != "SettingsStayWithTheBackups"]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({**policy, "Statement": kept}))


def command(runner: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Terraform command in the folder of one of pytest-terraform's runners."""
    return subprocess.run(
        [runner.tf_bin, *arguments],
        cwd=runner.module_dir or runner.work_dir,
        env={**os.environ, "TF_DATA_DIR": runner.work_dir},
        capture_output=True,
        text=True,
        check=False,
    )


def warnings(runner: Any) -> list[str]:
    """Return what Terraform and provider say of the configuration: what is deprecated, say."""
    found = json.loads(command(runner, "validate", "-json").stdout)
    return [each["summary"] for each in found["diagnostics"]]
