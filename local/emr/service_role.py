"""What EMR does with the service role it is given: a stand-in.

AWS publishes no list of these calls. The rows are the actions of AWS's own policy for the same
purpose, reduced to what this product's clusters can need: AmazonEMRServicePolicy_v2 (EC2; without
placement groups, capacity reservations and automatic scaling). Where IAM is enforced a cluster does
not come without each one; this shows that the policies agree with that list, not that AWS asks for
no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.iam import roles
from local.programs.release import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.emr.cluster_state import ClusterState

EMR = "elasticmapreduce.amazonaws.com"
EC2 = "ec2.amazonaws.com"
SPOT = "spot.amazonaws.com"
_MANAGED = ("for-use-with-amazon-emr-managed-policies", "true")
CLEANUP_ROLE, SPOT_ROLE = "AWSServiceRoleForEMRCleanup", "AWSServiceRoleForEC2Spot"
"""Roles of the services' own, which the first cluster (with spot) of an account makes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One action on one resource, with the condition keys that come with it."""

    action: str
    resource: str
    context: dict[str, str] = field(default_factory=dict)


LOOK_AT_NETWORK = (
    "DescribeAccountAttributes",
    "DescribeDhcpOptions",
    "DescribeImages",
    "DescribeInstances",
    "DescribeNetworkAcls",
    "DescribeNetworkInterfaces",
    "DescribeRouteTables",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVolumeStatus",
    "DescribeVolumes",
    "DescribeVpcAttribute",
    "DescribeVpcEndpoints",
    "DescribeVpcs",
)
_LOOK_FOR_FLEETS = (
    "DescribeCapacityReservations",
    "DescribeInstanceTypeOfferings",
    "DescribeLaunchTemplates",
)
END_INSTANCES = {
    "DeleteNetworkInterface": "network-interface/eni-1",
    "DeleteTags": "instance/i-1",
    "ModifyInstanceAttribute": "instance/i-1",
    "TerminateInstances": "instance/i-1",
}


def of_service_role(cluster: ClusterState) -> Iterator[Row]:
    """Yield what EMR needs of the service role for a cluster somebody starts directly.

    AmazonEMRServicePolicy_v2, version 6, and for spot a row of its predecessor. A cluster's tags
    are asked for on what is made with them and found on what is made; a network's own tags are
    those EC2 has of it.
    """
    backend = cluster.emr_backend
    place = (cluster.partition, backend.region_name, backend.account_id)
    own = f"arn:{place[0]}:ec2:{place[1]}:{place[2]}:"
    asked = {f"aws:RequestTag/{key}": value for key, value in cluster._tags.items()}
    tagged = {f"aws:ResourceTag/{key}": value for key, value in cluster._tags.items()}
    role = f"arn:{place[0]}:iam::{place[2]}:role/{cluster.nodes_role}"
    yield Row("iam:PassRole", role, {"iam:PassedToService": EC2})
    if cluster.nodes.spot and not roles.role_exists(place[2], place[0], SPOT_ROLE):
        made_by_spot = f"arn:{place[0]}:iam::{place[2]}:role/aws-service-role/{SPOT}/{SPOT_ROLE}"
        yield Row("iam:CreateServiceLinkedRole", made_by_spot, {"iam:AWSServiceName": SPOT})
    fleets = _LOOK_FOR_FLEETS if cluster.nodes.fleets else ()
    for name in (*LOOK_AT_NETWORK, *fleets):
        yield Row(f"ec2:{name}", "*", {"aws:RequestedRegion": place[1]})
    network = list(_network(cluster, own))
    for action in ("RunInstances", *(("CreateFleet",) if cluster.nodes.fleets else ())):
        for made in ("instance/*", "volume/*"):
            yield Row(f"ec2:{action}", own + made, asked)
            yield Row("ec2:CreateTags", own + made, {"ec2:CreateAction": action, **asked})
        yield Row(f"ec2:{action}", own + "network-interface/*")
        yield Row(f"ec2:{action}", f"arn:{place[0]}:ec2:{place[1]}::image/ami-1")
        if cluster.ec2_key_name:
            yield Row(f"ec2:{action}", f"{own}key-pair/{cluster.ec2_key_name}")
        yield from (Row(f"ec2:{action}", arn, tags) for arn, tags in network)
    if cluster.nodes.subnets:
        yield from _interface(network, own, asked)
    if cluster.nodes.fleets:
        yield Row("ec2:CreateFleet", own + "fleet/*")
        yield Row("ec2:CreateLaunchTemplate", own + "launch-template/*", asked)
        for action in ("CreateFleet", "RunInstances", "CreateLaunchTemplateVersion"):
            yield Row(f"ec2:{action}", own + "launch-template/lt-1", tagged)
        yield Row("ec2:DeleteLaunchTemplate", own + "launch-template/lt-1", tagged)
    yield from _groups_of(cluster, own, asked, tagged)
    yield from _endpoint(cluster, network, own)
    for name, resource in END_INSTANCES.items():
        yield Row(f"ec2:{name}", own + resource, tagged)


def _interface(
    network: list[tuple[str, dict[str, str]]], own: str, asked: dict[str, str]
) -> Iterator[Row]:
    """Yield what an interface in a named subnet takes: the policy has it for private ones.

    Whether a subnet is private is not known here, so any that is named takes it.
    """
    made = own + "network-interface/*"
    yield Row("ec2:CreateNetworkInterface", made, asked)
    yield Row("ec2:CreateTags", made, {"ec2:CreateAction": "CreateNetworkInterface", **asked})
    yield from (Row("ec2:CreateNetworkInterface", arn, tags) for arn, tags in network)


def _endpoint(
    cluster: ClusterState, network: list[tuple[str, dict[str, str]]], own: str
) -> Iterator[Row]:
    """Yield what EMR's own endpoint takes, where AWS's policy lets it be made.

    That is in a network that is tagged for EMR, the VPC with it, from emr-7.5.0 on (Management
    Guide, updates to managed policies). That EMR goes without one elsewhere is presumed.
    """
    key, value = _MANAGED
    tag = {f"aws:ResourceTag/{key}": value}
    is_tagged = all(tags.items() >= tag.items() for _, tags in network)
    if not cluster.nodes.subnets or not is_tagged or version_of(cluster.release_label) < (7, 5):
        return
    asked = {f"aws:RequestTag/{key}": value, "aws:RequestTag/Name": "emr-service-vpce"}
    yield Row("ec2:CreateVpcEndpoint", own + "vpc-endpoint/*", asked)
    made = {"ec2:CreateAction": "CreateVpcEndpoint", **asked}
    yield Row("ec2:CreateTags", own + "vpc-endpoint/*", made)
    for arn in (*(arn for arn, _ in network), own + "vpc/vpc-1"):
        yield Row("ec2:CreateVpcEndpoint", arn, tag)
    yield Row("ec2:ModifyVpcEndpoint", own + "vpc-endpoint/vpce-1", tag)


def of_caller(account: str, partition: str) -> Iterator[Row]:
    """Yield what the account's first cluster takes of whoever starts it."""
    kind = f"aws-service-role/{EMR}/{CLEANUP_ROLE}"
    yield Row(
        "iam:CreateServiceLinkedRole",
        f"arn:{partition}:iam::{account}:role/{kind}",
        {"iam:AWSServiceName": EMR},
    )


def _network(cluster: ClusterState, own: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the subnets and security groups the cluster names, each with EC2's tags of it."""
    groups = (
        cluster.master_security_group,
        cluster.slave_security_group,
        cluster.service_access_security_group,
        *(cluster.additional_master_security_groups or []),
        *(cluster.additional_slave_security_groups or []),
    )
    ec2 = cluster.emr_backend.ec2_backend
    # moto makes EMR's own groups where it knows the subnet, and has them among the named ones
    made = {
        group.id
        for of_vpc in ec2.groups.values()
        for group in of_vpc.values()
        if group.name.startswith("ElasticMapReduce-")
    }
    named = [group for group in groups if group and group not in made]
    kinds = {"subnet": cluster.nodes.subnets, "security-group": named}
    for kind, ids in kinds.items():
        for name in dict.fromkeys(ids):
            known = ec2.tags.get(name, {})
            tags = {f"aws:ResourceTag/{key}": str(value) for key, value in known.items()}
            yield f"{own}{kind}/{name}", tags


def _groups_of(
    cluster: ClusterState, own: str, asked: dict[str, str], tagged: dict[str, str]
) -> Iterator[Row]:
    """Yield what the managed security groups take: EMR makes them if none are named."""
    named = [(arn, tags) for arn, tags in _network(cluster, own) if ":security-group/" in arn]
    if not named:
        yield Row("ec2:CreateSecurityGroup", own + "security-group/*", asked)
        yield Row("ec2:CreateSecurityGroup", own + "vpc/vpc-1")
        made = {"ec2:CreateAction": "CreateSecurityGroup", **asked}
        yield Row("ec2:CreateTags", own + "security-group/*", made)
        named = [(own + "security-group/sg-1", tagged)]
    for arn, tags in named:
        for verb in ("Authorize", "Revoke"):
            for way in ("Egress", "Ingress"):
                yield Row(f"ec2:{verb}SecurityGroup{way}", arn, tags)
