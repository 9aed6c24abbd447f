"""Reports that nobody should have written: any text, missing members, values of other types.

A page and a message are made of them, or it is said in words that they cannot be.
"""

from __future__ import annotations

import copy
import itertools
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippolyte.errors import ConfigurationError
from hippolyte.record_form import known_form
from hippolyte.report.message import forms, text
from hippolyte.report.older import filled
from hippolyte.report.page import render
from hippolyte.report.texts import a_line, named, plain, shown
from hippolyte.verdicts import Verdict
from tests.support.night_reports import night_report, some_of_everything, with_texts
from tests.support.pages import Page, any_text

ODD = [None, True, 0, -1, 1e308, float("nan"), float("inf"), 10**30, "", "x"]
ODD += ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", [], [None], ["x"], [[]], [{}]]
ODD += [{}, {"x": None}, {"x": {}}]
GONE = object()


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value of a report is; of a list the first."""
    if above:
        yield above
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*above, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*above, 0))


WHOLE = some_of_everything()


@pytest.mark.parametrize("part", sorted({place[0] for place in places(WHOLE)}))
def test_what_is_missing_or_of_another_type_is_shown_or_refused_in_words(part: str) -> None:
    for place in (each for each in places(WHOLE) if each[0] == part):
        for value in (GONE, *ODD):
            report = copy.deepcopy(WHOLE)
            inside: Any = report
            for key in place[:-1]:
                inside = inside[key]
            if value is GONE:
                del inside[place[-1]]
            else:
                inside[place[-1]] = value
            try:
                with known_form("the report"):
                    page = render(report)
                    said = text(filled(report), "s3://backups/report.json")
                    said += "".join(forms(filled(report)))
            except ConfigurationError as error:
                assert "the report has a form" in str(error) or "is not a time" in str(error)
            else:
                assert Page(page).tags.count("script") == 1, (place, value)
                said.encode()


@pytest.mark.parametrize("engine", ["lambda", "emr", "datapipeline"])
@settings(max_examples=40, deadline=None)
@given(st.lists(any_text, min_size=1, max_size=40))
def test_whatever_the_texts_are_the_page_is_the_same_elements(
    engine: str, texts: list[str]
) -> None:
    report = some_of_everything(engine)
    fine = with_texts(report, map(str, itertools.count()))
    odd = with_texts(report, itertools.cycle(texts))
    made, usual = Page(render(odd)), Page(render(fine))
    assert set(made.tags) - {"bdi"} <= set(usual.tags)
    assert made.tags.count("script") == usual.tags.count("script") == 1
    assert {name for name, _ in made.attributes} <= {name for name, _ in usual.attributes}
    assert not [v for n, v in made.attributes if n == "href" and not str(v).startswith("https://")]
    assert not hidden(made.text)
    assert not hidden(text(odd, "s3://backups/report.json"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x0b", "\x85", "\u2028"])
def test_no_text_adds_a_line_to_the_message(end: str) -> None:
    report = with_texts(some_of_everything(), itertools.repeat(f"x{end}forged: all is well"))
    said = text(report, "s3://backups/report.json")
    assert "forged" in said
    assert not [line for line in said.splitlines() if line.startswith("forged")]


def hidden(said: str) -> set[str]:
    """What of a text nobody sees, or turns the order of what is seen."""
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return {letter for letter in said if unicodedata.category(letter) in kinds} - {"\n", "\t"}


@given(st.text())
def test_a_text_of_anybody_s_has_nothing_hidden(words: str) -> None:
    for made in (plain(words), shown(words), named(words), a_line(words)):
        assert not hidden(made)
    assert not {"\n", "\t"} & set(a_line(words))


@pytest.mark.parametrize(
    "letter",
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b\u200c\u200d"
    "\u2060\ufeff\u00ad\u034f\u115f\u3164\uffa0\u2800\u180e\U000e0041\x00\x07\x1b\x7f\x85\u2028",
)
def test_what_hides_or_turns_letters_is_seen(letter: str) -> None:
    report = night_report(["orders"], orders={"reason": f"a{letter}b", "verdict": Verdict.FAILED})
    report["tables"][f"user{letter}s"] = report["tables"]["orders"]
    for made in (render(report), text(report, "s3://b/report.json")):
        assert letter not in made
        assert "user\N{REPLACEMENT CHARACTER}s" in made or "user s" in made
