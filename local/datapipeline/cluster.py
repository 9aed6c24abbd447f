"""The EMR cluster that Data Pipeline starts for an EmrCluster object, and as which roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.datapipeline import service_role
from local.emr.service_role import EC2, EMR
from local.iam import roles

if TYPE_CHECKING:
    from local.datapipeline.objects import Instance
    from local.datapipeline.state import PipelineState
    from local.emr.cluster import LiveCluster

DATA_PIPELINE = "datapipeline.amazonaws.com"


class CannotLaunch(Exception):
    """When the cluster cannot be started; the message becomes @failureReason."""


def launch(pipeline: PipelineState, instance: Instance) -> LiveCluster:
    """Start the cluster that `instance` describes, in the region it names."""
    from moto.emr.models import emr_backends  # moto is slow to import

    role, profile = instance.get("role") or "", instance.get("resourceRole") or ""
    region = instance.get("region") or pipeline.region
    log_uri = instance.get("emrLogUri") or instance.get("pipelineLogUri")
    _check_roles(pipeline, role, profile, region, log_uri)
    backend = emr_backends[pipeline.account][region]
    cluster: LiveCluster = backend.run_job_flow(
        name=f"{pipeline.pipeline_id}_{instance.id}",
        log_uri=log_uri,
        job_flow_role=profile,
        service_role=role,
        steps=[],
        instance_attrs=_instances(instance, backend.region_name),
        release_label=instance.get("releaseLabel"),
        requested_ami_version=instance.get("amiVersion"),
        visible_to_all_users=True,
    )
    cluster.add_tags({tag["key"]: tag["value"] for tag in pipeline.tags})
    backend.add_applications(cluster.id, [{"name": "Hadoop"}])
    return cluster


def _instances(instance: Instance, region: str) -> dict[str, Any]:
    return {
        "master_instance_type": instance.get("masterInstanceType") or "m1.small",
        "slave_instance_type": instance.get("coreInstanceType") or "m1.small",
        "instance_count": 1 + int(instance.get("coreInstanceCount") or 1),
        "ec2_key_name": instance.get("keyPair"),
        "ec2_subnet_id": instance.get("subnetId"),
        "availability_zone": instance.get("availabilityZone") or f"{region}a",
        "keep_job_flow_alive_when_no_steps": True,
        "termination_protected": False,
        "emr_managed_master_security_group": instance.get("emrManagedMasterSecurityGroupId"),
        "emr_managed_slave_security_group": instance.get("emrManagedSlaveSecurityGroupId"),
        "service_access_security_group": instance.get("serviceAccessSecurityGroupId"),
    }


def missing_roles(pipeline: PipelineState, role: str, profile: str) -> list[str]:
    """Return what is said of a role or an instance profile that the account does not have."""
    if not pipeline.world.iam_enforced:
        return []
    partition = pipeline.partition
    found = []
    if not roles.role_exists(pipeline.account, partition, role):
        found.append(f"The role '{role}' does not exist")
    inside = roles.profile_role(pipeline.account, partition, profile)
    if inside is None:
        found.append(f"The instance profile '{profile}' does not exist or holds no role")
    elif inside != profile.rpartition("/")[2]:
        found.append(f"Invalid InstanceProfile: {profile}: it holds a role of another name")
    return found


def _check_roles(
    pipeline: PipelineState, role: str, profile: str, region: str, log_uri: str | None
) -> None:
    missing = missing_roles(pipeline, role, profile)
    if missing:
        raise CannotLaunch(f"Unable to create resource: {'; '.join(missing)}")
    account, partition = pipeline.account, pipeline.partition
    for name, service in ((role, DATA_PIPELINE), (role, EMR), (profile, EC2)):
        if not roles.trusts(pipeline.world, account, name, service, region):
            raise CannotLaunch(
                f"Unable to create resource: the role '{name}' cannot be assumed by {service}"
            )
    for row in service_role.of_pipeline_role(pipeline, role, profile, region, log_uri):
        if not roles.may(pipeline.world, account, role, row.action, row.resource, row.context):
            raise CannotLaunch(
                f"Unable to create resource: User: arn:{partition}:sts::{account}:assumed-role/"
                f"{role} is not authorized to perform: {row.action} on resource: {row.resource} "
                "(Error Code: AccessDeniedException)"
            )


def may_run_tasks(pipeline: PipelineState, resource: Instance) -> bool:
    """Return whether the nodes' role lets Task Runner work and add steps to its cluster."""
    role = resource.get("resourceRole") or ""
    return all(
        roles.may(pipeline.world, pipeline.account, role, row.action, row.resource, row.context)
        for row in service_role.of_task_runner(pipeline, resource)
    )
