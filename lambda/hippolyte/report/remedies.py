"""What to do about a failure: the entry of the runbook that tells it, which begins with a box."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from hippolyte.verdicts import OVER_BUDGET, Verdict

RUNBOOK = "docs/operations.md"
"""Of the repository: what stands for the runbook's address where none is set."""

LEFT_RAISED = "alarm-tables-left-raised"
DRILL = "alarm-drill-failed"
NO_BACKUP = "message-no-backup"
PREFLIGHT = "message-preflight"

# the first that is found tells: a person's doing before what came of it, and the cause before its
# consequences; `attempt 2: ` may stand before any of them
REASONS = (
    (r"by hippolyte release|by somebody|somebody had it paused", "reason-person"),
    (r"(^|: |\()cancelled by ", "reason-cancelled"),
    (rf"^{OVER_BUDGET}: ", "reason-money"),
    (r"^DescribeTable: ", "reason-describe"),
    (r"^table status ", "reason-unsupported"),
    (r"waited for an earlier run ", "reason-earlier-run"),
    (r"its output could not be read: ", "reason-unreadable"),
    (r"made anew before|another one has its name|it is of the table with id ", "reason-made-anew"),
    (r" is of the table .* with id ", "reason-made-anew"),
    (
        r"point-in-time recovery|DynamoDB's export failed|ExportTableToPointInTime: "
        r"|native exports? |DynamoDB had no room|its moment could not be restored"
        r"|DescribeExport says "
        r"|its export (had not begun|cannot be followed)|FilterSpecification",
        "reason-native",
    ),
    (r"(still running at|not begun before|not started before) the deadline", "reason-deadline"),
    (r" is overdue|ran nothing for ", "reason-overdue"),
    (
        r"\b(\w+Pipeline\w*|RunJobFlow|AddJobFlowSteps|StartExecution|StopExecution): "
        r"|its steps are refused|the definition was refused|the deployment has no setting "
        r"|writing its orders|the orders of worker |is to end: |adds nothing to |not available",
        "reason-refused",
    ),
    (r"ended without a word", "reason-link-died"),
    (r"its execution |its worker ended|worker \S+ ended", "reason-execution"),
    (
        r"had no machines|its cluster ended|\bcluster [A-Z_]+: |before its cluster came"
        r"|the pipeline was deleted|^(attempt \d+: )?the (step|activity) is ",
        "reason-machines",
    ),
    (
        r"manifest-(summary|files)\.|not what was written|the summary says |not in the manifest"
        r"|is no file of |segments are in the manifest|files of segment |/data/\S+ of the manifest"
        r"|lies where |lies there with |is not of a scan of |was listed, .* written|follow on "
        r"|bytes were written, not |no listing has it|metadata are not|its last line is no item"
        r"|gzip file|it is gone|json\.gz of the manifest is missing",
        "reason-not-as-written",
    ),
    (r"_SUCCESS is missing|manifest is missing|of the manifest |cut off: ", "reason-output"),
    (r"(^|: )manifest(, line \d+)?: ", "reason-output"),
    (r"items? read, |hold at most |the manifest lists no file", "reason-count"),
    (
        r"when calling the \w+ operation|needs files of |not as it was planned|'s answer: "
        r"|the page after |goes in a circle|while it was read|has no Items|Items is no list"
        r"|is no item$",
        "reason-scan",
    ),
    (r"the deadline has passed", "reason-deadline"),
)
"""Words of a reason, and the anchor of its entry."""

ALERTS = (
    (r"^tables\.always ", "alert-always"),
    (r"tags could not be read", "alert-tags"),
    (r"^no table was found", "alert-no-table"),
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
    (r"replicas? no more, and ", "alert-replica"),
    (r" may be raised, and nobody gives it back: ", "alert-lease"),
    (r"written to before: ", "alert-place-open"),
    (r"where this deployment wrote before, cannot be read", "alert-place-gone"),
    (r"^the places that this deployment", "alert-places"),
    (r"not confirmed the subscription", "alert-unconfirmed"),
    (r"^the subscriptions of ", "alert-subscriptions"),
)
"""Words of an alert, and the anchor of its entry."""


def at(runbook: str | None, anchor: str) -> str:
    """Return the address of an entry; `runbook`: the page's, None: its file in the repository."""
    return f"{runbook or RUNBOOK}#{anchor}"


def of_reason(verdict: str, reason: str) -> str:
    """Return the anchor of a table's reason; of one that is not known, that of all others."""
    if verdict == Verdict.UNSUPPORTED:
        return "reason-unsupported"
    return _entry(REASONS, reason, "reason-other")


def of_alert(alert: str) -> str:
    """Return the anchor of an alert; of one that is not known, that of all others."""
    return _entry(ALERTS, alert, "alert-other")


def told(rows: Iterable[tuple[str, str]], runbook: str | None) -> list[str]:
    """Return rows, each a line and its anchor: the entry once after the last of those it is of."""
    lines = []
    for (row, entry), (_, following) in pairwise([*rows, ("", "")]):
        lines.append(row if entry == following else f"{row}\n      {do(runbook, entry)}")
    return lines


def do(runbook: str | None, anchor: str) -> str:
    """Return the line of a message that leads to an entry."""
    return f"what to do: {at(runbook, anchor)}"


def _entry(entries: Iterable[tuple[str, str]], text: str, otherwise: str) -> str:
    return next((anchor for words, anchor in entries if re.search(words, text)), otherwise)
