"""Bootstrap actions: the nodes fetch a script as their role and run it.

A script is not run here, it is read: one that calls `shutdown` or `poweroff` with an option (not in
a comment) and is given a time (seconds since 1970) as its first argument shuts the primary node
down at that time. Whatever else a script does has no effect and ends well.

Source of the messages: clusters seen by others (hashicorp/terraform-provider-aws#15608,
Wittline/pyspark-on-aws-emr#4); of the codes: Management Guide, "Bootstrap failure error codes".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.programs.step_context import EMR_BUCKET
from local.s3.as_role import Denied, NoSuchBucket, NoSuchKey, split_url

if TYPE_CHECKING:
    from local.emr.cluster_state import ClusterState

FETCH_SECONDS = 30.0
"""From the nodes' start until they run the first action."""
_SHUTS_DOWN = re.compile(r"^[^#\n]*\b(shutdown|poweroff) +-", re.MULTILINE)


class BootstrapFailed(Exception):
    """When an action cannot be fetched or fails; the code is ErrorDetails' own."""

    def __init__(self, code: str, message: str, **data: str) -> None:
        super().__init__(message)
        self.detail: dict[str, Any] = {
            "ErrorCode": code,
            "ErrorData": [{name.replace("_", "-"): text} for name, text in data.items()],
            "ErrorMessage": message,
        }


def run(cluster: ClusterState) -> list[datetime]:
    """Run the cluster's actions; return the times at which they shut the primary down."""
    times = []
    primary = cluster.primary_id
    for number, action in enumerate(cluster.bootstrap_actions, 1):
        script = _fetch(cluster, primary, number, str(action.script_path))
        faults = cluster.world.faults
        if faults.bootstrap_fails:
            faults.bootstrap_fails -= 1 if faults.bootstrap_fails > 0 else 0
            raise BootstrapFailed(
                "BOOTSTRAP_FAILURE_PRIMARY_WITH_NON_ZERO_CODE",
                f"On the master instance ({primary}), bootstrap action {number} returned a "
                "non-zero return code",
                bootstrap_action=str(number),
                instance_id=primary,
            )
        when = action.args[0] if action.args else ""
        if _SHUTS_DOWN.search(script) and re.fullmatch(r"\d{1,11}", when):
            times.append(datetime.fromtimestamp(int(when), UTC))
    return times


def _fetch(cluster: ClusterState, primary: str, number: int, path: str) -> str:
    """Return a script's text; nothing for one that lies on the nodes or belongs to EMR."""
    if not path.startswith("s3"):
        return ""
    bucket, key = split_url(path)
    if bucket.endswith(EMR_BUCKET):
        return ""
    try:
        return cluster.s3.get(bucket, key).decode(errors="replace")
    except (Denied, NoSuchBucket, NoSuchKey):
        raise BootstrapFailed(
            "BOOTSTRAP_FAILURE_BA_DOWNLOAD_FAILED_PRIMARY",
            f"Master instance ({primary}) failed attempting to download bootstrap action {number} "
            "file from S3",
            instance_id=primary,
            bootstrap_action=path,
        ) from None
