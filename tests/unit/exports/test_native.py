"""The native layout, judged by an export that the service itself wrote."""

from __future__ import annotations

import dataclasses
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.exports import native
from hippolyte.exports.manifest import FormatError
from tools.tf import REPOSITORY

REAL = REPOSITORY / "tests" / "data"
EXPORT = "01716790307109-5f9d6aaa"
BEGUN = datetime(2026, 11, 23, 0, 0, 0, 250000, tzinfo=UTC)

# what the service wrote, to the letter
FILES = (
    b'{"itemCount":33300,"md5Checksum":"u9+yebd3wn80Ram6WFcfvw==",'
    b'"etag":"3edbbe5bc7c7a5b8d2b7ee8298bff59e-1","dataFileS3Key":'
    b'"AWSDynamoDB/01716790307109-5f9d6aaa/data/bddxj42rqu5ydkvytmo3fljtbu.json.gz"}\n'
    b'{"itemCount":33070,"md5Checksum":"o57d9gCqwq2Mp7G7ZlsN3A==",'
    b'"etag":"6aed74c9d047174660f1cd72faff5594-1","dataFileS3Key":'
    b'"AWSDynamoDB/01716790307109-5f9d6aaa/data/3ol56grj3u2pxfcyepktpypzju.json.gz"}\n'
)
TABLE = "arn:aws:dynamodb:us-west-1:123456789012:table/unicorn_activities"
SUMMARY: dict[str, Any] = {
    "version": "2020-06-30",
    "exportArn": f"{TABLE}/export/{EXPORT}",
    "startTime": "2024-05-27T06:11:47.109Z",
    "endTime": "2024-05-27T06:20:48.527Z",
    "tableArn": TABLE,
    "tableId": "70ad931a-591d-41c1-a392-b48e4b2b8846",
    "exportTime": "2024-05-27T06:11:47.109Z",
    "s3Bucket": "unicornactiviti-data-export",
    "s3Prefix": None,
    "s3SseAlgorithm": "AES256",
    "s3SseKmsKeyId": None,
    "manifestFilesS3Key": f"AWSDynamoDB/{EXPORT}/manifest-files.json",
    "billedSizeBytes": 44570731,
    "itemCount": 133199,
    "outputFormat": "DYNAMODB_JSON",
}


def test_the_services_list_of_files_is_read_and_written_again() -> None:
    files = native.parse_files(FILES)
    assert [one.items for one in files] == [33300, 33070]
    assert native.files_bytes(files) == FILES


def test_the_services_summary_is_read_and_written_again() -> None:
    summary = native.parse_summary(json.dumps(SUMMARY, indent=2).encode())
    assert (summary.items, summary.scanned, summary.prefix) == (133199, None, None)
    written = native.summary_bytes(summary)
    assert json.loads(written) == SUMMARY
    assert list(json.loads(written)) == list(SUMMARY)


@pytest.mark.parametrize("export", ["native-export", "native-export-incremental"])
def test_a_real_export_is_read_and_written_again(export: str) -> None:
    folder = REAL / export
    listed = (folder / native.FILES).read_bytes()
    files = native.parse_files(listed)
    assert native.files_bytes(files) == listed
    assert native.checksum(listed) == (folder / native.FILES_MD5).read_text()
    said = (folder / native.SUMMARY).read_bytes()
    summary = native.parse_summary(said)
    assert summary.items == sum(one.items for one in files)
    # of an increment's two times nothing here is a reader
    ours = json.loads(native.summary_bytes(summary))
    theirs = json.loads(said)
    of_increments = {"exportFromTime", "exportToTime", "outputView"}
    assert ours == {name: value for name, value in theirs.items() if name not in of_increments}


def test_the_data_of_a_real_export_are_found_beside_its_manifest() -> None:
    """The copy lies outside any bucket, so that the absolute keys lead nowhere."""
    folder = REAL / "native-export"
    for one in native.parse_files((folder / native.FILES).read_bytes()):
        found = [Path(p) for p in native.places(one.key, f"{folder}/") if Path(p).exists()]
        data = found[0].read_bytes()
        assert native.checksum(data) == one.md5
        assert gzip.decompress(data).count(b"\n") == one.items


def test_a_file_is_looked_for_beside_the_manifest_first() -> None:
    key = "old/AWSDynamoDB/1/data/x.json.gz"
    assert native.places(key, "copy/AWSDynamoDB/1/") == (
        "copy/AWSDynamoDB/1/data/x.json.gz",
        "copy/AWSDynamoDB/data/x.json.gz",
        key,
    )
    assert native.places("1/data/x.gz", "1/") == ("1/data/x.gz", "data/x.gz")


def test_our_own_member_says_that_a_scan_took_its_time() -> None:
    own = native.Scanned("2026", BEGUN, BEGUN + timedelta(hours=1), "lambda", "0.1.0")
    summary = dataclasses.replace(
        native.parse_summary(json.dumps(SUMMARY).encode()), scanned=own, export_time=BEGUN
    )
    data = native.summary_bytes(summary)
    assert json.loads(data)["hippolyte"] == {
        "scan": "2026",
        "from": "2026-11-23T00:00:00.250Z",
        "to": "2026-11-23T01:00:00.250Z",
        "engine": "lambda",
        "version": "0.1.0",
    }
    assert native.parse_summary(data) == summary


@given(st.integers(0, 999_999), st.integers(0, 10**9))
def test_a_data_files_name_says_its_segment_and_number(segment: int, number: int) -> None:
    assert native.parse_data_name(native.data_name(segment, number)) == (segment, number)


@pytest.mark.parametrize(
    "name",
    [
        "3ol56grj3u2pxfcyepktpypzju.json.gz",
        "0001-000001.json",
        "00001-000001.json.gz",
        "0001-000001.json.gz/",
        "0001-000001.json.gz.part",
        "",
    ],
)
def test_another_name_says_nothing(name: str) -> None:
    assert native.parse_data_name(name) is None


def test_an_id_has_the_form_of_the_services() -> None:
    assert native.export_id(BEGUN, "table") == native.export_id(BEGUN, "table")
    assert native.export_id(BEGUN, "table") != native.export_id(BEGUN, "other")
    begun, digits = native.export_id(BEGUN, "table").split("-")
    assert (len(begun), len(digits)) == tuple(map(len, EXPORT.split("-")))


def test_an_export_lies_below_its_directory() -> None:
    assert native.root("backups/a", "1-2") == "backups/a/AWSDynamoDB/1-2/"
    assert native.root("", "1-2") == "AWSDynamoDB/1-2/"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"x", "manifest-files.json, line 3: not JSON"),
        (b"[]", "manifest-files.json, line 3: not a JSON object"),
        (b"", "manifest-files.json, line 3: not JSON"),
        (b'{"itemCount":1}', "dataFileS3Key is None, not a text"),
        (b'{"dataFileS3Key":"a/b","itemCount":-1}', "itemCount is -1, not a count"),
        (b'{"dataFileS3Key":"a/b","itemCount":true}', "itemCount is True, not a count"),
        (FILES.splitlines()[0], "is listed twice"),
    ],
)
def test_a_bad_line_of_the_list_is_told(line: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        native.parse_files(FILES + line + b"\n")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tableArn": None}, "tableArn is None, not a text"),
        ({"itemCount": "7"}, "itemCount is '7', not a count"),
        ({"startTime": "yesterday"}, "startTime is 'yesterday', not a time"),
        ({"hippolyte": "x"}, "hippolyte is 'x', not an object"),
        ({"hippolyte": {"scan": "x"}}, "manifest-summary.json, hippolyte: from is None"),
    ],
)
def test_a_bad_summary_is_told(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(FormatError, match=said):
        native.parse_summary(json.dumps(SUMMARY | changed).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_no_summary(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"^manifest-summary\.json: "):
        native.parse_summary(data)
