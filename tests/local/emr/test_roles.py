"""EMR with IAM enforced: the caller's rights, the roles passed, what EMR does as each of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.ec2.models import ec2_backends
from moto.emr.models import emr_backends

from local.emr import service_role
from local.world import World
from tests.support.aws_world import ACCOUNT, REGION, allow, in_process, make_role, policy, refused
from tests.support.emr_world import bootstrap, fleet, group, request, step
from tests.support.jobs_world import BUCKET, keys, make_table

ROLES = f"arn:aws:iam::{ACCOUNT}:role"
CLUSTERS = f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/*"
TAGS = [{"Key": "hippolyte:deployment", "Value": "night"}]
SUBNET = "subnet-0123456789abcdef0"
OWN = f"s3://{BUCKET}/jars/tools.jar"
SERVICE = [
    allow("ec2:*"),
    allow("iam:PassRole", f"{ROLES}/nodes", {"StringLike": {"iam:PassedToService": "ec2.*"}}),
]
NODES = [
    allow(["dynamodb:DescribeTable", "dynamodb:Scan"]),
    allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], f"arn:aws:s3:::{BUCKET}/*"),
    allow(["s3:ListBucket", "s3:GetBucketLocation"], f"arn:aws:s3:::{BUCKET}"),
    allow("s3:ListBucketMultipartUploads", f"arn:aws:s3:::{BUCKET}"),
    allow("s3:AbortMultipartUpload", f"arn:aws:s3:::{BUCKET}/*"),
]


def caller_policy(*without: str) -> list[dict[str, Any]]:
    """Return the statements of a caller, one an action."""
    ours = {"StringEquals": {"aws:ResourceTag/hippolyte:deployment": "night"}}
    asked = {"StringEquals": {"aws:RequestTag/hippolyte:deployment": "night"}}
    rows: dict[str, dict[str, Any]] = {
        "RunJobFlow": allow("elasticmapreduce:RunJobFlow", CLUSTERS, asked),
        "AddTags": allow("elasticmapreduce:AddTags", CLUSTERS, asked),
        "ListClusters": allow("elasticmapreduce:ListClusters"),
        "CreateServiceLinkedRole": allow(
            "iam:CreateServiceLinkedRole",
            f"{ROLES}/aws-service-role/elasticmapreduce.amazonaws.com/AWSServiceRoleForEMRCleanup",
            {"StringEquals": {"iam:AWSServiceName": "elasticmapreduce.amazonaws.com"}},
        ),
        "PassNodes": allow(
            "iam:PassRole",
            f"{ROLES}/nodes",
            {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
        "PassService": allow(
            "iam:PassRole",
            f"{ROLES}/service",
            {"StringEquals": {"iam:PassedToService": "elasticmapreduce.amazonaws.com"}},
        ),
    }
    for name in (
        "PutAutoTerminationPolicy",
        "AddJobFlowSteps",
        "CancelSteps",
        "DescribeCluster",
        "ListSteps",
        "TerminateJobFlows",
    ):
        rows[name] = allow(f"elasticmapreduce:{name}", CLUSTERS, ours)
    return [statement for name, statement in rows.items() if name not in without]


@pytest.fixture(scope="module")
def enforced() -> Iterator[World]:
    """One world for the module: roles are put right before each test."""
    with in_process(enforced=True) as world:
        world.emr_rates = False
        s3 = world.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="jars/tools.jar", Body=b"PK")
        s3.put_object(Bucket=BUCKET, Key="scripts/at.sh", Body=b"shutdown -h")
        make_table(world, "orders", size=0)
        make_role(world, "service", *SERVICE, service="elasticmapreduce")
        make_role(world, "nodes", *NODES, service="ec2")
        make_role(world, "caller", *caller_policy())
        iam = world.client("iam")
        iam.create_instance_profile(InstanceProfileName="nodes")
        iam.add_role_to_instance_profile(InstanceProfileName="nodes", RoleName="nodes")
        yield world


@pytest.fixture
def world(enforced: World) -> World:
    enforced.gate.denied.clear()
    put(enforced, "caller", caller_policy())
    put(enforced, "service", SERVICE)
    put(enforced, "nodes", NODES)
    trusted(enforced, "service", "elasticmapreduce")
    trusted(enforced, "nodes", "ec2")
    return enforced


def put(world: World, role: str, statements: list[dict[str, Any]]) -> None:
    world.client("iam").put_role_policy(
        RoleName=role, PolicyName="p", PolicyDocument=policy(*statements)
    )


def trusted(world: World, role: str, service: str) -> None:
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": f"{service}.amazonaws.com"},
    }
    world.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=policy(trust))


def caller(world: World) -> Any:
    return world.client("emr", role_arn=f"{ROLES}/caller")


def asked(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    full = {"Tags": TAGS, "ServiceRole": "service", "JobFlowRole": "nodes", **more}
    return request(*steps, keep=True, **full)


def ended(world: World, client: Any, wanted: dict[str, Any], minutes: int = 20) -> dict[str, Any]:
    """Start a cluster, let time pass, and return its status."""
    cluster = client.run_job_flow(**wanted)["JobFlowId"]
    world.clock.advance(minutes * 60)
    status: dict[str, Any] = client.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
    return status


def test_a_caller_with_just_its_rights_runs_a_whole_night(world: World) -> None:
    client = caller(world)
    night = client.run_job_flow(
        **asked(
            step("orders", jar=OWN),
            AutoTerminationPolicy={"IdleTimeout": 3600},
            BootstrapActions=bootstrap(f"s3://{BUCKET}/scripts/at.sh", "9999999999"),
        )
    )["JobFlowId"]
    world.clock.advance(900)
    assert client.list_steps(ClusterId=night)["Steps"][0]["Status"]["State"] == "COMPLETED"
    (more,) = client.add_job_flow_steps(JobFlowId=night, Steps=[step("users", jar=OWN)])["StepIds"]
    client.cancel_steps(ClusterId=night, StepIds=[more])
    client.list_clusters()
    client.terminate_job_flows(JobFlowIds=[night])
    world.clock.advance(300)
    found = client.describe_cluster(ClusterId=night)["Cluster"]
    assert found["Status"]["State"] == "TERMINATED"
    assert "orders/_SUCCESS" in keys(world, "orders/")
    assert keys(world, f"logs/{night}/steps/")


@pytest.mark.parametrize(
    ("right", "action"),
    [
        ("RunJobFlow", "elasticmapreduce:RunJobFlow"),
        ("AddTags", "elasticmapreduce:AddTags"),
        ("PutAutoTerminationPolicy", "elasticmapreduce:PutAutoTerminationPolicy"),
        ("PassNodes", "iam:PassRole"),
        ("PassService", "iam:PassRole"),
    ],
)
def test_run_job_flow_needs_each_right(world: World, right: str, action: str) -> None:
    put(world, "caller", caller_policy(right))
    with refused("AccessDeniedException", f"perform: {action} on"):
        caller(world).run_job_flow(**asked(AutoTerminationPolicy={"IdleTimeout": 3600}))


def test_a_role_may_be_passed_to_its_service_only(world: World) -> None:
    with refused("AccessDeniedException", f"iam:PassRole on resource: {ROLES}/nodes"):
        caller(world).run_job_flow(**asked(ServiceRole="nodes"))


def test_run_job_flow_without_the_tags_asked_for(world: World) -> None:
    with refused("AccessDeniedException", "elasticmapreduce:RunJobFlow"):
        caller(world).run_job_flow(**asked(Tags=[{"Key": "a", "Value": "b"}]))


@pytest.mark.parametrize(
    ("right", "call"),
    [
        ("AddJobFlowSteps", lambda c, i: c.add_job_flow_steps(JobFlowId=i, Steps=[step("x")])),
        ("CancelSteps", lambda c, i: c.cancel_steps(ClusterId=i, StepIds=["s-1"])),
        ("DescribeCluster", lambda c, i: c.describe_cluster(ClusterId=i)),
        ("ListSteps", lambda c, i: c.list_steps(ClusterId=i)),
        ("TerminateJobFlows", lambda c, i: c.terminate_job_flows(JobFlowIds=[i])),
        ("ListClusters", lambda c, _: c.list_clusters()),
    ],
)
def test_each_call_needs_its_right(
    world: World, right: str, call: Callable[[Any, str], Any]
) -> None:
    cluster = caller(world).run_job_flow(**asked())["JobFlowId"]
    put(world, "caller", caller_policy(right))
    with refused("AccessDeniedException", f"elasticmapreduce:{right}"):
        call(caller(world), cluster)


def test_a_cluster_of_other_tags_is_not_the_callers(world: World) -> None:
    other = world.client("emr").run_job_flow(**asked(Tags=[]))["JobFlowId"]
    with refused("AccessDeniedException", "elasticmapreduce:TerminateJobFlows"):
        caller(world).terminate_job_flows(JobFlowIds=[other])


def test_a_profile_that_is_not_there(world: World) -> None:
    with refused("ValidationException", "Invalid InstanceProfile: nobody"):
        world.client("emr").run_job_flow(**asked(JobFlowRole="nobody"))


def test_a_profile_whose_role_ec2_may_not_take(world: World) -> None:
    trusted(world, "nodes", "lambda")
    with refused("AccessDeniedException", "Failed to authorize instance profile nodes"):
        caller(world).run_job_flow(**asked())


@pytest.mark.parametrize("how", ["missing", "not trusted"])
def test_a_service_role_emr_cannot_take(world: World, how: str) -> None:
    trusted(world, "service", "lambda")
    role = "nobody" if how == "missing" else "service"
    status = ended(world, world.client("emr"), asked(ServiceRole=role))
    assert status["State"] == "TERMINATED_WITH_ERRORS"
    assert status["StateChangeReason"] == {
        "Code": "VALIDATION_ERROR",
        "Message": f"EMR service role {ROLES}/{role} is invalid",
    }


@pytest.mark.parametrize("kind", ["groups", "fleets"])
def test_the_service_role_needs_each_of_its_rights(world: World, kind: str) -> None:
    instances = {"InstanceGroups": [group("MASTER")], "Ec2KeyName": "key", "Ec2SubnetId": SUBNET}
    if kind == "fleets":
        instances = {"InstanceFleets": [fleet("MASTER", "m5.xlarge", on_demand=1)]}
    client = world.client("emr")
    first = client.run_job_flow(**asked(instances=instances))["JobFlowId"]
    world.clock.advance(400)
    live: Any = emr_backends[ACCOUNT][REGION].clusters[first]
    assert live.state == "WAITING"
    actions = {row.action for row in service_role.of_service_role(live)}
    assert {"ec2:RunInstances", "ec2:TerminateInstances", "iam:PassRole"} <= actions
    assert ("ec2:CreateFleet" in actions) is (kind == "fleets")
    assert ("ec2:CreateNetworkInterface" in actions) is (kind == "groups")
    for action in sorted(actions):
        world.deny(action, "*" if action.startswith("ec2") else f"{ROLES}/nodes")
        refusal = live.unauthorized(live)
        assert refusal is not None
        assert action in refusal
        world.gate.denied.clear()


@pytest.mark.parametrize(
    ("release", "tagged", "makes"),
    [
        ("emr-7.5.0", True, True),
        ("emr-7.13.0", True, True),
        ("emr-7.4.0", True, False),
        ("emr-7.13.0", False, False),
    ],
)
def test_emr_s_endpoint_is_for_networks_tagged_for_it_and_needs_its_rights(
    world: World, release: str, tagged: bool, makes: bool
) -> None:
    key = "for-use-with-amazon-emr-managed-policies"
    tags = ec2_backends[ACCOUNT][REGION].tags
    tags[SUBNET] = {key: "true"} if tagged else {}
    client = world.client("emr")
    instances = {"InstanceGroups": [group("MASTER")], "Ec2SubnetId": SUBNET}
    wanted = asked(instances=instances, ReleaseLabel=release)
    assert ended(world, client, wanted)["State"] == "WAITING"
    denied = {"Effect": "Deny", "Action": "ec2:CreateVpcEndpoint", "Resource": "*"}
    named = {"StringNotEquals": {"aws:RequestTag/Name": "emr-service-vpce"}}
    # with the name and the tag alone
    on_creation = {**denied, "Resource": "arn:aws:ec2:*:*:vpc-endpoint/*", "Condition": named}
    put(world, "service", [*SERVICE, on_creation])
    assert ended(world, client, wanted)["State"] == "WAITING"
    put(world, "service", [*SERVICE, denied])
    assert (ended(world, client, wanted)["State"] == "WAITING") is not makes
    del tags[SUBNET]


def test_the_first_cluster_of_an_account_needs_its_caller_to_make_emr_s_role(
    world: World,
) -> None:
    put(world, "caller", caller_policy("CreateServiceLinkedRole"))
    status = ended(world, caller(world), asked())
    assert status["StateChangeReason"]["Code"] == "VALIDATION_ERROR"
    assert "'AWSServiceRoleForEMRCleanup' for EMR is required" in str(status)
    make_role(world, "AWSServiceRoleForEMRCleanup", service="elasticmapreduce")
    assert ended(world, caller(world), asked())["State"] == "WAITING"
    world.client("iam").delete_role(RoleName="AWSServiceRoleForEMRCleanup")


def test_spot_needs_the_service_role_to_make_spot_s_role(world: World) -> None:
    spot = {"InstanceGroups": [group("MASTER"), group("CORE", Market="SPOT")]}
    status = ended(world, caller(world), asked(instances=spot))
    assert "iam:CreateServiceLinkedRole" in status["StateChangeReason"]["Message"]
    linked = f"{ROLES}/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
    put(world, "service", [*SERVICE, allow("iam:CreateServiceLinkedRole", linked)])
    assert ended(world, caller(world), asked(instances=spot))["State"] == "WAITING"


def test_a_service_role_that_may_not_pass_the_nodes_role(world: World) -> None:
    """AmazonEMRServicePolicy_v2 passes EMR_EC2_DefaultRole only."""
    put(world, "service", SERVICE[:1])
    status = ended(world, caller(world), asked())
    assert status["StateChangeReason"]["Code"] == "VALIDATION_ERROR"
    assert "has insufficient EC2 permissions" in status["StateChangeReason"]["Message"]
    assert f"iam:PassRole on resource: {ROLES}/nodes" in status["StateChangeReason"]["Message"]


def test_a_service_role_bound_to_the_cluster_s_tags(world: World) -> None:
    bound = json.loads(json.dumps(SERVICE))
    made = {"StringEquals": {"aws:RequestTag/hippolyte:deployment": "night"}}
    bound.append({"Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*"})
    bound[-1]["Resource"] = "arn:aws:ec2:*:*:instance/*"
    bound[-1]["Condition"] = {"StringNotEquals": made["StringEquals"]}
    put(world, "service", bound)
    assert ended(world, world.client("emr"), asked())["State"] == "WAITING"
    status = ended(world, world.client("emr"), asked(Tags=[]))
    assert "ec2:RunInstances" in status["StateChangeReason"]["Message"]


def test_nodes_that_may_not_read_the_bootstrap_script(world: World) -> None:
    put(world, "nodes", [NODES[0]])
    wanted = asked(BootstrapActions=bootstrap(f"s3://{BUCKET}/scripts/at.sh", "9999999999"))
    assert ended(world, caller(world), wanted)["StateChangeReason"]["Code"] == "BOOTSTRAP_FAILURE"
