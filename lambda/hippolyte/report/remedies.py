"""What to do about a failure: the entry of the runbook that tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from hippolyte.verdicts import Verdict

RUNBOOK = "docs/operations.md"

LEFT_RAISED = f"{RUNBOOK}#see-what-is-raised"
DRILL = "docs/drill.md#a-drill-that-failed"

# the first that is found tells: a person's doing before what came of it
REASONS = (
    (r"by hippolyte release|by somebody|^somebody had it paused", "reason-person"),
    (r"^cancelled by ", "reason-cancelled"),
    (r"^max_night_usd: ", "reason-money"),
    (r"^DescribeTable: ", "reason-describe"),
    (r"is overdue|ran nothing for ", "reason-overdue"),
    (r"CreatePipeline: |not available", "reason-pipeline"),
    (r"ended without a word", "reason-link-died"),
    (r"its execution ended as ", "reason-execution"),
    (r"manifest-summary\.json|not what was written|the files hold ", "reason-not-as-written"),
    (r"is missing|of the manifest missing|\bempty\b|cut off", "reason-output"),
    (r"items read.* missing", "reason-count"),
    (r"^still running at the deadline", "reason-deadline"),
)
"""Words of a reason, and the anchor of its entry."""

ALERTS = (
    (r"^tables\.always ", "alert-always"),
    (r"tags could not be read", "alert-tags"),
    (r"empty tonight: it was made anew", "alert-made-anew"),
    (r"empty tonight", "alert-empty"),
    (r"are missing; believed", "alert-believed"),
    (r"backup of tonight is damaged", "alert-damaged"),
    (r"^batch .* does not end", "alert-does-not-end"),
    (r"^the run was cancelled", "alert-cancelled"),
    (r"^restore_drill\.canary ", "alert-canary"),
    (r"^restore drill: ", "alert-drill"),
    (r"^hippolyte-drill-", "alert-drill-left"),
    (r"^max_night_usd ", "alert-money"),
    (r" may be raised, and nobody gives it back: ", "alert-lease"),
    (r"written to before: ", "alert-place-open"),
    (r"where this deployment wrote before, cannot be read", "alert-place-gone"),
    (r"^the places that this deployment", "alert-places"),
    (r"not confirmed the subscription", "alert-unconfirmed"),
    (r"^the subscriptions of ", "alert-subscriptions"),
)
"""Words of an alert, and the anchor of its entry."""


def of_reason(verdict: str, reason: str) -> str:
    """Return the entry of a table's reason; of one that is not known, the table of reasons."""
    if verdict == Verdict.UNSUPPORTED:
        return f"{RUNBOOK}#reason-unsupported"
    return _entry(REASONS, reason, "reasons-of-a-table")


def of_alert(alert: str) -> str:
    """Return the entry of an alert; of one that is not known, the table of alerts."""
    return _entry(ALERTS, alert, "to-be-looked-at")


def told(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return rows, each a line and its entry: the entry once after the last of those it is of."""
    lines = []
    for (row, entry), (_, following) in pairwise([*rows, ("", "")]):
        lines.append(row if entry == following else f"{row}\n      what to do: {entry}")
    return lines


def _entry(entries: Iterable[tuple[str, str]], text: str, otherwise: str) -> str:
    found = (anchor for words, anchor in entries if re.search(words, text))
    return f"{RUNBOOK}#{next(found, otherwise)}"
