"""What is known of one native export: an entry of its batch's handle, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hippolyte import clock
from hippolyte.engines.engine import Handle, JobState, JobStatus
from hippolyte.record_form import iso

# what stands in a failure's code or message -> in words, the first that fits. No list of the codes
# is published (API ExportDescription); S3NoSuchBucket has been seen, of an import
_FAILURES = (
    ("kms", "a customer's key refuses to be used, the bucket's or the table's: see its policy"),
    ("nosuchbucket", "the bucket is not there"),
    (
        "accessdenied",
        "the bucket refuses DynamoDB, which writes with the rights of the one who asked, to the "
        "export's end: see the bucket's policy and owner (`backup_bucket.owner`)",
    ),
)
OVER = (JobState.SUCCEEDED.value, JobState.FAILED.value, JobState.CANCELLED.value)


def fail(one: dict[str, Any], why: str) -> None:
    """Note that an export is over, and why."""
    one["state"], one["error"], one["ended"] = JobState.FAILED.value, why, iso(clock.now())


def take(one: dict[str, Any], told: dict[str, Any]) -> None:
    """Note what DescribeExport says of an export."""
    one["arn"] = told["ExportArn"]
    one["began"] = _moment(told["StartTime"])
    if told["ExportStatus"] == "FAILED":
        fail(one, f"DynamoDB's export failed: {_failure(told)}")
    elif told["ExportStatus"] == "COMPLETED":
        one["state"] = JobState.SUCCEEDED.value
        one["items"] = told.get("ItemCount")
        one["part"] = bool(told.get("FilterSpecification"))
    else:
        one["state"] = JobState.RUNNING.value
    if told.get("EndTime"):
        one["ended"] = _moment(told["EndTime"])


def _failure(told: dict[str, Any]) -> str:
    """Return why an export failed: in words if it is known what to do, then as it is told."""
    said = ": ".join(filter(None, (told.get("FailureCode"), told.get("FailureMessage"))))
    words = next((words for part, words in _FAILURES if part in said.lower()), "")
    return f"{words} ({said})" if words else said or "it does not say why"


def _moment(seconds: float) -> str:
    """Return a time of an answer's JSON, which is seconds since the epoch."""
    return iso(datetime.fromtimestamp(seconds, UTC))


def status(one: dict[str, Any], handle: Handle) -> JobStatus:
    """Return how an export is, as its batch's handle tells of it."""
    state, error, ended = JobState(one["state"]), one.get("error", ""), one.get("ended")
    if handle.get("cancelled") and state is JobState.RUNNING:
        # nothing of the table is read for it
        state, ended = JobState.CANCELLED, handle["cancelled"]
        error = "a native export cannot be cancelled: DynamoDB goes on with it"
    elif one.get("sought") and state is JobState.WAITING:
        state, ended = JobState.CANCELLED, handle["cancelled"]
        error = one.get("waits") or "its export had not begun"
    return JobStatus(
        state,
        dead=state.value in OVER,
        error=error,
        log=one.get("arn", ""),
        started_at=one.get("began"),
        finished_at=ended,
    )
