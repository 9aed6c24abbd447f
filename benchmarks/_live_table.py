"""The table of `benchmarks.undo` and `benchmarks.maps`: its items are made when they are asked for.

`python -m benchmarks._live_table ITEMS EACH` prints its port, and ends with its standard input.
They are the items of `benchmarks.compare`; one of EACH is of the second edition, 0: none is.
A write is taken, and changes nothing.
"""

from __future__ import annotations

import sys
import threading
from http.server import ThreadingHTTPServer
from typing import Any

from benchmarks import _scan_table
from benchmarks.compare import text

TABLE = _scan_table.TABLE
_PAGE_ITEMS = 2_000
_TAKEN = b'{"ConsumedCapacity":{"CapacityUnits":1.0,"Table":{"CapacityUnits":1.0}}}'


class _Handler(_scan_table.Handler):
    # else the answer waits for the acknowledgement of its headers
    wbufsize = -1
    count = each = 0

    def item(self, number: int) -> str:
        return text(number, 2 if self.each and number % self.each == 0 else 1)

    def Scan(self, asked: dict[str, Any]) -> bytes:
        """Answer with the items from the key on; segments are parts of the numbers."""
        segments, segment = asked.get("TotalSegments", 1), asked.get("Segment", 0)
        first, end = (self.count * n // segments for n in (segment, segment + 1))
        if start := asked.get("ExclusiveStartKey"):
            first = _number(start) + 1
        items = [self.item(n) for n in range(first, min(end, first + _PAGE_ITEMS))]
        last = first + len(items) - 1
        key = f'"LastEvaluatedKey":{{"pk":{{"S":"customer#{last:08d}"}}}},'
        go_on = key if last + 1 < end else ""
        return (
            f'{{"ConsumedCapacity":{{"CapacityUnits":1.0,"TableName":"{TABLE}"}},'
            f'"Count":{len(items)},"Items":[{",".join(items)}],{go_on}"ScannedCount":{len(items)}}}'
        ).encode()

    def BatchGetItem(self, asked: dict[str, Any]) -> bytes:
        """Answer with the items, all that are asked for."""
        ((name, wanted),) = asked["RequestItems"].items()
        items = [self.item(_number(key)) for key in wanted["Keys"]]
        units = f'{{"CapacityUnits":{len(items)}.0,"TableName":"{name}"}}'
        return (
            f'{{"ConsumedCapacity":[{units}],"Responses":{{"{name}":[{",".join(items)}]}},'
            '"UnprocessedKeys":{}}'
        ).encode()

    def UpdateItem(self, _: dict[str, Any]) -> bytes:
        return _TAKEN

    def DescribeScalableTargets(self, _: dict[str, Any]) -> bytes:
        return b'{"ScalableTargets":[]}'

    def DescribeTimeToLive(self, _: dict[str, Any]) -> bytes:
        return b'{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}'


def _number(key: dict[str, Any]) -> int:
    return int(key["pk"]["S"].removeprefix("customer#"))


def main(count: int, each: int) -> None:
    """Serve until standard input ends."""
    _Handler.count, _Handler.each = count, each
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
