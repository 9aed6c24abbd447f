"""The page: whatever it is made of, it is valid, harmless, complete and of bounded size."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256, sha512
from typing import Any
from xml.etree import ElementTree

import pytest

from hippolyte.record_form import when
from hippolyte.records.ledger import Ledger
from hippolyte.report.chart import LANES, chart
from hippolyte.report.content import make_report
from hippolyte.report.message import text as message
from hippolyte.report.page import render
from hippolyte.report.scale import WIDTH
from hippolyte.report.texts import duration, size
from hippolyte.verdicts import Verdict
from tests.support.builders import plan, table
from tests.support.night_reports import SETTINGS, at, large_report, night_report
from tests.support.pages import Page

SVG = "{http://www.w3.org/2000/svg}"
CONSOLE = "console.aws.amazon.com"
HOSTILE = "<script>alert(1)</script>&amp;\"'</svg></title>\x00\ud800"


def svg_of(report: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(chart(report))


def titles(report: dict[str, Any]) -> str:
    return " | ".join(e.text or "" for e in svg_of(report).iter(f"{SVG}title"))


def bars(report: dict[str, Any], kind: str = "bar") -> list[ElementTree.Element]:
    return [r for r in svg_of(report).iter(f"{SVG}rect") if r.get("class", "").startswith(kind)]


def test_every_table_is_in_the_page_and_in_the_chart() -> None:
    names = [f"table-{n}" for n in range(40)]
    report = night_report(names)
    page = Page(render(report))
    for name in names:
        assert f"{name}: backed up" in titles(report)
        place = f"prefix=backups/123456789012/us-east-1/{name}/run-1/"
        assert (
            f"https://us-east-1.{CONSOLE}/s3/buckets/backups?region=us-east-1&{place}" in page.links
        )
    assert "In s3://backups/backups/123456789012/us-east-1/, each in <table>/run-1/" in page.text
    assert len(bars(report)) == 40
    assert "40 tables discovered = 40 backed up" in page.text
    assert "Nothing." in page.text


def test_a_backup_in_another_bucket_is_found_there() -> None:
    report = night_report(["orders", "users"])
    report["tables"]["users"]["location"] = "s3://elsewhere/a/users/run-1"
    links = Page(render(report)).links
    host = f"https://us-east-1.{CONSOLE}/s3/buckets"
    assert f"{host}/elsewhere?region=us-east-1&prefix=a/users/run-1/" in links
    place = "backups/123456789012/us-east-1/orders/run-1/"
    assert f"{host}/backups?region=us-east-1&prefix={place}" in links


def test_the_page_fetches_nothing_and_runs_its_own_script_alone() -> None:
    page = Page(render(night_report(["orders"])))
    assert {"link", "img", "iframe", "form"} & set(page.tags) == set()
    assert not [name for name, _ in page.attributes if name == "src" or name[:2] == "on"]
    (policy,), (script,) = page.policies, page.scripts
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
    ]
    assert all(each.startswith(f"https://us-east-1.{CONSOLE}/") for each in page.links)
    assert "url(" not in render(night_report(["orders"]))


@pytest.mark.parametrize("field", ["reason", "location", "log", "errors", "notes"])
def test_texts_are_data(field: str) -> None:
    value: Any = [HOSTILE] if field in ("errors", "notes") else HOSTILE
    report = night_report(["orders"], orders={field: value, "verdict": Verdict.FAILED})
    made = render(report)
    assert Page(made).tags.count("script") == 1
    assert "<script>alert(1)</script>&amp;\"'" in Page(made).text
    made.encode()
    svg_of(report)


def test_texts_of_the_night_are_data() -> None:
    report = night_report([HOSTILE], **{HOSTILE: {"raised_from": 1, "raised_to": 2}})
    report["tables"][HOSTILE]["verdict"] = "failed"
    report["raised"][0]["raised_at"] = at(1)
    report["previous_run"] = report["deployment"] = HOSTILE
    report["alerts"] = report["warnings"] = report["changes"]["new"] = [HOSTILE]
    report["batches"][0]["error"] = report["batches"][0]["cancel_reason"] = HOSTILE
    report["batches"][0]["handle"] = {HOSTILE: HOSTILE}
    made = render(report)
    assert Page(made).tags.count("script") == 1
    made.encode()
    svg_of(report)


def test_a_table_for_several_workers_counts_as_so_many() -> None:
    report = night_report(["huge"], "lambda")
    report["batches"][0]["workers"] = 4
    assert " 4 workers " in Page(render(report)).text
    assert "4 workers" in titles(report)


@pytest.mark.parametrize(
    ("engine", "noun", "other"),
    [("lambda", "worker", "cluster"), ("emr", "cluster", "worker")],
)
@pytest.mark.parametrize("count", [2, LANES + 2])
def test_a_night_is_told_in_its_engine_s_words(
    engine: str, noun: str, other: str, count: int
) -> None:
    never = {"started_at": None, "finished_at": None}
    made = night_report([f"t{n}" for n in range(count)], engine, t0=never)
    page = render(made)
    text = Page(page).text
    # batches of 32: the tests' plan is Data Pipeline's
    hosts = -(-count // 32)
    assert f" {hosts} {noun}{'s' if hosts > 1 else ''} " in text
    assert f"a {noun}'s time" in text
    assert f"1 table not in the chart: needed no {noun}, or got none." in text
    assert (f"Each row is a {noun}" in text) is (count > LANES)
    assert other not in page
    assert other not in message(made, "s3://backups/report.json")


def test_what_needs_a_person_comes_first_with_reason_and_log() -> None:
    failed = {"verdict": Verdict.FAILED, "reason": "no luck", "log": "s3://backups/logs/1/"}
    report = night_report(["orders", "users"], users=failed)
    report["alerts"] = ["look at this"]
    text = Page(render(report)).text
    attention = text[text.index("Needs attention") : text.index("The night")]
    for part in ("1 failed: no luck", "users", "look at this", "no good backup known"):
        assert part in attention
    assert "orders" not in attention
    assert "orders" in text[text.rindex("All tables") :]
    places = [each.partition("prefix=")[2] for each in Page(render(report)).links]
    assert "logs/1/" in places
    assert "backups/123456789012/us-east-1/users/run-1/" in places


def test_a_long_list_of_troubles_does_not_hide_the_chart() -> None:
    names = [f"table-{n:02d}" for n in range(60)]
    failed = {name: {"verdict": Verdict.FAILED, "reason": "no luck"} for name in names}
    text = Page(render(night_report(names, **failed))).text
    attention, _ = text.split("The night", 1)
    assert "60 failed: no luck table-00, table-01, table-02 and 57 more" in attention
    # each is in the group once, the first three in what is seen before it is opened, too
    assert [attention.count(name) for name in names] == [2, 2, 2, *[1] * 57]


def test_raises_are_a_track_of_their_own() -> None:
    report = night_report(
        ["orders", "users"],
        orders={
            "raised_from": 1000,
            "raised_to": 1569,
            "raised_at": at(1),
            "given_back_at": at(61),
        },
        users={"raised_from": 10, "raised_to": 20, "raised_at": at(2)},
    )
    track = bars(report, "raise")
    assert [r.get("class") for r in track] == ["raise", "raise left"]
    assert "orders: raised from 1,000 to 1,569 units, 00:01 to 01:01 UTC" in titles(report)
    assert "users: raised from 10 to 20 units, 00:02 to ? UTC, not given back" in titles(report)
    text = Page(render(report)).text
    assert "1 h 00" in text
    assert "1 table is left raisedusers" in text


def test_an_earlier_attempt_is_in_the_row_of_its_own_batch() -> None:
    earlier = {
        "batch": "b001",
        "attempt": 1,
        "started_at": at(10),
        "finished_at": at(20),
        "outcome": "failed",
    }
    report = night_report(["orders"], orders={"earlier": [earlier]})
    assert [b.get("class") for b in bars(report)] == ["bar earlier", "bar backed_up"]
    assert "orders: earlier, attempt 1, 00:10 to 00:20 UTC, failed" in titles(report)


def test_a_few_tables_have_lanes_many_share_their_cluster_s_row() -> None:
    few = svg_of(night_report([f"t{n}" for n in range(LANES)]))
    many = svg_of(night_report([f"t{n}" for n in range(1000)]))
    named = [
        [t for t in svg.iter(f"{SVG}text") if t.get("class") == "table"] for svg in (few, many)
    ]
    assert [len(names) for names in named] == [LANES, 0]
    assert float(many.get("height", "0")) < 32 * 40


def test_the_window_and_the_hours_are_marked() -> None:
    report = night_report(["orders"])
    words = [t.text or "" for t in svg_of(report).iter(f"{SVG}text")]
    hours = [word for word in words if re.fullmatch(r"[0-9]{2}:00", word)]
    assert hours == [f"{hour:02d}:00" for hour in range(8)]
    assert "The window ends: 24 Nov 2026, 07:00 UTC" in titles(report)


def test_bars_lie_within_the_picture_whatever_the_times() -> None:
    late = {"started_at": at(-30), "finished_at": at(10_000)}
    report = night_report(["orders", "users"], orders=late)
    for bar in bars(report):
        assert float(bar.get("x", "0")) >= 0
        assert float(bar.get("x", "0")) + float(bar.get("width", "0")) <= WIDTH


def test_a_night_in_which_nothing_ran() -> None:
    made = plan(table("orders", status="ARCHIVED"))
    report = make_report(SETTINGS, made, Ledger.of_plan(made), (), {}, made.deadline)
    assert chart(report) == ""
    text = Page(render(report)).text
    assert "Nothing was started this night." in text
    assert "table status ARCHIVED" in text


# what the first version of report.json did not have
LATER = {
    *("engine", "partition", "bucket_region", "timezone", "part", "storage_usd", "before"),
    *("drills", "oldest_good", "would_raise"),
}
LATER_IN_ROWS = {
    *("table_id", "last_good", "wanted_since", "verified_levels", "damage", "unread_settings"),
    *("measured", "before"),
}


def without(record: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    assert keys <= set(record)
    return {key: value for key, value in record.items() if key not in keys}


def test_a_report_of_the_first_version_has_its_page() -> None:
    report = without(large_report(120, "datapipeline"), LATER)
    report["tables"] = {n: without(row, LATER_IN_ROWS) for n, row in report["tables"].items()}
    report["batches"] = [without(batch, {"workers"}) for batch in report["batches"]]
    page = Page(render(report))
    assert page.links == []
    assert "In s3://backups/backups/123456789012/us-east-1/, each in <table>/run-1/" in page.text
    assert "13 of 120 tables are not backed up, 1 left raised." in page.text
    assert "log s3://backups/logs/3/" in page.text
    assert "All times are UTC." in page.text


def test_who_failed_leads_to_who_read_it_and_to_the_log_of_that_time() -> None:
    failed = {"verdict": Verdict.FAILED, "reason": "no luck"}
    report = night_report(["orders"], "lambda", orders=failed)
    report["batches"][0]["handle"]["run"] = report["run_id"]
    made = render(report)
    attention = made[made.index('<div class="attention">') : made.index("<h2>The night")]
    links = Page(attention).links
    assert "/states/home" in links[2]
    assert links[2].endswith(f":hippolyte-exporter:{report['run_id']}-b001")
    start = int(when(report["batches"][0]["started_at"]).timestamp()) * 1000
    assert f"hippolyte-exporter/log-events$3Fstart$3D{start}$26end$3D" in links[3]
    report = night_report(["orders"], "emr", orders=failed)
    made = render(report)
    assert "#/clusterDetails/j-0" in made[made.index("Needs attention") : made.index("The night")]


def test_a_night_in_which_all_went_wrong_is_no_longer() -> None:
    names = [f"some-service.production.table-{n:04d}" for n in range(2500)]
    apart = {name: sha512(name.encode()).digest() * 9 for name in names}
    letters = bytes(97 + byte % 26 for byte in range(256))
    report = night_report(
        names,
        **{
            name: {
                "verdict": Verdict.FAILED,
                "reason": own.translate(letters).decode(),
                "errors": ["e" * 1000],
                "log": f"s3://backups/logs/{name}/",
            }
            for name, own in apart.items()
        },
    )
    page = render(report)
    assert len(page.encode()) < 1_000_000
    parsed = Page(page)
    assert "2,450 failed: for other reasons" in parsed.text
    assert all(f"<b>{name}</b>" in page for name in names)
    report = night_report(names, **{name: {"raised_from": 1, "raised_to": 2} for name in names})
    assert "2,500 tables are left raised" in render(report)


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "-"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "1 h 00"), (7500, "2 h 05")],
)
def test_durations(value: float | None, words: str) -> None:
    assert duration(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (3 << 40, "3.0 TiB"),
        (5 << 50, "5120.0 TiB"),
    ],
)
def test_sizes(value: int, words: str) -> None:
    assert size(value) == words


def test_who_exported_a_table_is_shown_and_a_batch_of_native_exports_is_no_worker() -> None:
    report = night_report(["orders", "users"], engine="lambda")
    (batch,) = report["batches"]
    assert [row["engine"] for row in report["tables"].values()] == ["lambda", "lambda"]
    assert "native" not in render(report)
    for row in report["tables"].values():
        row["engine"] = "native"
    batch["workers"], batch["handle"] = 0, {"moment": report["start"]}
    page = render(report)
    assert page.count("<td>native") == 2
    assert f"{batch['batch_id']} · 2 native exports" in page
    assert "a worker's time, or that of native exports" in page
    assert "0 workers" in page
