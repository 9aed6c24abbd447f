from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.exports.keys import number
from hippolyte_cli.restore.values import canonical_item, item_bytes, write_units

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str)
BINARIES = st.binary(max_size=9).map(lambda each: b64encode(each).decode())
SCALARS = st.one_of(
    st.builds(lambda each: {"S": each}, st.text(max_size=9)),
    st.builds(lambda each: {"N": each}, NUMBERS),
    st.builds(lambda each: {"B": each}, BINARIES),
    st.builds(lambda each: {"BOOL": each}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda each: {"SS": each}, st.lists(st.text(max_size=9), min_size=1, unique=True)),
    st.builds(lambda each: {"NS": each}, st.lists(NUMBERS, min_size=1, unique=True)),
    st.builds(lambda each: {"BS": each}, st.lists(BINARIES, min_size=1, unique=True)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.builds(lambda each: {"L": each}, st.lists(inner, max_size=4))
        | st.builds(lambda each: {"M": each}, st.dictionaries(st.text(max_size=5), inner))
    ),
    max_leaves=8,
)
ITEMS = st.dictionaries(st.text(min_size=1, max_size=5), VALUES, min_size=1, max_size=6)


@given(ITEMS)
def test_text_is_never_shorter_than_what_is_counted(item: dict[str, Any]) -> None:
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()
    assert 0 < item_bytes(item) < len(text)


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"pk": {"S": "abc"}}, 5),
        ({"pk": {"S": "\u00e9\U0001f600"}}, 8),
        ({"n": {"N": "0"}}, 2),
        ({"n": {"N": "1234"}}, 4),
        ({"n": {"N": "123450000"}}, 5),
        ({"n": {"N": "-12.5"}}, 4),
        ({"b": {"B": "AAEC"}}, 4),
        ({"t": {"BOOL": True}, "z": {"NULL": True}}, 4),
        ({"l": {"L": [{"S": "a"}, {"S": "bc"}]}}, 1 + 3 + 2 + 3),
        ({"m": {"M": {"k": {"S": "a"}}}}, 1 + 3 + 1 + 2),
        ({"s": {"SS": ["a", "bc"]}, "n": {"NS": ["1", "22"]}}, 4 + 5),
        ({"s": {"BS": ["AA==", "AAA="]}}, 4),
    ],
)
def test_an_item_counts_as_the_guide_says(item: dict[str, Any], size: int) -> None:
    assert item_bytes(item) == size


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (409_600, 400)])
def test_units_are_begun_kilobytes(size: int, units: int) -> None:
    assert write_units(size) == units


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(-9, 9))
def test_a_number_has_one_spelling(value: Decimal, power: int) -> None:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    other = Decimal((sign, (*digits, *[0] * abs(power)), exponent - abs(power)))
    assert number(str(other)) == number(str(value))
    assert Decimal(number(str(value))) == value


@given(NUMBERS, NUMBERS)
def test_numbers_are_the_same_by_value_only(one: str, other: str) -> None:
    assert (number(one) == number(other)) == (Decimal(one) == Decimal(other))


def test_values_are_compared_by_what_they_are() -> None:
    one = {
        "n": {"N": "1.0"},
        "s": {"NS": ["1", "2"]},
        "t": {"SS": ["a", "b"]},
        "b": {"B": "AAE="},
        "l": {"L": [{"N": "1"}, {"M": {"x": {"BS": ["AA==", "AQ=="]}}}]},
    }
    other = {
        "l": {"L": [{"N": "10E-1"}, {"M": {"x": {"BS": [b"\x01", b"\x00"]}}}]},
        "b": {"B": b"\x00\x01"},
        "t": {"SS": ["b", "a"]},
        "s": {"NS": ["2.00", "1"]},
        "n": {"N": "1"},
    }
    assert canonical_item(one) == canonical_item(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"S": "1"}, {"N": "1"}),
        ({"S": "AA=="}, {"B": "AA=="}),
        ({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]}),
        ({"NULL": True}, {"BOOL": True}),
        ({"L": []}, {"M": {}}),
        ({"SS": ["1"]}, {"NS": ["1"]}),
        ({"N": "1"}, {"N": "1.0000000000000000000000000000000000001"}),
    ],
)
def test_and_differ_by_what_they_are(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert canonical_item({"x": one}) != canonical_item({"x": other})
