"""The fleet's page: valid, harmless, small, and readable on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hippolyte.report.fleet import Fleet, look
from hippolyte.report.fleet_page import render
from tests.support.browsers import need_browser
from tests.support.fleets import HOMES, NOW, Bucket, bucket, night, row, start
from tools import browser

HOSTILE = "<script>alert(1)</script>&amp;\"'</td>\x00\u202e"


@pytest.fixture
def made() -> Iterator[Bucket]:
    with bucket() as found:
        yield found


def looked(made: Bucket, nights: int = 30) -> Fleet:
    return look(made.records(), NOW, nights, 14)


@pytest.fixture
def six(made: Bucket) -> Fleet:
    """Six accounts, 30 nights: one account is silent, one night failed with 900 tables."""
    for home in HOMES[1:]:
        for days in range(30):
            made.good(home, days, partition="aws")
    made.good(HOMES[0], 2)
    tables = {f"t-{n:03d}": row("failed", reason=f"because of {n}") for n in range(900)}
    made.report(HOMES[1], start(0), night(start(0), tables, partition="aws"))
    return looked(made)


def body_of(page: str) -> ElementTree.Element:
    """Return the page's main part, as XML: what is not closed, or not escaped, is refused."""
    inside = page[page.index("<main>") : page.index("</main>") + 7]
    return ElementTree.fromstring(inside.replace("<br>", "<br/>"))


def text_of(page: str) -> str:
    return "".join(body_of(page).itertext())


def test_every_account_and_night_is_on_it(six: Fleet) -> None:
    page = render(six)
    grid = body_of(page).find(".//table[@class='nights']")
    assert grid is not None
    rows = grid.findall("./tbody/tr")
    assert len(rows) == 6
    assert all(len(each.findall("td")) == 30 for each in rows)
    # the newest first
    assert [cell.get("class") for cell in rows[0].findall("td")][:4] == [
        *("missing", "missing", "good"),
        None,
    ]
    assert "ATTENTION: 1 of 6 nights missing, 900 tables failed" in text_of(page)
    links = [a.get("href", "") for a in grid.iter("a")]
    assert len(links) == 5 * 30
    assert links[0] == (
        "https://us-east-1.console.aws.amazon.com/s3/buckets/central-backups?region=us-east-1"
        f"&prefix=runs/{HOMES[1].account}/us-east-1/2026-11-28T00-00Z/"
    )


def test_it_is_small_whatever_the_number_of_tables(six: Fleet) -> None:
    page = render(six)
    assert len(page.encode()) < 200_000
    assert text_of(page).count("because of") < 900


def test_what_is_no_name_of_a_table_does_no_harm(made: Bucket) -> None:
    tables = {
        HOSTILE: row("failed", reason=HOSTILE),
        "left": row("skipped", replica=True, reason=HOSTILE),
    }
    begin = start(0)
    more = {"deployment": HOSTILE, "alerts": [HOSTILE], "partition": HOSTILE}
    made.report(HOMES[0], begin, night(begin, tables, **more))
    made.report(HOMES[1], begin, b"<script>")
    page = render(looked(made))
    assert page.count("<script>") == 1  # the document's own
    assert "\u202e" not in page
    assert "alert(1)" in text_of(page)


def test_an_empty_fleet_has_a_page(made: Bucket) -> None:
    assert "no deployment has reported" in text_of(render(looked(made)))


def test_on_a_phone_nothing_is_off_the_screen_or_too_small(six: Fleet, tmp_path: Path) -> None:
    need_browser()
    page = tmp_path / "fleet.html"
    page.write_text(render(six), encoding="utf-8")
    smallest = (
        "Math.min(...[...document.querySelectorAll('td,th,li,p,a')]"
        ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    with browser.browser() as found:
        for width in (1280, 390):
            found.show(page, width)
            assert found.ask("document.documentElement.scrollWidth") <= width
            assert found.ask(smallest) >= 12
            assert found.ask("document.body.scrollHeight") < 4000
        # an account's name is in one piece
        rows = "[...document.querySelectorAll('.nights tbody tr')].map(r => r.offsetHeight)"
        assert max(found.ask(rows)) < 60
        # the newest nights are in sight without scrolling, beside the account's name
        right = "document.querySelectorAll('.nights tbody tr td')[4].getBoundingClientRect().right"
        assert found.ask(right) < 390


def test_months_stand_where_they_begin_for_who_reads_from_the_newest_on(made: Bucket) -> None:
    for days in range(40):
        made.good(HOMES[0], days)
    page = render(looked(made, 40))
    heads = re.findall(r'<th scope="col" title="[^"]*">(\d+)<br>(\w*)</th>', page)
    assert [head for head in heads if head[1]] == [("28", "Nov"), ("31", "Oct")]


def test_the_legend_names_the_signs_that_cells_have_and_no_others(made: Bucket) -> None:
    made.good(HOMES[0], 1)
    many = {f"t{n}": row("failed") for n in range(1200)}
    made.report(HOMES[0], start(0), night(start(0), many))
    page = render(looked(made))
    legend = re.search(r'<div class="legend">(.*?)</div>', page)
    assert legend
    assert "<b>&#10003;</b> all backed up" in legend[1]
    assert "<b>F</b>" not in legend[1]
    assert ">1k</span>" in page
