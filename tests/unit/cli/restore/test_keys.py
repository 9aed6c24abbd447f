from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte_cli.restore.keys import NoKeyError, key_finder, key_of

NAMES = ["pk", "s k"]
TEXT = st.text(alphabet=list('ab"\\{}:,pkS é\n'), max_size=6) | st.sampled_from(
    ['"pk":{"S":"x', '\\"pk":{"S":"', "pk", "}"]
)
KEYS = st.one_of(
    st.builds(lambda each: {"S": each}, TEXT),
    st.builds(lambda each: {"N": each}, st.sampled_from(["1", "10", "1.0", "1E1", "-0", "0", "7"])),
    st.builds(lambda each: {"B": each}, st.sampled_from(["AA==", "AQ=="])),
)
# the key's names stand in maps, too
INNER = st.recursive(
    KEYS,
    lambda inner: st.builds(
        lambda each: {"M": each}, st.dictionaries(st.sampled_from([*NAMES, "x"]), inner)
    ),
    max_leaves=4,
)


@given(KEYS, KEYS, st.dictionaries(TEXT.filter(lambda n: n not in NAMES), INNER), st.booleans())
def test_the_key_in_the_text_is_the_items(
    one: dict[str, Any], other: dict[str, Any], more: dict[str, Any], last: bool
) -> None:
    keys = {"pk": one, "s k": other}
    item = {**more, **keys} if last else {**keys, **more}
    wanted = key_of(item, NAMES)
    for ascii_only in (False, True):
        text = json.dumps(item, ensure_ascii=ascii_only, separators=(",", ":")).encode()
        assert key_finder(NAMES)(text) == wanted


@given(KEYS, KEYS)
def test_keys_are_equal_by_value(one: dict[str, Any], other: dict[str, Any]) -> None:
    def value(key: dict[str, Any]) -> Any:
        ((kind, text),) = key.items()
        return kind, float(text) if kind == "N" else text

    found = [key_of({"pk": key}, ["pk"]) for key in (one, other)]
    assert (found[0] == found[1]) == (value(one) == value(other))


def test_a_name_that_is_spelt_in_another_way() -> None:
    span = rb'{"\u0070k":{"S":"right"},"m":{"M":{"pk":{"S":"wrong"}}}}'
    assert key_finder(["pk"])(span) == (b'S":"right',)


@pytest.mark.parametrize(
    ("span", "why"),
    [
        (b'{"x":{"S":"1"}}', "no attribute pk"),
        (b'{"pk":{"BOOL":true}}', "pk, of the table's key, is of type BOOL"),
        (b'{"pk":{"SS":["a"]}}', "pk, of the table's key, is of type SS"),
        (b'{"pk":{"M":{"pk":{"S":"1"}}}}', "is of type M"),
    ],
)
def test_an_item_without_the_key(span: bytes, why: str) -> None:
    with pytest.raises(NoKeyError, match=why):
        key_finder(["pk"])(span)
