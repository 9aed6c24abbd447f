"""The calls that Data Pipeline makes with the role of a pipeline, and as the task runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.datapipeline.objects import Instance
    from local.datapipeline.pipeline import Pipeline
from local.emr.service_role import (
    _LOOK_AT_ROLES,
    _OWN_STEPS,
    _RUN_CLUSTERS,
    EC2,
    EMR,
    Row,
    _clusters,
    _of_ec2,
    _of_logs,
)

_TASK_RUNNER = (
    "PollForTask",
    "ReportTaskProgress",
    "ReportTaskRunnerHeartbeat",
    "SetTaskStatus",
)


def of_pipeline_role(
    pipeline: Pipeline, role: str, profile: str, region: str, log_uri: str | None
) -> Iterator[Row]:
    """Yield what Data Pipeline and EMR need of the pipeline's role for a cluster's whole life."""
    partition, account = pipeline.partition, pipeline.account
    here = {"aws:RequestedRegion": region}
    roles, clusters = f"arn:{partition}:iam::{account}:role", _clusters(pipeline, region)
    yield Row("elasticmapreduce:RunJobFlow", "*", here)
    yield Row("iam:PassRole", f"{roles}/{role}", {"iam:PassedToService": EMR})
    yield Row("iam:PassRole", f"{roles}/{profile}", {"iam:PassedToService": EC2})
    if pipeline.tags:
        yield Row("elasticmapreduce:AddTags", f"{clusters}/j-NEW")
    if not pipeline.world.iam_enforced:
        return
    yield Row("elasticmapreduce:DescribeJobFlows", "*", here)
    for name in _RUN_CLUSTERS:
        yield Row(f"elasticmapreduce:{name}", f"{clusters}/j-NEW")
    for name in _LOOK_AT_ROLES:
        yield Row(f"iam:{name}", f"{roles}/{profile}")
    yield Row("iam:ListInstanceProfiles", f"arn:{partition}:iam::{account}:instance-profile/")
    yield Row(
        "iam:GetInstanceProfile", f"arn:{partition}:iam::{account}:instance-profile/{profile}"
    )
    yield Row(
        "iam:CreateServiceLinkedRole",
        f"{roles}/aws-service-role/{EMR}/AWSServiceRoleForEMRCleanup",
        {"iam:AWSServiceName": EMR},
    )
    for name in ("DescribeObjects", "EvaluateExpression"):
        yield Row(f"datapipeline:{name}", _pipelines(pipeline))
    yield from _of_tables(pipeline, region)
    yield from _of_logs(pipeline, log_uri)
    yield from _of_ec2(pipeline, region)


def _of_tables(pipeline: Pipeline, region: str) -> Iterator[Row]:
    tables = f"arn:{pipeline.partition}:dynamodb:{region}:{pipeline.account}:table"
    for item in pipeline.objects:
        for entry in item["fields"]:
            if entry["key"] == "tableName":
                yield Row("dynamodb:DescribeTable", f"{tables}/{entry['stringValue']}")


def of_task_runner(pipeline: Pipeline, resource: Instance) -> Iterator[Row]:
    """Yield what Task Runner needs of the instances' role."""
    cluster = (
        f"{_clusters(pipeline, resource.resource_region or pipeline.region)}/{resource.resource_id}"
    )
    for name in _TASK_RUNNER:
        yield Row(f"datapipeline:{name}", "*", {"aws:RequestedRegion": pipeline.region})
    for name in _OWN_STEPS:
        yield Row(f"elasticmapreduce:{name}", cluster)


def _pipelines(pipeline: Pipeline) -> str:
    where = f"{pipeline.partition}:datapipeline:{pipeline.region}:{pipeline.account}"
    return f"arn:{where}:pipeline/{pipeline.pipeline_id}"
