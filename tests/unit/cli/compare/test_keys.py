from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte_cli.compare.keys import Keys, NoKeyError
from hippolyte_cli.restore.keys import key_of

NAMES = ["pk", "s k"]
TEXT = st.text(alphabet=list('ab"\\{}:,pkS é\n'), max_size=6) | st.sampled_from(
    ['"pk":{"S":"x', '\\"pk":{"S":"', "pk", "}"]
)
NUMBER = st.sampled_from(["1", "10", "1.0", "1E1", "-0", "0", "7", "77", "123"])


def modulus() -> int:
    return secrets.randbits(61) | (1 << 61) | 1


@st.composite
def tables(draw: Any) -> list[dict[str, Any]]:
    """Give items of one table: their keys have one type each."""
    kinds = [draw(st.sampled_from("SN")) for _ in NAMES]
    values = {"S": TEXT.map(lambda v: {"S": v}), "N": NUMBER.map(lambda v: {"N": v})}
    key = st.tuples(*(values[kind] for kind in kinds))
    inner = st.dictionaries(st.sampled_from([*NAMES, "x"]), values["S"]).map(lambda v: {"M": v})
    rest = st.dictionaries(st.sampled_from(["a", "é"]), inner | values["S"])
    items = draw(st.lists(st.tuples(key, rest, st.booleans()), max_size=5))
    return [
        {**more, **dict(zip(NAMES, key, strict=True))}
        if last
        else {**dict(zip(NAMES, key, strict=True)), **more}
        for key, more, last in items
    ]


@given(tables(), st.booleans())
def test_keys_are_equal_where_those_of_the_parsed_items_are(
    items: list[dict[str, Any]], ascii_only: bool
) -> None:
    spans = [
        json.dumps(item, ensure_ascii=ascii_only, separators=(",", ":")).encode() for item in items
    ]
    keys = Keys(NAMES, modulus())
    together, alone = keys.of(spans), [keys.of([span])[0] for span in spans]
    assert together == alone
    found = [key_of(item, NAMES) for item in items]
    assert together == [b"\xff".join(key) for key in found]
    assert len(set(together)) == len(set(found))
    numbers = keys.numbers(together)
    assert len(set(numbers)) == len(set(together))


def test_a_quote_in_a_key_is_no_end_of_it() -> None:
    pairs = [('a"S":"b', "c"), ("a", 'b"S":"c'), ('a"b', "c"), ("a", 'b"c')]
    items = [{"pk": {"S": one}, "s k": {"S": other}} for one, other in pairs]
    spans = [json.dumps(item, separators=(",", ":")).encode() for item in items]
    assert len(set(Keys(NAMES, modulus()).of(spans))) == len(pairs)


@pytest.mark.parametrize(
    "key",
    [
        lambda n: b"customer#%08d" % n,
        lambda n: b"%d" % n,
        lambda n: b'tenant"%d' % n,
        lambda n: b"%032x" % n,
    ],
)
def test_numbered_keys_are_spread_over_all_partitions(key: Callable[[int], bytes]) -> None:
    numbers = Keys(["pk"], modulus()).numbers([key(n) for n in range(20_000)])
    for parts in (8, 128):
        counts = Counter(number % parts for number in numbers)
        assert len(counts) == parts
        assert max(counts.values()) < 2 * 20_000 / parts


def test_an_item_without_the_key_is_refused() -> None:
    with pytest.raises(NoKeyError, match="no attribute pk"):
        Keys(["pk"], 7).of([b'{"pk":{"S":"a"}}', b'{"k":{"S":"b"}}'])
