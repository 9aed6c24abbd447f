"""Blocks of lines into items: whatever an item holds, as the line by line readers read it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hippolyte.exports import item_pattern, lines
from hippolyte.exports.dynamodbexport import FormatError, decode_item, encode_item
from hippolyte.exports.json_numbers import parse_strictly
from hippolyte.exports.lines import Form, Item, Lines

NATIVE, TOOL = Form.NATIVE, Form.DYNAMODBEXPORT

# marks of JSON and of both formats in strings, so that text rules are tempted
_TEMPTING = [
    "s",
    "S",
    "m",
    "M",
    '":',
    '{"s":"',
    '{"m":{',
    "}},{",
    "\\",
    '"',
    "\n",
    "Item",
    "\u2028",
]
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.lists(st.sampled_from(_TEMPTING), max_size=4).map("".join),
)
names = st.one_of(
    st.sampled_from(["s", "n", "m", "l", "S", "M", "Item", "a"]),
    texts.filter(bool),
)
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,37})(\.[0-9]{1,9})?(E[+-]?[0-9]{1,2})?", fullmatch=True)
base64s = st.binary(max_size=150).map(lambda data: lines.dynamodb_json(data))


def typed(kind: str, content: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return content.map(lambda value: {kind: value})


def sets(element: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(element, min_size=1, max_size=3, unique=True)


values = st.recursive(
    st.one_of(
        typed("S", texts),
        typed("N", numbers),
        typed("B", base64s),
        typed("BOOL", st.booleans()),
        typed("NULL", st.just(True)),
        typed("SS", sets(texts)),
        typed("NS", sets(numbers)),
        typed("BS", sets(base64s)),
    ),
    lambda inner: st.one_of(
        typed("L", st.lists(inner, max_size=3)),
        typed("M", st.dictionaries(names, inner, max_size=3)),
    ),
    max_leaves=10,
)
items = st.dictionaries(names, values, min_size=1, max_size=4)
blocks = st.lists(items, min_size=1, max_size=5)


def spelt(item: Item) -> bytes:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()


def native_line(item: Item) -> bytes:
    return b'{"Item":' + spelt(item) + b"}\n"


def lower(value: Any) -> Any:
    """Spell a value as the export tool does."""
    [(kind, content)] = value.items()
    if kind == "M":
        content = {name: lower(inner) for name, inner in content.items()}
    if kind == "L":
        content = [lower(inner) for inner in content]
    return {kind[0].lower() + kind[1:]: content}


def tool_line(item: Item) -> bytes:
    return spelt({name: lower(value) for name, value in item.items()}) + b"\n"


LINE = {NATIVE: native_line, TOOL: tool_line}
FORMS = pytest.mark.parametrize("form", [NATIVE, TOOL], ids=lambda form: form.name)


@FORMS
@settings(max_examples=60, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=3))
def test_any_items_are_read_as_they_were_written(form: Form, content: list[list[Item]]) -> None:
    parsed, cut = Lines(form), Lines(form)
    for block in content:
        written = b"".join(map(LINE[form], block))
        assert parsed.items(written, 1) == block
        assert [json.loads(span) for span in cut.spans(written, 1)] == block


@settings(max_examples=60, deadline=None)
@given(blocks)
def test_text_of_native_lines_is_cut_out_unchanged(block: list[Item]) -> None:
    written = b"".join(map(native_line, block))
    assert Lines(NATIVE).spans(written, 1) == list(map(spelt, block))


@settings(max_examples=60, deadline=None)
@given(blocks, st.booleans(), st.booleans())
def test_other_layouts_of_the_json_are_the_same_items(
    block: list[Item], ascii_only: bool, blanks: bool
) -> None:
    separators = (", ", ": ") if blanks else (",", ":")
    written = "".join(
        json.dumps({"Item": item}, ensure_ascii=ascii_only, separators=separators) + "\n"
        for item in block
    ).encode()
    assert Lines(NATIVE).items(written, 1) == block
    assert [json.loads(span) for span in Lines(NATIVE).spans(written, 1)] == block


def outcome(read: Any) -> Any:
    try:
        return read()
    except FormatError as error:
        return f"line {error.line}"


@st.composite
def damaged(draw: st.DrawFn, form: Form) -> list[bytes]:
    """Return lines, one of them changed at some places: mostly no JSON, or no item."""
    written = [LINE[form](item)[:-1] for item in draw(blocks)]
    place = draw(st.integers(0, len(written) - 1))
    line = bytearray(written[place])
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(line)))
        piece = draw(st.sampled_from([b"", *b'{ } [ ] " , : \\ a s S m n 1 \xff \x00'.split()]))
        line[at : at + draw(st.integers(0, 2))] = piece
    written[place] = bytes(line)
    return written


@settings(max_examples=150, deadline=None)
@example([b'{"b":{"b":"AAAAAa=="}}'])  # bits after the last byte
@example([b'{"b":{"b":"AAAAAAb="}}'])
@given(damaged(TOOL))
def test_damaged_lines_of_the_tool_are_read_and_refused_as_line_by_line(text: list[bytes]) -> None:
    def line_by_line() -> list[Item]:
        decoded = [decode_item(line, None, number) for number, line in enumerate(text, start=1)]
        return [
            {name: lines.dynamodb_json(value) for name, value in item.items()} for item in decoded
        ]

    block = b"".join(line + b"\n" for line in text)
    assert outcome(lambda: Lines(TOOL).items(block, 1)) == outcome(line_by_line)


@settings(max_examples=150, deadline=None)
@given(damaged(NATIVE))
def test_damaged_native_lines_are_read_as_json_has_them_or_refused(text: list[bytes]) -> None:
    block = b"".join(line + b"\n" for line in text)
    read = outcome(lambda: Lines(NATIVE).items(block, 1))
    if isinstance(read, str):
        bad = text[int(read.removeprefix("line ")) - 1]
        assert not item_pattern.lines(NATIVE.head, NATIVE.tail).fullmatch(bad + b"\n") or (
            not bad.isascii() or _twice(bad)
        )
    else:
        assert [json.loads(spelt(item)) for item in read] == read
        for line, item in zip(text, read, strict=True):
            parsed = json.loads(line.decode(), strict=False)
            assert list(parsed) == ["Item"]
            assert item.keys() == parsed["Item"].keys()


@settings(max_examples=150, deadline=None)
@given(damaged(NATIVE), st.data())
def test_a_block_is_read_as_json_reads_its_lines_one_by_one(
    text: list[bytes], data: st.DataObject
) -> None:
    """Also where a line feed, or what joins lines to an array, stands inside one."""
    block = b"\n".join(text) + b"\n"
    at = data.draw(st.integers(0, len(block) - 1))
    piece = data.draw(st.sampled_from([b"", b"\n", b",", b"],[", b"1],[2", b"}}\n", b'"}}}\n{"']))
    block = block[:at] + piece + block[at:]
    read = outcome(lambda: Lines(NATIVE).items(block, 1))
    if not isinstance(read, str):
        one_by_one = [json.loads(line.decode(), strict=False) for line in block.split(b"\n")[:-1]]
        assert [line["Item"].keys() for line in one_by_one] == [item.keys() for item in read]
        assert [one_kind(value) for item in read for value in item.values()]


def one_kind(value: Any) -> str:
    [kind] = value
    assert isinstance(kind, str)
    return kind


@FORMS
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'{"a":{"S":"x', b'y"}}'),
        (b'{"a":{"S":"x"}}', b"1],[2"),
        (b'{"a":{"S":"x"}},{"a":{"S":"y"}}', b""),
        (b'{"a":{"S":"x"}', b',"b":{"S":"y"}}'),
        (b'{"a":{"M":{"x":{"S":"y"}', b'"z":{"S":"y"}}}}'),
    ],
)
def test_two_lines_that_together_are_json_are_not_taken_for_items(
    form: Form, first: bytes, second: bytes
) -> None:
    good = LINE[form]({"a": {"S": "x"}})
    spelt_so = (lambda part: part) if form is NATIVE else bytes.lower
    head, tail = form.head.encode(), form.tail.encode()
    block = good + head + spelt_so(first) + b"\n" + spelt_so(second) + tail + b"\n" + good
    reader = Lines(form)
    for read in (reader.items, reader.spans):
        assert read(good, 1)  # the types are known then
        with pytest.raises(FormatError) as caught:
            read(block, 7)
        assert caught.value.line in (8, 9)


def _twice(line: bytes) -> bool:
    try:
        parse_strictly(line.decode())
    except FormatError:
        return True
    return False


@settings(max_examples=60, deadline=None)
@given(items)
def test_what_the_pattern_takes_is_an_item(item: Item) -> None:
    """The common line is taken: nothing but depth and half surrogate pairs is looked at closer."""
    taken = item_pattern.lines(NATIVE.head, NATIVE.tail).fullmatch(native_line(item))
    assert taken or depth(list(item.values())) > item_pattern.DEPTH


def depth(some: list[Any]) -> int:
    inner = [v for value in some for v in _inside(value)]
    return 1 + depth(inner) if some else 0


def _inside(value: Any) -> list[Any]:
    return [*value.get("M", {}).values(), *value.get("L", [])]


@FORMS
@pytest.mark.parametrize("levels", [1, item_pattern.DEPTH, item_pattern.DEPTH + 1, 31])
def test_values_in_values_are_read_at_any_depth(form: Form, levels: int) -> None:
    value: Any = {"N": "1"}
    for level in range(levels):
        value = {"L": [value]} if level % 2 else {"M": {"m": value}}
    block = [{"a": value}, {"b": {"S": "after"}}]
    assert Lines(form).items(b"".join(map(LINE[form], block)), 1) == block


@pytest.mark.parametrize(
    "line",
    [
        b'{"m":{"m":{"m":{"s":"x"}}}}',
        b'{"m":{"s":"x"},"n":{"m":{"m":{"n":"1"},"M":{"n":"2"}}}}',
        b'{"a":{"m":{}},"m":{"m":{"n":{"m":{"s":{"s":"{\\"s\\":"}}}}}}',
        b'{"a":{"l":[{"m":{"m":{"l":[]}}}]}}',
        b'id\x03{"s":"x"}\x02m\x03{"m":{"k":{"s":"v"}}}',
        b'{"a":{"n":42},"b":{"nULLValue":true},"c":{"bOOL":"true"}}',
    ],
)
def test_attributes_called_like_types_are_not_taken_for_them(line: bytes) -> None:
    reader = Lines(TOOL)
    expected = {name: lines.dynamodb_json(value) for name, value in decode_item(line).items()}
    for _ in range(2):  # once more, knowing the types
        assert reader.items(line + b"\n", 1) == [expected]
        assert [json.loads(span) for span in reader.spans(line + b"\n", 1)] == [expected]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"nonsense", "not an item"),
        (b'{"Item":{"a":{"S":"x"}}', "not an item"),
        (b'{"Item":{"a":{"S":"x"}}} more', "Extra data"),
        (b'{"Item":{"a":{"S":"x","N":"1"}}}', "exactly one type, not ['N', 'S']"),
        (b'{"Item":{"a":{}}}', "exactly one type"),
        (b'{"Item":{"a":{"X":"x"}}}', "unknown type 'X'"),
        (b'{"Item":{"a":{"N":"ten"}}}', "a number is wanted"),
        (b'{"Item":{"a":{"B":"AA"}}}', "not base64"),
        (b'{"Item":{"a":{"SS":[]}}}', "never empty"),
        (b'{"Item":{"a":{"S":"\\ud800"}}}', "not an item"),
        (b'{"Item":{"a":{"S":"\xff"}}}', "utf-8"),
        (b'{"Item":{}}', "without attributes"),
        (b'{"Item":[]}', "Item is no object"),
        (b'{"a":{"S":"x"}}', "no Item"),
        (b'{"Keys":{"a":{"S":"x"}},"NewImage":{"a":{"S":"x"}}}', "no Item"),
        (b'{"Item":{"a":{"S":"x"}},"Item":{"a":{"S":"y"}}}', "stands twice"),
        (b"[]", "no Item"),
        (b"", "blank line"),
    ],
)
def test_a_native_line_that_is_no_item_is_refused_with_its_number(
    line: bytes, problem: str
) -> None:
    good = native_line({"a": {"S": "x"}})
    for read in (Lines(NATIVE).items, Lines(NATIVE).spans):
        with pytest.raises(FormatError, match=re.escape(problem)) as caught:
            read(good * 3 + line + b"\n" + good, 10)
        assert caught.value.line == 13


@FORMS
@pytest.mark.parametrize("twice", ['"a"', '"\\""', '":"', '"a\\\\"', '"\\\\\\":"'])
@pytest.mark.parametrize("inside", [False, True])
def test_a_name_that_stands_twice_is_found_whatever_strings_hold(
    form: Form, twice: str, inside: bool
) -> None:
    def line(second: str) -> bytes:
        value = LINE[form]({"v": {"S": '":'}}).decode().removeprefix(form.head)[5:]
        value = value.removesuffix(f"}}{form.tail}\n")
        pairs = f"{{{twice}:{value},{second}:{value}}}"
        if inside:
            m = "M" if form is NATIVE else "m"
            pairs = f'{{"x":{{"{m}":{pairs}}}}}'
        return f"{form.head}{pairs}{form.tail}\n".encode()

    [item] = Lines(form).items(line('"other"'), 1)
    assert len(item["x"]["M"] if inside else item) == 2
    with pytest.raises(FormatError, match="stands twice") as caught:
        Lines(form).items(line('"other"') + line(twice), 1)
    assert caught.value.line == 2


def test_what_the_tool_writes_is_read_as_it_is_written() -> None:
    item = {"s": {"B": b"\x00\xff"}, "sS": {"BS": [b"", b"x"]}, "n": {"L": [{"NULL": True}]}}
    expected = {"s": {"B": "AP8="}, "sS": {"BS": ["", "eA=="]}, "n": {"L": [{"NULL": True}]}}
    assert Lines(TOOL).items(encode_item(item) * 2, 1) == [expected] * 2
