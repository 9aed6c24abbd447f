"""The DynamoDBExport format: byte for byte as the tool writes it, every trap of what it reads."""

from __future__ import annotations

import gzip
import io
import json
import re
import string
from collections.abc import Callable, Iterable
from typing import IO, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippolyte.exports import dynamodbexport
from hippolyte.exports.dynamodbexport import (
    FormatError,
    Item,
    data_files,
    decode_item,
    encode_item,
    manifest_bytes,
    parse_manifest,
    read_items,
    relocate,
    write_export,
)

# the samples of the reference: lines that the tool's own serializer wrote
SAMPLES = [
    (
        rb'{"pk":{"s":"invoice#17"},"rank":{"n":"42"},"rate":{"n":"-0.000123"},'
        rb'"blob":{"b":"AAH+//s="},"paid":{"bOOL":false},"gone":{"nULL":true}}',
        {
            "pk": {"S": "invoice#17"},
            "rank": {"N": "42"},
            "rate": {"N": "-0.000123"},
            "blob": {"B": b"\x00\x01\xfe\xff\xfb"},
            "paid": {"BOOL": False},
            "gone": {"NULL": True},
        },
    ),
    (
        '{"pk":{"s":"sets"},"tags":{"sS":["a","","zürich"]},"nums":{"nS":["1","2.5"]},'
        '"keys":{"bS":["aGk=",""]},"empty":{"s":""},"nobytes":{"b":""}}'.encode(),
        {
            "pk": {"S": "sets"},
            "tags": {"SS": ["a", "", "zürich"]},
            "nums": {"NS": ["1", "2.5"]},
            "keys": {"BS": [b"hi", b""]},
            "empty": {"S": ""},
            "nobytes": {"B": b""},
        },
    ),
    (
        '{"pk":{"s":"nested"},"doc":{"m":{"deep":{"l":[{"s":"tab\\t q\\" b\\\\ sl/ <&>\'= é'
        ' \\u2028 \\u0001 😀"},{"bOOL":true},{"nULL":true}]},"nothing":{"m":{}}}},'
        '"list":{"l":[]}}'.encode(),
        {
            "pk": {"S": "nested"},
            "doc": {
                "M": {
                    "deep": {
                        "L": [
                            {"S": "tab\t q\" b\\ sl/ <&>'= é \u2028 \u0001 😀"},
                            {"BOOL": True},
                            {"NULL": True},
                        ]
                    },
                    "nothing": {"M": {}},
                }
            },
            "list": {"L": []},
        },
    ),
]


@pytest.mark.parametrize(("line", "item"), SAMPLES, ids=["scalars", "sets", "nested"])
def test_samples_of_the_tool_are_read_and_written_byte_for_byte(line: bytes, item: Item) -> None:
    assert decode_item(line) == item
    assert encode_item(item) == line + b"\n"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('"\\\t\b\n\r\f', r"\"\\\t\b\n\r\f"),
        ("\x00\x01\x1f", r"\u0000\u0001\u001f"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("/<>&'=\x7f\x85\ufeff", "/<>&'=\x7f\x85\ufeff"),
        ("é😀", "é😀"),
    ],
    ids=["short escapes", "controls", "line separators", "raw", "utf-8"],
)
def test_strings_are_escaped_as_gson_does(text: str, quoted: str) -> None:
    assert encode_item({text: {"S": text}}) == f'{{"{quoted}":{{"s":"{quoted}"}}}}\n'.encode()


# --- property tests --------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,37})(\.[0-9]{1,30})?(E[+-]?[0-9]{1,2})?", fullmatch=True
)
binaries = st.binary(max_size=40)


def typed(kind: str, content: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return content.map(lambda value: {kind: value})


def sets(element: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(element, min_size=1, max_size=4, unique=True)


scalars = st.one_of(
    typed("S", texts),
    typed("N", numbers),
    typed("B", binaries),
    typed("BOOL", st.booleans()),
    typed("NULL", st.just(True)),
    typed("SS", sets(texts)),
    typed("NS", sets(numbers)),
    typed("BS", sets(binaries)),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        typed("L", st.lists(inner, max_size=4)),
        typed("M", st.dictionaries(st.one_of(names, st.sampled_from(["s", "n", "m", "l"])), inner)),
    ),
    max_leaves=12,
)
# names that are type keys too, so that a value and an attribute map look alike
items = st.dictionaries(
    st.one_of(names, st.sampled_from(["s", "n", "m", "l", "S", "M"])),
    values,
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(items)
def test_any_item_survives_write_and_read(item: Item) -> None:
    assert decode_item(encode_item(item)) == item


@settings(max_examples=40, deadline=None)
@given(st.lists(items, max_size=7), st.integers(1, 3), st.booleans())
def test_any_export_survives_write_and_read(
    content: list[Item], items_per_file: int, compress: bool
) -> None:
    files = export(content, items_per_file=items_per_file, compress=compress)
    assert read(files) == sorted(content, key=repr)


TYPE_KEYS = {"s", "n", "b", "sS", "nS", "bS", "m", "l", "bOOL", "nULL"}


def check_value(value: Any) -> None:
    [(key, content)] = value.items()
    assert key in TYPE_KEYS
    if key == "m":
        for inner in content.values():
            check_value(inner)
    elif key == "l":
        for inner in content:
            check_value(inner)


@settings(deadline=None)
@given(items)
def test_any_line_keeps_the_rules_of_the_reference(item: Item) -> None:
    line = encode_item(item)
    text = line.decode("utf-8")
    assert text.endswith("}\n") and text.count("\n") == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\u2028\u2029]", text)
    parsed = json.loads(text)
    for value in parsed.values():
        check_value(value)
    # compact, and nothing escaped that the tool leaves raw
    again = json.dumps(parsed, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert again.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029") == text


@settings(deadline=None)
@given(items, st.randoms(use_true_random=False))
def test_type_keys_are_read_in_any_letter_case(item: Item, random: Any) -> None:
    def spell(value: Any) -> Any:
        [(kind, content)] = value.items()
        key = "".join(random.choice([letter.lower(), letter.upper()]) for letter in kind)
        if kind == "M":
            return {key: {name: spell(inner) for name, inner in content.items()}}
        return {key: [spell(inner) for inner in content] if kind == "L" else content}

    encoded = json.loads(encode_item(item))
    respelt = {name: spell(_canonical(value)) for name, value in encoded.items()}
    assert decode_item(json.dumps(respelt).encode()) == item


def _canonical(value: Any) -> Any:
    [(key, content)] = value.items()
    if key == "m":
        content = {name: _canonical(inner) for name, inner in content.items()}
    if key == "l":
        content = [_canonical(inner) for inner in content]
    return {key.upper(): content}


# --- what other versions wrote ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('{"a":{"nULLValue":true}}', {"NULL": True}),
        ('{"a":{"NULL":"true"}}', {"NULL": True}),
        ('{"a":{"bOOL":"true"}}', {"BOOL": True}),
        ('{"a":{"BOOL":"False"}}', {"BOOL": False}),
        ('{"a":{"N":42}}', {"N": "42"}),
        ('{"a":{"n":1.10}}', {"N": "1.10"}),
        ('{"a":{"n":12345678901234567890123456789012345678}}', {"N": f"{'1234567890' * 4:.38}"}),
        ('{"a":{"n":-1E-130}}', {"N": "-1E-130"}),
        ('{"a":{"nS":[1,"2",3.0]}}', {"NS": ["1", "2", "3.0"]}),
        (' { "a" : { "s" : "x" } } \r\n', {"S": "x"}),
        ('{"a":{"s":"raw\x01control"}}', {"S": "raw\x01control"}),
        ('{"a":{"s":"\\u00e9\\/\\ud83d\\ude00"}}', {"S": "é/😀"}),
    ],
)
def test_other_spellings_are_read(line: str, value: dict[str, Any]) -> None:
    assert decode_item(line.encode()) == {"a": value}


def test_numbers_never_turn_into_another_type() -> None:
    [digits] = decode_item(b'{"a":{"n":42}}')["a"].values()
    assert type(digits) is str


def test_oldest_form_without_braces_is_read() -> None:
    line = b'id\x03{"s":"x"}\x02scores\x03{"nS":["1","2"]}\x02na "me\x03{"m":{"k":{"s":"v"}}}\n'
    assert decode_item(line) == {
        "id": {"S": "x"},
        "scores": {"NS": ["1", "2"]},
        'na "me': {"M": {"k": {"S": "v"}}},
    }


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", 'c":', " :"]), values), min_size=1, max_size=4),
    st.sampled_from(["", " ", "\t", "\r", "  "]),
    st.sampled_from(["", " "]),
)
@settings(deadline=None)
def test_names_that_stand_twice_are_found_however_the_json_is_laid_out(
    pairs: list[tuple[str, Any]], before: str, after: str
) -> None:
    """Only names and the lines of their values: duplicates must be found, others let pass."""
    content = [
        json.dumps(name) + before + ":" + after + encode_item({"v": value}).decode()[5:-2]
        for name, value in pairs
    ]
    line = ("{" + ",".join(content) + "}").encode()
    if len(dict(pairs)) == len(pairs):
        assert decode_item(line) == dict(pairs)
    else:
        with pytest.raises(FormatError, match="stands twice"):
            decode_item(line)


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"a":{"s":"x","n":"1"}}', "exactly one type, not ['n', 's']"),
        ('{"a":{}}', "exactly one type"),
        ('{"a":{"x":"y"}}', "unknown type 'x'"),
        ('{"a":{"\u017f":"long s, upper case S"}}', "unknown type"),
        ('{"a":{"s":"1"},"a":{"s":"2"}}', "name 'a' stands twice"),
        ('{"a" :{"s" :"1"},"a":{"s":"2"}}', "name 'a' stands twice"),
        ('{"a":{"s":"x"},"a"\t:{"s" :"\\":"}}', "name 'a' stands twice"),
        ('{"b":{"s":"\\":"},"a":{"s":":"},"a":{"s":""}}', "name 'a' stands twice"),
        ('{"a":{"l":[{"s":"1"},{"m":{"b":{"s":""},"b":{"s":""}}}]}}', "name 'b' stands twice"),
        ('{"a":{"s":"1","s":"2"}}', "name 's' stands twice"),
        ('{"a":{"m":{"b":{"s":"1"},"b":{"s":"2"}}}}', "name 'b' stands twice"),
        ('{"a":{"s":"x"}}{"b":{"s":"y"}}', "Extra data"),
        ('{"a":{"s":"x"}} trailing', "Extra data"),
        ('{"a":{"s":"x"}', "not an item"),
        ('{"Item":{"pk":{"S":"native export"}}}', "unknown type 'pk'"),
        ('{"a":{"s":1}}', "a string is wanted"),
        ('{"a":{"s":null}}', "a string is wanted"),
        ('{"a":null}', "a value is an object"),
        ('{"a":{"n":"ten"}}', "a number is wanted, not 'ten'"),
        ('{"a":{"n":""}}', "a number is wanted"),
        ('{"a":{"n":"\u0661"}}', "a number is wanted"),
        ('{"a":{"n":NaN}}', "NaN is not JSON"),
        ('{"a":{"n":[1]}}', "a number is wanted"),
        ('{"a":{"b":"AA"}}', "not base64"),
        ('{"a":{"b":"A A="}}', "not base64"),
        ('{"a":{"b":"é"}}', "not base64"),
        ('{"a":{"b":[]}}', "a string is wanted"),
        ('{"a":{"b":false}}', "a string is wanted"),
        ('{"a":{"bOOL":"yes"}}', "true or false is wanted"),
        ('{"a":{"bOOL":1}}', "true or false is wanted"),
        ('{"a":{"nULL":false}}', "NULL is only ever true"),
        ('{"a":{"sS":[]}}', "never empty"),
        ('{"a":{"sS":"x"}}', "a set is an array"),
        ('{"a":{"sS":[1]}}', "a string is wanted"),
        ('{"a":{"l":{}}}', "an array is wanted"),
        ('{"a":{"m":[]}}', "an object is wanted"),
        ('{"a":{"s":"\\ud83d"}}', "not an item"),
        ("{}", "an item without attributes"),
        ("[]", "neither a JSON object nor the old form"),
        ("\ufeff{}", "neither a JSON object nor the old form"),
        ('id\x03{"s":"x"}\x02id\x03{"s":"y"}', "name 'id' stands twice"),
        ('id\x03{"s":"x"}\x02', "neither a JSON object nor the old form"),
        ("", "blank line"),
        (" \n", "blank line"),
        ('{"a":' * 100_000, "not an item"),
    ],
)
def test_what_is_no_item_is_refused_with_file_and_line(line: str, problem: str) -> None:
    with pytest.raises(FormatError, match=re.escape(problem)) as caught:
        decode_item(line.encode(), "0e6e.gz", 7)
    assert str(caught.value).startswith("0e6e.gz, line 7: ")
    assert (caught.value.name, caught.value.line) == ("0e6e.gz", 7)


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(FormatError, match="utf-8"):
        decode_item(b'{"a":{"s":"\xff"}}')


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({}, "without attributes"),
        ({"a": {}}, "exactly one type"),
        ({"a": {"S": "x", "N": "1"}}, "exactly one type"),
        ({"a": {"X": "x"}}, "unknown type 'X'"),
        ({"a": {"N": 1}}, "low-level client"),
        ({"a": {"S": None}}, "low-level client"),
        ({"a": {"B": "text"}}, "low-level client"),
        ({"a": {"SS": "text"}}, "a list is wanted, not str"),
        ({"a": {"BS": b"bytes"}}, "a list is wanted, not bytes"),
        ({"a": {"NULL": False}}, "NULL is only ever true"),
        ({"a": {"BOOL": "true"}}, "BOOL is true or false"),
        ({"a": {"S": "\ud800"}}, "low-level client"),
        ({"a": "plain"}, "exactly one type|low-level client"),
    ],
)
def test_what_is_no_low_level_item_is_not_written(item: Any, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        encode_item(item)


# --- files -----------------------------------------------------------------------------------


def lines(*texts: str) -> io.BytesIO:
    return io.BytesIO("".join(texts).encode())


def test_items_are_read_across_chunks_and_long_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodbexport, "_CHUNK_BYTES", 7)
    content = [{"pk": {"S": letter * 100}} for letter in string.ascii_letters]
    body = b"".join(encode_item(item) for item in content)
    assert list(read_items(io.BytesIO(body), "f")) == content


@pytest.mark.parametrize(
    ("stream", "problem"),
    [
        (lines('{"a":{"s":"1"}}\n', '{"a":{"s":"2"}}'), "f, line 2: no line feed at the end"),
        (lines('{"a":{"s":"1"}}\n', '{"a":{"s":'), "f, line 2: no line feed at the end"),
        (lines('{"a":{"s":"1"}}\n', "\n", '{"a":{"s":"2"}}\n'), "f, line 2: blank line"),
        (lines("\n", '{"a":{"s":"2"}}\n'), "f, line 1: blank line"),
        (lines('{"a":{"s":"1"}}\n', " \r\n", "\n"), "f, line 2: blank line"),
        (lines('{"a":{"s":"1"}}\n', '{"a":{"s":1}}\n'), "f, line 2: a string is wanted"),
        (lines(), "f: empty"),
    ],
)
def test_damaged_files_are_refused_with_file_and_line(stream: io.BytesIO, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        list(read_items(stream, "f"))


def test_one_blank_line_at_the_end_is_let_pass() -> None:
    assert list(read_items(lines('{"a":{"s":"1"}}\n', "\n"), "f")) == [{"a": {"S": "1"}}]


def test_a_line_no_item_can_have_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodbexport, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(dynamodbexport, "_CHUNK_BYTES", 100)
    with pytest.raises(FormatError, match="f, line 1: longer than 1000 bytes"):
        list(read_items(io.BytesIO(b"x" * 5000), "f"))


def test_gzip_is_told_by_name_or_by_the_caller() -> None:
    body = gzip.compress(b'{"a":{"s":"1"}}\n')
    assert list(read_items(io.BytesIO(body), "f.gz")) == [{"a": {"S": "1"}}]
    assert list(read_items(io.BytesIO(body), "f", compressed=True)) == [{"a": {"S": "1"}}]


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:-5] + b"12345", lambda b: b[1:]])
def test_damaged_gzip_is_refused(damage: Callable[[bytes], bytes]) -> None:
    body = damage(gzip.compress(b'{"a":{"s":"1"}}\n' * 1000))
    with pytest.raises(FormatError, match=r"f\.gz: damaged gzip"):
        list(read_items(io.BytesIO(body), "f.gz"))


# --- directories -----------------------------------------------------------------------------


def export(
    content: Iterable[Item], directory: str = "s3://b/d", **options: Any
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}

    def put(name: str, body: IO[bytes]) -> None:
        assert name not in files
        files[name] = body.read()

    write_export(content, directory, put, **options)
    return files


def read(files: dict[str, bytes]) -> list[Item]:
    chosen = data_files(files, files["manifest"])
    found = (item for name in chosen for item in read_items(io.BytesIO(files[name]), name))
    return sorted(found, key=repr)


def test_an_export_is_data_then_manifest_then_success() -> None:
    content: list[Item] = [{"pk": {"N": str(number)}} for number in range(5)]
    files = export(content, items_per_file=2, names=iter(["aa-3", "bb-1", "cc-2"]))
    assert list(files) == ["aa-3", "bb-1", "cc-2", "manifest", "_SUCCESS"]
    assert files["aa-3"] == b'{"pk":{"n":"0"}}\n{"pk":{"n":"1"}}\n'
    assert files["cc-2"] == b'{"pk":{"n":"4"}}\n'
    assert files["_SUCCESS"] == b""
    assert files["manifest"] == (  # sorted by the reversed file name, no line feed at the end
        b'{"name":"DynamoDB-export","version":3,\n'
        b'"entries": [\n'
        b'{"url":"s3://b/d/bb-1","mandatory":true},\n'
        b'{"url":"s3://b/d/cc-2","mandatory":true},\n'
        b'{"url":"s3://b/d/aa-3","mandatory":true}\n'
        b"]}"
    )


def test_files_are_named_by_random_uuids() -> None:
    files = export([{"pk": {"S": "x"}}] * 2, items_per_file=1, compress=True)
    uuid4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.gz"
    assert [bool(re.fullmatch(uuid4, name)) for name in files] == [True, True, False, False]
    assert files["manifest"].count(b".gz") == 2


def test_an_empty_table_is_a_manifest_without_entries() -> None:
    files = export([])
    assert files == {
        "manifest": b'{"name":"DynamoDB-export","version":3,\n"entries": [\n\n]}',
        "_SUCCESS": b"",
    }
    assert parse_manifest(files["manifest"]) == []


def test_a_source_that_breaks_off_leaves_no_manifest() -> None:
    def source() -> Iterable[Item]:
        yield {"pk": {"S": "x"}}
        raise OSError("throttled")

    names: list[str] = []
    with pytest.raises(OSError, match="throttled"):
        write_export(source(), "s3://b/d", lambda name, body: names.append(name))
    assert names == []


def test_large_files_are_spooled_to_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodbexport, "_SPOOL_BYTES", 100)
    content: list[Item] = [{"pk": {"S": "x" * 50}}] * 10
    assert read(export(content)) == content


# --- manifest --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("manifest", "urls"),
    [
        (b'{"version":3}', []),
        (b'{"version":3,"entries":null,"more":{"a":1}}', []),
        (b'{"entries":[{"url":"s3a://b/f"}],"version":3}', ["s3a://b/f"]),
        (b'{"version":3,"entries":[{"url":"s3n://b/a b/f","mandatory":false}]}', ["s3n://b/a b/f"]),
    ],
)
def test_manifests_are_read_as_the_import_tool_does(manifest: bytes, urls: list[str]) -> None:
    assert parse_manifest(manifest) == urls


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (b"", "not JSON"),
        (b'{"name":"DynamoDB-export","version":3,\n"entries": [\n', "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "version is None, only 3 is known"),
        (b'{"version":4}', "version is 4"),
        (b'{"version":"3"}', "version is '3'"),
        (b'{"version":3.0}', "version is 3.0"),
        (b'{"version":3,"entries":{"url":"s3://b/f"}}', "entries is not a list"),
        (b'{"version":3,"entries":["s3://b/f"]}', "entry 1 has no s3:// url"),
        (b'{"version":3,"entries":[{"url":"s3://b/f"},{"url":"s3://b/d/"}]}', "entry 2 has no"),
        (b'{"version":3,"entries":[{"url":"s3://b"}]}', "entry 1 has no s3:// url"),
        (b'{"version":3,"entries":[{"url":"/etc/passwd"}]}', "entry 1 has no s3:// url"),
        (b'{"version":3,"entries":[{"url":"s3://b/.."}]}', "entry 1 has no s3:// url"),
        (
            b'{"version":3,"entries":[{"url":"s3://b/f"},{"url":"s3://c/f"}]}',
            "file f is listed twice",
        ),
    ],
)
def test_bad_manifests_are_refused(manifest: bytes, problem: str) -> None:
    with pytest.raises(FormatError, match=f"manifest: {problem}"):
        parse_manifest(manifest)


@given(st.sets(st.from_regex(r"s3://b/([a-z\"é]{1,5}/)?[a-z0-9-]{1,9}", fullmatch=True)))
def test_any_manifest_survives_write_and_read(urls: set[str]) -> None:
    by_name = {url.rpartition("/")[2]: url for url in urls}
    read_back = parse_manifest(manifest_bytes(by_name.values()))
    assert read_back == [by_name[name] for name in sorted(by_name, key=lambda name: name[::-1])]


@pytest.mark.parametrize("directory", ["s3://new/place", "s3://new/place/"])
def test_files_are_looked_for_beside_the_manifest(directory: str) -> None:
    assert relocate("s3://old/somewhere/0e6e.gz", directory) == "s3://new/place/0e6e.gz"


def test_only_listed_files_are_data() -> None:
    names = ["0e6e", "orphan", "manifest", "_SUCCESS", "", "x_$folder$"]
    assert data_files(names, manifest_bytes(["s3://old/p/0e6e"])) == ["0e6e"]


def test_a_missing_listed_file_is_an_error() -> None:
    with pytest.raises(FormatError, match=r"manifest: 1 listed file\(s\) missing, first 77a1"):
        data_files(["0e6e"], manifest_bytes(["s3://b/77a1", "s3://b/0e6e"]))


def test_a_missing_manifest_is_refused_unless_allowed() -> None:
    names = ["77a1", "0e6e", "_SUCCESS", ".crc", "sub/file", "", "_temporary/x", "d_$folder$"]
    with pytest.raises(FormatError, match="no manifest"):
        data_files(names, None)
    assert data_files(names, None, allow_missing_manifest=True) == ["0e6e", "77a1"]
