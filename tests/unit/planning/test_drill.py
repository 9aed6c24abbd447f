"""Which backups a night drills: the canary, one in turn, within bytes and dollars."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hippolyte.planning.drill import Candidate, choose_drills
from tests.support.builders import settings

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)


def chosen(
    *candidates: Candidate, last: dict[str, str] | None = None, **rules: Any
) -> tuple[list[str], list[str]]:
    found, said = choose_drills(candidates, last or {}, settings(restore_drill=rules), NOW)
    return [each.table for each in found], said


def test_the_one_longest_without_a_drill_has_its_turn() -> None:
    fleet = (Candidate("a", 1), Candidate("b", 1), Candidate("c", 1))
    last = {"a": "2026-11-20T03:00:00Z", "b": "2026-11-19T03:00:00Z", "c": "2026-11-21T03:00:00Z"}
    assert chosen(*fleet, last=last) == (["b"], [])
    assert chosen(*fleet, last={"a": last["a"], "b": last["b"]}) == (["c"], [])


def test_a_table_above_a_ceiling_is_passed_over_and_the_canary_says_so() -> None:
    large, small = Candidate("a", 2_000), Candidate("b", 1_000)
    assert chosen(large, small, max_bytes=1_500) == (["b"], [])
    found, said = chosen(large, small, max_bytes=1_500, canary="a")
    assert found == ["b"]
    assert said == ["a, the canary: not drilled: its 2000 bytes are above max_bytes (1500)"]


def test_the_night_has_one_sum_for_canary_and_turn() -> None:
    fleet = (Candidate("a", 4_000_000_000), Candidate("b", 4_000_000_000), Candidate("c", 1))
    assert chosen(*fleet, canary="a", max_usd=1.0) == (["a", "c"], [])
    assert chosen(*fleet, canary="a", max_usd=1.3) == (["a", "b"], [])


def test_a_large_one_comes_seldom() -> None:
    large = Candidate("a", 600)
    assert chosen(large, max_bytes=1_000) == (["a"], [])
    assert chosen(large, max_bytes=1_000, last={"a": "2026-11-01T03:00:00Z"}) == ([], [])
    assert chosen(large, max_bytes=1_000, last={"a": "2026-10-20T03:00:00Z"}) == (["a"], [])


def test_what_cannot_be_imported_is_said_once() -> None:
    fleet = (Candidate("a", 1, "format x"), Candidate("b", 1, "format x"))
    assert chosen(*fleet) == ([], ["a, and 1 more: not drilled: format x"])
    assert chosen(canary="gone") == (
        [],
        ["gone, the canary: not drilled: it has no backup of tonight"],
    )
