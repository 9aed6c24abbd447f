"""The partition keys in items' text: none is missed, equal ones are spelt alike."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.exports.keys import finder, number, spelling

NAMES = ("pk", "p/k", 'p"k', "ключ", "Item")
TEXTS = st.text(
    st.characters(codec="utf-8") | st.sampled_from('"\\/{}:,\n\u2028'), max_size=8
) | st.sampled_from(['"pk":{"S":"x', '\\"pk":{"N":"1"}', "}"])
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False).map(str) | st.sampled_from(
    ["1", "1.0", "10E-1", "100", "1E2", "-0", "0", "007", "+7", "1.", ".5"]
)
VALUES = st.one_of(
    TEXTS.map(lambda text: {"S": text}),
    NUMBERS.map(lambda text: {"N": text}),
    st.binary(max_size=5).map(lambda data: {"B": base64.b64encode(data).decode()}),
)
OTHERS = st.dictionaries(TEXTS, VALUES | VALUES.map(lambda value: {"M": {"pk": value}}))


@given(
    st.sampled_from(NAMES),
    st.lists(st.tuples(VALUES, OTHERS, st.booleans(), st.booleans()), max_size=5),
)
def test_no_key_is_missed(name: str, made: list[tuple[Any, Any, bool, bool]]) -> None:
    spans = []
    for value, others, first, ascii_only in made:
        rest = {each: other for each, other in others.items() if each != name}
        item = {name: value, **rest} if first else {**rest, name: value}
        spans.append(json.dumps(item, separators=(",", ":"), ensure_ascii=ascii_only).encode())
    wanted = {spelling(value) for value, *_ in made}
    assert wanted <= set(finder(name)(spans))
    assert wanted <= set(finder(name)([b"".join(span + b"\n" for span in spans)]))
    native = b"".join(b'{"Item":%b}\n' % span for span in spans)
    assert wanted <= set(finder(name, "Item")([native]))


@given(NUMBERS, NUMBERS)
def test_numbers_are_spelt_alike_if_they_are_equal(one: str, other: str) -> None:
    from decimal import Decimal

    assert (number(one) == number(other)) == (Decimal(one) == Decimal(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"N": "1"}, {"N": "1.0"}),
        ({"N": "100"}, {"N": "1E2"}),
        # what follows the last whole byte is nothing
        ({"B": "AA=="}, {"B": "AB=="}),
    ],
)
def test_equal_values_are_spelt_alike(one: Any, other: Any) -> None:
    assert spelling(one) == spelling(other)
    texts = [json.dumps({"pk": value}, separators=(",", ":")).encode() for value in (one, other)]
    assert set(finder("pk")(texts)) == {spelling(one)}


def test_types_are_told_apart() -> None:
    assert len({spelling({kind: "11"}) for kind in ("S", "N")}) == 2
    assert spelling({"BOOL": True}) is None
    assert spelling({}) is None


def test_a_name_that_is_spelt_in_another_way() -> None:
    assert set(finder("pk")([rb'{"\u0070k":{"S":"a"}}'])) == {b'S":"a'}
    either = [rb'{"p\/k":{"S":"a"}}', b'{"p/k":{"S":"b"}}']
    assert set(finder("p/k")(either)) == {b'S":"a', b'S":"b'}


def test_an_item_without_the_key_has_none() -> None:
    without = [b'{"x":{"S":"a"}}', b'{"pk":{"BOOL":true}}', rb'{"x":{"S":"\u0061"}}']
    assert not finder("pk")(without) and not finder("pk")(without[:1])
