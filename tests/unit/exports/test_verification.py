"""What may be called a backup, and what may not."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import IO, Any

import pytest

from hippolyte.exports.dynamodbexport import Item, manifest_bytes, write_export
from hippolyte.exports.listed import Listed, files_md5
from hippolyte.exports.native import checksum
from hippolyte.exports.verification import Verification, agree, parse_items_read, verify
from hippolyte.words import count_of

DIRECTORY = "s3://bucket/backups/1/us-east-1/orders/2026-11-24T00-00Z-1"


@dataclass
class Directory:
    """An export's directory in memory, and the counts that are known about it."""

    files: dict[str, bytes] = field(default_factory=dict)
    tails: list[tuple[str, int]] = field(default_factory=list)

    def verify(self, **counts: Any) -> Verification:
        known = {"expected_items": 100, "log_items": 100, "previous_items": 100} | counts
        return verify(
            DIRECTORY,
            self.listed,
            self.files.__getitem__,
            self.tail,
            known["expected_items"],
            known["log_items"],
            known["previous_items"],
            tolerance_percentage=20,
        )

    def listed(self) -> list[Listed]:
        return [Listed(name, len(body), checksum(body)) for name, body in self.files.items()]

    def tail(self, name: str, size: int) -> bytes:
        self.tails.append((name, size))
        return self.files[name][-size:]


def export(count: int = 100, *, items_per_file: int = 50, compress: bool = False) -> Directory:
    directory = Directory()

    def put(name: str, body: IO[bytes]) -> None:
        directory.files[name] = body.read()

    items: list[Item] = [{"pk": {"N": str(number)}} for number in range(count)]
    names = iter(["first", "second", "third"])
    write_export(
        items, DIRECTORY, put, items_per_file=items_per_file, compress=compress, names=names
    )
    return directory


def test_a_whole_export_is_a_backup_and_says_what_was_checked() -> None:
    directory = export()
    result = directory.verify()
    assert result == Verification(
        ok=True,
        files=2,
        bytes=len(directory.files["first"]) + len(directory.files["second"]),
        items=100,
        problems=(),
        notes=(
            "2 listed files present, 2 with a whole last line",
            "100 items read, the table's count is 100",
        ),
        levels=(1, 3),
        manifest_md5=checksum(directory.files["manifest"]),
        files_md5=files_md5(one for one in directory.listed() if one.name in ("first", "second")),
    )
    assert sorted(directory.tails) == [("first", 1), ("second", 1)]


def test_an_empty_table_s_export_is_a_backup() -> None:
    result = export(0).verify(expected_items=0, log_items=None, previous_items=None)
    assert result.ok
    assert (result.files, result.bytes, result.items) == (0, 0, None)


@pytest.mark.parametrize("compress", [False, True])
def test_without_a_log_the_files_bound_the_count(compress: bool) -> None:
    """At most 100,000 items a file, at least 16 bytes an item that is not packed."""
    one = export(1, compress=compress)
    most = 100_000 if compress else 1
    result = one.verify(expected_items=1_000_000, log_items=None, previous_items=None)
    assert not result.ok
    assert result.short, "another look into the table may say that it is right"
    assert result.problems == (
        f"the files can hold at most {count_of(most, 'item')}, the table's count is 1000000:"
        " more than 20 % are missing",
    )
    last_night = one.verify(expected_items=0, log_items=None, previous_items=1_000_000)
    assert "at most" in last_night.problems[0]
    assert "last night's is 1000000" in last_night.problems[0]
    assert export(100).verify(log_items=None).ok


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda files: files.pop("manifest"), "manifest is missing in s3://bucket/backups"),
        (lambda files: files.pop("_SUCCESS"), "_SUCCESS is missing in s3://bucket/backups"),
        (lambda files: files.update(manifest=b""), "manifest: not JSON"),
        (lambda files: files.update(manifest=files["manifest"][:-1]), "manifest: not JSON"),
        (lambda files: files.pop("second"), "1 file (second) of the manifest missing"),
        (lambda files: (files.pop("first"), files.pop("second")), "2 files (first, ...) of the"),
        (lambda files: files.update(first=b""), "1 file (first) of the manifest empty"),
        (lambda files: files.update(first=files["first"][:-1]), "1 file (first) cut off"),
        (lambda files: files.update(first=files["first"][:-9]), "1 file (first) cut off"),
    ],
    ids=[
        "no manifest",
        "no success",
        "empty manifest",
        "cut manifest",
        "file missing",
        "files missing",
        "file empty",
        "no line feed",
        "cut line",
    ],
)
def test_a_damaged_export_is_no_backup(
    damage: Callable[[dict[str, bytes]], object], problem: str
) -> None:
    directory = export()
    damage(directory.files)
    result = directory.verify()
    assert not result.ok
    assert any(problem in one for one in result.problems), result.problems


def test_an_empty_directory_is_no_backup() -> None:
    result = Directory().verify()
    assert not result.ok
    assert len(result.problems) == 2
    assert (result.files, result.bytes, result.items) == (0, 0, 100)


@pytest.mark.parametrize(
    ("counts", "problem"),
    [
        ({"log_items": 79}, "79 items read, the table's count is 100: more than 20 % are missing"),
        ({"log_items": 50, "expected_items": 1000}, "50 items read, the table's count is 1000"),
        ({"log_items": 0}, "0 items read, the table's count is 100"),
        ({"log_items": 2, "expected_items": 0}, "2 items read, last night's is 100"),
        ({"log_items": 2, "expected_items": None}, "2 items read, last night's is 100"),
        ({"log_items": 200_001, "expected_items": 0}, "200,001 items read, but the manifest lists"),
        ({"log_items": 1, "expected_items": 1}, "1 item read, but the manifest lists 2 files"),
        ({"log_items": 90_000}, "90,000 items read, but the files hold only"),
    ],
)
def test_an_implausible_count_is_a_problem(counts: dict[str, Any], problem: str) -> None:
    result = export().verify(**counts)
    assert not result.ok
    assert any(problem in one for one in result.problems), result.problems


@pytest.mark.parametrize(
    ("counts", "note"),
    [
        ({"log_items": 80}, "80 items read, the table's count is 100"),
        ({"expected_items": 40}, "100 items read, the table's count is 40"),
        ({"log_items": 3, "expected_items": 8}, "3 items read, the table's count is 8"),
        ({"log_items": 90, "expected_items": 0}, "90 items read, last night's is 100"),
        ({"expected_items": None, "previous_items": None}, "no other count to compare with"),
        ({"expected_items": 0, "previous_items": 0}, "no other count to compare with"),
        ({"previous_items": 1000}, "1,000 items last night, 100 tonight"),
        ({"log_items": None}, "count unknown: no log"),
    ],
)
def test_a_plausible_or_unknown_count_is_noted(counts: dict[str, Any], note: str) -> None:
    result = export().verify(**counts)
    assert result.ok, result.problems
    assert any(note in one for one in result.notes), result.notes


@pytest.mark.parametrize("log_items", [None, 0, 5])
def test_an_export_without_files_of_a_table_with_items_is_no_backup(log_items: int | None) -> None:
    assert not export(0).verify(expected_items=5, log_items=log_items).ok


@pytest.mark.parametrize(
    ("counts", "short"),
    [
        ({"log_items": 70, "expected_items": 100}, True),
        ({"log_items": 100, "expected_items": 100}, False),
        # and more is wrong than the count: 70 items in files of 100
        ({"log_items": 1, "expected_items": 100}, False),
    ],
)
def test_a_shortfall_alone_may_be_believed(counts: dict[str, Any], short: bool) -> None:
    assert export().verify(**counts).short is short


def test_a_shortfall_of_an_incomplete_export_is_never_believed() -> None:
    directory = export()
    del directory.files["_SUCCESS"]
    assert not directory.verify(log_items=70).short


@pytest.mark.parametrize("log_items", [None, 0])
def test_nothing_read_is_a_shortfall(log_items: int | None) -> None:
    assert export(0).verify(expected_items=5000, log_items=log_items).short


@pytest.mark.parametrize(
    ("read", "other", "same"),
    [
        (70, 70, True),
        (70, 71, True),
        (70, 72, False),
        (100_000, 99_000, True),
        (99_000, 100_000, True),
        (100_000, 98_999, False),
        (20, 10, False),
    ],
)
def test_two_reads_agree_within_a_hundredth_or_one_item(read: int, other: int, same: bool) -> None:
    assert agree(read, other) is same


def test_a_newly_empty_table_is_a_backup_and_noted() -> None:
    result = export(0).verify(expected_items=0, log_items=0, previous_items=70)
    assert result.ok
    assert "empty tonight, 70 items last night" in result.notes


def test_compressed_files_are_not_checked_to_their_end_and_the_notes_say_so() -> None:
    directory = export(compress=True)
    result = directory.verify()
    assert result.ok
    assert directory.tails == []
    assert "not checked: the end of 2 files (first.gz, ...), compressed" in result.notes


def test_files_that_hadoop_packed_with_its_default_codec_are_not_cut_off() -> None:
    directory = export()
    urls = [f"{DIRECTORY}/{name}.deflate" for name in ("first", "second")]
    for name in ("first", "second"):
        directory.files[f"{name}.deflate"] = zlib.compress(directory.files.pop(name))
    directory.files["manifest"] = manifest_bytes(urls)
    result = directory.verify(log_items=100)
    assert result.problems == ()
    assert "not checked: the end of 2 files (first.deflate, ...), compressed" in result.notes


def test_markers_are_ignored_and_orphans_are_noted() -> None:
    directory = export()
    before = directory.verify()
    directory.files |= {"": b"", "sub/": b"", "first_$folder$": b"", "_temporary/0": b"x"}
    assert directory.verify() == before
    directory.files["orphan"] = b'{"half'
    result = directory.verify()
    assert result.ok
    assert (result.files, result.bytes) == (before.files, before.bytes)
    assert any("1 file (orphan) not in the manifest" in note for note in result.notes)


def test_a_moved_backup_is_looked_for_beside_its_manifest_and_the_notes_say_so() -> None:
    directory = export()
    directory.files["manifest"] = manifest_bytes(["s3://old/first", "s3://old/second"])
    result = directory.verify()
    assert result.ok
    assert any("points elsewhere (s3://old/" in note for note in result.notes)


@pytest.mark.parametrize("scheme", ["s3a", "s3n"])
def test_other_spellings_of_the_same_place_are_not_elsewhere(scheme: str) -> None:
    directory = export()
    url = DIRECTORY.replace("s3://", f"{scheme}://")
    directory.files["manifest"] = manifest_bytes([f"{url}/first", f"{url}/second"])
    moved, plain = directory.verify(), export().verify()
    assert moved.manifest_md5 != plain.manifest_md5
    assert replace(moved, manifest_md5=plain.manifest_md5) == plain


LOG = """\
2026-11-24 01:02:03,004 INFO org.apache.hadoop.mapreduce.Job (main): Counters: 56
\tFile System Counters
\t\tS3: Number of bytes written=4242
\torg.apache.hadoop.dynamodb.tools.ExportMapper$Counters
\t\tDYNAMODB_ITEMS_READ=123456
\t\tOUTPUT_FILES=2
"""


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (LOG, 123456),
        (LOG.replace("\n", "\r\n"), 123456),
        (LOG + LOG.replace("123456", "7"), 7),
        ("\t\tDYNAMODB_ITEMS_READ=0\n", 0),
        ("", None),
        ("\t\tMap input records=0\n\t\tMap output records=5\n", 0),
        ("\t\tMap input records=9\n\t\tDYNAMODB_ITEMS_READ=7\n", 7),
        ("\t\tDYNAMODB_ITEMS_READ=\n", None),
        ("\t\tNOT_DYNAMODB_ITEMS_READ=5\n", None),
    ],
    ids=[
        *("counters", "crlf", "last of two", "zero", "nothing was read", "the tool's own"),
        *("no log", "no number", "another counter"),
    ],
)
def test_the_number_of_items_read_is_taken_from_the_log(text: str, count: int | None) -> None:
    assert parse_items_read(text) == count


def test_bodies_are_only_read_where_needed() -> None:
    directory = export()
    result = verify(
        DIRECTORY,
        directory.listed,
        lambda name: (
            io.BytesIO(directory.files[name]).read() if name == "manifest" else pytest.fail()
        ),
        directory.tail,
        None,
        None,
        None,
        20,
    )
    assert result.ok
