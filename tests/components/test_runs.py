"""A run as one process reads it again and again: what nobody wrote since is not read twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from hippolyte.errors import ConflictError
from hippolyte.records.runs import Run, Runs
from hippolyte.store import Store
from hippolyte.verdicts import Verdict
from tests.support.builders import plan, settings, table

BUCKET = "backups"


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def runs(s3: Any) -> Runs:
    """Return what an invocation has: all but the process is new."""
    return Runs(Store(s3, BUCKET), settings())


def opened(s3: Any, run_id: str) -> Run:
    run = runs(s3).open(run_id)
    assert run is not None
    return run


@pytest.fixture
def run_id(s3: Any) -> str:
    made = plan(table("orders"), table("users"))
    assert runs(s3).create(made, {"orders": {"TableId": "id-orders"}})
    return made.run_id


def test_a_run_that_was_left_is_gone_on_with(s3: Any, run_id: str) -> None:
    first = opened(s3, run_id)
    first.ledger.tables["orders"].close(Verdict.FAILED, "why")
    runs(s3).save(first)
    runs(s3).leave(first)
    again = opened(s3, run_id)
    assert again.ledger is first.ledger
    assert (again.etag, again.saved) == (first.etag, first.saved)
    # one invocation has it in hand, any other reads it
    other = opened(s3, run_id)
    assert other.ledger is not first.ledger
    assert other.ledger == first.ledger


def test_what_others_wrote_since_is_read(s3: Any, run_id: str) -> None:
    first = opened(s3, run_id)
    other = opened(s3, run_id)
    runs(s3).leave(first)
    other.ledger.tables["users"].close(Verdict.FAILED, "seen by another")
    runs(s3).save(other)
    again = opened(s3, run_id)
    assert again.ledger.tables["users"].reason == "seen by another"
    again.ledger.alerts.append("look")
    runs(s3).save(again)
    with pytest.raises(ConflictError):
        other.ledger.alerts.append("look as well")
        runs(s3).save(other)


def test_what_a_step_that_failed_changed_is_not_taken_for_written(s3: Any, run_id: str) -> None:
    first = opened(s3, run_id)
    runs(s3).leave(first)
    failing = opened(s3, run_id)
    failing.ledger.tables["orders"].close(Verdict.FAILED, "never saved")
    assert opened(s3, run_id).ledger.tables["orders"].verdict is None


def test_a_run_whose_records_are_gone_is_not_known_from_memory(s3: Any, run_id: str) -> None:
    run = opened(s3, run_id)
    assert runs(s3).definitions(run_id) == {"orders": {"TableId": "id-orders"}}
    runs(s3).leave(run)
    for name in ("plan.json", "ledger.json", "tables.json"):
        s3.delete_object(Bucket=BUCKET, Key=runs(s3).key(run_id, name))
    assert runs(s3).open(run_id) is None
    assert runs(s3).definitions(run_id) == {}


def test_definitions_that_were_added_are_read(s3: Any, run_id: str) -> None:
    assert set(runs(s3).definitions(run_id)) == {"orders"}
    runs(s3).add_definitions(run_id, {"late": {"TableId": "id-late"}})
    assert set(runs(s3).definitions(run_id)) == {"orders", "late"}


def close(book: Runs, *runs: str) -> None:
    for run in runs:
        book.close(run, {"run_id": run, "tables": {}})


def spoil(book: Runs, run: str, body: bytes = b"{") -> None:
    book.store.s3.put_object(Bucket=BUCKET, Key=book.key(run, "report.json"), Body=body)


def test_after_a_pause_the_last_night_is_the_newest_whose_report_can_be_read(s3: Any) -> None:
    book = runs(s3)
    close(book, "2026-09-01T00-00Z", "2026-09-02T00-00Z", "2026-09-04T00-00Z")
    close(book, "2026-09-05T00-00-07Z")
    spoil(book, "2026-09-03T00-00Z")
    assert book.last_night({})[0] == "2026-09-04T00-00Z"
    spoil(book, "2026-09-04T00-00Z")
    assert book.last_night({})[0] == "2026-09-02T00-00Z"
    assert book.last_night({"2026-11-24T00-00Z": {"plan.json"}})[0] == "2026-09-02T00-00Z"


def test_the_last_night_of_some_days_is_the_newest_whose_report_can_be_read(s3: Any) -> None:
    book = runs(s3)
    nights = ("2026-09-01T00-00Z", "2026-09-03T00-00Z", "2026-09-04T00-00Z")
    recent = {night: {"plan.json", "report.json"} for night in nights[1:]}
    close(book, *nights)
    assert book.last_night(recent)[0] == nights[2]
    assert book.unread == []
    for spoilt, last in ((nights[2], nights[1]), (nights[1], nights[0]), (nights[0], None)):
        spoil(book, spoilt)
        before = runs(s3)
        assert before.last_night(recent)[0] == last
        assert before.unread[-1].startswith(f"the report of {spoilt} cannot be read")


ROW = '{"verdict":"backed_up","last_items":3,"last_good":null}'
NO_REPORTS = (
    b"",
    b"{}",
    b"[]",
    b'{"version":1}',
    b'{"version":2,"run_id":"2026-09-04T00-00Z","tables":{}}',
    b'{"version":1,"run_id":"2026-09-03T00-00Z","tables":{}}',
    b'{"version":1,"run_id":"2026-09-04T00-00Z","tables":["orders"]}',
    b'{"version":1,"run_id":"2026-09-04T00-00Z","tables":{"orders":5}}',
    b'{"version":1,"run_id":"2026-09-04T00-00Z","tables":{"orders":{}}}',
    *(
        b'{"version":1,"run_id":"2026-09-04T00-00Z","tables":{"o":%s}}' % ROW.replace(a, b).encode()
        for a, b in ((":3", ':"3"'), ("null", '"yesterday"'), ('"backed_up"', "7"))
    ),
)


@pytest.mark.parametrize("body", NO_REPORTS)
def test_what_is_no_report_is_passed_over(s3: Any, body: bytes) -> None:
    book = runs(s3)
    spoil(book, "2026-09-04T00-00Z", body)
    assert book.report_before("2026-09-04T00-00Z") == {}
    assert book.unread[0].startswith("the report of 2026-09-04T00-00Z cannot be read")
    assert book.is_closed("2026-09-04T00-00Z")
    assert not book.is_closed("2026-09-03T00-00Z")
    assert not book.is_closed("2026-09-05T00-00Z")
