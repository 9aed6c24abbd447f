"""Which backups a night drills: the canary, one in turn, within bytes and dollars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hippolyte.planning.drill import Candidate, choose_drills, price
from hippolyte.record_form import iso
from tests.support.builders import plan, settings, table

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


def test_in_thirty_nights_each_has_its_turn_and_no_ceiling_is_passed() -> None:
    fleet = [Candidate(f"t-{n:02}", (n + 1) * 10_000_000) for n in range(24)]
    fleet += [Candidate("large", 6_000_000_000), Candidate("too-large", 11_000_000_000)]
    fleet += [Candidate("canary", 2_000_000_000), Candidate("out-1", 1)]
    fleet += [Candidate("keyed", 1, "a key")]
    rules = {"canary": "canary", "max_usd": 1.3, "exclude": ["out-*"]}
    given, last = settings(restore_drill=rules), dict[str, str]()
    done: dict[str, list[int]] = {each.table: [] for each in fleet}
    for number in range(61):
        now = NOW + timedelta(days=number)
        chosen, said = choose_drills(fleet, last, given, now)
        assert said == ["keyed: not drilled: a key"]
        assert sum(price(each.bytes, given) for each in chosen) <= 1.3
        assert all(each.bytes <= 10_000_000_000 for each in chosen)
        assert len(chosen) == 2
        for each in chosen:
            done[each.table].append(number)
            last[each.table] = iso(now)
    assert done["canary"] == list(range(61))
    for each in fleet[:24]:
        assert [n for n in done[each.table] if n < 30]
        assert [n for n in done[each.table] if n >= 30]
    assert done["large"] == [0, 30, 60]
    assert done["too-large"] == done["out-1"] == done["keyed"] == []


def test_a_plan_says_what_drills_cost_at_the_most() -> None:
    size = {"size_bytes": 4_000_000_000}
    fleet = (table("a", **size), table("b", **size), table("huge", size_bytes=20_000_000_000))
    scanned = {"engine": "lambda", "exporter": {"machine_arn": "arn"}}

    def cost(**rules: object) -> float:
        made = plan(*fleet, **scanned, restore_drill=rules)
        assert made.cost_usd == pytest.approx(sum(made.cost.values()), abs=0.006)
        return made.cost.get("drills", 0.0)

    assert "drills" not in plan(*fleet, **scanned).cost
    assert cost() == pytest.approx(0.6)
    assert cost(canary="a") == pytest.approx(1.2)
    assert cost(canary="a", max_usd=1.0) == pytest.approx(0.6)
    assert cost(canary="huge", exclude=["*"]) == 0
    assert cost(max_bytes=100) == 0
    # nothing that a cluster writes can be imported
    assert "drills" not in plan(*fleet, engine="datapipeline", restore_drill={}).cost


def test_what_is_left_of_a_drill_is_told_where_drills_are_off() -> None:
    fleet = (table("hippolyte-drill-a"), table("hippolyte-drill-b"), table("c"))
    (alert,) = plan(*fleet).alerts
    assert alert.startswith("hippolyte-drill-a, hippolyte-drill-b: restore drills' tables")
    assert plan(*fleet, restore_drill={}).alerts == ()
    assert plan(fleet[2]).alerts == ()


def test_a_canary_that_is_no_table_is_told() -> None:
    assert plan(table("a"), restore_drill={"canary": "a"}).alerts == ()
    (alert,) = plan(table("a"), restore_drill={"canary": "b"}).alerts
    assert alert == ("restore_drill.canary names 'b', and there is no such table: correct the name")
