"""Step Functions' calls in the local AWS: names, ends, lateness, redrives, deletion, rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support.aws_world import ACCOUNT, START, allow, make_role, policy, refused
from tests.support.machines import FUNCTION, MACHINE, Machines, execution_arn, machine, made, task

OVER = {"Type": "Succeed"}
AT_ONCE = machine(("Over", OVER))
SLOW = machine(("A", task(Next="B", ResultPath=None)), ("B", task()))
DAY = 86_400


@pytest.fixture
def machines() -> Iterator[Machines]:
    with made() as found:
        yield found


@pytest.fixture
def enforced() -> Iterator[Machines]:
    with made(enforced=True) as found:
        yield found


# --- machines


def test_a_machine_is_made_changed_and_told_of(machines: Machines) -> None:
    tags = [{"key": "owner", "value": "data"}]
    arn = machines.make(AT_ONCE, tags=tags)
    client = machines.client
    assert arn == MACHINE
    found = client.describe_state_machine(stateMachineArn=arn)
    assert (found["status"], found["type"], found["name"]) == ("ACTIVE", "STANDARD", "m")
    assert json.loads(found["definition"]) == AT_ONCE
    client.update_state_machine(stateMachineArn=arn, definition=json.dumps(SLOW))
    found = client.describe_state_machine(stateMachineArn=arn)
    assert json.loads(found["definition"]) == SLOW
    assert [one["name"] for one in client.list_state_machines()["stateMachines"]] == ["m"]
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == tags
    client.tag_resource(resourceArn=arn, tags=[{"key": "more", "value": "1"}])
    client.untag_resource(resourceArn=arn, tagKeys=["owner"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "more", "value": "1"}]
    assert client.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"] == []


def test_to_make_the_same_again_is_to_make_it_once(machines: Machines) -> None:
    assert machines.make(AT_ONCE) == machines.make(AT_ONCE)
    with refused("StateMachineAlreadyExists"):
        machines.make(SLOW)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"definition": "{"}, "InvalidDefinition"),
        ({"definition": json.dumps(machine(("A", task(Next="None"))))}, "InvalidDefinition"),
        ({"name": "a b"}, "InvalidName"),
        ({"type": "EXPRESS"}, "StateMachineTypeNotSupported"),
        ({"roleArn": "machine"}, "InvalidArn"),
    ],
)
def test_machines_that_are_refused(machines: Machines, given: dict[str, Any], code: str) -> None:
    good = {"name": "m", "definition": json.dumps(AT_ONCE), "roleArn": machines.role}
    with refused(code):
        machines.client.create_state_machine(**{**good, **given})
    assert machines.client.list_state_machines()["stateMachines"] == []


def test_changes_that_are_refused(machines: Machines) -> None:
    machines.make(AT_ONCE)
    client = machines.client
    with refused("InvalidDefinition", "is no state"):
        client.update_state_machine(
            stateMachineArn=MACHINE, definition=json.dumps(machine(("A", task(Next="B"))))
        )
    with refused("MissingRequiredParameter"):
        client.update_state_machine(stateMachineArn=MACHINE)
    with refused("StateMachineDoesNotExist"):
        client.update_state_machine(stateMachineArn=f"{MACHINE}-2", definition=json.dumps(SLOW))


def test_a_definition_is_looked_at_without_being_kept(machines: Machines) -> None:
    good = machines.client.validate_state_machine_definition(definition=json.dumps(AT_ONCE))
    assert (good["result"], good["diagnostics"]) == ("OK", [])
    bad = machines.client.validate_state_machine_definition(definition=json.dumps({"States": {}}))
    assert bad["result"] == "FAIL"
    assert "StartAt" in bad["diagnostics"][0]["message"]


def test_versions_are_told_the_newest_first(machines: Machines) -> None:
    machines.make(AT_ONCE, publish=True)
    machines.client.update_state_machine(
        stateMachineArn=MACHINE, definition=json.dumps(SLOW), publish=True
    )
    found = machines.client.list_state_machine_versions(stateMachineArn=MACHINE)
    arns = [one["stateMachineVersionArn"] for one in found["stateMachineVersions"]]
    assert arns == [f"{MACHINE}:2", f"{MACHINE}:1"]


def test_what_runs_keeps_its_definition_and_role(machines: Machines) -> None:
    machines.make(SLOW)
    machines.script[:] = [{"sleeps": 10}] * 2
    machines.start()
    machines.world.clock.advance(5)
    other = make_role(machines.world, "other", service="states")
    machines.client.update_state_machine(
        stateMachineArn=MACHINE, definition=json.dumps(AT_ONCE), roleArn=other
    )
    machines.world.clock.advance(60)
    assert (machines.describe()["status"], machines.invoked()) == ("SUCCEEDED", [0, 10])
    found = machines.client.describe_state_machine_for_execution(executionArn=execution_arn("e"))
    assert (json.loads(found["definition"]), found["roleArn"]) == (SLOW, machines.role)


def test_a_machine_is_gone_when_its_executions_have_ended(machines: Machines) -> None:
    machines.make(SLOW)
    machines.script[:] = [{"sleeps": 50}] * 2
    machines.start()
    machines.world.clock.advance(10)
    client = machines.client
    client.delete_state_machine(stateMachineArn=MACHINE)
    assert client.describe_state_machine(stateMachineArn=MACHINE)["status"] == "DELETING"
    with refused("StateMachineDeleting"):
        machines.start("another")
    with refused("StateMachineDeleting"):
        client.update_state_machine(stateMachineArn=MACHINE, definition=json.dumps(AT_ONCE))
    with refused("StateMachineDeleting"):
        machines.make(AT_ONCE)
    assert machines.describe()["status"] == "RUNNING"
    machines.world.clock.advance(100)
    # it ended at its next state, so nothing was invoked any more
    assert machines.invoked() == [0]
    assert machines.world.machines.of(MACHINE)[0].status == "ABORTED"
    with refused("StateMachineDoesNotExist"):
        client.describe_state_machine(stateMachineArn=MACHINE)
    with refused("ExecutionDoesNotExist"):
        machines.describe()
    machines.make(AT_ONCE)


def test_an_idle_machine_is_gone_at_once(machines: Machines) -> None:
    machines.run(AT_ONCE)
    machines.client.delete_state_machine(stateMachineArn=MACHINE)
    assert machines.client.list_state_machines()["stateMachines"] == []


# --- names


def test_the_same_start_while_it_runs_is_the_same_execution(machines: Machines) -> None:
    machines.make(SLOW)
    machines.script[:] = [{"sleeps": 50}] * 2
    start = {"stateMachineArn": MACHINE, "name": "e"}
    first = machines.client.start_execution(**start, input='{"a":1}')
    machines.world.clock.advance(10)
    again = machines.client.start_execution(**start, input='{"a":1}')
    assert (again["executionArn"], again["startDate"]) == (
        first["executionArn"],
        first["startDate"],
    )
    with refused("ExecutionAlreadyExists"):
        machines.client.start_execution(**start, input='{"a": 1}')
    machines.world.clock.advance(200)
    with refused("ExecutionAlreadyExists"):
        machines.client.start_execution(**start, input='{"a":1}')
    assert len(machines.invoked()) == 2


def test_a_name_is_free_ninety_days_after(machines: Machines) -> None:
    machines.run(AT_ONCE)
    machines.world.clock.advance(90 * DAY - 36_000 - 1)
    with refused("ExecutionAlreadyExists"):
        machines.start()
    machines.world.clock.advance(1)
    with refused("ExecutionDoesNotExist"):
        machines.describe()
    machines.start()
    assert machines.describe()["startDate"] == machines.world.now()


@pytest.mark.parametrize("character", [*' <>{}[]?*"#%\\^|~`$&,;:/', "\x00", "\x7f", "\x9f"])
def test_characters_no_name_has(machines: Machines, character: str) -> None:
    machines.make(AT_ONCE)
    with refused("InvalidName"):
        machines.start(f"a{character}b")


def test_names(machines: Machines) -> None:
    machines.make(AT_ONCE)
    machines.start("2026-11-23T00-00Z-b001")
    machines.start("n" * 80)
    with pytest.raises(Exception, match="ength"):
        machines.start("n" * 81)
    one, two = (
        machines.client.start_execution(stateMachineArn=MACHINE)["executionArn"] for _ in "12"
    )
    assert one != two


@pytest.mark.parametrize("text", ["", "{", json.dumps("x" * 262_143)])
def test_an_input_that_is_none(machines: Machines, text: str) -> None:
    machines.make(AT_ONCE)
    with refused("InvalidExecutionInput"):
        machines.client.start_execution(stateMachineArn=MACHINE, input=text)


def test_nothing_of_a_machine_or_execution_that_is_not_there(machines: Machines) -> None:
    with refused("StateMachineDoesNotExist"):
        machines.start()
    with refused("StateMachineDoesNotExist"):
        machines.client.list_executions(stateMachineArn=MACHINE)
    machines.make(AT_ONCE)
    arn = execution_arn("none")
    client = machines.client
    for call in (
        client.describe_execution,
        client.stop_execution,
        client.redrive_execution,
        client.get_execution_history,
    ):
        with refused("ExecutionDoesNotExist"):
            call(executionArn=arn)


# --- what is told


def test_executions_by_status_and_page(machines: Machines) -> None:
    machines.make(SLOW)
    machines.script[:] = [{"sleeps": 10}, {"raises": "KeyError"}, {"sleeps": 500}]
    for name in ("fails", "fails-too", "runs"):
        machines.start(name)
        machines.world.clock.advance(1)
    machines.script[:] = [{"raises": "KeyError"}]
    machines.world.clock.advance(20)

    def names(**asked: Any) -> list[str]:
        pages = machines.client.get_paginator("list_executions").paginate(
            stateMachineArn=MACHINE, **asked
        )
        return [one["name"] for page in pages for one in page["executions"]]

    # the running by their start, the others by their end
    assert names() == ["fails", "runs", "fails-too"]
    assert names(PaginationConfig={"PageSize": 1}) == ["fails", "runs", "fails-too"]
    assert names(statusFilter="RUNNING") == ["runs"]
    assert names(statusFilter="SUCCEEDED") == []


def test_what_happened_is_told_late(machines: Machines) -> None:
    machines.world.machines.lag_seconds = 30
    machines.make(machine(("A", task())))
    machines.script[:] = [{"sleeps": 100}]
    machines.start()
    listed = machines.client.list_executions
    assert listed(stateMachineArn=MACHINE)["executions"] == []
    with refused("ExecutionDoesNotExist"):
        machines.describe()
    # what is done by it is not late
    assert machines.start() == execution_arn("e")
    machines.world.clock.advance(30)
    assert machines.describe()["status"] == "RUNNING"
    machines.world.clock.advance(99)
    found = machines.describe()
    assert found["status"] == "RUNNING"
    assert {"stopDate", "output"}.isdisjoint(found)
    assert [e["status"] for e in listed(stateMachineArn=MACHINE)["executions"]] == ["RUNNING"]
    with refused("ExecutionAlreadyExists"):
        machines.start()
    machines.world.clock.advance(1)
    assert (machines.describe()["status"], machines.seconds()) == ("SUCCEEDED", 100)


def test_a_redrive_is_told_late_as_well(machines: Machines) -> None:
    machines.run(machine(("A", task())), {"raises": "KeyError"}, {"sleeps": 100})
    machines.world.machines.lag_seconds = 30
    machines.client.redrive_execution(executionArn=execution_arn("e"))
    found = machines.describe()
    assert (found["status"], found["redriveCount"]) == ("FAILED", 0)
    machines.world.clock.advance(30)
    found = machines.describe()
    assert (found["status"], found["redriveCount"]) == ("RUNNING", 1)


def test_the_history(machines: Machines) -> None:
    retrier = {"ErrorEquals": ["KeyError"], "IntervalSeconds": 7}
    failing = task(Retry=[retrier], Next="Wait")
    definition = machine(("A", failing), ("Wait", {"Type": "Wait", "Seconds": 3, "End": True}))
    machines.run(definition, {"raises": "KeyError"}, {"sleeps": 20})
    history = machines.client.get_paginator("get_execution_history")
    pages = history.paginate(executionArn=execution_arn("e"), PaginationConfig={"PageSize": 5})
    events = [event for page in pages for event in page["events"]]
    assert [(e["type"], (e["timestamp"] - START).total_seconds()) for e in events] == [
        ("ExecutionStarted", 0),
        ("TaskStateEntered", 0),
        ("TaskScheduled", 0),
        ("TaskStarted", 0),
        ("TaskFailed", 0),
        ("TaskScheduled", 7),
        ("TaskStarted", 7),
        ("TaskSucceeded", 27),
        ("TaskStateExited", 27),
        ("WaitStateEntered", 27),
        ("WaitStateExited", 30),
        ("ExecutionSucceeded", 30),
    ]
    assert [event["id"] for event in events] == list(range(1, 13))
    assert events[4]["taskFailedEventDetails"]["error"] == "KeyError"
    backwards = machines.client.get_execution_history(
        executionArn=execution_arn("e"), reverseOrder=True, maxResults=1
    )
    assert [event["type"] for event in backwards["events"]] == ["ExecutionSucceeded"]


# --- redrives


@pytest.mark.parametrize("end", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_a_redrive_goes_on_where_it_ended_with_time_anew(machines: Machines, end: str) -> None:
    definition = {**SLOW, "TimeoutSeconds": 100}
    machines.make(definition)
    second = {"raises": "KeyError"} if end == "FAILED" else {"sleeps": 300}
    machines.script[:] = [{"sleeps": 60}, second, {"sleeps": 90}]
    arn = machines.start()
    machines.world.clock.advance(70)
    if end == "ABORTED":
        machines.client.stop_execution(executionArn=arn)
    machines.world.clock.advance(130)
    found = machines.describe()
    assert (found["status"], found["redriveStatus"]) == (end, "REDRIVABLE")
    answer = machines.client.redrive_execution(executionArn=arn)
    assert answer["redriveDate"] == machines.world.now()
    found = machines.describe()
    assert (found["status"], found["redriveCount"]) == ("RUNNING", 1)
    assert {"stopDate", "error"}.isdisjoint(found)
    with refused("ExecutionNotRedrivable"):
        machines.client.redrive_execution(executionArn=arn)
    machines.world.clock.advance(95)
    assert machines.describe()["status"] == "SUCCEEDED"
    assert machines.invoked() == [0, 60, 200]
    with refused("ExecutionNotRedrivable"):
        machines.client.redrive_execution(executionArn=arn)


def test_a_redriven_one_is_under_the_machines_time_again(machines: Machines) -> None:
    definition = machine(("A", task()), TimeoutSeconds=100)
    machines.make(definition)
    machines.script[:] = [{"sleeps": 300}] * 2
    arn = machines.start()
    machines.world.clock.advance(150)
    machines.client.redrive_execution(executionArn=arn)
    machines.world.clock.advance(99)
    assert machines.describe()["status"] == "RUNNING"
    machines.world.clock.advance(2)
    assert (machines.describe()["status"], machines.seconds()) == ("TIMED_OUT", 250)


def test_after_a_fortnight_nothing_is_redriven(machines: Machines) -> None:
    machines.run(machine(("A", {"Type": "Fail", "Error": "E"})))
    machines.world.clock.advance(14 * DAY - 36_000)
    assert machines.describe()["redriveStatus"] == "REDRIVABLE"
    machines.world.clock.advance(1)
    assert machines.describe()["redriveStatus"] == "NOT_REDRIVABLE"
    with refused("ExecutionNotRedrivable"):
        machines.client.redrive_execution(executionArn=execution_arn("e"))


def test_while_it_runs_again_its_start_is_the_same_one(machines: Machines) -> None:
    machines.run(machine(("A", task())), {"raises": "KeyError"}, {"sleeps": 50})
    machines.client.redrive_execution(executionArn=execution_arn("e"))
    machines.start()
    machines.world.clock.advance(100)
    assert len(machines.invoked()) == 2


# --- rights


def as_role(machines: Machines, *statements: dict[str, Any]) -> Any:
    return machines.world.client(
        "stepfunctions", role_arn=make_role(machines.world, "caller", *statements)
    )


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("states:StartExecution", MACHINE, {"stateMachineArn": MACHINE, "name": "x"}),
    ("states:DescribeExecution", execution_arn("e"), {"executionArn": execution_arn("e")}),
    ("states:StopExecution", execution_arn("e"), {"executionArn": execution_arn("e")}),
    ("states:RedriveExecution", execution_arn("e"), {"executionArn": execution_arn("e")}),
    ("states:GetExecutionHistory", execution_arn("e"), {"executionArn": execution_arn("e")}),
    ("states:ListExecutions", MACHINE, {"stateMachineArn": MACHINE}),
    ("states:DescribeStateMachine", MACHINE, {"stateMachineArn": MACHINE}),
    ("states:ListStateMachineVersions", MACHINE, {"stateMachineArn": MACHINE}),
    ("states:ListTagsForResource", MACHINE, {"resourceArn": MACHINE}),
    ("states:DeleteStateMachine", MACHINE, {"stateMachineArn": MACHINE}),
    ("states:ListStateMachines", "*", {}),
    ("states:ValidateStateMachineDefinition", "*", {"definition": json.dumps(AT_ONCE)}),
]


@pytest.mark.parametrize(("action", "arn", "asked"), CALLS, ids=[call[0] for call in CALLS])
def test_each_call_is_a_right_on_its_own_arn(
    enforced: Machines, action: str, arn: str, asked: dict[str, Any]
) -> None:
    enforced.run(machine(("A", {"Type": "Fail"})))
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in action.split(":")[1]).strip("_")
    elsewhere = f"{arn}-other" if arn != "*" else MACHINE
    with refused("AccessDeniedException", action):
        getattr(as_role(enforced, allow(action, elsewhere)), name)(**asked)
    enforced.world.client("iam").put_role_policy(
        RoleName="caller", PolicyName="p", PolicyDocument=policy(allow(action, arn))
    )
    getattr(enforced.world.client("stepfunctions", role_arn=caller(enforced)), name)(**asked)


def caller(machines: Machines) -> str:
    return str(machines.world.client("iam").get_role(RoleName="caller")["Role"]["Arn"])


def test_to_make_a_machine_its_role_is_passed(enforced: Machines) -> None:
    given = {"name": "m", "definition": json.dumps(AT_ONCE), "roleArn": enforced.role}
    making = allow(["states:CreateStateMachine", "states:TagResource"], MACHINE)
    to = {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}
    with refused("AccessDeniedException", "iam:PassRole"):
        as_role(enforced, making).create_state_machine(**given)
    document = policy(making, allow("iam:PassRole", enforced.role, to))
    iam = enforced.world.client("iam")
    iam.put_role_policy(RoleName="caller", PolicyName="p", PolicyDocument=document)
    client = enforced.world.client("stepfunctions", role_arn=caller(enforced))
    client.create_state_machine(**given, tags=[{"key": "a", "value": "b"}])


@pytest.mark.parametrize(
    ("condition", "good"),
    [
        (None, True),
        ({"ArnLike": {"aws:SourceArn": MACHINE}}, True),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"ArnLike": {"aws:SourceArn": f"{MACHINE}-other"}}, False),
        ({"StringEquals": {"aws:SourceAccount": "999999999999"}}, False),
    ],
)
def test_the_machines_role_trusts_it(enforced: Machines, condition: Any, good: bool) -> None:
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "states.amazonaws.com"},
    }
    document = policy({**trust, **({"Condition": condition} if condition else {})})
    enforced.make(AT_ONCE)
    enforced.world.client("iam").update_assume_role_policy(
        RoleName="machine", PolicyDocument=document
    )
    update = enforced.client.update_state_machine
    if good:
        update(stateMachineArn=MACHINE, roleArn=enforced.role)
    else:
        with refused("AccessDeniedException", "assume the provided role"):
            update(stateMachineArn=MACHINE, roleArn=enforced.role)


def test_a_role_of_another_service_makes_no_machine(enforced: Machines) -> None:
    with refused("AccessDeniedException", "assume the provided role"):
        enforced.make(AT_ONCE, roleArn=make_role(enforced.world, "lambdas"))


def test_its_role_is_held_to_its_policy_at_each_invoke(enforced: Machines) -> None:
    definition = machine(("A", task(Next="B", ResultPath=None)), ("B", task()))
    enforced.make(definition)
    enforced.script[:] = [{"sleeps": 10}]
    enforced.start()
    enforced.world.clock.advance(5)
    enforced.world.client("iam").delete_role_policy(RoleName="machine", PolicyName="p")
    enforced.world.clock.advance(60)
    found = enforced.describe()
    assert (found["status"], found["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert f"lambda:InvokeFunction on resource: {FUNCTION}" in found["cause"]
    assert (enforced.invoked(), enforced.seconds()) == ([0], 10)
    assert enforced.describe()["stopDate"] == START + timedelta(seconds=10)
