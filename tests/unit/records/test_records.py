"""Records of other versions: older ones are read with defaults, newer ones refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, asdict, fields
from typing import Any

import pytest

from hippolyte.errors import ConfigurationError
from hippolyte.leases.lease import Lease, LeaseState
from hippolyte.planning.plan import Job, Plan
from hippolyte.record_form import iso
from hippolyte.records.ledger import BatchEntry, Ledger, TableEntry
from hippolyte.records.ledger_text import LedgerText
from tests.support.builders import GIB, START, plan, table

# what the first version wrote; whatever is added since must have a default, or older records,
# such as those of a night that is under way while the package is exchanged, cannot be read
FIRST: dict[type[Any], set[str]] = {
    Plan: {"run_id", "start", "deadline", "batches", "verdicts"},
    Job: {
        *("table", "table_id", "size_bytes", "item_count", "capacity", "ratio", "plain_ratio"),
        *("rate", "estimate_seconds"),
    },
    Ledger: {"run_id", "batches", "tables"},
    BatchEntry: {"batch_id", "timeline", "jobs"},
    TableEntry: set(),
    Lease: {
        *("table", "table_id", "run_id", "state", "before", "target", "rate"),
        *("scale_in_suspended", "expiry", "intent_at", "intent_by"),
    },
}


@pytest.mark.parametrize("kind", FIRST, ids=lambda kind: kind.__name__)
def test_what_is_added_has_a_default(kind: type[Any]) -> None:
    required = {
        f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING
    }
    assert required == FIRST[kind]


def made() -> Plan:
    return plan(table("orders", size_bytes=GIB), table("gone", status="ARCHIVED"))


def lease() -> dict[str, Any]:
    at = iso(START)
    raised = Lease(
        "orders", "id", "2026-11-24T00-00Z", LeaseState.RAISED, 100, 200, 1.0, None, at, at, "me"
    )
    return {"version": 1, "nonce": "x", **asdict(raised)}


def plan_record() -> dict[str, Any]:
    return dict(json.loads(json.dumps(made().to_record())))


def ledger_record() -> dict[str, Any]:
    return dict(json.loads(LedgerText().of(Ledger.of_plan(made()))))


def test_a_plan_of_the_first_version_is_read() -> None:
    old = {k: v for k, v in plan_record().items() if k in FIRST[Plan] | {"version"}}
    for batch in old["batches"]:
        batch["jobs"] = [{k: j[k] for k in FIRST[Job]} for j in batch["jobs"]]
    again = Plan.from_record(old)
    assert again.jobs == made().jobs
    assert (again.empty, again.alerts, again.previous_run) == ((), (), None)


def test_a_ledger_of_the_first_version_is_read() -> None:
    # that version wrote what is as it began, too
    whole = json.loads(json.dumps(asdict(Ledger.of_plan(made()))))
    old = {k: v for k, v in whole.items() if k in FIRST[Ledger]}
    old["batches"] = {
        name: {k: b[k] for k in FIRST[BatchEntry] | {"state"}} for name, b in old["batches"].items()
    }
    old["tables"] = {name: {"verdict": t["verdict"]} for name, t in old["tables"].items()}
    again = Ledger.from_record(old)
    assert set(again.tables) == {"orders", "gone"}
    assert again.batches["b001"].attempts == {}
    assert again.undecided == {"orders"}


def test_what_is_as_it_began_takes_no_room_in_a_ledger() -> None:
    ledger = Ledger.of_plan(made())
    record = ledger_record()
    gone = {"verdict": "unsupported", "reason": "table status ARCHIVED"}
    assert record["tables"] == {"orders": {"batch_id": "b001"}, "gone": gone}
    assert "state" not in record["batches"]["b001"]
    assert Ledger.from_record(record) == ledger


def test_a_lease_of_the_first_version_is_read() -> None:
    old = {k: v for k, v in lease().items() if k in FIRST[Lease]}
    assert Lease.from_record(old).lower_to is None


def _put(record: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    inner = record
    *way, last = path.split("/")
    for name in way:
        inner = inner[int(name)] if isinstance(inner, list) else inner[name]
    inner[last] = value
    return record


@pytest.mark.parametrize(
    ("read", "record", "path", "value"),
    [
        (Plan.from_record, plan_record, "weather", "fair"),
        (Plan.from_record, plan_record, "engine", "glue"),
        (Plan.from_record, plan_record, "batches/0/jobs/0/engine", "emr"),
        (Plan.from_record, plan_record, "verdicts/gone", ["postponed", "why"]),
        (Ledger.from_record, ledger_record, "weather", "fair"),
        (Ledger.from_record, ledger_record, "tables/orders/engine", "emr"),
        (Ledger.from_record, ledger_record, "tables/orders/verdict", "postponed"),
        (Ledger.from_record, ledger_record, "batches/b001/state", "resting"),
        (Ledger.from_record, ledger_record, "batches/b001/jobs/0/engine", "emr"),
        (Lease.from_record, lease, "weather", "fair"),
        (Lease.from_record, lease, "state", "borrowed"),
    ],
)
def test_what_is_not_known_is_refused_in_words(
    read: Callable[[dict[str, Any]], object],
    record: Callable[[], dict[str, Any]],
    path: str,
    value: object,
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(_put(record(), path, value))
    text = str(refused.value)
    assert "another version wrote it, deploy that version again" in text
    assert path.rsplit("/", 1)[-1] in text or str(value) in text or "postponed" in text


def test_a_record_that_lacks_what_every_version_wrote_is_refused() -> None:
    record = ledger_record()
    del record["tables"]
    with pytest.raises(ConfigurationError, match=r"the ledger has a form .*'tables'"):
        Ledger.from_record(record)
