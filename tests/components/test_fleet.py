"""A whole fleet's nights, read out of one bucket: judged, few calls, and nothing hides the rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from hippolyte.records.homes import Home
from hippolyte.report.fleet import Deployment, Fleet, State, look
from hippolyte.report.fleet_message import ENTRIES, FIRST_LINE, first_line, of_fleet, sections
from hippolyte.report.fleet_page import render
from hippolyte_cli.fleet_view import record_of
from tests.support.fleets import (
    ACCOUNTS,
    BUCKET,
    HOMES,
    NOW,
    Bucket,
    bucket,
    good_tables,
    night,
    row,
    start,
)

LETTERS = {
    State.GOOD: ".",
    State.LOOK: "!",
    State.FAILED: "F",
    State.UNREADABLE: "?",
    State.RUNNING: "~",
    State.UNCLOSED: "u",
    State.MISSING: "-",
    State.NONE: " ",
}
FIRST, SECOND = HOMES[:2]
RAISED = {"version": 1, "state": "raised"}


@pytest.fixture
def made() -> Iterator[Bucket]:
    with bucket() as found:
        yield found


def looked(
    made: Bucket,
    nights: int = 7,
    now: datetime = NOW,
    seen_days: int = 14,
    expected: Sequence[str] = (),
    prefix: str = "",
    more: Sequence[str] = (),
) -> Fleet:
    return look(made.records(prefix, *more), now, nights, seen_days, expected)


def message(fleet: Fleet, page: str) -> str:
    """What is sent of a fleet."""
    made = of_fleet(fleet, page)
    return f"{made.forms[0]}\n\n{made.text}"


def grid(fleet: Fleet) -> dict[str, str]:
    """Return each deployment's nights as letters, the newest last."""
    return {
        str(d.home): "".join(LETTERS[cell.state] for cell in d.cells) for d in fleet.deployments
    }


def only(fleet: Fleet) -> Deployment:
    (found,) = fleet.deployments
    return found


def test_good_nights_of_many_accounts_are_one_line(made: Bucket) -> None:
    for home in HOMES:
        for days in range(7):
            made.good(home, days)
    fleet = looked(made)
    assert grid(fleet) == {str(home): "......." for home in HOMES}
    assert not fleet.needs_attention
    assert first_line(fleet) == "OK: 6 of 6 nights, 18 tables backed up"
    assert len(fleet.expected) == 6
    assert sum(d.cost_usd for d in fleet.deployments) == pytest.approx(6 * 7 * 1.5)


def test_six_accounts_of_900_tables_and_30_nights_take_few_calls(made: Bucket) -> None:
    """A listing a level, a read a night: of the newest the whole, of the others the beginning."""
    begin = start(0)
    size = len(json.dumps(night(begin, good_tables(begin, 900))))
    for days in range(30):
        body = json.dumps(night(start(days), good_tables(start(days), 900))).encode()
        for home in HOMES:
            made.report(home, start(days), body)
    fleet = looked(made, nights=30)
    assert set(grid(fleet).values()) == {"." * 30}
    assert Counter(made.calls) == {"ListObjectsV2": 1 + 6 + 6 + 6, "GetObject": 6 * 30}
    assert made.bytes <= 6 * size + 6 * 29 * 65_536


def test_each_state_of_a_night_is_told_apart(made: Bucket) -> None:
    tables = good_tables(start(0))
    bad = tables | {"orders": row("failed", reason="the step failed")}
    for days, body in enumerate(
        [
            night(start(0), tables),
            night(start(1), tables, alerts=["one is empty tonight"]),
            night(start(2), bad),
            night(start(3), tables, left_raised=["table-000"]),
        ]
    ):
        made.report(FIRST, start(days), body)
    made.put(f"runs/{FIRST.account}/{FIRST.region}/{run_id(start(4))}/plan.json", {})
    made.report(FIRST, start(5), b"{")
    made.good(FIRST, 8)
    assert grid(looked(made, nights=10)) == {str(FIRST): " .--?u!F!."}


def test_a_night_that_did_not_come_is_the_first_thing_told(made: Bucket) -> None:
    for home in HOMES:
        made.good(home, 1)
    for home in HOMES[1:]:
        made.good(home, 0)
    fleet = looked(made)
    assert grid(fleet)[str(FIRST)].endswith(".-")
    assert first_line(fleet) == "ATTENTION: 1 of 6 nights missing"
    said = message(fleet, "s3://page")
    assert said.splitlines()[0] == first_line(fleet)
    assert f"  - {FIRST} (hippolyte): no night since {run_id(start(1))}" in said


def test_a_night_is_missing_only_when_it_was_due(made: Bucket) -> None:
    made.good(FIRST, 1, hour=5)
    # due two hours after the window's usual begin: deliveries may be late, and clocks change
    assert grid(looked(made, now=start(0, 6)))[str(FIRST)][-2:] == ". "
    assert not looked(made, now=start(0, 6)).needs_attention
    assert grid(looked(made, now=start(0, 7)))[str(FIRST)][-2:] == ".-"


@pytest.mark.parametrize(
    "begins", [[(3, 23), (2, 23), (0, 0)], [(3, 0), (2, 0), (2, 23), (1, 23)]], ids=["25 h", "23 h"]
)
def test_clocks_that_change_around_midnight_leave_no_gap(
    made: Bucket, begins: list[tuple[int, int]]
) -> None:
    for days, hour in begins:
        made.good(FIRST, days, hour)
    assert grid(looked(made, now=start(0, 7)))[str(FIRST)].strip() == "." * len(begins)


def test_a_night_under_way_is_no_missing_one_until_an_hour_after_its_window(made: Bucket) -> None:
    made.good(FIRST, 1, hour=4)
    made.put(f"runs/{FIRST.account}/{FIRST.region}/{run_id(start(0, 4))}/plan.json", {})
    running = looked(made, now=start(0, 7))
    assert grid(running)[str(FIRST)].endswith(".~")
    assert first_line(running) == "OK: 1 of 1 night, 3 tables backed up, 1 still running"
    over = looked(made, now=start(0, 9))
    assert first_line(over) == "ATTENTION: 1 of 1 night missing"
    assert "was begun and has no report" in message(over, "")


def test_a_night_under_way_hides_not_how_the_one_before_went(made: Bucket) -> None:
    """Of deployments in many zones one may run whenever the morning's message comes."""
    made.report(FIRST, start(1, 4), night(start(1, 4), {"orders": row("failed", reason="no")}))
    made.good(SECOND, 2, hour=4)
    for home in (FIRST, SECOND):
        made.put(f"runs/{home.account}/{home.region}/{run_id(start(0, 4))}/plan.json", {})
    fleet = looked(made, now=start(0, 7))
    said = message(fleet, "")
    assert grid(fleet) == {str(FIRST): "     F~", str(SECOND): "    .-~"}
    assert first_line(fleet) == "ATTENTION: 1 of 2 nights missing, 1 table failed, 2 running"
    assert f"{FIRST} (hippolyte): 1 failed: orders [none good] (no)" in said
    assert f"{SECOND} (hippolyte): the night before 2026-11-28T04-00Z, which is running" in said
    assert [one["running"] for one in record_of(fleet)["deployments"]] == ["2026-11-28T04-00Z"] * 2
    assert "the next one is running" in render(fleet)


def test_the_first_night_of_all_may_be_under_way(made: Bucket) -> None:
    made.put(f"runs/{FIRST.account}/{FIRST.region}/{run_id(start(0, 4))}/plan.json", {})
    fleet = looked(made, now=start(0, 7))
    assert first_line(fleet) == "NOTHING YET: 0 of 1 night, 1 still running"
    assert ">OK<" not in render(fleet)


def test_runs_of_some_tables_are_no_nights(made: Bucket) -> None:
    made.good(FIRST, 1)
    part = night(start(0), good_tables(start(0)), run_id="2026-11-28T03-00-17Z")
    made.put(f"runs/{FIRST.account}/{FIRST.region}/2026-11-28T03-00-17Z/report.json", part)
    assert grid(looked(made))[str(FIRST)].endswith(".-")


def test_of_two_nights_on_a_date_the_later_counts(made: Bucket) -> None:
    made.report(FIRST, start(0), night(start(0), {"orders": row("failed")}))
    made.good(FIRST, 0, hour=3)
    assert grid(looked(made))[str(FIRST)].endswith(".")


# accounts that say nothing


def test_an_account_without_any_night_is_shown_and_told_after_a_day(made: Bucket) -> None:
    made.good(SECOND, 0)
    made.put(f"runs/{FIRST.account}/{FIRST.region}/since.json", {"version": 1})
    at = made.s3.head_object(Bucket=BUCKET, Key=f"runs/{FIRST.account}/{FIRST.region}/since.json")[
        "LastModified"
    ]
    found = looked(made, now=at + timedelta(hours=2)).deployments[0]
    assert (found.home, found.last.state) == (FIRST, State.NONE)
    late = looked(made, now=at + timedelta(days=2))
    assert late.deployments[0].last.state is State.MISSING
    assert "no night yet, deployed" in message(late, "")


def test_an_expected_account_of_which_nothing_is_there_is_told(made: Bucket) -> None:
    made.good(FIRST, 0)
    fleet = looked(made, expected=[FIRST.account, "999999999999", f"{SECOND.account}/eu-west-1"])
    assert first_line(fleet) == "ATTENTION: 2 of 3 nights missing"
    said = message(fleet, "")
    assert "  - 999999999999: nothing of it is in the bucket" in said
    assert f"  - {SECOND.account} eu-west-1: nothing of it is in the bucket" in said


def test_an_account_that_is_silent_for_long_is_expected_only_if_it_is_named(made: Bucket) -> None:
    made.good(FIRST, 40)
    made.good(SECOND, 0)
    fleet = looked(made)
    assert first_line(fleet) == "OK: 1 of 1 night, 3 tables backed up"
    assert f"  - {FIRST}: no night for long" in message(fleet, "")
    named = looked(made, expected=[FIRST.account])
    assert first_line(named) == "ATTENTION: 1 of 2 nights missing"


def test_an_empty_bucket_is_no_good_news(made: Bucket) -> None:
    fleet = looked(made)
    assert fleet.deployments == ()
    assert first_line(fleet) == "ATTENTION: no deployment has reported"


def test_a_prefix_holds_its_own_fleet(made: Bucket) -> None:
    made.good(FIRST, 0)
    begin = start(0)
    key = f"nightly/x/runs/{SECOND.account}/{SECOND.region}/{run_id(begin)}/report.json"
    made.put(key, night(begin, good_tables(begin)))
    assert list(grid(looked(made, prefix="nightly/x"))) == [str(SECOND)]


def test_several_prefixes_are_one_fleet_and_each_is_told_with_its_own(made: Bucket) -> None:
    """Two deployments of one account and region share a bucket by other prefixes."""
    made.good(FIRST, 0, partition="aws")
    begin = start(0)
    good, failed = good_tables(begin), {"orders": row("failed", reason="it failed")}
    for home, tables in ((FIRST, good | failed), (SECOND, good)):
        body = night(begin, tables, partition="aws")
        key = f"team/x/runs/{home.account}/{home.region}/{run_id(begin)}/report.json"
        made.put(key, body)
    made.put(f"team/x/leases/{SECOND.account}/{SECOND.region}/t.json", RAISED)
    named = [FIRST.account, f"{SECOND.account}/{SECOND.region}", "999999999999"]
    fleet = looked(made, more=["team/x"], expected=named)
    assert grid(fleet) == {
        str(FIRST): "      .",
        f"{FIRST} team/x/": "      F",
        f"{SECOND} team/x/": "      .",
        "999999999999 ": "       ",
    }
    assert first_line(fleet) == "ATTENTION: 1 table left raised, 1 of 4 nights missing, ..."
    said = message(fleet, "")
    assert f"  - {FIRST} team/x/ (hippolyte): 1 failed: orders [none good] (it failed)" in said
    assert f"  - {SECOND} team/x/ (hippolyte): t\n" in said
    assert fleet.place == f"s3://{BUCKET}/ and team/x/"
    shown = render(fleet)
    for place in ("runs", "team/x/runs"):
        folder = f"{place}/{FIRST.account}/{FIRST.region}/{run_id(begin)}/"
        assert f"prefix={folder}" in unquote(shown)
    assert [one["prefix"] for one in record_of(fleet)["deployments"]] == [
        "",
        "team/x",
        "team/x",
        "",
    ]


def test_a_table_that_another_deployment_of_the_region_backs_up_is_backed_up(
    made: Bucket,
) -> None:
    begin = start(0)
    left_out = {"orders": row("skipped", reason="excluded by 'orders'")}
    made.report(FIRST, begin, night(begin, left_out))
    assert [bare.table for bare in looked(made).nowhere] == ["orders"]
    key = f"second/runs/{FIRST.account}/{FIRST.region}/{run_id(begin)}/report.json"
    made.put(key, night(begin, {"orders": row(good=iso(begin))}))
    assert looked(made, more=["second"]).nowhere == ()


# what is no report of ours


def test_a_thousand_foreign_objects_hide_nothing_and_cost_little(made: Bucket) -> None:
    made.good(FIRST, 0)
    for number in range(250):
        made.put(f"runs/foreign-{number}/x/y/z", b"x")
        made.put(f"runs/{FIRST.account}/foreign-{number}/x", b"x")
        made.put(f"runs/{FIRST.account}/{FIRST.region}/foreign-{number}/x", b"x")
        made.put(f"runs/{FIRST.account}/{FIRST.region}/{run_id(start(0))}/foreign-{number}", b"")
    made.put("runs/111111111111", b"x")
    made.put("leases/nonsense", b"x")
    fleet = looked(made)
    assert grid(fleet) == {str(FIRST): "      ."}
    assert Counter(made.calls) == {"ListObjectsV2": 4, "GetObject": 1}


NONSENSE: dict[str, object] = {
    "empty": b"",
    "cut short": json.dumps(night(start(1), good_tables(start(1)))).encode()[:-40],
    "cut in its head": b'{"version": 1, "run_id": "2026-11-27T00-00Z", "tot',
    "no JSON": b"\x00\xff<html>",
    "a list": [1, 2],
    "a number": b"17",
    "nothing": {},
    "a packed half": b"\x1f\x8b\x08\x00nonsense",
    "deep": b'{"version": 1, "x": ' + b"[" * 50_000,
    "newer": night(start(1), {}, version=2),
    "another's": night(start(2), {}),
    "no totals": {"version": 1, "run_id": run_id(start(1))},
    "odd totals": night(start(1), {}, totals={"backed_up": "many"}),
    "endless": b'{"version": 1, "totals": {"failed": 1e999}, "left_raised": []}',
    "odd alerts": night(start(1), {}, alerts="one"),
    "odd time": night(start(1), {}, closed_at="yesterday"),
    "odd time too": night(start(1), {}, closed_at=17),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_what_is_no_report_is_shown_and_hides_nothing(made: Bucket, what: str) -> None:
    """Of an older night, and of the newest."""
    body = NONSENSE[what]
    made.good(FIRST, 0)
    made.report(FIRST, start(1), body)
    made.good(FIRST, 2)
    assert grid(looked(made)) == {str(FIRST): "    .?."}
    made.report(SECOND, start(1), body)
    made.good(SECOND, 2)
    fleet = looked(made, now=start(1, 7))
    assert grid(fleet)[str(SECOND)] == "     .?"
    assert "reports unreadable" in first_line(fleet)
    (line,) = [
        line
        for line in message(fleet, "").splitlines()
        if line.startswith(f"  - {SECOND} (hippolyte): {run_id(start(1))}: ")
    ]
    assert len(line) > 60
    # what the night before told of its tables is still there
    assert [age.table for age in fleet.deployments[1].oldest]


def test_reports_of_older_versions_are_read_as_far_as_they_go(made: Bucket) -> None:
    old = {
        "version": 1,
        "run_id": run_id(start(0)),
        "totals": {"backed_up": 2, "failed": 1},
        "tables": {
            "a": {"verdict": "backed_up", "finished_at": "2026-11-28T00:10:00Z"},
            "b": {"verdict": "failed", "reason": "it failed"},
            "c": {"verdict": "skipped", "reason": "excluded by 'c'"},
            "d": None,
        },
    }
    made.report(FIRST, start(0), old)
    fleet = looked(made)
    assert first_line(fleet) == "ATTENTION: 1 table failed"
    assert [bare.table for bare in fleet.nowhere] == ["b", "c"]
    assert [age.table for age in only(fleet).oldest] == ["a"]
    assert only(fleet).storage_usd is None


def test_a_deployment_that_may_not_be_listed_hides_no_other(
    made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in (FIRST, SECOND):
        made.good(home, 0)

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if params.get("Prefix", "").endswith(f"{FIRST.account}/{FIRST.region}/"):
            params["Bucket"] = "another-bucket"

    made.s3.meta.events.register("before-parameter-build.s3.ListObjectsV2", refuse)
    fleet = looked(made)
    assert grid(fleet)[str(SECOND)] == "      ."
    assert fleet.deployments[0].last.state is State.MISSING
    assert "its runs cannot be listed: " in message(fleet, "")


def test_an_account_that_may_not_be_listed_hides_no_other(
    made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in (FIRST, SECOND):
        made.good(home, 0)

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if params.get("Prefix", "").startswith(f"runs/{FIRST.account}/"):
            params["Bucket"] = "another-bucket"

    made.s3.meta.events.register("before-parameter-build.s3.ListObjectsV2", refuse)
    fleet = looked(made)
    assert grid(fleet)[str(SECOND)] == "      ."
    assert first_line(fleet).startswith("ATTENTION: 1 of 2 nights missing")
    assert "its runs cannot be listed: " in message(fleet, "")
    assert f"  - {FIRST.account}: " in message(fleet, "")


@pytest.mark.parametrize(
    ("key", "value", "state"),
    [
        ("window_seconds", 10**15, State.GOOD),
        ("closed_at", None, State.GOOD),
        ("cost_usd", None, State.GOOD),
        ("cost_usd", float("nan"), State.UNREADABLE),
        ("storage_usd", float("inf"), State.UNREADABLE),
        ("tables", {"orders": {"verdict": ["backed_up"]}, "users": {"verdict": {}}}, State.GOOD),
    ],
    ids=str,
)
@pytest.mark.parametrize("days", [0, 1])
def test_what_nobody_ever_wrote_hides_no_other(
    made: Bucket, days: int, key: str, value: object, state: State
) -> None:
    for home in (FIRST, SECOND):
        made.good(home, 1 - days)
    made.good(SECOND, days)
    made.report(FIRST, start(days), night(start(days), good_tables(start(days))) | {key: value})
    fleet = looked(made)
    assert fleet.deployments[0].cells[-1 - days].state is state
    assert grid(fleet)[str(SECOND)] == "     .."
    assert message(fleet, "").startswith(first_line(fleet))
    json.dumps(record_of(fleet), allow_nan=False)


def test_what_is_called_like_a_night_of_the_year_1_is_no_night_shown(made: Bucket) -> None:
    made.good(FIRST, 0, hour=5)
    made.put(f"runs/{FIRST.account}/{FIRST.region}/0001-01-01T00-00Z/plan.json", {})
    assert grid(looked(made, now=start(0, 8)))[str(FIRST)].endswith("-.")


def test_a_report_with_a_long_beginning_is_read_whole(made: Bucket) -> None:
    """On a first night `changes` names every table; alerts may be many."""
    long = ["x" * 200] * 500
    made.report(FIRST, start(1), night(start(1), {}, warnings=long, left_raised=["orders"]))
    made.good(FIRST, 0)
    assert grid(looked(made))[str(FIRST)].endswith("!.")


@pytest.mark.parametrize("foreign", [7, "orders", None, {}, {"verdict": 7}])
def test_a_failed_table_whose_row_says_nothing_is_counted(made: Bucket, foreign: object) -> None:
    """Nor does one report without rows keep the other deployments' from being told."""
    made.good(SECOND, 0)
    whole = night(start(0), {"orders": row("failed"), "users": row("failed", reason="late")})
    made.report(FIRST, start(0), whole | {"tables": whole["tables"] | {"orders": foreign}})
    fleet = looked(made)
    assert first_line(fleet) == "ATTENTION: 2 tables failed"
    said = message(fleet, "")
    assert f"{FIRST} (hippolyte): 1 table that its report does not name" in said
    assert "(late)" in said
    made.report(FIRST, start(0), whole | {"tables": {"orders": foreign}})
    assert first_line(looked(made)) == "ATTENTION: 2 tables failed"


# tables


def test_what_is_backed_up_nowhere_is_named(made: Bucket) -> None:
    good = iso(start(0))
    copied = row("skipped", reason="excluded by 'copied'", replica=True)
    made.report(
        FIRST,
        start(0),
        night(
            start(0),
            {
                "copied": copied,
                "lost": row("skipped", reason="excluded by 'lost'", replica=True),
                "former": row("skipped", reason="excluded by 'former'", replica=False),
                "scratch": row("skipped", reason="excluded by 'scratch'"),
                "same-name": row("skipped", reason="excluded by 'same*'"),
                "never": row("failed", reason="it failed"),
                "tonight": row("failed", "2026-11-26T00:00:00Z", reason="it failed"),
                "dear": row("skipped", reason="max_night_usd: too dear"),
                "gone": row("vanished"),
            },
        ),
    )
    tables = {"copied": row(good=good), "same-name": row(good=good)}
    made.report(SECOND, start(0), night(start(0), tables))
    fleet = looked(made)
    assert [bare.table for bare in fleet.nowhere] == [
        *("lost", "former", "scratch", "same-name", "never", "dear")
    ]
    assert [bare.table for bare in fleet.uncopied] == ["lost", "former"]
    assert first_line(fleet) == "ATTENTION: 3 tables failed, 2 replicas not copied"
    said = message(fleet, "")
    assert "lost, a replica whose others nobody backs up (excluded by 'lost')" in said
    assert "former, a replica no more" in said
    shown = render(fleet)
    assert "former, a replica no more (excluded by &#x27;former&#x27;)" in shown
    assert '<div class="wrong"><b>2</b>replicas not copied</div>' in shown
    first = fleet.deployments[0]
    assert [(age.table, age.last_good) for age in first.oldest] == [
        ("dear", ""),
        ("never", ""),
        ("tonight", "2026-11-26T00:00:00Z"),
    ]
    assert first.oldest[2].days == pytest.approx(2.29, abs=0.01)


def test_each_kind_of_trouble_leads_to_an_entry_of_the_documents(made: Bucket) -> None:
    """Whatever a morning has to tell: the link is there, and so is what it leads to."""
    begin = start(0)
    rows = {
        "orders": row("failed", reason="it failed"),
        "former": row("skipped", reason="excluded by 'former'", replica=False),
    }
    body = night(begin, rows, alerts=["one is empty tonight"])
    made.report(FIRST, begin, body)
    lease(made, "orders", "raised")
    made.report(SECOND, begin, b"{")
    made.good(HOMES[2], -3)
    fleet = looked(made, now=start(0, 7), expected=["999999999999"])
    titles = [title for title, rows in sections(fleet) if rows]
    assert len(titles) == len(sections(fleet)) - 1, "all but what cannot be listed"
    assert set(ENTRIES) == {title for title, _ in sections(fleet)}
    lines = message(fleet, "").splitlines()
    for title in titles:
        after = lines[lines.index(f"{title}:") :]
        assert after[after.index("") - 1] == f"  what to do: docs/operations.md#{ENTRIES[title]}"
    linked = of_fleet(fleet, "", "https://wiki.example.com/x").text
    assert "docs/operations.md" not in linked
    assert "  what to do: https://wiki.example.com/x#alarm-tables-left-raised\n" in linked


def test_many_failed_tables_are_a_line_a_reason(made: Bucket) -> None:
    tables = {f"t{n:03d}": row("failed", reason="no cluster could be had") for n in range(900)}
    made.report(FIRST, start(0), night(start(0), tables | {"x": row("timed_out", reason="late")}))
    fleet = looked(made)
    assert first_line(fleet) == "ATTENTION: 901 tables failed"
    lines = [line for line in message(fleet, "").splitlines() if "no cluster" in line]
    assert len(lines) == 1
    assert "900 failed: t000 [none good], t001" in lines[0]
    assert "  what to do: docs/operations.md#alarm-tables-failed" in message(fleet, "").splitlines()
    assert "and 890 more (no cluster could be had)" in lines[0]


def test_names_that_are_no_tables_names_are_shown_safely(made: Bucket) -> None:
    name = "\u202eevil\x1b[31m\n" + "x" * 300
    reason = "\x07bell \u2066" + "y" * 4000
    made.report(FIRST, start(0), night(start(0), {name: row("failed", reason=reason)}))
    said = message(looked(made), "")
    assert not set("\u202e\x1b\x07\u2066") & set(said)
    assert max(map(len, said.splitlines())) < 700


# what is left raised: S3 says when a lease was written, by the clock of this machine

_PAST, _FUTURE = 9000, -30_000


def lease(made: Bucket, table: str, state: object, home: Home = FIRST) -> None:
    made.put(f"leases/{home.account}/{home.region}/{table}.json", {"version": 1, "state": state})


def test_what_is_raised_is_told_as_it_is_now_not_as_the_report_had_it(made: Bucket) -> None:
    made.good(FIRST, _PAST, left_raised=["given-back", "raised"])
    for table, state in {"given-back": "released", "raised": "lowering", "new": "raised"}.items():
        lease(made, table, state)
    made.put(f"leases/{FIRST.account}/{FIRST.region}/broken.json", b"{")
    fleet = looked(made, now=start(_PAST, 7))
    assert only(fleet).kept.raised == ("broken", "new", "raised")
    assert first_line(fleet) == "ATTENTION: 3 tables left raised"


def test_leases_that_nobody_wrote_since_the_last_report_are_not_read(made: Bucket) -> None:
    lease(made, "orders", "raised")
    begin = start(_FUTURE)
    made.report(FIRST, begin, night(begin, good_tables(begin)))
    assert only(looked(made, now=begin + timedelta(hours=7))).kept.raised == ()
    assert Counter(made.calls)["GetObject"] == 1


def test_a_lease_that_cannot_be_read_is_told_as_that(made: Bucket) -> None:
    made.good(FIRST, _PAST)
    for table, state in {"carts": "raised", "junk": "borrowed"}.items():
        lease(made, table, state)
    made.put(f"leases/{FIRST.account}/{FIRST.region}/broken.json", b"{")
    fleet = looked(made, now=start(_PAST, 7))
    assert only(fleet).kept.unreadable == {"broken", "junk"}
    said = message(fleet, "")
    assert "broken (maybe: its lease is unreadable), carts, junk (maybe: its lease is un" in said
    assert record_of(fleet)["deployments"][0]["unreadable"] == ["broken", "junk"]


# clocks


def test_a_fleet_of_the_future_is_told_as_that(made: Bucket) -> None:
    """As the local AWS makes them: its clock is virtual."""
    for days in (-3, -2):
        made.good(FIRST, days)
    fleet = looked(made)
    newest = run_id(start(-3))
    assert fleet.needs_attention
    assert first_line(fleet) == "ATTENTION: 1 of 1 night missing, 1 clock ahead"
    said = message(fleet, "")
    assert f"{FIRST}: no night but of the future, {newest}" in said
    assert f"{FIRST}: {newest} is not due yet: its clock is ahead, or ours is behind" in said
    assert [age.days for age in only(fleet).oldest] == [0.0, 0.0, 0.0]
    assert record_of(fleet)["deployments"][0]["ahead"] == newest


def test_a_night_that_is_to_come_hides_not_the_ones_before(made: Bucket) -> None:
    for days in (-1, 0, 1):
        made.good(FIRST, days)
    fleet = looked(made)
    assert grid(fleet) == {str(FIRST): "     .."}
    assert first_line(fleet) == "ATTENTION: 1 clock ahead"
    late = looked(made, now=start(0) - timedelta(hours=12))
    assert "no night since" not in message(late, "")
    made.good(SECOND, 2)
    assert f"{SECOND} (hippolyte): no night since {run_id(start(2))}" in message(looked(made), "")


def test_ok_is_said_of_good_nights_alone(made: Bucket) -> None:
    """A deployment of an hour ago: nothing is wrong, and nothing is backed up."""
    made.put(f"runs/{FIRST.account}/{FIRST.region}/since.json", {"version": 1})
    at = made.s3.head_object(Bucket=BUCKET, Key=f"runs/{FIRST.account}/{FIRST.region}/since.json")
    fleet = looked(made, now=at["LastModified"] + timedelta(hours=1))
    assert not fleet.needs_attention
    assert first_line(fleet) == "NOTHING YET: 0 of 1 night"
    assert ">OK<" not in render(fleet)


# the line that says it all


@pytest.mark.parametrize("accounts", [1, 6, 60])
def test_the_first_line_never_has_more_than_60_characters(made: Bucket, accounts: int) -> None:
    for number in range(accounts):
        home = Home(f"{number:012d}", "us-east-1")
        tables = {f"t{n}": row("failed", replica=True) for n in range(30)}
        tables |= {f"s{n}": row("skipped", replica=True) for n in range(30)}
        made.report(home, start(number % 3), night(start(number % 3), tables, alerts=["look"]))
        lease(made, "t1", "raised", home)
    fleet = looked(made, expected=ACCOUNTS)
    line = first_line(fleet)
    assert line.startswith("ATTENTION: ")
    assert len(line) <= FIRST_LINE
    assert line.isascii()
