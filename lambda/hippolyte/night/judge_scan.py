"""Verifies what the exporter functions, or DynamoDB itself, wrote of a table."""

from __future__ import annotations

import json

from hippolyte.exports import native
from hippolyte.exports.native_verification import verify
from hippolyte.exports.verification import Verification
from hippolyte.night import judge_native
from hippolyte.night.batches import directory, scan_id
from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import NATIVE, Job
from hippolyte.records.ledger import TableEntry
from hippolyte.records.runs import Run


def verified(p: Pass, run: Run, job: Job, entry: TableEntry) -> Verification:
    """Judge the export of a table's present attempt.

    Raises:
        ClientError, BotoCoreError: it cannot be read now.
    """
    if job.own_engine == NATIVE:
        return judge_native.verified(p, run, job, entry)
    place = directory(p.settings, run.plan, job.table, entry.attempt)
    prefix = native.root(place, scan_id(run, job.table, entry.attempt))
    where, found, get = judge_native.lying(p, prefix)
    began = next((get(native.STARTED) for one in found if one.name == native.STARTED), b"")
    return verify(where, found, get, job.table_id, _segments(began))


def _segments(began: bytes) -> int | None:
    try:
        return int(json.loads(began)["segments"])
    except (ValueError, KeyError, TypeError):
        return None
