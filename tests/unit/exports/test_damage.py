"""What damage is found by which level, for each format; the table in docs/verification.md."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import pytest

from hippolyte.exports import native
from hippolyte.exports.dynamodbexport import encode_item
from hippolyte.exports.findings import LISTED, READ, Checked, Expected
from hippolyte.exports.levels import check
from hippolyte.exports.lines import Item
from hippolyte.exports.listed import Listed, files_md5
from hippolyte.exports.manifest import MANIFEST, SUCCESS, FormatError, manifest_bytes
from hippolyte.exports.reader import find
from tests.support.exports import SUMMARY, native_lines
from tools.tf import REPOSITORY

Files = dict[str, bytes]
Packing = tuple[str, Callable[[bytes], bytes], Callable[[bytes], bytes]]

PAGE = REPOSITORY / "docs" / "verification.md"
ROOT = "AWSDynamoDB/01-ab/"
BUCKET = "backups"
PLAIN: Packing = ("", bytes, bytes)
GZIP: Packing = (".gz", lambda data: gzip.compress(data, mtime=0), gzip.decompress)
DEFLATE: Packing = (".deflate", zlib.compress, zlib.decompress)
# files of as many items and as many bytes, so that neither alone tells one from another
PARTS: list[list[Item]] = [
    [{"pk": {"N": str(10 * part + n)}, "text": {"S": "abc"}} for n in range(3)] for part in (1, 2)
]
OTHERS: list[list[Item]] = [[{"pk": {"N": str(n)}, "text": {"S": "xyz"}} for n in (70, 71, 72)]]


@dataclass(frozen=True)
class Format:
    """A format, and how its files are packed."""

    name: str
    native: bool
    packing: Packing

    def lines(self, items: list[Item]) -> bytes:
        if self.native:
            return native_lines(items)
        return b"".join(map(encode_item, items))

    def data(self, part: int) -> str:
        """Return the name of a data file."""
        end = self.packing[0]
        return f"{ROOT}data/000{part}-000000.json{end}" if self.native else f"part-{part}{end}"

    def files(self, parts: list[list[Item]] = PARTS) -> Files:
        content = {
            self.data(n): self.packing[1](self.lines(items)) for n, items in enumerate(parts)
        }
        return content | (self._native(content, parts) if self.native else self._tool(content))

    def _native(self, content: Files, parts: list[list[Item]]) -> Files:
        listed = [
            native.DataFile(name, len(items), native.checksum(data), etag(data))
            for (name, data), items in zip(content.items(), parts, strict=True)
        ]
        summary = native.parse_summary(SUMMARY)
        summary = replace(summary, items=sum(map(len, parts)), bucket=BUCKET, prefix=None)
        files = {ROOT + native.FILES: native.files_bytes(listed)}
        files[ROOT + native.SUMMARY] = native.summary_bytes(summary)
        for name, md5 in ((native.SUMMARY, native.SUMMARY_MD5), (native.FILES, native.FILES_MD5)):
            files[ROOT + md5] = native.checksum(files[ROOT + name]).encode()
        return files

    def _tool(self, content: Files) -> Files:
        listed = manifest_bytes(f"s3://{BUCKET}/{name}" for name in content)
        return {MANIFEST: listed, SUCCESS: b""}

    def files_md5(self, files: Files) -> str:
        names = [self.data(n) for n in range(len(PARTS))]
        return files_md5(Listed(n, len(files[n]), etag(files[n])) for n in names)

    def manifest(self) -> str:
        return ROOT + native.FILES if self.native else MANIFEST

    def expected(self) -> Expected:
        """Return what the night wrote into the catalogue."""
        files = self.files()
        data = [files[self.data(n)] for n in range(len(PARTS))]
        return Expected(
            files=len(data),
            bytes=sum(map(len, data)),
            items=sum(map(len, PARTS)),
            manifest_md5=native.checksum(files[self.manifest()]),
            table_id=native.parse_summary(SUMMARY).table_id if self.native else None,
            files_md5=None if self.native else self.files_md5(files),
        )


FORMATS = [
    Format("native `.gz`", True, GZIP),
    Format("native plain", True, PLAIN),
    Format("DynamoDBExport plain", False, PLAIN),
    Format("DynamoDBExport `.gz`", False, GZIP),
    Format("DynamoDBExport `.deflate`", False, DEFLATE),
]


@dataclass(frozen=True)
class Objects:
    """Files in memory, with ETags as S3 has them, or as a folder: without."""

    files: Mapping[str, bytes]
    on_s3: bool

    def where(self, name: str) -> str:
        return f"s3://{BUCKET}/{name}" if self.on_s3 else name

    def names(self) -> Iterator[str]:
        return iter(self.files)

    def listed(self) -> Iterator[Listed]:
        for name, data in self.files.items():
            yield Listed(name, len(data), etag(data) if self.on_s3 else "")

    def open(self, name: str) -> io.BytesIO:
        if name not in self.files:
            raise FileNotFoundError(name)
        return io.BytesIO(self.files[name])


def etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


Damage = Callable[[Format, Files], Iterator[Files]]


def missing(form: Format, files: Files) -> Iterator[Files]:
    for part in range(len(PARTS)):
        yield {name: data for name, data in files.items() if name != form.data(part)}


def empty(form: Format, files: Files) -> Iterator[Files]:
    yield files | {form.data(0): b""}


def copied_beside(form: Format, files: Files) -> Iterator[Files]:
    yield files | {form.data(7): files[form.data(0)]}


def lines_twice(form: Format, files: Files) -> Iterator[Files]:
    _, pack, unpack = form.packing
    yield files | {form.data(0): pack(2 * unpack(files[form.data(0)]))}


def cut_off(form: Format, files: Files) -> Iterator[Files]:
    whole = files[form.data(0)]
    for length in range(1, len(whole)):
        if whole[length - 1 : length] != b"\n" or form.packing != PLAIN:
            yield files | {form.data(0): whole[:length]}


def line_lost(form: Format, files: Files) -> Iterator[Files]:
    _, pack, unpack = form.packing
    lines = unpack(files[form.data(0)]).splitlines(keepends=True)
    yield files | {form.data(0): pack(b"".join(lines[:-1]))}


def bit_flipped(form: Format, files: Files) -> Iterator[Files]:
    whole = files[form.data(0)]
    for bit in range(8 * len(whole)):
        harmed = bytearray(whole)
        harmed[bit // 8] ^= 1 << bit % 8
        yield files | {form.data(0): bytes(harmed)}


def swapped(form: Format, files: Files) -> Iterator[Files]:
    first, second = form.data(0), form.data(1)
    yield files | {first: files[second], second: files[first]}


def second_first(form: Format, files: Files) -> Iterator[Files]:
    yield files | {form.data(0): files[form.data(1)]}


def anothers(form: Format, files: Files) -> Iterator[Files]:
    yield files | {form.data(0): form.files(OTHERS)[form.data(0)]}


def anothers_whole(form: Format, files: Files) -> Iterator[Files]:
    other = form.files([*OTHERS, [{"pk": {"N": "5"}}]])
    yield {name: other.get(name, data) for name, data in files.items()}


def manifest_lost(form: Format, files: Files) -> Iterator[Files]:
    yield {name: data for name, data in files.items() if name != form.manifest()}


def entry_lost(form: Format, files: Files) -> Iterator[Files]:
    yield files | {form.manifest(): form.files(PARTS[:1])[form.manifest()]}


def entry_twice(form: Format, files: Files) -> Iterator[Files]:
    if form.native:
        yield files | {form.manifest(): 2 * files[form.manifest()]}
    else:
        urls = [f"s3://{BUCKET}/{form.data(n)}" for n in (0, 0, 1)]
        yield files | {form.manifest(): manifest_bytes(urls)}


DAMAGES: dict[str, Damage] = {
    "a file is missing": missing,
    "a file is empty": empty,
    "a file is cut off, anywhere": cut_off,
    "a file lacks its last line": line_lost,
    "a file's lines stand in it twice": lines_twice,
    "a bit is flipped, any of a file": bit_flipped,
    "two files are swapped": swapped,
    "a file is there twice, in another's place": second_first,
    "another table's file is in its place": anothers,
    "a copy of a file lies beside it": copied_beside,
    "all is another backup of the table": anothers_whole,
    "the list of files is missing": manifest_lost,
    "the list lacks a file": entry_lost,
    "the list has a file twice": entry_twice,
}
HARMLESS, NEVER = "harmless", "no"


def judged(form: Format, files: Files, on_s3: bool, level: int) -> Checked | None:
    expected = form.expected() if on_s3 else None
    try:
        return check(Objects(files, on_s3), level, expected)
    except FormatError:
        # without a catalogue's word for it there is no backup: a command says so as well
        return None


def is_same(form: Format, files: Files) -> bool:
    """Say whether a reader gets what was written: all of it, and nothing else."""
    try:
        items = list(find(Objects(files, True)).items())
    except FormatError:
        return False
    wanted = [item for part in PARTS for item in part]
    return sorted(items, key=repr) == sorted(wanted, key=repr)


def found_by(form: Format, damage: Damage, on_s3: bool) -> str:
    """Return the lowest level that finds a damage, whichever of its ways it comes."""
    whole = form.files()
    levels: set[int] = set()
    for files in damage(form, whole):
        assert files != whole
        passed = [
            level
            for level in (LISTED, READ)
            if (found := judged(form, files, on_s3, level)) and not found.findings
        ]
        if READ not in passed:
            levels.add(READ if LISTED in passed else LISTED)
        elif not is_same(form, files):
            levels.add(0)
    if not levels:
        return HARMLESS
    if levels == {0}:
        return NEVER
    highest = str(max(levels))
    return f"{highest}, in part" if 0 in levels else highest


def table(on_s3: bool) -> str:
    rows = [["damage", *(form.name for form in FORMATS)], ["---"] * (1 + len(FORMATS))]
    for what, damage in DAMAGES.items():
        rows.append([what, *(found_by(form, damage, on_s3) for form in FORMATS)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@pytest.mark.parametrize("on_s3", [True, False])
def test_what_is_whole_passes_both_levels(form: Format, on_s3: bool) -> None:
    found = judged(form, form.files(), on_s3, READ)
    assert found
    assert (found.levels, found.findings, found.files, found.items) == ((LISTED, READ), (), 2, 6)


@pytest.mark.parametrize("on_s3", [True, False], ids=["on S3", "in a folder"])
def test_the_page_says_which_level_finds_what(on_s3: bool) -> None:
    expected = table(on_s3)
    assert expected in PAGE.read_text(encoding="utf-8"), f"it is to hold\n{expected}"


def test_all_that_is_damaged_is_told_not_the_first_alone() -> None:
    form = FORMATS[0]
    files = form.files([*PARTS, *PARTS])
    del files[form.data(0)]
    for part in (1, 3):
        files[form.data(part)] = files[form.data(part)][:-12]
    found = judged(form, files, False, READ)
    assert found
    assert found.levels == ()
    assert [finding.file for finding in found.findings] == [form.data(n) for n in (0, 1, 3)]
    assert "is missing" in str(found.findings[0])
    assert all("cut off" in finding.what for finding in found.findings[1:])


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_an_object_that_was_encrypted_anew_is_whole_to_whoever_reads_it(form: Format) -> None:

    class Anew(Objects):
        def listed(self) -> Iterator[Listed]:
            return (replace(one, etag="0" * 32) for one in super().listed())

    place = Anew(form.files(), True)
    listed = check(place, LISTED, form.expected()).findings
    assert len(listed) == (len(PARTS) if form.native else 1)
    assert check(place, READ, form.expected()).levels == (LISTED, READ)


def test_what_has_no_md5_and_was_copied_onto_itself_stays_said_to_be_changed() -> None:
    form = FORMATS[2]
    place = Objects(form.files(), True)
    expected = replace(form.expected(), files_md5=files_md5([Listed(form.data(0), 9, "ab-2")]))
    for level in (LISTED, READ):
        found = check(place, level, expected)
        assert found.levels == ()
        (finding,) = found.findings
        assert "not those that the night saw" in finding.what


def test_an_older_entry_says_nothing_of_the_files_etags() -> None:
    form = FORMATS[2]
    files = form.files()
    first, second = form.data(0), form.data(1)
    swapped_ones = files | {first: files[second], second: files[first]}
    expected = replace(form.expected(), files_md5=None)
    assert check(Objects(swapped_ones, True), READ, expected).levels == (LISTED, READ)
