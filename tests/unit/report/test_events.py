"""Events: their documented form, batches of ten, and what becomes of those that are refused."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from hippolyte.clients import Clients
from hippolyte.report.events import DRILL, LEASE, RUN, VERDICT, drilled, given_back, of_report, put
from hippolyte.verdicts import Verdict
from tests.support.builders import settings
from tests.support.night_reports import judged as report
from tests.support.report_schema import EVENTS, faults

SETTINGS = settings(events=True)
WHERE = "s3://backups/report.json"


class Bus:
    """The client of EventBridge; each call's refusals are the next of `refusing`."""

    def __init__(self, *refusing: Any) -> None:
        self.refusing = list(refusing)
        self.calls: list[list[dict[str, Any]]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        self.calls.append(Entries)
        refused = self.refusing.pop(0) if self.refusing else ()
        if isinstance(refused, Exception):
            raise refused
        return {
            "Entries": [
                {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
                if number in refused
                else {"EventId": "e"}
                for number in range(len(Entries))
            ]
        }

    @property
    def clients(self) -> Clients:
        return cast(Clients, SimpleNamespace(seldom=lambda _: self))


def a_night(tables: int = 25) -> dict[str, Any]:
    names = [f"t{n:02d}" for n in range(tables)]
    made = report(dict.fromkeys(names, Verdict.BACKED_UP) | {"bad": Verdict.FAILED}, left=("bad",))
    at = {"raised_at": "2026-11-24T00:10:00Z", "from": 100, "to": 400}
    made["raised"] = [
        {"table": "t00", **at, "given_back_at": "2026-11-24T01:00:00Z"},
        {"table": "bad", **at, "given_back_at": None},
    ]
    return made


def test_every_event_has_the_documented_form_and_an_id_of_its_own() -> None:
    made = [*of_report(a_night(), WHERE), given_back(SETTINGS, "2026-11-24T00-00Z", "bad", "x")]
    entry = {"run_id": "2026-11-24T00-00Z", "name": "d", "table": "t00", "ok": True, "said": "ok"}
    made.append(drilled(SETTINGS, entry, "2026-11-24T02:00:00Z"))
    bus = Bus()
    assert put(bus.clients, SETTINGS, made) == ""
    sent = [entry for call in bus.calls for entry in call]
    assert {e["Source"] for e in sent} == {"hippolyte"}
    for each in sent:
        assert list(faults(json.loads(each["Detail"]), EVENTS[each["DetailType"]], "event")) == []
    kinds = [e["DetailType"] for e in sent]
    counts = {kind: kinds.count(kind) for kind in EVENTS}
    assert counts == {VERDICT: 26, LEASE: 5, RUN: 1, DRILL: 1}
    details = [json.loads(e["Detail"]) for e in sent]
    assert len({d["id"] for d in details}) == len(details)
    assert [(d["table"], d["state"], d["to"]) for d in details if "state" in d] == [
        ("t00", "raised", 400),
        ("t00", "given_back", None),
        ("bad", "raised", 400),
        ("bad", "left_raised", None),
        ("bad", "given_back", None),
    ]
    # the same night told again
    assert [d["id"] for d in details[:31]] == [d["id"] for _, d in of_report(a_night(), WHERE)]


def test_ten_at_once_and_below_the_size_whatever_a_reason_holds() -> None:
    made = a_night()
    for row in made["tables"].values():
        row["reason"], row["location"] = "\x01\N{GRINNING FACE}" * 5000, "s3://" + "x" * 1000
    bus = Bus()
    assert put(bus.clients, SETTINGS, of_report(made, WHERE)) == ""
    assert [len(call) for call in bus.calls] == [10, 10, 10, 1]
    assert all(len(json.dumps(call).encode()) < 262_144 for call in bus.calls)


def test_none_is_put_where_they_are_not_enabled() -> None:
    bus = Bus()
    assert put(bus.clients, settings(), of_report(a_night(), WHERE)) == ""
    assert bus.calls == []


def test_the_refused_are_put_once_more_and_only_they() -> None:
    bus = Bus((2, 5))
    assert put(bus.clients, SETTINGS, of_report(a_night(4), WHERE)) == ""
    assert [len(call) for call in bus.calls[:2]] == [10, 2]


def test_what_is_refused_again_is_told_and_the_others_go_on() -> None:
    bus = Bus((2, 5), (0, 1))
    trouble = put(bus.clients, SETTINGS, of_report(a_night(), WHERE))
    assert trouble == "2 of 31 events are not on EventBridge: ThrottlingException: slow down"
    assert [len(call) for call in bus.calls] == [10, 2, 10, 10, 1]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutEvents"),
        EndpointConnectionError(endpoint_url="https://events"),
    ],
)
def test_a_bus_that_cannot_be_reached_is_asked_once(error: Exception) -> None:
    bus = Bus(error)
    trouble = put(bus.clients, SETTINGS, of_report(a_night(), WHERE))
    assert trouble == f"31 of 31 events are not on EventBridge: {error}"
    assert len(bus.calls) == 1


def test_without_time_the_rest_is_told() -> None:
    bus = Bus()
    trouble = put(bus.clients, SETTINGS, of_report(a_night(), WHERE), lambda: len(bus.calls) > 1)
    assert trouble == "11 of 31 events are not on EventBridge: there was no time left"


def test_a_test_says_so() -> None:
    bus = Bus()
    put(bus.clients, SETTINGS, of_report(a_night(1), WHERE), test=True)
    assert {json.loads(entry["Detail"])["test"] for entry in bus.calls[0]} == {True}
