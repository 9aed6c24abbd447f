"""One permission that a request needs, and how resources and keys are named in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from moto.kms.models import Key, kms_backends

from local.iam.policy import Context

if TYPE_CHECKING:
    from local.core.call import Call


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission: an action on a resource in a context; no ARN where no row is known."""

    action: str
    arn: str | None
    context: Context = field(default_factory=dict)


def arn_of(call: Call, service: str, resource: str, region: str | None = None) -> str:
    """Return the ARN of a resource of the caller's account, in the call's region by default."""
    where = call.region if region is None else region
    return f"arn:{call.partition}:{service}:{where}:{call.account}:{resource}"


def via(call: Call, service: str, region: str | None = None) -> Context:
    """Return the condition keys of a key used through another service, in the call's region."""
    return {
        "kms:ViaService": f"{service}.{region or call.region}.amazonaws.com",
        "kms:CallerAccount": call.account,
    }


def key_arn(call: Call, key_id: str) -> str | None:
    """Return the ARN of a KMS key given by any of its names, None if there is no such key."""
    account, region = call.account, call.region
    if key_id.startswith("arn:"):
        region, account = key_id.split(":")[3:5]
    key = find_key(account, region, key_id)
    return key.arn if key else None


def find_key(account: str, region: str, key_id: str) -> Key | None:
    """Return a KMS key by id, ARN or alias, None if there is no such key."""
    backend = kms_backends[account][region]
    name = backend.get_alias_name(key_id)
    if name.startswith("alias/"):
        name = backend.get_key_id_from_alias(name) or ""
    return backend.keys.get(backend.get_key_id(name))


def aliases(arn: str) -> set[str]:
    """Return the aliases of a KMS key."""
    region, account, name = arn.split(":")[3:6]
    key = kms_backends[account][region].keys.get(name.removeprefix("key/"))
    return set(key.aliases) if key else set()
