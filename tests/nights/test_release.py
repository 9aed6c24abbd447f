"""Both Lambdas are dead: `hippolyte release` gives back what they raised, and harms nothing."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hippolyte.errors import HippolyteError
from hippolyte.record_form import iso
from hippolyte_cli.release import WITHDRAWN
from hippolyte_cli.terminal import Words
from local.core.call import Call
from local.core.faults import ALWAYS
from tests.support.commands import command, deploy
from tests.support.harness import (
    BIG,
    BUCKET,
    GIB,
    RUN,
    START,
    Killed,
    NightDriver,
    verdicts,
)
from tests.support.watch import PRODUCT_KEY

FREE = dict.fromkeys(
    ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
)
_WRITES = ("Put", "Update", "Register", "Delete", "Create", "Deactivate", "Terminate", "Activate")


def dies_after_raising(night: NightDriver) -> None:
    """The scheduler raises a table, suspends its scale-in, and is never seen again."""
    deploy(night)
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.kill_after("dynamodb:UpdateTable")
    with pytest.raises(Killed):
        night.scheduler()


def dies_under_the_export(night: NightDriver) -> None:
    """The scheduler and one pass of the monitor start a raised export, then both are dead."""
    deploy(night)
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.scheduler()
    night.until_exporting("orders")
    assert night.capacity("orders") == (night.raised, 50)


def assert_given_back(night: NightDriver, table: str = "orders") -> None:
    assert night.capacity(table) == (1000, 50)
    assert night.suspended(table) == FREE
    assert (night.lease(table) or {})["state"] == "released"
    assert night.watch.violations == []


def writes(night: NightDriver) -> Counter[str]:
    """Count the product's calls that change anything, from now on."""
    found: Counter[str] = Counter()

    def count(call: Call) -> None:
        if call.access_key == PRODUCT_KEY and call.operation.startswith(_WRITES):
            found[call.name] += 1

    night.world.before("*", count)
    return found


# nothing reads the table


def test_what_a_dead_scheduler_raised_is_given_back(night: NightDriver) -> None:
    dies_after_raising(night)
    night.world.clock.advance(300)
    assert night.capacity("orders") == (night.raised, 50)
    result = command("release")
    assert result.exit_code == 0, result.output
    assert "All capacity raised by hippolyte in account 123456789012" in result.output
    assert "is being lowered to 1000" in result.output
    assert_given_back(night)


def test_the_table_shows_what_is_raised(night: NightDriver) -> None:
    dies_after_raising(night)
    night.world.clock.advance(1200)
    result = command("release", "--dry-run")
    (line,) = [row for row in result.output.splitlines() if "orders" in row and "│" in row]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells == [
        "orders",
        "1000",
        str(night.raised),
        "2026-11-24T00:00:00Z",
        RUN,
        "intended",
        "never began",
        f"would lower it from {night.raised} to 1000",
    ]


def test_what_is_raised_as_json(night: NightDriver) -> None:
    dies_after_raising(night)
    night.world.clock.advance(1200)
    result = command("release", "--dry-run", "--json")
    assert result.exit_code == 1, result.output
    told = json.loads(result.stdout)
    (lease,) = told.pop("leases")
    assert told == {
        "name": "hippolyte",
        "account": "123456789012",
        "region": "us-east-1",
        "dry_run": True,
        "not_seen": [],
    }
    assert lease == {
        "table": "orders",
        "place": None,
        "from": 1000,
        "to": night.raised,
        "since": "2026-11-24T00:00:00Z",
        "run": RUN,
        "state": "intended",
        "export": "never began",
        "said": f"would lower it from {night.raised} to 1000",
        "left": True,
    }
    result = command("release", "--json")
    assert result.exit_code == 0, result.output
    assert [one["left"] for one in json.loads(result.stdout)["leases"]] == [False]


def test_a_dry_run_changes_nothing(night: NightDriver) -> None:
    dies_after_raising(night)
    night.world.clock.advance(1200)
    before = {key: night.json(key) for key in night.keys("runs/") + night.keys("leases/")}
    changed = writes(night)
    result = command("release", "--dry-run", "--cancel")
    assert result.exit_code == 1
    assert "Nothing was changed (--dry-run). Raised: orders." in result.output
    assert not changed
    assert before == {key: night.json(key) for key in night.keys("runs/") + night.keys("leases/")}
    assert night.capacity("orders") == (night.raised, 50)


def test_a_dry_run_begins_no_ledger(night: NightDriver) -> None:
    dies_after_raising(night)
    night.s3.delete_object(Bucket=BUCKET, Key=f"runs/123456789012/us-east-1/{RUN}/ledger.json")
    night.world.clock.advance(1200)
    changed = writes(night)
    assert "would lower it" in command("release", "--dry-run").output
    assert not changed
    assert command("release").exit_code == 0
    assert_given_back(night)


def test_it_may_be_repeated(night: NightDriver) -> None:
    dies_after_raising(night)
    assert command("release").exit_code == 0
    updates = list(night.watch.updates)
    again = command("release")
    assert again.exit_code == 0
    assert "Nothing is raised by hippolyte" in again.output
    assert night.watch.updates == updates
    assert_given_back(night)


def test_a_command_that_is_cut_short_is_taken_up_by_the_next(night: NightDriver) -> None:
    dies_after_raising(night)
    night.world.clock.advance(1200)
    night.kill_before("dynamodb:UpdateTable")
    with pytest.raises(Killed):
        command("release")
    assert (night.lease("orders") or {})["state"] == "lowering"
    night.allow_all()
    result = command("release")
    assert result.exit_code == 0, result.output
    assert_given_back(night)


@pytest.mark.parametrize("state", ["intended", "raised", "lowering"])
def test_another_invocations_lease_in_any_state(night: NightDriver, state: str) -> None:
    """`intended`, `raised` by a dead scheduler; `lowering` by a monitor that died at it."""
    dies_after_raising(night)
    if state == "raised":
        # the pass that sees it raised dies before it starts the export
        night.world.clock.advance(1200)
        night.kill_at_begin()
        with pytest.raises(Killed):
            night.monitor()
    if state == "lowering":
        night.world.clock.advance_to(START + timedelta(hours=2, minutes=5))
        night.kill_before("dynamodb:UpdateTable")
        with pytest.raises(Killed):
            night.passes(30)
    night.allow_all()
    lease = night.lease("orders") or {}
    assert lease["state"] == state
    assert lease["intent_by"]
    result = command("release")
    assert result.exit_code == 0, result.output
    assert_given_back(night)


def test_a_table_changed_by_somebody_is_left_as_it_is(night: NightDriver) -> None:
    dies_after_raising(night)
    night.world.clock.advance(300)
    night.set_by_hand("orders", 3000)
    night.world.clock.advance(300)
    result = command("release")
    assert result.exit_code == 0, result.output
    assert "the application scaled out" in result.output
    assert night.capacity("orders") == (3000, 50)
    assert night.suspended("orders") == FREE


def test_a_refused_decrease_is_named(night: NightDriver) -> None:
    dies_after_raising(night)
    night.world.clock.advance(1200)
    night.refuse("dynamodb:UpdateTable", "LimitExceededException", "Next decrease at 12:00 AM")
    result = command("release", "--wait", 10)
    assert result.exit_code == 1
    assert "LEFT RAISED: orders" in result.output
    assert "Next decrease at 12:00 AM" in result.output
    night.allow_all()
    assert command("release").exit_code == 0
    assert_given_back(night)


def test_a_call_that_is_denied_is_named_and_keeps_no_other_table_raised(
    night: NightDriver,
) -> None:
    deploy(night)
    for name in ("orders", "users"):
        night.table(name, read=1000, **BIG)
    night.scheduler()
    night.world.clock.advance(1200)
    night.world.deny("dynamodb:UpdateTable", "*:table/orders")
    result = command("release", "--wait", 10)
    assert result.exit_code == 1
    assert "LEFT RAISED: orders." in result.output
    assert "failed: " in result.output
    assert "not authorized" in result.output
    assert (night.capacity("orders"), night.capacity("users")) == ((night.raised, 50), (1000, 50))
    assert night.watch.violations == []


def denied_to_the_monitor(night: NightDriver) -> str:
    """Have the monitor fail at giving a table back; return what its lease says of it."""
    dies_after_raising(night)
    night.refuse("dynamodb:UpdateTable", "AccessDeniedException", "not for hippolyte-monitor")
    night.world.clock.advance_to(START + timedelta(hours=2, minutes=5))
    for _ in range(40):
        with suppress(HippolyteError, ClientError):
            night.monitor()
        if note := str((night.lease("orders") or {})["note"]):
            night.allow_all()
            return note
        night.world.clock.advance(300)
    raise AssertionError("the monitor tried nothing")


def test_a_dry_run_says_why_the_monitor_failed(night: NightDriver) -> None:
    note = denied_to_the_monitor(night)
    at = (night.lease("orders") or {})["intent_at"]
    assert "AccessDenied" in note
    earlier = f"the last try, at {at}: {note}"
    said = lease_said("release", "--dry-run", "--json")
    assert said == f"would wait (its last change may not be seen yet); {earlier}"
    night.world.clock.advance(300)
    said = lease_said("release", "--dry-run", "--json")
    assert said == f"would lower it from {night.raised} to 1000; {earlier}"


def test_what_the_monitor_failed_at_is_not_told_as_its_own_doing(night: NightDriver) -> None:
    note = denied_to_the_monitor(night)
    at = (night.lease("orders") or {})["intent_at"]
    result = command("release")
    assert result.exit_code == 0, result.output
    text = result.output
    assert text.count("not lowered yet") == 1, text
    assert f"its last change may not be seen yet; the last try, at {at}: {note}" in text
    _, _, after = text.partition("is being lowered to 1000\n")
    assert after.splitlines()[0].endswith("orders: given back"), text
    assert (night.lease("orders") or {})["note"] == ""
    assert_given_back(night)


def test_its_own_refused_decrease_is_said_once(night: NightDriver) -> None:
    dies_after_raising(night)
    night.world.clock.advance(1200)
    night.refuse("dynamodb:UpdateTable", "LimitExceededException", "Next decrease at 12:00 AM")
    result = command("release", "--wait", 10)
    assert result.output.count("not lowered yet") == 1, result.output
    assert "the last try" not in result.output


@pytest.mark.parametrize("state", ["intended", "lowering"])
def test_a_lease_of_a_wrong_clock_is_told_as_such(night: NightDriver, state: str) -> None:
    dies_after_raising(night)
    to_come = "2026-11-26T00:00:00Z"
    change_lease(night, intent_at=to_come, state=state, lower_to=1000)
    clocks = f"its last change is noted at {to_come}, which is to come: one of the clocks is wrong"
    assert clocks in lease_said("release", "--dry-run", "--json")
    assert clocks in lease_said("release", "--wait", 5, "--json")
    assert night.capacity("orders") == (night.raised, 50), "it acts no sooner"
    # a few minutes are no wrong clock
    change_lease(night, intent_at=iso(night.world.clock.now() + timedelta(minutes=4)))
    assert "may not be seen yet" in lease_said("release", "--dry-run", "--json")


def change_lease(night: NightDriver, **changes: Any) -> None:
    """Write over the lease of the table orders."""
    (key,) = night.keys("leases/")
    body = json.dumps({**(night.json(key) or {}), **changes})
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def lease_said(*arguments: object) -> str:
    """Return what a release says as JSON of its one lease, which stays open."""
    result = command(*arguments)
    assert result.exit_code == 1, result.output
    (lease,) = json.loads(result.stdout)["leases"]
    return str(lease["said"])


# beside a monitor that comes back


def test_what_was_withdrawn_is_not_raised_again(night: NightDriver) -> None:
    """The other tables of its batch are backed up all the same."""
    night.configure(planning={"max_clusters": 1})
    dies_after_raising(night)
    night.table("users")
    night.world.clock.advance(1200)
    assert command("release").exit_code == 0
    updates = list(night.watch.updates)
    report = night.until_closed()
    assert verdicts(report)["orders"] == "failed"
    assert report["tables"]["orders"]["reason"] == f"not started: {WITHDRAWN}"
    assert night.watch.updates == updates
    assert_given_back(night)
    night.assert_clean()


def test_the_rest_of_a_batch_goes_on_without_the_withdrawn(night: NightDriver) -> None:
    night.configure(planning={"max_clusters": 1})
    deploy(night)
    night.table("orders", read=1000, size_bytes=night.too_large, item_count=3)
    night.target("orders", 100, 4000)
    night.table("users")
    night.kill_after("dynamodb:UpdateTable")
    with pytest.raises(Killed):
        night.scheduler()
    night.world.clock.advance(1200)
    assert command("release").exit_code == 0
    report = night.until_closed()
    assert verdicts(report) == {"orders": "failed", "users": "backed_up"}
    assert_given_back(night)
    night.assert_clean()


def test_a_monitor_that_starts_the_export_meanwhile_is_not_lowered_under(
    night: NightDriver,
) -> None:
    """Its start is recorded between the command's look and its mark: the mark is refused."""
    dies_after_raising(night)
    night.world.clock.advance(1200)

    def start(_: object) -> None:
        night.monitor()
        night.monitor()

    # the command has read the ledger, and looks for the report
    night.world.before("s3:ListBucket", _nth(_looks_for_the_report(), start))
    result = command("release", "--wait", 1)
    assert result.exit_code == 1
    assert "another invocation is at work on it" in result.output
    assert night.capacity("orders") == (night.raised, 50)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    night.assert_clean()


def test_a_monitor_that_read_before_the_mark_starts_nothing(night: NightDriver) -> None:
    """The mark is recorded between the monitor's look and its start: the start is refused."""
    dies_after_raising(night)
    night.world.clock.advance(1200)
    codes: list[int] = []

    def give_back(_: object) -> None:
        codes.append(command("release", "--wait", 0).exit_code)

    night.world.before("dynamodb:DescribeTable", give_back, 1)
    night.monitor()
    assert codes == [1]
    if night.engine == "lambda":
        # the worker waits for it in vain
        assert (night.record(RUN, "workers/b001/orders.json") or {})["tables"] == {}
    else:
        assert night.world.gate.calls[night.call("begin")] == 0
    assert command("release").exit_code == 0
    assert_given_back(night)


def _looks_for_the_report() -> Any:
    """Return what matches the command's second list: the first is of the leases."""
    lists = iter(range(2))
    return lambda call: call.access_key == PRODUCT_KEY and next(lists) == 1


def _nth(matches: Any, event: Any) -> Any:
    done: list[bool] = []

    def strike(call: Call) -> None:
        if not done and matches(call):
            done.append(True)
            event(call)

    return strike


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), SystemExit(1)])
def test_who_hears_nothing_more_keeps_nothing_raised(
    night: NightDriver, trouble: BaseException
) -> None:
    """As of a disk that is full, and of a pipe that nobody reads any more."""
    dies_after_raising(night)
    night.world.clock.advance(1200)

    whole = Words.print

    def lost(out: Words, *objects: Any, **options: Any) -> None:
        if not out.stderr:
            raise trouble
        whole(out, *objects, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Words, "print", lost)
        assert command("release").exit_code in (1, 2)
    assert night.capacity("orders") == (1000, 50)
    assert (night.lease("orders") or {})["state"] == "released"


# an export reads the table


@pytest.mark.both
def test_under_a_living_export_nothing_is_lowered(night: NightDriver) -> None:
    dies_under_the_export(night)
    began = night.world.clock.now()
    result = command("release")
    assert result.exit_code == 1
    assert "nothing while it is read: wait, or end batch" in result.output
    assert "--cancel" in result.output
    assert "LEFT RAISED: orders" in result.output
    assert night.world.clock.now() == began, "waiting would not help, so it does not wait"
    assert night.capacity("orders") == (night.raised, 50)
    assert night.exporting("orders")
    assert night.watch.violations == []


def test_what_an_export_is_over_for_is_given_back(night: NightDriver) -> None:
    dies_under_the_export(night)
    night.world.clock.advance(9 * 3600)
    result = command("release")
    assert result.exit_code == 0, result.output
    assert_given_back(night)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    night.assert_clean()


@pytest.mark.both
def test_cancel_ends_the_export_first(night: NightDriver) -> None:
    dies_under_the_export(night)
    result = command("release", "--cancel")
    assert result.exit_code == 0, result.output
    assert "is being cancelled" in result.output
    assert not night.exporting("orders")
    assert_given_back(night)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "failed"}
    assert WITHDRAWN in report["tables"]["orders"]["reason"]
    assert night.watch.updates[1:] == [("orders", 1000, 50)]
    night.assert_clean()


def test_a_dry_cancel_says_what_would_end(night: NightDriver) -> None:
    night.configure(planning={"max_clusters": 1})
    night.world.limits.concurrent_executions = 10
    deploy(night)
    night.table("orders", read=1000, size_bytes=night.too_large, item_count=3)
    night.table("users", read_bytes=GIB, item_count=3)
    night.scheduler()
    night.until_exporting("orders", *([] if night.engine == "lambda" else ["users"]))
    changed = writes(night)
    result = command("release", "--cancel", "--dry-run")
    assert result.exit_code == 1
    assert "with 1 other tables, first, then give back" in result.output
    assert not changed


@pytest.mark.engine("datapipeline", "emr")
def test_a_cluster_that_does_not_end_is_ended_again_and_waited_for(night: NightDriver) -> None:
    night.world.faults.step_hangs["orders"] = ALWAYS
    night.refuse(night.call("cancel"), "InvalidRequestException", "not now")
    night.refuse("emr:TerminateJobFlows", "ThrottlingException", "not now")
    dies_under_the_export(night)
    result = command("release", "--cancel", "--wait", 5)
    assert result.exit_code == 1
    assert night.capacity("orders") == (night.raised, 50)
    night.allow_all()
    result = command("release", "--cancel")
    assert result.exit_code == 0, result.output
    assert night.world.gate.calls["emr:TerminateJobFlows"] > 1
    assert_given_back(night)


@pytest.mark.engine("lambda")
def test_a_worker_that_cannot_be_stopped_ends_by_its_orders(night: NightDriver) -> None:
    night.refuse(night.call("cancel"), "ThrottlingException", "not now")
    dies_under_the_export(night)
    result = command("release", "--cancel")
    assert result.exit_code == 0, result.output
    assert not night.exporting("orders")
    assert night.clusters() == []
    assert_given_back(night)


@pytest.mark.engine("datapipeline", "emr")
@pytest.mark.parametrize("started", [True, False], ids=["after it", "before it"])
def test_the_last_pass_died_at_the_start_of_the_export(night: NightDriver, started: bool) -> None:
    """One that was started is found; a start that was meant is waited for, 16 minutes."""
    deploy(night)
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.scheduler()
    die = night.kill_after if started else night.kill_before
    die(night.call("begin"))
    with pytest.raises(Killed):
        night.passes(30)
    result = command("release", "--wait", 5)
    assert result.exit_code == 1
    assert ("nothing while it is read" if started else "may be starting it") in result.output
    assert night.capacity("orders") == (night.raised, 50)
    result = command("release", "--cancel")
    assert result.exit_code == 0, result.output
    assert night.exporting("orders") is False
    assert night.world.consumption == []
    assert_given_back(night)


def test_an_engine_that_cannot_be_seen_keeps_it_raised(night: NightDriver) -> None:
    dies_under_the_export(night)
    night.world.clock.advance(9 * 3600)
    if night.engine == "lambda":
        # its last link's own word is better than what the service says
        record = f"runs/{night.account}/{night.region}/{RUN}/workers/b001/record.json"
        night.s3.delete_object(Bucket=BUCKET, Key=record)
    night.refuse(night.call("look"), "AccessDeniedException", "no")
    result = command("release", "--wait", 1)
    assert result.exit_code == 1
    assert "cannot be seen" in result.output
    assert night.capacity("orders") == (night.raised, 50)


# records and functions that are gone


def test_a_run_whose_records_are_gone(night: NightDriver) -> None:
    dies_under_the_export(night)
    for key in night.keys("runs/"):
        night.s3.delete_object(Bucket=BUCKET, Key=key)
    result = command("release")
    assert result.exit_code == 1
    assert "has no plan any more: an export may live until 2026-11-24T04:00:00Z" in result.output
    night.world.clock.advance_to(START + timedelta(hours=4))
    assert "would lower it" in command("release", "--dry-run").output
    assert command("release").exit_code == 0
    assert_given_back(night)


def test_without_the_functions_the_bucket_is_enough(night: NightDriver) -> None:
    night.configure(prefix="dynamodb")
    dies_after_raising(night)
    night.world.client("lambda").delete_function(FunctionName="hippolyte-monitor")
    result = command("release", "--bucket", BUCKET, "--prefix", "dynamodb/")
    assert result.exit_code == 0, result.output
    assert "All capacity" in result.output
    assert night.capacity("orders") == (1000, 50)
    assert night.suspended("orders") == FREE
