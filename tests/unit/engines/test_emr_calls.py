"""What a pass asks of EMR: paced, listed once, and not insisted on; which steps, in which order."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hippolyte import clock
from hippolyte.engines import emr_steps
from hippolyte.engines.emr_calls import EmrCalls
from hippolyte.engines.engine import Handle, LimitError

START = datetime(2026, 11, 24, tzinfo=UTC)


def refusal(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Call")


@dataclass
class Emr:
    """EMR, with one cluster of steps; it keeps what it was asked."""

    states: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=lambda: ["j-1"])
    asked: list[tuple[str, Any]] = field(default_factory=list)
    refuse: dict[str, ClientError] = field(default_factory=dict)
    page: int = 50

    def _ask(self, call: str, what: Any) -> None:
        self.asked.append((call, what))
        if call in self.refuse:
            raise self.refuse[call]

    def get_paginator(self, name: str) -> Emr:
        assert name == "list_clusters"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self._ask("ListClusters", asked)
        for name in self.alive:
            yield {"Clusters": [{"Id": name, "Name": f"of {name}", "Status": {"State": "RUNNING"}}]}

    def describe_cluster(self, ClusterId: str) -> dict[str, Any]:
        self._ask("DescribeCluster", ClusterId)
        return {"Cluster": {"Status": {"State": "TERMINATED"}}}

    def list_steps(
        self,
        ClusterId: str,
        StepIds: list[str] | None = None,
        Marker: str = "0",
    ) -> dict[str, Any]:
        self._ask("ListSteps", StepIds or f"page {Marker}")
        if StepIds:
            assert len(StepIds) <= 10
            return {"Steps": [s for s in self.steps() if s["Id"] in StepIds]}
        first = int(Marker)
        more = {"Marker": str(first + self.page)} if first + self.page < len(self.states) else {}
        return {"Steps": self.steps()[first : first + self.page], **more}

    def steps(self) -> list[dict[str, Any]]:
        """The newest first."""
        made = [
            {
                "Id": f"s-{n}",
                "Name": f"Export{n:03d} t{n}",
                "Status": {
                    "State": state.removesuffix("!"),
                    "Timeline": {} if state.endswith("!") else {"StartDateTime": START},
                },
            }
            for n, state in enumerate(self.states)
        ]
        return made[::-1]

    def count(self, call: str) -> int:
        return sum(name == call for name, _ in self.asked)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return [seconds since the start, seconds slept], which sleeping moves."""
    moment = [0.0, 0.0]

    def sleep(seconds: float) -> None:
        moment[0] += seconds
        moment[1] += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(clock, "now", lambda: START + timedelta(seconds=moment[0]))
    return moment


def look(
    emr: Emr, handle: Handle, state: str = "RUNNING", calls: EmrCalls | None = None, **doubt: Any
) -> emr_steps.Looked:
    """Look once, as an invocation of its own, at what is on record."""
    kept = json.loads(json.dumps(handle))
    handle.clear()
    handle.update(kept)
    found: Any = emr
    doubted = doubt.get("doubt", ())
    return emr_steps.look(calls or EmrCalls(), found, handle, {"State": state}, 200, doubted)


def states(looked: emr_steps.Looked) -> dict[int, str]:
    return {n: steps[0]["Status"]["State"] for n, steps in looked.steps.items()}


def spent() -> EmrCalls:
    """Return what a pass has that has asked for steps as often as it may."""
    calls, emr = EmrCalls(), Emr(["RUNNING"])
    found: Any = emr
    with pytest.raises(LimitError):
        while True:
            calls.steps(found, "j-1", ["s-0"])
    assert emr.count("ListSteps") == 29
    return calls


# pace


def test_some_are_asked_at_once_the_others_in_their_turn(now: list[float]) -> None:
    emr, calls = Emr(["RUNNING"]), EmrCalls()
    found: Any = emr
    for _ in range(5):
        calls.steps(found, "j-1", ["s-0"])
    assert now[1] == 0
    for _ in range(24):
        calls.steps(found, "j-1", ["s-0"])
    assert now[1] == 60
    with pytest.raises(LimitError):
        calls.steps(found, "j-1", ["s-0"])
    assert emr.count("ListSteps") == 29
    # whoever has its time elsewhere waits for nothing
    now[0] += 300
    for _ in range(5):
        calls.steps(found, "j-1", ["s-0"])
    assert now[1] == 60
    # another call has turns of its own
    calls.wait_for_turn("RunJobFlow")
    assert now[1] == 60


def test_a_listing_is_not_begun_that_could_not_be_ended(now: list[float]) -> None:
    emr, calls = Emr(["PENDING!"] * 200), EmrCalls()
    found: Any = emr
    for _ in range(26):
        calls.steps(found, "j-1", ["s-0"])
    with pytest.raises(LimitError):
        calls.all_steps(found, "j-1", 200)
    assert emr.count("ListSteps") == 26


@pytest.mark.parametrize("call", ["ListSteps", "ListClusters", "DescribeCluster"])
def test_a_rate_that_is_met_is_not_insisted_on(now: list[float], call: str) -> None:
    emr, calls = Emr(["RUNNING"]), EmrCalls()
    found: Any = emr
    asks = {
        "ListSteps": lambda: calls.steps(found, "j-1", ["s-0"]),
        "ListClusters": lambda: calls.status(found, "j-1"),
        "DescribeCluster": lambda: calls.status(found, "j-2"),
    }
    emr.refuse[call] = refusal("ThrottlingException")
    for _ in range(3):
        with pytest.raises(LimitError):
            asks[call]()
    assert emr.count(call) == 1
    emr.refuse.clear()
    now[0] += 121
    asks[call]()
    assert emr.count(call) == 2


def test_a_fault_of_emrs_is_told_once_and_a_denial_each_time(now: list[float]) -> None:
    emr, calls = Emr(), EmrCalls()
    found: Any = emr
    emr.refuse["ListClusters"] = refusal("InternalServerException", 500)
    with pytest.raises(ClientError):
        calls.status(found, "j-1")
    with pytest.raises(LimitError):
        calls.status(found, "j-1")
    emr.refuse["ListClusters"] = refusal("AccessDeniedException")
    now[0] += 121
    for _ in range(2):
        with pytest.raises(ClientError, match="AccessDenied"):
            calls.status(found, "j-1")


# clusters


def test_one_listing_serves_all_batches_of_a_pass(now: list[float]) -> None:
    emr, calls = Emr(alive=[f"j-{n}" for n in range(30)]), EmrCalls()
    found: Any = emr
    for name in emr.alive:
        assert calls.status(found, name) == {"State": "RUNNING"}
    assert [name for name, _ in emr.asked] == ["ListClusters"]
    # one that is not alive, or is not listed yet, is asked about itself
    assert calls.status(found, "j-99") == {"State": "TERMINATED"}
    now[0] += 61
    calls.status(found, "j-1")
    assert (emr.count("ListClusters"), emr.count("DescribeCluster")) == (2, 1)


@pytest.mark.parametrize(("code", "known"), [("InvalidRequestException", True), ("Other", False)])
def test_a_cluster_that_emr_does_not_know(now: list[float], code: str, known: bool) -> None:
    emr = Emr()
    found: Any = emr
    emr.refuse["DescribeCluster"] = refusal(code)
    if known:
        assert EmrCalls().status(found, "j-99") is None
    else:
        with pytest.raises(ClientError):
            EmrCalls().status(found, "j-99")


def test_names_are_listed_once_for_all_starts(now: list[float]) -> None:
    emr, calls = Emr(), EmrCalls()
    found: Any = emr
    assert calls.named(found, "of j-1", START) == "j-1"
    assert calls.named(found, "b001", START + timedelta(seconds=9)) is None
    calls.started("b001", "j-7")
    assert calls.named(found, "b001", START) == "j-7"
    assert emr.count("ListClusters") == 1
    # of an older batch, after a lost answer, and after a minute: anew
    calls.named(found, "b002", START - timedelta(hours=1))
    calls.started("b002", None)
    emr.alive.append("j-8")
    assert calls.named(found, "of j-8", START) == "j-8"
    now[0] += 61
    calls.named(found, "of j-8", START)
    assert emr.count("ListClusters") == 4


# steps


def test_a_full_cluster_is_listed_once_and_then_asked_about_its_oldest(now: list[float]) -> None:
    emr, handle = Emr(["PENDING!"] * 120), dict[str, Any](cluster="j-1")
    assert len(look(emr, handle, "STARTING").steps) == 120
    assert [what for _, what in emr.asked] == ["page 0", "page 50", "page 100"]
    emr.asked.clear()
    assert len(look(emr, handle, "BOOTSTRAPPING").steps) == 120
    assert emr.asked == []
    emr.states[:4] = ["COMPLETED", "FAILED", "COMPLETED", "RUNNING"]
    looked = look(emr, handle)
    assert emr.asked == [("ListSteps", [f"s-{n}" for n in range(10)])]
    assert [states(looked)[n] for n in range(5)] == [*emr.states[:4], "PENDING"]
    assert len(looked.steps) == 120
    # those that were over are told from the record, and others asked about
    emr.asked.clear()
    emr.states[:16] = ["COMPLETED"] * 15 + ["RUNNING"]
    looked = look(emr, handle)
    assert [len(ids) for _, ids in emr.asked] == [10, 10]
    assert emr.asked[0][1][0] == "s-3"
    assert {n: state for n, (state, _) in looked.told.items()} == {
        0: "COMPLETED",
        1: "FAILED",
        2: "COMPLETED",
    }
    assert [n for n, state in states(looked).items() if state == "RUNNING"] == [15]
    assert look(emr, handle).told.keys() == set(range(15))


def test_a_cluster_that_is_gone_is_asked_until_nothing_of_ten_began(now: list[float]) -> None:
    emr, handle = Emr(["PENDING!"] * 60), dict[str, Any](cluster="j-1")
    look(emr, handle)
    emr.states[:] = ["COMPLETED"] * 4 + ["INTERRUPTED"] + ["CANCELLED!"] * 55
    emr.asked.clear()
    looked = look(emr, handle, "TERMINATED")
    assert emr.count("ListSteps") == 2
    assert looked.complete
    assert states(looked) == {n: s.removesuffix("!") for n, s in enumerate(emr.states)}
    assert handle["steps"] == []
    # one that was cancelled while it ran did begin, and ten of them say nothing of the next
    emr.states[:], handle = ["CANCELLED"] * 10 + ["COMPLETED"], {"cluster": "j-1"}
    look(Emr(["PENDING!"] * 11), handle)
    assert states(look(emr, handle, "TERMINATED"))[10] == "COMPLETED"


def test_what_a_person_cancelled_is_no_end_of_the_others(now: list[float]) -> None:
    emr, handle = Emr(["PENDING!"] * 14), dict[str, Any](cluster="j-1")
    look(emr, handle)
    emr.states[:] = ["CANCELLED!"] * 12 + ["RUNNING", "PENDING!"]
    assert states(look(emr, handle))[12] == "RUNNING"


def test_nothing_is_said_of_what_could_not_be_asked(now: list[float]) -> None:
    emr, handle = Emr(["PENDING!"] * 30), dict[str, Any](cluster="j-1")
    looked = look(emr, handle, calls=spent())
    assert (looked.complete, looked.steps, "steps" in handle) == (False, {}, False)
    # one that starts runs nothing, whether it could be listed or not
    assert look(emr, handle, "STARTING", spent()).complete
    look(emr, handle)
    emr.states[:11] = ["COMPLETED"] * 10 + ["RUNNING"]
    emr.asked.clear()
    calls = EmrCalls()
    found: Any = emr
    for _ in range(28):
        calls.steps(found, "j-1", ["s-0"])
    looked = look(emr, handle, calls=calls)
    # what was answered counts
    assert (looked.complete, states(looked)) == (False, dict.fromkeys(range(10), "COMPLETED"))
    assert look(emr, handle).told.keys() == set(range(10))


def test_a_job_that_may_have_been_added_is_looked_for(now: list[float]) -> None:
    emr, handle = Emr(["RUNNING"]), dict[str, Any](cluster="j-1")
    look(emr, handle)
    emr.states.append("PENDING!")
    emr.asked.clear()
    assert states(look(emr, handle, doubt=[1])) == {0: "RUNNING", 1: "PENDING"}
    assert emr.asked == [("ListSteps", "page 0")]
    # it is known now
    look(emr, handle, doubt=[1])
    assert emr.asked[1:] == [("ListSteps", ["s-0", "s-1"])]
    # nor is one that starts complete while nobody knows
    assert not look(emr, handle, "STARTING", spent(), doubt=[2]).complete


def test_what_was_added_needs_no_listing(now: list[float]) -> None:
    emr, handle = Emr(["COMPLETED"]), dict[str, Any](cluster="j-1")
    look(emr, handle)
    emr_steps.note(handle, [("s-1", 7)])
    assert emr_steps.known(handle) == {0, 7}
    emr.states.append("RUNNING")
    emr.asked.clear()
    assert states(look(emr, handle)) == {7: "RUNNING"}
    assert emr.asked == [("ListSteps", ["s-1"])]


def test_a_job_with_two_steps_is_over_when_both_ended_alike(now: list[float]) -> None:
    """The second says that something may read on."""
    emr, handle = Emr(["COMPLETED", "FAILED"]), dict[str, Any](cluster="j-1")
    handle["steps"] = [["s-0", 0], ["s-1", 0]]
    for _ in range(2):
        looked = look(emr, handle)
        assert [s["Id"] for s in looked.steps[0]] == ["s-1", "s-0"]
        assert looked.told == {}
    emr.states[1] = "COMPLETED"
    look(emr, handle)
    assert handle["steps"] == []


def test_a_handle_of_an_older_version_is_taken_up(now: list[float]) -> None:
    """It has the cluster and no step."""
    emr, handle = Emr(["COMPLETED", "RUNNING", "PENDING!"]), dict[str, Any](cluster="j-1")
    assert states(look(emr, handle)) == {0: "COMPLETED", 1: "RUNNING", 2: "PENDING"}
    assert handle["steps"] == [["s-1", 1], ["s-2", 2]]
    assert handle["told"] == {"0": ["COMPLETED", None]}
