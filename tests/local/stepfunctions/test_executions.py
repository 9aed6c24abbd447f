"""Executions of the local Step Functions: states, errors, retries, waits, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from local.core.clock import Clock
from local.world import World
from tests.support.aws_world import ACCOUNT, REGION, START
from tests.support.exporter import definition as exporters
from tests.support.machines import FUNCTION, MACHINE, Machines, machine, made, task

OVER = {"Type": "Succeed"}
INPUT = {"run": "r", "worker": "b001", "deadline": "2026-11-24T00:30:00Z", "place": {"prefix": ""}}


@pytest.fixture
def machines() -> Iterator[Machines]:
    with made() as found:
        yield found


def retried(error: str, **more: Any) -> dict[str, Any]:
    return {"ErrorEquals": [error], "BackoffRate": 1, **more}


# --- the module's own machine


def test_links_follow_each_other_until_nothing_is_left(machines: Machines) -> None:
    more, done = ({"sleeps": 100, "answers": {"more": left}} for left in (True, False))
    found = machines.run(json.loads(exporters(FUNCTION)), more, more, done, given=INPUT)
    assert (found["status"], machines.seconds()) == ("SUCCEEDED", 300)
    assert machines.invoked() == [0, 100, 200]
    assert [one.event for one in machines.world.lambda_logs] == [INPUT] * 3
    assert json.loads(found["output"]) == {**INPUT, "link": {"more": False}}


def test_no_link_follows_after_the_deadline(machines: Machines) -> None:
    more = {"sleeps": 700, "answers": {"more": True}}
    found = machines.run(json.loads(exporters(FUNCTION)), *[more] * 9, given=INPUT)
    assert (found["status"], machines.invoked()) == ("SUCCEEDED", [0, 700, 1400])
    late = {**INPUT, "deadline": "2026-11-24T00:00:00Z"}
    machines.start("late", late)
    machines.world.clock.advance(1)
    assert machines.describe("late")["status"] == "SUCCEEDED"
    assert len(machines.invoked()) == 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [({"more": None}, "Exporter.NoAnswer"), ({}, "States.Runtime"), (None, "States.Runtime")],
)
def test_a_link_that_answers_nothing_is_no_success(
    machines: Machines, answer: Any, error: str
) -> None:
    found = machines.run(json.loads(exporters(FUNCTION)), {"answers": answer}, given=INPUT)
    assert (found["status"], found["error"]) == ("FAILED", error)
    assert machines.invoked() == [0], "States.Runtime is not tried again"


def test_a_link_that_stands_still_is_followed_when_its_functions_time_is_up(
    machines: Machines,
) -> None:
    machines.make(json.loads(exporters(FUNCTION)))
    machines.script[:] = [{"sleeps": 10}, {"answers": {"more": False}}]
    machines.start(given=INPUT)
    machines.world.clock.advance(5)
    [first] = machines.world.functions.running()
    machines.world.functions.freeze(first, 5000)
    machines.world.clock.advance(893)
    assert machines.invoked() == [0]
    machines.world.clock.advance(10)
    assert first.error
    assert first.error["errorType"] == "Sandbox.Timedout"
    assert len(machines.invoked()) == 2
    assert machines.describe()["status"] == "SUCCEEDED"


# --- how a failed invocation is called


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ({"raises": "KeyError"}, "KeyError"),
        ({"raises": "SystemExit"}, "Runtime.ExitError"),
        ({"sleeps": 901}, "Sandbox.Timedout"),
    ],
)
def test_a_functions_error_keeps_its_name(
    machines: Machines, script: dict[str, Any], error: str
) -> None:
    found = machines.run(machine(("A", task())), script)
    assert (found["status"], found["error"]) == ("FAILED", error)
    assert json.loads(found["cause"])["errorType"] == error


def test_an_invocation_that_is_killed_is_an_exit(machines: Machines) -> None:
    machines.make(machine(("A", task())))
    machines.script[:] = [{"sleeps": 100}]
    machines.start()
    machines.world.clock.advance(10)
    machines.world.functions.kill(machines.world.functions.running()[0])
    machines.world.clock.advance(1)
    assert machines.describe()["error"] == "Runtime.ExitError"
    assert machines.seconds() == 10


def test_a_function_that_is_not_there(machines: Machines) -> None:
    machines.world.client("lambda").delete_function(FunctionName="f")
    found = machines.run(machine(("A", task())))
    assert found["error"] == "Lambda.ResourceNotFoundException"


@pytest.mark.parametrize("code", ["ServiceException", "SdkClientException"])
def test_an_error_of_lambda_itself(machines: Machines, code: str) -> None:
    machines.world.throttle("lambda:Invoke", code=code)
    found = machines.run(machine(("A", task())))
    assert found["error"] == f"Lambda.{code}"
    assert machines.invoked() == []


def test_without_room_it_is_throttled_until_there_is_some(machines: Machines) -> None:
    machines.world.limits.concurrent_executions = 1
    throttled = retried("Lambda.TooManyRequestsException", IntervalSeconds=5, MaxAttempts=99999999)
    machines.make(machine(("A", task(Retry=[throttled]))))
    machines.script[:] = [{"sleeps": 12}]
    machines.start("first")
    machines.start("second")
    machines.start("third")
    machines.world.clock.advance(60)
    # second and third wait 5, 10, 15
    assert (machines.seconds("first"), machines.seconds("second")) == (12, 15)
    assert machines.describe("third")["status"] == "SUCCEEDED"


def test_without_a_retrier_a_throttled_one_fails(machines: Machines) -> None:
    machines.world.limits.concurrent_executions = 0
    found = machines.run(machine(("A", task())))
    assert found["error"] == "Lambda.TooManyRequestsException"
    assert "Rate Exceeded" in found["cause"]


# --- retriers and catchers


def test_pauses_grow_up_to_their_most(machines: Machines) -> None:
    retrier = {"IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 10, "MaxAttempts": 4}
    failing = task(Retry=[{"ErrorEquals": ["States.ALL"], **retrier}])
    found = machines.run(machine(("A", failing)), *[{"raises": "ValueError"}] * 9)
    assert found["error"] == "ValueError"
    assert machines.invoked() == [0, 2, 8, 18, 28]


def test_a_retrier_tries_three_times_and_doubles_from_a_second(machines: Machines) -> None:
    failing = task(Retry=[{"ErrorEquals": ["ValueError"]}])
    machines.run(machine(("A", failing)), *[{"raises": "ValueError"}] * 9)
    assert machines.invoked() == [0, 1, 3, 7]


def test_each_retrier_counts_for_itself_and_anew_at_each_entry(machines: Machines) -> None:
    retriers = [
        retried("KeyError", IntervalSeconds=10, MaxAttempts=1),
        retried("States.ALL", IntervalSeconds=100, MaxAttempts=1),
    ]
    again = task(Retry=retriers, ResultPath=None, Next="B")
    definition = machine(("A", again), ("B", {**again, "Next": "C"}), ("C", OVER))
    key, value = {"raises": "KeyError"}, {"raises": "ValueError"}
    found = machines.run(definition, key, value, {}, key, value, key)
    assert machines.invoked() == [0, 10, 110, 110, 120, 220]
    # exhausted, the first retrier that fits is the last that is asked
    assert (found["status"], found["error"]) == ("FAILED", "KeyError")


def test_no_attempts_is_no_retry(machines: Machines) -> None:
    retriers = [retried("KeyError", MaxAttempts=0), retried("States.ALL")]
    found = machines.run(machine(("A", task(Retry=retriers))), {"raises": "KeyError"})
    assert (found["error"], machines.invoked()) == ("KeyError", [0])


def test_jitter_is_within_the_pause_and_each_executions_own(machines: Machines) -> None:
    failing = task(Retry=[retried("States.ALL", IntervalSeconds=60, JitterStrategy="FULL")])
    machines.make(machine(("A", failing)))
    machines.script[:] = [{"raises": "KeyError"}] * 99
    courses = []
    for name in ("a", "b", "a2"):
        before = len(machines.invoked())
        machines.start(name)
        machines.world.clock.advance(1000)
        courses.append([b - a for a, b in pairwise(machines.invoked()[before:])])
    assert all(0 <= pause <= 60 for course in courses for pause in course)
    assert [len(course) for course in courses] == [3, 3, 3]
    assert len({tuple(course) for course in courses}) == 3
    assert max(max(course) for course in courses) > 10


@pytest.mark.parametrize(
    ("names", "error", "caught"),
    [
        (["KeyError"], "KeyError", True),
        (["ValueError"], "KeyError", False),
        (["States.TaskFailed"], "KeyError", True),
        (["States.ALL"], "KeyError", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.Timeout"], "States.Timeout", True),
        (["States.ALL"], "States.Timeout", True),
    ],
)
def test_what_a_catcher_catches(
    machines: Machines, names: list[str], error: str, caught: bool
) -> None:
    catcher = {"ErrorEquals": names, "Next": "Caught", "ResultPath": "$.failed"}
    failing = task(TimeoutSeconds=30, Catch=[catcher])
    script = {"sleeps": 60} if error == "States.Timeout" else {"raises": error}
    definition = machine(("A", failing), ("Caught", OVER))
    found = machines.run(definition, script, given={"a": 1})
    assert found["status"] == ("SUCCEEDED" if caught else "FAILED")
    if caught:
        output = json.loads(found["output"])
        assert (output["a"], output["failed"]["Error"]) == (1, error)
    else:
        assert found["error"] == error


# --- time


def test_a_task_out_of_time_leaves_its_invocation_running(machines: Machines) -> None:
    machines.make(machine(("A", task(TimeoutSeconds=30))))
    machines.script[:] = [{"sleeps": 60}]
    machines.start()
    machines.world.clock.advance(31)
    assert (machines.describe()["status"], machines.describe()["error"]) == (
        "FAILED",
        "States.Timeout",
    )
    assert machines.seconds() == 30
    [invocation] = machines.world.functions.running()
    machines.world.clock.advance(60)
    assert invocation.ended_at == START + timedelta(seconds=60)
    assert machines.describe()["status"] == "FAILED", "its answer comes too late"


def test_a_tasks_time_from_its_input(machines: Machines) -> None:
    definition = machine(("A", task(TimeoutSecondsPath="$.most")))
    found = machines.run(definition, {"sleeps": 60}, given={"most": 7})
    assert (found["error"], machines.seconds()) == ("States.Timeout", 7)
    machines.start("bad", {"most": "7"})
    machines.world.clock.advance(1)
    assert machines.describe("bad")["error"] == "States.Runtime"


def test_the_machines_time_holds_for_all_of_it(machines: Machines) -> None:
    looping = task(Next="A", ResultPath=None)
    definition = machine(("A", looping), TimeoutSeconds=100)
    machines.make(definition)
    machines.script[:] = [{"sleeps": 30}] * 9
    machines.start()
    machines.world.clock.advance(500)
    assert machines.describe()["status"] == "TIMED_OUT"
    assert (machines.seconds(), machines.invoked()) == (100, [0, 30, 60, 90])


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        ({"Seconds": 40}, 40),
        ({"Seconds": 0}, 0),
        ({"SecondsPath": "$.seconds"}, 50),
        ({"Timestamp": "2026-11-24T00:01:10Z"}, 70),
        ({"TimestampPath": "$.until"}, 80),
        ({"TimestampPath": "$.past"}, 0),
    ],
)
def test_waits(machines: Machines, wait: dict[str, Any], seconds: int) -> None:
    given = {
        "seconds": 50,
        "until": "2026-11-24T01:01:20+01:00",
        "past": "2026-11-23T00:00:00Z",
    }
    definition = machine(("A", {"Type": "Wait", "End": True, **wait}))
    found = machines.run(definition, given=given)
    assert (found["status"], machines.seconds()) == ("SUCCEEDED", seconds)
    assert json.loads(found["output"]) == given


@pytest.mark.parametrize("wait", [{"SecondsPath": "$.a"}, {"TimestampPath": "$.a"}])
@pytest.mark.parametrize("given", [{}, {"a": "soon"}, {"a": -1}, {"a": 1.5}, {"a": True}])
def test_a_wait_for_nothing_sensible_fails(
    machines: Machines, wait: dict[str, Any], given: dict[str, Any]
) -> None:
    found = machines.run(machine(("A", {"Type": "Wait", "End": True, **wait})), given=given)
    assert found["error"] == "States.Runtime"


def test_a_stop_ends_it_at_once_but_not_its_invocation(machines: Machines) -> None:
    machines.make(machine(("A", task())))
    machines.script[:] = [{"sleeps": 60}]
    arn = machines.start()
    machines.world.clock.advance(10)
    machines.client.stop_execution(executionArn=arn, error="Enough", cause="of it")
    found = machines.describe()
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "Enough", "of it")
    [invocation] = machines.world.functions.running()
    machines.world.clock.advance(100)
    assert invocation.ended_at == START + timedelta(seconds=60)
    assert (machines.describe()["status"], machines.seconds()) == ("ABORTED", 10)
    again = machines.client.stop_execution(executionArn=arn)
    assert again["stopDate"] == found["stopDate"]


# --- data


def test_data_on_its_way(machines: Machines) -> None:
    definition = machine(
        ("Made", {"Type": "Pass", "Result": {"b": [1]}, "ResultPath": "$.x.made", "Next": "Ask"}),
        (
            "Ask",
            task(
                Parameters={
                    "FunctionName.$": "$.name",
                    "Payload": {"plain": "$.a", "a.$": "$.a", "in": [{"n.$": "$$.Execution.Name"}]},
                },
                ResultSelector={"got.$": "$.Payload.a", "code.$": "$.StatusCode", "s": 1},
                ResultPath="$.x.asked",
                Next="Kept",
            ),
        ),
        ("Kept", {"Type": "Pass", "Parameters": {"x.$": "$.x", "all.$": "$"}, "End": True}),
    )
    found = machines.run(definition, given={"a": "A", "name": "f"})
    assert machines.world.lambda_logs[0].event == {"plain": "$.a", "a": "A", "in": [{"n": "e"}]}
    output = json.loads(found["output"])
    assert output["x"] == {"made": {"b": [1]}, "asked": {"got": "A", "code": 200, "s": 1}}
    assert output["all"]["name"] == "f"


def test_a_tasks_whole_result(machines: Machines) -> None:
    found = machines.run(machine(("A", task())), given={"a": 1})
    output = json.loads(found["output"])
    assert (output["Payload"], output["StatusCode"]) == ({"a": 1}, 200)
    assert output["ExecutedVersion"] == "$LATEST"


def test_the_context_object(machines: Machines) -> None:
    asked = {
        "execution.$": "$$.Execution",
        "state.$": "$$.State",
        "machine.$": "$$.StateMachine",
    }
    definition = machine(
        ("Wait", {"Type": "Wait", "Seconds": 5, "Next": "A"}),
        ("A", {"Type": "Pass", "Parameters": asked, "End": True}),
    )
    found = machines.run(definition, given={"a": 1})
    output = json.loads(found["output"])
    assert output["execution"] == {
        "Id": found["executionArn"],
        "Input": {"a": 1},
        "Name": "e",
        "RoleArn": machines.role,
        "StartTime": "2026-11-24T00:00:00.000Z",
        "RedriveCount": 0,
    }
    entered = {"Name": "A", "EnteredTime": "2026-11-24T00:00:05.000Z", "RetryCount": 0}
    assert output["state"] == entered
    assert output["machine"] == {"Id": found["stateMachineArn"], "Name": "m"}


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Parameters": {"a.$": "$.none"}, "End": True},
        {"Type": "Pass", "Result": 1, "ResultPath": "$.a.b", "End": True},
        task(Parameters={"FunctionName": FUNCTION, "Payload": {"a.$": "$.a.b"}}),
        task(ResultSelector={"a.$": "$.Payload.none"}, Catch=[]),
        task(ResultPath="$.a.b"),
    ],
)
def test_a_path_to_nothing_fails_and_is_not_tried_again(
    machines: Machines, state: dict[str, Any]
) -> None:
    handled: dict[str, Any] = {}
    if state["Type"] == "Task":
        caught = [{"ErrorEquals": ["States.ALL"], "Next": "Over"}]
        handled = {"Retry": [{"ErrorEquals": ["States.ALL"]}], "Catch": caught}
    else:
        handled = {"Next": "Over"}
        state = {key: value for key, value in state.items() if key != "End"}
    definition = machine(("A", {**state, **handled}), ("Over", OVER))
    found = machines.run(definition, given={"a": 1})
    assert (found["status"], found["error"]) == ("FAILED", "States.Runtime")
    assert "'A'" in found["cause"]
    assert len(machines.invoked()) <= 1


def test_a_choice_about_nothing_fails(machines: Machines) -> None:
    rule = {"Variable": "$.none", "StringEquals": "a", "Next": "Over"}
    state = {"Type": "Choice", "Choices": [rule], "Default": "Over"}
    assert machines.run(machine(("A", state), ("Over", OVER)))["error"] == "States.Runtime"
    definition = {**state, "Choices": [{**rule, "Variable": "$.a"}]}
    del definition["Default"]
    machines.client.update_state_machine(
        stateMachineArn=MACHINE, definition=json.dumps(machine(("A", definition), ("Over", OVER)))
    )
    machines.start("unmatched", {"a": "b"})
    machines.world.clock.advance(1)
    assert machines.describe("unmatched")["error"] == "States.NoChoiceMatched"


def test_too_much_data_is_an_end_nobody_catches(machines: Machines) -> None:
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Over"}]
    definition = machine(("A", task(Catch=caught, Next="Over")), ("Over", OVER))
    found = machines.run(definition, {"answers": "x" * 262_144})
    assert found["error"] == "States.DataLimitExceeded"


def test_a_fail_state_says_why(machines: Machines) -> None:
    found = machines.run(machine(("A", {"Type": "Fail", "Error": "E", "Cause": "C"})))
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "E", "C")


def test_a_course_without_end_ends_at_the_histories_length(machines: Machines) -> None:
    forever = {"Type": "Pass", "Next": "A"}
    machines.make(machine(("A", forever)))
    machines.start()
    machines.world.clock.advance(1)
    assert machines.describe()["status"] == "FAILED"
    assert len(machines.world.machines.find(machines.describe()["executionArn"]).events) <= 25_000
    assert machines.describe()["redriveStatus"] == "NOT_REDRIVABLE"


def test_two_machines_run_beside_each_other(machines: Machines) -> None:
    machines.make(machine(("A", task())))
    machines.script[:] = [{"sleeps": 30}, {"sleeps": 10}, {"sleeps": 20}]
    for name in ("a", "b", "c"):
        machines.start(name)
    machines.world.clock.advance(60)
    assert [machines.seconds(name) for name in "abc"] == [30, 10, 20]


# --- served


def test_it_is_the_same_when_served() -> None:
    """By HTTP, the function in a process of its own, whose sleeps are the clock's."""
    world = World(Clock(START), ACCOUNT, REGION)
    with world.served():
        found = Machines(world, [])
        found.make(machine(("A", task(Next="B", ResultPath="$.a")), ("B", task(TimeoutSeconds=5))))
        found.start("one", {"sleeps": 3})
        found.start("two", {"sleeps": 9})
        world.clock.advance(1)
        assert found.describe("one")["status"] == "RUNNING"
        world.clock.advance(60)
        one, two = found.describe("one"), found.describe("two")
        assert (one["status"], found.seconds("one")) == ("SUCCEEDED", 6)
        assert json.loads(one["output"])["Payload"]["a"]["Payload"] == {"sleeps": 3}
        assert (two["error"], found.seconds("two")) == ("States.Timeout", 14)
        assert found.invoked() == [0, 0, 3, 9]
        assert not found.checks.found
