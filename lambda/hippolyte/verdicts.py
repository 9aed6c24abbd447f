"""How a table may end its night, and which of these a person is alerted to."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """How a table ended its night; each table has exactly one."""

    BACKED_UP = "backed_up"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    VANISHED = "vanished"
    UNSUPPORTED = "unsupported"


OVER_BUDGET = "max_night_usd"
"""A skipped table's reason begins so if its backup was wanted, and would have cost too much."""

ALERTING_VERDICTS = frozenset({Verdict.FAILED, Verdict.TIMED_OUT, Verdict.UNSUPPORTED})
"""The verdicts a person is told of; the others are in the report only."""
