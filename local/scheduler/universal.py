"""Universal targets: an operation of a service, called with the rights of the schedule's role.

EventBridge Scheduler user guide, "Using universal targets". Of them those that this product uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.emr.models import emr_backends
from moto.scheduler.models import Schedule

from local.core.aws import Aws
from local.iam import roles
from local.iam.permissions_jobs import tag_keys

Refused = tuple[str, str]
"""The error code and message of a delivery that is not made."""
Operation = Callable[[Aws, Schedule, Mapping[str, Any]], Refused | None]


def operation(target: str) -> Operation | None:
    """Return what a target calls, None if it is none of these."""
    parts = target.split(":", 5)
    if parts[2] != "scheduler":
        return None
    return _OPERATIONS.get(parts[5])


def _terminate_job_flows(
    world: Aws, schedule: Schedule, given: Mapping[str, Any]
) -> Refused | None:
    """End clusters; one that has ended stays as it is."""
    partition, _, region, account = schedule.arn.split(":")[1:5]
    backend, role = emr_backends[account][region], schedule.target["RoleArn"]
    action, ids = "elasticmapreduce:TerminateJobFlows", list(given.get("JobFlowIds") or [])
    for one in ids:
        cluster = backend.clusters.get(one)
        arn = f"arn:{partition}:elasticmapreduce:{region}:{account}:cluster/{one}"
        tags = tag_keys("Resource", cluster.tags if cluster else [])
        if not roles.may(world, account, role, action, arn, tags):
            return "AccessDeniedException", f"{role} may not {action} on {arn}"
        if cluster is None:
            return "ValidationException", f"Specified job flow ID {one} does not exist."
    with world.lock:
        backend.terminate_job_flows(ids)
    return None


_OPERATIONS: dict[str, Operation] = {"aws-sdk:emr:terminateJobFlows": _terminate_job_flows}
