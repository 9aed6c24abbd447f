"""The report: it adds up, it reads well, and it asks for a person only when one is needed."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.record_form import iso
from hippolyte.records.ledger import Ledger
from hippolyte.report.content import make_report
from hippolyte.report.first_line import FIRST_LINE, first_line
from hippolyte.report.message import forms, needs_attention, summary, text
from hippolyte.report.page import render
from hippolyte.verdicts import Verdict
from tests.support.builders import START, plan, settings, table
from tests.support.night_reports import judged as report

SETTINGS = settings()
ACCOUNT = SETTINGS.account
NOW = START + timedelta(hours=2)
WHERE = "s3://backups/runs/123456789012/us-east-1/2026-11-24T00-00Z/report.json"
QUIET = (Verdict.BACKED_UP, Verdict.SKIPPED, Verdict.VANISHED)


def test_the_summary_names_every_verdict_and_what_is_left_raised() -> None:
    made = report({"orders": Verdict.BACKED_UP, "users": Verdict.FAILED}, left=("users",))
    assert summary(made) == (
        "2 tables discovered = 1 backed up + 0 skipped + 1 failed + 0 timed out + 0 vanished"
        " + 0 unsupported; 1 left raised"
    )


@hypothesis.settings(deadline=None)
@given(st.lists(st.sampled_from(list(Verdict)), max_size=40))
def test_the_totals_add_up(verdicts: list[Verdict]) -> None:
    made = report({f"t{n}": v for n, v in enumerate(verdicts)})
    assert made["discovered"] == sum(made["totals"].values()) == len(verdicts)
    assert made["totals"] == {v.value: Counter(verdicts)[v] for v in Verdict}
    assert needs_attention(made) is any(v not in QUIET for v in verdicts)
    line = first_line(forms(made), "hippolyte", ACCOUNT, "ap-southeast-1", made["run_id"])
    assert len(line) <= FIRST_LINE
    assert line.startswith("ATTENTION " if needs_attention(made) else "OK ")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_person_is_told_of_what_has_no_backup_against_the_plan(verdict: Verdict) -> None:
    made = report({"orders": verdict})
    told = "orders: orders's reason" in text(made, WHERE)
    assert told is (verdict not in QUIET)
    assert forms(made) == (
        (f"OK {int(verdict is Verdict.BACKED_UP)} backed up",)
        if verdict in QUIET
        else ("ATTENTION 1 of 1 failed",)
    )


def test_what_is_left_raised_is_told_though_all_is_backed_up() -> None:
    made = report({"orders": Verdict.BACKED_UP}, left=("orders",))
    assert needs_attention(made)
    assert "LEFT RAISED" in text(made, WHERE)
    assert forms(made) == ("ATTENTION 1 left raised",)
    both = report({"orders": Verdict.FAILED, "users": Verdict.FAILED}, left=("orders",))
    assert forms(both) == (
        "ATTENTION 1 left raised, 2 of 2 failed",
        "ATTENTION 1 left raised +",
    )


def test_tables_of_one_reason_are_told_together_with_what_to_do() -> None:
    made = plan(*(table(name) for name in ("carts", "logs", "orders", "users")))
    ledger = Ledger.of_plan(made)
    overdue = "the export of {} is overdue: it was to take {} minutes"
    for name, minutes in (("carts", 30), ("orders", 40), ("users", 50)):
        ledger.tables[name].close(Verdict.FAILED, overdue.format(name, minutes))
    ledger.tables["logs"].close(Verdict.TIMED_OUT, "still running at the deadline")
    report_made = make_report(SETTINGS, made, ledger, ("logs",), {}, NOW)
    for name, days in (("carts", 1), ("orders", 12), ("logs", 2)):
        report_made["tables"][name]["last_good"] = iso(NOW - timedelta(days=days))
    message = text(report_made, WHERE)
    # what costs money by the hour, before everything else
    assert message.startswith(
        "LEFT RAISED, given back by the next passes:\n"
        "  - logs\n"
        "      what to do: docs/operations.md#alarm-tables-left-raised\n\n"
        "Run 2026-11-24T00-00Z: "
    )
    assert (
        "Failed:\n"
        "  - 3 tables, their newest good backups in brackets: users (none), orders (12 days ago), "
        "carts (1 day ago)\n"
        "      users: the export of users is overdue: it was to take 50 minutes (or alike)\n"
        "      what to do: docs/operations.md#reason-overdue\n\n"
        "Timed out:\n"
        "  - logs: still running at the deadline\n"
        "      newest good backup: 2 days ago\n"
        "      what to do: docs/operations.md#reason-deadline\n"
    ) in message
    linked = text(report_made | {"runbook_url": "https://wiki.example.com/x"}, WHERE)
    assert "what to do: https://wiki.example.com/x#reason-deadline\n" in linked
    assert "docs/operations.md" not in linked


def test_the_oldest_good_backup_is_named() -> None:
    made = report({"orders": Verdict.FAILED, "users": Verdict.BACKED_UP})
    assert "\nOldest good backup: orders has none, first wanted 2 hours ago\n" in text(made, WHERE)
    made["oldest_good"] = {"table": "orders", "last_good": iso(START), "age_days": 12.1}
    assert "\nOldest good backup: orders, 12 days ago\n" in text(made, WHERE)


def test_one_of_everything_is_said_in_the_singular() -> None:
    made = report({"orders": Verdict.FAILED}, left=("orders",))
    raised = {"table": "orders", "from": 1, "to": 2, "raised_at": iso(START)}
    made |= {"items": 1, "bytes": 1, "window_seconds": 60, "duration_seconds": 60}
    made["raised"] = [{**raised, "given_back_at": iso(START), "duration_seconds": 60}]
    made["oldest_good"] = {"table": "orders", "last_good": iso(START), "age_days": 1.0}
    page = re.sub(r"<(style|script)>.*?</\1>", "", render(made), flags=re.DOTALL)
    for said in (text(made, WHERE), *forms(made), re.sub(r"<[^>]*>", " ", page)):
        assert not re.search(r"(?<![\d.,])1 (?!s\b|is\b|was\b|has\b)[a-z]+s\b", said), said


def test_sizes_are_for_people() -> None:
    made = report({"orders": Verdict.BACKED_UP}) | {"items": 5211, "bytes": 347665}
    assert "\n5,211 items, 339.5 KiB, 61 of 420 minutes, " in text(made, WHERE)


def test_a_table_that_is_newly_empty_is_told() -> None:
    before = report({"orders": Verdict.BACKED_UP, "users": Verdict.BACKED_UP})
    made = plan(table("orders", empty=True), table("users"))
    ledger = Ledger.of_plan(made)
    for name, items in (("orders", 0), ("users", 3)):
        ledger.tables[name].close(Verdict.BACKED_UP)
        ledger.tables[name].items = items
    after = make_report(SETTINGS, made, ledger, (), before, NOW)
    assert after["alerts"] == ["orders is empty tonight and was not the night before"]
    assert needs_attention(after)
    again = make_report(SETTINGS, made, ledger, (), after, NOW)
    assert again["alerts"] == []


def test_changes_since_the_night_before() -> None:
    before = report({"a": Verdict.BACKED_UP, "b": Verdict.FAILED, "c": Verdict.BACKED_UP})
    after = report(
        {"a": Verdict.FAILED, "b": Verdict.BACKED_UP, "d": Verdict.BACKED_UP}, previous=before
    )
    changes = after["changes"]
    assert (changes["new"], changes["gone"]) == (["d"], ["c"])
    assert (changes["recovered"], changes["broken"]) == (["b"], ["a"])
    message = text(after, WHERE)
    assert "broken: a" in message
    assert "recovered: b" in message


def test_a_first_night_has_nothing_to_compare_with() -> None:
    made = report({"orders": Verdict.BACKED_UP})
    assert all(names == [] for names in made["changes"].values())
    assert "Since the night before" not in text(made, WHERE)


def test_the_message_says_how_long_what_it_cost_and_where_the_rest_is() -> None:
    message = text(report({"orders": Verdict.BACKED_UP}), WHERE)
    assert message.startswith("Run 2026-11-24T00-00Z: 1 table discovered = 1 backed up")
    assert "3 items" in message
    assert "61 of 420 minutes" in message
    assert "USD" in message
    assert message.endswith(f"Report: {WHERE}")


def test_a_long_list_is_cut_and_says_so() -> None:
    message = text(report({f"t{n:04d}": Verdict.FAILED for n in range(2500)}), WHERE)
    assert "and 2,450 more" in message
    assert "t0049" in message
    assert "t0050" not in message
    assert len(message.encode()) < 200_000


def test_many_reasons_of_many_tables_leave_room_for_the_reports_place() -> None:
    words = [f"reason {chr(97 + n // 26)}{chr(97 + n % 26)} " for n in range(100)]
    names = [f"{n:04d}".ljust(255, "x") for n in range(2500)]
    made = report(dict.fromkeys(names, Verdict.FAILED))
    for n, row in enumerate(made["tables"].values()):
        row["reason"] = words[n % 100] + "y" * 1000
    message = text(made, WHERE)
    assert len(message.encode()) < 200_000
    assert message.endswith(f"Report: {WHERE}")
    assert "  - 25 tables, " in message
    assert "and 22 more" in message
    assert "and 50 more" in message


def test_what_was_raised_is_told_with_its_times() -> None:
    made = plan(table("orders"))
    ledger = Ledger.of_plan(made)
    entry = ledger.tables["orders"]
    entry.close(Verdict.BACKED_UP)
    entry.raised_from, entry.raised_to, entry.raised_at = 1000, 1569, iso(START)
    message = text(make_report(SETTINGS, made, ledger, (), {}, NOW), WHERE)
    assert "orders: 1,000 -> 1,569 at 2026-11-24T00:00:00Z, not given back yet" in message
    entry.given_back_at = iso(NOW)
    message = text(make_report(SETTINGS, made, ledger, (), {}, NOW), WHERE)
    assert "given back 2026-11-24T02:00:00Z, after 120 minutes" in message
