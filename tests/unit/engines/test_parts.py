"""Workers that read parts of one table, seen as one."""

from __future__ import annotations

import pytest

from hippolyte.engines.engine import JobState, JobStatus
from hippolyte.engines.parts import PartStatus, joined, summed
from hippolyte.engines.workers import TableRecord, part_name, part_of

T = [f"2026-11-24T0{hour}:00:00Z" for hour in range(9)]


def part(state: str = "", gone: bool = False, why: str = "", **members: object) -> PartStatus:
    known = TableRecord(state, **members) if state else None  # type: ignore[arg-type]
    return PartStatus("b001", known, gone, why)


def test_names_lead_back_to_the_first() -> None:
    assert [part_name("b001", number) for number in range(3)] == ["b001", "b001-p2", "b001-p3"]
    assert [part_of(part_name("r012", number)) for number in (0, 1, 8, 9, 41)] == [
        ("r012", 0),
        ("r012", 1),
        ("r012", 8),
        ("r012", 9),
        ("r012", 41),
    ]


@pytest.mark.parametrize("end", ["0", "1", "02", "-1", "", "\u0662"])
def test_no_other_name_leads_to_a_part(end: str) -> None:
    """One made up by hand would read what another worker reads, at a pace of its own."""
    name = f"b001-p{end}"
    assert part_of(name) == (name, 0)


def test_nothing_is_known_before_any_has_begun() -> None:
    assert joined([part(), part()]) == JobStatus(JobState.WAITING)


def test_it_is_under_way_since_the_first_began_and_got_on_when_the_last_did() -> None:
    found = joined(
        [part("read", begun=T[2], at=T[3]), part(), part("reading", begun=T[1], at=T[4])]
    )
    assert found == JobStatus(JobState.RUNNING, started_at=T[1], progress_at=T[4])


@pytest.mark.parametrize("over", ["read", "done"])
def test_it_is_read_when_one_says_so_and_dead_when_all_are_over(over: str) -> None:
    first = part("done", begun=T[1], at=T[5])
    for other, dead in (
        (part("reading"), False),
        (part("reading", True), True),
        (part(over), True),
    ):
        found = joined([other, first])
        assert (found.state, found.dead, found.finished_at) == (JobState.SUCCEEDED, dead, T[5])


def test_it_failed_when_one_did_and_may_be_read_until_all_have_left() -> None:
    bad = part("failed", reason="it is gone", begun=T[1], at=T[2])
    for gone in (False, True):
        found = joined([part("reading", gone, reason="slow"), bad])
        assert found.state is JobState.FAILED
        assert (found.dead, found.error) == (gone, "it is gone")


def test_what_is_whole_has_not_failed() -> None:
    """It was deleted before the second of two that finish it looked at it once more."""
    found = joined([part("failed", reason="it is gone"), part("done", at=T[5])])
    assert (found.state, found.error) == (JobState.SUCCEEDED, "")


def test_a_part_that_is_lost_ends_the_others() -> None:
    lost = part("more", gone=True, why="its execution ended as FAILED")
    found = joined([part("reading", begun=T[1]), lost])
    assert found.state is JobState.CANCELLED
    assert not found.dead
    assert found.error == "worker b001 ended: its execution ended as FAILED"
    unsaid = joined([part("reading"), part("more", gone=True)])
    assert unsaid.error == "worker b001 ended before its part was read"
    # one that never began as well
    assert joined([part("reading"), part(gone=True)]).state is JobState.CANCELLED


def test_one_whose_workers_are_all_gone_does_not_wait_for_those_of_other_tables() -> None:
    lost = part("reading", gone=True, why="its execution ended as FAILED")
    found = joined([lost], gone=False)
    assert (found.state, found.dead) == (JobState.CANCELLED, True)
    assert found.error == "worker b001 ended: its execution ended as FAILED"


def test_a_worker_that_ends_with_its_part_read_is_not_lost() -> None:
    assert joined([part("reading"), part("read", gone=True)]).state is JobState.RUNNING


@pytest.mark.parametrize("states", [["more"], ["more", "read"], ["read", "read"]])
def test_when_all_are_gone_the_batch_says_what_that_means(states: list[str]) -> None:
    found = joined([part(state, gone=True) for state in states], gone=True)
    assert (found.state, found.dead) == (JobState.RUNNING, False)


def test_what_they_say_is_summed() -> None:
    one = TableRecord("read", 10, 100, 1.5, 2, 3, 3, "", T[2], T[3])
    other = TableRecord("reading", 5, 50, 0.5, 1, 4, 1, "slow", T[1], None)
    assert summed([one, other]) == TableRecord("reading", 15, 150, 2.0, 3, 7, 4, "slow", T[1], T[3])
    assert summed([one]) == one
