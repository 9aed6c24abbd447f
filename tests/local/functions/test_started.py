"""Invocations beside each other, in one virtual time: greenlets here, processes when served."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.core.clock import Clock
from local.functions.invocation import Invocation
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

CODE = """
import logging, os, time
import boto3
from hippolyte import clock

log = logging.getLogger("f")

def handler(event, context):
    s3 = boto3.client("s3")
    seen = []
    for seconds in event["sleeps"]:
        time.sleep(seconds)
        s3.put_object(Bucket="trace", Key=event["name"], Body=b"")
        seen.append(clock.now().isoformat())
        log.warning("%s woke", event["name"])
        print(event["name"], "prints")
    if event.get("fails"):
        raise ValueError(event["name"])
    left = context.get_remaining_time_in_millis() / 1000
    return {"left": left, "seen": seen, "mine": os.environ["MINE"]}
"""
PRODUCT = {
    "hippolyte/__init__.py": "",
    "hippolyte/clock.py": "from datetime import UTC, datetime\n\ndef now():\n"
    "    return datetime.now(UTC)\n",
}
TIMED_OUT = "Sandbox.Timedout"
KILLED = "Runtime.ExitError"


class Beside:
    """A world with functions `f` and `g` of 60 seconds, and what happened in it, in order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.happened: list[tuple[float, str]] = []
        world.iam_enforced = False
        world.client("s3").create_bucket(Bucket="trace")
        role = make_role(world, "role")
        for name in ("f", "g"):
            variables = {"Variables": {"MINE": name}}
            make_function(world, CODE, role, name=name, files=PRODUCT, Environment=variables)
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


@pytest.fixture(params=["in_process", "served"])
def beside(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Beside]:
    world = World(Clock(START), ACCOUNT)
    if request.param == "served":
        with world.served():
            yield Beside(world)
        return
    (tmp_path / "f.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "f", raising=False)
    with world.in_process():
        yield Beside(world)
    monkeypatch.delitem(sys.modules, "f", raising=False)


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
