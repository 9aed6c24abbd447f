"""The demo's independent check: what is in S3 and in AWS after the night, product code aside."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from local.demo.second_reader import differences, read_backup
from local.fleet.table_spec import TableSpec, expected_items
from local.world import World

State = dict[str, Any]


def snapshot(world: World, specs: Iterable[TableSpec]) -> State:
    """Return the capacity and the scaling target of every table that is there."""
    dynamodb = world.client("dynamodb")
    state: State = {}
    for spec in specs:
        try:
            table = dynamodb.describe_table(TableName=spec.name)["Table"]
        except dynamodb.exceptions.ResourceNotFoundException:
            continue
        found = table["ProvisionedThroughput"]
        state[spec.name] = (found["ReadCapacityUnits"], found["WriteCapacityUnits"])
    pages = world.client("application-autoscaling").get_paginator("describe_scalable_targets")
    for page in pages.paginate(ServiceNamespace="dynamodb"):
        for target in page["ScalableTargets"]:
            flags = target.get("SuspendedState", {})
            state[target["ResourceId"]] = (
                target["MinCapacity"],
                target["MaxCapacity"],
                sorted(name for name, value in flags.items() if value),
            )
    return state


def problems(
    world: World, specs: list[TableSpec], bucket: str, report: Mapping[str, Any], before: State
) -> list[str]:
    """Return all that is wrong after the night, one sentence each; none if all is well."""
    wrong: list[str] = []
    wrong += _verdicts(specs, report)
    wrong += _contents(world, specs, bucket, report)
    after = snapshot(world, specs)
    gone = {s.name for s in specs if s.verdict == "vanished"}
    wrong += [
        f"{name} was {was} and is {after.get(name)}"
        for name, was in before.items()
        if name not in gone and after.get(name) != was
    ]
    wrong += _left_behind(world, bucket)
    return wrong


def _verdicts(specs: list[TableSpec], report: Mapping[str, Any]) -> list[str]:
    found = {name: table["verdict"] for name, table in report["tables"].items()}
    wrong = [
        f"{s.name} is {found.get(s.name)}, {s.verdict} was expected"
        + (f" ({report['tables'][s.name]['reason']})" if s.name in found else "")
        for s in specs
        if found.get(s.name) != s.verdict
    ]
    wrong += [
        f"{name} is in the report and was never made" for name in found.keys() - _names(specs)
    ]
    if Counter(found.values()) != Counter({k: v for k, v in report["totals"].items() if v}):
        wrong.append(f"the totals {report['totals']} are not the tables' verdicts")
    raised = {row["table"] for row in report["raised"]}
    expected = {s.name for s in specs if s.raised}
    if raised != expected:
        wrong.append(f"raised were {sorted(raised)}, {sorted(expected)} was expected")
    return wrong


def _names(specs: Iterable[TableSpec]) -> set[str]:
    return {s.name for s in specs}


def _contents(
    world: World, specs: list[TableSpec], bucket: str, report: Mapping[str, Any]
) -> list[str]:
    wrong: list[str] = []
    for spec in specs:
        table = report["tables"].get(spec.name, {})
        if table.get("verdict") != "backed_up":
            continue
        directory = table["location"].removeprefix(f"s3://{bucket}/")
        try:
            items = read_backup(world.client("s3"), bucket, directory)
        except Exception as error:  # noqa: BLE001 - whatever it is, the backup cannot be read
            wrong.append(f"{spec.name}: its backup cannot be read: {error}")
            continue
        wrong += [f"{spec.name}: {d}" for d in differences(expected_items(spec), items)[:3]]
    return wrong


def _left_behind(world: World, bucket: str) -> list[str]:
    s3 = world.client("s3")
    wrong: list[str] = []
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="leases/")
    for key in [entry["Key"] for page in pages for entry in page.get("Contents", [])]:
        lease = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        if lease["state"] != "released":
            wrong.append(f"the lease {key} is {lease['state']}")
    pipelines = world.client("datapipeline").list_pipelines()["pipelineIdList"]
    wrong += [f"pipeline {p['name']} is left" for p in pipelines]
    for page in world.client("emr").get_paginator("list_clusters").paginate():
        for cluster in page["Clusters"]:
            if not cluster["Status"]["State"].startswith("TERMINATED"):
                wrong.append(f"cluster {cluster['Id']} is {cluster['Status']['State']}")
    return wrong
