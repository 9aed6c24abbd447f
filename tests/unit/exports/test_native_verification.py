"""Is a scan's export exactly what was written, and all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hippolyte.exports import native
from hippolyte.exports.listed import Listed
from hippolyte.exports.native_verification import verify
from hippolyte.exports.verification import Verification

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PLACE = "s3://b/t/AWSDynamoDB/01/"
NAMES = ["0000-000000.json.gz", "0000-000001.json.gz", "0001-000000.json.gz"]


class Export:
    """Three files of two segments, with their manifests."""

    def __init__(self, names: list[str] | None = None, said: int | None = None) -> None:
        names = NAMES if names is None else names
        files = [
            native.DataFile(f"t/AWSDynamoDB/01/data/{name}", 10 * n, "md5", f"etag{n}")
            for n, name in enumerate(names)
        ]
        summary = native.Summary(
            table_arn="arn:aws:dynamodb:us-east-1:1:table/t",
            table_id="id",
            export_arn="arn:aws:dynamodb:us-east-1:1:table/t/export/01",
            start=NOW,
            end=NOW,
            export_time=NOW,
            bucket="b",
            prefix="t",
            manifest_key="t/AWSDynamoDB/01/manifest-files.json",
            items=sum(one.items for one in files) if said is None else said,
        )
        self.objects = {
            native.SUMMARY: native.summary_bytes(summary),
            native.FILES: native.files_bytes(files),
        }
        for name, md5 in ((native.SUMMARY, native.SUMMARY_MD5), (native.FILES, native.FILES_MD5)):
            self.objects[md5] = native.checksum(self.objects[name]).encode()
        self.data = {f"data/{name}": (100, f"etag{n}") for n, name in enumerate(names)}

    def verified(self, table_id: str = "id", segments: int | None = 2) -> Verification:
        listed = [Listed(name, len(data), "") for name, data in self.objects.items()]
        listed += [Listed(name, size, etag) for name, (size, etag) in self.data.items()]
        return verify(PLACE, listed, self.objects.__getitem__, table_id, segments)


def test_a_whole_one_is_a_backup() -> None:
    found = Export().verified()
    assert (found.ok, found.files, found.bytes, found.items) == (True, 3, 300, 30)


def test_checksums_are_read_only_where_the_listing_does_not_say_them() -> None:
    export, read = Export(), list[str]()

    def get(name: str) -> bytes:
        read.append(name)
        return export.objects[name]

    def md5(data: bytes) -> str:
        return hashlib.md5(data, usedforsecurity=False).hexdigest()

    def verified() -> Verification:
        listed = [Listed(name, len(data), etags[name]) for name, data in export.objects.items()]
        listed += [Listed(name, size, etag) for name, (size, etag) in export.data.items()]
        return verify(PLACE, listed, get, "id", 2)

    etags = {name: md5(data) for name, data in export.objects.items()}
    assert verified().ok
    assert read == [native.SUMMARY, native.FILES]
    etags[native.FILES_MD5] = "of a customer's key"
    assert verified().ok
    assert read[2:] == [native.SUMMARY, native.FILES, native.FILES_MD5]
    change(native.SUMMARY)(export)
    (problem,) = verified().problems
    assert "is not what was written (MD5)" in problem


def drop(name: str) -> Callable[[Export], None]:
    def act(export: Export) -> None:
        export.objects.pop(name, None)
        export.data.pop(name, None)

    return act


def put(name: str) -> Callable[[Export], None]:
    return lambda export: export.data.update({name: (5, "other")})


def change(name: str) -> Callable[[Export], None]:
    return lambda export: export.objects.update({name: export.objects[name] + b" "})


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (drop(native.SUMMARY), "manifest-summary.json is missing"),
        (drop(native.SUMMARY_MD5), "manifest-summary.md5 is missing"),
        (drop(native.FILES), "manifest-files.json is missing"),
        (change(native.SUMMARY), "manifest-summary.json is not what was written"),
        (change(native.FILES), "manifest-files.json is not what was written"),
        (drop("data/0000-000001.json.gz"), "data/0000-000001.json.gz of the manifest is missing"),
        (put("data/0000-000001.json.gz"), "its ETag is other, not etag1"),
        # an import reads every object
        (put("data/0002-000000.json.gz"), "data/0002-000000.json.gz is not in the manifest"),
        (put("data/note.txt"), "data/note.txt is not in the manifest"),
    ],
)
def test_what_was_harmed_is_none(harm: Callable[[Export], None], problem: str) -> None:
    export = Export()
    harm(export)
    found = export.verified()
    assert not found.ok
    assert any(problem in each for each in found.problems), found.problems


@pytest.mark.parametrize(
    ("export", "table_id", "segments", "problem"),
    [
        (Export(said=31), "id", 2, "the files hold 30 items, the summary says 31"),
        (Export(), "other", 2, "of the table with id id, not other"),
        (Export(), "id", 3, "2 segments are in the manifest, 3 were read"),
        (Export([NAMES[1], NAMES[2]]), "id", 2, "files of segment 0 are missing"),
        (Export(["x.json.gz"]), "id", None, "x.json.gz is no file of a scan"),
    ],
)
def test_what_is_not_all_of_it_is_none(
    export: Export, table_id: str, segments: int | None, problem: str
) -> None:
    found = export.verified(table_id, segments)
    assert not found.ok
    assert any(problem in each for each in found.problems), found.problems
