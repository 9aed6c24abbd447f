"""S3 with one winner of a conditional put, and bucket policies left to `local.iam.authorize`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import InvalidBucketState
from moto.s3.models import FakeBucket, FakeDeleteMarker, S3Backend
from moto.s3.responses import S3Response

from local.core.patching import Patches

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()
_originals: dict[str, Any] = {}
# one lock for all keys: a put takes a millisecond
_writing = threading.RLock()
_TO_EVENTBRIDGE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<EventBridgeConfiguration/></NotificationConfiguration>"
)


def _put(handler: S3Response, query: dict[str, Any], key_name: str) -> Any:
    """Check and write under a lock: two writers with If-None-Match must not both win.

    Seen in the threaded server: 1 key of 60 had two winners (reference/local-aws.md).
    """
    with _writing:
        return _originals["put"](handler, query, key_name)


def _locked(handler: S3Response, *args: Any, **kwargs: Any) -> Any:
    with _writing:
        return _originals["delete"](handler, *args, **kwargs)


def _no_opinion(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """Leave the bucket's policy to `local.iam.authorize`.

    Moto's check ignores conditions it does not know: a TLS-only policy would refuse everything.
    """
    return PermissionResult.NEUTRAL


def _notification(handler: S3Response) -> Any:
    """Tell of EventBridge, which moto keeps and does not show; other targets are left to moto."""
    status, headers, body = _originals["notification"](handler)
    kept = handler.backend.get_bucket_notification_configuration(handler.bucket_name)
    if kept is None or kept.event_bridge is None or "Configuration>" in body:
        return status, headers, body
    return status, headers, _TO_EVENTBRIDGE


def _replication(handler: S3Response) -> Any:
    """Answer the rules as they were given; moto makes filters and encryption up."""
    kept = handler.backend.get_bucket_replication(handler.bucket_name)
    if not kept:
        return _originals["replication"](handler)
    handler.data["Action"] = "GetBucketReplication"
    rules = [rule | {"Priority": int(rule["Priority"])} for rule in kept["Rule"]]
    told = {"ReplicationConfiguration": {"Role": kept["Role"], "Rules": rules}}
    return handler.serialized(ActionResult(told))


def _lock(
    backend: S3Backend,
    bucket_name: str,
    lock_enabled: bool,
    mode: str | None = None,
    days: int | None = None,
    years: int | None = None,
) -> None:
    """Keep a default retention, of a bucket that holds objects too: S3 takes that since 2023-11."""
    bucket = backend.get_bucket(bucket_name)
    if not bucket.is_versioned:
        raise InvalidBucketState(
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        )
    bucket.object_lock_enabled = bucket.object_lock_enabled or lock_enabled
    bucket.default_lock_mode, bucket.default_lock_days = mode, days
    bucket.default_lock_years = years


def install(world: Aws) -> None:
    """Mend moto's S3."""
    _originals["notification"] = _patches.set(S3Response, "get_bucket_notification", _notification)
    _originals["put"] = _patches.set(S3Response, "_key_response_put", _put)
    _originals["delete"] = _patches.set(S3Response, "_key_response_delete", _locked)
    _originals["replication"] = _patches.set(S3Response, "get_bucket_replication", _replication)
    _patches.set(S3Backend, "put_object_lock_configuration", _lock)
    _patches.set(FakeBucket, "get_permission", _no_opinion)
    # moto asks it of every version, and so fails where versioning was switched off since
    _patches.set(FakeDeleteMarker, "dispose", lambda marker: None)


def uninstall() -> None:
    """Put moto's S3 back."""
    _patches.undo()
