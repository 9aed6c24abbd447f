"""Invocations beside each other, in one virtual time: greenlets here, processes when served."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest

from hippolyte.scan import runner
from local.core.clock import Clock
from local.functions.in_process import Sleeper
from local.functions.invocation import Invocation
from local.functions.virtual_time import NoProductClock, product_threads
from local.world import World
from tests.support.aws_world import (
    ACCOUNT,
    START,
    allow,
    checked,
    make_function,
    make_role,
    refused,
)
from tests.support.faults.forks import Forks

CODE = """
import logging, os, threading, time
import boto3
from hippolyte import clock

log = logging.getLogger("f")

def handler(event, context):
    s3 = boto3.client("s3")
    seen = []
    name = str(os.getpid()) if event["name"] == "pid" else event["name"]
    for seconds in event["sleeps"]:
        time.sleep(seconds)
        s3.put_object(Bucket="trace", Key=name, Body=b"")
        seen.append(clock.now().isoformat())
        log.warning("%s woke", event["name"])
        print(event["name"], "prints")
    if event.get("scans"):
        return scan(event["scans"])
    if event.get("fails"):
        raise ValueError(event["name"])
    left = context.get_remaining_time_in_millis() / 1000
    return {"left": left, "seen": seen, "mine": os.environ["MINE"]}

def scan(calls):
    from hippolyte.scan.runner import Threads
    threads = set()
    def call(number):
        threading.Event().wait(0.05 * (calls - number))  # real seconds: the last ends first
        threads.add(threading.current_thread().name)
    order = []
    with Threads(calls) as runner:
        runner.wait(3)
        numbers = {runner.start(lambda n=n: call(n)): n for n in range(calls)}
        while numbers:
            order += [numbers.pop(future) for future in runner.wait(30)]
        runner.wait(4)
    return {"order": order, "threads": len(threads), "main": "MainThread" in threads}
"""
RUNNER = Path(runner.__file__).read_text()
PRODUCT = {
    "hippolyte/__init__.py": "",
    "hippolyte/clock.py": "from datetime import UTC, datetime\n\ndef now():\n"
    "    return datetime.now(UTC)\n",
    "hippolyte/scan/__init__.py": "",
    "hippolyte/scan/runner.py": RUNNER,
}
IMPORTED = " ThreadPoolExecutor as Pool\n"
TIMED_OUT = "Sandbox.Timedout"
KILLED = "Runtime.ExitError"


class Beside:
    """A world with functions `f` and `g` of 60 seconds, and what happened in it, in order."""

    def __init__(self, world: World, timeout: int = 60) -> None:
        self.world = world
        self.happened: list[tuple[float, str]] = []
        world.iam_enforced = False
        world.client("s3").create_bucket(Bucket="trace")
        role = make_role(world, "role")
        for name in ("f", "g"):
            variables = {"Variables": {"MINE": name}}
            more = {"timeout": timeout, "files": PRODUCT, "Environment": variables}
            make_function(world, CODE, role, name=name, **more)
        world.before("s3:PutObject", lambda call: self.note(str(call.key)))

    def note(self, what: str) -> None:
        self.happened.append((self.seconds(), what))

    def seconds(self) -> float:
        return (self.world.now() - START).total_seconds()

    def start(self, name: str, *sleeps: float, function: str = "f", **event: Any) -> Invocation:
        """Start an invocation that writes its name after each sleep."""

        def ended(invocation: Invocation) -> None:
            error = f" {invocation.error['errorType']}" if invocation.error else ""
            self.note(f"{name} ended{error}")

        functions = self.world.functions
        event = {"name": name, "sleeps": sleeps, **event}
        return functions.start(functions.find(function), event, ended)

    def passes(self, seconds: float) -> None:
        self.world.clock.advance(seconds)


@contextmanager
def made(how: str, **function: Any) -> Iterator[Beside]:
    world = World(Clock(START), ACCOUNT)
    if how == "served":
        with world.served():
            yield Beside(world, **function)
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        world.in_process(),
    ):
        (Path(folder) / "f.py").write_text(CODE)
        patch.syspath_prepend(folder)
        patch.delitem(sys.modules, "f", raising=False)
        yield Beside(world, **function)
        sys.modules.pop("f", None)


HOW = ["in_process", "served"]


@pytest.fixture(params=HOW)
def beside(request: pytest.FixtureRequest) -> Iterator[Beside]:
    with made(request.param) as found:
        yield found


@pytest.fixture
def here() -> Iterator[Beside]:
    with made("in_process") as found:
        yield found


@pytest.fixture
def served() -> Iterator[Beside]:
    with made("served") as found:
        yield found


def test_they_sleep_beside_each_other_and_the_world_goes_on(beside: Beside) -> None:
    beside.world.clock.call_in(5, lambda: beside.note("monitor"))
    slow = beside.start("slow", 4, 4)
    quick = beside.start("quick", 3, 3, 3, function="g")
    assert beside.happened == []
    assert beside.world.functions.running() == [slow, quick]
    beside.passes(3.5)
    assert beside.happened == [(3, "quick")]
    beside.passes(56.5)
    assert beside.happened == [
        (3, "quick"),
        (4, "slow"),
        (5, "monitor"),
        (6, "quick"),
        (8, "slow"),
        (8, "slow ended"),
        (9, "quick"),
        (9, "quick ended"),
    ]
    assert beside.seconds() == 60
    assert (slow.payload["left"], quick.payload["left"]) == (52, 51)
    assert (slow.payload["mine"], quick.payload["mine"]) == ("f", "g")
    at = [(START + timedelta(seconds=seconds)).isoformat() for seconds in (4, 8)]
    assert slow.payload["seen"] == at
    assert (slow.slept_seconds, quick.slept_seconds) == (8, 9)
    assert slow.ended_at == START + timedelta(seconds=8)
    assert beside.world.functions.running() == []


def test_each_has_its_own_log_and_leaves_the_process_as_it_was(beside: Beside) -> None:
    def state() -> tuple[Any, ...]:
        root = logging.getLogger()
        streams = sys.stdout, sys.stderr
        session = boto3.DEFAULT_SESSION
        return dict(os.environ), session, list(root.handlers), root.level, *streams

    before = state()
    one, two = beside.start("one", 1, 2), beside.start("two", 2, 2, fails=True)
    for _ in range(5):
        beside.passes(1)
        assert state() == before
    assert [line.split()[-2:] for line in one.log.splitlines() if "one" in line] == [
        *([["one", "woke"], ["one", "prints"]] * 2)
    ]
    assert "two" not in one.log
    assert "one" not in two.log
    assert two.error is not None
    assert (two.error["errorType"], two.error["errorMessage"]) == ("ValueError", "two")


def test_one_that_sleeps_past_its_limit_ends_at_the_limit(beside: Beside) -> None:
    late = beside.start("late", 50, 20)
    beside.passes(10)
    other = beside.start("other", 49)
    beside.passes(200)
    assert beside.happened == [
        (50, "late"),
        (59, "other"),
        (59, "other ended"),
        (60, f"late ended {TIMED_OUT}"),
    ]
    assert late.error is not None
    assert late.error["errorMessage"].endswith("Task timed out after 60.00 seconds")
    assert late.slept_seconds == 60
    assert "late woke" in late.log
    assert other.error is None


def test_one_that_is_killed_where_it_sleeps_is_told_at_once(beside: Beside) -> None:
    killed, other = beside.start("killed", 5, 5), beside.start("other", 20)
    beside.passes(7)
    beside.world.functions.kill(killed)
    assert beside.world.functions.running() == [other]
    beside.passes(20)
    assert beside.happened == [
        (5, "killed"),
        (7, f"killed ended {KILLED}"),
        (20, "other"),
        (20, "other ended"),
    ]
    with pytest.raises(ValueError, match="does not run"):
        beside.world.functions.kill(killed)


def test_one_that_is_killed_in_the_midst_of_a_call_never_makes_it(beside: Beside) -> None:
    def strike(_: Any) -> None:
        beside.world.functions.kill(killed)

    killed = beside.start("killed", 5, 5)
    beside.start("other", 7)
    beside.world.before("s3:PutObject", strike, 1)
    beside.passes(20)
    assert beside.happened[1:] == [
        (5, f"killed ended {KILLED}"),
        (7, "other"),
        (7, "other ended"),
    ]


def test_one_that_is_frozen_goes_on_after_it_was_given_up(beside: Beside) -> None:
    frozen = beside.start("frozen", 10, 10, 10)
    beside.start("other", 30)
    beside.passes(12)
    beside.world.functions.freeze(frozen, 100)
    beside.passes(300)
    assert beside.happened == [
        (10, "frozen"),
        (30, "other"),
        (30, "other ended"),
        (60, f"frozen ended {TIMED_OUT}"),
        (112, "frozen"),
        (122, "frozen"),
    ]
    assert frozen.payload is None


def test_one_that_is_frozen_for_a_while_is_only_late(beside: Beside) -> None:
    frozen = beside.start("frozen", 10, 10)
    beside.passes(5)
    beside.world.functions.freeze(frozen, 20)
    beside.passes(300)
    assert beside.happened == [(25, "frozen"), (35, "frozen"), (35, "frozen ended")]
    assert frozen.payload["left"] == 25


def test_an_invocation_may_run_twice(beside: Beside) -> None:
    beside.world.functions.twice = 1
    one = beside.start("one", 1, 2)
    beside.start("next", 1)
    beside.passes(10)
    assert beside.happened == [
        (1, "one"),
        (1, "one"),
        (1, "next"),
        (1, "next ended"),
        (3, "one"),
        (3, "one"),
        (3, "one ended"),
    ]
    ids = [each.request_id for each in beside.world.lambda_logs]
    assert ids[:2] == [one.request_id] * 2
    assert ids[2] != one.request_id


def test_a_start_beyond_the_accounts_concurrency_is_throttled(beside: Beside) -> None:
    beside.world.limits.concurrent_executions = 2
    for name in ("one", "two"):
        beside.start(name, 2)
    throttled = beside.start("three", 2)
    assert throttled.error is not None
    assert beside.happened == []
    beside.passes(1)
    assert beside.happened == [(0, "three ended TooManyRequestsException")]
    beside.passes(2)
    again = beside.start("three", 2)
    beside.passes(2)
    assert again.error is None
    assert beside.happened[-2:] == [(5, "three"), (5, "three ended")]


def test_one_of_a_function_that_is_down_ends_at_once(beside: Beside) -> None:
    beside.world.functions.down.add("f")
    beside.start("one", 2)
    beside.passes(1)
    assert beside.happened == [(0, f"one ended {KILLED}")]


def test_the_account_says_its_concurrency(beside: Beside) -> None:
    beside.world.limits.concurrent_executions = 50
    functions = beside.world.client("lambda")
    with checked(functions):
        limit = functions.get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (50, 50)
    functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=20)
    limit = functions.get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (50, 30)


def test_a_role_needs_the_right_to_ask_for_the_accounts_concurrency(beside: Beside) -> None:
    beside.world.iam_enforced = True
    may = make_role(beside.world, "may", allow("lambda:GetAccountSettings"))
    beside.world.client("lambda", role_arn=may).get_account_settings()
    may_not = make_role(beside.world, "may-not", allow("lambda:GetFunction"))
    with refused("AccessDeniedException", "lambda:GetAccountSettings"):
        beside.world.client("lambda", role_arn=may_not).get_account_settings()


@pytest.mark.parametrize(("how", "count"), [("in_process", 8), ("served", 2)])
def test_two_runs_are_alike(how: str, count: int) -> None:
    """Many that sleep whole seconds, so often at once, beside a monitor each 300 s."""

    def run() -> list[tuple[float, str]]:
        with made(how, timeout=900) as beside:

            def look() -> None:
                beside.note(f"monitor sees {len(beside.world.functions.running())}")
                beside.world.clock.call_in(300, look)

            beside.world.clock.call_in(300, look)
            for name, sleeps in wanted.items():
                beside.start(name, *sleeps)
            beside.passes(1200)
            return beside.happened

    numbers = Random(1)
    wanted = {f"i{i}": [float(numbers.randint(0, 12)) for _ in range(100)] for i in range(count)}
    happened = run()
    assert happened == run()
    woke = {
        (sum(sleeps[: n + 1]), name) for name, sleeps in wanted.items() for n in range(len(sleeps))
    }
    told = {(sum(sleeps), f"{name} ended") for name, sleeps in wanted.items()}
    seen = [each for each in happened if "monitor" not in each[1]]
    assert set(seen) == woke | told
    assert len(seen) == count * 101
    assert [at for at, _ in happened] == sorted(at for at, _ in happened)
    looks = [what for what in happened if "monitor" in what[1]]
    assert looks[0] == (300, f"monitor sees {count}")
    assert looks[-1] == (1200, "monitor sees 0")
    assert len(looks) == 4


def test_a_scans_calls_are_made_by_the_one_thread_here(here: Beside) -> None:
    scan = here.start("scan", scans=4)
    here.start("other", 5)
    here.passes(10)
    assert scan.payload == {"order": [0, 1, 2, 3], "threads": 1, "main": True}
    assert here.happened == [(5, "other"), (5, "other ended"), (7, "scan ended")]


def test_a_scans_calls_take_no_virtual_time_and_end_in_order_when_served(served: Beside) -> None:
    scan = served.start("scan", scans=4)
    served.start("other", 5)
    served.passes(10)
    assert scan.payload == {"order": [0, 1, 2, 3], "threads": 4, "main": False}
    assert served.happened == [(5, "other"), (5, "other ended"), (7, "scan ended")]


def test_threads_are_real_outside_a_started_invocation(here: Beside) -> None:
    with runner.Threads(1) as threads:
        threads.start(lambda: here.note(threading.current_thread().name))
    assert here.happened == [(0, "scan_0")]


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("running", RUNNER),
        ("runner", RUNNER.replace("def wait(", "def wait_for(")),
        (
            "runner",
            RUNNER.replace("ThreadPoolExecutor(", "P(").replace(
                "PoolExecutor\n", "PoolExecutor as P\n"
            ),
        ),
    ],
    ids=["moved", "renamed", "another-pool"],
)
def test_a_scan_without_its_threads_is_an_error(served: Beside, module: str, text: str) -> None:
    files = {name: told for name, told in PRODUCT.items() if "runner" not in name}
    files[f"hippolyte/scan/{module}.py"] = text
    role = f"arn:aws:iam::{ACCOUNT}:role/role"
    make_function(served.world, CODE, role, name="without", files=files)
    without = served.start("without", 1, function="without")
    served.passes(1)
    assert without.error is not None
    assert without.error["errorType"] == "NoProductClock"
    assert "has no hippolyte.scan.runner with Threads.wait" in without.error["errorMessage"]


@pytest.mark.parametrize("name", ["Threads", "Threads.wait", "ThreadPoolExecutor"])
def test_a_scan_without_its_threads_is_an_error_here(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert product_threads() is runner
    monkeypatch.delattr(f"hippolyte.scan.runner.{name}")
    with pytest.raises(NoProductClock, match=r"has no hippolyte\.scan\.runner"):
        Sleeper(Clock(START)).install()


def test_a_child_by_fork_kills_one_of_them_and_the_night_goes_on_in_both(here: Beside) -> None:
    forks = Forks()

    def strike(_: Any) -> None:
        if here.seconds() == 2 and forks.branch("child"):
            struck = here.world.functions.current()
            assert struck is one
            here.world.functions.kill(struck)

    one = here.start("one", 2, 2)
    here.start("two", 1, 2)
    here.world.before("s3:PutObject", strike)
    try:
        here.passes(10)
    except BaseException:
        if forks.child is None:
            raise
        forks.fail()
    if forks.child:
        forks.finish({"happened": here.happened})
    [child] = forks.collect()
    two = [(1, "two"), (3, "two"), (3, "two ended")]
    assert here.happened == sorted([(2, "one"), *two, (4, "one"), (4, "one ended")])
    assert list(map(tuple, child["happened"])) == [
        (1, "two"),
        (2, "one"),
        (2, f"one ended {KILLED}"),
        *two[1:],
    ]


def test_what_one_said_before_it_died_is_in_its_log(here: Beside) -> None:
    killed, struck = here.start("killed", 1, 9), here.start("struck", 2, 2)
    frozen = here.start("frozen", 3, 9)
    here.passes(3)
    here.world.functions.kill(killed)
    here.world.functions.freeze(frozen, 100)
    here.world.before("s3:PutObject", lambda _: here.world.functions.kill(struck), 1)
    here.passes(100)
    for each in (killed, struck, frozen):
        assert each.error is not None
        assert f"{each.event['name']} woke" in each.log
    assert f'"{TIMED_OUT}"' in frozen.log


def test_one_that_is_frozen_in_the_midst_of_a_call_makes_it_later(here: Beside) -> None:
    """As a process is that stands still for long: it believes that it still may."""

    def strike(_: Any) -> None:
        here.world.functions.freeze(frozen, 90)

    here.world.gate.hooks.clear()
    here.world.before("s3:PutObject", strike, 1)
    here.world.before("s3:PutObject", lambda call: here.note(str(call.key)))
    frozen = here.start("frozen", 10, 10)
    here.start("other", 20)
    here.passes(200)
    assert here.happened == [
        (20, "other"),
        (20, "other ended"),
        (60, f"frozen ended {TIMED_OUT}"),
        (100, "frozen"),
        (110, "frozen"),
    ]


def test_time_that_passes_within_a_call_counts(here: Beside) -> None:
    """A test lets a call take long: others go on meanwhile, and its caller's time may be up."""

    def strike(_: Any) -> None:
        here.passes(100)

    here.world.before("s3:PutObject", strike, 1)
    late = here.start("late", 10, 10)
    here.start("other", 30)
    here.passes(200)
    assert here.happened == [
        (10, "late"),
        (30, "other"),
        (30, "other ended"),
        (60, f"late ended {TIMED_OUT}"),
    ]
    assert late.ended_at == START + timedelta(seconds=60)


def test_what_a_test_fails_with_inside_one_reaches_the_test(here: Beside) -> None:
    def strike(_: Any) -> None:
        pytest.fail("a promise is broken")

    here.start("one", 1, 1)
    here.world.before("s3:PutObject", strike, 1)
    with pytest.raises(pytest.fail.Exception, match="a promise is broken"):
        here.passes(10)
    assert here.world.functions.running() == []


@pytest.mark.parametrize("how", HOW)
def test_a_world_that_ends_leaves_none_of_them(how: str) -> None:
    with made(how) as beside:
        beside.start("pid", 1, 50)
        beside.passes(5)
        pid = int(beside.happened.pop(0)[1])
        [sleeping] = beside.world.functions._started._all
    assert beside.happened == []
    assert beside.world.functions.running() == []
    if how == "in_process":
        assert not sleeping.body._greenlet
    else:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
