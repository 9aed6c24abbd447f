"""The table that the scans of `benchmarks.scan` read, and a server that has its pages ready.

`python -m benchmarks._scan_table ITEMS` prints its port, and ends with its standard input.
"""

from __future__ import annotations

import json
import random
import string
import sys
import threading
from binascii import crc32
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TABLE = "bench"
_PAGE_BYTES = 1_000_000  # as DynamoDB counts: about 1.4 times as many of JSON
_KEY = {"AttributeName": "pk", "KeyType": "HASH"}


def items(count: int) -> Iterator[dict[str, Any]]:
    """Yield so many items: half counters, half orders; the same at each call."""
    source = random.Random("scan")

    def text(length: int) -> str:
        return "".join(source.choices(string.ascii_letters, k=length))

    def order(number: int) -> dict[str, Any]:
        line = {"sku": {"S": text(8)}, "n": {"N": "3"}, "price": {"N": str(source.randrange(9999))}}
        address = {"city": {"S": "Zürich"}, "zip": {"N": "8001"}, "street": {"S": text(20)}}
        long = {"comment": {"S": text(6000)}} if source.random() < 0.03 else {}
        return {
            "pk": {"S": f"customer#{number:07d}"},
            "at": {"S": f"2026-11-{source.randrange(10, 31)}T12:00:00Z"},
            "total": {"N": str(source.randrange(10**6))},
            "paid": {"BOOL": source.random() < 0.5},
            "note": {"NULL": True},
            "tags": {"SS": ["eu", "gift", "new"]},
            "address": {"M": address},
            "lines": {"L": [{"M": line} for _ in range(source.randrange(1, 5))]},
            **{f"attribute{n}": {"S": text(30)} for n in range(9)},
            **long,
        }

    def counter(number: int) -> dict[str, Any]:
        counts = {f"counter{n}": {"N": str(source.randrange(10**5))} for n in range(12)}
        return {"pk": {"S": f"counter#{number:07d}"}, **counts}

    for number in range(count):
        yield counter(number) if number % 2 else order(number)


def _size(value: Any) -> int:
    """Return about what DynamoDB counts of a value."""
    if isinstance(value, dict):
        return sum(len(name) + _size(one) for name, one in value.items())
    return sum(map(_size, value)) if isinstance(value, list) else len(str(value))


def _pages(count: int) -> list[list[str]]:
    pages: list[list[str]] = [[]]
    room = _PAGE_BYTES
    for item in items(count):
        room -= _size(item)
        if room < 0:
            pages.append([])
            room = _PAGE_BYTES - _size(item)
        pages[-1].append(json.dumps(item, separators=(",", ":"), ensure_ascii=False))
    return pages


class Handler(BaseHTTPRequestHandler):
    """Answers a scan of the table."""

    protocol_version = "HTTP/1.1"
    pages: list[list[str]]

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        operation = self.headers["X-Amz-Target"].split(".")[1]
        body = getattr(self, operation)(asked)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amz-crc32", str(crc32(body)))
        self.end_headers()
        self.wfile.write(body)

    def Scan(self, asked: dict[str, Any]) -> bytes:
        """Answer with the page that the key names; segments are parts of the list of pages."""
        segments, segment = asked.get("TotalSegments", 1), asked.get("Segment", 0)
        first, end = (len(self.pages) * n // segments for n in (segment, segment + 1))
        number = int(asked.get("ExclusiveStartKey", {"pk": {"S": first}})["pk"]["S"])
        page = self.pages[number] if number < end else []
        go_on = f'"LastEvaluatedKey":{{"pk":{{"S":"{number + 1}"}}}},' if number + 1 < end else ""
        return (
            f'{{"ConsumedCapacity":{{"CapacityUnits":128.5,"TableName":"{TABLE}"}},'
            f'"Count":{len(page)},"Items":[{",".join(page)}],{go_on}"ScannedCount":{len(page)}}}'
        ).encode()

    def ListTables(self, _: dict[str, Any]) -> bytes:
        return json.dumps({"TableNames": [TABLE]}).encode()

    def DescribeTable(self, _: dict[str, Any]) -> bytes:
        capacity = {"ReadCapacityUnits": 1000, "WriteCapacityUnits": 5}
        table = {"TableName": TABLE, "TableStatus": "ACTIVE", "KeySchema": [_KEY]}
        table |= {"TableArn": f"arn:aws:dynamodb:eu-west-1:123456789012:table/{TABLE}"}
        table |= {"TableId": "bench"}
        table |= {"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}
        return json.dumps({"Table": {**table, "ProvisionedThroughput": capacity}}).encode()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def main(count: int) -> None:
    """Serve until standard input ends."""
    Handler.pages = _pages(count)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    size = sum(len(item.encode()) + 1 for page in Handler.pages for item in page)
    print(server.server_port, len(Handler.pages), size, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
