"""What becomes of native exports when tables, recovery, buckets and invocations fail them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.s3.models import s3_backends

from local.core.call import Call
from local.core.course import Killed
from local.dynamodb import exports as double
from local.dynamodb.export_job import Export
from tests.support.harness import (
    ACCOUNT,
    BUCKET,
    REGION,
    RUN,
    START,
    NightDriver,
    driver,
    next_night,
    verdicts,
)
from tests.support.native import ARN, anew, entry, exports, items, native, recover

NATIVE = {"tables": ["n-*"]}
KEYS = {f"n-orders#{i}" for i in range(3)}


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch, "lambda") as made:
        made.configure(native_export=NATIVE)
        yield made


def until_exporting(night: NightDriver) -> None:
    night.until(lambda: exports(night))


def ended_by(monkeypatch: pytest.MonkeyPatch, **told: Any) -> None:
    """Let each export fail as some members of its description say, a minute after its begin."""
    plain = Export.description

    def description(one: Export) -> dict[str, Any]:
        return {**plain(one), "ExportStatus": "FAILED", **told}

    monkeypatch.setattr(Export, "description", description)


# the table


def test_recovery_switched_off_while_it_is_exported(night: NightDriver) -> None:
    """The export goes on, or not: nobody says which; here it goes on."""
    native(night, "n-orders")
    night.scheduler()
    until_exporting(night)
    recover(night, "n-orders", False)
    assert verdicts(night.until_closed()) == {"n-orders": "backed_up"}
    assert items(night, "n-orders") == KEYS


def test_an_export_that_fails_for_it_says_so(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    native(night, "n-orders")
    night.scheduler()
    until_exporting(night)
    recover(night, "n-orders", False)
    ended_by(monkeypatch, FailureCode="PITRGone", FailureMessage="no longer")
    row = night.until_closed()["tables"]["n-orders"]
    assert row["verdict"] == "failed"
    assert "point-in-time recovery was switched off" in row["reason"]
    assert row["earlier_attempts"][0]["outcome"] == "failed"


def test_a_table_made_anew_before_its_export_is_not_exported(night: NightDriver) -> None:
    native(night, "n-orders")
    night.scheduler()
    night.world.clock.advance(60)
    anew(night, "n-orders")
    report = night.until_closed()
    assert verdicts(report) == {"n-orders": "vanished"}
    assert "deleted and recreated" in report["tables"]["n-orders"]["reason"]
    # an export of another table costs, and is of no use
    assert exports(night) == []


def test_a_table_made_anew_without_recovery_has_vanished(night: NightDriver) -> None:
    native(night, "n-orders")
    night.scheduler()
    anew(night, "n-orders", on=False)
    assert verdicts(night.until_closed()) == {"n-orders": "vanished"}


@pytest.mark.parametrize("again", [True, False], ids=["made anew", "deleted"])
def test_a_table_that_goes_while_it_is_exported_is_backed_up(
    night: NightDriver, again: bool
) -> None:
    """Its export is of a moment at which it was there; the manifest names its id."""
    native(night, "n-orders")
    night.scheduler()
    until_exporting(night)
    if again:
        anew(night, "n-orders", items=1)
    else:
        night.dynamodb.delete_table(TableName="n-orders")
    report = night.until_closed()
    assert verdicts(report) == {"n-orders": "backed_up"}
    assert items(night, "n-orders") == KEYS


def test_a_table_that_goes_and_whose_export_fails_has_vanished(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    native(night, "n-orders")
    night.scheduler()
    until_exporting(night)
    night.dynamodb.delete_table(TableName="n-orders")
    ended_by(monkeypatch, FailureCode="Gone", FailureMessage="gone")
    assert verdicts(night.until_closed()) == {"n-orders": "vanished"}


@pytest.mark.parametrize("kind", ["replicas", "legacy_replicas"])
def test_a_replica_is_exported_where_it_is(night: NightDriver, kind: str) -> None:
    native(night, "n-orders", **{kind: ("eu-west-1",)})
    report = night.night()
    assert verdicts(report) == {"n-orders": "backed_up"}
    (one,) = exports(night)
    assert one["TableArn"] == f"{ARN}n-orders"
    assert report["raised"] == []


def test_a_backup_is_of_the_windows_start(night: NightDriver) -> None:
    native(night, "n-orders")
    night.scheduler()
    night.world.clock.advance(60)
    night.dynamodb.delete_item(TableName="n-orders", Key={"pk": {"S": "n-orders#1"}})
    night.dynamodb.put_item(TableName="n-orders", Item={"pk": {"S": "new"}})
    night.until_closed()
    assert items(night, "n-orders") == KEYS


# waiting


def test_what_had_no_room_until_the_deadline_says_so(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(double, "AT_ONCE", 0)
    native(night, "n-orders")
    row = night.night()["tables"]["n-orders"]
    assert row["verdict"] == "timed_out"
    assert "not begun before the deadline" in row["reason"]
    assert "no room" in row["reason"]
    assert "still running" not in row["reason"]
    night.passes(30)
    assert exports(night) == []
    assert entry(night, "n-orders") is None


def test_what_is_too_large_beside_others_waits_for_them(night: NightDriver) -> None:
    for name in ("n-a", "n-b"):
        native(night, name, size_bytes=60 << 40)
    night.configure(native_export=NATIVE, window_seconds=14_400)
    assert verdicts(night.night()) == {"n-a": "backed_up", "n-b": "backed_up"}
    first, second = sorted(exports(night), key=lambda one: one["StartTime"])
    assert second["StartTime"] >= first["EndTime"]


def test_what_others_export_takes_room_too(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(double, "AT_ONCE", 1)
    night.table("other")
    recover(night, "other", True)
    native(night, "n-orders")
    night.scheduler()
    night.world.clock.advance(299)
    night.dynamodb.export_table_to_point_in_time(
        TableArn=f"{ARN}other", S3Bucket=BUCKET, S3Prefix="theirs"
    )
    assert verdicts(night.until_closed())["n-orders"] == "backed_up"


def test_what_is_always_refused_for_the_moment_says_how(night: NightDriver) -> None:
    native(night, "n-orders")
    night.refuse("dynamodb:ExportTableToPointInTime", "ThrottlingException", "of the service")
    row = night.night()["tables"]["n-orders"]
    assert row["verdict"] == "timed_out"
    assert "of the service" in row["reason"]


def test_a_refusal_is_not_lost_behind_the_deadline(night: NightDriver) -> None:
    """The second try has no room: what the first one heard is what a person can mend."""
    native(night, "n-orders")
    night.refuse("dynamodb:ExportTableToPointInTime", "ValidationException", "a bad key", 1)
    night.scheduler()
    night.until(lambda: (night.record(RUN, "ledger.json") or {})["batches"].get("r001"), 90)
    night.refuse("dynamodb:ExportTableToPointInTime", "LimitExceededException", "300 at once")
    row = night.until_closed()["tables"]["n-orders"]
    assert (row["verdict"], row["attempt"]) == ("timed_out", 2)
    assert "no room" in row["reason"]
    assert "a bad key" in row["reason"]


def test_what_is_refused_is_tried_no_more_often_than_others(night: NightDriver) -> None:
    native(night, "n-orders")
    night.refuse("dynamodb:ExportTableToPointInTime", "ValidationException", "a bad key")
    row = night.night()["tables"]["n-orders"]
    assert (row["verdict"], row["attempt"]) == ("failed", 2)
    assert "a bad key" in row["reason"]


# how it fails


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            {"FailureCode": "S3NoSuchBucket", "FailureMessage": "The bucket does not exist"},
            "the bucket is not there (S3NoSuchBucket: The bucket does not exist)",
        ),
        (
            {"FailureCode": "S3AccessDenied", "FailureMessage": "Access Denied (Amazon S3; 403)"},
            "the bucket refuses DynamoDB",
        ),
        (
            {
                "FailureCode": "S3AccessDenied",
                "FailureMessage": "is not authorized to perform: kms:GenerateDataKey",
            },
            "a customer's key refuses to be used",
        ),
        ({"FailureCode": "KMSDisabled", "FailureMessage": "off"}, "key refuses to be used"),
        # whatever there is that nobody has written down
        ({"FailureCode": "NewCode", "FailureMessage": "new"}, "export failed: NewCode: new"),
        ({"FailureCode": "NewCode"}, "export failed: NewCode"),
        ({"FailureMessage": "new"}, "export failed: new"),
        ({}, "export failed: it does not say why"),
    ],
)
def test_a_failure_is_told_in_words(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, told: dict[str, str], words: str
) -> None:
    native(night, "n-orders")
    ended_by(monkeypatch, **told)
    row = night.night()["tables"]["n-orders"]
    assert row["verdict"] == "failed"
    assert words in row["reason"]
    assert "after 2 attempts" in row["reason"]


# where to


def test_another_accounts_bucket_is_told_with_its_owner(night: NightDriver) -> None:
    owner = "210987654321"
    moved = s3_backends[ACCOUNT]["aws"].buckets.pop(BUCKET)
    s3_backends[owner]["aws"].buckets[BUCKET] = moved
    s3_backends.bucket_accounts[BUCKET] = ("aws", owner)
    night.configure(native_export=NATIVE, bucket_owner=owner)
    native(night, "n-orders")
    assert verdicts(night.night()) == {"n-orders": "backed_up"}
    assert [one["S3BucketOwner"] for one in exports(night)] == [owner]


@pytest.mark.parametrize(
    ("settings", "algorithm", "key"),
    [
        ({}, "AES256", None),
        ({"bucket_key": "arn:k"}, "KMS", "arn:k"),
        ({"sse_header": "aws:kms"}, "KMS", None),
        ({"sse_header": "aws:kms", "sse_key_arn": "arn:s"}, "KMS", "arn:s"),
        ({"sse_header": "AES256"}, "AES256", None),
    ],
)
def test_objects_are_encrypted_as_the_bucket_says(
    night: NightDriver, settings: dict[str, str], algorithm: str, key: str | None
) -> None:
    night.configure(native_export=NATIVE, **settings)
    native(night, "n-orders")
    assert verdicts(night.night()) == {"n-orders": "backed_up"}
    (one,) = exports(night)
    assert (one["S3SseAlgorithm"], one.get("S3SseKmsKeyId")) == (algorithm, key)


def test_a_place_keeps_its_owner(night: NightDriver) -> None:
    """The module is applied with another account's bucket before a night's exports begin."""
    night.keep_places()
    night.configure(native_export=NATIVE)
    native(night, "n-orders")
    night.scheduler()
    night.move("elsewhere", native_export=NATIVE, bucket_owner="210987654321")
    assert verdicts(night.until_closed()) == {"n-orders": "backed_up"}
    assert "S3BucketOwner" not in exports(night)[0]


# after the deadline


def late(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a night whose export goes on for half an hour after its deadline."""
    monkeypatch.setattr(double, "SECONDS", 9000.0)
    native(night, "n-orders")
    assert verdicts(night.night()) == {"n-orders": "timed_out"}


def test_a_late_export_that_fails_is_no_backup(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(night, monkeypatch)
    ended_by(monkeypatch, FailureCode="S3AccessDenied", FailureMessage="no")
    night.passes(60)
    assert entry(night, "n-orders") is None
    assert night.record(RUN, "late-exports.json") == {
        **(night.record(RUN, "late-exports.json") or {}),
        "tables": [],
    }


def test_a_late_export_is_kept_wherever_the_monitor_is_killed(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(night, monkeypatch)
    night.world.clock.advance(3600)
    kills = 0
    for call in range(1, 200):
        night.kill_before("*", call)
        try:
            night.monitor()
        except Killed:
            kills += 1
            night.allow_all()
            continue
        break
    # each pass was killed one call later than the one before, from the first call to the last
    assert kills > 10
    kept = entry(night, "n-orders")
    assert kept is not None
    assert [note for note in kept["notes"] if note.startswith("late")] == kept["notes"][-1:]
    assert "DescribeTimeToLive" in str(kept["settings"]["answers"])
    assert items(night, "n-orders") == KEYS
    assert (night.record(RUN, "late-exports.json") or {})["tables"] == []


def test_a_late_export_in_a_former_place_is_kept_too(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.keep_places()
    night.configure(native_export=NATIVE)
    late(night, monkeypatch)
    night.move("elsewhere", native_export=NATIVE)
    night.passes(60)
    assert entry(night, "n-orders") is not None
    # and the place is forgotten when no run of it is looked back for
    night.passes(4 * 24 * 60, each=60)
    assert night.open_places() == []


def test_a_late_export_that_two_invocations_take_is_one_backup(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(night, monkeypatch)

    def another(call: Call) -> None:
        if str(call.key).endswith("late-exports.json"):
            night.allow_all()
            night.monitor()

    night.world.before("s3:PutObject", another)
    night.passes(60)
    assert entry(night, "n-orders") is not None
    assert (night.record(RUN, "late-exports.json") or {})["tables"] == []


# an invocation that dies with the answer


def unheard(night: NightDriver) -> None:
    """Have an export begun by an invocation that dies before it has noted that."""
    native(night, "n-orders")
    night.scheduler()
    night.kill_after("dynamodb:ExportTableToPointInTime")
    with pytest.raises(Killed):
        night.passes(10)
    night.allow_all()
    assert len(exports(night)) == 1


def test_an_export_nobody_heard_of_is_found_at_the_deadline(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(double, "SECONDS", 9000.0)
    unheard(night)
    night.world.clock.advance_to(START + timedelta(seconds=7200))
    row = night.until_closed()["tables"]["n-orders"]
    assert row["verdict"] == "timed_out"
    assert "DynamoDB goes on with it" in row["reason"]
    night.passes(60)
    assert entry(night, "n-orders") is not None
    assert len(exports(night)) == 1


def test_what_may_not_be_looked_for_does_not_keep_the_run_open(night: NightDriver) -> None:
    unheard(night)
    night.world.gate.denied.append(("dynamodb:DescribeExport", "*"))
    night.world.clock.advance_to(START + timedelta(seconds=7200))
    row = night.until_closed(1)["tables"]["n-orders"]
    assert row["verdict"] == "timed_out"
    assert "dynamodb:DescribeExport" in row["reason"]


def test_an_export_nobody_heard_of_that_ended_is_a_backup(night: NightDriver) -> None:
    unheard(night)
    night.world.clock.advance_to(START + timedelta(seconds=7200))
    assert verdicts(night.until_closed()) == {"n-orders": "backed_up"}


def test_after_a_tokens_life_an_export_is_not_begun_again(night: NightDriver) -> None:
    night.configure(native_export=NATIVE, window_seconds=50_000)
    unheard(night)
    # somebody's own export of the table, to the same bucket
    night.dynamodb.export_table_to_point_in_time(
        TableArn=f"{ARN}n-orders", S3Bucket=BUCKET, S3Prefix="theirs"
    )
    night.world.clock.advance(9 * 3600)
    assert verdicts(night.until_closed()) == {"n-orders": "backed_up"}
    assert len(exports(night)) == 2
    assert items(night, "n-orders") == KEYS


def test_an_export_asked_for_otherwise_meanwhile_is_taken(night: NightDriver) -> None:
    """The module is applied with a key between an export's begin and its answer."""
    unheard(night)
    night.configure(native_export=NATIVE, bucket_key="arn:k")
    report = night.until_closed()
    assert verdicts(report) == {"n-orders": "backed_up"}
    assert report["tables"]["n-orders"]["attempt"] == 1
    assert len(exports(night)) == 1


def test_what_others_put_beside_ours_is_not_taken(night: NightDriver) -> None:
    """Found by its place alone it would be theirs; it has another token."""
    night.configure(native_export=NATIVE, window_seconds=50_000)
    native(night, "n-orders")
    night.scheduler()
    night.world.clock.advance(60)
    prefix = f"backups/{ACCOUNT}/{REGION}/n-orders/{RUN}-1"
    night.dynamodb.export_table_to_point_in_time(
        TableArn=f"{ARN}n-orders", S3Bucket=BUCKET, S3Prefix=prefix, ClientToken="theirs"
    )
    night.world.clock.advance(9 * 3600)
    night.passes(5)
    assert {one["ClientToken"] for one in exports(night)} > {"theirs"}


# beside the other engines


@pytest.mark.parametrize("engine", ["emr", "datapipeline"])
def test_a_night_mixes_engines(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    with driver(monkeypatch, engine) as night:
        night.configure(native_export=NATIVE)
        night.table("raised", read=1000, size_bytes=night.too_large, item_count=3)
        night.table("read")
        native(night, "n-orders")
        native(night, "n-late", on=True)
        night.table("n-off")
        night.world.faults.step_fails.update({"read": 1})
        night.scheduler()
        recover(night, "n-late", False)
        report = night.until_closed()
        backed = dict.fromkeys(("raised", "read", "n-orders", "n-off"), "backed_up")
        assert verdicts(report) == {**backed, "n-late": "failed"}
        assert [one["TableArn"] for one in exports(night)] == [f"{ARN}n-orders"]
        engines = {name: (entry(night, name) or {})["engine"] for name in backed}
        assert engines == {**dict.fromkeys(backed, engine), "n-orders": "native"}
        assert [row["table"] for row in report["raised"]] == ["raised"]
        night.assert_clean()


@pytest.mark.parametrize("engine", ["emr", "datapipeline"])
def test_a_night_of_exports_alone_starts_no_cluster(
    monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    with driver(monkeypatch, engine) as night:
        night.configure(native_export=NATIVE)
        native(night, "n-orders")
        assert verdicts(night.night()) == {"n-orders": "backed_up"}
        assert night.all_clusters() == 0
        night.assert_clean()


def test_a_table_that_is_late_each_night_has_a_backup_of_the_night_before(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its report says `timed_out`, as each before; its age is not counted from the first."""
    late(night, monkeypatch)
    aged = []
    for days in (1, 2, 3):
        report = next_night(night, days)
        assert verdicts(report) == {"n-orders": "timed_out"}
        aged.append((report["tables"]["n-orders"]["last_good"], report["oldest_good"]["age_days"]))
    assert [good[:10] for good, _ in aged] == ["2026-11-24", "2026-11-25", "2026-11-26"]
    assert all(age < 1.5 for _, age in aged)


def test_exports_that_nobody_answers_for_do_not_take_the_whole_pass(night: NightDriver) -> None:
    """Each waits until it is given up: a hundred of them would outlast the function."""
    for n in range(8):
        native(night, f"n-{n}")
    night.scheduler()
    asked = 0

    def silence(call: Call) -> None:
        nonlocal asked
        asked += 1
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    night.world.clock.advance(400)
    night.world.before("dynamodb:ExportTableToPointInTime", silence)
    night.monitor()
    assert asked == 3
    night.allow_all()
    assert set(verdicts(night.until_closed()).values()) == {"backed_up"}
