from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.scheduler.expressions import BadExpression, next_time, parse, zone
from local.world import World
from tests.support.aws_world import (
    ACCOUNT,
    START,
    allow,
    in_process,
    make_function,
    make_role,
    policy,
    refused,
)
from tests.support.emr_world import request
from tests.support.jobs_world import BUCKET

FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


def times(expression: str, tz: str, after: datetime, count: int) -> list[str]:
    parsed, place, found = parse(expression), zone(tz), []
    for _ in range(count):
        when = next_time(parsed, place, after, after)
        assert when is not None
        found.append(when.astimezone(place).strftime("%a %Y-%m-%d %H:%M"))
        after = when
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 0 * * ? *)", ["Wed 2026-11-25 00:00", "Thu 2026-11-26 00:00"]),
        ("cron(5/20 1-2 * * ? *)", ["Tue 2026-11-24 01:05", "Tue 2026-11-24 01:25"]),
        ("cron(0 12 ? * MON-FRI *)", ["Tue 2026-11-24 12:00", "Wed 2026-11-25 12:00"]),
        ("cron(0 12 ? * 2,7 *)", ["Sat 2026-11-28 12:00", "Mon 2026-11-30 12:00"]),
        ("cron(0 12 L * ? *)", ["Mon 2026-11-30 12:00", "Thu 2026-12-31 12:00"]),
        ("cron(0 12 ? * 6L *)", ["Fri 2026-11-27 12:00", "Fri 2026-12-25 12:00"]),
        ("cron(0 12 ? * TUE#1 *)", ["Tue 2026-12-01 12:00", "Tue 2027-01-05 12:00"]),
        ("cron(0 12 15W * ? *)", ["Tue 2026-12-15 12:00", "Fri 2027-01-15 12:00"]),
        ("cron(0 12 29 FEB ? *)", ["Tue 2028-02-29 12:00", "Sun 2032-02-29 12:00"]),
        ("rate(5 minutes)", ["Tue 2026-11-24 00:05", "Tue 2026-11-24 00:10"]),
        ("rate(1 hour)", ["Tue 2026-11-24 01:00", "Tue 2026-11-24 02:00"]),
    ],
)
def test_times_of_expressions(expression: str, expected: list[str]) -> None:
    if expression.startswith("rate"):
        start, parsed = START, parse(expression)
        found = [next_time(parsed, zone("UTC"), START + timedelta(minutes=1) * 0, start)]
        assert found[0] is not None
        found.append(next_time(parsed, zone("UTC"), found[0], start))
        assert [f"{t:%a %Y-%m-%d %H:%M}" for t in found if t] == expected
    else:
        assert times(expression, "UTC", START, 2) == expected


def test_local_time_that_does_not_exist_is_skipped() -> None:
    # Berlin, 2027-03-28: 02:00 becomes 03:00
    after = datetime(2027, 3, 27, tzinfo=UTC)
    assert times("cron(30 2 * * ? *)", "Europe/Berlin", after, 2) == [
        "Sat 2027-03-27 02:30",
        "Mon 2027-03-29 02:30",
    ]


def test_local_time_that_comes_twice_fires_once() -> None:
    # Berlin, 2026-10-25: 02:30 comes twice
    parsed, place = parse("cron(30 2 * * ? *)"), zone("Europe/Berlin")
    first = next_time(parsed, place, datetime(2026, 10, 24, 12, tzinfo=UTC), START)
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = next_time(parsed, place, first, START)
    assert second == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 0 * * * *)",
        "cron(0 0 ? * ? *)",
        "cron(60 0 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 32 * ? *)",
        "cron(0 0 * 13 ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 * * ?)",
        "cron(a 0 * * ? *)",
        "cron(5-1 0 * * ? *)",
        "rate(0 minutes)",
        "rate(5 fortnights)",
        "rate(five minutes)",
        "at(2026-13-01T00:00:00)",
        "every night",
        "",
    ],
)
def test_bad_expression_is_refused(expression: str) -> None:
    with pytest.raises(BadExpression):
        parse(expression)


def test_unknown_time_zone_is_refused() -> None:
    for name in ("Mars/Olympus", "", "../etc/passwd"):
        with pytest.raises(BadExpression):
            zone(name)


@pytest.fixture
def world() -> Iterator[World]:
    with in_process(enforced=True) as made:
        role = make_role(made, "role")
        make_function(made, "", role)
        made.functions.find("f").handler = f"{__name__}.handler"
        make_role(
            made,
            "invoker",
            allow("lambda:InvokeFunction", FUNCTION),
            allow("sqs:SendMessage"),
            service="scheduler",
        )
        made.client("sqs").create_queue(QueueName="dead")
        made.schedules.start()
        yield made


def handler(event: Any, context: Any) -> Any:
    return event


def create(world: World, name: str, expression: str, **more: Any) -> None:
    target = {
        "Arn": FUNCTION,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/invoker",
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"},
        **more.pop("target", {}),
    }
    world.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
        **more,
    )


def test_night_and_monitor_fire_at_their_times(world: World) -> None:
    create(
        world,
        "night",
        "cron(0 2 * * ? *)",
        ScheduleExpressionTimezone="Europe/Berlin",
        target={"Input": '{"run": "<aws.scheduler.scheduled-time>", "delay_seconds": 0}'},
    )
    create(world, "monitor", "rate(5 minutes)")
    world.clock.advance(3600)
    [night] = [i for i in world.lambda_logs if i.payload]
    assert night.payload == {"run": "2026-11-24T01:00:00Z", "delay_seconds": 0}
    assert night.at == START + timedelta(hours=1)
    monitors = [at for at, name in world.schedules.fired if name == "monitor"]
    assert monitors == [START + timedelta(minutes=5 * n) for n in range(1, 13)]


def test_changes_are_honoured(world: World) -> None:
    create(world, "monitor", "rate(5 minutes)")
    client = world.client("scheduler")
    world.clock.advance(600)
    target = client.get_schedule(Name="monitor")["Target"]
    same = {"Name": "monitor", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}
    client.update_schedule(**same, ScheduleExpression="rate(5 minutes)", State="DISABLED")
    world.clock.advance(600)
    assert len(world.schedules.fired) == 2
    client.update_schedule(**same, ScheduleExpression="rate(1 minute)", State="ENABLED")
    world.clock.advance(120)
    assert len(world.schedules.fired) == 4
    client.delete_schedule(Name="monitor")
    world.clock.advance(600)
    assert len(world.schedules.fired) == 4


def test_groups_once_and_dropped(world: World) -> None:
    client = world.client("scheduler")
    client.create_schedule_group(Name="hippolyte")
    create(world, "once", "at(2026-11-24T00:10:00)", GroupName="hippolyte")
    create(world, "lost", "rate(10 minutes)")
    world.schedules.dropped.add("lost")
    world.clock.advance(1800)
    assert [name for _, name in world.schedules.fired] == ["lost", "once", "lost", "lost"]
    assert [i.at for i in world.lambda_logs] == [START + timedelta(minutes=10)]


def test_nothing_fires_before_start() -> None:
    with in_process() as world:
        make_function(world, "", make_role(world, "role"))
        make_role(world, "invoker", service="scheduler")
        create(world, "monitor", "rate(5 minutes)")
        world.clock.advance(3600)
        assert world.schedules.fired == []


def test_role_without_permission_sends_to_the_dead_letters(world: World) -> None:
    world.client("iam").put_role_policy(
        RoleName="invoker",
        PolicyName="p",
        PolicyDocument='{"Version": "2012-10-17", "Statement": '
        '{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}}',
    )
    create(world, "night", "rate(1 hour)", target={"Input": '{"run": "x"}'})
    world.clock.advance(3600)
    assert world.queue(f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead") == [{"run": "x"}]
    assert "AccessDeniedException" in world.problems[0]
    assert world.lambda_logs == []


def test_missing_function_sends_to_the_dead_letters(world: World) -> None:
    create(world, "night", "rate(1 hour)", target={"Arn": FUNCTION + "-gone"})
    world.clock.advance(3600)
    assert world.queue(f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead") == [{}]


def test_bad_schedules_are_refused_at_creation(world: World) -> None:
    with refused("ValidationException", "cron(0 0 * * * *)"):
        create(world, "bad", "cron(0 0 * * * *)")
    with refused("ValidationException", "Mars/Olympus"):
        create(world, "bad", "rate(5 minutes)", ScheduleExpressionTimezone="Mars/Olympus")
    with refused("ResourceNotFoundException"):
        create(world, "bad", "rate(5 minutes)", GroupName="none")
    with refused("ValidationException", "must allow AWS EventBridge Scheduler"):
        create(
            world,
            "bad",
            "rate(5 minutes)",
            target={"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/role"},
        )


# universal targets

GUARD = f"arn:aws:iam::{ACCOUNT}:role/guard"
OWN = {"StringEquals": {"elasticmapreduce:ResourceTag/hippolyte:deployment": "ours"}}


def guarded(world: World, cluster: str, deployment: str = "ours") -> None:
    """Give a cluster its tag, and a schedule that ends it in ten minutes."""
    tags = [{"Key": "hippolyte:deployment", "Value": deployment}]
    world.client("emr").add_tags(ResourceId=cluster, Tags=tags)
    create(
        world,
        f"cluster-{cluster}",
        "at(2026-11-24T00:10:00)",
        ActionAfterCompletion="DELETE",
        target={
            "Arn": "arn:aws:scheduler:::aws-sdk:emr:terminateJobFlows",
            "RoleArn": GUARD,
            "Input": json.dumps({"JobFlowIds": [cluster]}),
        },
    )


@pytest.fixture
def cluster(world: World) -> str:
    arn = f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:cluster/*"
    end = allow("elasticmapreduce:TerminateJobFlows", arn, OWN)
    make_role(world, "guard", end, service="scheduler")
    make_role(world, "service", allow("*"), service="elasticmapreduce")
    make_role(world, "cluster-role", service="ec2")
    iam = world.client("iam")
    iam.create_instance_profile(InstanceProfileName="cluster-role")
    iam.add_role_to_instance_profile(InstanceProfileName="cluster-role", RoleName="cluster-role")
    world.client("s3").create_bucket(Bucket=BUCKET)
    return str(world.client("emr").run_job_flow(**request(keep=True))["JobFlowId"])


def state(world: World, cluster: str) -> str:
    found = world.client("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
    return str(found["State"])


def test_a_cluster_is_ended_at_its_time_and_its_schedule_is_gone(
    world: World, cluster: str
) -> None:
    guarded(world, cluster)
    with refused("ConflictException"):
        guarded(world, cluster)
    world.clock.advance(599)
    assert state(world, cluster) == "WAITING"
    world.clock.advance(600)
    assert state(world, cluster) == "TERMINATED"
    assert world.client("scheduler").list_schedules()["Schedules"] == []
    assert world.problems == []


def test_a_cluster_that_has_ended_stays_as_it_is(world: World, cluster: str) -> None:
    guarded(world, cluster)
    world.client("emr").terminate_job_flows(JobFlowIds=[cluster])
    world.clock.advance(1200)
    found = world.client("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
    assert found["Timeline"]["EndDateTime"] < START + timedelta(minutes=10)
    assert world.client("scheduler").list_schedules()["Schedules"] == []
    assert world.problems == []


def test_the_role_of_the_schedule_decides(world: World, cluster: str) -> None:
    guarded(world, cluster, deployment="theirs")
    world.clock.advance(1200)
    assert state(world, cluster) == "WAITING"
    assert f"{GUARD} may not elasticmapreduce:TerminateJobFlows" in world.problems[0]


def test_a_cluster_that_is_not_there_is_not_ended(world: World, cluster: str) -> None:
    world.client("iam").put_role_policy(
        RoleName="guard", PolicyName="p", PolicyDocument=policy(allow("*"))
    )
    guarded(world, cluster)
    scheduler = world.client("scheduler")
    found = scheduler.get_schedule(Name=f"cluster-{cluster}")
    scheduler.update_schedule(
        Name=found["Name"],
        FlexibleTimeWindow={"Mode": "OFF"},
        ScheduleExpression=found["ScheduleExpression"],
        Target={**found["Target"], "Input": '{"JobFlowIds": ["j-GONE"]}'},
    )
    world.clock.advance(1200)
    assert state(world, cluster) == "WAITING"
    assert any("j-GONE does not exist" in problem for problem in world.problems)


def test_who_makes_a_schedule_must_be_let_and_pass_its_role(world: World, cluster: str) -> None:
    here = f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/cluster-*"
    passing = {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    makes, passes = allow("scheduler:CreateSchedule", here), allow("iam:PassRole", GUARD, passing)
    for statements, lacking in (
        ([makes], "iam:PassRole"),
        ([passes], "scheduler:CreateSchedule"),
        ([makes, passes], ""),
    ):
        name = f"maker-{lacking.rpartition(':')[2] or 'all'}"
        maker = world.client("scheduler", role_arn=make_role(world, name, *statements))
        made: dict[str, Any] = {
            "Name": "cluster-x",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ScheduleExpression": "at(2026-11-24T00:10:00)",
            "Target": {"Arn": FUNCTION, "RoleArn": GUARD},
        }
        if lacking:
            with refused("AccessDeniedException", lacking):
                maker.create_schedule(**made)
        else:
            maker.create_schedule(**made)
            with refused("AccessDeniedException", "schedule/default/other"):
                maker.create_schedule(**{**made, "Name": "other"})
