"""The door to a backup: where its files are found, what is refused, how it streams."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippolyte.exports import native, streams
from hippolyte.exports.dynamodbexport import manifest_bytes
from hippolyte.exports.lines import Item, Lines
from hippolyte.exports.reader import Folder, FormatError, find
from tests.support.exports import ITEMS, REAL, native_export, native_lines, tool_export


class Memory:
    """A place that holds its files in memory, and counts those that are open."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.open_now: set[io.BytesIO] = set()
        self.most = 0

    def names(self) -> Iterator[str]:
        return iter(self.files)

    def open(self, name: str) -> io.BytesIO:
        if name not in self.files:
            raise FileNotFoundError(name)
        place = self

        class Stream(io.BytesIO):
            def close(self) -> None:
                place.open_now.discard(self)
                super().close()

        stream = Stream(self.files[name])
        self.open_now.add(stream)
        self.most = max(self.most, len(self.open_now))
        return stream


class Once:
    """A stream that cannot go back."""

    def __init__(self, stream: io.BytesIO) -> None:
        self.read, self.close = stream.read, stream.close


def packed_by(
    files: dict[str, bytes], suffix: str, pack: Callable[[bytes], bytes]
) -> dict[str, bytes]:
    data = {
        name + suffix: pack(content)
        for name, content in files.items()
        if name not in ("manifest", "_SUCCESS")
    }
    return {**data, "manifest": manifest_bytes(f"s3://old/{name}" for name in data)}


def members(content: bytes) -> bytes:
    """Pack each line as a gzip member of its own, and pad the file with zeros."""
    lines = content.splitlines(keepends=True)
    return b"".join(map(gzip.compress, lines)) + bytes(512)


BACKUPS = {
    "native": native_export([ITEMS[:4], [], ITEMS[4:]]),
    "native, its own folder": native_export([ITEMS[:4], ITEMS[4:]], at=""),
    "native, below a directory": native_export([ITEMS], at="a/b/AWSDynamoDB/01-cd/"),
    "tool": tool_export(ITEMS),
    "tool, gzip": tool_export(ITEMS, compress=True),
    "tool, deflate": packed_by(tool_export(ITEMS), ".deflate", zlib.compress),
    "tool, gzip members": packed_by(tool_export(ITEMS), ".gz", members),
}


@pytest.mark.parametrize("files", BACKUPS.values(), ids=BACKUPS)
@pytest.mark.parametrize("at_once", [1, 2, 9])
def test_every_format_gives_the_same_items(files: dict[str, bytes], at_once: int) -> None:
    place = Memory(files)
    backup = find(place)
    items = list(backup.items(at_once))
    assert sorted(items, key=repr) == sorted(ITEMS, key=repr)
    assert [json.loads(span) for span in backup.spans(at_once)] == items
    assert place.most == min(at_once, sum(file.items != 0 for file in backup.files))
    assert not place.open_now


def test_files_come_in_the_manifests_order() -> None:
    assert list(find(Memory(BACKUPS["native"])).items()) == ITEMS


def test_several_files_at_once_give_an_item_each_in_turn() -> None:
    files = native_export([ITEMS[:2], ITEMS[2:7], ITEMS[7:]])
    order = [int(item["pk"]["N"]) for item in find(Memory(files)).items(at_once=2)]
    # the third begins where the first has ended
    assert order == [0, 2, 1, 3, 4, 7, 5, 8, 6, 9]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.integers(20, 70), st.sampled_from(["", ".gz", ".deflate"]))
def test_lines_are_whole_however_the_blocks_fall(block: int, last: int, suffix: str) -> None:
    content = native_lines([{"pk": {"S": "x" * n}} for n in range(last)])
    pack = {"": bytes, ".gz": gzip.compress, ".deflate": zlib.compress}[suffix]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(streams, "_BLOCK_BYTES", block)
        blocks = list(streams.whole_lines(io.BytesIO(pack(content)), f"f{suffix}"))
    assert b"".join(blocks) == content
    assert all(one.endswith(b"\n") for one in blocks)


def test_a_file_that_packs_well_does_not_fill_the_memory() -> None:
    content = (b'{"Item":{"a":{"S":"' + b"x" * 1000 + b'"}}}\n') * 20_000
    packed = gzip.compress(content)
    assert len(packed) < 100_000
    blocks = streams.whole_lines(io.BytesIO(packed), "f.gz")
    assert max(map(len, blocks)) < 200_000


def test_a_line_no_item_can_have_does_not_fill_the_memory() -> None:
    class Endless:
        given = 0

        def read(self, size: int, /) -> bytes:
            self.given += size
            return b"x" * size

    stream = Endless()
    with pytest.raises(FormatError, match="no item is"):
        list(streams.whole_lines(stream, "f"))
    assert stream.given < 2 * streams.MAX_LINE_BYTES


# --- places


def test_a_folder_is_a_place(tmp_path: Path) -> None:
    for name, content in BACKUPS["native"].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert list(find(Folder(tmp_path)).items()) == ITEMS
    assert list(find(Folder(tmp_path / "AWSDynamoDB" / "01-ab")).items()) == ITEMS


def test_a_file_is_taken_beside_its_manifest_before_its_stale_key() -> None:
    at, root = "copy/AWSDynamoDB/01-ab/", "AWSDynamoDB/01-ab/"
    files = native_export([ITEMS], at, root)
    files[f"{root}data/0.json.gz"] = gzip.compress(native_lines(ITEMS[:1]))
    assert list(find(Memory(files)).items()) == ITEMS


# --- what is refused


def changed(files: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    """Return a native export with other members in its summary."""
    name = f"AWSDynamoDB/01-ab/{native.SUMMARY}"
    return files | {name: json.dumps(json.loads(files[name]) | changes).encode()}


def without(files: dict[str, bytes], end: str) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if not name.endswith(end)}


NATIVE, TOOL = BACKUPS["native"], BACKUPS["tool"]
LISTED = next(iter(TOOL))


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "nothing lies here: look the place up in the catalogue"),
        ({"readme.txt": b""}, "neither manifest nor manifest-summary.json lies here"),
        (without(TOOL, "manifest"), "neither manifest nor manifest-summary.json lies here"),
        (
            without(TOOL, LISTED),
            f"manifest: 1 listed file(s) missing, first {LISTED}; copy this file again",
        ),
        (
            without(NATIVE, native.SUMMARY),
            "AWSDynamoDB/01-ab/_started: no manifest-summary.json beside it: the export has not"
            " ended, or failed; read another night's",
        ),
        (without(NATIVE, native.FILES), "AWSDynamoDB/01-ab/manifest-files.json: is missing; copy"),
        (
            without(NATIVE, "data/2.json.gz"),
            "AWSDynamoDB/01-ab/manifest-files.json, line 3:"
            " AWSDynamoDB/01-ab/data/2.json.gz is missing; copy this file again",
        ),
        (
            changed(NATIVE, itemCount=11),
            "AWSDynamoDB/01-ab/manifest-files.json, line 3: its files hold 10 items,"
            " manifest-summary.json says 11; copy",
        ),
        (changed(NATIVE, outputFormat="ION"), "the format is ION, only DYNAMODB_JSON is read"),
        (
            changed(NATIVE, exportType="INCREMENTAL_EXPORT"),
            "an incremental export holds changes, not items: read the full export before it",
        ),
        (
            NATIVE | native_export([ITEMS], at="AWSDynamoDB/02-cd/"),
            "2 exports lie here (AWSDynamoDB/01-ab/manifest-summary.json,"
            " AWSDynamoDB/02-cd/manifest-summary.json, ...): name one of them",
        ),
        (NATIVE | TOOL, "2 exports lie here (manifest, AWSDynamoDB/01-ab/manifest-summary.json"),
        (TOOL | {"manifest": b"{}"}, "manifest: version is None, only 3 is known; copy this file"),
        (
            NATIVE | {f"AWSDynamoDB/01-ab/{native.FILES}": b"{}\n"},
            "AWSDynamoDB/01-ab/manifest-files.json, line 1: ",
        ),
        (
            NATIVE | {f"AWSDynamoDB/01-ab/{native.SUMMARY}": b"{"},
            "AWSDynamoDB/01-ab/manifest-summary.json: not JSON",
        ),
    ],
)
def test_what_is_no_whole_backup_is_refused_before_it_is_read(
    files: dict[str, bytes], problem: str
) -> None:
    with pytest.raises(FormatError, match=re.escape(problem)):
        find(Memory(files))


def test_the_services_own_incremental_export_is_refused() -> None:
    with pytest.raises(FormatError, match="an incremental export holds changes"):
        find(Folder(REAL.parent / "native-export-incremental"))


def test_a_missing_manifest_may_be_allowed() -> None:
    backup = find(Memory(without(TOOL, "manifest")), allow_missing_manifest=True)
    assert sorted(backup.items(), key=repr) == sorted(ITEMS, key=repr)


GOOD = native_lines(ITEMS)
PACKED = gzip.compress(GOOD)
HALF = zlib.decompressobj(31).decompress(PACKED[:-30]).count(b"\n")


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (PACKED[:-30], HALF + 1, "the packed data ends too early: the file is cut off"),
        (PACKED[:-1], 11, "the packed data ends too early: the file is cut off"),
        (b"", 1, "the packed data ends too early"),
        (PACKED[:40] + b"\xff" * 9 + PACKED[49:], None, "damaged, or not packed as its name says"),
        (PACKED[:-8] + bytes(4) + PACKED[-4:], None, "incorrect data check"),
        (GOOD, 1, "damaged, or not packed as its name says"),
        (PACKED + b"more", 11, "damaged, or not packed as its name says"),
        (gzip.compress(GOOD[:-1]), 10, "no line feed at the end: the file is cut off"),
        (gzip.compress(GOOD + b"nonsense\n"), 11, "not an item"),
        (gzip.compress(GOOD + b"\n"), 11, "blank line"),
        (gzip.compress(GOOD + b'{"pk":{"S":"x"}}\n'), 11, "no Item"),
        (
            gzip.compress(GOOD + b'{"Item":{"pk":{"S":"x","N":"1"}}}\n'),
            11,
            "a value has exactly one type, not ['N', 'S']",
        ),
        (gzip.compress(native_lines(ITEMS[1:])), 9, "9 items, its manifest says 10"),
        (gzip.compress(GOOD + GOOD), 20, "20 items, its manifest says 10"),
        (gzip.compress(b""), 0, "0 items, its manifest says 10"),
    ],
)
@pytest.mark.parametrize("how", ["items", "spans"])
def test_a_damaged_file_is_refused_with_file_line_and_remedy(
    content: bytes, line: int | None, problem: str, how: str
) -> None:
    files = native_export([ITEMS]) | {"AWSDynamoDB/01-ab/data/0.json.gz": content}
    backup = find(Memory(files))
    with pytest.raises(FormatError, match=re.escape(problem)) as caught:
        list(getattr(backup, how)())
    assert caught.value.name == "AWSDynamoDB/01-ab/data/0.json.gz"
    if line is not None:
        assert caught.value.line == line
    assert "copy this file again from where the backup was made" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("0e6e", b"", "0e6e: empty; copy"),
        ("0e6e", b'{"a":{"s":"1"}}\n{"a":{"s":', "0e6e, line 2: no line feed at the end"),
        ("0e6e", b'{"a":{"s":"1"}}\n\n', "0e6e, line 2: blank line"),
        ("0e6e.deflate", zlib.compress(b'{"a":{"s":"1"}}\n')[:-1], "line 2: the packed data ends"),
        ("0e6e.deflate", gzip.compress(b""), "line 1: damaged, or not packed as its name says"),
        ("0e6e.snappy", b"", "line 1: packed as .snappy, only .gz and .deflate are read: unpack"),
    ],
)
def test_a_damaged_file_of_the_tool_is_refused(name: str, content: bytes, problem: str) -> None:
    place = Memory({name: content, "manifest": manifest_bytes([f"s3://old/{name}"])})
    with pytest.raises(FormatError, match=re.escape(problem)):
        list(find(place).items())
    assert not place.open_now


@pytest.mark.parametrize("how", ["items", "spans"])
def test_a_line_that_is_another_item_than_was_written_is_found(how: str) -> None:
    files = native_export([ITEMS])
    name = "AWSDynamoDB/01-ab/data/0.json.gz"
    content = gzip.decompress(files[name])
    files[name] = gzip.compress(content.replace(b"xx", b"xy", 1))
    got = []
    with pytest.raises(FormatError, match=r"its MD5 is .*==, its manifest says .*==") as caught:
        for item in getattr(find(Memory(files)), how)():
            got.append(item)
    assert caught.value.name == name and len(got) == len(ITEMS)


@pytest.mark.parametrize("local", [True, False])
def test_the_lines_of_a_file_that_is_as_it_was_written_are_only_parsed(
    local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    quickly = Lines._quickly
    monkeypatch.setattr(
        Lines, "_quickly", lambda lines, block: looked.append(block) or quickly(lines, block)
    )
    files = native_export([ITEMS])
    place = Memory(files)
    if not local:
        # as S3's answers: read once, from the start
        opened = place.open
        monkeypatch.setattr(place, "open", lambda name: Once(opened(name)))
    assert list(find(place).items()) == ITEMS and not looked
    assert not place.open_now


@pytest.mark.parametrize(
    ("line", "item"),
    [
        (b'{ "Item" : {"pk":{"S":"x"}} }\r', {"pk": {"S": "x"}}),
        (b'{"Item":{"pk":{"S":"x"}}},{"Item":{"pk":{"S":"y"}}}', None),
        (b'{"Item":{"pk":{"S":"x\xff"}}}', None),
        (b'["Item"]', None),
        (b'{"Items":{}}', None),
        (b'{"Item":' + b'{"a":{"M":' * 99999 + b"}" * 199999, None),
        (b"", None),
    ],
)
def test_a_file_that_was_written_wrongly_is_refused_by_line(line: bytes, item: Item | None) -> None:
    """The MD5 is right: whoever wrote it wrote just this."""
    files = native_export([ITEMS])
    name, listing = "AWSDynamoDB/01-ab/data/0.json.gz", f"AWSDynamoDB/01-ab/{native.FILES}"
    files[name] = gzip.compress(native_lines(ITEMS[:9]) + line + b"\n")
    one = native.parse_files(files[listing])[0]
    files[listing] = native.files_bytes([replace(one, md5=native.checksum(files[name]))])
    if item is not None:
        assert list(find(Memory(files)).items()) == [*ITEMS[:9], item]
        return
    with pytest.raises(FormatError) as caught:
        list(find(Memory(files)).items())
    assert (caught.value.name, caught.value.line) == (name, 10)


def test_the_items_before_a_damage_are_given() -> None:
    many = native_lines(ITEMS * 2000)
    files = native_export([ITEMS * 2000])
    files["AWSDynamoDB/01-ab/data/0.json.gz"] = gzip.compress(many)[:-200]
    got: list[Item] = []
    with pytest.raises(FormatError, match="cut off") as caught:
        for item in find(Memory(files)).items():
            got.append(item)
    assert got and len(got) + 1 == caught.value.line
    assert got == (ITEMS * 2000)[: len(got)]


def test_a_reader_that_stops_closes_its_files() -> None:
    place = Memory(BACKUPS["native"])
    for at_once in (1, 2):
        items = find(place).items(at_once)
        assert next(items) == ITEMS[0]
        items.close()  # type: ignore[attr-defined]
        assert not place.open_now
