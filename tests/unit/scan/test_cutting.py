"""Items cut out of a Scan's answer, judged by json: whatever a server may answer."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hippolyte.scan.cutting import Cut, Nonsense, cut

# what a rule about text could take for an item's end, a string's end, a member of the answer
TRAPS = (
    "}},{",
    '}},{"',
    '}},{"pk":{"S":"x"}}',
    '"Items":[',
    '"Items":[{"pk":{"S":"x"}}]',
    "}]",
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    "\\\\",
    '\\"',
    '\\\\"',
    "} }, { ",
    ":{",
    "ü",
    "\u2028",
    "😀",
    "\x00\x1f\x7f",
    "\r\n\t",
    "/",
)
NAMES = ("S", "N", "B", "M", "L", "NULL", "BOOL", "SS", "NS", "BS", "Items", "Count", "pk", "Item")
texts = st.lists(st.sampled_from(TRAPS) | st.text(max_size=6), max_size=3).map("".join)
# as they come from most tables: the text rule has no reason to give up
plain = st.characters(exclude_characters="{}[]", exclude_categories=["Cs"])
plain_texts = st.text(plain, max_size=9)
damages = st.tuples(st.floats(0, 1), st.integers(0, 9), st.sampled_from(TRAPS))


def values(text: st.SearchStrategy[str], names: st.SearchStrategy[str]) -> Any:
    """Make the values of attributes, as JSON has them."""

    def larger(inner: Any) -> Any:
        return st.builds(lambda some: {"L": some}, st.lists(inner, max_size=4)) | st.builds(
            lambda some: {"M": some}, st.dictionaries(names, inner, max_size=3)
        )

    scalars = st.one_of(
        st.builds(lambda x: {"S": x}, text),
        st.builds(lambda x: {"N": str(x)}, st.integers()),
        st.sampled_from([{"NULL": True}, {"BOOL": False}, {"B": "AAEC/w=="}, {"M": {}}, {"L": []}]),
        st.builds(lambda x: {"SS": x}, st.lists(text, min_size=1, max_size=3)),
    )
    return st.recursive(scalars, larger, max_leaves=6)


def answers(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Make answers with their members in any order."""
    names = st.sampled_from(NAMES) | text
    items = st.lists(st.dictionaries(names, values(text, names), max_size=4), max_size=6)
    key = st.dictionaries(names, st.builds(lambda x: {"S": x}, text), min_size=1, max_size=2)

    def answer(items: list[Any], key: Any, seed: int) -> dict[str, Any]:
        members = {
            "Items": items,
            "Count": len(items),
            "ScannedCount": len(items),
            "ConsumedCapacity": {"CapacityUnits": 0.5, "TableName": "t"},
            **({"LastEvaluatedKey": key} if key else {}),
        }
        return dict(Random(seed).sample(list(members.items()), len(members)))

    return st.builds(answer, items, st.none() | key, st.integers())


class Speller:
    """Spells a value as JSON in one of the many ways that are legal."""

    def __init__(self, source: Random) -> None:
        self.source = source
        self.blanks = source.choice(["none", "none", "json", "any"])
        self.escapes = source.choice(["raw", "raw", "lower", "upper", "any"])

    def blank(self, after: str = "") -> str:
        if self.blanks == "json":
            return " " if after in (",", ":") else ""
        if self.blanks == "any":
            return self.source.choice(["", "", " ", "\n", "\r\n  ", "\t"])
        return ""

    def text(self, value: str) -> str:
        spelt = [self._character(character) for character in value]
        return '"' + "".join(spelt) + '"'

    def _character(self, character: str) -> str:
        must = character in '"\\' or character < " "
        how = self.escapes
        if how == "any":
            how = self.source.choice(["raw", "lower", "upper", "short"])
        if how == "short" and character in '"\\/\b\f\n\r\t':
            return json.dumps(character)[1:-1] if character != "/" else "\\/"
        if how in ("raw", "short") and not must:
            return character
        if how in ("raw", "short"):
            return json.dumps(character)[1:-1]
        units = character.encode("utf-16-be", "surrogatepass")
        codes = [f"{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2)]
        if not must and character.isascii():
            return character
        return "".join("\\u" + (code.upper() if how == "upper" else code) for code in codes)

    def spell(self, value: Any) -> str:
        b = self.blank
        if isinstance(value, dict):
            pairs = [
                f"{b()}{self.text(name)}{b()}:{b(':')}{self.spell(one)}{b()}"
                for name, one in value.items()
            ]
            return "{" + (b() if not pairs else "") + ("," + b(",")).join(pairs) + "}"
        if isinstance(value, list):
            return "[" + b() + ("," + b(",")).join(self.spell(v) + b() for v in value) + "]"
        return self.text(value) if isinstance(value, str) else json.dumps(value)


def _utf8(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def judge(body: bytes) -> Cut:
    """Cut, and hold every part against json's."""
    oracle, found = json.loads(body), cut(body)
    assert [json.loads(item) for item in found.items] == oracle["Items"]
    assert json.loads(found.rest) == {**oracle, "Items": []}
    for item in found.items:
        assert item[:1] == b"{"
        assert item[-1:] == b"}"
        assert b"\n" not in item
        assert b"\r" not in item
        # as it came, if its line breaks are let be
        assert item in body.replace(b"\n", b" ").replace(b"\r", b" ")
    return found


@settings(max_examples=200, deadline=None)
@given(answers(texts).filter(_utf8), st.integers())
def test_any_answer_gives_the_items_json_gives(answer: dict[str, Any], seed: int) -> None:
    judge(Speller(Random(seed)).spell(answer).encode())


@settings(max_examples=200, deadline=None)
@given(answers(plain_texts), st.booleans())
@example({"Items": [{"pk": {"S": "x\\"}}, {"\\\\": {"S": '\\"'}}], "Count": 2}, True)
@example({"Count": 0, "Items": [], "LastEvaluatedKey": {"pk": {"S": "x"}}}, True)
@example({"Items": [{"M": {"M": {"M": {"M": {}}}}}, {"M": {"L": [{"M": {}}]}}], "Count": 2}, True)
def test_compact_answers_are_never_parsed(answer: dict[str, Any], ascii_only: bool) -> None:
    body = json.dumps(answer, separators=(",", ":"), ensure_ascii=ascii_only).encode()
    # an item without attributes, which no table has, has no end that looks like one
    assert judge(body).parsed == ({} in answer["Items"])


@settings(max_examples=200, deadline=None)
@given(
    answers(texts).filter(_utf8),
    st.integers(),
    st.lists(damages, min_size=1, max_size=3),
)
def test_a_damaged_answer_is_refused_or_read_as_json_reads_it(
    answer: dict[str, Any], seed: int, damage: list[tuple[float, int, str]]
) -> None:
    text = Speller(Random(seed)).spell(answer)
    for where, length, instead in damage:
        place = int(where * len(text))
        text = text[:place] + instead + text[place + length :]
    try:
        oracle = json.loads(text)
    except ValueError:
        oracle = None
    try:
        found = cut(text.encode())
    except Nonsense:
        return
    if oracle is not None:
        assert [json.loads(item) for item in found.items] == oracle["Items"]
        assert oracle["Count"] == len(found.items)


@pytest.mark.parametrize(
    "body",
    [
        # braces of strings that add up: both items' ends would be where none is
        b'{"Count":2,"Items":[{"a":{"S":"{"}},{"b":{"S":"}"},"c":{"S":"}},{"},"d":{"S":"{"}}]}',
        # another member's items
        b'{"Other":{"Items":[{"a":{"S":"x"}}]},"Count":1,"Items":[{"b":{"S":"x"}}]}',
        b'{"Count":1,"Items":[{"a":{"S":"x"}}],"Items":[{"b":{"S":"x"}}]}',
        b'{"Count":1,"Items":[{"b":{"S":"x"}}],"Other":{"Items":[{"a":{"S":"x"}}]}}',
        b'{"Count":2,"Items":[{"a":{"S":"x"}}, {"b":{"S":"x"}}] ,"Other":[{"a":{"S":1}},{"b":1}]}',
        # a line break inside an item, one between items
        b'{"Count":1,"Items":[{"pk":\n{"S":"x"}}]}',
        b'{"Count":2,"Items":[{"a":{"S":"x"}},\n{"b":{"S":"x"}}],"ScannedCount":2}',
        b'{"Count":2,"Items":[{"a":{"S":"x"}}, {"b":{"S":"x"}}],"ScannedCount":2}',
        b' {"Count":1,"Items":[{"a":{"L":[ ] } } ]}\n',
        b'{"Items":[{"a":{"S":"x"}}],"Count":1} ',
        b'{"Count":1,"Items":[{"a":{"L":[{"L":[]},{"S":"x"}]}}]}',
        b'{"Count":0,"Items":[]}',
    ],
)
def test_what_looks_like_an_end_and_is_none(body: bytes) -> None:
    judge(body)


def test_what_is_cut_is_the_services_own_spelling() -> None:
    item = b'{"pk":{"S":"\\u000B\\u00fc\\/\xc3\xbc"},"n":{"N":"1.50E+3"}}'
    found = cut(b'{"Count":2,"Items":[' + item + b"," + item + b'],"ScannedCount":2}')
    assert found == Cut([item, item], b'{"Count":2,"Items":[],"ScannedCount":2}', parsed=False)


def test_a_pretty_printed_item_is_one_line() -> None:
    body = json.dumps({"Count": 1, "Items": [{"pk": {"S": "a\nb"}}]}, indent=2).encode()
    (item,) = judge(body).items
    assert json.loads(item) == {"pk": {"S": "a\nb"}}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "JSON"),
        (b"<html>busy</html>", "JSON"),
        (b"[]", "JSON"),
        (b'{"Count":0,"Items":[]} and more', "JSON"),
        (b'{"Count":0,"Items":[]', "JSON"),
        (b'{"Count":1,"Items":[{"pk":{"S":"x"}}', "JSON"),
        (b'{"Count":1,"Items":[{"pk":{"S":"\n"}}]}', "JSON"),
        (b'{"Count":1,"Items":[{"pk":{"S":"\xff"}}]}', "utf-8"),
        (b'{"Count":1,"Items":[{"pk":{"S":"\x01"}}]}', "JSON"),
        (b'{"Count":1,"Items":[{"pk":{"S":"x"}},[1],2]}', "no item"),
        (b'{"Count":1,"ScannedCount":1}', "no Items"),
        (b'{"Items":[{"pk":{"S":"x"}}]}', "Count is None, and Items has 1"),
        (b'{"Count":2,"Items":[{"pk":{"S":"x"}}]}', "Count is 2, and Items has 1"),
        (b'{"Count":1,"Items":{"pk":{"S":"x"}}}', "no list"),
        (b'{"Count":1,"Items":["pk"]}', "no item"),
        (b'{"Count":1,"Items":[5,{"pk":{"S":"x"}}]}', "no item"),
        (b'{"Count":1,"Items":null}', "no list"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_nonsense_is_refused_in_words(body: bytes, why: str) -> None:
    with pytest.raises(Nonsense, match=why) as raised:
        cut(body)
    assert len(str(raised.value)) < 400
