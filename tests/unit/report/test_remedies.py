"""What to do: each kind of failure leads to an entry of the runbook that is there, box first."""

from __future__ import annotations

import re

import pytest

from hippolyte.report import remedies
from hippolyte.report.fleet_message import ENTRIES
from hippolyte.report.remedies import ALERTS, REASONS, RUNBOOK, at, of_alert, of_reason, told
from hippolyte.verdicts import Verdict
from tests.support.reasons import REASONS_MADE, unsampled
from tools.tf import REPOSITORY

TEXT = (REPOSITORY / RUNBOOK).read_text(encoding="utf-8")
_ENTRY = re.compile(r'^<a id="((?:reason|alert)-[a-z-]+)"></a>\n(.*)$', re.MULTILINE)
_OTHERS = {"reason-other", "alert-other"}
SLUG = re.compile(r"[^\w -]")


def sections() -> dict[str, str]:
    """What stands below each heading (as GitHub makes anchors of them) and each anchor."""
    parts = re.split(r'^(?:#+ (.*)|<a id="([^"]+)"></a>)$', TEXT, flags=re.MULTILINE)[1:]
    return {
        anchor or SLUG.sub("", heading.lower()).replace(" ", "-"): body
        for heading, anchor, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    }


def examples() -> list[tuple[str, str]]:
    """Each example of the runbook, with its entry's anchor; dots stand for something."""
    return [
        (anchor, re.sub(r"\bn\b", "7", re.sub(r"\.\.\.|<\w+>", "x", example)))
        for anchor, line in _ENTRY.findall(TEXT)
        for example in re.findall(r"`([^`]+)`", line.partition("`: ")[0].partition("` (")[0] + "`")
    ]


ANCHORS = sorted(
    {
        *(anchor for _, anchor in (*REASONS, *ALERTS)),
        *(remedies.LEFT_RAISED, remedies.DRILL, remedies.NO_BACKUP, remedies.PREFLIGHT),
        *ENTRIES.values(),
        *_OTHERS,
        of_reason(Verdict.UNSUPPORTED, "table status ARCHIVED"),
    }
)


@pytest.mark.parametrize("anchor", ANCHORS)
def test_every_entry_is_there_and_begins_with_what_to_do(anchor: str) -> None:
    below = sections()[anchor]
    if anchor.startswith(("reason-", "alert-")):
        # what it is, in a line
        _, _, below = below.lstrip("\n").partition("\n")
    assert below.lstrip("\n").startswith("> **Do this:**")


def test_every_entry_of_the_runbook_is_led_to() -> None:
    assert {anchor for anchor, _ in _ENTRY.findall(TEXT)} == {
        anchor for anchor in ANCHORS if anchor.startswith(("reason-", "alert-"))
    }


@pytest.mark.parametrize(("anchor", "example"), examples())
def test_the_runbooks_own_words_lead_to_their_entry(anchor: str, example: str) -> None:
    if anchor.startswith("alert-"):
        assert of_alert(example) == anchor
        return
    for reason in (example, f"attempt 2: {example}"):
        if anchor not in ("reason-money", "reason-describe", "reason-unsupported"):
            assert of_reason("failed", reason) == anchor
    assert of_reason("failed", example) == anchor


@pytest.mark.parametrize(("reason", "anchor"), REASONS_MADE)
def test_every_reason_leads_to_its_entry(reason: str, anchor: str) -> None:
    assert of_reason("failed", reason) == anchor


def test_no_reason_that_the_code_makes_is_without_a_sample() -> None:
    assert unsampled() == []


def test_a_table_that_allows_no_read_has_an_entry_of_its_own() -> None:
    assert of_reason(Verdict.UNSUPPORTED, "table status ARCHIVED") == "reason-unsupported"


def test_what_nobody_knows_leads_to_a_box_too() -> None:
    assert of_reason("failed", "nobody knows this reason") == "reason-other"
    assert of_alert("nobody knows this alert") == "alert-other"


def test_what_to_do_is_said_once_after_those_it_is_of() -> None:
    assert told([("a", "x"), ("b", "x"), ("c", "y")], None) == [
        "a",
        "b\n      what to do: docs/operations.md#x",
        "c\n      what to do: docs/operations.md#y",
    ]
    assert told([], None) == []


def test_a_runbook_with_an_address_is_a_link() -> None:
    runbook = "https://wiki.example.com/runbook"
    assert told([("a", "x")], runbook) == [f"a\n      what to do: {runbook}#x"]
    assert at(runbook, "x") == f"{runbook}#x"
