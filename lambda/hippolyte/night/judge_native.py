"""Verifies what DynamoDB itself exported of a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hippolyte.exports import native
from hippolyte.exports.listed import Listed
from hippolyte.exports.native_verification import verify
from hippolyte.exports.place import Prefix
from hippolyte.exports.verification import Verification
from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import Job
from hippolyte.records.ledger import TableEntry
from hippolyte.records.runs import Run


def exported(run: Run, table: str, entry: TableEntry) -> dict[str, Any]:
    """Return what the engine has noted of a table's export; empty if nothing."""
    batch = run.ledger.batches.get(entry.batch_id or "")
    found = batch.handle.get("exports", []) if batch else []
    return next((one for one in found if one["table"] == table), {})


def export_id(entry: TableEntry) -> str:
    """Return the id of a table's export: the end of the ARN that is its log."""
    return entry.log.rsplit("/", 1)[-1]


def lying(p: Pass, prefix: str) -> tuple[str, list[Listed], Callable[[str], bytes]]:
    """Return where an export lies, what is there, and what reads one of it."""
    bucket, s3 = p.settings.bucket, p.clients.s3

    def get(name: str) -> bytes:
        return s3.get_object(Bucket=bucket, Key=prefix + name)["Body"].read()

    return f"s3://{bucket}/{prefix}", list(Prefix(p.store, prefix).listed()), get


def verified(p: Pass, run: Run, job: Job, entry: TableEntry) -> Verification:
    """Judge a completed export by its content, and by what DescribeExport said of it.

    Raises:
        ClientError, BotoCoreError: it cannot be read now.
    """
    told = exported(run, job.table, entry)
    directory = entry.location.removeprefix(f"s3://{p.settings.bucket}/")
    prefix = native.root(directory, export_id(entry))
    where, found, get = lying(p, prefix)
    result = verify(where, found, get, job.table_id, None, scanned=False)
    problems = list(result.problems)
    if told.get("part"):
        problems.append("it was asked for with a FilterSpecification: it holds a part of the table")
    if result.ok and told.get("items") not in (None, result.items):
        problems.append(f"DescribeExport says {told['items']} items, its manifest {result.items}")
    notes = (*result.notes, *([told["note"]] if told.get("note") else []))
    return replace(result, ok=not problems, problems=tuple(problems), notes=notes)
