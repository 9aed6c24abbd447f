"""`hippolyte export` where what answers is no AWS service: a clear end, never a traceback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from hippolyte.exports.native import STARTED, SUMMARY
from tests.support.commands import command

TABLE = {
    "TableName": "t",
    "TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/t",
    "TableId": "id",
    "TableStatus": "ACTIVE",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "ItemCount": 1,
    "TableSizeBytes": 100,
    "ProvisionedThroughput": {"ReadCapacityUnits": 1000, "WriteCapacityUnits": 5},
}
SCAN = {"Count": 1, "Items": [{"pk": {"S": "a"}}], "ConsumedCapacity": {"CapacityUnits": 0.5}}
DEEP = b"[" * 100_000 + b"]" * 100_000


class Answers(ThreadingHTTPServer):
    """A table of one item a segment; an operation may be answered oddly, from a call of it on."""

    daemon_threads = True
    odd: tuple[str, int, bytes] = ("", 0, b"")
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[str] = []
        self.plain: dict[str, Any] = {
            "DescribeTable": {"Table": TABLE},
            "Scan": SCAN,
            "DescribeScalableTargets": {"ScalableTargets": []},
        }

    def answer(self, operation: str) -> tuple[int, bytes]:
        self.calls.append(operation)
        name, first, body = self.odd
        if operation == name and self.calls.count(operation) >= first:
            return self.status, body
        return 200, json.dumps(self.plain[operation]).encode()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].split(".")[1]
        status, body = cast(Answers, self.server).answer(operation)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    with Answers() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{made.server_port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        yield made
        made.shutdown()


BODIES = pytest.mark.parametrize(
    "body", [b"<html>welcome</html>", b"", b"null", b"[]", b'{"Table":[]}', DEEP]
)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@BODIES
def test_a_table_that_nobody_knows_is_refused(server: Answers, tmp_path: Path, body: bytes) -> None:
    server.odd = ("DescribeTable", 1, body)
    result = command("export", "t", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "not DescribeTable's answer" in result.stderr
    assert "AWS_ENDPOINT_URL" in result.stderr
    assert not files(tmp_path)


@BODIES
def test_a_look_before_it_begins_leaves_nothing_to_go_on_with(
    server: Answers, tmp_path: Path, body: bytes
) -> None:
    server.odd = ("DescribeTable", 2, body)
    result = command("export", "t", tmp_path, "--rate", 7)
    assert result.exit_code == 1
    end = result.stdout.splitlines()[-1]
    assert end.startswith("NOT WHOLE: not DescribeTable's answer")
    again = f"hippolyte export t {tmp_path} --rate 7"
    assert end.endswith(f"Nothing was written. When that is mended, begin again: {again}")
    assert not files(tmp_path)


def test_a_look_later_on_leaves_a_scan_to_go_on_with(server: Answers, tmp_path: Path) -> None:
    server.odd = ("DescribeTable", 3, b"[]")
    result = command("export", "t", tmp_path)
    assert result.exit_code == 1
    assert result.stdout.rstrip().endswith(f"go on: hippolyte export t {tmp_path} --resume")
    assert STARTED in files(tmp_path)
    assert SUMMARY not in files(tmp_path)
    server.odd = ("", 0, b"")
    assert command("export", "t", tmp_path, "--resume").exit_code == 0


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b'{"Count":0,"Items":[],"x":' + DEEP])
@pytest.mark.parametrize("status", [200, 300, 400])
def test_a_page_that_is_none_ends_it(
    server: Answers, tmp_path: Path, body: bytes, status: int
) -> None:
    server.odd, server.status = ("Scan", 2, body), status
    result = command("export", "t", tmp_path)
    assert result.exit_code == 1
    assert "NOT WHOLE: " in result.stdout
    assert SUMMARY not in files(tmp_path)


@pytest.mark.parametrize("body", [b"{}", b"<html>", b"[]", b"null", b'{"ScalableTargets":5}'])
def test_whether_it_is_scaled_need_not_be_known(
    server: Answers, tmp_path: Path, body: bytes
) -> None:
    server.odd = ("DescribeScalableTargets", 1, body)
    assert command("export", "t", tmp_path).exit_code == 0
