"""What S3's rules of expiry take away, which the local AWS keeps for good."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.support.harness import BUCKET, NightDriver

RULES = {
    "backups": 35,
    "backups-weekly": 84,
    "backups-monthly": 403,
    "catalog": 35,
    "catalog-weekly": 84,
    "catalog-monthly": 403,
    "runs": 35,
}
"""Part -> days, of a deployment that keeps backups as `LONGER` says; a Terraform test compares."""

LONGER = {"retention_days": 35, "retention_weeks": 12, "retention_months": 13}


def expire(night: NightDriver) -> list[str]:
    """Delete what the rules say by now; return the keys."""
    return expired(night.s3, BUCKET, RULES, night.world.clock.now())


def expired(s3: Any, bucket: str, rules: dict[str, int], now: datetime) -> list[str]:
    """Delete the objects whose days are over: counted from the midnight (UTC) after they came."""
    gone = []
    for part, days in rules.items():
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{part}/"):
            for entry in page.get("Contents", []):
                came = entry["LastModified"].replace(hour=0, minute=0, second=0, microsecond=0)
                if came + timedelta(days=days + 1) <= now:
                    s3.delete_object(Bucket=bucket, Key=entry["Key"])
                    gone.append(entry["Key"])
    return gone
