"""What to do: each kind of failure leads to an entry of the runbook that is there."""

from __future__ import annotations

import re

import pytest

from hippolyte.report.remedies import (
    ALERTS,
    DRILL,
    LEFT_RAISED,
    REASONS,
    RUNBOOK,
    of_alert,
    of_reason,
    told,
)
from tools.tf import REPOSITORY

_ENTRY = re.compile(r'^\| <a id="((?:reason|alert)-[a-z-]+)"></a>(.*?) \| ', re.MULTILINE)


def text_of(document: str) -> str:
    return (REPOSITORY / document).read_text(encoding="utf-8")


def anchors(document: str) -> set[str]:
    """The headings of a document as GitHub makes anchors of them, and its own."""
    text = text_of(document)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
    return made | set(re.findall(r'<a id="([^"]+)"></a>', text))


def entries() -> list[tuple[str, str]]:
    """Each example of the runbook, with its entry's anchor; dots stand for something."""
    return [
        (anchor, re.sub(r"\bn\b", "7", re.sub(r"\.\.\.|<\w+>", "x", example)))
        for anchor, cell in _ENTRY.findall(text_of(RUNBOOK))
        for example in re.findall(r"`([^`]+)`", cell)
        if example not in ("timed_out", "skipped")  # verdicts, and no reasons
    ]


@pytest.mark.parametrize(
    "entry",
    [
        LEFT_RAISED,
        DRILL,
        of_reason("failed", "nobody knows this reason"),
        of_alert("nobody knows this alert"),
        of_reason("unsupported", "the table is ARCHIVED"),
        *(f"{RUNBOOK}#{anchor}" for _, anchor in (*REASONS, *ALERTS)),
        *(f"{RUNBOOK}#{a}" for a in ("before-the-first-night", "run-a-night-now")),
        f"{RUNBOOK}#what-a-night-may-cost",
    ],
)
def test_every_entry_is_there(entry: str) -> None:
    document, _, anchor = entry.partition("#")
    assert anchor in anchors(document)


def test_every_entry_of_the_runbook_is_led_to() -> None:
    known = {anchor for _, anchor in (*REASONS, *ALERTS)} | {"reason-unsupported"}
    assert {anchor for anchor, _ in entries()} == known


@pytest.mark.parametrize(("anchor", "example"), entries())
def test_the_runbooks_own_words_lead_to_their_entry(anchor: str, example: str) -> None:
    kind = "unsupported" if example == "unsupported" else "failed"
    found = of_alert(example) if anchor.startswith("alert-") else of_reason(kind, example)
    assert found == f"{RUNBOOK}#{anchor}"


def test_what_to_do_is_said_once_after_those_it_is_of() -> None:
    assert told([("a", "x"), ("b", "x"), ("c", "y")]) == [
        "a",
        "b\n      what to do: x",
        "c\n      what to do: y",
    ]
    assert told([]) == []
