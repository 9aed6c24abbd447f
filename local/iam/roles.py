"""What services ask of roles: whether one exists, whom it trusts, what it may."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from moto.iam.models import iam_backends

from local.core.aws import Aws
from local.iam import authorize


def may(
    world: Aws,
    account: str,
    role: str,
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> bool:
    """Return whether `role` may do `action` on `resource` in this world."""
    if not world.iam_enforced:
        return not any(  # a test's `world.deny` counts all the same
            fnmatchcase(action, denied) and fnmatchcase(resource, arn)
            for denied, arn in world.gate.denied
        )
    return authorize.allowed(world, account, role, action, resource, context or {})


def trusts(
    world: Aws, account: str, role: str, service: str, region: str, source_arn: str = ""
) -> bool:
    """Return whether `role` lets an AWS service take it.

    EMR says on whose behalf it comes (EMR Management Guide, "Service role for Amazon EMR"); of
    Data Pipeline that is not confirmed, EC2 does not. `source_arn` is for whom else it is taken.
    """
    if not world.iam_enforced:
        return True
    context = {}
    if service.startswith("elasticmapreduce."):
        context = {
            "aws:SourceAccount": account,
            "aws:SourceArn": f"arn:aws:elasticmapreduce:{region}:{account}:cluster/j-NEW",
        }
    if source_arn:
        # Step Functions guide, "Preventing cross-service confused deputy"
        context = {"aws:SourceAccount": account, "aws:SourceArn": source_arn}
    return authorize.trusts(account, role, service, context)


def profile_role(account: str, partition: str, profile: str | None) -> str | None:
    """Return the role inside an instance profile (by name or ARN), None when there is none."""
    name = (profile or "").rpartition("/")[2]
    for candidate in iam_backends[account][partition].instance_profiles.values():
        if candidate.name == name and candidate.roles:
            return str(candidate.roles[0].name)
    return None


def role_exists(account: str, partition: str, role: str) -> bool:
    """Return whether the account has this role (by name or ARN)."""
    name = role.rpartition("/")[2]
    return any(known.name == name for known in iam_backends[account][partition].roles.values())
