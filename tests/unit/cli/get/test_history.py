"""What is told of items from night to night, and how values are shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.exports.lines import Item
from hippolyte_cli.get.history import Night, changed, stories
from hippolyte_cli.get.view import shown


def night(run: str, *items: Item, whole: bool = True, names: tuple[str, ...] = ("pk",)) -> Night:
    return Night(run, items, whole, names)


def of(pk: str, **more: Any) -> Item:
    return {"pk": {"S": pk}} | more


def told(*nights: Night) -> list[tuple[str, str]]:
    (story,) = stories(nights)
    return [(event.run, event.kind) for event in story.events]


def test_gone_is_only_what_certainly_is() -> None:
    nights = [night("1", of("a")), night("2", whole=False), night("3"), night("4", of("a"))]
    assert told(*nights) == [("1", "first seen"), ("3", "gone"), ("4", "back")]
    assert stories(nights[:2])[0].gone is None
    assert stories(nights[:3])[0].gone == "3"
    assert stories(nights[:3])[0].last == "1"


def test_found_in_a_night_that_is_not_whole_counts() -> None:
    one, other = of("a", n={"N": "1"}), of("a", n={"N": "2"})
    assert told(night("1", one), night("2", other, whole=False)) == [
        ("1", "first seen"),
        ("2", "changed"),
    ]


def test_a_number_that_is_only_spelt_in_another_way_has_not_changed() -> None:
    nights = [night("1", of("a", n={"N": "10"})), night("2", of("a", n={"N": "1E1"}))]
    assert told(*nights) == [("1", "first seen")]


def test_items_of_a_partition_are_told_apart_by_their_key() -> None:
    names = ("pk", "sk")
    one, other = of("a", sk={"N": "1"}), of("a", sk={"N": "2"})
    first = night("1", one, names=names)
    second = night("2", of("a", sk={"N": "1.0"}), other, names=names)
    found = stories([first, second])
    assert [(story.key["sk"], story.first, story.last) for story in found] == [
        ({"N": "1"}, "1", "2"),
        ({"N": "2"}, "2", "2"),
    ]


def test_an_item_without_the_key_of_its_table_harms_nothing() -> None:
    assert len(stories([night("1", of("a")), night("2", of("a"), names=("id",))])) == 2


VALUES = st.sampled_from(
    [{"S": "a"}, {"N": "1"}, {"N": "1.0"}, {"SS": ["a", "b"]}, {"SS": ["b", "a"]}, {"NULL": True}]
)
STATES = st.none() | st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)


@given(st.lists(STATES, max_size=8))
def test_the_events_played_again_are_the_nights(states: list[dict[str, Any] | None]) -> None:
    nights = [
        night(f"{n:03}", *([of("k", **state)] if state is not None else []))
        for n, state in enumerate(states)
    ]
    found = stories(nights)
    assert len(found) == any(state is not None for state in states)
    if not found:
        return
    events = {event.run: event for event in found[0].events}
    item: Item | None = None
    last: Item = {}
    for one in nights:
        event = events.get(one.run)
        if event and event.kind == "gone":
            item = None
        elif event:
            item = {**last, **{c.name: c.after for c in event.changes if c.after is not None}}
            for change in event.changes:
                if change.after is None:
                    del item[change.name]
            last = item
        seen = one.items[0] if one.items else None
        assert (item is None) == (seen is None)
        assert seen is None or not list(changed(item or {}, seen))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ({"S": "a b"}, "a b"),
        ({"S": "\x1b[2J"}, r'"\u001b[2J"'),
        ({"N": "1.50"}, "1.50"),
        ({"B": "AAE="}, 'b64"AAE="'),
        ({"BOOL": False}, "false"),
        ({"NULL": True}, "null"),
        ({"SS": ["a", "b"]}, '<"a", "b">'),
        ({"NS": ["1"]}, "<1>"),
        ({"L": [{"S": "a"}, {"M": {"b": {"N": "1"}}}]}, '["a", {"b": 1}]'),
        ({"L": [{"S": "x\n"}]}, r'["x\n"]'),
    ],
)
def test_values_for_people(value: Any, text: str) -> None:
    assert shown(value) == text
