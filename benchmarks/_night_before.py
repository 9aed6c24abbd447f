"""A night of an earlier commit's product, measured by that commit's own benchmark.

`python _night_before.py TABLES` in that commit's tree, with its modules on the path. It prints
JSON: seconds of CPU of each monitor pass, and how often and how large the ledger was written.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def main(tables: int) -> None:
    """Run its night."""
    night = importlib.import_module("benchmarks.night")
    written: list[int] = []
    timed, invoke = night.Night.aws_timed, night.Night.invoke

    @contextmanager
    def watched(self: Any) -> Iterator[None]:
        client = night.clients.build(night.settings(**json.loads(night.os.environ[night.VARIABLE])))
        client.s3.meta.events.register("before-call.s3.PutObject", note)
        # its clock stands still within an invocation, so that the rates would be met
        self.world.emr_rates = self.world.datapipeline_rates = False
        with timed(self):
            yield

    def note(params: Any, **_: Any) -> None:
        if params["url_path"].endswith("/ledger.json"):
            written.append(_size(params["body"]))

    def invoked(*given: Any) -> Any:
        # as `night.Night.invoke` now does
        gc.freeze()
        try:
            return invoke(*given)
        finally:
            gc.unfreeze()

    night.Night.aws_timed, night.Night.invoke = watched, invoked
    made, report = night.measure(tables)
    passes = made.invocations[1:]
    found = {
        "cpu": [each.cpu for each in passes],
        "written": written,
        "backed_up": report["totals"]["backed_up"],
        "seconds": report["duration_seconds"],
    }
    print(json.dumps(found))


def _size(body: Any) -> int:
    return len(body) if isinstance(body, bytes) else len(body.getvalue())


if __name__ == "__main__":
    main(int(sys.argv[1]))
