"""What others read native exports with, and ours by it: the same items come of it.

carica-dynamodb-tools, DuckDB and polars; `make test` installs them into build/judges.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.server import ThreadedMotoServer

from hippolyte.exports import lines, native
from hippolyte.exports.reader import Folder, find
from local.fleet import items as odd
from tools import real_servers
from tools.tf import REPOSITORY

JUDGES = REPOSITORY / "build" / "judges" / "bin"
PART = REPOSITORY / "tests" / "data" / "native-export"
ODD: list[Callable[[], list[Any]]] = [
    odd.every_type, odd.empties, odd.sets, odd.numbers, odd.control_characters,
    odd.line_separators, odd.emoji, odd.quoting, odd.lookalikes, odd.binaries, odd.nested,
    odd.largest,
]  # fmt: skip

EXPORT = "01716790307109-5f9d6aaa"
ARN = f"arn:aws:dynamodb:us-west-1:123456789012:table/unicorn_activities/export/{EXPORT}"


def write(items: list[lines.Item], folder: Path) -> Path:
    """Write an export of ours into a folder: two files and an empty one."""
    (folder / "data").mkdir(parents=True)
    files = []
    for number, part in enumerate((items[::2], items[1::2], [])):
        content = b"".join(b'{"Item":' + lines.text_of(item) + b"}\n" for item in part)
        packed = gzip.compress(content, compresslevel=1, mtime=0)
        name = native.DATA + native.data_name(number, 0)
        (folder / name).write_bytes(packed)
        key = f"AWSDynamoDB/{EXPORT}/{name}"
        files.append(native.DataFile(key, len(part), native.checksum(packed), "none"))
    (folder / native.FILES).write_bytes(native.files_bytes(files))
    summary = native.parse_summary((PART / native.SUMMARY).read_bytes())
    written = native.summary_bytes(replace(summary, items=len(items)))
    (folder / native.SUMMARY).write_bytes(written)
    return folder


def odd_items() -> list[lines.Item]:
    made = [item for make in ODD for item in make()]
    return [{name: lines.dynamodb_json(value) for name, value in item.items()} for item in made]


def same_shape() -> list[lines.Item]:
    """Return items whose attributes keep to one type each, as readers want that guess a schema."""
    made = odd.every_type()
    return [{name: lines.dynamodb_json(value) for name, value in item.items()} for item in made]


def judge(name: str) -> Path:
    """Return a program of the judges, or skip where it is not; fail where it is required."""
    if not (JUDGES / name).exists():
        (pytest.fail if real_servers.required() else pytest.skip)(
            f"{JUDGES / name} is not installed: run `make test`"
        )
    return JUDGES / name


def run(command: list[Any], **environment: str) -> list[Any]:
    """Return the JSON values that a program prints, one a line."""
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def ordered(items: Any) -> list[str]:
    return sorted(json.dumps(item, sort_keys=True) for item in items)


@pytest.fixture(params=["ours", "the service's"])
def export(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write(odd_items(), tmp_path / "export") if request.param == "ours" else PART


@pytest.fixture
def s3_and_dynamodb() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_carica_dumps_the_items(export: Path, s3_and_dynamodb: str) -> None:
    """It asks for the object's ETag as the manifest has it, and reads from the bucket's root."""
    program = judge("carica-dynamodb-dump-s3-export")
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=s3_and_dynamodb, **keys)
    s3.create_bucket(Bucket="judged")
    backup = find(Folder(export))
    expected = list(backup.items())
    listed = []
    for one in native.parse_files((export / native.FILES).read_bytes()):
        body = (export / native.DATA / one.key.rpartition("/")[2]).read_bytes()
        put = s3.put_object(Bucket="judged", Key=one.key, Body=body)
        listed.append(replace(one, etag=put["ETag"].strip('"')))
    assert backup.summary
    top = f"AWSDynamoDB/{EXPORT}/"
    s3.put_object(Bucket="judged", Key=top + native.FILES, Body=native.files_bytes(listed))
    summary = native.summary_bytes(backup.summary)
    s3.put_object(Bucket="judged", Key=top + native.SUMMARY, Body=summary)

    class Export:
        def response(self) -> dict[str, Any]:
            return {
                "ExportArn": ARN,
                "ExportStatus": "COMPLETED",
                "ExportFormat": "DYNAMODB_JSON",
                "ExportManifest": top + native.SUMMARY,
                "S3Bucket": "judged",
            }

    dynamodb_backends["123456789012"]["us-west-1"].table_exports[ARN] = Export()  # type: ignore
    said = run(
        [program, "-r", "us-west-1", ARN],
        AWS_ENDPOINT_URL=s3_and_dynamodb,
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",
    )
    assert ordered(said) == ordered(expected)


DUCKDB = """
import duckdb, sys
query = "select Item from read_json(?, format='newline_delimited', columns={'Item': 'JSON'},"
query += " maximum_object_size=20000000)"
for (item,) in duckdb.execute(query, [sys.argv[1]]).fetchall():
    print(item.replace("\\n", " "))
"""

DUCKDB_GUESSING = """
import duckdb, json, sys
query = "select to_json(Item) from read_json(?, format='newline_delimited')"
for (item,) in duckdb.execute(query, [sys.argv[1]]).fetchall():
    print(item)
"""

POLARS = """
import json, pathlib, polars, sys
for file in sorted(pathlib.Path(sys.argv[1]).parent.glob("*.json.gz")):
    if file.stat().st_size > 100:
        for row in polars.read_ndjson(file).to_dicts():
            print(json.dumps(row["Item"]))
"""


def bare(value: Any) -> Any:
    """Leave out what a schema adds: each type that a value does not have, as null."""
    if isinstance(value, dict):
        return {name: bare(inner) for name, inner in value.items() if inner is not None}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def test_duckdb_reads_the_items(export: Path) -> None:
    said = run([judge("python"), "-c", DUCKDB, export / "data" / "*.json.gz"])
    assert ordered(said) == ordered(find(Folder(export)).items())


@pytest.mark.parametrize("code", [DUCKDB_GUESSING, POLARS], ids=["duckdb", "polars"])
@pytest.mark.parametrize("whose", ["ours", "the service's"])
def test_readers_that_guess_a_schema_read_items_of_one(
    code: str, whose: str, tmp_path: Path
) -> None:
    export = write(same_shape(), tmp_path / "export") if whose == "ours" else PART
    said = run([judge("python"), "-c", code, export / "data" / "*.json.gz"])
    assert ordered(map(bare, said)) == ordered(find(Folder(export)).items())
