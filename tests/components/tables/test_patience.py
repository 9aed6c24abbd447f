"""Discovery is patient: what fails for a while is asked again while the invocation has time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from hippolyte import clients, settings
from hippolyte.tables import discovery
from hippolyte.tables.patience import Patience
from hippolyte.tables.table import Inventory
from local.core.call import Call, refusal
from tests.support.harness import TIMEOUT_SECONDS, NightDriver, driver
from tests.support.watch import PRODUCT_KEY

URL = "https://dynamodb.us-east-1.amazonaws.com/"
NETWORK: dict[str, Callable[[], Exception]] = {
    "ReadTimeoutError": lambda: ReadTimeoutError(endpoint_url=URL, error="timed out"),
    "EndpointConnectionError": lambda: EndpointConnectionError(endpoint_url=URL, error="refused"),
    "ConnectionClosedError": lambda: ConnectionClosedError(endpoint_url=URL),
}
REFUSALS = (
    "ThrottlingException",
    "Throttling",
    "RequestThrottledException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "LimitExceededException",
    "InternalServerError",
)
# all that discovery asks: each may fail for a while
CALLS = (
    "dynamodb:ListTables",
    "dynamodb:DescribeTable",
    "dynamodb:Scan",
    "dynamodb:DescribeLimits",
    "dynamodb:ListGlobalTables",
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScheduledActions",
)


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch) as made:
        yield made


def discover(
    night: NightDriver, concurrency: int = 1, excluded: tuple[str, ...] = ()
) -> tuple[Inventory, float]:
    """Discover in an invocation; return what was found and the seconds it took."""
    with night.world.sleeper.invocation(TIMEOUT_SECONDS) as time:
        patience = Patience(lambda: time.limit_seconds - time.elapsed())
        built = clients.build(settings.load())
        found = discovery.discover(built, concurrency, lambda n: n not in excluded, patience)
        return found, time.elapsed()


def failing(
    night: NightDriver,
    operation: str,
    how: Callable[[Call], Exception],
    seconds: float,
    of: str = "",
    calls: int = 0,
) -> None:
    """Let the product's calls of an operation fail for virtual seconds, and at least so many.

    `of` is the table whose calls fail, all tables' if empty.
    """
    until: datetime = night.world.clock.now() + timedelta(seconds=seconds)
    made = itertools.count()

    def fail(call: Call) -> None:
        about = call.params.get("TableName", "")
        ours = call.access_key == PRODUCT_KEY and of in ("", about)
        if ours and (next(made) < calls or night.world.sleeper.now() < until):
            raise how(call)

    night.world.before(operation, fail)


def refused(code: str) -> Callable[[Call], Exception]:
    def answer(call: Call) -> Exception:
        error = refusal(call, code, "try later")
        if code.startswith("Internal"):
            error.http_status = 500  # type: ignore[attr-defined]
        return error

    return answer


def test_ten_throttled_seconds_give_no_table_of_six_hundred_up(night: NightDriver) -> None:
    """As many calls at once as a deployment makes, with the clients of one."""
    night.configure(planning={"discovery_concurrency": 24})
    for number in range(600):
        night.table(f"table-{number:03d}", items=1)
    failing(night, "dynamodb:DescribeTable", refused("ThrottlingException"), 10, calls=400)
    found, seconds = discover(night, 24)
    assert (found.undescribed, found.later) == ({}, {})
    assert len(found.tables) == 600
    assert 10 <= seconds < 60


@pytest.mark.parametrize("error", [*REFUSALS, *NETWORK])
@pytest.mark.parametrize("call", CALLS)
def test_whatever_fails_for_a_while_is_asked_again(
    night: NightDriver, call: str, error: str
) -> None:
    for name in ("orders", "users"):
        night.table(name, items=0)
        night.target(name, 5, 500)
    make = NETWORK.get(error)
    failing(night, call, (lambda _: make()) if make else refused(error), 30)
    found, seconds = discover(night)
    assert [(t.name, t.empty) for t in found.tables] == [("orders", True), ("users", True)]
    assert all(t.scaling for t in found.tables)
    assert (found.undescribed, found.later, found.warnings) == ({}, {}, ())
    assert 30 <= seconds < 100


@pytest.mark.parametrize("error", ["ThrottlingException", *NETWORK])
def test_a_table_that_fails_for_good_fails_alone(night: NightDriver, error: str) -> None:
    for name in ("orders", "sick", "users"):
        night.table(name, items=1)
    make = NETWORK.get(error)
    how: Any = (lambda _: make()) if make else refused(error)
    failing(night, "dynamodb:DescribeTable", how, 9999, of="sick")
    found, seconds = discover(night)
    assert [t.name for t in found.tables] == ["orders", "users"]
    assert found.undescribed == {}
    [(name, reason)] = found.later.items()
    assert name == "sick"
    assert reason.startswith("DescribeTable: ")
    # a quarter of an hour but what planning and the first step need
    assert TIMEOUT_SECONDS / 2 < seconds < TIMEOUT_SECONDS - 60


@pytest.mark.parametrize("error", ["ThrottlingException", *NETWORK])
def test_a_table_that_is_left_out_is_asked_for_once(night: NightDriver, error: str) -> None:
    for name in ("orders", "sick", "users"):
        night.table(name, items=1)
    make = NETWORK.get(error)
    how: Any = (lambda _: make()) if make else refused(error)
    failing(night, "dynamodb:DescribeTable", how, 9999, of="sick")
    found, seconds = discover(night, excluded=("sick", "users"))
    assert [t.name for t in found.tables] == ["orders", "users"], "users is in the headroom"
    assert list(found.later) == ["sick"]
    assert night.world.gate.calls["dynamodb:DescribeTable"] == 3
    assert seconds < 1


@pytest.mark.parametrize("error", ["ThrottlingException", *NETWORK])
def test_what_has_a_safe_answer_does_not_cost_the_night(night: NightDriver, error: str) -> None:
    """Scan, quotas, scaling targets: each for good, and all together."""
    night.table("orders", items=0)
    make = NETWORK.get(error)
    how: Any = (lambda _: make()) if make else refused(error)
    for call in CALLS[2:]:
        failing(night, call, how, 9999)
    found, seconds = discover(night)
    assert [(t.name, t.empty) for t in found.tables] == [("orders", False)]
    assert "scaling targets were not read" in found.warnings[0]
    assert "the default quotas are assumed" in found.warnings[1]
    assert seconds < TIMEOUT_SECONDS - 60


def test_what_is_refused_for_good_is_asked_once(night: NightDriver) -> None:
    night.table("orders")
    night.world.deny("dynamodb:DescribeTable")
    found, seconds = discover(night)
    assert night.world.gate.calls["dynamodb:DescribeTable"] == 1
    assert seconds == 0
    assert "not authorized" in found.undescribed["orders"][1]


@pytest.mark.parametrize("error", ["ThrottlingException", "InternalServiceException", *NETWORK])
def test_tags_are_asked_for_again_and_not_for_ever(night: NightDriver, error: str) -> None:
    """A rule over tags has a safe answer without them: the table is backed up."""
    night.configure(tables={"exclude_tags": {"backup": ["no"]}})
    for number in range(120):
        night.table(f"table-{number:03d}", items=0)
        night.tag(f"table-{number:03d}", backup="no")
    make = NETWORK.get(error)
    how: Any = (lambda _: make()) if make else refused(error)
    tagging = clients.build(settings.load()).tagging
    assert tagging is not None
    for seconds, known in ((30, 120), (9999, 0)):
        failing(night, "resourcegroupstaggingapi:GetResources", how, seconds)
        with night.world.sleeper.invocation(TIMEOUT_SECONDS) as time:
            patience = Patience(lambda t=time: t.limit_seconds - t.elapsed())  # type: ignore[misc]
            found = discovery.read_tags(tagging, patience)
            assert (len(found.known), found.error == "") == (known, known > 0)
            assert time.elapsed() < 300
