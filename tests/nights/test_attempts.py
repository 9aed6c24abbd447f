"""Second chances for activities and clusters that fail: fresh paths, own batches, not for ever."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from hippolyte.record_form import when
from local.core.call import Call, refusal
from local.core.faults import ALWAYS
from tests.support.harness import (
    ACCOUNT,
    BIG,
    BUCKET,
    GIB,
    MINUTES,
    REGION,
    RUN,
    Killed,
    NightDriver,
    verdicts,
)
from tests.support.watch import PRODUCT_KEY

FAULTS = {
    "fails-once": ("step_fails", 1),
    "fails-always": ("step_fails", ALWAYS),
    "no-output": ("claims_success_without_output", ALWAYS),
    "truncated": ("truncated_file", ALWAYS),
    "missing-file": ("missing_listed_file", ALWAYS),
    "truncated-once": ("truncated_file", 1),
    "fewer-items": ("fewer_items", ALWAYS),
    "no-log": ("no_log", ALWAYS),
    "well": ("step_fails", 0),
}


@pytest.fixture(scope="module")
def faulty() -> tuple[dict[str, Any], list[str]]:
    """One night in which each table's export has its own fault: (report, the bucket's keys)."""
    from tests.support.harness import driver

    with pytest.MonkeyPatch.context() as monkeypatch, driver(monkeypatch) as night:
        for name, (fault, times) in FAULTS.items():
            night.table(name, items=30)
            getattr(night.world.faults, fault)[name] = times
        report = night.night()
        night.assert_clean()
        return report, night.keys()


@pytest.mark.parametrize(
    ("table", "verdict", "attempt", "text"),
    [
        ("well", "backed_up", 1, "30 items read, the table's count is 30"),
        ("fails-once", "backed_up", 2, "attempt 1: ActivityFailed:EmrException"),
        ("truncated-once", "backed_up", 2, "cut off: the last line does not end"),
        ("no-log", "backed_up", 1, "count unknown"),
        ("fails-always", "failed", 2, "injected by the local AWS (after 2 attempts)"),
        ("no-output", "failed", 2, "_SUCCESS is missing"),
        ("truncated", "failed", 2, "cut off: the last line does not end"),
        ("missing-file", "failed", 2, "of the manifest missing"),
        ("fewer-items", "failed", 2, "20 items read, the table's count is 30"),
    ],
)
def test_an_exports_fault_meets_its_end(
    faulty: tuple[dict[str, Any], list[str]], table: str, verdict: str, attempt: int, text: str
) -> None:
    found = faulty[0]["tables"][table]
    assert (found["verdict"], found["attempt"]) == (verdict, attempt), found
    assert text in str(found)
    assert len(found["errors"]) == (attempt if verdict == "failed" else attempt - 1)


def test_a_second_attempt_has_a_fresh_path_and_a_batch_of_its_own(
    faulty: tuple[dict[str, Any], list[str]],
) -> None:
    report, keys = faulty
    tried_again = {n for n, t in report["tables"].items() if t["attempt"] == 2}
    assert {report["tables"][n]["batch"] for n in tried_again}.isdisjoint(
        {t["batch"] for n, t in report["tables"].items() if n not in tried_again}
    )
    location = report["tables"]["truncated-once"]["location"]
    assert location.endswith(f"truncated-once/{RUN}-2")
    first = f"backups/{ACCOUNT}/{REGION}/truncated-once/{RUN}-1/"
    assert any(k.startswith(first) for k in keys), "the first attempt's leftovers are not touched"


def test_a_failed_table_that_cannot_be_looked_at_costs_no_pass(night: NightDriver) -> None:
    """Whether it vanished is asked while the network is down: it is judged by its export."""
    night.table("orders")
    night.table("users")
    night.world.faults.step_fails["orders"] = 1
    night.scheduler()

    # one call with all its tries
    left = iter(range(8))

    def down(call: Call) -> None:
        if call.access_key == PRODUCT_KEY and next(left, None) is not None:
            raise ReadTimeoutError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com/")

    night.world.before("dynamodb:DescribeTable", down)
    assert set(verdicts(night.until_closed()).values()) == {"backed_up"}
    night.assert_clean()


def test_attempts_are_a_setting(night: NightDriver) -> None:
    night.configure(planning={"attempts": 1})
    night.table("orders")
    night.world.faults.step_fails["orders"] = 1
    report = night.night()
    assert verdicts(report) == {"orders": "failed"}
    assert night.all_clusters() == 1


def test_no_second_attempt_when_no_time_is_left(night: NightDriver) -> None:
    night.configure(window_seconds=1800)
    if night.engine == "lambda":
        # of what a scan refuses nothing is lost but seconds: this one is no good at its end
        size, fault = {"size_bytes": 33 * GIB // 10, "item_count": 3}, "missing_listed_file"
    else:
        size, fault = {"size_bytes": 2 * GIB, "item_count": 3}, "step_fails"
    night.table("orders", read=1000, **size)
    getattr(night.world.faults, fault)["orders"] = 1
    report = night.night()
    assert verdicts(report) == {"orders": "failed"}
    assert "no time is left for another attempt" in report["tables"]["orders"]["reason"]
    assert night.all_clusters() == 1
    night.assert_clean()


# clusters


@pytest.mark.engine("datapipeline", "emr")
def test_a_cluster_that_never_starts_is_given_up_and_its_tables_move(night: NightDriver) -> None:
    night.configure(window_seconds=4 * 3600)
    for name in ("orders", "users"):
        night.table(name)
    night.world.faults.cluster_never_starts = 1
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    # EMR says of its cluster that it waits for its machines
    said = {"datapipeline": "its cluster ran nothing for", "emr": "its cluster had no machines"}
    assert said[night.engine] in report["batches"][0]["cancel_reason"]
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_a_cluster_refused_by_emr_is_tried_again_in_its_words(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.world.faults.cluster_start_fails = ["The subnet has no free address"]
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert "The subnet has no free address" in report["batches"][0]["error"]
    assert "The subnet has no free address" in str(report["tables"]["orders"]["errors"])
    night.assert_clean()


# how a cluster comes to nothing: EMR's code, its words
EARLY_ENDS = {
    "quota": ("VALIDATION_ERROR", "more vCPU capacity than your current vCPU limit of 5"),
    "counted quota": ("VALIDATION_ERROR", "exceeds the EC2 service quota"),
    "capacity": ("INTERNAL_ERROR", "EC2 is out of capacity for m5"),
    "capacity in detail": ("INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ", "insufficient capacity"),
    "validation": ("VALIDATION_ERROR", "The subnet has no free address"),
    "internal error": ("INTERNAL_ERROR", "Failed to start the job flow due to an internal error"),
    "lost machine": ("INSTANCE_FAILURE", "The master failed: Client.InvalidKMSKey.InvalidState"),
    "somebody": ("USER_REQUEST", "Terminated by user request"),
}


@pytest.mark.engine("datapipeline", "emr")
@pytest.mark.parametrize("how", EARLY_ENDS)
def test_why_clusters_come_to_nothing_is_in_report_and_message(
    night: NightDriver, how: str
) -> None:
    """By Data Pipeline too: its own `@failureReason` need not repeat what EMR says."""
    night.table("orders")
    code, words = EARLY_ENDS[how]
    faults, emr = night.world.faults, night.world.client("emr")

    def end_all(_: Call) -> None:
        found = emr.list_clusters(ClusterStates=["STARTING", "BOOTSTRAPPING"])["Clusters"]
        emr.terminate_job_flows(JobFlowIds=[cluster["Id"] for cluster in found])

    if how.startswith("capacity"):
        faults.short_of_capacity = {night.settings["cluster"]["core_instance_type"]: ALWAYS}
    elif how == "counted quota":
        faults.vcpu_quota = 4
    elif how == "somebody":
        look = "emr:ListSteps" if night.engine == "emr" else "emr:DescribeCluster"
        night.world.before(look, end_all)
    else:
        faults.cluster_start_fails = [f"{code}: {words}" if code[0] == "I" else words] * 50
    report = night.night()
    assert verdicts(report) == {"orders": "failed"}
    told = night.messages[-1]["message"]
    for said in (report["tables"]["orders"]["reason"], report["batches"][0]["error"], told):
        assert code in said and words in said
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_a_cluster_that_never_works_fails_its_tables_not_for_ever(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.world.faults.cluster_start_fails = ["no capacity"] * 20
    report = night.night()
    assert verdicts(report) == {"orders": "failed"}
    reason = report["tables"]["orders"]["reason"]
    assert "no capacity" in reason and "no time is left for another attempt" in reason
    assert 3 <= night.all_clusters() <= 6
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_clusters_that_end_before_they_ran_anything_are_tried_one_at_a_time(
    night: NightDriver,
) -> None:
    """All at once would only end likewise: a probe after a pause, and the rest once it runs."""
    night.configure(window_seconds=4 * 3600, planning={"max_clusters": 5})
    names = [f"table-{number}" for number in range(5)]
    for name in names:
        # each takes a cluster for most of the window
        night.table(name, read=100, size_bytes=2 * GIB, item_count=3)
    # the first five, and two probes
    night.world.faults.cluster_start_fails = ["VCPU_LIMIT"] * 7
    report = night.night()
    assert verdicts(report) == dict.fromkeys(names, "backed_up")
    begun = [when(batch["started_at"]) for batch in sorted(report["batches"], key=_begun)]
    first, probes, rest = begun[:5], begun[5:8], begun[8:]
    assert max(first) - min(first) < timedelta(minutes=1) and len(rest) == 4
    pauses = [two - one for one, two in pairwise([max(first), *probes, min(rest)])]
    assert all(pause >= timedelta(minutes=5) for pause in pauses)
    assert pauses[1] >= timedelta(minutes=10)
    assert max(rest) - min(rest) < timedelta(minutes=1)
    assert "VCPU_LIMIT" in str(report["tables"]["table-0"]["errors"])
    assert {table["tries"] for table in report["tables"].values() if "tries" in table} <= {
        1,
        2,
        3,
        4,
    }
    night.assert_clean()


def _begun(batch: dict[str, Any]) -> str:
    return str(batch["started_at"])


@pytest.mark.engine("datapipeline", "emr")
def test_a_cluster_that_dies_moves_its_unfinished_tables_only(night: NightDriver) -> None:
    names = [f"table-{number}" for number in range(6)]
    for name in names:
        night.table(name)
    night.world.faults.cluster_dies_at_step = 4
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    attempts = sorted(t["attempt"] for t in report["tables"].values())
    assert attempts == [1, 1, 1, 2, 2, 2]
    assert "The master failed" in report["batches"][0]["error"]
    assert [len(b["tables"]) for b in report["batches"]] == [6, 3]
    night.assert_clean()


@pytest.mark.both
def test_a_hung_export_is_overdue_and_the_others_move_on(night: NightDriver) -> None:
    names = ["hung", *(f"table-{number}" for number in range(4))]
    for name in names:
        night.table(name)
    night.world.faults.step_hangs["hung"] = 1
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert "the export of hung is overdue" in report["batches"][0]["cancel_reason"]
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_an_overdue_export_that_gets_on_is_not_ended(night: NightDriver) -> None:
    """It writes a file now and then, as slow as its cluster is: a new try would be no faster."""
    night.table("slow")
    night.world.faults.step_hangs["slow"] = 1
    night.scheduler()
    begun = night.world.clock.now()
    while (now := night.world.clock.now()) < begun + timedelta(seconds=6600):
        # not before it has looked that nothing is there
        if 1500 <= (now - begun).total_seconds() < 3600:
            place = f"backups/{ACCOUNT}/{REGION}/slow/{RUN}-1"
            night.s3.put_object(Bucket="backups", Key=f"{place}/{now:%H%M%S}", Body=b"{}")
        night.world.clock.advance(300)
        night.monitor()
        state = night.record(RUN, "ledger.json")
        assert state
        reasons = [batch.get("cancel_reason") for batch in state["batches"].values()]
        assert not any(reasons) or now > begun + timedelta(seconds=5400)
    # once it writes no more it is as overdue as any
    assert "the export of slow is overdue" in str(night.record(RUN, "ledger.json"))


@pytest.mark.engine("datapipeline", "emr")
@pytest.mark.parametrize(
    ("items", "patience"),
    # three hours: a mapper writes its one file at its end; many items: a file every few minutes
    [(50_000, 3 * 3600), (500_000_000, 2400)],
)
def test_large_items_make_few_files_and_are_waited_for(
    night: NightDriver, items: int, patience: int
) -> None:
    night.configure(window_seconds=10 * 3600)
    night.table("slow", size_bytes=3540 * 50 * 4096, item_count=items)
    night.world.faults.step_hangs["slow"] = 1
    night.scheduler()
    night.until_exporting("slow")
    night.world.clock.advance(2.5 * 3600)
    place = f"backups/{ACCOUNT}/{REGION}/slow/{RUN}-1"
    night.s3.put_object(Bucket="backups", Key=f"{place}/one", Body=b"{}")
    written = night.world.clock.now()
    night.until(lambda: "is overdue" in str(night.record(RUN, "ledger.json")), minutes=240)
    waited = (night.world.clock.now() - written).total_seconds()
    assert patience < waited < patience + 900


@pytest.mark.engine("datapipeline", "emr")
def test_a_cluster_ends_by_itself_when_nobody_comes(night: NightDriver) -> None:
    """terminateAfter, or the primary's shutdown: with both functions dead, it ends some day."""
    night.table("orders", read=1000, **BIG)
    night.world.faults.step_hangs["orders"] = ALWAYS
    night.scheduler()
    night.until_exporting("orders")
    night.world.clock.advance(5 * 3600)
    assert not night.exporting("orders")
    assert night.clusters() == []
    report = night.until_closed()
    assert verdicts(report) == {"orders": "timed_out"}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


@pytest.mark.engine("datapipeline")
def test_a_pipeline_that_somebody_paused_waits_for_them(night: NightDriver) -> None:
    night.table("orders")
    night.scheduler()
    night.passes(5)
    client = night.world.client("datapipeline")
    (found,) = client.list_pipelines()["pipelineIdList"]
    client.set_status(pipelineId=found["id"], objectIds=["Export000"], status="PAUSE")
    night.passes(75, each=15)
    assert night.record(RUN, "report.json") is None
    assert night.pipelines() != []
    client.set_status(pipelineId=found["id"], objectIds=["Export000"], status="RESUME")
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    night.assert_clean()


# deletion after evidence, one cluster a batch


@pytest.mark.engine("datapipeline")
def test_a_pipeline_is_deleted_after_its_evidence_is_on_record(night: NightDriver) -> None:
    seen: list[dict[str, Any]] = []
    night.table("orders")
    night.world.faults.step_fails["orders"] = ALWAYS

    def look(_: Call) -> None:
        seen.append(night.record(RUN, "ledger.json") or {})

    night.world.before("datapipeline:DeletePipeline", look)
    night.night()
    assert len(seen) == 2
    for number, ledger in enumerate(seen, 1):
        assert len(ledger["tables"]["orders"]["errors"]) == number
        assert "injected by the local AWS" in ledger["tables"]["orders"]["errors"][-1]


@pytest.mark.engine("datapipeline")
def test_evidence_seen_at_once_with_the_clusters_end_is_on_record_first(
    night: NightDriver,
) -> None:
    seen: list[dict[str, Any]] = []
    night.table("orders")
    night.world.faults.cluster_start_fails = ["no free address"]

    def look(_: Call) -> None:
        seen.append(night.record(RUN, "ledger.json") or {})

    night.world.before("datapipeline:DeletePipeline", look, 1)
    night.night()
    assert "no free address" in str(seen[0]["tables"]["orders"]["errors"])
    assert "no free address" in seen[0]["batches"]["b001"]["error"]


def test_overlapping_deliveries_start_one_cluster(night: NightDriver) -> None:
    """The same request delivered twice, the second while the first is about to activate."""
    night.table("orders", **MINUTES)

    def again(_: Call) -> None:
        night.scheduler(request_id="same")
        night.monitor()

    night.world.before(night.call("start"), again, 1)
    night.scheduler(request_id="same")
    night.until_exporting("orders")
    assert night.all_clusters() == 1
    assert set(verdicts(night.until_closed()).values()) == {"backed_up"}
    assert night.all_clusters() == 1
    night.assert_clean()


@pytest.mark.engine("datapipeline")
def test_overlapping_deliveries_at_every_step_start_one_cluster(night: NightDriver) -> None:
    night.table("orders")
    for operation in ("datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"):
        night.world.before(operation, lambda _: night.scheduler(request_id="same"), 1)
    night.scheduler(request_id="same")
    assert set(verdicts(night.until_closed()).values()) == {"backed_up"}
    assert night.all_clusters() == 1
    night.assert_clean()


@pytest.mark.both
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_invocation_killed_at_the_activation_starts_one_cluster(
    night: NightDriver, when: str
) -> None:
    night.table("orders")
    if when == "before":
        night.kill_before(night.call("start"))
    else:
        night.kill_after(night.call("start"))
    with pytest.raises(Killed):
        night.scheduler()
    assert (night.record(RUN, "ledger.json") or {})["batches"]["b001"]["state"] == "starting"
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.all_clusters() == 1
    night.assert_clean()


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
def test_an_activation_whose_answer_is_lost_is_looked_for(night: NightDriver, taken: bool) -> None:
    """A server error says nothing of whether the pipeline runs: each activation is one more run."""
    night.table("orders")
    service = night.call("start").partition(":")[0]
    client = night.world.client(service)

    def lost(call: Call) -> None:
        if call.access_key != PRODUCT_KEY:
            return
        if taken and service == "emr":
            client.run_job_flow(**call.params)
        elif taken and service == "stepfunctions":
            client.start_execution(**call.params)
        elif taken:
            client.activate_pipeline(pipelineId=call.params["pipelineId"])
        refused = refusal(call, "InternalServiceError", "try again")
        refused.http_status = 500  # type: ignore[attr-defined]
        raise refused

    # an execution is started again by the SDK: all of its tries are lost
    night.world.before(night.call("start"), lost, None if service == "stepfunctions" else 1)
    night.scheduler()
    night.allow_all()
    assert (night.record(RUN, "ledger.json") or {})["batches"]["b001"]["state"] == "starting"
    assert verdicts(night.until_closed()) == {"orders": "backed_up"}
    assert night.all_clusters() == 1
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_the_log_that_comes_late_is_waited_for(night: NightDriver) -> None:
    night.table("orders", items=30)
    night.world.faults.no_log["orders"] = 1
    night.scheduler()
    night.until_exporting("orders")
    while night.exporting("orders"):
        night.world.clock.advance(5)
    night.passes(10)
    assert night.record(RUN, "report.json") is None
    report = night.until_closed()
    assert "count unknown" in str(report["tables"]["orders"]["notes"])
    assert night.s3.head_bucket(Bucket=BUCKET)


@pytest.mark.engine("datapipeline")
def test_a_pipeline_deactivated_before_its_cluster_came_is_over(night: NightDriver) -> None:
    night.table("orders")
    night.scheduler()
    batch = night.record(RUN, "ledger.json")["batches"]["b001"]  # type: ignore[index]
    client = night.world.client("datapipeline")
    client.deactivate_pipeline(pipelineId=batch["handle"]["pipeline"], cancelActive=True)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["tables"]["orders"]["attempt"] == 2
    night.assert_clean()


@pytest.mark.engine("datapipeline")
def test_a_pipeline_of_an_invocation_that_died_is_removed_after_the_deadline(
    night: NightDriver,
) -> None:
    night.table("orders")
    night.kill_after("datapipeline:CreatePipeline")
    with pytest.raises(Killed):
        night.scheduler()
    assert len(night.pipelines()) == 1
    night.world.clock.advance(3 * 3600)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "timed_out"}
    night.assert_clean()


@pytest.mark.engine("datapipeline")
def test_a_pipeline_whose_definition_is_never_taken_is_removed(night: NightDriver) -> None:
    night.table("orders")
    night.refuse("datapipeline:PutPipelineDefinition", "ThrottlingException", "Rate exceeded")
    report = night.night()
    assert verdicts(report) == {"orders": "failed"}
    assert "Rate exceeded" in report["tables"]["orders"]["reason"]
    night.assert_clean()
