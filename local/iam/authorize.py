"""IAM of the local AWS: who calls, what policies say, and the refusal in AWS's words.

A caller without a session of a role that exists is the deployer, who may do everything but what
the policy of a bucket or key denies to everybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from moto.iam.models import Role, iam_backends
from moto.sts.models import sts_backends

from local.core.call import refusal
from local.core.principal import Principal
from local.iam import permissions, resource_policies
from local.iam.permission import Permission
from local.iam.policy import Context, Decision, as_list, decide, glob, parse

if TYPE_CHECKING:
    from local.core.aws import Aws
    from local.core.call import Call

# services whose refusals have another code than AccessDeniedException
_CODES = {
    "s3": "AccessDenied",
    "sns": "AuthorizationError",
    "sqs": "AccessDenied",
    "cloudwatch": "AccessDenied",
    "sts": "AccessDenied",
    "iam": "AccessDenied",
}


# services whose resources' policies bind the deployer too
_BY_RESOURCE = "with an explicit deny in a resource-based policy"
_DENYING = ("s3", "kms")


def find_role(account: str, name_or_arn: str, partition: str = "aws") -> Role | None:
    """Return moto's role, None if there is none."""
    name = name_or_arn.rsplit("/", 1)[-1]
    for role in list(iam_backends[account][partition].roles.values()):
        if role.name == name:
            return role
    return None


def trusts(account: str, role_name: str, service: str, context: Context | None = None) -> bool:
    """Return whether a role's trust policy lets an AWS service (`lambda.amazonaws.com`) take it."""
    role = find_role(account, role_name)
    if role is None:
        return False

    def is_service(statement: Mapping[str, Any]) -> bool:
        principal = statement.get("Principal")
        if principal == "*":
            return True
        services = as_list(principal.get("Service")) if isinstance(principal, dict) else []
        return service in services

    document = parse(role.assume_role_policy_document)
    decision = decide([document], "sts:AssumeRole", role.arn, context or {}, is_service)
    return decision is Decision.ALLOW


def caller(world: Aws, call: Call) -> Principal | None:
    """Return the role session behind a call, None for the deployer."""
    key = call.access_key
    if key not in world.principals:
        for account, partitions in list(sts_backends.items()):
            for session in partitions["aws"].assumed_roles:
                if session.access_key_id == key:
                    name = session.role_arn.rsplit("/", 1)[-1]
                    world.principals[key] = Principal(account, name, session.session_name)
    principal = world.principals.get(key)
    if principal is None or find_role(principal.account, principal.role) is None:
        return None
    return principal


def _policies(role: Role) -> list[Mapping[str, Any]]:
    documents = list(role.policies.values())
    for attached in role.managed_policies.values():
        documents += [v.document for v in attached.versions if v.is_default]
    return [parse(d) if isinstance(d, str) else d for d in documents]


def authorize(world: Aws, call: Call) -> None:
    """Raise the service's refusal unless the caller may make this call."""
    if not (world.iam_enforced or world.gate.denied):
        return
    principal = caller(world, call)
    if principal is None and call.service not in _DENYING and not world.gate.denied:
        return
    for permission in permissions.of(call):
        if _denied_by_test(world, permission):
            raise _refusal(call, principal, permission, "with an explicit deny set by a test")
        if not world.iam_enforced:
            continue
        if principal is None:
            if _denied_to_everybody(world, call, permission):
                raise _refusal(call, None, permission, _BY_RESOURCE)
            continue
        if permission.arn is None:
            raise _refusal(
                call, principal, permission, "because the local AWS has no IAM row for it"
            )
        context = {"aws:RequestedRegion": call.region, **permission.context}
        why = why_not(world, principal, permission.action, permission.arn, context)
        if why:
            raise _refusal(call, principal, permission, why)


def _denied_by_test(world: Aws, permission: Permission) -> bool:
    return any(
        glob(action, permission.action, any_case=True) and glob(arn, permission.arn or "*")
        for action, arn in world.gate.denied
    )


def _denied_to_everybody(world: Aws, call: Call, permission: Permission) -> bool:
    """Return whether a bucket's or key's policy denies this to the account's administrators too.

    All but the account's root user are bound by a bucket's (S3 User Guide, DeleteBucketPolicy).
    """
    if permission.arn is None or call.service not in _DENYING:
        return False
    deployer = Principal(call.account, "deployer", "deployer", call.partition)
    context = _context(world, deployer, permission.arn, permission.context)
    decision, _ = resource_policies.decide_for(deployer, permission.action, permission.arn, context)
    return decision is Decision.DENY


def _refusal(
    call: Call, principal: Principal | None, permission: Permission, why: str
) -> Exception:
    who = principal.arn if principal else f"arn:aws:iam::{call.account}:user/deployer"
    answer = refusal(
        call,
        _CODES.get(call.service, "AccessDeniedException"),
        f"User: {who} is not authorized to perform: {permission.action} on resource: "
        f"{permission.arn or '*'} {why}",
    )
    answer.http_status = 403 if call.service in (*_CODES, "lambda") else 400
    return answer


def why_not(
    world: Aws, principal: Principal, action: str, arn: str, context: Context | None = None
) -> str | None:
    """Return why a role session may not do `action` on `arn`, None if it may."""
    why = _why_not(world, principal, action, arn, context)
    if why is None:
        world.granted[principal.role, action] += 1
    return why


def _with_path(arn: str) -> str:
    """Return a role's or profile's ARN with its path: who names it by name leaves that to IAM."""
    found = re.fullmatch(r"arn:([\w-]+):iam::(\d+):(role|instance-profile)/([\w+=,.@-]+)", arn)
    if found is None:
        return arn
    backend = iam_backends[found[2]][found[1]]
    known = backend.roles if found[3] == "role" else backend.instance_profiles
    return next((str(one.arn) for one in known.values() if one.name == found[4]), arn)


def _why_not(
    world: Aws, principal: Principal, action: str, arn: str, context: Context | None
) -> str | None:
    full = _context(world, principal, arn, context)
    arn = _with_path(arn)
    role = find_role(principal.account, principal.role, principal.partition)
    identity = Decision.NOTHING if role is None else decide(_policies(role), action, arn, full)
    by_resource, owner = resource_policies.decide_for(principal, action, arn, full)
    if identity is Decision.DENY:
        return "with an explicit deny in an identity-based policy"
    if by_resource is Decision.DENY:
        return _BY_RESOURCE
    if owner is None or owner == principal.account:
        if Decision.ALLOW in (identity, by_resource):
            return None
        return f"because no identity-based policy allows the {action} action"
    if identity is not Decision.ALLOW:
        return f"because no identity-based policy allows the {action} action"
    if by_resource is not Decision.ALLOW:
        return f"because no resource-based policy allows the {action} action"
    return None


def _context(world: Aws, principal: Principal, arn: str, context: Context | None) -> Context:
    return {
        # what calls without a region of their own are asked in, unless the caller says more
        "aws:RequestedRegion": (arn.split(":")[3:4] or [""])[0] or world.region,
        "kms:CallerAccount": principal.account,
        "aws:SecureTransport": "true",
        "aws:PrincipalArn": principal.role_arn,
        "aws:PrincipalAccount": principal.account,
        "aws:PrincipalType": "AssumedRole",
        "aws:CurrentTime": world.clock.now().isoformat(),
        "aws:userid": f"AROALOCAL:{principal.session}",
        **(context or {}),
    }


def allowed(
    world: Aws,
    account: str,
    role_name: str,
    action: str,
    resource_arn: str,
    context: Context | None = None,
) -> bool:
    """Return whether a role (name or ARN) of `account` may do `action` on `resource_arn`.

    The resource's own policy counts too, for S3 across accounts as well.
    """
    permission = Permission(action, resource_arn, context or {})
    if _denied_by_test(world, permission):
        return False
    principal = Principal(account, role_name.rsplit("/", 1)[-1], "local")
    return why_not(world, principal, action, resource_arn, context) is None


def actions_of(world: Aws, account: str, role_name: str) -> Iterable[str]:
    """Return the actions that a role's policies name, for reports."""
    role = find_role(account, role_name)
    return sorted(
        {
            str(action)
            for policy in (_policies(role) if role else [])
            for statement in as_list(policy.get("Statement"))
            for action in as_list(statement.get("Action"))
        }
    )
