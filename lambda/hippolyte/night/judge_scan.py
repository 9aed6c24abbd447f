"""Verifies what the exporter functions wrote of a table."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hippolyte.exports import native
from hippolyte.exports.native_verification import Listed, verify
from hippolyte.exports.verification import Verification
from hippolyte.night.batches import directory, scan_id
from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import Job
from hippolyte.records.ledger import TableEntry
from hippolyte.records.runs import Run


def verified(p: Pass, run: Run, job: Job, entry: TableEntry) -> Verification:
    """Judge the export of a table's present attempt.

    Raises:
        ClientError, BotoCoreError: it cannot be read now.
    """
    place = directory(p.settings, job.table, run.plan.run_id, entry.attempt)
    prefix = native.root(place, scan_id(run, job.table, entry.attempt))
    bucket, s3 = p.settings.bucket, p.clients.s3

    def listed() -> Iterator[Listed]:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for one in page.get("Contents", []):
                yield Listed(one["Key"][len(prefix) :], one["Size"], one["ETag"].strip('"'))

    def get(name: str) -> bytes:
        return s3.get_object(Bucket=bucket, Key=prefix + name)["Body"].read()

    found = list(listed())
    began = next((get(native.STARTED) for one in found if one.name == native.STARTED), b"")
    return verify(f"s3://{bucket}/{prefix}", found, get, job.table_id, _segments(began))


def _segments(began: bytes) -> int | None:
    try:
        return int(json.loads(began)["segments"])
    except (ValueError, KeyError, TypeError):
        return None
