"""What a link concludes from its predecessor's record, with no AWS."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.engines.workers import Record, cleared, died, to_read

NOW = "2026-11-24T00:00:00Z"


def test_all_tables_are_read_together_as_long_as_no_link_dies() -> None:
    assert to_read(Record(), ["a", "b", "c"]) == (["a", "b", "c"], None)


def test_one_death_is_nobodys_fault() -> None:
    record = died(Record(reading=("a", "b")))
    assert record.deaths == {"a": 1, "b": 1}
    assert to_read(record, ["a", "b"]) == (["a", "b"], None)


def test_after_two_deaths_half_of_them_is_read_apart() -> None:
    record = died(died(Record(reading=("a", "b", "c"))))
    assert to_read(record, ["a", "b", "c", "new"]) == (["a"], None)


def test_who_lives_is_cleared_and_the_others_are_looked_at() -> None:
    record = died(died(Record(reading=("a", "b", "c", "d"))))
    names, guilty = to_read(record, ["a", "b", "c", "d"])
    assert (names, guilty) == (["a", "b"], None)
    record = cleared(replace(record, reading=()), names)
    assert to_read(record, ["a", "b", "c", "d"]) == (["c"], None)


def test_who_kills_a_link_alone_is_not_read_again() -> None:
    record = died(died(Record(reading=("a", "b"))))
    record = died(replace(record, reading=("a",)))
    assert to_read(record, ["a", "b"]) == (["b"], "a")


def test_a_table_alone_on_its_worker_is_guilty_at_the_second_death() -> None:
    once = died(Record(reading=("a",)))
    assert to_read(once, ["a"]) == (["a"], None)
    assert to_read(died(once), ["a"]) == ([], "a")


@given(tables=st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_the_poison_is_found_within_a_few_deaths(tables: tuple[int, int]) -> None:
    """Each link that reads the poison dies; all others are read in the end."""
    count, poison = tables
    names = [f"t{n:03d}" for n in range(count)]
    wanted, record, deaths, links = list(names), Record(), 0, 0
    while wanted:
        links += 1
        read, guilty = to_read(record, wanted)
        if guilty:
            assert guilty == names[poison]
            wanted.remove(guilty)
            record = replace(record, deaths={}, suspects=())
            if not wanted:
                break
            read, none = to_read(replace(record, reading=()), wanted)
            assert none is None
        trial = bool(record.suspects)
        record = replace(record, reading=tuple(read))
        if names[poison] in read:
            deaths += 1
            record = died(record)
        elif trial:
            record = replace(cleared(record, read), reading=())
        else:
            wanted = []
    assert deaths <= 3 + count.bit_length()
    assert links <= 6 + 2 * count.bit_length()


@pytest.mark.parametrize("names", [[], ["a"]])
def test_suspects_that_are_over_hold_nobody_up(names: list[str]) -> None:
    record = died(died(Record(reading=("x", "y"))))
    assert to_read(record, names) == (names, None)
