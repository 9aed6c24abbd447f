"""A real native export, as DynamoDB itself wrote it: read, written again, equal.

The repository has a part of one (tests/data). The whole of it (4 MB) is read as well where it lies
beside the repository, or where HIPPOLYTE_NATIVE_EXPORT names its folder.
"""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from hippolyte.exports import native
from hippolyte.exports.dynamodbexport_items import decode_item, encode_item
from hippolyte.exports.lines import Form, Lines, dynamodb_json
from hippolyte.exports.reader import Backup, Folder, find
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.writer import load
from local.fleet.table_spec import TableSpec
from tests.support.real_dynamodb import RealDynamoDB
from tools.tf import REPOSITORY

PART = REPOSITORY / "tests" / "data" / "native-export"
BESIDE = REPOSITORY.parent / "shared/fixtures/native-export/01716790307109-5f9d6aaa"
WHOLE = Path(os.environ.get("HIPPOLYTE_NATIVE_EXPORT", BESIDE))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((PART, 1000), id="part"),
        pytest.param(
            (WHOLE, 133_199),
            id="whole",
            marks=pytest.mark.skipif(not WHOLE.is_dir(), reason=f"no {WHOLE.name} is there"),
        ),
    ],
)
def real(request: pytest.FixtureRequest) -> tuple[Backup, Path, int]:
    folder, count = request.param
    return find(Folder(folder)), folder, count


def lines(backup: Backup, folder: Path) -> list[bytes]:
    """Return the lines of all files, read without any code of ours."""
    files = (gzip.decompress((folder / file.name).read_bytes()) for file in backup.files)
    return [line for content in files for line in content.splitlines()]


def test_every_item_is_read(real: tuple[Backup, Path, int]) -> None:
    backup, folder, count = real
    assert backup.summary
    assert backup.summary.items == count
    expected = [json.loads(line)["Item"] for line in lines(backup, folder)]
    assert len(expected) == count
    assert list(backup.items()) == expected


def test_what_is_written_of_it_again_is_equal(
    real: tuple[Backup, Path, int], tmp_path: Path
) -> None:
    """Items' text to gzip files and manifests again: the bytes of each line, the same lists."""
    backup, folder, count = real
    (tmp_path / "data").mkdir()
    files = []
    for old in native.parse_files((folder / native.FILES).read_bytes()):
        [file] = [f for f in backup.files if f.name.rpartition("/")[2] in old.key]
        spans = list(backup.spans_of(file))
        content = b"".join(b'{"Item":' + span + b"}\n" for span in spans)
        assert content == gzip.decompress((folder / file.name).read_bytes())
        packed = gzip.compress(content, compresslevel=1, mtime=0)
        (tmp_path / file.name).write_bytes(packed)
        files.append(replace(old, items=len(spans), md5=native.checksum(packed)))
    assert backup.summary
    (tmp_path / native.FILES).write_bytes(native.files_bytes(files))
    (tmp_path / native.SUMMARY).write_bytes(native.summary_bytes(backup.summary))
    again = find(Folder(tmp_path))
    assert again.summary == backup.summary
    assert [(f.name, f.items) for f in again.files] == [(f.name, f.items) for f in backup.files]
    assert sum(1 for _ in again.spans()) == count
    assert list(again.spans()) == list(backup.spans())


def test_it_is_the_same_in_the_export_tools_format(real: tuple[Backup, Path, int]) -> None:
    backup, _, count = real
    items = list(backup.items())
    written = b"".join(map(encode_item, items))
    assert Lines(Form.DYNAMODBEXPORT).items(written, 1) == items
    assert Lines(Form.DYNAMODBEXPORT).spans(written, 1) == list(backup.spans())
    assert sum(1 for line in written.splitlines() if decode_item(line)) == count


@pytest.mark.timeout(1800)  # a minute and a half on a quiet machine: DynamoDB Local's scan of all
def test_it_is_restored_into_another_server(
    real: tuple[Backup, Path, int], real_dynamodb: RealDynamoDB, tmp_path: Path
) -> None:
    """By `restore`'s writer: every item is there, and nothing else, and each is equal."""
    backup, folder, count = real
    if (count, real_dynamodb.name) == (133_199, "dynalite"):
        pytest.skip("dynalite takes minutes for so many; DynamoDB Local has them all")
    table = f"native-{folder.name}-{count}"
    real_dynamodb.create([TableSpec(table, partition_key=("name", "S"), on_demand=True)])
    client = real_dynamodb.client(retries={"total_max_attempts": 1}, max_pool_connections=16)
    journal, rate = Journal(tmp_path, {"table": table}), Rate(1e6, 1e6)
    loaded = load(client, table, ["name"], backup, rate=rate, journal=journal)
    assert (loaded.read, loaded.written, loaded.complete) == (count, count, True)
    pages = real_dynamodb.client().get_paginator("scan").paginate(TableName=table)
    found = {item["name"]["S"]: dynamodb_json(item) for page in pages for item in page["Items"]}
    assert len(found) == count
    assert all(found.pop(item["name"]["S"]) == item for item in backup.items())
    assert not found
