"""The EMR engine's own nights: raises just in time, lost answers, clusters that come to nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest

from hippolyte import assembly, preflight, settings
from hippolyte.record_form import when
from local.core.call import Call, refusal
from local.core.faults import ALWAYS
from tests.support.harness import (
    ACCOUNT,
    BIG,
    BUCKET,
    EMR,
    GIB,
    REGION,
    RUN,
    START,
    Killed,
    NightDriver,
    verdicts,
)

pytestmark = pytest.mark.engine("emr")


def clusters(night: NightDriver) -> list[dict[str, Any]]:
    """Return the clusters as DescribeCluster has them, the oldest first."""
    client = night.world.client("emr")
    found = client.list_clusters()["Clusters"][::-1]
    return [client.describe_cluster(ClusterId=c["Id"])["Cluster"] for c in found]


def steps(night: NightDriver, number: int = 0) -> list[dict[str, Any]]:
    """Return a cluster's steps, the first one first."""
    client = night.world.client("emr")
    cluster = clusters(night)[number]["Id"]
    pages = client.get_paginator("list_steps").paginate(ClusterId=cluster)
    return [step for page in pages for step in page["Steps"]][::-1]


def batch(night: NightDriver, name: str = "b001") -> dict[str, Any]:
    return cast(dict[str, Any], (night.record(RUN, "ledger.json") or {})["batches"][name])


def schedules(night: NightDriver) -> list[str]:
    """Return the names of the schedules there are."""
    found = night.world.client("scheduler").list_schedules()["Schedules"]
    return sorted(schedule["Name"] for schedule in found)


def no_way(call: Call) -> None:
    """Answer as a proxy that knows no way to a service."""
    refused = refusal(call, "503", "no way")
    refused.http_status = 503  # type: ignore[attr-defined]
    raise refused


def begins(step: dict[str, Any]) -> Any:
    return step["Status"]["Timeline"]["StartDateTime"]


# just in time


def test_a_table_is_raised_in_its_turn_and_given_back_right_after_it(night: NightDriver) -> None:
    """Three raised tables on one cluster, with a plain one before them: minutes, not hours."""
    night.configure(window_seconds=25_200, planning={"max_clusters": 1})
    names = ("first", "second", "third")
    for name in names:
        night.table(name, read=200, size_bytes=20 * GIB, item_count=3)
    night.table("plain", read=200, size_bytes=2 * GIB, item_count=3)
    report = night.night()
    assert verdicts(report) == dict.fromkeys([*names, "plain"], "backed_up")
    assert night.all_clusters() == 1
    order = [step["Name"].split()[1] for step in steps(night)]
    assert order[0] == "plain"
    raised = {row["table"]: row for row in report["raised"]}
    for name in names:
        entry = report["tables"][name]
        assert when(raised[name]["raised_at"]) < when(entry["started_at"])
        before = when(entry["started_at"]) - when(raised[name]["raised_at"])
        assert before < timedelta(minutes=65), "at most the job before it, and the lead"
        after = when(raised[name]["given_back_at"]) - when(entry["finished_at"])
        assert after <= timedelta(minutes=10)
    held = [row["duration_seconds"] for row in report["raised"]]
    assert max(held) < 5400 < report["duration_seconds"]
    # at no time were all of them raised
    ends = sorted(when(row["given_back_at"]) for row in report["raised"])
    assert ends[0] < when(raised[order[-1]]["raised_at"])
    night.assert_clean()


def test_the_plain_tables_do_not_wait_for_a_raise(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG, update_seconds=1500)
    night.table("users")
    night.configure(planning={"max_clusters": 1})
    night.scheduler()
    assert batch(night)["state"] == "running"
    assert batch(night)["waiting"] == ["orders"]
    assert [step["Name"] for step in steps(night)] == ["Export001 users"]
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up", "users": "backed_up"}
    assert "minutes: added late" in str(report["tables"]["orders"]["notes"])
    assert night.all_clusters() == 1
    night.assert_clean()


def test_a_raise_that_is_refused_is_read_at_its_plain_share(night: NightDriver) -> None:
    night.table("orders", read=1000, size_bytes=13 * GIB, item_count=3)
    night.table("users")
    night.configure(planning={"max_clusters": 1})
    night.refuse("dynamodb:UpdateTable", "LimitExceededException", "the account's quota")
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "users": "backed_up"}
    assert "not raised" in str(report["tables"]["orders"]["notes"])
    assert steps(night)[-1]["Config"]["Args"][-1] == "0.500000"
    night.allow_all()
    night.passes(30)
    night.assert_clean()


def test_a_raised_table_that_fails_is_raised_again_in_its_turn(night: NightDriver) -> None:
    night.configure(window_seconds=4 * 3600)
    night.table("orders", read=1000, size_bytes=40 * GIB, item_count=3)
    # its failure is seen when its log is not waited for any more: it is given back by then
    night.world.faults.truncated_file["orders"] = night.world.faults.no_log["orders"] = 1
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["tables"]["orders"]["attempt"] == 2
    raises = [read for _, read, _ in night.watch.updates if read > 1000]
    assert len(raises) == 2
    night.assert_clean()


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
def test_an_addition_whose_answer_is_lost_is_looked_for(night: NightDriver, taken: bool) -> None:
    night.configure(window_seconds=3 * 3600)
    night.table("orders", read=1000, size_bytes=30 * GIB, item_count=3)
    client = night.world.client("emr")

    def lost(call: Call) -> None:
        if taken:
            client.add_job_flow_steps(**call.params)
        refused = refusal(call, "InternalServerError", "try again")
        refused.http_status = 500  # type: ignore[attr-defined]
        raise refused

    night.world.before("emr:AddJobFlowSteps", lost, 1)
    night.tolerant = True
    night.scheduler()
    night.until(lambda: batch(night).get("adding") == ["orders"])
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    assert len(steps(night)) == 1
    assert night.all_clusters() == 1
    night.assert_clean()


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_invocation_killed_at_an_addition_adds_one_step(night: NightDriver, when: str) -> None:
    night.configure(window_seconds=3 * 3600)
    night.table("orders", read=1000, size_bytes=30 * GIB, item_count=3)
    night.scheduler()
    (night.kill_before if when == "before" else night.kill_after)("emr:AddJobFlowSteps")
    with pytest.raises(Killed):
        night.passes(60)
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    assert len(steps(night)) == 1
    night.assert_clean()


# the cluster and its end


def test_a_cluster_is_what_the_settings_say(night: NightDriver) -> None:
    night.configure(emr={**EMR, "subnet_ids": ["subnet-a", "subnet-b"], "spot": True})
    night.table("orders")
    night.scheduler()
    (cluster,) = clusters(night)
    assert cluster["Name"] == f"hippolyte-us-east-1-{RUN}-b001"
    assert cluster["Ec2InstanceAttributes"]["Ec2SubnetId"] == "subnet-a"
    tags = {tag["Key"]: tag["Value"] for tag in cluster["Tags"]}
    assert tags == {
        "hippolyte:deployment": "hippolyte",
        "hippolyte:run": RUN,
        "hippolyte:batch": "b001",
        "for-use-with-amazon-emr-managed-policies": "true",
    }
    groups = night.world.client("emr").list_instance_groups(ClusterId=cluster["Id"])
    markets = {g["InstanceGroupType"]: g["Market"] for g in groups["InstanceGroups"]}
    assert markets == {"MASTER": "ON_DEMAND", "CORE": "SPOT"}
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    assert clusters(night)[0]["Status"]["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"


@pytest.mark.parametrize("guard", ["the schedule", "the node"])
def test_with_both_functions_dead_either_guard_alone_ends_the_cluster_after_the_deadline(
    night: NightDriver, guard: str
) -> None:
    night.table("orders", read=1000, **BIG)
    night.world.faults.step_hangs["orders"] = ALWAYS
    night.scheduler()
    if guard == "the schedule":
        key = f"scripts/{night.account}/{night.region}/shutdown-at.sh"
        night.s3.put_object(Bucket=BUCKET, Key=key, Body=b"exit 0")
    else:
        night.world.schedules.dropped.update(schedules(night))
    night.until_exporting("orders")
    end = START + timedelta(hours=2, minutes=30)
    night.world.clock.advance_to(end - timedelta(minutes=1))
    assert night.exporting("orders")
    night.world.clock.advance_to(end + timedelta(minutes=10))
    assert not night.exporting("orders")
    assert night.clusters() == []
    assert schedules(night) == []
    code = clusters(night)[0]["Status"]["StateChangeReason"]["Code"]
    assert code == ("USER_REQUEST" if guard == "the schedule" else "INSTANCE_FAILURE")
    report = night.until_closed()
    assert verdicts(report) == {"orders": "timed_out"}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_each_cluster_has_one_schedule_and_leaves_none(night: NightDriver) -> None:
    night.configure(planning={"max_clusters": 2})
    for name in ("orders", "users"):
        night.table(name, read=200, size_bytes=8 * GIB, item_count=3)
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert report["warnings"] == []
    assert schedules(night) == sorted(f"cluster-{c['Id']}" for c in clusters(night))
    found = night.world.client("scheduler").get_schedule(
        GroupName="hippolyte", Name=schedules(night)[0]
    )
    assert found["ScheduleExpression"] == "at(2026-11-24T02:30:00)"
    assert found["Target"]["RoleArn"] == EMR["guard_role"]
    # an end that cannot be made is told within two hours: the queue of lost events has an alarm
    lost = f"arn:aws:sqs:{REGION}:{ACCOUNT}:hippolyte-lost"
    assert found["Target"]["DeadLetterConfig"] == {"Arn": lost}
    assert found["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] == 3600
    ended = [cluster["Status"] for cluster in clusters(night)]
    night.world.clock.advance_to(START + timedelta(hours=2, minutes=31))
    assert schedules(night) == []
    assert night.world.problems == []
    assert [cluster["Status"] for cluster in clusters(night)] == ended


@pytest.mark.parametrize("how", ["denied", "no way", "no group"])
def test_a_schedule_that_cannot_be_made_is_told_and_stops_no_night(
    night: NightDriver, how: str
) -> None:
    night.table("orders")
    if how == "denied":
        night.world.deny("scheduler:CreateSchedule")
    elif how == "no way":
        night.world.before("scheduler:*", no_way)
    else:
        night.world.client("scheduler").delete_schedule_group(Name="hippolyte")
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    (warning,) = report["warnings"]
    cluster = clusters(night)[0]["Id"]
    said = {"denied": "explicit deny", "no way": "no way", "no group": "does not exist"}[how]
    assert warning.startswith(f"only the node's own shutdown guarded cluster {cluster}, no sched")
    assert said in warning
    assert warning in night.messages[-1]["message"]
    assert night.attention == []
    night.world.gate.denied.clear()
    night.assert_clean()


@pytest.mark.parametrize("side", ["before", "after"])
def test_an_invocation_killed_at_the_schedule_leaves_the_cluster_guarded(
    night: NightDriver, side: str
) -> None:
    night.table("orders", read=1000, **BIG)
    call = "scheduler:CreateSchedule"
    (night.kill_before if side == "before" else night.kill_after)(call)
    with pytest.raises(Killed):
        night.scheduler()
    night.until(lambda: batch(night)["state"] == "running")
    assert schedules(night) == [f"cluster-{c['Id']}" for c in clusters(night)]
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["warnings"] == []
    assert night.all_clusters() == 1
    night.assert_clean()


def test_an_idle_cluster_that_nobody_ends_ends_itself(night: NightDriver) -> None:
    night.configure(window_seconds=8 * 3600)
    night.table("orders", read=200, size_bytes=20 * GIB, item_count=3)
    night.scheduler()
    night.world.clock.advance(3600)
    assert night.clusters() == ["WAITING"]
    night.world.clock.advance(2 * 3600)
    assert night.clusters() == []
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    night.assert_clean()


def test_a_subnet_without_room_is_followed_by_the_next(night: NightDriver) -> None:
    night.configure(emr={**EMR, "subnet_ids": ["subnet-a", "subnet-b", "subnet-c"]})
    night.table("orders")
    night.world.faults.short_of_capacity = {"subnet-a": ALWAYS, "subnet-b": ALWAYS}
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert [c["Ec2InstanceAttributes"]["Ec2SubnetId"] for c in clusters(night)] == [
        "subnet-a",
        "subnet-b",
        "subnet-c",
    ]
    assert "out of capacity" in report["batches"][0]["error"]
    night.assert_clean()


def test_a_type_that_is_short_without_a_word_costs_minutes_not_an_hour(night: NightDriver) -> None:
    """Groups that get no spot stay in STARTING: the next subnet is tried after 15 minutes."""
    emr = {**EMR, "spot": True, "subnet_ids": ["subnet-a", "subnet-b"]}
    night.configure(emr=emr)
    night.table("orders")
    night.world.faults.no_spot = 1
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    first, second = report["batches"]
    assert "had no machines after " in first["cancel_reason"]
    waited = when(second["started_at"]) - when(first["started_at"])
    assert timedelta(minutes=15) < waited <= timedelta(minutes=30)
    subnets = [c["Ec2InstanceAttributes"]["Ec2SubnetId"] for c in clusters(night)]
    assert subnets == ["subnet-a", "subnet-b"]
    night.assert_clean()


TYPES = ["m5.4xlarge", "m5a.4xlarge"]


def types_of(night: NightDriver, number: int = 0) -> set[str]:
    """Return the types of the machines that a cluster was given, the primary's among them."""
    cluster = clusters(night)[number]["Id"]
    found = night.world.client("emr").list_instances(ClusterId=cluster)["Instances"]
    return {one["InstanceType"] for one in found}


@pytest.mark.parametrize("spot", [True, False], ids=["spot", "on demand"])
@pytest.mark.parametrize(
    ("short", "subnet", "kind"),
    [
        (["subnet-a"], "subnet-b", "m5.4xlarge"),
        (["m5.4xlarge"], "subnet-a", "m5a.4xlarge"),
        (["subnet-a/m5.4xlarge", "subnet-a/m5a.4xlarge"], "subnet-b", "m5.4xlarge"),
        (["subnet-a", "m5.4xlarge"], "subnet-b", "m5a.4xlarge"),
    ],
)
def test_a_fleet_takes_the_next_type_or_subnet_at_once(
    night: NightDriver, short: list[str], subnet: str, kind: str, spot: bool
) -> None:
    subnets = ["subnet-a", "subnet-b"]
    night.configure(emr={**EMR, "subnet_ids": subnets, "spot": spot, "instance_types": TYPES})
    night.table("orders")
    night.world.faults.short_of_capacity = dict.fromkeys(short, ALWAYS)
    night.scheduler()
    night.until_exporting("orders")
    assert kind in types_of(night)
    assert not types_of(night) & (set(TYPES) - {kind})
    assert clusters(night)[0]["Ec2InstanceAttributes"]["Ec2SubnetId"] == subnet
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    assert night.all_clusters() == 1
    night.assert_clean()


def test_a_fleet_of_which_nothing_is_there_is_told_and_tried_again(night: NightDriver) -> None:
    night.configure(emr={**EMR, "subnet_ids": ["subnet-a"], "instance_types": TYPES})
    night.table("orders")
    night.world.faults.short_of_capacity = dict.fromkeys(TYPES, 1)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert "INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ" in report["batches"][0]["error"]
    assert night.all_clusters() == 2
    night.assert_clean()


def test_a_fleet_that_comes_to_no_machines_without_a_word_is_tried_again(
    night: NightDriver,
) -> None:
    """It has waited for spot by then, and for what it takes in its place."""
    night.configure(window_seconds=4 * 3600, emr={**EMR, "instance_types": TYPES})
    night.table("orders")
    night.world.faults.cluster_never_starts = 1
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    first, second = report["batches"]
    assert "had no machines after " in first["cancel_reason"]
    waited = when(second["started_at"]) - when(first["started_at"])
    assert timedelta(minutes=30) < waited <= timedelta(minutes=50)
    night.assert_clean()


def test_spot_that_does_not_come_is_waited_for_and_then_bought(night: NightDriver) -> None:
    night.configure(emr={**EMR, "spot": True, "instance_types": TYPES})
    night.table("orders")
    night.world.faults.no_spot = 1
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.all_clusters() == 1
    started = when(report["tables"]["orders"]["started_at"])
    assert timedelta(minutes=20) < started - when(report["batches"][0]["started_at"])
    night.assert_clean()


def test_a_role_without_a_right_is_told_in_emrs_words(night: NightDriver) -> None:
    night.table("orders")
    night.world.deny("ec2:RunInstances")
    report = night.night()
    assert verdicts(report) == {"orders": "failed"}
    told = night.messages[-1]["message"]
    for said in (report["tables"]["orders"]["reason"], report["batches"][0]["error"], told):
        assert "VALIDATION_ERROR: Service role" in said
        assert "not authorized to perform: ec2:RunInstances" in said
    night.world.gate.denied.clear()
    night.assert_clean()


def test_what_spot_took_away_is_read_again(night: NightDriver) -> None:
    night.configure(emr={**EMR, "spot": True})
    for name in ("orders", "users"):
        night.table(name, items=30)
    night.world.faults.spot_lost_at_step = 1
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert "Spot" in report["batches"][0]["error"]
    assert night.all_clusters() == 2
    night.assert_clean()


def test_a_bootstrap_that_fails_is_told_in_emrs_words(night: NightDriver) -> None:
    night.configure(planning={"attempts": 2})
    night.table("orders")
    night.world.faults.bootstrap_fails = ALWAYS
    report = night.night()
    assert verdicts(report) == {"orders": "failed"}
    assert "BOOTSTRAP_FAILURE" in report["tables"]["orders"]["reason"]
    assert "bootstrap action 1" in night.messages[-1]["message"]
    night.assert_clean()


@pytest.mark.slow
def test_more_tables_than_a_cluster_takes(night: NightDriver) -> None:
    """Within EMR's call rates: a look at a cluster is five pages of steps."""
    night.configure(window_seconds=8 * 3600, planning={"max_clusters": 1})
    names = [f"table-{number:03d}" for number in range(230)]
    for name in names:
        night.table(name, items=1)
    report = night.night()
    assert verdicts(report) == dict.fromkeys(names, "backed_up")
    assert [len(b["tables"]) for b in report["batches"]] == [200, 30]
    assert night.all_clusters() == 2
    night.assert_clean()


# lost answers


def test_a_start_whose_answer_is_lost_is_found_though_it_is_listed_late(night: NightDriver) -> None:
    night.table("orders")
    night.world.faults.clusters_listed_after_seconds = 600
    client = night.world.client("emr")

    def lost(call: Call) -> None:
        client.run_job_flow(**call.params)
        refused = refusal(call, "InternalServerError", "try again")
        refused.http_status = 500  # type: ignore[attr-defined]
        raise refused

    night.world.before("emr:RunJobFlow", lost, 1)
    night.scheduler()
    assert batch(night)["state"] == "starting"
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    night.world.clock.advance(600)
    assert night.all_clusters() == 1
    assert schedules(night) == [f"cluster-{c['Id']}" for c in clusters(night)]
    night.assert_clean()


def test_a_start_that_is_found_running_though_it_was_refused_is_not_made_again(
    night: NightDriver,
) -> None:
    """The look before a start: what is there of this name is the batch's."""
    night.table("orders")
    client = night.world.client("emr")

    def taken(call: Call) -> None:
        client.run_job_flow(**call.params)
        raise refusal(call, "ThrottlingException", "Rate exceeded")

    night.world.before("emr:RunJobFlow", taken, 1)
    assert verdicts(night.night()) == {"orders": "backed_up"}
    assert night.all_clusters() == 1
    night.assert_clean()


def test_looks_that_are_throttled_start_nothing_twice(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.table("users")
    night.refuse("emr:ListClusters", "ThrottlingException", "Rate exceeded", 9)
    night.refuse("emr:ListSteps", "ThrottlingException", "Rate exceeded", 9)
    night.tolerant = True
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert night.all_clusters() == 1
    assert len(steps(night)) == 2
    night.assert_clean()


# refusals


def test_a_throttled_start_is_tried_again_and_uses_up_nothing(night: NightDriver) -> None:
    night.table("orders")
    night.refuse("emr:RunJobFlow", "ThrottlingException", "Rate exceeded", 4)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["tables"]["orders"]["attempt"] == 1
    assert night.all_clusters() == 1
    night.assert_clean()


def test_a_throttled_addition_is_tried_again(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.refuse("emr:AddJobFlowSteps", "ThrottlingException", "Rate exceeded", 2)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.all_clusters() == 1
    night.assert_clean()


def test_a_quota_of_machines_is_waited_for_by_other_tries(night: NightDriver) -> None:
    night.table("orders")
    night.world.faults.vcpu_quota = 4
    night.scheduler()
    night.passes(10)
    night.world.faults.vcpu_quota = None
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert "quota" in str(report["tables"]["orders"]["errors"]).lower()
    night.assert_clean()


def test_a_start_that_is_refused_for_good_fails_in_emrs_words(night: NightDriver) -> None:
    night.configure(cluster={"release_label": "emr-1.2.3"})
    night.table("orders", read=1000, **BIG)
    report = night.night()
    assert verdicts(report) == {"orders": "failed"}
    assert "RunJobFlow: ValidationException" in report["tables"]["orders"]["reason"]
    assert night.all_clusters() == 0
    night.assert_clean()


# the engine of a run


def test_a_run_is_followed_by_the_engine_it_was_planned_for(night: NightDriver) -> None:
    """The module is set to Data Pipeline while the night runs."""
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.until_exporting("orders")
    night.configure(engine="datapipeline")
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.pipelines() == []
    assert night.world.gate.calls["datapipeline:CreatePipeline"] == 0
    night.assert_clean()


def test_an_overdue_export_leaves_what_waits_to_another_cluster(night: NightDriver) -> None:
    night.configure(window_seconds=7 * 3600, planning={"max_clusters": 1})
    night.table("hung")
    night.table("orders", read=200, size_bytes=20 * GIB, item_count=3)
    night.world.faults.step_hangs["hung"] = 1
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert "hung is overdue" in report["batches"][0]["cancel_reason"]
    night.assert_clean()


# before the first night


@pytest.mark.parametrize(
    "action",
    [
        "elasticmapreduce:RunJobFlow",
        "elasticmapreduce:ListClusters",
        "elasticmapreduce:AddJobFlowSteps",
        "elasticmapreduce:TerminateJobFlows",
        "elasticmapreduce:DescribeCluster",
        "elasticmapreduce:ListSteps",
    ],
)
def test_a_call_that_is_denied_is_told_before_the_first_night(
    night: NightDriver, action: str
) -> None:
    night.world.deny(action)
    # the watch knows nothing of tables that do not exist
    night.world.gate.hooks.clear()
    p = assembly.assemble(settings.load(), "me", lambda: 900)
    preflight.preflight(p, "scheduler")
    assert f"- {action}: " in night.messages[0]["message"]
    assert "datapipeline" not in night.messages[0]["message"]
    night.world.gate.denied.clear()
    assert night.all_clusters() == 0


def test_a_preflight_starts_nothing(night: NightDriver) -> None:
    night.world.gate.hooks.clear()
    p = assembly.assemble(settings.load(), "me", lambda: 900)
    preflight.preflight(p, "monitor")
    assert night.all_clusters() == 0
    assert night.world.gate.calls["emr:RunJobFlow"] == 1
