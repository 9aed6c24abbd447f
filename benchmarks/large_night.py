"""A night of 10,000 tables by exporter functions: does it end, and within what its functions have.

It fails where the night does not end in its window with all tables backed up, or where scheduler or
monitor take more time or memory than the module's defaults. Measured as `benchmarks.night` does.
"""

from __future__ import annotations

import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.night import MEMORY_MB, TIMEOUT_SECONDS, Invocation, measure

TABLES = 10_000
TRACED_EVERY = 4
_SHOWN = 12
_IDLE = """
from pathlib import Path
from benchmarks._plans import settings
from hippolyte import clients, monitor, scheduler
clients.build(settings())
status = Path("/proc/self/status").read_text()
print(next(x for x in status.splitlines() if x.startswith("VmHWM:")).split()[1])
"""


def main(small: bool = False) -> None:
    """Print the table, and fail if the night did."""
    count = 60 if small else TABLES
    begin = time.monotonic()
    night, report = measure(count, range(0, 10_000, TRACED_EVERY), reading_seconds=60)
    took = time.monotonic() - begin
    idle = int(subprocess.check_output([sys.executable, "-c", _IDLE])) / 1024
    unread = sum(bool(each["unread_settings"]) for each in report["tables"].values())
    print(
        f"{count:,} tables, {len(report['batches'])} workers: {report['totals']['backed_up']:,} "
        f"backed up in {report['duration_seconds'] / 3600:.1f} h of "
        f"{report['window_seconds'] / 3600:.0f} h, settings of {unread:,} unread; "
        f"{took:.0f} s on this machine"
    )
    _print(night.invocations, idle)
    most = max(one.peak or 0 for one in night.invocations) / 2**20 + idle
    longest = max(one.modelled for one in night.invocations)
    print(f"at most {most:.0f} MiB of {MEMORY_MB}, {longest:.0f} s of {TIMEOUT_SECONDS}")
    if report["totals"]["backed_up"] != count:
        sys.exit(f"not all are backed up: {report['totals']}")
    if report["duration_seconds"] > report["window_seconds"]:
        sys.exit("the night is longer than its window")
    if most > MEMORY_MB or longest > TIMEOUT_SECONDS:
        sys.exit("the functions' defaults are too small for it")


def _print(invocations: list[Invocation], idle: float) -> None:
    table = RichTable(title=f"the longest invocations; {idle:.0f} MiB before any begins")
    for column in ("invocation", "number", "seconds", "CPU s", "calls", "MiB more"):
        table.add_column(column, justify="left" if column == "invocation" else "right")
    longest = sorted(enumerate(invocations), key=lambda one: -one[1].modelled)[:_SHOWN]
    for number, one in sorted(longest):
        peak = "-" if one.peak is None else f"{one.peak / 2**20:.0f}"
        seconds, cpu = f"{one.modelled:.1f}", f"{one.cpu:.2f}"
        table.add_row(one.what, str(number), seconds, cpu, f"{one.calls.total():,}", peak)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
