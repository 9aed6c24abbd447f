"""The looks at what the settings name: a call or two that read, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from hippolyte.night.one_pass import Pass
from hippolyte.report.notify import own_topic
from hippolyte.settings import Settings

SHORT = "short of addresses"
"""What is wrong with a subnet that has too few free ones, now."""

_GONE = ("404", "NoSuchBucket", "NoSuchEntity", "NotFound", "NotFoundException")
_DENIED = ("AccessDenied", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a value of an input of the module; `remedy` is a sentence or two."""

    place: str
    value: str
    wrong: str
    remedy: str

    @property
    def key(self) -> str:
        """What makes it the same finding in the next pass: numbers in a remedy may differ."""
        return f"{self.place} ({self.value}): {self.wrong}"


def is_denied(error: ClientError) -> bool:
    """Say whether the caller may not do it."""
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"].get("HTTPStatusCode")
    return status == 403 or any(word in code for word in _DENIED)


def _answer(call: Callable[..., Any], gone: tuple[str, ...] = _GONE, **named: str) -> Any:
    """Return what a call answers, None if there is no such thing."""
    try:
        return call(**named)
    except ClientError as error:
        if error.response["Error"]["Code"] in gone:
            return None
        raise


# storage and topics


def bucket(p: Pass) -> Iterator[Finding]:
    """Compare the bucket's region; that it can be written to is tried by writing."""
    s = p.settings
    answer = p.clients.s3.head_bucket(Bucket=s.bucket)
    real = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    told = s.bucket_region or s.region
    if real and real != told:
        remedy = f'The bucket is in {real}. Set backup_bucket.region = "{real}".'
        yield Finding("backup_bucket.region", told, f"not the region of {s.bucket}", remedy)


def jar(p: Pass) -> Iterator[Finding]:
    """Look for the export tool."""
    emr = p.settings.emr
    assert emr is not None, "without the engine nothing is looked at"
    bucket, _, key = emr.jar.removeprefix("s3://").partition("/")
    if not _object_exists(p, bucket, key):
        remedy = (
            "Fetch the export tool and upload it there as docs/emr.md says, or correct the key."
        )
        yield Finding("emr.jar", emr.jar, "there is no such object", remedy)


def _object_exists(p: Pass, bucket: str, key: str) -> bool:
    """Say whether an object is there; without the right to list, S3 says 403 of a missing one."""
    s3 = p.clients.s3
    try:
        return _answer(s3.head_object, Bucket=bucket, Key=key) is not None
    except ClientError as error:
        if not is_denied(error):
            raise
    # it is the cluster that reads it, not this function
    listed = _answer(s3.list_objects_v2, Bucket=bucket, Prefix=key) or {}
    return any(each["Key"] == key for each in listed.get("Contents", []))


def topic(place: str, arn: str) -> Callable[[Pass], Iterator[Finding]]:
    """Return the look for a topic."""

    def look(p: Pass) -> Iterator[Finding]:
        client = (p.clients.own_sns if arn == own_topic(p.settings) else None) or p.clients.sns
        if _answer(client.get_topic_attributes, TopicArn=arn) is None:
            remedy = "Nobody is told through it. Correct the ARN, or create the topic; apply again."
            yield Finding(place, arn, "there is no such topic", remedy)

    return look


# roles

_OWN = "It is the module's own, and was changed since: apply the module again."


def profile(p: Pass) -> Iterator[Finding]:
    """Look for the clusters' instance profile, and the role in it."""
    name, iam = p.settings.cluster_role, p.clients.seldom("iam")
    found = _answer(iam.get_instance_profile, InstanceProfileName=name)
    if found is None:
        yield Finding("instance profile", name, "there is no such instance profile", _OWN)
    elif name not in [role["RoleName"] for role in found["InstanceProfile"]["Roles"]]:
        yield Finding("instance profile", name, "it holds no role of its name", _OWN)


def role(name: str) -> Callable[[Pass], Iterator[Finding]]:
    """Return the look for a role, and for the policy that bounds it."""

    def look(p: Pass) -> Iterator[Finding]:
        iam = p.clients.seldom("iam")
        found = _answer(iam.get_role, RoleName=name)
        if found is None:
            yield Finding("role", name, "there is no such role", _OWN)
            return
        boundary = found["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        if boundary and _answer(iam.get_policy, PolicyArn=boundary) is None:
            remedy = f"It bounds the role {name}. Create the policy, or correct the ARN."
            yield Finding("permissions_boundary", boundary, "there is no such policy", remedy)

    return look


def security_configuration(p: Pass) -> Iterator[Finding]:
    """Look for EMR's security configuration."""
    name = (p.settings.emr and p.settings.emr.security_configuration) or ""
    # the one error of a caller's that the API reference has for this call
    gone = ("InvalidRequestException",)
    if _answer(p.clients.emr.describe_security_configuration, gone, Name=name) is None:
        remedy = f"Create it in {p.settings.region}, correct the name, or set null."
        yield Finding("emr.security_configuration", name, "there is no such configuration", remedy)


# network and machines


def subnets_place(settings: Settings) -> str:
    """Return the input that names subnets."""
    return "emr.subnet_ids" if settings.engine == "emr" else "cluster.subnet_id"


def subnet_ids(settings: Settings) -> tuple[str, ...]:
    """Return the subnets that are named."""
    if settings.engine == "emr" and settings.emr:
        return settings.emr.subnet_ids
    return (settings.cluster.subnet_id,) if settings.cluster.subnet_id else ()


def _subnets(p: Pass, named: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return those of the named subnets that there are; none is named: the default ones."""
    # filters, not ids: an unknown one is no error, and does not hide the others
    wanted = {"Name": "subnet-id", "Values": list(named)}
    default = {"Name": "default-for-az", "Values": ["true"]}
    answer = p.clients.seldom("ec2").describe_subnets(Filters=[wanted if named else default])
    return {each["SubnetId"]: each for each in answer["Subnets"]}


def network(p: Pass) -> Iterator[Finding]:
    """Look for the subnets: there, of one VPC, with room for a cluster."""
    s, place, named = p.settings, subnets_place(p.settings), subnet_ids(p.settings)
    subnets = _subnets(p, named)
    if not named and not subnets:
        wrong = f"{s.region} has no default subnet"
        remedy = f"Set {place} to a subnet of yours, or create a default VPC."
        yield Finding(place, "none", wrong, remedy)
    for one in named:
        if one not in subnets:
            remedy = f"Name a subnet of this account, or shared with it, in {s.region}."
            yield Finding(place, one, f"there is no such subnet in {s.region}", remedy)
    if len({each["VpcId"] for each in subnets.values()}) > 1 and named:
        yield Finding(place, ", ".join(named), "of several VPCs", "Name subnets of one VPC.")
    nodes = 1 + s.cluster.core_instance_count
    for one in named:
        if one in subnets:
            yield from _room(place, subnets[one], nodes)


def _room(place: str, subnet: dict[str, Any], nodes: int) -> Iterator[Finding]:
    one, free = subnet["SubnetId"], subnet["AvailableIpAddressCount"]
    if subnet["State"] != "available":
        remedy = "Wait until it is available, or name another."
        yield Finding(place, one, f"the subnet is {subnet['State']}", remedy)
    if free < nodes:
        remedy = f"{free} are free, a cluster takes {nodes}: name a larger subnet, or one more."
        yield Finding(place, one, SHORT, remedy)


def _types(settings: Settings) -> dict[str, str]:
    """Return instance type -> the input that names it."""
    cluster = settings.cluster
    types = {cluster.master_instance_type: "cluster.master_instance_type"}
    if settings.engine == "emr" and settings.emr and settings.emr.instance_types:
        return dict.fromkeys(settings.emr.instance_types, "emr.instance_types") | types
    return {cluster.core_instance_type: "cluster.core_instance_type"} | types


def _offered(p: Pass, kind: str, where: Iterable[str]) -> set[tuple[str, str]]:
    """Return the pairs of location and type that EC2 offers of those wanted."""
    wanted = {"instance-type": list(_types(p.settings)), "location": sorted(where)}
    pages = p.clients.seldom("ec2").get_paginator("describe_instance_type_offerings")
    filters = [{"Name": name, "Values": values} for name, values in wanted.items()]
    return {
        (each["Location"], each["InstanceType"])
        for page in pages.paginate(LocationType=kind, Filters=filters)
        for each in page["InstanceTypeOfferings"]
    }


def machines(p: Pass) -> Iterator[Finding]:
    """Look whether the region and the subnets' zones have the instance types."""
    region, types = p.settings.region, _types(p.settings)
    remedy = "Take another type, one that the release knows."
    offered = _offered(p, "region", [region])
    there = {one: place for one, place in types.items() if (region, one) in offered}
    for one, place in types.items():
        if one not in there:
            yield Finding(place, one, f"not offered in {region}", remedy)
    named = subnet_ids(p.settings)
    subnets = _subnets(p, named) if named else {}
    zones = {name: subnet["AvailabilityZone"] for name, subnet in subnets.items()}
    offered = _offered(p, "availability-zone", set(zones.values())) if zones else set()
    remedy = f"Take another type, or a subnet of another zone ({subnets_place(p.settings)})."
    master = p.settings.cluster.master_instance_type
    fleet = set((p.settings.emr and p.settings.emr.instance_types) or ())
    found = {
        subnet: _lacking({one for one in there if (zone, one) not in offered}, fleet, master)
        for subnet, zone in zones.items()
    }
    if fleet and not all(found.values()):
        return  # of several subnets EMR takes the one that suits the fleet
    for subnet, lacking in found.items():
        for one in sorted(lacking):
            wrong = f"not offered in {zones[subnet]}, the zone of {subnet}"
            yield Finding(there[one], one, wrong, remedy)


def _lacking(lacking: set[str], fleet: set[str], master: str) -> set[str]:
    """Return the types that a zone lacks, those of a fleet only if it lacks all of them."""
    return lacking if fleet <= lacking else lacking - (fleet - {master})


def key_pair(p: Pass) -> Iterator[Finding]:
    """Look for the key pair."""
    name = p.settings.cluster.key_pair or ""
    wanted = [{"Name": "key-name", "Values": [name]}]
    if not p.clients.seldom("ec2").describe_key_pairs(Filters=wanted)["KeyPairs"]:
        remedy = "Create it, correct the name, or set null."
        wrong = f"there is no such key pair in {p.settings.region}"
        yield Finding("cluster.key_pair", name, wrong, remedy)


def security_groups(p: Pass) -> Iterator[Finding]:
    """Look for the security groups."""
    cluster = p.settings.cluster
    places = {
        "master_security_group_id": cluster.master_security_group_id,
        "core_security_group_id": cluster.core_security_group_id,
        "service_access_security_group_id": cluster.service_access_security_group_id,
    }
    wanted = [{"Name": "group-id", "Values": sorted({one for one in places.values() if one})}]
    groups = p.clients.seldom("ec2").describe_security_groups(Filters=wanted)["SecurityGroups"]
    there = {each["GroupId"] for each in groups}
    for place, one in places.items():
        if one and one not in there:
            remedy = (
                "Name a group of the subnet's VPC, or set all three to null: EMR makes its own."
            )
            wrong = f"there is no such security group in {p.settings.region}"
            yield Finding(f"cluster.{place}", one, wrong, remedy)
