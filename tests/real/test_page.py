"""The pages in a real browser: on a desk and on a phone, light and dark, with and without script.

They are measured as a person sees them: how high a text is, what is off the screen, how long the
page is, what a click and a key do.
"""

from __future__ import annotations

import itertools
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hippolyte import clock
from hippolyte.records.ledger import Ledger
from hippolyte.report.content import make_report
from hippolyte.report.fleet import look
from hippolyte.report.fleet_page import render as render_fleet
from hippolyte.report.page import render
from hippolyte.verdicts import Verdict
from hippolyte_cli.main import app
from hippolyte_cli.planning.page import render as render_plan
from tests.support.browsers import DRAWN, TARGETS, TEXTS, need_browser
from tests.support.builders import plan, table
from tests.support.fleets import HOMES, NOW, a_morning, bucket, night, start
from tests.support.fleets import row as row_of
from tests.support.night_reports import (
    SETTINGS,
    at,
    busy_night,
    large_report,
    night_report,
    some_of_everything,
    with_texts,
)
from tests.support.pages import Page, any_text
from tools.browser import Browser, BrowserError, browser
from tools.tf import REPOSITORY

DESK, PHONE = (1280, 900), (390, 844)
SCREENS = {DESK: 2.5, PHONE: 4}
LEAST_PIXELS, LEAST_TARGET = 11, 44
# WCAG 2.2 AA: of texts, and of what is drawn
LEAST_CONTRAST, LEAST_CONTRAST_DRAWN = 4.5, 3
WHITE = "rgb(255, 255, 255)"
RIGHT_TO_LEFT = "\u05d4\u05d6\u05de\u05e0\u05d5\u05ea"
TURNED = "\u202eelbat\u202c"
HOSTILE = "</script></style></title><script>window.hacked=1</script><img src=x onerror=hacked=1>"
OPEN_ALL = "document.querySelectorAll('details').forEach((each) => { each.open = true })"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    need_browser()
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The page of a night, by the number of its tables."""
    need_browser()
    made = {}
    for count in (60, 900, 2500, 10_000):
        made[count] = tmp_path_factory.mktemp("pages") / f"{count}.html"
        made[count].write_text(render(large_report(count)), encoding="utf-8")
    return made


def written(place: Path, page: str) -> Path:
    path = place / "page.html"
    path.write_text(page, encoding="utf-8", errors="replace")
    return path


def count(chromium: Browser, what: str) -> int:
    """How many elements of a kind are seen."""
    seen = "(each) => each.checkVisibility({contentVisibilityAuto: true})"
    return int(chromium.ask(f"[...document.querySelectorAll({what!r})].filter({seen}).length"))


def too_wide(chromium: Browser) -> list[str]:
    """What is off the screen, but what scrolls in a box of its own."""
    return list(
        chromium.ask(
            """[...document.querySelectorAll("body *")].filter((each) => !each.closest(".plan") &&
            each.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
            .map((each) => each.tagName + " " + each.textContent.slice(0, 60))"""
        )
    )


def search(chromium: Browser, words: str) -> None:
    """Type into the filter, and wait until the page has answered."""
    chromium.ask(
        f"""new Promise((done) => {{
          const field = document.getElementById("filter");
          field.value = {words!r};
          field.dispatchEvent(new Event("input", {{bubbles: true}}));
          setTimeout(done, 400);
        }})"""
    )


def names_in(chromium: Browser, table: str) -> list[str]:
    return list(
        chromium.ask(
            f"[...document.querySelectorAll('{table} tbody tr')].map((r) => r.cells[0].innerText)"
        )
    )


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("tables", [60, 900, 2500, 10_000])
def test_a_night_is_understood_at_a_look(
    chromium: Browser, pages: dict[int, Path], tables: int, window: tuple[int, int]
) -> None:
    chromium.show(pages[tables], *window)
    assert chromium.ask("document.scrollingElement.scrollWidth") <= window[0]
    assert too_wide(chromium) == []
    # whatever the number of tables
    assert chromium.ask("document.documentElement.scrollHeight") <= SCREENS[window] * window[1]
    # the sum is on the first screen, what went wrong begins there
    for words in (".lead", ".tiles", ".attention"):
        top = chromium.ask(f"document.querySelector('{words}').getBoundingClientRect().top")
        assert top < window[1], words
    assert count(chromium, ".group > summary") == 4
    assert count(chromium, "table.rows tbody tr") == 0
    assert pages[tables].stat().st_size < (4_000_000 if tables > 2500 else 1_000_000)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory, pages: dict[int, Path]) -> dict[str, Path]:
    """A page of each kind: a night with some of everything, a plan, a fleet."""
    place = tmp_path_factory.mktemp("kinds")
    big = {"size_bytes": 100 << 30, "read_capacity": 1000}
    planned = plan(*(table(f"table-{n}", **big) for n in range(40))).to_record()
    made = {"night": pages[60], "plan": place / "plan.html", "fleet": place / "fleet.html"}
    made["plan"].write_text(render_plan(planned, {"a": planned, "b": planned}), encoding="utf-8")
    with bucket() as records:
        for home in HOMES[1:]:
            for days in range(30):
                records.good(home, days, partition="aws")
        records.good(HOMES[0], 2)
        tables = {f"t-{n:03d}": row_of("failed", reason=f"because of {n}") for n in range(900)}
        alerts = ["restore drill: orders: 3 of 100 items differ"]
        failed = night(start(0), tables, partition="aws", alerts=alerts)
        records.report(HOMES[1], start(0), failed)
        records.report(HOMES[2], start(0), b"<half a report")
        fleet = render_fleet(look(records.records(), NOW, 30, 14))
    made["fleet"].write_text(fleet, encoding="utf-8")
    return made


KINDS = ("night", "plan", "fleet")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_text_can_be_read(
    chromium: Browser, kinds: dict[str, Path], kind: str, window: tuple[int, int], dark: bool
) -> None:
    chromium.show(kinds[kind], *window, dark=dark)
    chromium.ask(OPEN_ALL)
    texts = chromium.ask(TEXTS)
    assert len(texts) > 150
    small = [each for each in texts if min(each["pixels"], each["high"]) < LEAST_PIXELS]
    assert small == []
    assert [each for each in texts if each["contrast"] < LEAST_CONTRAST] == []
    background = chromium.ask("getComputedStyle(document.body).backgroundColor")
    assert (background == WHITE) is not dark
    assert [each for each in chromium.ask(DRAWN) if each[2] < LEAST_CONTRAST_DRAWN] == []
    if kind != "fleet":
        # its grid scrolls in a box of its own
        assert too_wide(chromium) == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_tapped_on_a_phone_is_as_large_as_a_finger(
    chromium: Browser, kinds: dict[str, Path], kind: str
) -> None:
    chromium.show(kinds[kind], *PHONE)
    chromium.ask(OPEN_ALL)
    targets = chromium.ask(TARGETS)
    assert len(targets) > 10
    assert [each for each in targets if min(each["width"], each["height"]) < LEAST_TARGET] == []


@pytest.mark.parametrize("kind", KINDS)
def test_by_keys_alone_one_sees_where_one_is(
    chromium: Browser, kinds: dict[str, Path], kind: str
) -> None:
    chromium.show(kinds[kind], *DESK)
    chromium.ask(OPEN_ALL)
    seen = set()
    for _ in range(60):
        key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
        for action in ("rawKeyDown", "keyUp"):
            chromium.call("Input.dispatchKeyEvent", type=action, **key)
        tag, outline, named = chromium.ask(
            """(() => {
              const at = document.activeElement, style = getComputedStyle(at);
              const name = at.textContent.trim() || at.getAttribute("aria-label") ||
                at.labels?.[0]?.textContent;
              return [at.tagName, style.outlineStyle === "none" ? 0
                : parseFloat(style.outlineWidth), !!name];
            })()"""
        )
        if tag == "BODY":
            break
        assert outline >= 2, tag
        assert named, tag
        seen.add(tag)
    assert len(seen) >= 2


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_moves_by_itself(chromium: Browser, kinds: dict[str, Path], kind: str) -> None:
    """So there is nothing that `prefers-reduced-motion` would have to stop."""
    chromium.show(kinds[kind], *DESK)
    moving = chromium.ask(
        """[...document.querySelectorAll("*")].map((each) => getComputedStyle(each))
          .filter((style) => style.animationName !== "none" ||
            parseFloat(style.transitionDuration) || style.scrollBehavior !== "auto").length"""
    )
    assert moving == 0


@pytest.mark.parametrize("kind", KINDS)
def test_on_paper_it_is_dark_on_white_and_as_wide_as_the_paper(
    chromium: Browser, kinds: dict[str, Path], kind: str
) -> None:
    # A4 across, less a centimetre at each side, in CSS's pixels
    chromium.show(kinds[kind], 1047, 718, dark=True)
    chromium.call(
        "Emulation.setEmulatedMedia",
        media="print",
        features=[{"name": "prefers-color-scheme", "value": "dark"}],
    )
    chromium.ask(OPEN_ALL)
    try:
        assert [each for each in chromium.ask(TEXTS) if each["contrast"] < LEAST_CONTRAST] == []
        assert chromium.ask("getComputedStyle(document.body).backgroundColor") == WHITE
        assert chromium.ask("document.scrollingElement.scrollWidth") <= 1047
        assert count(chromium, "input") == 0
        # nothing is hidden in a box that would scroll
        assert chromium.ask(
            """[...document.querySelectorAll(".chart")]
              .every((each) => each.scrollHeight <= each.clientHeight + 1)"""
        )
    finally:
        chromium.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_the_first_screen_says_what_is_wrong_and_what_to_do(
    chromium: Browser, pages: dict[int, Path], window: tuple[int, int]
) -> None:
    chromium.show(pages[900], *window)
    seen = chromium.ask(
        """[...document.querySelectorAll(".lead, .group > summary, .do")]
          .filter((each) => each.getBoundingClientRect().bottom < innerHeight)
          .map((each) => each.textContent)"""
    )
    assert seen[0] == "13 of 900 tables are not backed up, 1 left raised."
    # harm to production first
    assert seen[1] == "1 table is left raised"
    assert seen[2] == "What to do: docs/operations.md#alarm-tables-left-raised"
    assert seen[3].startswith("6 failed: 11 items read, last night's is 90,000")
    assert seen[4] == "What to do: docs/operations.md#reason-count"


def test_a_failure_among_many_is_told_by_its_shape_too(
    chromium: Browser, pages: dict[int, Path]
) -> None:
    """Green and red of one lightness are one colour to one man in twelve."""
    chromium.show(pages[900], *DESK)
    heights = chromium.ask(
        """[".bar.failed", "path.bar.backed_up"].map((each) =>
          document.querySelector(each).getBoundingClientRect().height)"""
    )
    assert heights[0] > 1.3 * heights[1]


def test_a_page_without_tables_has_no_filter(chromium: Browser, tmp_path: Path) -> None:
    made = plan(table("orders"))
    ledger = Ledger.of_plan(made)
    ledger.tables.clear()
    report = make_report(SETTINGS, made, ledger, (), {}, made.deadline)
    chromium.show(written(tmp_path, render(report)), *DESK)
    assert count(chromium, "input") == 0
    assert "0 tables backed up, none failed." in chromium.ask("document.body.textContent")


def test_the_chart_scrolls_in_its_box_and_its_names_stay(
    chromium: Browser, pages: dict[int, Path]
) -> None:
    chromium.show(pages[60], *PHONE)
    left = "document.querySelector('.names').getBoundingClientRect().left"
    top = "document.querySelector('.hours').getBoundingClientRect().top"
    before = chromium.ask(f"[{left}, {top}]")
    chromium.ask("document.querySelector('.chart').scrollTo(400, 300)")
    assert chromium.ask("document.querySelector('.chart').scrollLeft") == 400
    assert chromium.ask(f"[{left}, {top}]") == before
    assert chromium.ask("document.querySelector('.chart').tabIndex") == 0


def test_rows_are_cards_on_a_phone_and_say_what_each_figure_is(
    chromium: Browser, pages: dict[int, Path]
) -> None:
    chromium.show(pages[60], *PHONE)
    chromium.ask(OPEN_ALL)
    row = "document.querySelector('.good tbody tr')"
    assert chromium.ask(f"getComputedStyle({row}).display") == "block"
    says = chromium.ask(
        f"[...{row}.querySelectorAll('td')].map((c) => getComputedStyle(c, '::before').content)"
    )
    assert says[:3] == ['"items "', '"size "', '"size change "']
    # for who hears them they are rows all the same
    assert chromium.ask(f"{row}.getAttribute('role')") == "row"
    chromium.show(pages[60], *DESK)
    assert chromium.ask(f"getComputedStyle({row}).display") == "table-row"


@pytest.mark.parametrize("tables", [900, 10_000])
def test_the_filter_finds_tables_by_name_and_by_reason(
    chromium: Browser, pages: dict[int, Path], tables: int
) -> None:
    chromium.show(pages[tables], *DESK)
    before = chromium.ask("[...document.querySelectorAll('details')].map((each) => each.open)")
    search(chromium, "table-00042")
    assert chromium.ask("document.getElementById('told').textContent").startswith("1 of ")
    assert count(chromium, ".good tbody tr") == 1
    assert count(chromium, ".group > ul > li") == 0
    search(chromium, "throttled timed")
    assert count(chromium, ".group") == count(chromium, ".fold") == 0
    search(chromium, "THROTTLED pages")
    assert count(chromium, ".group > ul > li") == 6
    assert count(chromium, "table.rows tbody tr") == 0
    search(chromium, "some-service")
    told = chromium.ask("document.getElementById('told').textContent")
    assert "the first 300 are shown" in told
    assert count(chromium, "tbody tr, .group > ul > li") <= 300
    search(chromium, "")
    after = chromium.ask("[...document.querySelectorAll('details')].map((each) => each.open)")
    assert after == before
    assert chromium.ask("document.querySelectorAll('tr[hidden], li[hidden]').length") == 0


def test_a_column_is_sorted_by_a_click_and_by_a_key(
    chromium: Browser, pages: dict[int, Path]
) -> None:
    chromium.show(pages[900], *DESK)
    chromium.ask(OPEN_ALL)
    names = names_in(chromium, ".good")
    head = "document.querySelectorAll('.good thead th')"
    chromium.ask(f"{head}[2].querySelector('button').click()")
    assert chromium.ask(f"{head}[2].getAttribute('aria-sort')") == "descending"
    # from GiB through MiB and KiB down to bytes, as the tables' numbers go
    assert names_in(chromium, ".good") == names[::-1]
    chromium.ask(f"{head}[2].querySelector('button').focus()")
    for kind in ("keyDown", "keyUp"):
        chromium.call(
            "Input.dispatchKeyEvent",
            type=kind,
            key="Enter",
            code="Enter",
            text="\r",
            windowsVirtualKeyCode=13,
        )
    assert chromium.ask(f"{head}[2].getAttribute('aria-sort')") == "ascending"
    assert names_in(chromium, ".good")[:5] == names[:5]
    chromium.ask(f"{head}[4].querySelector('button').click()")
    took = chromium.ask(
        "[...document.querySelectorAll('.good tbody tr')].map((r) => r.cells[4].innerText)"
    )
    assert took[0] == "16 min"
    assert took[-1] == "1 min"
    assert chromium.ask(f"{head}[2].hasAttribute('aria-sort')") is False


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_without_script_nothing_is_lost(
    chromium: Browser, pages: dict[int, Path], window: tuple[int, int]
) -> None:
    chromium.show(pages[900], *window, script=False)
    tree = chromium.call("DOM.getDocument", depth=-1)["root"]["nodeId"]

    def found(what: str) -> list[int]:
        answer = chromium.call("DOM.querySelectorAll", nodeId=tree, selector=what)
        return list(answer["nodeIds"])

    assert found("button, input") == []
    # each backup's link is the script's, that to all of them is not
    assert found(".good a[href]") == []
    assert len(found("p > a[href*='/s3/buckets/']")) == 1
    assert (
        len(found(".good tbody tr"))
        + len(found(".group > ul > li"))
        + len(found(".skipped tbody tr"))
        == 900 + 1
    )  # one is left raised, too
    size = chromium.call("Page.getLayoutMetrics")["cssContentSize"]
    assert size["width"] <= window[0]
    assert size["height"] <= SCREENS[window] * window[1]
    chromium.call("Emulation.setScriptExecutionDisabled", value=False)


def test_nothing_is_fetched_and_nothing_but_its_own_script_is_run(
    chromium: Browser, tmp_path: Path
) -> None:
    report = night_report([HOSTILE, "orders"])
    report["tables"][HOSTILE].update(verdict="failed", reason=HOSTILE, errors=[HOSTILE])
    report["tables"]["orders"].update(notes=[HOSTILE], location=f"s3://backups/{HOSTILE}")
    report["batches"][0]["error"] = report["deployment"] = report["previous_run"] = HOSTILE
    report["alerts"] = report["warnings"] = report["changes"]["new"] = [HOSTILE]
    page = written(tmp_path, render(report))
    chromium.show(page, *DESK)
    assert chromium.ask("typeof window.hacked") == "undefined"
    assert chromium.ask("document.images.length + document.scripts.length") == 1
    # it has run, and the policy has refused nothing
    assert count(chromium, "#filter") == 1
    asked = [p["request"]["url"] for m, p in chromium.events if m == "Network.requestWillBeSent"]
    assert asked == [page.resolve().as_uri()]
    assert [
        p for m, p in chromium.events if m in ("Log.entryAdded", "Runtime.exceptionThrown")
    ] == []
    assert HOSTILE in chromium.ask("document.querySelector('.attention').textContent")
    search(chromium, "onerror")
    assert chromium.ask("typeof window.hacked") == "undefined"


def odd_page(kind: str, texts: Iterator[str]) -> str:
    """A page of a kind, with a text of these wherever anybody's text is."""
    if kind == "night":
        return render(with_texts(some_of_everything(), texts))
    if kind == "plan":
        record = plan(*(table(f"table-{n}") for n in range(3))).to_record()
        record["warnings"], record["alerts"] = [next(texts)], [next(texts)]
        record["verdicts"] = {next(texts): ("failed", next(texts))}
        record["empty"], record["undescribed"] = [next(texts)], {next(texts): next(texts)}
        for batch in record["batches"]:
            batch["batch_id"] = next(texts)
            for job in batch["jobs"]:
                job["table"] = next(texts)
        return render_plan(record, {next(texts): record, next(texts): record})
    with bucket() as records:
        begin = start(0)
        tables = {next(texts): row_of("failed", reason=next(texts)) for _ in range(3)}
        more = {"deployment": next(texts), "alerts": [next(texts)], "partition": next(texts)}
        records.report(HOMES[0], begin, night(begin, tables, **more))
        records.report(HOMES[1], begin, next(texts).encode("utf-8", "replace"))
        return render_fleet(look(records.records(), NOW, 7, 14))


@pytest.mark.parametrize("kind", ["night", "plan", "fleet"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(any_text, min_size=1, max_size=30))
def test_whatever_the_texts_are_a_browser_sees_no_other_elements(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory, kind: str, texts: list[str]
) -> None:
    made = odd_page(kind, itertools.cycle(texts))
    page = written(tmp_path_factory.getbasetemp(), made)
    chromium.show(page, *DESK)
    assert chromium.ask("typeof window.hacked") == "undefined"
    assert chromium.ask("document.images.length + document.scripts.length") == 1
    # HTML's own rules and a strict reader agree, so nothing was mended or moved
    chromium.show(page, *DESK, script=False)
    tree = chromium.call("DOM.getDocument", depth=0)["root"]["nodeId"]
    seen = chromium.call("DOM.querySelectorAll", nodeId=tree, selector="*")["nodeIds"]
    chromium.call("Emulation.setScriptExecutionDisabled", value=False)
    strict = Page(page.read_text(encoding="utf-8"))
    assert len(seen) == len(strict.tags)
    assert not {name for name, _ in strict.attributes if name.startswith("on")}


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_names_that_would_break_a_page_do_not(
    chromium: Browser, tmp_path: Path, window: tuple[int, int]
) -> None:
    names = ["long." + "n" * 250, RIGHT_TO_LEFT, TURNED, "tab\tbell\x07\x1b[31m", "fine"]
    failed = {"verdict": Verdict.FAILED, "reason": "x" * 3000, "log": "s3://backups/" + "l" * 900}
    of_tables = {names[0]: failed, RIGHT_TO_LEFT: {**failed, "reason": "no luck"}}
    report = night_report(names, **of_tables)
    report["left_raised"] = names
    report["alerts"] = report["warnings"] = ["w" * 3000, *names]
    report["previous_run"] = "2026-11-23T00-00Z"
    report["changes"]["new"] = names
    chromium.show(written(tmp_path, render(report)), *window)
    chromium.ask(OPEN_ALL)
    assert chromium.ask("document.scrollingElement.scrollWidth") <= window[0]
    assert too_wide(chromium) == []
    text = chromium.ask("document.body.textContent")
    assert not {"\u202e", "\u202c", "\x07", "\x1b"} & set(text)
    assert "\N{REPLACEMENT CHARACTER}elbat" in text
    # what follows a name of a right-to-left script is at its right, as everywhere
    assert chromium.ask(
        f"""(() => {{
          const item = [...document.querySelectorAll("li")].find((each) =>
            each.textContent.startsWith("new: "));
          const bdi = [...item.querySelectorAll("bdi")];
          const at = bdi.findIndex((each) => each.textContent === "{RIGHT_TO_LEFT}");
          const [name, next] = [bdi[at], bdi[at + 1]].map((each) => each.getClientRects()[0]);
          return next.top > name.top || next.left > name.right;
        }})()"""
    )


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_a_page_that_was_cut_off_says_so(chromium: Browser, tmp_path: Path, part: float) -> None:
    whole = render(large_report(60))
    said = "getComputedStyle(document.body, '::before').content"
    chromium.show(written(tmp_path, whole), *PHONE)
    assert chromium.ask(said) == "none"
    begin = whole.index("</head>")
    cut = begin + int((whole.index('<footer id="end"') - begin) * part)
    chromium.show(written(tmp_path, whole[:cut]), *PHONE)
    assert "cut off" in chromium.ask(said)
    assert chromium.ask("document.scrollingElement.scrollWidth") <= PHONE[0]


def test_links_lead_into_the_console(chromium: Browser, pages: dict[int, Path]) -> None:
    chromium.show(pages[60], *DESK)
    hrefs = chromium.ask("[...document.querySelectorAll('.good tbody th a')].map((a) => a.href)")
    name = "some-service.production.table-00003"
    host = "https://us-east-1.console.aws.amazon.com"
    key = f"backups/123456789012/us-east-1/{name}/run-1/"
    assert hrefs[0] == f"{host}/s3/buckets/backups?region=us-east-1&prefix={key}"
    assert len(hrefs) == 46


def test_the_report_of_an_older_version_has_a_page(chromium: Browser, tmp_path: Path) -> None:
    report = night_report(["orders", "users"], users={"verdict": Verdict.FAILED, "reason": "why"})
    for key in ("partition", "bucket_region", "timezone", "before", "part", "engine", "drills"):
        del report[key]
    for row in report["tables"].values():
        del row["before"], row["damage"], row["last_good"]
    chromium.show(written(tmp_path, render(report)), *PHONE)
    text = chromium.ask("document.body.textContent")
    assert "1 failed: why" in text
    assert "All times are UTC" in text
    assert chromium.ask("document.links.length") == 0


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_the_page_of_a_plan(chromium: Browser, tmp_path: Path, window: tuple[int, int]) -> None:
    big = {"size_bytes": 100 << 30, "read_capacity": 1000}
    made = plan(*(table(f"table-{n}" + "x" * (n % 200), **big) for n in range(900)))
    record = made.to_record()
    page = written(tmp_path, render_plan(record, {"<b>": record, "now": record}))
    chromium.show(page, *window)
    assert chromium.ask("document.scrollingElement.scrollWidth") <= window[0]
    chromium.ask(OPEN_ALL)
    assert too_wide(chromium) == []
    search(chromium, "table-899")
    assert count(chromium, ".tables tbody tr") == 1


def rows(png: bytes) -> list[bytes]:
    """Return the rows of a PNG, as filtered: equal ones are of equal pixels, in a blank picture."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    height = struct.unpack(">I", png[20:24])[0]
    data, at_byte = b"", 8
    while at_byte < len(png):
        length, kind = struct.unpack(">I4s", png[at_byte : at_byte + 8])
        data += png[at_byte + 8 : at_byte + 8 + length] if kind == b"IDAT" else b""
        at_byte += 12 + length
    pixels = zlib.decompress(data)
    size = len(pixels) // height
    return [pixels[first : first + size] for first in range(0, len(pixels), size)]


def test_the_page_is_drawn(chromium: Browser, tmp_path: Path) -> None:
    raised = {"raised_from": 1000, "raised_to": 1569, "raised_at": at(2)}
    failed = {"verdict": Verdict.FAILED, "reason": "the cluster was lost", "items": None}
    report = night_report(
        [f"table-{n:02d}" for n in range(20)],
        **{"table-03": raised, "table-07": failed},
    )
    drawn: dict[str, list[bytes]] = {}
    for name, page in (("blank", "<title>nothing</title>"), ("page", render(report))):
        chromium.show(written(tmp_path, page), *DESK)
        drawn[name] = rows(chromium.picture())
    assert len(drawn["page"]) == len(drawn["blank"]) == 900
    assert len(set(drawn["blank"])) < 5
    assert len(set(drawn["page"])) > 300


PICTURES = {
    # of docs: the page, the window, whether it is dark
    "report": ("night", (1280, 1240), False),
    "report-phone": ("night", PHONE, True),
    "report-phone-chart": ("night", PHONE, False),
    "fleet": ("fleet", (1280, 820), False),
    "plan": ("plan", DESK, True),
}


def page_of_docs(kind: str, place: Path) -> Path:
    """The page that a picture in docs is of."""
    page = place / f"{kind}.html"
    if kind == "night":
        return written(place, render(busy_night()))
    if kind == "plan":
        tables = str(REPOSITORY / "tests/data/planning/tables.json")
        result = CliRunner().invoke(app, ["plan", "--tables", tables, "--html", str(page)])
        assert page.exists(), result.output
        return page
    with bucket() as records:
        a_morning(records)
        return written(place, render_fleet(look(records.records(), NOW, 30, 14)))


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_in_docs_are_of_these_pages(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """WRITE_DOCS=1 draws them again."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    kind, window, dark = PICTURES[name]
    path = REPOSITORY / "docs" / f"{name}.png"
    chromium.show(page_of_docs(kind, tmp_path), *window, dark=dark)
    if name.endswith("-chart"):
        chromium.ask("document.querySelector('.chart').scrollIntoView()")
    drawn = chromium.picture()
    if os.environ.get("WRITE_DOCS"):
        path.write_bytes(drawn)
    kept = path.read_bytes()
    assert struct.unpack(">II", kept[16:24]) == window
    assert len(kept) < 300_000
    # fonts differ from machine to machine, how much is drawn hardly does
    assert 0.6 < len(kept) / len(drawn) < 1.6, "WRITE_DOCS=1 draws it again"


def test_what_a_page_refuses_is_told(chromium: Browser, pages: dict[int, Path]) -> None:
    chromium.show(pages[60], *DESK)
    with pytest.raises(BrowserError, match="not defined"):
        chromium.ask("nothing.like.this")
    with pytest.raises(BrowserError, match=r"Page\.fly"):
        chromium.call("Page.fly")


def test_the_measure_measures(chromium: Browser, tmp_path: Path) -> None:
    """That what the tests above would find is found."""
    page: Any = (
        '<div class="legend"><i class="host" style="background:#eee"></i></div><main>'
        '<p style="color:#999;background:#fff">pale</p><p style="font-size:4px">tiny</p>'
        '<p style="width:2000px;background:red">wide</p></main>'
    )
    chromium.show(written(tmp_path, page), *DESK)
    texts = {each["text"]: each for each in chromium.ask(TEXTS)}
    assert 2.8 < texts["pale"]["contrast"] < 2.9
    assert texts["tiny"]["pixels"] == 4
    assert too_wide(chromium) == ["P wide"]
