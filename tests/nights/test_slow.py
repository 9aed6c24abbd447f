"""A process that was slow comes back when others went on without it, and the next night began."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from local.core.call import Call
from local.programs.export import running_steps
from tests.support.commands import command, deploy
from tests.support.harness import BIG, RUN, START, Killed, NightDriver, verdicts
from tests.support.watch import PRODUCT_KEY

TOMORROW = START + timedelta(days=1)
FLAG = "DynamicScalingInSuspended"


def once(
    night: NightDriver, operation: str, key: str, number: int, happens: Callable[[], None]
) -> None:
    """Let something happen at the product's n-th call of an operation from now."""
    seen: list[Call] = []

    def strike(call: Call) -> None:
        of_a_link = night.world.functions.current() is not None
        if call.access_key == PRODUCT_KEY and key in str(call.key) and not of_a_link:
            seen.append(call)
            if len(seen) == number:
                happens()

    night.world.before(operation, strike)


def assert_leases_cover_what_is_changed(night: NightDriver, table: str = "orders") -> None:
    changed = night.capacity(table)[0] != 1000 or night.suspended(table)[FLAG]
    open_lease = (night.lease(table) or {"state": "released"})["state"] != "released"
    assert open_lease or not changed, (night.capacity(table), night.suspended(table))


# each call that changes something, of the pass that raises and of the pass that gives back
CALLS = [
    ("s3:PutObject", "/plan.json", 1),
    ("s3:PutObject", "/ledger.json", 1),
    ("datapipeline:CreatePipeline", "", 1),
    ("datapipeline:PutPipelineDefinition", "", 1),
    ("s3:PutObject", "leases/", 1),
    ("application-autoscaling:RegisterScalableTarget", "", 1),
    ("dynamodb:DescribeTable", "", 4),
    ("dynamodb:UpdateTable", "", 1),
    ("s3:PutObject", "leases/", 2),
    ("datapipeline:ActivatePipeline", "", 1),
    ("emr:RunJobFlow", "", 1),
    ("emr:AddJobFlowSteps", "", 1),
    ("stepfunctions:StartExecution", "", 1),
    # before it is started, and with the raised table
    ("s3:PutObject", "/workers/", 1),
    ("s3:PutObject", "/workers/", 2),
    ("s3:PutObject", "leases/", 3),
    ("dynamodb:UpdateTable", "", 2),
    ("application-autoscaling:DescribeScalableTargets", "", 4),
    ("application-autoscaling:RegisterScalableTarget", "", 2),
    ("s3:PutObject", "leases/", 4),
    ("datapipeline:DeletePipeline", "", 1),
    ("emr:TerminateJobFlows", "", 1),
    ("s3:PutObject", "/report.json", 1),
]


@pytest.mark.parametrize(("operation", "key", "number"), CALLS, ids=lambda v: str(v))
def test_for_fourteen_minutes_in_which_the_next_night_begins(
    night: NightDriver, operation: str, key: str, number: int
) -> None:
    service = "stepfunctions" if night.engine == "lambda" else night.engine
    of_workers = operation.startswith("stepfunctions") or key == "/workers/"
    if operation.partition(":")[0] in {"datapipeline", "emr"} - {service} or (
        of_workers and night.engine != "lambda"
    ):
        pytest.skip("another engine's call")
    scanned: list[str] = []

    def scan(_: Call) -> None:
        link = night.world.functions.current()
        if link and scanned[-1:] != [link.event["run"]]:
            scanned.append(link.event["run"])

    night.world.before("dynamodb:Scan", scan)
    # planned at a fraction of the rate that the exporter reaches: both runs have time
    night.configure(planning={"bytes_per_read_unit": 150})
    night.table("orders", read=1000, size_bytes=BIG["size_bytes"] * 150 // 4096, item_count=3)
    night.target("orders", 100, 4000)
    night.tolerant = True
    later: list[str] = []

    def slow() -> None:
        clock = night.world.clock
        for _ in range(2):
            night.world.sleeper.sleep(420)
            clock.advance(420)
            if not later:
                start = clock.now().replace(second=0, microsecond=0)
                later.append(run_id(start))
                night.scheduler({"run": iso(start), "delay_seconds": 0})
            night.monitor()
        assert_leases_cover_what_is_changed(night)

    once(night, operation, key, number, slow)
    try:
        night.scheduler({"run": "now"})
    finally:
        assert_leases_cover_what_is_changed(night)
    for _ in range(80):
        night.passes(5)
        assert_leases_cover_what_is_changed(night)
        reading = [step.table for step in running_steps(night.world)]
        assert len(reading) <= 1
        if later and all(night.record(run, "report.json") for run in (RUN, later[0])):
            break
    assert later, "the call was never made"
    # whoever comes first: one after the other
    assert sorted(scanned) == ([RUN, later[0]] if night.engine == "lambda" else [])
    for run in (RUN, later[0]):
        report = night.record(run, "report.json")
        assert report is not None
        assert verdicts(report) == {"orders": "backed_up"}
    assert night.errors == []
    assert night.capacity("orders") == (1000, 50)
    assert not night.suspended("orders")[FLAG]
    night.assert_clean()


def test_a_command_that_slept_until_the_next_night_lowers_nothing_under_its_export(
    night: NightDriver,
) -> None:
    """The lid of the laptop was shut between the command's look and its lowering."""
    deploy(night)
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.kill_after("dynamodb:UpdateTable")
    with pytest.raises(Killed):
        night.scheduler()
    night.world.clock.advance(1200)
    night.allow_all()

    def sleep() -> None:
        night.passes(60, each=15)
        assert night.capacity("orders") == (1000, 50)
        night.world.clock.advance_to(TOMORROW)
        night.scheduler({"run": iso(TOMORROW), "delay_seconds": 0})
        night.until_exporting("orders")
        assert night.capacity("orders") == (night.raised, 50)

    # the look before the lowering, when that is on record
    def shut_the_lid(_: Call) -> None:
        if (night.lease("orders") or {})["state"] == "lowering" and not slept:
            slept.append(True)
            sleep()

    slept: list[bool] = []
    night.world.before("dynamodb:DescribeTable", shut_the_lid)
    result = command("release", "--wait", 0)
    assert slept
    assert result.exit_code == 1
    assert night.exporting("orders")
    assert night.capacity("orders") == (night.raised, 50)
    report = night.until_closed(run=run_id(TOMORROW))
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_a_command_that_slept_does_not_resume_scale_in_under_the_next_nights_export(
    night: NightDriver,
) -> None:
    deploy(night)
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.scheduler()
    night.kill_before("application-autoscaling:RegisterScalableTarget")
    with pytest.raises(Killed):
        night.until_closed()
    assert (night.lease("orders") or {})["state"] == "lowering"
    night.allow_all()

    def sleep() -> None:
        night.until_closed()
        night.world.clock.advance_to(TOMORROW)
        night.scheduler({"run": iso(TOMORROW), "delay_seconds": 0})
        night.until_exporting("orders")
        assert night.suspended("orders")[FLAG]

    once(night, "application-autoscaling:DescribeScalableTargets", "", 1, sleep)
    result = command("release", "--wait", 0)
    assert result.exit_code == 1
    assert night.exporting("orders")
    assert night.suspended("orders")[FLAG]
    report = night.until_closed(run=run_id(TOMORROW))
    assert verdicts(report) == {"orders": "backed_up"}
    assert not night.suspended("orders")[FLAG]
    night.assert_clean()


def test_a_pass_is_on_record_before_the_next_one_begins(night: NightDriver) -> None:
    """However many tables end at once, and however slow S3 is."""
    for number in range(40):
        night.table(f"table-{number:02d}", items=0)
    night.world.before("s3:PutObject", lambda _: night.world.sleeper.sleep(5))
    written: list[float] = []

    def note(call: Call) -> None:
        if str(call.key).endswith("/ledger.json"):
            written.append((night.world.sleeper.now() - START).total_seconds())

    night.world.before("s3:PutObject", note)
    night.scheduler()
    ledger = night.record(RUN, "ledger.json") or {"tables": {}}
    assert 0 < sum("verdict" in table for table in ledger["tables"].values()) < 40
    assert max(written) < 300
    report = night.until_closed()
    assert set(verdicts(report).values()) == {"backed_up"}
