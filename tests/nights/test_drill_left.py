"""Restore drills that go wrong: nothing of theirs is left, and nobody else's table is touched."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hippolyte.night import drill
from hippolyte.night.cancelled import MARK
from hippolyte.night.drill_record import is_ours, token
from hippolyte.record_form import iso
from hippolyte.settings import Settings
from local.core.call import Call, refusal
from local.dynamodb import imports
from local.dynamodb.import_job import Import
from tests.support.builders import settings
from tests.support.harness import (
    ACCOUNT,
    BUCKET,
    REGION,
    RUN,
    START,
    NightDriver,
    next_night,
    verdicts,
)

pytestmark = pytest.mark.engine("lambda")

RECORD = f"runs/{ACCOUNT}/{REGION}/drill.json"
TABLE = "hippolyte-drill-orders"


def tables(night: NightDriver) -> list[str]:
    found: list[str] = night.dynamodb.list_tables()["TableNames"]
    return found


def subjects(night: NightDriver) -> list[str]:
    return [m["subject"].partition(": ")[0] for m in night.messages]


def importing(night: NightDriver) -> bool:
    drills = (night.json(RECORD) or {"drills": {}})["drills"]
    return TABLE in drills and drills[TABLE]["state"] == "importing"


def with_a_lost_table(night: NightDriver) -> dict[str, Any]:
    """Somebody deletes the record while the import goes on, so that its table is left."""
    night.configure(restore_drill={})
    night.table("orders", items=40)
    night.scheduler()
    night.until(lambda: importing(night), 120)
    night.s3.delete_object(Bucket=BUCKET, Key=RECORD)
    report = night.until_closed()
    night.passes(30)
    assert tables(night) == [TABLE, "orders"]
    return report


def test_a_table_whose_record_is_lost_is_found_by_its_import_and_deleted(
    night: NightDriver,
) -> None:
    (line,) = with_a_lost_table(night)["drills"]
    assert line == (
        "what became of tonight's drills is not known: their record is gone; the next night "
        "looks for their tables"
    )
    night.configure(restore_drill={"exclude": ["*"]})
    report = next_night(night)
    assert report["drills"] == [f"{TABLE}: left by a drill whose record was lost"]
    assert tables(night) == ["orders"]
    assert verdicts(report) == {"orders": "backed_up", TABLE: "skipped"}


def test_another_deployment_leaves_it(night: NightDriver) -> None:
    with_a_lost_table(night)
    night.configure(restore_drill={"exclude": ["*"]}, name="another")
    report = next_night(night)
    (line,) = report["drills"]
    assert line == f"{TABLE}: no drill of this deployment made it, and it is left"
    assert not any("drill" in alert for alert in report["alerts"])
    assert tables(night) == [TABLE, "orders"]


def test_a_table_that_an_import_names_only_at_its_end_is_not_deleted(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's table has come between: the id that counts is the one of the import's begin."""
    drilling(night)
    assert TABLE not in tables(night), "an import's table comes half a minute after its begin"
    night.table(TABLE)
    theirs = night.dynamodb.describe_table(TableName=TABLE)["Table"]["TableId"]
    plain = Import.description
    failed = {
        "ImportStatus": "FAILED",
        "TableId": theirs,
        "FailureCode": "TableAlreadyExists",
        "FailureMessage": f"Table already exists: {TABLE}",
    }
    monkeypatch.setattr(Import, "description", lambda one: {**plain(one), **failed})
    report = night.until_closed()
    assert "and is left" in report["drills"][-1]
    assert TABLE in tables(night)


def test_one_that_is_gone_when_it_is_looked_for_was_nobodys(night: NightDriver) -> None:
    """Another deployment's drill ends while this one's night goes on."""
    night.configure(restore_drill={"exclude": ["*"]})
    night.table("orders")
    night.table(TABLE)
    night.scheduler()
    night.dynamodb.delete_table(TableName=TABLE)
    (line,) = night.until_closed()["drills"]
    assert line == f"{TABLE}: it is gone by now"


def test_one_that_was_made_anew_since_is_left(night: NightDriver) -> None:
    with_a_lost_table(night)
    night.dynamodb.delete_table(TableName=TABLE)
    night.table(TABLE)
    night.configure(restore_drill={"exclude": ["*"]})
    (line,) = next_night(night)["drills"]
    assert "no drill of this deployment made it" in line
    assert TABLE in tables(night)


def test_a_moved_bucket_is_no_other_deployment(night: NightDriver) -> None:
    with_a_lost_table(night)
    night.move(prefix="moved", restore_drill={"exclude": ["*"]})
    (line,) = next_night(night)["drills"]
    assert line == f"{TABLE}: left by a drill whose record was lost"
    assert tables(night) == ["orders"]


def test_deployments_of_one_account_have_no_token_in_common() -> None:
    def made(**of: Any) -> tuple[Settings, str]:
        given = settings(**of)
        return given, token(given, "2026-11-24T00-00Z", "orders", 1)

    (one, mine), (other, its), (moved, new) = made(), made(name="other"), made(bucket="other")
    assert len({mine, its, new}) == 3
    assert max(map(len, (mine, its, new))) <= 36
    assert is_ours(one, mine)
    assert is_ours(moved, mine)
    assert not is_ours(other, mine)
    assert not is_ours(one, "")


def test_an_import_whose_answer_was_lost_is_found_when_its_token_is_too_old(
    night: NightDriver,
) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    night.world.lose_answer("dynamodb:ImportTable")
    night.tolerant = True
    night.scheduler()
    night.until(lambda: night.world.gate.calls["dynamodb:ImportTable"], 120)
    # then nobody comes for nine hours
    night.world.clock.advance(9 * 3600)
    night.passes(20)
    assert night.world.gate.calls["dynamodb:ImportTable"] == 1
    assert tables(night) == ["orders"]
    assert "OK restore drill" in subjects(night)


def test_an_import_that_was_never_asked_for_is_told(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    night.refuse("dynamodb:ImportTable", "LimitExceededException", "50 at once")
    night.tolerant = True
    night.night()
    night.passes(8 * 60, each=60)
    assert "ATTENTION restore drill" in subjects(night)
    assert "orders: not begun: " in night.messages[-1]["message"]
    assert "50 at once" in night.messages[-1]["message"]
    night.passes(60)
    assert subjects(night).count("ATTENTION restore drill") == 1


def test_a_drill_that_cannot_go_on_keeps_no_other_from_its_end(night: NightDriver) -> None:
    night.configure(restore_drill={"canary": "orders"})
    night.table("orders", items=40)
    night.table("parts", items=20)
    night.tolerant = True

    def answer(call: Call) -> None:
        if f"/{TABLE}/" in call.params["ImportArn"]:
            raise refusal(call, "AccessDeniedException", "no right")

    night.world.before("dynamodb:DescribeImport", answer)
    report = night.night()
    assert "parts: restored by ImportTable, 20 items" in report["drills"]
    assert any("no right" in str(error) for error in night.errors)
    assert tables(night) == [TABLE, "orders", "parts"]


def test_an_import_that_is_not_known_any_more_ends_its_drill(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    night.refuse("dynamodb:DescribeImport", "ImportNotFoundException", "not found")
    report = night.night()
    (line,) = report["drills"]
    assert "its import is not known any more" in line
    night.passes(15)
    assert tables(night) == ["orders"]


def test_an_import_that_does_not_end_is_told_after_a_day(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SECONDS", 40 * 3600.0)
    night.configure(restore_drill={})
    night.table("orders", items=40)
    (line,) = night.night()["drills"]
    assert line == "orders: its import has not ended yet; a message will say what it came to"
    night.passes(23 * 60, each=60)
    assert "ATTENTION restore drill" not in subjects(night)
    night.passes(120, each=60)
    assert subjects(night).count("ATTENTION restore drill") == 1
    assert f"{TABLE} is there since" in night.messages[-1]["message"]
    night.passes(15 * 60, each=60)
    assert subjects(night)[-1] == "OK restore drill"
    night.passes(15)
    assert tables(night) == ["orders"]


def test_a_drill_that_ends_after_the_window_has_its_own_message(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SECONDS", 2 * 3600.0)
    night.configure(restore_drill={}, window_seconds=3600)
    night.table("orders", items=40)
    report = night.night()
    assert report["closed_at"] <= iso(START + timedelta(minutes=70))
    assert report["alerts"] == []
    (line,) = report["drills"]
    assert line == "orders: its import has not ended yet; a message will say what it came to"
    night.passes(150)
    assert subjects(night)[1:] == ["OK restore drill"]
    assert "orders: restored by ImportTable, 40 items" in night.messages[-1]["message"]
    assert tables(night) == ["orders"]


def test_a_window_without_time_says_so(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "_LEAST", timedelta(minutes=58))
    night.configure(restore_drill={}, window_seconds=3600)
    night.table("orders", items=40)
    assert night.night()["drills"] == ["no drill: there was no time left"]


def test_a_table_left_is_an_alert_where_drills_are_switched_off(night: NightDriver) -> None:
    night.table("orders")
    night.table(TABLE)
    (alert,) = night.night()["alerts"]
    assert alert.startswith(f"{TABLE}: a restore drill's table by its name, and restore_drill is")
    assert TABLE in tables(night)


def test_the_tables_of_drills_come_and_go_untold(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders")
    night.night()
    night.table("hippolyte-drill-parts")
    assert next_night(night)["changes"]["new"] == []
    night.dynamodb.delete_table(TableName="hippolyte-drill-parts")
    assert next_night(night, 2)["changes"]["gone"] == []


def test_the_canary_has_its_drill_each_night_whenever_the_last_ended(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.configure(restore_drill={"canary": "orders"})
    night.table("orders", items=40)
    for number in range(3):
        report = next_night(night, number)
        assert report["drills"] == ["orders: restored by ImportTable, 40 items"]


def test_a_call_that_breaks_off_is_made_again(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    night.tolerant = True
    for operation in ("ImportTable", "DescribeImport", "DeleteTable"):
        night.world.lose_answer(f"dynamodb:{operation}")
    with suppress(ClientError):
        night.night()
    report = night.until_closed()
    assert report["drills"] == ["orders: restored by ImportTable, 40 items"]
    assert tables(night) == ["orders"]


def test_tables_that_cannot_be_deleted_do_not_pile_up(night: NightDriver) -> None:
    """An organization's guard rail may deny DeleteTable: one table is left, and drills stop."""
    night.configure(restore_drill={"canary": "orders"})
    night.table("orders", items=40)
    night.table("parts", items=20)
    night.refuse("dynamodb:DeleteTable", "AccessDeniedException", "an explicit deny")
    night.night()
    left = ["hippolyte-drill-orders", "hippolyte-drill-parts"]
    for number in (1, 2):
        night.table(f"more-{number}")
        report = next_night(night, number)
        assert [name for name in tables(night) if "drill" in name] == left
        (line,) = report["drills"]
        assert line.startswith("no drill: an earlier one is not over: orders: restored")
        assert f"{TABLE} is not deleted yet" in line
        assert "an explicit deny" in line
        assert report["alerts"] == [f"restore drill: {line}"]
    night.allow_all()
    night.passes(15)
    assert next_night(night, 3)["drills"][0] == "orders: restored by ImportTable, 40 items"
    assert not [name for name in tables(night) if "drill" in name]


def test_a_run_by_hand_beside_a_drill_begins_none(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SECONDS", 4 * 3600.0)
    night.configure(restore_drill={}, window_seconds=3600)
    night.table("orders", items=40)
    night.night()
    report = night.until_closed(run=night.scheduler({"run": "now"})["run_id"])
    (line,) = report["drills"]
    assert line.startswith("no drill: an earlier one is not over: orders: ")
    assert report["alerts"] == []


def drilling(night: NightDriver) -> None:
    night.configure(restore_drill={})
    night.table("orders", items=40)
    night.scheduler()
    night.until(lambda: importing(night), 120)


def cancelled(night: NightDriver) -> None:
    key = f"runs/{ACCOUNT}/{REGION}/{RUN}/{MARK}"
    cancel = {"version": 1, "by": "somebody", "at": iso(night.world.clock.now())}
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(cancel).encode())


def test_a_run_that_is_cancelled_in_its_drill_ends(night: NightDriver) -> None:
    drilling(night)
    cancelled(night)
    report = night.until_closed(hours=1)
    assert report["drills"] == ["tonight's drills were not waited for: the run was cancelled"]
    night.passes(15)
    assert tables(night) == ["orders"]


@pytest.mark.parametrize("lost", [0, 1])
def test_what_a_drill_comes_to_after_its_run_was_cancelled_is_told(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """The report has not waited for it, and nothing else would say so."""
    monkeypatch.setattr(imports, "SECONDS", 1200.0)
    drilling(night)
    cancelled(night)
    night.until_closed(hours=1)
    before = len(night.messages)
    plain = Import.description
    monkeypatch.setattr(
        Import,
        "description",
        lambda one: {**plain(one), "ImportedItemCount": one.imported - lost},
    )
    night.passes(30)
    assert tables(night) == ["orders"]
    assert subjects(night)[before:] == [f"{'ATTENTION' if lost else 'OK'} restore drill"]


def test_one_that_had_failed_when_its_run_was_cancelled_is_in_the_report(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    drilling(night)
    plain = Import.description
    monkeypatch.setattr(
        Import, "description", lambda one: {**plain(one), "ImportedItemCount": one.imported - 1}
    )
    night.refuse("dynamodb:DeleteTable", "AccessDeniedException", "no")
    night.until(lambda: not importing(night), 30)
    cancelled(night)
    report = night.until_closed(hours=1)
    assert [a.split(": the import")[0] for a in report["alerts"] if "drill" in a] == [
        "restore drill: orders"
    ]
    assert "39 of 40 items" in report["drills"][-1]


def test_a_run_whose_drills_are_switched_off_ends(night: NightDriver) -> None:
    drilling(night)
    night.configure(restore_drill=None)
    report = night.until_closed(hours=1)
    (line,) = report["drills"]
    assert line == "tonight's drills were not waited for: restore_drill was set to null"
    (alert,) = next_night(night)["alerts"]
    assert alert.startswith(f"{TABLE}: a restore drill's table by its name")


def test_a_drill_is_gone_on_with_where_it_began(night: NightDriver) -> None:
    night.keep_places()
    drilling(night)
    night.move(prefix="moved", restore_drill={})
    report = night.until_closed()
    assert report["drills"] == ["orders: restored by ImportTable, 40 items"]
    assert tables(night) == ["orders"]


def test_a_drill_of_which_nobody_can_be_told_is_told_later(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SECONDS", 2 * 3600.0)
    night.configure(restore_drill={"canary": "orders"}, window_seconds=3600)
    night.table("orders", items=40)
    night.table("parts", items=20)
    night.night()
    night.tolerant = True
    night.refuse("sns:Publish", "InternalError", "not now")
    night.passes(150)
    assert tables(night) == ["orders", "parts"]
    assert "OK restore drill" not in subjects(night)
    night.allow_all()
    night.passes(15)
    assert subjects(night).count("OK restore drill") == 2


def test_a_record_that_somebody_wrote_over_is_told_and_touches_nothing(
    night: NightDriver,
) -> None:
    drilling(night)
    night.tolerant = True
    for drills in ({"a": 1}, {"a": {"name": "a"}}, []):
        record = {"version": 1, "drills": drills, "last": {}}
        night.s3.put_object(Bucket=BUCKET, Key=RECORD, Body=json.dumps(record).encode())
        night.errors.clear()
        night.monitor()
        assert [type(error).__name__ for error in night.errors] == ["ConfigurationError"]
    (line,) = night.until_closed(hours=2)["drills"]
    assert line.startswith("the restore drill is not seen to: ")
    night.passes(15)
    assert TABLE in tables(night)


def test_a_table_left_in_the_way_of_the_next_drill_is_deleted(night: NightDriver) -> None:
    with_a_lost_table(night)
    (line,) = (report := next_night(night))["drills"]
    assert line == f"orders: not drilled: {TABLE}, which an earlier drill left, was in its way"
    assert report["alerts"] == [f"restore drill: {line}"]
    assert tables(night) == ["orders"]
    assert next_night(night, 2)["drills"] == ["orders: restored by ImportTable, 40 items"]
