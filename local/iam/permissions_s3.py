"""Which permissions an S3 request needs (moto names S3's operations by the action already)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from moto.s3.models import FakeBucket, s3_backends

from local.iam.permission import Permission, key_arn, via

if TYPE_CHECKING:
    from local.core.call import Call

_ON_OBJECT = {
    "GetObject",
    "GetObjectVersion",
    "PutObject",
    "DeleteObject",
    "DeleteObjectVersion",
    "AbortMultipartUpload",
    "ListMultipartUploadParts",
    "GetObjectTagging",
    "PutObjectTagging",
    "GetObjectAcl",
    "PutObjectAcl",
}
_ON_BUCKET = {
    "ListBucket",
    "ListBucketVersions",
    "ListBucketMultipartUploads",
    "GetBucketLocation",
    "GetBucketVersioning",
    "GetBucketPolicy",
    "DeleteBucketPolicy",
    "GetLifecycleConfiguration",
}


def of(call: Call) -> list[Permission]:
    """Return the permissions a request to S3 needs, its bucket's key included."""
    operation = "ListBucket" if call.operation == "HeadBucket" else call.operation
    bucket_arn = f"arn:{call.partition}:s3:::{call.bucket}"
    if operation == "ListAllMyBuckets":
        return [Permission("s3:ListAllMyBuckets", "*")]
    if operation == "DeleteObject" and call.key is None:
        keys = re.findall(r"<Key>(.*?)</Key>", _text(call.handler.body), re.DOTALL)
        return [Permission("s3:DeleteObject", f"{bucket_arn}/{_unescaped(key)}") for key in keys]
    if operation in _ON_BUCKET:
        return [Permission(f"s3:{operation}", bucket_arn, _list_context(call))]
    if operation not in _ON_OBJECT or call.key is None:
        return [Permission(f"s3:{operation}", None)]
    out = [Permission(f"s3:{operation}", f"{bucket_arn}/{call.key}", _object_context(call))]
    bucket = find_bucket(call.bucket or "")
    if operation == "GetObject" and bucket is not None and call.key not in bucket.keys:
        # without s3:ListBucket, S3 says 403 of a key that is not there; no prefix is asked for, so
        # that a condition that wants one refuses this
        out.append(Permission("s3:ListBucket", bucket_arn))
    source = call.handler.headers.get("x-amz-copy-source")
    if operation == "PutObject" and source:
        path = unquote(source).lstrip("/").split("?", 1)[0]
        out.append(Permission("s3:GetObject", f"arn:{call.partition}:s3:::{path}"))
    return out + _key_permissions(call, bucket, operation)


def find_bucket(name: str) -> FakeBucket | None:
    """Return moto's bucket, of whatever account, None if there is none."""
    if name not in s3_backends.bucket_accounts:
        return None
    partition, account = s3_backends.bucket_accounts[name]
    return s3_backends[account][partition].buckets.get(name)


def _list_context(call: Call) -> dict[str, str]:
    if call.operation not in ("ListBucket", "ListBucketVersions"):
        return {}
    query = call.handler.querystring
    context = {"s3:prefix": (query.get("prefix") or [""])[0]}
    for name in ("delimiter", "max-keys"):
        if name in query:
            context[f"s3:{name}"] = query[name][0]
    return context


def _object_context(call: Call) -> dict[str, str]:
    headers = call.handler.headers
    context = {}
    for name in (
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-acl",
        "x-amz-storage-class",
    ):
        if headers.get(name):
            context[f"s3:{name}"] = headers[name]
    for name in ("If-None-Match", "If-Match"):
        if headers.get(name):
            context[f"s3:{name.lower()}"] = headers[name]
    return context


def bucket_key(bucket: FakeBucket) -> str | None:
    """Return the KMS key a bucket encrypts with, None if it is S3's own."""
    if not bucket.encryption:
        return None
    rule = bucket.encryption["Rule"]
    rule = rule[0] if isinstance(rule, list) else rule
    key_id: str | None = rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    return key_id


def _key_permissions(call: Call, bucket: FakeBucket | None, operation: str) -> list[Permission]:
    action = {"PutObject": "kms:GenerateDataKey", "GetObject": "kms:Decrypt"}.get(operation)
    key_id = call.handler.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
    if bucket is not None and not key_id:
        key_id = bucket_key(bucket)
    if not action or not key_id:
        return []
    arn = key_arn(call, key_id)
    # S3 uses the key where the bucket is, wherever the caller is
    region = bucket.region_name if bucket is not None else call.region
    return [Permission(action, arn, via(call, "s3", region))] if arn else []


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else str(body or "")


def _unescaped(text: str) -> str:
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(entity, char)
    return text
