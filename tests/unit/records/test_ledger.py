"""The ledger of a run: begun by its plan, kept as JSON, batches added for second attempts."""

from __future__ import annotations

import json
from datetime import timedelta

from hippolyte.planning.plan import Plan
from hippolyte.record_form import iso
from hippolyte.records.intents import alive
from hippolyte.records.ledger import BatchState, Ledger
from hippolyte.records.ledger_text import LedgerText
from hippolyte.verdicts import Verdict
from tests.support.builders import GIB, START, on_demand, plan, table


def test_a_ledger_answers_for_every_table_of_the_plan() -> None:
    tables = [table("orders"), table("users"), table("e", empty=True)]
    made = plan(*tables, table("x", status="ARCHIVED"))
    ledger = Ledger.of_plan(made)
    assert len(ledger.tables) == made.discovered == 4
    assert ledger.tables["x"].verdict is Verdict.UNSUPPORTED
    assert ledger.tables["e"].batch_id is None
    assert ledger.tables["orders"].batch_id == ledger.tables["users"].batch_id == "b001"
    assert not ledger.decided


def test_plan_and_ledger_survive_json() -> None:
    made = plan(table("orders", size_bytes=100 * GIB), on_demand(), table("x", status="ARCHIVED"))
    assert Plan.from_record(json.loads(json.dumps(made.to_record()))) == made
    ledger = Ledger.of_plan(made)
    ledger.tables["orders"].close(Verdict.FAILED, "why")
    ledger.batches["b001"].state = BatchState.CANCELLING
    again = Ledger.from_record(json.loads(LedgerText().of(ledger)))
    assert again == ledger
    assert again.batches["b001"].state is BatchState.CANCELLING


def test_a_record_is_of_its_moment() -> None:
    """It is compared with a later one: what is changed in place must differ."""
    ledger, text = Ledger.of_plan(plan(table("orders"), table("users"))), LedgerText()
    batch, entry = ledger.batches["b001"], ledger.tables["orders"]
    batch.handle, batch.waiting, ledger.unread = {"worker": "b001"}, ["orders"], {"a": "why"}
    entry.notes, entry.errors, entry.earlier = ["n"], ["e"], [{"attempt": 1}]
    changes = (
        lambda: batch.waiting.append("users"),
        lambda: batch.attempts.update(orders=2),
        lambda: batch.handle.update(cluster="j-1"),
        lambda: entry.notes.append("further"),
        lambda: entry.errors.append("further"),
        lambda: entry.earlier.append({"attempt": 2}),
        lambda: ledger.alerts.append("look"),
        lambda: ledger.unread.update(b="why"),
        lambda: batch.jobs.pop(),
        lambda: ledger.tables.pop("users"),
    )
    for number, change in enumerate(changes):
        before = text.of(ledger)
        change()
        after = text.of(ledger)
        assert after != before, number
        assert after == LedgerText().of(ledger), number


def test_what_is_tried_again_gets_a_batch_a_timeline_and_a_path_of_its_own() -> None:
    made = plan(table("orders"), table("users"))
    ledger = Ledger.of_plan(made)
    ledger.tables["orders"].attempt = 1
    ledger.tables["orders"].outcome = "failed"
    batch = ledger.add_batch([j for j in made.jobs if j.table == "orders"])
    assert batch.batch_id == "r001"
    assert batch.timeline not in {b.timeline for b in ledger.batches.values() if b is not batch}
    assert batch.attempts == {"orders": 2}
    assert ledger.tables["orders"].batch_id == "r001"
    assert ledger.tables["orders"].outcome == ""
    assert ledger.tables["users"].batch_id == "b001"
    ledger.tables["orders"].attempt = 2
    assert ledger.add_batch(batch.jobs).attempts == {"orders": 3}


def test_an_intent_is_left_alone_for_as_long_as_its_writer_may_live() -> None:
    at = iso(START)
    assert alive(at, "other", "me", START + timedelta(minutes=15))
    assert not alive(at, "other", "me", START + timedelta(minutes=16))
    assert not alive(at, "me", "me", START)
    assert not alive(None, None, "me", START)


def test_a_run_is_decided_when_every_table_has_a_verdict() -> None:
    ledger = Ledger.of_plan(plan(table("orders"), table("x", status="ARCHIVED")))
    ledger.tables["orders"].close(Verdict.BACKED_UP)
    assert ledger.decided
