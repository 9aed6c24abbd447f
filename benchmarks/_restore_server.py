"""A server that takes every BatchWriteItem, and counts: for `benchmarks.restore`.

`python -m benchmarks._restore_server` prints its port; a GET answers with how many items it took
since the last. It ends with its standard input.
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_ANSWER = (
    b'{"ConsumedCapacity":[{"CapacityUnits":25.0,"Table":{"CapacityUnits":25.0},'
    b'"TableName":"bench"}],"UnprocessedItems":{}}'
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # else the answer waits for the acknowledgement of its headers
    wbufsize = -1
    lock = threading.Lock()
    taken = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            _Handler.taken += body.count(b'"PutRequest"')
        self._answer(_ANSWER)

    def do_GET(self) -> None:
        with self.lock:
            taken, _Handler.taken = self.taken, 0
        self._answer(str(taken).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
