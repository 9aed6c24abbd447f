"""A deployment whose place changes (bucket, prefix) strands nothing that is raised."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from hippolyte.errors import ConfigurationError
from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from local.core.call import Call, refusal
from tests.support.commands import command, deploy
from tests.support.harness import (
    BIG,
    BUCKET,
    PLACES,
    RUN,
    START,
    Killed,
    NightDriver,
    next_night,
    verdicts,
)
from tests.support.watch import PRODUCT_KEY

MOVES = {
    "bucket": {"bucket": "elsewhere"},
    "prefix": {"prefix": "team-a"},
    "both": {"bucket": "elsewhere", "prefix": "team-a"},
}
HERE = f"s3://{BUCKET}/"
TOMORROW = START + timedelta(days=1)


def begun(night: NightDriver) -> None:
    """A night with one table too large, which is raised and read."""
    night.keep_places()
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.scheduler()
    night.until_exporting("orders")
    assert night.capacity("orders") == (night.raised, 50)


def left_raised(night: NightDriver) -> None:
    """The same, closed with the table left raised: decreases are refused."""
    begun(night)
    night.refuse("dynamodb:UpdateTable", "LimitExceededException", "decreases are limited")
    night.until_closed()
    assert night.capacity("orders") == (night.raised, 50)


def tomorrow(night: NightDriver) -> None:
    """The next night begins."""
    night.world.clock.advance_to(TOMORROW)
    night.scheduler({"run": iso(TOMORROW), "delay_seconds": 0})


def empty_bucket(night: NightDriver, bucket: str) -> None:
    """Somebody deletes a bucket with all that is in it."""
    night.tolerant = True
    for key in night.keys(""):
        night.s3.delete_object(Bucket=bucket, Key=key)
    night.s3.delete_bucket(Bucket=bucket)


def refuse_bucket(night: NightDriver, bucket: str) -> None:
    """A bucket's policy refuses the product everything."""

    def answer(call: Call) -> None:
        if call.access_key == PRODUCT_KEY and call.bucket == bucket:
            raise refusal(call, "AccessDenied", f"{bucket} is closed")

    night.world.before("s3:*", answer)


def metric(night: NightDriver, name: str) -> float:
    """Return what was last put of a metric of the deployment."""
    now = night.world.clock.now()
    points = night.world.client("cloudwatch").get_metric_statistics(
        Namespace="Hippolyte",
        MetricName=name,
        Dimensions=[{"Name": "Deployment", "Value": "hippolyte"}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return float(max(points, key=lambda point: point["Timestamp"])["Maximum"])


def assert_forgotten(night: NightDriver, start: datetime = START) -> None:
    """A place goes off the record when nothing is open there and the window is over."""
    night.world.clock.advance_to(max(night.world.clock.now(), start + timedelta(hours=2)))
    night.passes(5)
    assert night.open_places() == []


# what is open in a place is followed to its end there


@pytest.mark.both
@pytest.mark.parametrize("place", MOVES.values(), ids=MOVES)
def test_what_was_raised_in_the_place_before_is_given_back(
    night: NightDriver, place: dict[str, Any]
) -> None:
    begun(night)
    night.move(**place)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["tables"]["orders"]["location"].startswith(f"s3://{BUCKET}/backups/")
    assert night.capacity("orders") == (1000, 50)
    assert_forgotten(night)
    night.assert_clean()


def test_what_is_not_open_is_not_followed(night: NightDriver) -> None:
    begun(night)
    night.until_closed()
    assert_forgotten(night)
    night.move("elsewhere")
    seen: list[Any] = []
    night.world.before("s3:*", lambda call: seen.append(call.bucket))
    night.passes(10)
    assert set(seen) == {"elsewhere"}
    assert verdicts(next_night(night)) == {"orders": "backed_up"}
    assert not [key for key in night.keys("") if f"{TOMORROW:%Y-%m-%d}" in key]
    night.assert_clean()


def test_a_place_is_on_record_before_anything_is_opened_in_it(night: NightDriver) -> None:
    night.keep_places()
    night.table("orders", read=1000, **BIG)
    seen: list[Any] = []
    for what in ("s3:PutObject", "dynamodb:UpdateTable"):
        night.world.before(what, lambda call: seen.append((call.name, night.open_places())), 2)
    night.scheduler()
    assert {name for name, _ in seen} == {"s3:PutObject", "dynamodb:UpdateTable"}
    assert all(places == [HERE] for _, places in seen)


@pytest.mark.parametrize(
    "die",
    [
        lambda n: n.kill_before("ssm:PutParameter"),
        lambda n: n.kill_after("ssm:PutParameter"),
        lambda n: n.kill_after("s3:PutObject"),
        lambda n: n.kill_before("dynamodb:UpdateTable"),
        lambda n: n.kill_after("dynamodb:UpdateTable"),
    ],
    ids=["before the record", "after it", "at the plan", "before the raise", "after the raise"],
)
@pytest.mark.parametrize("place", MOVES.values(), ids=MOVES)
def test_a_scheduler_that_died_before_the_change_strands_nothing(
    night: NightDriver, die: Any, place: dict[str, Any]
) -> None:
    night.keep_places()
    night.table("orders", read=1000, **BIG)
    die(night)
    with pytest.raises(Killed):
        night.scheduler()
    night.allow_all()
    night.move(**place)
    night.passes(60)
    night.scheduler({"run": iso(START + timedelta(minutes=65)), "delay_seconds": 3900})
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert_forgotten(night)
    night.assert_clean()


@pytest.mark.parametrize("last", ["ssm:PutParameter", "cloudwatch:PutMetricData"])
def test_a_monitor_that_died_over_the_record_leaves_all_to_the_next(
    night: NightDriver, last: str
) -> None:
    begun(night)
    night.move("elsewhere")
    night.kill_before(last)
    with pytest.raises(Killed):
        night.passes(180)
    night.allow_all()
    night.until_closed()
    assert_forgotten(night)
    night.assert_clean()


def test_a_night_that_an_older_version_began_is_put_on_record(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.until_exporting("orders")
    night.keep_places()
    night.passes(5)
    assert night.open_places() == [HERE]
    night.move("elsewhere")
    night.until_closed()
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_a_change_there_and_back_in_one_night(night: NightDriver) -> None:
    begun(night)
    night.move("elsewhere")
    night.passes(5)
    night.move(BUCKET)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


# a night in the new place beside what is open in the old


def test_the_catch_up_delivery_goes_to_the_night_in_the_place_before(night: NightDriver) -> None:
    begun(night)
    night.move("elsewhere")
    night.world.clock.advance_to(START + timedelta(minutes=65))
    answer = night.scheduler({"run": iso(START + timedelta(minutes=65)), "delay_seconds": 3900})
    assert answer["result"] == "begun in the place that was written to before"
    assert night.json(f"runs/123456789012/us-east-1/{RUN}/plan.json", "elsewhere") is None
    night.until_closed()
    night.assert_clean()


def test_the_catch_up_delivery_begins_no_second_night_after_one_that_is_over(
    night: NightDriver,
) -> None:
    night.keep_places()
    night.table("users")
    night.night()
    night.passes(5)
    assert night.world.clock.now() < START + timedelta(minutes=65)
    night.move("elsewhere")
    night.passes(5)
    night.world.clock.advance_to(START + timedelta(minutes=65))
    answer = night.scheduler({"run": iso(START + timedelta(minutes=65)), "delay_seconds": 3900})
    assert answer["result"] == "begun in the place that was written to before"
    assert_forgotten(night)


def test_no_run_by_hand_beside_a_night_in_the_place_before(night: NightDriver) -> None:
    begun(night)
    night.move("elsewhere")
    assert f"run {RUN} is open" in night.scheduler({"run": "now"})["refused"]


@pytest.mark.both
def test_the_next_night_takes_a_tables_own_capacity(night: NightDriver) -> None:
    left_raised(night)
    night.move("elsewhere")
    night.table("users")
    tomorrow(night)
    plan = night.record(run_id(TOMORROW), "plan.json") or {}
    jobs = {job["table"]: job for batch in plan["batches"] for job in batch["jobs"]}
    assert (jobs["orders"]["capacity"], jobs["orders"]["raise_to"]) == (1000, night.raised)
    for _ in range(6):
        night.passes(5)
        assert not night.exporting("orders"), "its capacity is about to be lowered"
    night.allow_all()
    report = night.until_closed(run=run_id(TOMORROW))
    assert verdicts(report) == {"orders": "backed_up", "users": "backed_up"}
    assert night.capacity("orders") == (1000, 50)
    assert_forgotten(night, TOMORROW)
    night.assert_clean()


def test_in_the_same_place_too_a_table_left_raised_is_planned_by_its_own_capacity(
    night: NightDriver,
) -> None:
    left_raised(night)
    tomorrow(night)
    plan = night.record(run_id(TOMORROW), "plan.json") or {}
    ((job,),) = [batch["jobs"] for batch in plan["batches"]]
    assert (job["capacity"], job["raise_to"]) == (1000, night.raised)


def test_metrics_and_report_know_of_the_place_before(night: NightDriver) -> None:
    left_raised(night)
    night.move("elsewhere")
    night.table("users")
    night.passes(5)
    assert metric(night, "TablesLeftRaised") == 1
    assert metric(night, "RaisedReadCapacity") == night.raised - 1000
    tomorrow(night)
    report = night.until_closed(run=run_id(TOMORROW))
    told = f"{HERE}, written to before: raised orders"
    assert told in report["alerts"]
    assert told in night.messages[-1]["message"]
    night.allow_all()
    night.passes(15)
    assert metric(night, "TablesLeftRaised") == 0
    assert_forgotten(night, TOMORROW)


def test_a_night_that_hangs_in_the_place_before_is_overdue(night: NightDriver) -> None:
    begun(night)
    night.move("elsewhere")
    night.tolerant = True
    night.world.deny("s3:PutObject", f"arn:aws:s3:::{BUCKET}/*")
    night.world.clock.advance_to(START + timedelta(hours=2, minutes=55))
    night.passes(10)
    assert metric(night, "NightOverdue") == 1


# a place that is gone, or refuses


def test_a_bucket_that_is_gone_is_told_and_holds_up_nothing(night: NightDriver) -> None:
    begun(night)
    night.move("elsewhere")
    empty_bucket(night, BUCKET)
    night.table("users")
    night.passes(5)
    assert HERE in str(night.errors[-1])
    assert "NoSuchBucket" in str(night.errors[-1])
    assert "A place that is gone" in str(night.errors[-1])
    assert metric(night, "TablesLeftRaised") == 1
    tomorrow(night)
    report = night.until_closed(run=run_id(TOMORROW))
    assert verdicts(report)["users"] == "backed_up"
    assert [alert for alert in report["alerts"] if f"{HERE}, where this deployment wrote" in alert]
    assert night.open_places() == [HERE, "s3://elsewhere/"]
    # a person has seen to it, and takes the place off the record
    night.world.client("ssm").put_parameter(
        Name=PLACES, Value='{"name": "hippolyte", "places": []}', Overwrite=True
    )
    night.tolerant = False
    night.passes(5)
    assert metric(night, "TablesLeftRaised") == 0


def test_a_place_that_can_be_read_again_is_not_lowered_under_the_next_nights_export(
    night: NightDriver,
) -> None:
    """While it could not be, the night took the raised capacity for the table's own."""
    left_raised(night)
    night.allow_all()
    night.move("elsewhere")
    night.tolerant = True
    night.world.deny("s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
    tomorrow(night)
    night.until_exporting("orders")
    night.allow_all()
    night.passes(5)
    assert night.exporting("orders")
    assert night.capacity("orders") == (night.raised, 50)
    night.until_closed(run=run_id(TOMORROW))
    night.passes(15)
    assert night.capacity("orders") == (1000, 50)
    assert_forgotten(night, TOMORROW)
    night.assert_clean()


def test_a_new_place_that_refuses_does_not_keep_the_old_one_raised(night: NightDriver) -> None:
    begun(night)
    night.move("elsewhere")
    night.tolerant = True
    refuse_bucket(night, "elsewhere")
    night.passes(180)
    assert "elsewhere is closed" in str(night.errors[-1])
    assert night.capacity("orders") == (1000, 50)
    assert verdicts(night.record(RUN, "report.json") or {}) == {"orders": "backed_up"}
    assert night.open_places() == []
    night.assert_clean()


def test_release_gives_back_in_the_old_place_when_the_new_one_refuses(night: NightDriver) -> None:
    left_raised(night)
    night.allow_all()
    night.move("elsewhere")
    refuse_bucket(night, "elsewhere")
    deploy(night)
    result = command("release")
    assert result.exit_code == 1
    assert "NOT SEEN: s3://elsewhere/" in result.output
    assert night.capacity("orders") == (1000, 50)
    assert night.watch.violations == []


def test_no_second_night_beside_one_that_cannot_be_seen(night: NightDriver) -> None:
    """Both would take their share of the same tables."""
    begun(night)
    night.move("elsewhere")
    night.tolerant = True
    night.world.deny("s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
    late = START + timedelta(minutes=65)
    night.world.clock.advance_to(late)
    unseen = "is not begun beside what cannot be seen"
    with pytest.raises(ConfigurationError, match=unseen):
        night.scheduler({"run": iso(late), "delay_seconds": 3900})
    assert unseen in night.scheduler({"run": "now"})["refused"]
    assert night.all_clusters() == 1
    if night.engine != "lambda":
        # a worker was done within the hour, which nobody could see
        assert night.clusters() != []
    assert night.capacity("orders") == (night.raised, 50)
    night.allow_all()
    night.until_closed()
    assert_forgotten(night)
    night.assert_clean()


def test_a_record_that_cannot_be_read_is_told_and_holds_up_nothing(night: NightDriver) -> None:
    night.keep_places()
    night.tolerant = True
    night.refuse("ssm:GetParameter", "AccessDeniedException", "no")
    night.table("users")
    report = night.night()
    assert verdicts(report) == {"users": "backed_up"}
    told = "the places that this deployment wrote to before cannot be known"
    assert told in str(night.errors[-1])
    assert [alert for alert in report["alerts"] if told in alert]


def test_a_record_that_cannot_be_written_is_told_and_holds_up_nothing(night: NightDriver) -> None:
    night.keep_places()
    night.tolerant = True
    night.refuse("ssm:PutParameter", "AccessDeniedException", "no")
    night.table("users")
    report = night.night()
    assert verdicts(report) == {"users": "backed_up"}
    assert "PutParameter" in str(night.errors[-1])


@pytest.mark.parametrize("value", ["-", "[]", '{"name": "hippolyte", "places": [{"prefix": ""}]}'])
def test_a_record_that_somebody_spoilt_is_told_and_left(night: NightDriver, value: str) -> None:
    night.keep_places()
    night.tolerant = True
    ssm = night.world.client("ssm")
    ssm.put_parameter(Name=PLACES, Value=value, Overwrite=True)
    night.table("users")
    night.night()
    assert f"the SSM parameter {PLACES} is not a record of places" in str(night.errors[-1])
    assert ssm.get_parameter(Name=PLACES)["Parameter"]["Value"] == value


# the command line


def test_release_gives_back_in_every_place(night: NightDriver) -> None:
    left_raised(night)
    night.move("elsewhere", "team-a")
    night.table("users", read=1000, **BIG)
    tomorrow(night)
    night.allow_all()
    deploy(night)
    dry = command("release", "--dry-run")
    assert dry.exit_code == 1
    assert "Raised: users, orders (s3://backups/)." in dry.output
    result = command("release", "--cancel")
    assert result.exit_code == 0, result.output
    assert "All capacity raised by hippolyte in account 123456789012" in result.output
    assert (night.capacity("orders"), night.capacity("users")) == ((1000, 50), (1000, 50))
    assert night.watch.violations == []
    again = command("release")
    assert (again.exit_code, "Nothing is raised by hippolyte" in again.output) == (0, True)


def test_release_says_what_to_do_about_a_bucket_that_is_gone(night: NightDriver) -> None:
    begun(night)
    night.move("elsewhere")
    empty_bucket(night, BUCKET)
    deploy(night)
    result = command("release")
    assert result.exit_code == 1
    assert "NOT SEEN: s3://backups/, where this deployment wrote before" in result.output
    assert '"A place that is gone" in docs/operations.md' in result.output
    assert "Nothing else is raised by hippolyte" in result.output


def test_release_says_when_it_cannot_know_the_places(night: NightDriver) -> None:
    begun(night)
    night.move("elsewhere")
    night.refuse("ssm:GetParameter", "AccessDeniedException", "no")
    deploy(night)
    result = command("release")
    assert result.exit_code == 1
    assert "the places that this deployment wrote to before cannot be known" in result.output


def test_the_record_is_of_this_form(night: NightDriver) -> None:
    """Terraform reads it: the name, and for each place what the roles need."""
    begun(night)
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    night.move("elsewhere", "team-a", bucket_region="us-east-1", bucket_key=key, name="renamed")
    night.tolerant = True
    night.passes(5)
    record = json.loads(night.world.client("ssm").get_parameter(Name=PLACES)["Parameter"]["Value"])
    assert record == {"name": "renamed", "places": [{"bucket": BUCKET}]}
    night.until_closed()
    assert_forgotten(night)
    night.world.clock.advance_to(TOMORROW)
    night.scheduler({"run": iso(TOMORROW), "delay_seconds": 0})
    record = json.loads(night.world.client("ssm").get_parameter(Name=PLACES)["Parameter"]["Value"])
    place = {
        "bucket": "elsewhere",
        "prefix": "team-a",
        "bucket_region": "us-east-1",
        "bucket_key": key,
    }
    assert record == {"name": "renamed", "places": [place]}


@pytest.mark.both
def test_two_changes_with_something_open_in_each_place(night: NightDriver) -> None:
    """Left raised in the first, a night under way in the second, and then a third place."""
    begun(night)

    def refused(call: Call) -> None:
        if call.params["TableName"] == "orders":
            raise refusal(call, "LimitExceededException", "decreases are limited")

    night.world.before("dynamodb:UpdateTable", refused)
    night.until_closed()
    night.table("users", read=1000, **BIG)
    night.move("second")
    tomorrow(night)
    night.until_exporting("users")
    night.move("third", prefix="team-a")
    night.passes(2)
    assert night.capacity("orders")[0] > 1000
    assert night.capacity("users")[0] > 1000
    assert len(night.open_places()) >= 2

    night.allow_all()
    night.passes(100)
    assert night.capacity("orders") == (1000, 50)
    assert night.capacity("users") == (1000, 50)
    assert_forgotten(night, TOMORROW)
    assert verdicts(next_night(night, days=2)) == {"orders": "backed_up", "users": "backed_up"}
    night.assert_clean()
