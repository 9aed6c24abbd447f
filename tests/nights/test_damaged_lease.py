"""One lease that cannot be read: it is named, and keeps no other table from being given back."""

from __future__ import annotations

import pytest

from tests.support.commands import command, deploy
from tests.support.damages import DAMAGES
from tests.support.harness import (
    ACCOUNT,
    BIG,
    BUCKET,
    REGION,
    NightDriver,
    next_night,
    verdicts,
)

KEY = f"leases/{ACCOUNT}/{REGION}/orders.json"
TABLES = ("carts", "orders", "users")
TOLD = f"orders may be raised, and nobody gives it back: s3://{BUCKET}/{KEY}"
WHOLE_NIGHTS = ("cut short", "a field of no letter", "less than nothing", "no letter")


def body(night: NightDriver) -> bytes:
    return night.s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()


def three_raised(night: NightDriver) -> None:
    for table in TABLES:
        night.table(table, read=1000, **BIG)
    night.scheduler()
    night.until(lambda: all(night.capacity(table)[0] == night.raised for table in TABLES))


def damage(night: NightDriver, how: str) -> tuple[bytes, bytes]:
    """Damage the lease of orders; return how it was, and is."""
    before = body(night)
    damaged = DAMAGES[how](before)
    night.s3.put_object(Bucket=BUCKET, Key=KEY, Body=damaged)
    return before, damaged


@pytest.mark.parametrize("how", WHOLE_NIGHTS)
def test_nights_go_on_beside_a_damaged_lease(night: NightDriver, how: str) -> None:
    three_raised(night)
    as_it_was, damaged = damage(night, how)
    for report in (night.until_closed(), next_night(night)):
        assert verdicts(report) == dict.fromkeys(TABLES, "backed_up")
        # nobody knows what it had before: it is left as it is, and so is the record
        assert [night.capacity(table)[0] for table in TABLES] == [1000, night.raised, 1000]
        assert body(night) == damaged
        (alert,) = report["alerts"]
        assert alert.startswith(TOLD)
        assert TOLD in night.messages[-1]["message"]
        assert "docs/operations.md#alert-lease" in night.messages[-1]["message"]
    # mended, it is given back by the next passes
    night.s3.put_object(Bucket=BUCKET, Key=KEY, Body=as_it_was)
    night.passes(20)
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_a_lease_that_is_not_handed_out_keeps_no_other_from_being_given_back(
    night: NightDriver,
) -> None:
    three_raised(night)
    # as of an archived object, or one under a key that nobody may use any more
    night.world.gate.denied.append(("s3:GetObject", f"*/{KEY}"))
    report = night.until_closed()
    assert verdicts(report) == dict.fromkeys(TABLES, "backed_up")
    assert [night.capacity(table)[0] for table in TABLES] == [1000, night.raised, 1000]
    assert report["alerts"][0].startswith(TOLD)
    assert verdicts(next_night(night)) == dict.fromkeys(TABLES, "backed_up")
    night.world.gate.denied.clear()
    night.passes(20)
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_a_table_whose_lease_was_damaged_is_not_raised_again(night: NightDriver) -> None:
    three_raised(night)
    night.until_closed()
    _, damaged = damage(night, "an empty object")
    report = next_night(night)
    assert verdicts(report) == dict.fromkeys(TABLES, "backed_up")
    (note,) = (n for n in report["tables"]["orders"]["notes"] if n.startswith("not raised"))
    assert "its lease cannot be read" in note
    assert {update[0] for update in night.watch.updates[6:]} == {"carts", "users"}
    assert body(night) == damaged
    assert report["alerts"][0].startswith(TOLD)


def test_a_lease_damaged_in_a_place_before_keeps_its_table_from_being_raised(
    night: NightDriver,
) -> None:
    night.keep_places()
    three_raised(night)
    night.until_closed()
    damage(night, "no JSON")
    night.move("others")
    report = next_night(night)
    assert verdicts(report) == dict.fromkeys(TABLES, "backed_up")
    assert night.capacity("orders") == (1000, 50)
    assert report["alerts"][0].startswith(TOLD)


@pytest.mark.parametrize("how", WHOLE_NIGHTS)
def test_release_gives_the_others_back_and_names_the_damaged_one(
    night: NightDriver, how: str
) -> None:
    deploy(night)
    three_raised(night)
    night.until(lambda: not any(map(night.exporting, TABLES)), 600)
    _, damaged = damage(night, how)
    result = command("release", "--cancel", "--wait", "600")
    said = " ".join(result.output.split())
    assert result.exit_code == 1, result.output
    assert f"NOT SEEN: {TOLD}" in said
    assert "restore its former version" in said
    assert [night.capacity(table)[0] for table in TABLES] == [1000, night.raised, 1000]
    assert body(night) == damaged


def test_release_gives_the_others_back_beside_one_that_is_not_handed_out(
    night: NightDriver,
) -> None:
    deploy(night)
    three_raised(night)
    night.until(lambda: not any(map(night.exporting, TABLES)), 600)
    night.world.gate.denied.append(("s3:GetObject", f"*/{KEY}"))
    result = command("release", "--cancel", "--wait", "600")
    assert result.exit_code == 1, result.output
    assert f"NOT SEEN: {TOLD}" in " ".join(result.output.split())
    assert [night.capacity(table)[0] for table in TABLES] == [1000, night.raised, 1000]
