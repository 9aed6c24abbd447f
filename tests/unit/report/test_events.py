"""Events: their documented form, batches of ten, and what becomes of those that are refused."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from hippolyte.clients import Clients
from hippolyte.records.ledger import TableEntry
from hippolyte.records.raised import note_given_back, note_raised, raises
from hippolyte.report.events import (
    DRILL,
    LEASE,
    RUN,
    VERDICT,
    Event,
    drilled,
    given_back,
    home,
    of_end,
    of_table,
    put,
)
from hippolyte.verdicts import Verdict
from tests.support.builders import settings
from tests.support.night_reports import judged as report
from tests.support.report_schema import EVENTS, faults
from tools.tf import REPOSITORY

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


HOME = home(SETTINGS, "2026-11-24T00-00Z")
NOW = "2026-11-24T03:00:00Z"


def entries(tables: int) -> dict[str, TableEntry]:
    made = {f"t{n:02d}": TableEntry(verdict=Verdict.BACKED_UP, items=3) for n in range(tables)}
    made["bad"] = TableEntry(verdict=Verdict.FAILED, reason="no luck")
    for name in ("t00", "bad"):
        note_raised(made[name], 100, 400, "2026-11-24T00:10:00Z", known=True)
    note_given_back(made["t00"], "2026-11-24T01:00:00Z", never_raised=False)
    return made


def a_night(tables: int = 25, changed: dict[str, Any] | None = None) -> list[Event]:
    """The events of a night of so many good tables and a bad one, which is left raised."""
    made = entries(tables)
    for entry in made.values():
        for key, value in (changed or {}).items():
            setattr(entry, key, value)
    found = report({**dict.fromkeys(made, Verdict.BACKED_UP), "bad": Verdict.FAILED}, left=("bad",))
    found["raised"] = [{"table": "bad", "raised_at": "2026-11-24T00:10:00Z"}]
    of_tables = [e for name, entry in made.items() for _, e in of_table(HOME, name, entry, NOW)]
    return [*of_tables, *of_end(found, WHERE)]


def test_every_event_has_the_documented_form_and_an_id_of_its_own() -> None:
    made = [*a_night(), given_back(SETTINGS, "2026-11-24T00-00Z", "bad", "x")]
    entry = {"run_id": "2026-11-24T00-00Z", "name": "d", "table": "t00", "ok": True, "said": "ok"}
    made.append(drilled(SETTINGS, entry, "2026-11-24T02:00:00Z"))
    bus = Bus()
    assert put(bus.clients, SETTINGS, made) == ([True] * len(made), "")
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
    assert [d["id"] for d in details[:-2]] == [d["id"] for _, d in a_night()]


def test_a_table_that_is_raised_again_has_events_of_each_time() -> None:
    entry = entries(1)["t00"]
    first = [which for which, _ in of_table(HOME, "t00", entry, NOW)]
    note_raised(entry, 100, 300, "2026-11-24T02:00:00Z", known=False)
    # it may still be refused
    assert [which for which, _ in of_table(HOME, "t00", entry, NOW)] == first
    note_raised(entry, 100, 300, "2026-11-24T02:00:00Z", known=True)
    note_given_back(entry, "2026-11-24T02:30:00Z", never_raised=False)
    found = dict(of_table(HOME, "t00", entry, NOW))
    again = ["raised/2026-11-24T02:00:00Z", "given_back/2026-11-24T02:00:00Z"]
    assert list(found) == [*first[:2], *again, "verdict"]
    assert len({detail["id"] for _, detail in found.values()}) == 5
    assert [detail["at"] for _, detail in found.values()] == [
        *("2026-11-24T00:10:00Z", "2026-11-24T01:00:00Z"),
        *("2026-11-24T02:00:00Z", "2026-11-24T02:30:00Z", NOW),
    ]


def test_a_raise_that_never_was_leaves_the_one_before() -> None:
    entry = entries(1)["t00"]
    before = [*raises(entry)]
    note_raised(entry, 100, 300, "2026-11-24T02:00:00Z", known=False)
    note_given_back(entry, "2026-11-24T02:30:00Z", never_raised=True)
    assert [*raises(entry)] == before
    assert (entry.raised_to, entry.given_back_at) == (400, "2026-11-24T01:00:00Z")
    other = TableEntry()
    note_raised(other, 100, 300, "2026-11-24T02:00:00Z", known=False)
    note_given_back(other, "2026-11-24T02:30:00Z", never_raised=True)
    assert other == TableEntry()


def test_a_raise_that_was_told_is_given_back_even_if_nobody_saw_it() -> None:
    entry = TableEntry()
    note_raised(entry, 100, 300, "2026-11-24T02:00:00Z", known=True)
    note_given_back(entry, "2026-11-24T02:30:00Z", never_raised=True)
    assert [which for which, _ in of_table(HOME, "t", entry, NOW)] == [
        "raised/2026-11-24T02:00:00Z",
        "given_back/2026-11-24T02:00:00Z",
    ]


def test_ten_at_once_and_below_the_size_whatever_a_reason_holds() -> None:
    longest = {"reason": "\x01\N{GRINNING FACE}" * 5000, "location": "s3://" + "x" * 1000}
    bus = Bus()
    assert put(bus.clients, SETTINGS, a_night(changed=longest))[1] == ""
    assert [len(call) for call in bus.calls] == [10, 10, 10, 1]
    assert all(len(json.dumps(call).encode()) < 262_144 for call in bus.calls)


def test_none_is_put_where_they_are_not_enabled() -> None:
    bus = Bus()
    assert put(bus.clients, settings(), a_night()) == ([], "")
    assert bus.calls == []


def test_the_refused_are_put_once_more_and_only_they() -> None:
    bus = Bus((2, 5))
    assert put(bus.clients, SETTINGS, a_night(4)) == ([True] * 10, "")
    assert [len(call) for call in bus.calls[:2]] == [10, 2]


def test_what_is_refused_again_is_told_and_the_others_go_on() -> None:
    bus = Bus((2, 5), (0, 1))
    done, trouble = put(bus.clients, SETTINGS, a_night())
    assert trouble == "2 of 31 events are not on EventBridge: ThrottlingException: slow down"
    assert [len(call) for call in bus.calls] == [10, 2, 10, 10, 1]
    assert [number for number, taken in enumerate(done) if not taken] == [2, 5]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutEvents"),
        EndpointConnectionError(endpoint_url="https://events"),
    ],
)
def test_a_bus_that_cannot_be_reached_is_asked_once(error: Exception) -> None:
    bus = Bus(error)
    done, trouble = put(bus.clients, SETTINGS, a_night())
    assert trouble == f"31 of 31 events are not on EventBridge: {error}"
    assert len(bus.calls) == 1
    assert done == [False] * 31


def test_without_time_the_rest_is_told() -> None:
    bus = Bus()
    done, trouble = put(bus.clients, SETTINGS, a_night(), lambda: len(bus.calls) > 1)
    assert trouble == "11 of 31 events are not on EventBridge: there was no time left"
    assert done == [True] * 20 + [False] * 11


def test_a_test_says_so() -> None:
    bus = Bus()
    put(bus.clients, SETTINGS, a_night(1), test=True)
    assert {json.loads(entry["Detail"])["test"] for entry in bus.calls[0]} == {True}


DOCUMENT = (REPOSITORY / "docs" / "events.md").read_text(encoding="utf-8")


def test_the_document_shows_events_and_rules_of_the_form_that_they_have() -> None:
    rule, example, chat = map(
        json.loads, re.findall(r"```json\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    )
    assert list(faults(example["detail"], EVENTS[example["detail-type"]], "event")) == []
    of = (example["detail"][key] for key in ("deployment", "account", "region", "run_id"))
    assert example["detail"]["id"] == "/".join([*of, "verdict", example["detail"]["table"]])
    states = EVENTS[rule["detail-type"][0]]["properties"]["state"]["enum"]
    assert set(rule["detail"]["state"]) < set(states)
    # what the chat's service demands (custom-notifs.html)
    assert (chat["version"], chat["source"]) == ("1.0", "custom")
    assert chat["content"]["description"]


def test_the_templates_for_chats_are_json_and_fill_in_what_an_event_has() -> None:
    (paths,) = re.findall(r"input_paths = \{(.*?)\n    \}", DOCUMENT, flags=re.DOTALL)
    known = dict(re.findall(r'(\w+)\s+= "\$\.detail\.([\w.]+)"', paths))
    assert len(known) == 7
    for path in known.values():
        form = EVENTS[RUN]
        for part in path.split("."):
            form = form["properties"][part]
    (slack,) = re.findall(r'input_template = ("\{.*\}")', DOCUMENT)
    (chat,) = re.findall(r'^(\{"version".*\})$', DOCUMENT, flags=re.MULTILINE)
    for template in (json.loads(slack), chat):
        used = set(re.findall(r"<(\w+)>", template))
        assert used
        assert used <= known.keys()
        assert json.loads(re.sub(r"<\w+>", "7", template))
