"""A plan as people see it: terminal, page, side by side, compared."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from hippolyte.planning.plan import Batch, Plan
from hippolyte_cli import console
from hippolyte_cli.planning.compare import differences
from hippolyte_cli.planning.forecast import remedies, slots, totals, why_raised
from hippolyte_cli.planning.gantt import LANES, PLAIN, WIDTH, gantt
from hippolyte_cli.planning.page import render
from hippolyte_cli.planning.view import MOST, show_beside, show_differences, show_plan
from tests.support.builders import GIB, emr_plan, on_demand, plan, renamed, table

BIG = {"size_bytes": 100 * GIB, "read_capacity": 1000}


def record(made: Plan) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(made.to_record()))
    return found


def printed(made: Plan, capsys: pytest.CaptureFixture[str]) -> str:
    show_plan(console.console(), record(made))
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


def test_a_table_that_is_split_says_over_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    made = plan(table("huge"), table("plain"))
    ((huge, plain),) = [batch.jobs for batch in made.batches]
    jobs = (replace(huge, parts=4), plain)
    rows = printed(replace(made, batches=(Batch("b001", 0, jobs),)), capsys).splitlines()
    assert [row.count("b001 by 4 workers") for row in rows if "huge" in row and "│" in row] == [1]
    assert [row.count("workers") for row in rows if "plain" in row and "│" in row] == [0]


def test_a_raise_is_explained_by_the_share_the_window_and_what_the_application_keeps() -> None:
    made = record(plan(table("orders", **BIG)))
    (slot,) = slots(made)
    # 107,374,182,400 / (4,096 x 500) = 52,429 s; and the activity's start
    assert slot.job["raise_to"] == 1569
    said = why_raised(slot.job, made)
    assert "at its share of 1,000 units (500) its 100.0 GiB take 14 h" in said
    assert "the window has 7 h 00" in said
    assert "at 1,569 it is read at 1,068 in 6 h 50" in said
    assert said.endswith("the application keeps 500")


def test_of_a_few_units_the_tenths_are_told() -> None:
    made = record(plan(table("orders", **BIG)))
    (slot,) = slots(made)
    job = {**slot.job, "capacity": 1, "raise_to": 8, "rate": 7.1, "plain_ratio": 0.5}
    said = why_raised(job, made)
    assert "at its share of 1 units (0.5) its" in said
    assert "at 8 it is read at 7.1 in" in said
    assert said.endswith("the application keeps 0.5")


def test_what_is_raised_and_why_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(plan(table("orders", **BIG), table("users")), capsys)
    (row,) = [line for line in text.splitlines() if "orders: 1,000 to 1,569" in line]
    assert "the application keeps 500" in row


def test_what_does_not_fit_is_named_with_what_would_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = printed(plan(on_demand("events", size_bytes=900 * GIB)), capsys)
    assert "Does not fit the window: 1 of 1 table" in text
    assert "longer than the window (7 h 00)" in text
    assert "What would help:" in text
    assert "planning.on_demand_read_rate" in text
    # the window that is named would do
    assert "a window of" not in text, "none has more than a day"
    text = printed(plan(on_demand("events", size_bytes=300 * GIB)), capsys)
    hours = int(re.search(r"a window of (\d+) h", text)[1])  # type: ignore[index]
    assert not any(
        s.late
        for s in slots(record(plan(on_demand("events", size_bytes=300 * GIB), hours=hours + 1)))
    )


def test_tables_that_wait_for_a_cluster_are_helped_by_more_of_them() -> None:
    tables = renamed([table(size_bytes=30 * GIB, read_capacity=800)] * 30)
    made = record(plan(*tables, raise_capacity=False, planning={"max_clusters": 3}))
    late = [slot for slot in slots(made) if slot.late]
    assert len(late) == 30 - 3 * 1
    (said,) = [line for line in remedies(made) if "planning.max_clusters" in line]
    assert "27 tables that wait for others" in said
    more = int(re.search(r"max_clusters = (\d+)", said)[1])  # type: ignore[index]
    helped = record(plan(*tables, raise_capacity=False, planning={"max_clusters": more}))
    assert sum(slot.late for slot in slots(helped)) < len(late)


def test_what_would_be_raised_and_what_nights_measured_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = plan(table("orders", **BIG), raise_capacity="plan")
    ((orders,),) = [batch.jobs for batch in made.batches]
    taught = replace(orders, basis="measured: 6000 bytes a unit over 3 nights")
    made = replace(made, batches=(replace(made.batches[0], jobs=(taught,)),))
    for text in (printed(made, capsys), render(record(made))):
        assert "orders: 1,000 to 1,569" in text
        assert "orders: measured: 6000 bytes a unit over 3 nights" in text


def test_nothing_to_help_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    made = plan(table("orders"))
    assert remedies(record(made)) == []
    text = printed(made, capsys)
    assert "would help" not in text
    assert "Raised" not in text
    assert "1 table, 1.0 MiB, until 2026-11-24T07:00:00Z at the latest; about 0." in text


def test_the_parts_of_the_cost_come_to_the_whole() -> None:
    for made in (
        plan(table("orders", **BIG), on_demand("events", size_bytes=9 * GIB)),
        emr_plan(table("orders", **BIG), on_demand("events", size_bytes=9 * GIB)),
    ):
        more = {"activities"} if made.engine == "datapipeline" else set()
        assert set(made.cost) == {"hosts", "raised", "reads"} | more
        assert all(usd > 0 for usd in made.cost.values())
        assert sum(made.cost.values()) == pytest.approx(made.cost_usd, abs=0.006)


@pytest.mark.parametrize("made", [plan, emr_plan])
def test_the_slots_are_the_batches_and_their_timeline_ends_in_the_window(made: Any) -> None:
    tables = renamed([table(size_bytes=4 * GIB, read_capacity=200)] * 15)
    found = record(made(*tables))
    for batch in found["batches"]:
        own = [slot for slot in slots(found) if slot.batch == batch["batch_id"]]
        assert own[0].begins == batch["begins"] + 600
        assert own[-1].ends == batch["ends"] <= 25_200
        assert all(a.ends == b.begins for a, b in pairwise(own))


def test_many_tables_do_not_flood_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    tables = renamed([table(size_bytes=40 * GIB, read_capacity=100)] * 300)
    text = printed(plan(*tables), capsys)
    assert len(text.splitlines()) < 9 * MOST
    assert f"the {MOST} longest of 300 tables" in text
    assert "--json or --html has all" in text


def test_the_chart_is_plain_and_80_wide() -> None:
    few = [table("orders", **BIG), *renamed([table("x" * 250, size_bytes=GIB)] * (LANES - 1))]
    many = [*few, table("one-more")]
    names = {each.name for each in many}
    for tables in (few, many):
        lines = gantt(record(plan(*tables)))
        assert all(line.isascii() for line in lines)
        # names are whole, and nothing else is long
        assert all(len(line) <= WIDTH or line.strip() in names for line in lines)
        assert any(PLAIN.raised in line for line in lines[1:-1])
        assert any(PLAIN.end in line for line in lines[1:-1])
    lines = gantt(record(plan(*few)))
    above = [number for number, line in enumerate(lines) if line.strip().startswith("xxx")]
    assert len({lines[number].strip() for number in above}) == LANES - 1
    assert all(PLAIN.reading in lines[number + 1] for number in above)
    assert sum("cluster" in line for line in gantt(record(plan(*many)))) > 2
    assert gantt(record(plan())) == []


def test_the_chart_of_many_tables_is_drawn_in_no_time() -> None:
    """As many again take as long again, not four times."""
    made = record(plan(*renamed([table()] * 10_000)))
    began = time.process_time()
    assert len(gantt(made)) > 2
    assert time.process_time() - began < 5


def test_the_chart_marks_what_comes_after_the_window() -> None:
    lines = gantt(record(plan(on_demand("events", size_bytes=900 * GIB))))
    (row,) = [line for line in lines if line.startswith("  events")]
    # the window is the first half of what is drawn
    assert row.count(PLAIN.late) == pytest.approx(row.count(PLAIN.reading), abs=3)
    short = gantt(record(plan(table("orders"))))
    assert not any(PLAIN.late in line for line in short[:-1])


def test_on_a_pipe_nothing_but_the_tables_frames_is_beyond_ascii(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = printed(plan(table("orders")), capsys)
    rows = [line for line in text.splitlines() if not set(line) & set("│┃━┏└")]
    assert all(line.isascii() for line in rows)
    assert "\x1b" not in text


def test_names_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    made = plan(table("[red]x[/red]", **BIG))
    assert "[red]x[/red]: 1,000 to 1,569" in printed(made, capsys)


def test_plans_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    first = plan(table("orders", **BIG))
    second = plan(table("orders", **BIG), consumed_percentage=90)
    show_beside(Console(width=120), {"as it is": record(first), "percentage=90": record(second)})
    rows = [re.split(r"\s*[│┃]\s*", line) for line in capsys.readouterr().out.splitlines()]
    found = {cells[1]: cells[2:4] for cells in rows if len(cells) == 5}
    assert found["tables raised"] == ["1 by 569 units", "1 by 169 units"]
    assert found["USD a night"] == [f"{first.cost_usd:.2f}", f"{second.cost_usd:.2f}"]
    assert totals(record(first))["window"] == "7 h 00"


def test_what_changed_is_told_by_table(capsys: pytest.CaptureFixture[str]) -> None:
    before = plan(
        table("grows", **BIG | {"size_bytes": 10 * GIB}),
        table("gone"),
        table("left-out"),
        table("slower", size_bytes=9 * GIB, read_capacity=1000),
        table("same", size_bytes=9 * GIB),
    )
    after = plan(
        table("grows", **BIG),
        table("new"),
        table("left-out"),
        table("slower", size_bytes=12 * GIB, read_capacity=1000),
        table("same", size_bytes=9 * GIB + 1),
        on_demand("huge", size_bytes=900 * GIB),
        tables={"exclude": ["left-*"]},
    )
    found = differences(record(before), record(after))
    kinds = {each.table: each.kind for each in found if each.kind != "Takes another time"}
    assert kinds == {
        "grows": "Raised",
        "gone": "Gone",
        "new": "New",
        "huge": "New",
        "left-out": "Not read any more",
    }
    assert {e.table for e in found if e.kind == "Takes another time"} == {"grows", "slower"}
    show_differences(console.console(), found, "last.json")
    text = capsys.readouterr().out
    assert "Since last.json:" in text
    assert "left-out: skipped: excluded by 'left-*'" in text
    assert differences(record(after), record(after)) == []
    show_differences(console.console(), [], "last.json")
    assert "Nothing changed since last.json." in capsys.readouterr().out


def test_a_table_that_falls_out_of_the_window_comes_first() -> None:
    def made(**changes: Any) -> dict[str, Any]:
        return record(plan(on_demand("events", size_bytes=60 * GIB), **changes))

    worse = differences(made(), made(planning={"on_demand_read_rate": 500}))
    assert [each.kind for each in worse] == ["No longer read in time", "Takes another time"]
    better = differences(made(planning={"on_demand_read_rate": 500}), made())
    assert [each.kind for each in better] == ["Read in time again", "Takes another time"]


def test_the_page_fetches_nothing_and_escapes_everything() -> None:
    made = record(plan(table("<script>x", **BIG), on_demand("events", size_bytes=900 * GIB)))
    page = render(made, {"<b>": made, "now": made}, differences(record(plan()), made))
    assert page.count("<script") == 1
    assert "<script>x" not in page
    assert "<b>&lt;script&gt;x" in page or "&lt;script&gt;x" in page
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=|url\(|@import", page)
    for title in ("Side by side", "The night", "Does not fit", "Raised for", "What changed"):
        assert title in page
    assert "the application keeps 500" in page
    assert 'class="bar planned"' in page
    assert 'class="bar late"' in page


def test_the_page_of_nothing_and_of_a_table_that_takes_ages() -> None:
    assert "Nothing is read." in render(record(plan()))
    ages = record(plan(table("old", size_bytes=1 << 60, read_capacity=1), raise_capacity=False))
    assert "DOES NOT FIT" in render(ages)
    assert gantt(ages)


def test_the_page_calls_what_dynamodb_exports_itself_native() -> None:
    made = plan(table("orders"))
    (job,) = made.jobs
    own = replace(made, batches=(Batch("b001", 0, (replace(job, own_engine="native"),)),))
    assert "b001 · 1 native export" in render(record(own))
    assert "b001 · 1 export" in render(record(made))
