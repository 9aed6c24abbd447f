"""What Data Pipeline and Task Runner do with the roles they are given: a stand-in.

AWS publishes no list of these calls. The rows are the actions of AWS's own policy for the same
purpose, reduced to what this product's clusters can need: AWSDataPipelineRole (roles, tables,
pipelines, log bucket, EMR), AmazonEMRServicePolicy_v2 (EC2; without fleets, launch templates,
placement groups, capacity reservations and automatic scaling), the Data Pipeline API's four calls
of a task runner. Where IAM is enforced a cluster does not come, or does no task, without each
one; this shows that the policies agree with those lists, not that AWS asks for no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.emr.service_role import EC2, EMR, END_INSTANCES, LOOK_AT_NETWORK, Row
from local.iam.permissions_s3 import bucket_key, find_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.datapipeline.objects import Instance
    from local.datapipeline.state import PipelineState

_MAKE_INSTANCES = {
    "AuthorizeSecurityGroupEgress": "security-group/sg-1",
    "AuthorizeSecurityGroupIngress": "security-group/sg-1",
    "CreateNetworkInterface": "network-interface/*",
    "CreateSecurityGroup": "security-group/*",
    "CreateTags": "instance/i-1",
    "RevokeSecurityGroupEgress": "security-group/sg-1",
    "RevokeSecurityGroupIngress": "security-group/sg-1",
    "RunInstances": "instance/*",
}
_RUN_CLUSTERS = (
    "AddJobFlowSteps",
    "DescribeCluster",
    "DescribeStep",
    "ListInstanceGroups",
    "ListInstances",
    "ListSteps",
    "SetTerminationProtection",
    "TerminateJobFlows",
)
_LOOK_AT_ROLES = ("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies")
_OWN_STEPS = ("AddJobFlowSteps", "DescribeCluster", "DescribeStep", "ListSteps")
_TASK_RUNNER = (
    "PollForTask",
    "ReportTaskProgress",
    "ReportTaskRunnerHeartbeat",
    "SetTaskStatus",
)


def of_pipeline_role(
    pipeline: PipelineState, role: str, profile: str, region: str, log_uri: str | None
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


def _of_tables(pipeline: PipelineState, region: str) -> Iterator[Row]:
    tables = f"arn:{pipeline.partition}:dynamodb:{region}:{pipeline.account}:table"
    for item in pipeline.objects:
        for entry in item["fields"]:
            if entry["key"] == "tableName":
                yield Row("dynamodb:DescribeTable", f"{tables}/{entry['stringValue']}")


def of_task_runner(pipeline: PipelineState, resource: Instance) -> Iterator[Row]:
    """Yield what Task Runner needs of the instances' role."""
    cluster = (
        f"{_clusters(pipeline, resource.resource_region or pipeline.region)}/{resource.resource_id}"
    )
    for name in _TASK_RUNNER:
        yield Row(f"datapipeline:{name}", "*", {"aws:RequestedRegion": pipeline.region})
    for name in _OWN_STEPS:
        yield Row(f"elasticmapreduce:{name}", cluster)


def _pipelines(pipeline: PipelineState) -> str:
    where = f"{pipeline.partition}:datapipeline:{pipeline.region}:{pipeline.account}"
    return f"arn:{where}:pipeline/{pipeline.pipeline_id}"


def _of_logs(pipeline: PipelineState, log_uri: str | None) -> Iterator[Row]:
    name, _, folder = (log_uri or "").removeprefix("s3://").partition("/")
    bucket = find_bucket(name)
    if bucket is None:
        return
    arn = f"arn:{pipeline.partition}:s3:::{name}"
    yield Row("s3:GetBucketLocation", arn)
    yield Row("s3:ListBucket", arn, {"s3:prefix": folder})
    yield Row("s3:PutObject", f"{arn}/{folder.rstrip('/')}/{pipeline.pipeline_id}/Cluster")
    key = bucket_key(bucket)
    if key is not None and key.startswith("arn:"):
        via = {"kms:ViaService": f"s3.{bucket.region_name}.amazonaws.com"}
        yield Row("kms:GenerateDataKey", key, via)


def _of_ec2(pipeline: PipelineState, region: str) -> Iterator[Row]:
    own = f"arn:{pipeline.partition}:ec2:{region}:{pipeline.account}:"
    # a cluster's tags are those of its instances
    tags = {f"aws:ResourceTag/{tag['key']}": tag["value"] for tag in pipeline.tags}
    for name in LOOK_AT_NETWORK:
        yield Row(f"ec2:{name}", "*", {"aws:RequestedRegion": region})
    for name, resource in _MAKE_INSTANCES.items():
        yield Row(f"ec2:{name}", own + resource)
    for name, resource in END_INSTANCES.items():
        yield Row(f"ec2:{name}", own + resource, tags)


def _clusters(pipeline: PipelineState, region: str) -> str:
    return f"arn:{pipeline.partition}:elasticmapreduce:{region}:{pipeline.account}:cluster"
