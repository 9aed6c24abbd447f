"""A file of a segment: one ordinary gzip file, whatever pages it was made of."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.exports import native
from hippolyte.exports.manifest import FormatError
from hippolyte.scan import datafile
from hippolyte.scan.datafile import CHUNK, Buffer, Facts, add, facts, last_key, sealed
from hippolyte.scan.reading import Page

NOW = datetime(2026, 11, 23, 1, 2, 3, 456000, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.one_of(
    TEXTS.map(lambda text: {"S": text}),
    st.integers().map(lambda number: {"N": str(number)}),
    st.lists(TEXTS, min_size=1, max_size=3).map(lambda texts: {"SS": texts}),
)
ITEMS = st.dictionaries(TEXTS, VALUES, max_size=4).map(lambda item: item | {"pk": {"S": "k"}})


def page(items: list[dict[str, Any]], ascii_only: bool = False) -> Page:
    text = [json.dumps(item, ensure_ascii=ascii_only).encode() for item in items]
    return Page(text, len(text), 0.5 * len(text), None)


def filled(pages: list[list[dict[str, Any]]], level: int = 1) -> Buffer:
    buffer = Buffer()
    for one in pages:
        buffer = add(buffer, page(one), level)
    return buffer


@given(st.lists(st.lists(ITEMS, max_size=5), max_size=6), st.integers(0, 9), st.integers(1, 300))
def test_a_file_is_the_items_a_line_each(
    pages: list[list[dict[str, Any]]], level: int, chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datafile, "CHUNK", chunk)
        buffer = filled(pages, level)
        data = sealed(buffer, level)
    items = [item for one in pages for item in one]
    # json.loads of the whole text, not of splitlines: U+2028 is no end of a line
    text = gzip.decompress(data)
    assert [json.loads(line)["Item"] for line in text.split(b"\n")[:-1]] == items
    assert (buffer.items, buffer.text, buffer.units) == (len(items), len(text), len(items) / 2)
    if items:
        assert last_key(data, ["pk"], "x") == {"pk": {"S": "k"}}


def test_a_file_is_one_gzip_member_and_the_same_each_time() -> None:
    """Readers that stop after the first member read all of it."""
    items = [{"pk": {"S": f"{n}" * 100}} for n in range(5000)]
    pages = [items[n : n + 500] for n in range(0, 5000, 500)]
    data = sealed(filled(pages))
    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(data).count(b"\n") == 5000
    assert unpacker.eof
    assert unpacker.unused_data == b""
    assert data == sealed(filled(pages))
    # neither a time nor a name, as `gzip -n`
    assert data[3:8] == bytes(5)


def test_an_empty_file_is_a_gzip_of_nothing() -> None:
    assert gzip.decompress(sealed(Buffer())) == b""


def test_chunks_are_compressed_about_as_well_as_the_whole() -> None:
    chance = random.Random(1)
    items = [
        {"pk": {"S": f"{n}"}, "sum": {"N": str(chance.randrange(10**6))}, "state": {"S": "open"}}
        for n in range(20_000)
    ]
    buffer = filled([items[n : n + 100] for n in range(0, len(items), 100)])
    data = sealed(buffer)
    whole = gzip.compress(gzip.decompress(data), 1)
    assert len(data) < 1.05 * len(whole)
    # what is kept is what is compressed, and one chunk
    assert buffer.holds < len(data) + CHUNK


def test_facts_are_metadata_and_back() -> None:
    buffer = filled([[{"pk": {"S": "a"}}, {"pk": {"S": "b"}}]])
    data = sealed(buffer)
    for end in (True, False):
        said = facts(buffer, data, 40, NOW, end)
        assert (said.items, said.size, said.before, said.end) == (2, len(data), 40, end)
        assert said.md5 == native.checksum(data)
        metadata = said.metadata()
        assert Facts.of(metadata, "x") == said
        # S3: at most 2 KB, ASCII
        assert sum(len(name) + len(value) for name, value in metadata.items()) < 300
        assert all(value.isascii() for value in metadata.values())


@pytest.mark.parametrize("name", ["items", "size", "text", "units", "md5", "before", "written"])
def test_metadata_of_another_kind_are_told(name: str) -> None:
    good = facts(Buffer(), b"", 0, NOW, True).metadata()
    with pytest.raises(FormatError, match=r"data/x: its metadata are not a scan's"):
        Facts.of({key: value for key, value in good.items() if key != name}, "data/x")


@pytest.mark.parametrize(
    "key", [{"S": 'é"\n\\ '}, {"N": "-1.5"}, {"B": b"\x00\xff}},{"}], ids=["S", "N", "B"]
)
def test_a_key_is_as_the_sdk_takes_it(key: dict[str, Any]) -> None:
    said = {kind: "AP99fSx7" if kind == "B" else value for kind, value in key.items()}
    item = {"rest": {"S": "x" * 300_000}, "sk": said, "pk": {"S": "p"}}
    data = sealed(filled([[{"pk": {"S": "before"}, "sk": said}, item]]))
    assert last_key(data, ["pk", "sk"], "x") == {"pk": {"S": "p"}, "sk": key}


WITHOUT_LAST = {
    "nothing": b"",
    "no gzip": b"no gzip",
    "cut off": sealed(filled([[{"pk": {"S": "a"}}]]))[:-9],
    "another CRC": sealed(filled([[{"pk": {"S": "a"}}]]))[:-5] + b"\0\0\0\0\0",
    "no line": sealed(Buffer()),
    "no key": sealed(filled([[{"other": {"S": "a"}}]])),
    "no type": gzip.compress(b'{"Item":{"pk":"a"}}\n'),
    "no object": gzip.compress(b"[]\n"),
    "no UTF-8": gzip.compress(b"\xff\n"),
    "deep": gzip.compress(b"[" * 100_000),
    "no base64": gzip.compress(b'{"Item":{"pk":{"B":"?"}}}\n'),
}


@pytest.mark.parametrize("data", WITHOUT_LAST.values(), ids=WITHOUT_LAST)
def test_a_file_without_a_last_item_is_told(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"^data/x: "):
        last_key(data, ["pk"], "data/x")
