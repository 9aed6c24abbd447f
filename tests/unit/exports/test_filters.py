"""Filters over keys: they never say no to a key that is there, and seldom yes to another."""

from __future__ import annotations

import json
import random
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.exports import filters
from hippolyte.exports.filters import File, head_end, is_filter, key_hash, keys_of, packed
from hippolyte.exports.manifest import FormatError

FILE = File("0000-000000.json.gz", 4096, "md5", "etag")


def answers(data: bytes, key: bytes) -> list[bool]:
    """Ask a filter as a look-up does: by its head and the block of the key."""
    head = filters.parse_head(data[: head_end(data[:100])])
    begin, end = head.place(key)
    return list(head.may_hold(key, data[begin:end]))


@given(
    st.lists(st.sets(st.binary(max_size=3), max_size=40), min_size=1, max_size=5),
    st.integers(1, 40),
    st.binary(max_size=3),
)
def test_a_key_that_is_there_is_never_denied(
    keys: list[set[bytes]], block_keys: int, other: bytes
) -> None:
    before = filters._BLOCK_KEYS
    filters._BLOCK_KEYS = block_keys
    try:
        data = packed("pk", [keys_of(FILE, set(map(key_hash, some))) for some in keys])
    finally:
        filters._BLOCK_KEYS = before
    for number, some in enumerate(keys):
        for key in some:
            assert answers(data, key)[number]
    assert len(answers(data, other)) == len(keys)


@given(st.lists(st.sets(st.integers(0, 2**32 - 1), max_size=30), min_size=1, max_size=4))
def test_hashes_at_the_ends_of_blocks_are_told_apart(hashes: list[set[int]]) -> None:
    edges = {0, 1, 2**31, 2**31 - 1, 2**32 - 1}
    files = [keys_of(FILE, some | (edges if n % 2 else set())) for n, some in enumerate(hashes)]
    data = packed("pk", files)
    head = filters.parse_head(data)
    for n, one in enumerate(files):
        for key in (b"", b"\0", b"abc"):
            begin, end = head.place(key)
            said = list(head.may_hold(key, data[begin:end]))[n]
            assert said == (key_hash(key) >> (32 - one.bits) in one.hashes)


@pytest.mark.parametrize("form", ['S":"customer#{}', 'N":"{}', 'S":"{:032x}'])
def test_other_keys_are_seldom_taken_for_one_and_a_key_takes_few_bits(form: str) -> None:
    source = random.Random(1)
    keys = [form.format(n).encode() for n in source.sample(range(10**7), 60_000)]
    parts = [keys[at : at + 5000] for at in range(0, 50_000, 5000)]
    data = packed("pk", [keys_of(FILE, set(map(key_hash, part))) for part in parts])
    assert len(data) * 8 / 50_000 < 13
    said = [yes for key in keys[50_000:52_000] for yes in answers(data, key)]
    assert sum(said) / len(said) < 0.01
    head = filters.parse_head(data)
    assert head.attribute == "pk"
    assert head.files == (FILE,) * 10
    begin, end = head.place(keys[0])
    assert end - begin < 40_000


def test_what_is_damaged_or_of_another_version_is_no_filter() -> None:
    data = packed("pk", [keys_of(FILE, {1, 2, 3})])
    head = filters.parse_head(data)
    with pytest.raises(FormatError, match="no filter"):
        head_end(b"something else that is long enough")
    with pytest.raises(FormatError, match="damaged"):
        filters.parse_head(data[:30] + b"\0" + data[31:])
    with pytest.raises(FormatError, match="damaged"):
        list(head.may_hold(b"x", data[head.start : -2]))
    with pytest.raises(FormatError, match="damaged"):
        list(head.may_hold(b"x", zlib.compress(b"\1\0\0\0")))
    told = zlib.compress(json.dumps({"version": 9}).encode())
    later = data[:17] + len(told).to_bytes(4, "little") + told
    with pytest.raises(FormatError, match="version 9"):
        filters.parse_head(later)


@given(st.integers(0, len(packed("pk", [keys_of(FILE, set(range(50)))])) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_found_or_harmless(at: int, flip: int) -> None:
    data = bytearray(packed("pk", [keys_of(FILE, set(range(50)))]))
    whole = answers(bytes(data), b"x")
    data[at] ^= flip
    with suppress(FormatError):
        assert answers(bytes(data), b"x") == whole


def test_a_file_is_known_by_its_checksum_or_else_its_etag() -> None:
    assert FILE.mark == File("0000-000000.json.gz", 4096, "md5", "another").mark
    assert FILE.mark != File("0000-000000.json.gz", 4096, "other", "etag").mark
    assert File("a", 1, etag="x").mark != File("a", 1, etag="y").mark
    assert File("a", 1, etag="x").mark != File("a", 2, etag="x").mark


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("_filters/ab.keys", True),
        ("AWSDynamoDB/01-ab/_filters/ab.keys", True),
        ("_filters/ab.json", False),
        ("ab.keys", False),
        ("data/ab.keys", False),
    ],
)
def test_names(name: str, is_one: bool) -> None:
    assert is_filter(name) == is_one
