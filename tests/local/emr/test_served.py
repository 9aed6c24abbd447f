"""The job services behind HTTP, with IAM enforced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import pytest

from local.core.clock import Clock
from local.world import World
from tests.support.emr_world import Emr, step
from tests.support.jobs_world import ACCOUNT, BUCKET, MIB, START, Pipe, definition, keys, make_table

REGION = "eu-west-1"
OWN_STEPS = ["AddJobFlowSteps", "DescribeCluster", "DescribeStep", "ListSteps"]
TASK_RUNNER = ["PollForTask", "ReportTaskProgress", "SetTaskStatus", "ReportTaskRunnerHeartbeat"]


def allow(*statements: tuple[list[str], str | list[str]]) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": actions, "Resource": resource}
                for actions, resource in statements
            ],
        }
    )


def trust(*services: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": list(services)},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# what the services call with it, action by action: tests/operations, with the module's own policy
PIPELINE_POLICY = allow(
    (["elasticmapreduce:*", "ec2:*", "iam:Get*", "iam:List*", "datapipeline:*"], "*"),
    (["iam:PassRole", "iam:CreateServiceLinkedRole"], f"arn:aws:iam::{ACCOUNT}:role/*"),
    (["s3:GetBucketLocation", "s3:ListBucket", "s3:PutObject"], f"arn:aws:s3:::{BUCKET}*"),
    (["dynamodb:DescribeTable"], "*"),
)


def cluster_policy(*without: str) -> str:
    actions = {
        "dynamodb:DescribeTable": "arn:aws:dynamodb:*:*:table/*",
        "dynamodb:Scan": "arn:aws:dynamodb:*:*:table/*",
        "s3:AbortMultipartUpload": f"arn:aws:s3:::{BUCKET}/*",
        "s3:GetBucketLocation": f"arn:aws:s3:::{BUCKET}",
        "s3:ListBucket": f"arn:aws:s3:::{BUCKET}",
        "s3:ListBucketMultipartUploads": f"arn:aws:s3:::{BUCKET}",
        "s3:PutObject": f"arn:aws:s3:::{BUCKET}/*",
        "s3:DeleteObject": f"arn:aws:s3:::{BUCKET}/*",
        "s3:GetObject": ["arn:aws:s3:::dynamodb-dpl-*/*", f"arn:aws:s3:::{BUCKET}/*"],
        **{f"elasticmapreduce:{action}": "*" for action in OWN_STEPS},
        **{f"datapipeline:{action}": "*" for action in TASK_RUNNER},
    }
    return allow(*(([name], arn) for name, arn in actions.items() if name not in without))


def make_roles(world: World, without: str = "") -> None:
    iam = world.client("iam")
    for name, services, policy in (
        (
            "pipeline-role",
            ("datapipeline.amazonaws.com", "elasticmapreduce.amazonaws.com"),
            PIPELINE_POLICY,
        ),
        ("cluster-role", ("ec2.amazonaws.com",), cluster_policy(without)),
    ):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(*services))
        iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=policy)
    iam.create_instance_profile(InstanceProfileName="cluster-role")
    iam.add_role_to_instance_profile(InstanceProfileName="cluster-role", RoleName="cluster-role")


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    """One server for the module: each test has tables and pipelines of its own."""
    world = World(Clock(START), ACCOUNT, REGION)
    with world.served():
        world.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        make_roles(world)
        yield world


def in_region(table: str) -> list[dict[str, Any]]:
    text = json.dumps(definition([table])).replace("us-east-1", REGION)
    found: list[dict[str, Any]] = json.loads(text)
    return found


def run(world: World, table: str) -> Pipe:
    make_table(world, table, size=MIB)
    pipe = Pipe(world, in_region(table), unique=table).activate()
    for _ in range(60):
        if pipe.state() == "FINISHED":
            break
        world.clock.advance(60)
    return pipe


def test_a_pipeline_with_just_the_rights_it_needs(served: World) -> None:
    pipe = run(served, "orders")
    assert set(pipe.statuses().values()) == {"FINISHED"}
    assert pipe.instances()["Cluster"]["@resourceRegion"] == REGION
    assert pipe.cluster()["Status"]["State"] == "TERMINATED"
    assert {"out/orders/_SUCCESS", "out/orders/manifest"} <= set(keys(served, "out/orders/"))
    assert any(key.endswith("/stderr.gz") for key in keys(served, "logs/"))
    with pytest.raises(botocore.exceptions.ClientError):
        served.client("emr", "us-east-1").describe_cluster(ClusterId=pipe.cluster()["Id"])


@pytest.mark.parametrize(
    "action", ["dynamodb:Scan", "dynamodb:DescribeTable", "s3:PutObject", "s3:GetObject"]
)
def test_a_cluster_role_without_a_right_fails_the_export(served: World, action: str) -> None:
    iam = served.client("iam")
    iam.put_role_policy(
        RoleName="cluster-role", PolicyName="it", PolicyDocument=cluster_policy(action)
    )
    pipe = run(served, "no-" + action.replace(":", "-").lower())
    iam.put_role_policy(RoleName="cluster-role", PolicyName="it", PolicyDocument=cluster_policy())
    assert pipe.statuses()["Export000"] == "FAILED"
    message = pipe.attempt("Export000")["errorMessage"]
    assert "AccessDenied" in message
    assert action in message


def test_a_pipeline_role_that_emr_may_not_take(served: World) -> None:
    iam = served.client("iam")
    document = trust("datapipeline.amazonaws.com")
    iam.update_assume_role_policy(RoleName="pipeline-role", PolicyDocument=document)
    pipe = run(served, "untrusted")
    iam.update_assume_role_policy(
        RoleName="pipeline-role",
        PolicyDocument=trust("datapipeline.amazonaws.com", "elasticmapreduce.amazonaws.com"),
    )
    assert pipe.statuses()["Export000"] == "CANCELED"
    reason = pipe.instances()["Cluster"]["@failureReason"]
    assert "cannot be assumed by elasticmapreduce.amazonaws.com" in reason


def test_a_cluster_without_data_pipeline(served: World) -> None:
    make_table(served, "direct", size=MIB)
    emr = Emr(
        served,
        step("direct"),
        Tags=[{"Key": "run", "Value": "r1"}],
        ServiceRole="pipeline-role",
        JobFlowRole="cluster-role",
        ReleaseLabel="emr-5.27.1",
    )
    for _ in range(20):
        served.clock.advance(60)
    assert emr.steps() == {"direct": "COMPLETED"}
    assert emr.state == "TERMINATED"
    assert emr.cluster()["Tags"] == [{"Key": "run", "Value": "r1"}]
    assert "direct/_SUCCESS" in keys(served, "direct/")
