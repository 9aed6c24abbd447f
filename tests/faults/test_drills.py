"""A restore drill broken at each of its calls: it goes on or is told, and leaves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from hippolyte.errors import HippolyteError
from tests.support.faults.forks import Forks
from tests.support.faults.matrix import Row, assert_all_well, ends, told
from tests.support.faults.tap import Point, Tap
from tests.support.harness import RUN, Killed, NightDriver, driver, verdicts

pytestmark = [pytest.mark.faults, pytest.mark.engine("lambda"), pytest.mark.timeout(3600)]

FOREIGN = "hippolyte-drill-others"
ITEMS = {"orders": 40, "parts": 20}
RESTORED = {f"{name}: restored by ImportTable, {items} items" for name, items in ITEMS.items()}
# passes of ten minutes until all is over, which a token that became too old needs as well
PASSES = 10 * 6
# of each call by each function
MOST = 5


def _error(point: Point, code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": f"{code}, made up"}}
    answer["ResponseMetadata"] = {"HTTPStatusCode": status}
    return ClientError(answer, point.call.partition(":")[2])


def _killed(point: Point) -> BaseException:
    return Killed(point.call)


def _throttled(point: Point) -> Exception:
    return _error(point, "ThrottlingException", 400)


def _refused(point: Point) -> Exception:
    return _error(point, "AccessDeniedException", 400)


def _lost(point: Point) -> Exception:
    return ReadTimeoutError(endpoint_url=point.call)


Makes = Callable[[Point], BaseException]
BREAKS: dict[str, tuple[Makes, tuple[str, ...]]] = {
    "killed": (_killed, ("before", "after")),
    "throttled": (_throttled, ("before",)),
    "refused": (_refused, ("before",)),
    "answer lost": (_lost, ("after",)),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_drill_broken_at_each_of_its_calls(
    row: Row, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    makes, sides = BREAKS[name]
    outcomes = _run(monkeypatch, name, makes, sides)
    assert len(outcomes) > 10
    row(f"lambda: restore drill {name}", str(len(outcomes) - 1), ends(outcomes), told(outcomes))
    assert_all_well(outcomes)


def _run(
    monkeypatch: pytest.MonkeyPatch, name: str, makes: Makes, sides: tuple[str, ...]
) -> list[dict[str, Any]]:
    forks, tap = Forks(), Tap()
    with driver(monkeypatch, "lambda") as night:
        night.configure(restore_drill={"canary": "orders"})
        for table, items in ITEMS.items():
            night.table(table, items=items)
        night.table(FOREIGN)
        night.tolerant = True

        met: Counter[object] = Counter()

        def strike(point: Point) -> None:
            if not point.caller.startswith("night/drill") or point.side not in sides:
                return
            # then all is over, and each pass only looks at the record
            met[point.site, point.side] += 1
            if met[point.site, point.side] <= MOST and forks.branch(f"{name} {point}"):
                tap.strike = None
                raise makes(point)

        tap.strike = strike
        try:
            with tap.attached():
                _whole_night(night)
            outcome = _outcome(night, name if forks.child else "")
        except BaseException:
            if forks.child is None:
                raise
            forks.fail()
        if forks.child is not None:
            forks.finish(outcome)
        return [{"name": "nothing", **outcome}, *forks.collect()]


def _whole_night(night: NightDriver) -> None:
    _invoked(night.scheduler)
    for _ in range(PASSES):
        night.world.clock.advance(600)
        _invoked(night.monitor)


def _invoked(invocation: Callable[[], object]) -> None:
    # the next one goes on
    with suppress(Killed, HippolyteError, ClientError, ReadTimeoutError):
        invocation()


def _outcome(night: NightDriver, broken: str) -> dict[str, Any]:
    report = night.record(RUN, "report.json")
    problems = [] if report else ["the night is not closed"]
    found = verdicts(report) if report else {}
    if found != {**dict.fromkeys(ITEMS, "backed_up"), FOREIGN: "skipped"}:
        problems.append(f"verdicts {found}")
    there = set(night.dynamodb.list_tables()["TableNames"])
    if there != {*ITEMS, FOREIGN}:
        problems.append(f"tables {there}")
    text = "\n".join(m["message"] for m in night.messages)
    lacking = {line for line in RESTORED if line not in text}
    # what is refused for good ends the drill, and whoever reads the message knows why
    if lacking and (broken != "refused" or "made up" not in text):
        problems.append(f"not told: {lacking}, told {(report or {}).get('drills')}")
    return {
        "problems": problems,
        "planned": True,
        "verdicts": found,
        "messages": len(night.messages),
    }
