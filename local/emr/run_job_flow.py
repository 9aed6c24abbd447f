"""RunJobFlow by a caller of its own: roles, rights, machines, and the cluster that comes of it.

Source: API reference (RunJobFlow) and Management Guide (service role, instance profile), as set out
in the project's notes. The messages of an invalid profile and of a service role without rights are
those others have seen; a service role that is missing shows only when the machines are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError

from local.core import aws
from local.emr import machines, service_role, validation
from local.emr.service_role import EC2, EMR
from local.iam import roles

if TYPE_CHECKING:
    from moto.emr.models import ElasticMapReduceBackend

    from local.emr.cluster import LiveCluster
    from local.emr.cluster_state import ClusterState

_GROUP_FIELDS = {
    "InstanceCount": "instance_count",
    "InstanceRole": "instance_role",
    "InstanceType": "instance_type",
    "Market": "market",
    "Name": "name",
    "BidPrice": "bid_price",
}


def run_job_flow(
    world: aws.Aws,
    backend: ElasticMapReduceBackend,
    partition: str,
    params: Mapping[str, Any],
    caller: str | None,
) -> LiveCluster:
    """Start the cluster a caller asks for (a role; None: the deployer), or refuse it as EMR."""
    validation.check_run(backend, params)
    if world.iam_enforced:
        _check_profile(world, backend, partition, params["JobFlowRole"])
    instances = params["Instances"]
    nodes = machines.of_instances(instances)
    cluster: LiveCluster = backend.run_job_flow(
        name=params["Name"],
        log_uri=params.get("LogUri"),
        job_flow_role=params["JobFlowRole"],
        service_role=params["ServiceRole"],
        steps=[step_of(step) for step in params.get("Steps") or []],
        instance_attrs=_attributes(instances, nodes, backend.region_name),
        bootstrap_actions=[_action(action) for action in params.get("BootstrapActions") or []],
        configurations=params.get("Configurations"),
        release_label=params["ReleaseLabel"],
        visible_to_all_users=True,
        custom_ami_id=params.get("CustomAmiId"),
        step_concurrency_level=params.get("StepConcurrencyLevel") or 1,
        security_configuration=params.get("SecurityConfiguration"),
        ebs_root_volume_size=params.get("EbsRootVolumeSize"),
    )
    cluster.unauthorized = lambda one: _no_cleanup(one, caller) or _unauthorized(one)
    cluster.idle_seconds = (params.get("AutoTerminationPolicy") or {}).get("IdleTimeout")
    cluster.add_tags({tag["Key"]: tag.get("Value", "") for tag in params.get("Tags") or []})
    applications = params.get("Applications") or [{"Name": "Hadoop"}]
    cluster.add_applications([{"name": one["Name"]} for one in applications])
    groups = instances.get("InstanceGroups") or []
    backend.add_instance_groups(cluster.id, [_group(group) for group in groups])
    return cluster


def step_of(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return a StepConfig as moto's step takes it."""
    return {
        "name": step["Name"],
        "action_on_failure": step.get("ActionOnFailure") or "TERMINATE_CLUSTER",
        "hadoop_jar_step": step["HadoopJarStep"],
    }


def _action(action: Mapping[str, Any]) -> dict[str, Any]:
    script = action["ScriptBootstrapAction"]
    return {
        "name": action["Name"],
        "script_bootstrap_action": {"path": script["Path"], "args": script.get("Args") or []},
    }


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    return {ours: group[theirs] for theirs, ours in _GROUP_FIELDS.items() if theirs in group}


def _attributes(instances: Mapping[str, Any], nodes: machines.Nodes, region: str) -> dict[str, Any]:
    zone = (instances.get("Placement") or {}).get("AvailabilityZone")
    return {
        "nodes": nodes,
        "master_instance_type": instances.get("MasterInstanceType"),
        "slave_instance_type": instances.get("SlaveInstanceType"),
        "instance_count": instances.get("InstanceCount") or 1,
        "ec2_key_name": instances.get("Ec2KeyName"),
        "ec2_subnet_id": nodes.subnets[0] if len(nodes.subnets) == 1 else None,
        "availability_zone": zone or f"{region}a",
        "keep_job_flow_alive_when_no_steps": bool(instances.get("KeepJobFlowAliveWhenNoSteps")),
        "termination_protected": bool(instances.get("TerminationProtected")),
        "emr_managed_master_security_group": instances.get("EmrManagedMasterSecurityGroup"),
        "emr_managed_slave_security_group": instances.get("EmrManagedSlaveSecurityGroup"),
        "service_access_security_group": instances.get("ServiceAccessSecurityGroup"),
        "additional_master_security_groups": instances.get("AdditionalMasterSecurityGroups") or [],
        "additional_slave_security_groups": instances.get("AdditionalSlaveSecurityGroups") or [],
    }


def _check_profile(
    world: aws.Aws, backend: ElasticMapReduceBackend, partition: str, profile: str
) -> None:
    """Refuse a profile that is missing, whose role has another name, or that EC2 may not take."""
    account, name = backend.account_id, profile.rpartition("/")[2]
    inside = roles.profile_role(account, partition, name)
    if inside != name:
        raise validation.refused(f"Invalid InstanceProfile: {profile}.")
    if not roles.trusts(world, account, inside, EC2, backend.region_name):
        raise JsonRESTError(
            "AccessDeniedException", f"Failed to authorize instance profile {profile}."
        )


def _no_cleanup(cluster: ClusterState, caller: str | None) -> str | None:
    """Return what EMR says of an account without its role, whose caller may not make it.

    Wording: awslabs/aws-emr-launch#21.
    """
    account, partition = cluster.emr_backend.account_id, cluster.partition
    if caller is None or roles.role_exists(account, partition, service_role.CLEANUP_ROLE):
        return None
    for row in service_role.of_caller(account, partition):
        if not roles.may(cluster.world, account, caller, row.action, row.resource, row.context):
            return (
                f"Service-linked role '{service_role.CLEANUP_ROLE}' for EMR is required. Please "
                "create this role directly or add permission to create it in your IAM entity."
            )
    return None


def _unauthorized(cluster: ClusterState) -> str | None:
    """Return what EMR says of a service role that cannot make this cluster, None if it can."""
    world, backend = cluster.world, cluster.emr_backend
    account, region = backend.account_id, backend.region_name
    role = cluster.service_role.rpartition("/")[2]
    arn = f"arn:{cluster.partition}:iam::{account}:role/{role}"
    if world.iam_enforced and not (
        roles.role_exists(account, cluster.partition, role)
        and roles.trusts(world, account, role, EMR, region)
    ):
        return f"EMR service role {arn} is invalid"
    for row in service_role.of_service_role(cluster):
        if not roles.may(world, account, role, row.action, row.resource, row.context):
            return (
                f"Service role {arn} has insufficient EC2 permissions. EC2 Message: You are not "
                f"authorized to perform: {row.action} on resource: {row.resource}"
            )
    return None
