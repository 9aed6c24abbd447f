"""Policies of resources: S3 buckets, SNS topics, SQS queues, KMS keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local.iam.policy import Context, Decision, as_list, decide, glob, parse

if TYPE_CHECKING:
    from local.core.principal import Principal


def decide_for(
    principal: Principal, action: str, arn: str, context: Context
) -> tuple[Decision, str | None]:
    """Return what the resource's policy says, and the account that owns the resource (if any)."""
    if arn == "*":
        return Decision.NOTHING, None
    service = arn.split(":")[2]
    owner, document = _FINDERS.get(service, _plain)(arn)
    if document is None:
        return Decision.NOTHING, owner
    matches = _matcher(principal, owner)
    decision = decide([document], action, arn, context, matches)
    if service == "kms" and decision is Decision.NOTHING and owner == principal.account:
        delegated = decide([document], action, arn, context, _names_root(principal.account))
        # identity policies count only where the key's policy hands over to the account
        return (decision if delegated is Decision.ALLOW else Decision.DENY), owner
    return decision, owner


def allows_service(
    document: Mapping[str, Any], service: str, action: str, arn: str, context: Context
) -> bool:
    """Return whether a resource's policy lets an AWS service do `action`."""

    def means(statement: Mapping[str, Any]) -> bool:
        principal = statement.get("Principal")
        if isinstance(principal, dict):
            return service in as_list(principal.get("Service")) or principal.get("AWS") == "*"
        return bool(principal == "*")

    return decide([document], action, arn, context, means) is Decision.ALLOW


def _plain(arn: str) -> tuple[str | None, None]:
    account = arn.split(":")[4]
    return (account if account.isdigit() else None), None


def _bucket(arn: str) -> tuple[str | None, Mapping[str, Any] | None]:
    name = arn.split(":", 5)[5].split("/", 1)[0]
    if name not in s3_backends.bucket_accounts:
        return None, None
    partition, account = s3_backends.bucket_accounts[name]
    text = s3_backends[account][partition].buckets[name].policy
    return account, parse(text.decode()) if text else None


def _topic(arn: str) -> tuple[str | None, Mapping[str, Any] | None]:
    region, account = arn.split(":")[3:5]
    topic = sns_backends[account][region].topics.get(arn) if account.isdigit() else None
    return account, topic._policy_json if topic else None


def _queue(arn: str) -> tuple[str | None, Mapping[str, Any] | None]:
    region, account, name = arn.split(":")[3:6]
    queue = sqs_backends[account][region].queues.get(name) if account.isdigit() else None
    text = queue.policy if queue else None
    return account, parse(text) if text else None


def _key(arn: str) -> tuple[str | None, Mapping[str, Any] | None]:
    region, account, name = arn.split(":")[3:6]
    if not account.isdigit():
        return None, None
    key = kms_backends[account][region].keys.get(name.removeprefix("key/"))
    return account, parse(key.policy) if key else None


_FINDERS: dict[str, Callable[[str], tuple[str | None, Mapping[str, Any] | None]]] = {
    "s3": _bucket,
    "sns": _topic,
    "sqs": _queue,
    "kms": _key,
}


def _matcher(principal: Principal, owner: str | None) -> Callable[[Mapping[str, Any]], bool]:
    """Tell whether a statement means this session.

    A statement for the resource's own account only hands over to its identity policies; for a
    caller of another account it is the resource's side of the bargain.
    """
    names = {principal.role_arn, principal.arn}
    account = {principal.account, f"arn:{principal.partition}:iam::{principal.account}:root"}

    def means(statement: Mapping[str, Any]) -> bool:
        if "NotPrincipal" in statement:
            excluded = _aws(statement["NotPrincipal"])
            return not (excluded & (names | account) or "*" in excluded)
        listed = _aws(statement.get("Principal"))
        if "*" in listed or listed & names:
            return True
        if statement["Effect"] == "Deny" or principal.account != owner:
            return bool(listed & account)
        return False

    return means


def _names_root(account: str) -> Callable[[Mapping[str, Any]], bool]:
    def means(statement: Mapping[str, Any]) -> bool:
        listed = _aws(statement.get("Principal"))
        return account in listed or any(glob(f"arn:*:iam::{account}:root", one) for one in listed)

    return means


def _aws(principal: Any) -> set[str]:
    if isinstance(principal, dict):
        return {str(one) for one in as_list(principal.get("AWS"))}
    return {str(principal)} if principal else set()
