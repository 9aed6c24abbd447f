"""A night of 2,500 native exports: planned, begun and followed within the calls that AWS allows.

On the local AWS in virtual time, where a call takes nothing: the rates are those of the product's
own pace. It fails where more than 10 calls a second are made of DescribeContinuousBackups, as its
API states, or of the calls about exports, of which nothing is stated; where a pass takes longer
than the time to the next one; and where not all tables are backed up in the window.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from benchmarks._plans import TABLES
from hippolyte import clock
from local.core.call import Call
from local.functions.virtual_time import VirtualTime
from tests.support.harness import NightDriver, driver

_A_SECOND, _PASS_SECONDS = 10, 300
# beside what AWS says of each: API DescribeContinuousBackups, and the Developer Guide's quotas
_COUNTED = {
    "DescribeContinuousBackups": f"AWS: {_A_SECOND}",
    "ExportTableToPointInTime": "AWS states none; it refuses what is above 300 exports at once",
    "DescribeExport": "AWS states none",
}


def main(small: bool = False) -> None:
    """Print what the night took, and fail where a bound is passed."""
    count = 20 if small else TABLES
    with pytest.MonkeyPatch.context() as patch, driver(patch, "lambda") as night:
        night.configure(native_export={"tables": ["*"]}, window_seconds=25_200, verify_days=0)
        _make(night, count)
        made: list[tuple[str, datetime]] = []

        def note(call: Call) -> None:
            planned = len(spent) > 0
            # after the plan it is the catalogue's own look, which the calls' time bounds
            if call.operation in list(_COUNTED)[planned:]:
                made.append((call.operation, clock.now().replace(microsecond=0)))

        spent = _timed(night)
        night.world.before("dynamodb:*", note)
        report = night.night()
    calls, busiest = Counter(name for name, _ in made), Counter(made)
    print(
        f"{count:,} native exports: {report['totals']['backed_up']:,} backed up in "
        f"{report['duration_seconds'] / 60:.0f} minutes; the scheduler took {spent[0]:.0f} s, the "
        f"longest pass of {len(spent) - 1} {max(spent[1:]):.0f} s"
    )
    for name, stated in _COUNTED.items():
        most = max((n for (each, _), n in busiest.items() if each == name), default=0)
        print(f"  {name}: {calls[name]:,} calls, {most} in the busiest second ({stated})")
    if max(busiest.values()) > _A_SECOND or max(spent[1:]) > _PASS_SECONDS:
        sys.exit("a bound is passed")
    if report["totals"]["backed_up"] != count:
        sys.exit(f"not all are backed up: {report['totals']}")


def _make(night: NightDriver, count: int) -> None:
    for number in range(count):
        name = f"table-{number:04d}"
        night.table(name)
        night.dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )


def _timed(night: NightDriver) -> list[float]:
    """Return a list to which each invocation adds the virtual seconds it took."""
    spent: list[float] = []
    sleeper = night.world.sleeper
    begun = sleeper.invocation

    @contextmanager
    def timed(seconds: float = 900) -> Iterator[VirtualTime]:
        with begun(seconds) as running:
            yield running
            spent.append(running.elapsed())

    sleeper.invocation = timed  # type: ignore[method-assign]
    return spent


if __name__ == "__main__":
    main("--small" in sys.argv)
